# mypy: disable-error-code="no-untyped-call"
"""Lines of text, put together of words that are drawn once.

A font takes 20 µs to load a letter. The texts of 45 pictures have 28,000 to measure and draw, but
their words 6,000: pictures take 7.5 % less CPU time.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.backends.backend_agg import get_hinting_flag
from matplotlib.font_manager import FontProperties, findfont, get_font
from numpy.typing import NDArray

_MOST_WORDS = 6000
"""Words that are kept: those of two fills, some 1 kB each."""
_MOST_FACES = 100
_PARTS = 64
"""Fonts measure in parts of a pixel."""


class Face(NamedTuple):
    """A font of a size."""

    path: str
    points: float
    dpi: float


class Word(NamedTuple):
    """A word as it is drawn and measured, lengths in parts of a pixel."""

    cover: NDArray[np.uint8]
    """How far each pixel is covered, rows from the top, columns from where the word begins."""
    advance: int
    """From where the word begins to where the next letter would."""
    above: int
    """How far letters reach above the base line."""
    below: int
    """How far letters reach below the base line."""
    rows_below: int
    """Rows of `cover` below the base line."""


class Line(NamedTuple):
    """A line of text, lengths in pixels."""

    width: float
    height: float
    descent: float
    """How far it reaches below the base line."""
    words: Sequence[tuple[int, Word]]
    """In which column each word begins."""

    def cover(self) -> tuple[NDArray[np.uint8], int]:
        """Return how far each pixel is covered, rows from the top, and rows below the base line."""
        below = max(word.rows_below for _, word in self.words)
        above = max(word.cover.shape[0] - word.rows_below for _, word in self.words)
        width = max(column + word.cover.shape[1] for column, word in self.words)
        whole = np.zeros((above + below, width), np.uint8)
        for column, word in self.words:
            rows, columns = word.cover.shape
            top = above + word.rows_below - rows
            part = whole[top : top + rows, column : column + columns]
            np.maximum(part, word.cover, out=part)
        return whole, below


def line_of(text: str, font: FontProperties, dpi: float) -> Line | None:
    """Return a text set in one line.

    None of what is left to matplotlib: nothing, letters that the font lacks, and words that begin
    left of their place, as with a j. The size is that of the text set as a whole. Words begin on
    whole pixels: where kerned letters come before one, it moves by up to half a pixel.
    """
    face = Face(findfont(font), font.get_size_in_points(), dpi)
    if not _letters_of(face.path).issuperset(text):
        return None
    width, words = 0, []
    for part in re.findall(" |[^ ]+", text):
        word = _word(part, face)
        if word is None:
            return None
        words.append((round(width / _PARTS), word))
        width += word.advance
    if not words:
        return None
    above = max(word.above for _, word in words)
    below = max(word.below for _, word in words)
    return Line(width / _PARTS, (above + below) / _PARTS, below / _PARTS, words)


@functools.lru_cache(_MOST_WORDS)
def _word(text: str, face: Face) -> Word | None:
    """Return a word or a space as it is drawn; None if it begins left of its place, as a j does."""
    font = get_font(face.path)
    font.set_size(face.points, face.dpi)
    # With a space behind it nothing is cut at its right end, and it begins at its origin.
    width, height, below = _measured(font, f"{text} ")
    font.draw_glyphs_to_bitmap(antialiased=True)
    left, up = font.get_bitmap_offset()
    if left < 0:  # it would be moved by part of a pixel
        return None
    cover = np.array(font.get_image())
    rows_below = 1 + round((up + below) / _PARTS)
    if not any(letter.isascii() and letter.isalnum() for letter in text):
        # Letters and figures reach to the base line, as the space does; what else may not.
        _, height, below = _measured(font, text)
    return Word(cover, width - _space(face), height - below, below, rows_below)


@functools.lru_cache(_MOST_FACES)
def _space(face: Face) -> int:
    """Return how wide a space is, in a font whose size is set."""
    return _measured(get_font(face.path), " ")[0]


def _measured(font: Any, text: str) -> tuple[int, int, int]:
    """Set a text in a font; return how wide it is, how high, and how far below the base line."""
    font.set_text(text, 0.0, flags=get_hinting_flag())
    width, height = font.get_width_height()
    return width, height, font.get_descent()


@functools.lru_cache(8)
def _letters_of(path: str) -> frozenset[str]:
    """Return the letters that a font has."""
    return frozenset(map(chr, get_font(path).get_charmap()))
