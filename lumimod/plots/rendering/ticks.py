"""Axes whose ticks are drawn together.

matplotlib makes five artists for each tick. Here one tick says how all of them look: marks are one
line, the grid is one line, and numbers are one text that is drawn at each place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axis import XAxis, YAxis
from matplotlib.lines import Line2D
from matplotlib.ticker import NullLocator

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.text import Text

    from lumimod.arrays import FloatArray


class _QuickTicks:
    """How the axis draws itself; what is not usual is left to matplotlib."""

    def draw(self: Any, renderer: Any) -> None:
        """Draw grid, marks, numbers and label."""
        if not self.get_visible():
            return
        locs = np.asarray(self.get_majorticklocs(), float)
        words = self.get_major_formatter().format_ticks(locs)
        usual = isinstance(self.get_minor_locator(), NullLocator)
        if not usual or self.get_major_formatter().get_offset():
            super().draw(renderer)  # type: ignore[misc]
            return
        renderer.open_group("axis", gid=self.get_gid())
        low, high = sorted(self.get_view_interval())
        near = 1e-9 * (high - low)
        seen = [low - near <= loc <= high + near for loc in locs]
        words = [word for word, inside in zip(words, seen) if inside]
        edges = self._draw_ticks(renderer, locs[seen], words)
        self._place_label(edges)
        self.label.draw(renderer)
        renderer.close_group("axis")
        self.stale = False

    def _draw_ticks(
        self: Any, renderer: Any, locs: FloatArray, words: list[str]
    ) -> list[tuple[float, float]]:
        """Draw all but the label; return from where to where it reaches across the axis."""
        if not locs.size:
            return []
        [tick] = self.get_major_ticks(1)
        ends, gaps = np.array([0.0, 1.0, np.nan]), np.repeat(locs, 3)
        if tick.gridline.get_visible():
            self._draw_line(renderer, tick.gridline, gaps, np.tile(ends, locs.size))
        for mark, side in ((tick.tick1line, 0.0), (tick.tick2line, 1.0)):
            if mark.get_visible():
                self._draw_line(renderer, mark, locs, np.full(locs.size, side))
        labels = [label for label in (tick.label1, tick.label2) if label.get_visible()]
        reach = [self._draw_numbers(renderer, label, locs, words) for label in labels]
        return [*reach, self._reach_of_marks(tick)]

    def _reach_of_marks(self: Any, tick: Any) -> tuple[float, float]:
        """Return from where to where marks reach across the axis."""
        low, high = self._across()
        length = tick.get_tick_padding() * self.axes.figure.dpi / 72
        return (
            low - length * tick.tick1line.get_visible(),
            high + length * tick.tick2line.get_visible(),
        )

    def _across(self: Any) -> tuple[float, float]:
        """Return from where to where the panel reaches across the axis."""
        box = self.axes.bbox
        return (box.y0, box.y1) if self.axis_name == "x" else (box.x0, box.x1)

    def _draw_line(
        self: Any, renderer: Any, like: Line2D, along: FloatArray, across: FloatArray
    ) -> None:
        line = Line2D(*((along, across) if self.axis_name == "x" else (across, along)))
        line.update_from(like)
        line.set_transform(like.get_transform())
        line.set_figure(self.axes.figure)
        line.axes = self.axes
        line.set_clip_path(like.get_clip_path())
        line.draw(renderer)

    def _draw_numbers(
        self: Any, renderer: Any, label: Text, locs: FloatArray, words: list[str]
    ) -> tuple[float, float]:
        is_x = self.axis_name == "x"
        move = label.set_x if is_x else label.set_y
        largest = max(words, key=lambda word: word.count("\n") if is_x else len(word))
        reach = (0.0, 0.0)
        for loc, word in zip(locs, words):
            move(loc)
            label.set_text(word)
            label.draw(renderer)
            if word is largest:
                box = label.get_window_extent(renderer)
                reach = (box.y0, box.y1) if is_x else (box.x0, box.x1)
        return reach

    def _place_label(self: Any, edges: list[tuple[float, float]]) -> None:
        """Put the label beside the numbers, unless a place was set for it."""
        if not getattr(self, "_autolabelpos", True) or not self.label.get_text():
            return
        low, high = self._across()
        pad = self.labelpad * self.axes.figure.dpi / 72
        if self.get_label_position() in ("bottom", "left"):
            at = min([low, *(edge[0] for edge in edges)]) - pad
        else:
            at = max([high, *(edge[1] for edge in edges)]) + pad
        (self.label.set_y if self.axis_name == "x" else self.label.set_x)(at)


class QuickXAxis(_QuickTicks, XAxis):
    """The x axis of a panel."""


class QuickYAxis(_QuickTicks, YAxis):
    """The y axis of a panel."""


def draw_ticks_together(ax: Axes) -> None:
    """Let both axes of a panel draw their ticks together."""
    ax.xaxis.__class__ = QuickXAxis
    ax.yaxis.__class__ = QuickYAxis
