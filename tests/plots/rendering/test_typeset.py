"""Lines put together of words are those that matplotlib sets as a whole."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.font_manager import FontProperties
from numpy.typing import NDArray

from lumimod.plots.rendering import typeset
from lumimod.plots.rendering.typeset import Line, line_of

DPI = 150.0
TEXTS = (
    "0.5", "−1000", "ATLAS", "fill 5845, of 12", "AVA 10³⁴ and W", "emittances [µm]", "a − b",
    " a", "a ", " ", "−", '"', "· ^", "β* 30 cm", "IP1: 300 µrad,  constant",
)  # fmt: skip


def font(size: float) -> FontProperties:
    return FontProperties(size=size)


def set_line(text: str, size: float = 12.0) -> Line:
    line = line_of(text, font(size), DPI)
    assert line is not None
    return line


def drawn(text: str, size: float) -> tuple[NDArray[np.int64], int]:
    """Return how matplotlib covers pixels with a text, and how many rows are below its base."""
    renderer = RendererAgg(900, 200, DPI)
    gc = renderer.new_gc()
    renderer.draw_text(gc, 50, 100, text, font(size), 0.0)
    return np.asarray(renderer.buffer_rgba())[..., 3].astype(np.int64), 100


def pasted(line: Line) -> NDArray[np.int64]:
    """Return how a line covers the pixels of `drawn`."""
    cover, below = line.cover()
    rows, columns = cover.shape
    whole = np.zeros((200, 900), np.int64)
    whole[100 + below - rows : 100 + below, 50 : 50 + columns] = cover
    return whole


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    typeset._word.cache_clear()
    yield
    typeset._word.cache_clear()


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("size", [9.3, 20.0])
def test_the_size_is_that_of_the_whole(text: str, size: float) -> None:
    whole = RendererAgg(1, 1, DPI).get_text_width_height_descent(text, font(size), False)
    assert set_line(text, size)[:3] == whole


@pytest.mark.parametrize("text", ["0.5", "−1000", "ATLAS", "fill 5845, of 12", "W 10³⁴"])
@pytest.mark.parametrize("size", [9.3, 20.0])
def test_letters_are_where_they_are_in_the_whole(text: str, size: float) -> None:
    theirs, _ = drawn(text, size)
    mine = pasted(set_line(text, size))
    assert (theirs > 0).any()
    assert (np.abs(mine - theirs) > 3).sum() <= 0.02 * (theirs > 0).sum()


def test_words_behind_kerned_letters_move_by_half_a_pixel_at_most() -> None:
    line = set_line("AVA WAV 10", 20.0)
    widths = np.cumsum([0, *(word.advance for _, word in line.words)]) / 64
    assert any(width % 1 for width in widths[:-1])
    assert np.abs(widths[:-1] - [column for column, _ in line.words]).max() <= 0.5
    theirs, _ = drawn("AVA WAV 10", 20.0)
    mine = pasted(line)
    columns = np.arange(900)
    centres = [(one * columns).sum() / one.sum() for one in (mine, theirs)]
    assert centres[0] == pytest.approx(centres[1], abs=0.5)
    assert mine.sum() == pytest.approx(theirs.sum(), rel=0.02)


def test_a_word_is_set_once_for_all_texts() -> None:
    set_line("beam 1 of 12")
    before = typeset._word.cache_info().misses
    set_line("12 of beam 1")
    assert typeset._word.cache_info().misses == before
    set_line("beam 1 of 12", 13.0)
    assert typeset._word.cache_info().misses > before


@pytest.mark.parametrize("text", ["\N{CJK UNIFIED IDEOGRAPH-4E00}", "fill jury", "_ g", ""])
def test_what_it_cannot_set_is_left_to_matplotlib(text: str) -> None:
    assert line_of(text, font(12.0), DPI) is None
