"""The panels that all pictures are made of: what is drawn, its limits, axes and notes."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lumimod.plots import panels as p
from lumimod.plots.style import Look, Style
from tests.plots.conftest import outside_note

NAN = np.nan


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


# --- limits


def test_points_that_a_value_to_compare_with_brings_into_view_are_not_called_outside(
    ax: Axes,
) -> None:
    values = np.concatenate([np.linspace(1.9, 2.1, 500), [1.0]])
    p.set_value_axis(ax, "ratio", values)
    assert outside_note(ax) == "1 of 501 points outside"
    for text in list(ax.texts):
        text.remove()
    p.set_value_axis(ax, "ratio", values, include=1.0)
    assert outside_note(ax) == ""
    low, high = ax.get_ylim()
    assert low < 1.0 < values.max() < high


def test_points_of_a_panel_beside_set_limits_but_are_not_counted(ax: Axes) -> None:
    beside = np.concatenate([np.linspace(0, 10, 500), [1e6]])
    p.set_value_axis(ax, "luminosity", np.array([4.0, 5.0]), beside=[beside])
    assert outside_note(ax) == ""
    low, high = ax.get_ylim()
    assert low < 0 < 10 < high < 12


# --- lines

LOOK = Look("#0b5cad", "--", "s")


def marked(ax: Axes) -> list[int]:
    """Return which points of a panel's one line have a marker."""
    (found,) = ax.lines
    return [] if found.get_marker() == "None" else list(found.get_markevery())


@pytest.mark.parametrize(
    ("values", "alone"),
    [
        ([1.0], [0]),
        ([1.0, 2.0], []),
        ([1.0, NAN, 2.0, 3.0, NAN, 4.0, NAN], [0, 5]),
        ([NAN, NAN], []),
    ],
)
def test_points_that_no_line_reaches_have_a_marker(
    ax: Axes, values: list[float], alone: list[int]
) -> None:
    p.draw_line(ax, np.arange(len(values)), np.array(values), LOOK, label="data")
    assert marked(ax) == alone


def test_a_spread_at_one_time_alone_is_drawn_as_a_bar(ax: Axes) -> None:
    values = np.array([[NAN, NAN], [1.0, 3.0], [NAN, NAN], [5.0, 5.0], [6.0, 8.0]])
    p.draw_evolution(ax, np.arange(5.0), values, LOOK, "data")
    band, bar = ax.collections
    np.testing.assert_array_equal(bar.get_segments(), [[[1.0, 1.0], [1.0, 3.0]]])
    assert np.isin([[3.0, 5.0], [4.0, 6.0], [4.0, 8.0]], band.get_paths()[-1].vertices).all()


# --- words


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ([1.0, 1.2], "1.10 ± 0.10 µm"),
        ([10.0, 10.03], "10.015 ± 0.015 µm"),
        ([1000.0, 2000.0], "1,500 ± 500 µm"),
        ([2.5, 2.5], "2.500 ± 0.000 µm"),
        ([0.1 + 0.2, 0.3], "0.3000 ± 0.0000 µm"),
        ([2.5, NAN, np.inf], "2.500 ± 0.000 µm"),
        ([0.0, 0.0], "0.00 ± 0.00 µm"),
        ([NAN], "no data"),
        ([], "no data"),
    ],
)
def test_mean_and_spread_are_written_with_two_digits_of_the_spread(
    values: list[float], text: str
) -> None:
    assert p.spread_text(np.array(values), "µm") == text
