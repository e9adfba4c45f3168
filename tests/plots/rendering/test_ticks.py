"""Ticks that are drawn together are where matplotlib draws them one by one."""

from __future__ import annotations

from typing import Callable

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from lumimod.plots.axes import set_ticks
from lumimod.plots.rendering.ticks import QuickAxes

SetUp = Callable[[Axes], object]


def plain(ax: Axes) -> None:
    ax.set(xlim=(0, 7), ylim=(-1.3, 2.4), xlabel="slot", ylabel="emittance")


def words(ax: Axes) -> None:
    ax.set(xlim=(0, 7), ylim=(0, 1))
    set_ticks(ax.xaxis, [-1, 0, 3, 6], ["out\n08:00", "0\n09:00", "3\n12:00", "6\n15:00"])
    ax.set_xlabel("hours")


def right(ax: Axes) -> None:
    plain(ax)
    ax.yaxis.tick_right()
    ax.yaxis.set_label_position("right")
    ax.tick_params(labelbottom=False)


def no_grid(ax: Axes) -> None:
    ax.set_ylim(5, -5)
    ax.grid(visible=False)


def logarithmic(ax: Axes) -> None:
    ax.set_yscale("log")
    ax.set_ylim(0.1, 3000)


def with_minor_ticks(ax: Axes) -> None:
    ax.set_ylim(0, 5)
    ax.minorticks_on()
    ax.tick_params(which="minor", length=7.0)


def with_power(ax: Axes) -> None:
    ax.set_ylim(0, 3e9)


def pixels(set_up: SetUp, together: bool) -> NDArray[np.int64]:
    figure = Figure(figsize=(4, 3), dpi=80)
    canvas = FigureCanvasAgg(figure)
    kind = {"axes_class": QuickAxes} if together else {}
    ax = figure.add_axes((0.25, 0.25, 0.5, 0.6), **kind)
    ax.grid(visible=True)
    set_up(ax)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba()).astype(np.int64)


@pytest.mark.slow
@pytest.mark.parametrize(
    "set_up", [plain, words, right, no_grid, logarithmic, with_minor_ticks, with_power]
)
def test_the_picture_is_the_same(set_up: SetUp) -> None:
    np.testing.assert_allclose(pixels(set_up, True), pixels(set_up, False), atol=3)


def test_a_panel_that_was_drawn_still_tells_its_ticks() -> None:
    figure = Figure()
    canvas = FigureCanvasAgg(figure)
    ax = figure.add_subplot(axes_class=QuickAxes)
    words(ax)
    canvas.draw()
    assert [t.get_text() for t in ax.get_xticklabels()][1:] == ["0\n09:00", "3\n12:00", "6\n15:00"]
    box = figure.get_tightbbox()
    assert box.width > 0


def unseen(ax: Axes) -> None:
    plain(ax)
    ax.yaxis.set_visible(False)


def without_ticks(ax: Axes) -> None:
    plain(ax)
    ax.set_yticks([])


@pytest.mark.parametrize("set_up", [unseen, without_ticks])
def test_an_axis_that_shows_nothing_is_as_matplotlib_draws_it(set_up: SetUp) -> None:
    np.testing.assert_array_equal(pixels(set_up, together=True), pixels(set_up, together=False))
