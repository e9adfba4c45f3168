"""Maps of slot and time, read back: the change of each bunch since the start."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lumimod.plots import layout, maps
from lumimod.plots.style import Style
from tests.plots.conftest import T0

NAN = np.nan
TIME_S = T0 + 600.0 * np.arange(4)


def test_the_change_is_in_percent_of_the_first_value_there_is() -> None:
    values = np.array([[2.0, NAN, NAN], [1.0, 4.0, NAN], [NAN, 5.0, NAN]])
    np.testing.assert_allclose(
        maps.change_percent(values), [[0, NAN, NAN], [-50, 0, NAN], [NAN, 25, NAN]]
    )


def test_a_map_has_each_bunch_in_its_slot_and_no_colour_between(ax: Axes) -> None:
    slots = np.array([10, 11, 15])
    values = np.outer([1.0, 1.1, 1.2, 1.3], [1.0, 2.0, 3.0])
    maps.draw_change_map(ax, [(slots, values)], TIME_S, 40.0)
    (image,) = ax.images
    shown = np.ma.filled(image.get_array(), NAN)
    expected = np.full((4, 6), NAN)
    expected[:, [0, 1, 5]] = np.array([0.0, 10.0, 20.0, 30.0])[:, None]
    np.testing.assert_allclose(shown, expected, atol=1e-9)
    assert ax.get_ylabel() == "minutes"
    np.testing.assert_allclose(image.get_extent(), (9.5, 15.5, -5, 35))
    assert (image.norm.vmin, image.norm.vmax) == (-40, 40)


def test_slots_that_share_a_column_are_averaged() -> None:
    values = np.array([[1.0, 3.0, NAN, 5.0]])
    found = maps.averaged(values, np.array([0, 0, 2, 2]), 4)
    np.testing.assert_array_equal(found, [[2.0, NAN, 5.0, NAN]])


def test_a_full_ring_has_no_more_columns_than_a_screen(ax: Axes) -> None:
    slots = np.arange(3500)
    maps.draw_change_map(ax, [(slots, np.ones((4, 3500)))], TIME_S, 1.0)
    assert ax.images[0].get_array().shape[1] <= maps.WIDEST
    assert ax.images[0].get_extent()[1] >= 3499.5


@pytest.mark.parametrize(("change", "scale"), [(0.5, 50.0), (-0.3, 30.0), (0.0, 0.1)])
def test_colours_end_at_the_largest_changes_on_both_sides_of_nought(
    change: float, scale: float
) -> None:
    values = np.repeat([[1.0], [1.0 + change]], 50, axis=1)
    assert maps.change_scale(values) == pytest.approx(scale)


def test_the_bar_is_centred_on_no_change(style: Style) -> None:
    figure = Figure(figsize=style.fig_size_in)
    [[ax]] = layout.panels(figure, style, 1, 1)
    maps.change_bar(figure, [ax], 12.0, style)
    assert figure.axes[-1].get_ylabel() == "change since the start [%]"
    assert figure.axes[-1].get_ylim() == (-12, 12)


def test_a_map_of_hours_says_so(ax: Axes) -> None:
    time_s = T0 + 3600.0 * np.arange(4)
    maps.draw_change_map(ax, [(np.array([10]), np.ones((4, 1)))], time_s, 1.0)
    assert ax.get_ylabel() == "hours"
    assert ax.get_ylim() == (-0.5, 3.5)
