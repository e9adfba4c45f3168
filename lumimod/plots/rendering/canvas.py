# mypy: disable-error-code="no-untyped-call"
# matplotlib does not say the types of its renderers.
"""The canvas of pictures: text that was drawn once is drawn again as an image.

Ticks, legends and titles are most of the time that a picture takes, and pictures of a fill have
most of their words in common.
"""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg, RendererAgg

from lumimod.plots.rendering.typeset import Line, line_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from matplotlib.font_manager import FontProperties
    from numpy.typing import NDArray

MOST_TEXTS = 3000
"""Texts that are kept: those of two fills, some 20 kB each."""
ROOM_PX = 3
"""Letters may reach beyond the size that is said of their text."""


class TextImage(NamedTuple):
    """A text as an image, and where its start on the base line is in it."""

    rgba: NDArray[np.uint8]
    """Rows from the bottom, as `draw_image` wants them."""
    left: int
    below: int


@functools.lru_cache(MOST_TEXTS)
def _size_of(
    text: str, font: FontProperties, is_math: bool, dpi: float
) -> tuple[float, float, float]:
    """Return width, height and descent of a text in pixels."""
    line = None if is_math else line_of(text, font, dpi)
    if line is not None:
        return line.width, line.height, line.descent
    size: tuple[float, float, float] = _smallest(dpi).get_text_width_height_descent(
        text, font, is_math
    )
    return size


@functools.lru_cache(8)
def _smallest(dpi: float) -> RendererAgg:
    """Return a renderer of one pixel, to measure with."""
    return RendererAgg(1, 1, dpi)


@functools.lru_cache(MOST_TEXTS)
def _image_of(
    text: str,
    font: FontProperties,
    is_math: bool,
    dpi: float,
    upright: bool,
    rgb: tuple[float, float, float],
    alpha: float,
) -> TextImage:
    """Return a text drawn on nothing, horizontal or upright."""
    line = None if is_math or alpha != 1.0 else line_of(text, font, dpi)
    if line is not None:
        return _put_together(line, upright, rgb)
    width, height, descent = _size_of(text, font, is_math, dpi)
    along, above, below = (math.ceil(n) + ROOM_PX for n in (width, height - descent, descent))
    # (left, right, above, below) of the start of the base line
    box = (above, below, along, ROOM_PX) if upright else (ROOM_PX, along, above, below)
    renderer = RendererAgg(box[0] + box[1], box[2] + box[3], dpi)
    gc = renderer.new_gc()
    gc.set_foreground(rgb)
    gc.set_alpha(alpha)
    angle = 90.0 if upright else 0.0
    renderer.draw_text(gc, box[0], box[2], text, font, angle, is_math)
    rgba = np.asarray(renderer.buffer_rgba())[::-1].copy()
    return TextImage(rgba, box[0], box[3])


def _put_together(line: Line, upright: bool, rgb: tuple[float, float, float]) -> TextImage:
    cover, below = line.cover()
    left = cover.shape[0] - below if upright else 0
    cover = np.rot90(cover) if upright else cover
    rgba = np.empty((*cover.shape, 4), np.uint8)
    rgba[..., :3] = [round(255 * part) for part in rgb]
    rgba[..., 3] = cover[::-1]
    return TextImage(rgba, left, 0 if upright else below)


class TextRenderer(RendererAgg):
    """Draws each text once; drawn again, it is an image."""

    def get_text_width_height_descent(
        self, s: str, prop: FontProperties, ismath: Any
    ) -> tuple[float, float, float]:
        """Return width, height and descent of a text in pixels."""
        if ismath == "TeX":
            size: tuple[float, float, float] = super().get_text_width_height_descent(
                s, prop, ismath
            )
            return size
        return _size_of(s, prop.copy(), bool(ismath), self.dpi)

    def draw_text(
        self, gc: Any, x: float, y: float, s: str, prop: FontProperties, angle: float,
        ismath: Any = False, mtext: Any = None,
    ) -> None:  # fmt: skip
        """Draw a text whose base line starts at (x, y), y from the top."""
        if angle % 90 or angle % 360 > 90:
            super().draw_text(gc, x, y, s, prop, angle, ismath, mtext)
            return
        look = angle % 360 == 90, tuple(gc.get_rgb()[:3]), gc.get_alpha()
        image = _image_of(s, prop.copy(), bool(ismath), self.dpi, *look)
        bottom = self.height - round(y) - image.below
        self.draw_image(gc, round(x) - image.left, bottom, image.rgba)


class PictureCanvas(FigureCanvasAgg):
    """A canvas that draws with `TextRenderer`."""

    _drawn_for: tuple[float, float, float] | None = None

    def get_renderer(self) -> RendererAgg:
        """Return the renderer of the figure at its size; a new one only if that changes."""
        width, height = self.get_width_height(physical=True)
        key = (width, height, self.figure.dpi)
        if key != self._drawn_for:
            self.renderer = TextRenderer(width, height, self.figure.dpi)
            self._drawn_for = key
        return self.renderer


def drawn(figure: Figure, dpi: float) -> NDArray[np.uint8]:
    """Return the pixels of a figure, (height, width, 4), red, green, blue and opacity."""
    figure.set_dpi(dpi)
    canvas = figure.canvas if isinstance(figure.canvas, PictureCanvas) else PictureCanvas(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())
