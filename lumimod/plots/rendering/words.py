# mypy: disable-error-code="no-untyped-call"
"""Words of the same look at many places, such as the numbers of an axis.

Where the lines of a word are around its place is found once, and which box they fill; matplotlib
would find it again for each number of each picture.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from matplotlib.colors import to_rgba

from lumimod.plots.rendering.canvas import MOST_TEXTS, TextRenderer

if TYPE_CHECKING:
    from matplotlib.text import Text

    from lumimod.arrays import FloatArray


class _Line(NamedTuple):
    """A line of a word: where it is from the place of the word, in pixels right and down."""

    right: float
    down: float
    text: str
    is_math: bool


class Box(NamedTuple):
    """The box of a word, in pixels from the lower left corner."""

    x0: float
    y0: float
    x1: float
    y1: float

    def moved(self, right: float, up: float) -> Box:
        """Return the box elsewhere."""
        return Box(self.x0 + right, self.y0 + up, self.x1 + right, self.y1 + up)


class _Layout(NamedTuple):
    """The lines of a word, and its box around its place."""

    lines: list[_Line]
    box: Box


_LAYOUTS: dict[Hashable, _Layout] = {}


class _Recorder:
    """Stands for a renderer and takes down what it is told to write."""

    def __init__(self, renderer: TextRenderer) -> None:
        self._renderer = renderer
        self.lines: list[_Line] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._renderer, name)

    def draw_text(
        self, _gc: Any, x: float, y: float, text: str, _font: Any, _angle: float, *, ismath: Any,
        **_: Any,
    ) -> None:  # fmt: skip
        self.lines.append(_Line(x, y, text, bool(ismath)))


def draw_many(renderer: Any, like: Text, places: FloatArray, words: Sequence[str]) -> list[Box]:
    """Draw words that look like a text at places, (n, 2), pixels from the lower left corner.

    Return the box of each.
    """
    if not isinstance(renderer, TextRenderer):
        return [_draw_one(renderer, like, *of) for of in zip(places, words)]
    gc = renderer.new_gc()
    gc.set_foreground(to_rgba(like.get_color()), isRGBA=True)
    gc.set_alpha(like.get_alpha())  # type: ignore[arg-type]
    font, angle = like.get_fontproperties(), like.get_rotation()
    boxes = []
    for (x, y), word in zip(places, words):
        layout = _layout(renderer, like, word)
        boxes.append(layout.box.moved(x, y))
        for line in layout.lines:
            down = renderer.height - y + line.down
            renderer.draw_text(gc, x + line.right, down, line.text, font, angle, line.is_math)
    gc.restore()
    return boxes


def _draw_one(renderer: Any, like: Text, place: FloatArray, word: str) -> Box:
    like.set_position(tuple(like.get_transform().inverted().transform(place)))
    like.set_text(word)
    like.draw(renderer)
    return Box(*like.get_window_extent(renderer).extents)


def _layout(renderer: TextRenderer, like: Text, word: str) -> _Layout:
    """Return the layout of a word that looks like a text."""
    alignment = like.get_horizontalalignment(), like.get_verticalalignment()
    look = like.get_fontproperties().copy(), renderer.dpi, like.get_rotation(), alignment
    key = (word, *look)
    if key not in _LAYOUTS:
        if len(_LAYOUTS) >= MOST_TEXTS:
            _LAYOUTS.clear()
        like.set_text(word)
        recorder = _Recorder(renderer)
        like.draw(recorder)  # type: ignore[arg-type]
        x, y = like.get_transform().transform(like.get_position())
        down = renderer.height - y
        lines = [
            line._replace(right=line.right - x, down=line.down - down) for line in recorder.lines
        ]
        box = Box(*like.get_window_extent(renderer).extents)
        _LAYOUTS[key] = _Layout(lines, box.moved(-x, -y))
    return _LAYOUTS[key]
