"""Axes whose ticks are drawn together.

matplotlib makes five artists for each tick. Here one tick says how all of them look: marks are one
line, the grid is one line, and numbers are one text that is drawn at each place.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import XAxis, YAxis
from matplotlib.ticker import NullLocator

from lumimod.plots.rendering.words import draw_many

if TYPE_CHECKING:
    from matplotlib.lines import Line2D
    from matplotlib.text import Text

    from lumimod.arrays import FloatArray


class _QuickTicks:
    """How the axis draws itself; what is not usual is left to matplotlib."""

    minorTicks: Any = functools.cached_property(lambda _: [])  # noqa: N815 - matplotlib's name
    """Made when they are asked for: few panels have any, but each would get one to begin with."""

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
        before = like.get_data(orig=True)
        like.set_data(*((along, across) if self.axis_name == "x" else (across, along)))
        like.draw(renderer)
        like.set_data(*before)

    def _draw_numbers(
        self: Any, renderer: Any, label: Text, locs: FloatArray, words: list[str]
    ) -> tuple[float, float]:
        """Draw the numbers; return from where to where the longest reaches across the axis."""
        is_x = self.axis_name == "x"
        across = label.get_position()[is_x]
        fixed = np.full(locs.size, across)
        places = np.column_stack((locs, fixed) if is_x else (fixed, locs))
        boxes = draw_many(renderer, label, label.get_transform().transform(places), words)
        longest = max(words, key=lambda word: word.count("\n") if is_x else len(word))
        (label.set_x if is_x else label.set_y)(locs[-1])
        label.set_text(longest)
        box = boxes[words.index(longest)]
        return (box.y0, box.y1) if is_x else (box.x0, box.x1)

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


class QuickAxes(Axes):
    """A panel whose axes draw their ticks together."""

    def _init_axis(self) -> None:
        super()._init_axis()  # type: ignore[misc]
        self.xaxis.__class__ = QuickXAxis
        self.yaxis.__class__ = QuickYAxis
