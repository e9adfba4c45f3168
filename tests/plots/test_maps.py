"""Maps of slot and time, read back: the change of each bunch since the start."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from lumimod.plots import layout, maps
from lumimod.plots.style import CHANGE_MAP, GROWTH_MAP, LOSS_MAP, Style
from tests.plots.conftest import T0

NAN = np.nan
TIME_S = T0 + 600.0 * np.arange(4)


def both_signs(most: float) -> maps.ChangeScale:
    return maps.ChangeScale(-most, most, CHANGE_MAP, "change")


def test_the_change_is_in_percent_of_the_first_value_there_is() -> None:
    values = np.array([[2.0, NAN, NAN], [1.0, 4.0, NAN], [NAN, 5.0, NAN]])
    np.testing.assert_allclose(
        maps.change_percent(values), [[0, NAN, NAN], [-50, 0, NAN], [NAN, 25, NAN]]
    )


def test_a_map_has_each_bunch_in_its_slot_and_no_colour_between(ax: Axes) -> None:
    slots = np.array([10, 11, 15])
    values = np.outer([1.0, 1.1, 1.2, 1.3], [1.0, 2.0, 3.0])
    maps.draw_change_map(ax, [(slots, values)], TIME_S, both_signs(40.0))
    (image,) = ax.images
    shown = np.ma.filled(image.get_array(), NAN)
    expected = np.full((4, 6), NAN)
    expected[:, [0, 1, 5]] = np.array([0.0, 10.0, 20.0, 30.0])[:, None]
    np.testing.assert_allclose(shown, expected, atol=1e-9)
    assert ax.get_ylabel() == "minutes"
    np.testing.assert_allclose(image.get_extent(), (9.5, 15.5, -5, 35))
    assert (image.norm.vmin, image.norm.vmax) == (-40, 40)
    assert image.get_cmap().name == CHANGE_MAP
    assert to_hex(ax.get_facecolor()) == maps.NO_BUNCH  # white would be no change


def test_slots_that_share_a_column_are_averaged() -> None:
    values = np.array([[1.0, 3.0, NAN, 5.0]])
    found = maps.averaged(values, np.array([0, 0, 2, 2]), 4)
    np.testing.assert_array_equal(found, [[2.0, NAN, 5.0, NAN]])


def test_a_full_ring_has_no_more_columns_than_a_screen(ax: Axes) -> None:
    slots = np.arange(3500)
    maps.draw_change_map(ax, [(slots, np.ones((4, 3500)))], TIME_S, both_signs(1.0))
    assert ax.images[0].get_array().shape[1] <= maps.WIDEST
    assert ax.images[0].get_extent()[1] >= 3499.5


@pytest.mark.parametrize(
    ("changes", "low", "high", "colors", "words"),
    [
        ([0.5, 0.2], 0.0, 50.0, GROWTH_MAP, "growth"),
        ([-0.3, -0.1], -30.0, 0.0, LOSS_MAP, "change"),
        ([0.2, -0.02], 0.0, 20.0, GROWTH_MAP, "growth"),
        ([0.02, -0.2], -20.0, 0.0, LOSS_MAP, "change"),
        ([0.2, -0.1], -20.0, 20.0, CHANGE_MAP, "change"),
        ([0.1, -0.4], -40.0, 40.0, CHANGE_MAP, "change"),
        ([0.0, 0.0], 0.0, 0.1, GROWTH_MAP, "growth"),
        ([NAN, NAN], 0.0, 0.1, GROWTH_MAP, "growth"),
    ],
)
def test_colours_are_those_of_the_signs_of_the_changes(
    changes: list[float], low: float, high: float, colors: str, words: str
) -> None:
    each = [np.repeat([[1.0], [1.0 + change]], 50, axis=1) for change in changes]
    found = maps.change_scale(*each)
    assert (found.low, found.high) == pytest.approx((low, high))
    assert (found.colors, found.words) == (colors, words)


def test_spikes_at_a_few_times_do_not_set_the_colours() -> None:
    values = np.outer(np.linspace(1.0, 0.8, 50), np.ones(20))
    values[[10, 30]] *= 10
    assert maps.change_scale(values)[:2] == pytest.approx((-20.0, 0.0))


def test_a_few_far_changes_do_not_set_the_colours() -> None:
    values = np.ones((2, 1000))
    values[1] = 1.2
    values[1, :3] = [9.0, 0.1, 7.0]
    assert maps.change_scale(values)[:2] == pytest.approx((0.0, 20.0))


@pytest.mark.parametrize(
    ("scale", "label", "ends"),
    [
        (both_signs(12.0), "change since the start [%]", (-12, 12)),
        (maps.ChangeScale(0.0, 9.0, GROWTH_MAP, "growth"), "growth since the start [%]", (0, 9)),
        (maps.ChangeScale(-7.0, 0.0, LOSS_MAP, "change"), "change since the start [%]", (-7, 0)),
    ],
)
def test_the_bar_says_what_the_colours_are(
    scale: maps.ChangeScale, label: str, ends: tuple[float, float], style: Style
) -> None:
    figure = Figure(figsize=style.fig_size_in)
    [[ax]] = layout.panels(figure, style, 1, 1)
    maps.change_bar(figure, [ax], scale, style)
    assert figure.axes[-1].get_ylabel() == label
    assert figure.axes[-1].get_ylim() == ends


def test_a_map_of_hours_says_so(ax: Axes) -> None:
    time_s = T0 + 3600.0 * np.arange(4)
    maps.draw_change_map(ax, [(np.array([10]), np.ones((4, 1)))], time_s, both_signs(1.0))
    assert ax.get_ylabel() == "hours"
    assert ax.get_ylim() == (-0.5, 3.5)
