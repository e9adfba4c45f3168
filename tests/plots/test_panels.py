"""The panels that all pictures are made of: what is drawn, its limits, axes and notes."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lumimod.plots import panels as p
from lumimod.plots.style import Style


@pytest.fixture
def ax(style: Style) -> Axes:
    return Figure(figsize=(4, 3), dpi=50).add_axes((0.2, 0.2, 0.7, 0.7))


def in_limits(ax: Axes) -> None:
    """Set the limits that the panels below are drawn in."""
    ax.set_xlim(0, 100)
    ax.set_ylim(0, 10)


# --- bunch by bunch


@pytest.mark.parametrize("n_skip", [1, 2, 5])
def test_points_are_coloured_on_the_scale_of_the_colour_bar(n_skip: int) -> None:
    style = Style(dpi=50, n_skip=n_skip)
    figure = Figure(figsize=style.fig_size_in)
    ax = figure.add_axes((0.1, 0.1, 0.7, 0.8))
    in_limits(ax)
    hours = np.linspace(0, 6, 13)
    p.draw_bunches(ax, np.array([3, 4]), np.full((12, 2), 5.0), hours, style)
    p.hours_bar(figure, [ax], hours, style)
    points, bar = ax.collections[0], figure.axes[1]
    assert (points.norm.vmin, points.norm.vmax) == bar.get_ylim() == (0.0, 6.0)
    np.testing.assert_array_equal(np.asarray(points.get_array()), np.repeat(hours[:12:n_skip], 2))
