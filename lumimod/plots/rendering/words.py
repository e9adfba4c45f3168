# mypy: disable-error-code="no-untyped-call"
"""Words of the same look at many places, such as the numbers of an axis.

Where the lines of a word are around its place is found once; matplotlib would find it again for
each number of each picture.
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


_LAYOUTS: dict[Hashable, list[_Line]] = {}


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


def draw_many(renderer: Any, like: Text, places: FloatArray, words: Sequence[str]) -> None:
    """Draw words that look like a text at places, (n, 2), pixels from the lower left corner."""
    if not isinstance(renderer, TextRenderer):
        _draw_each(renderer, like, places, words)
        return
    gc = renderer.new_gc()
    gc.set_foreground(to_rgba(like.get_color()), isRGBA=True)
    gc.set_alpha(like.get_alpha())  # type: ignore[arg-type]
    font, angle = like.get_fontproperties(), like.get_rotation()
    for (x, y), word in zip(places, words):
        for line in _layout(renderer, like, word):
            down = renderer.height - y + line.down
            renderer.draw_text(gc, x + line.right, down, line.text, font, angle, line.is_math)
    gc.restore()


def _draw_each(renderer: Any, like: Text, places: FloatArray, words: Sequence[str]) -> None:
    to_data = like.get_transform().inverted()
    for place, word in zip(places, words):
        like.set_position(tuple(to_data.transform(place)))
        like.set_text(word)
        like.draw(renderer)


def _layout(renderer: TextRenderer, like: Text, word: str) -> list[_Line]:
    """Return the lines of a word that looks like a text."""
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
        at = x, renderer.height - y
        _LAYOUTS[key] = [
            line._replace(right=line.right - at[0], down=line.down - at[1])
            for line in recorder.lines
        ]
    return _LAYOUTS[key]
