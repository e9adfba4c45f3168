"""Axes: limits that hold all but counted outliers, hours and slots."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.axes import Axes

from lumimod.arrays import FloatArray
from lumimod.plots import axes
from tests.plots.conftest import FINITE, MAYBE, NAN, a_panel, outside_note


def test_points_that_a_value_to_compare_with_brings_into_view_are_not_called_outside(
    ax: Axes,
) -> None:
    values = np.concatenate([np.linspace(1.9, 2.1, 500), [1.0]])
    axes.set_value_axis(ax, "ratio", values)
    assert outside_note(ax) == "1 of 501 points outside"
    for text in list(ax.texts):
        text.remove()
    axes.set_value_axis(ax, "ratio", values, include=1.0)
    assert outside_note(ax) == ""
    low, high = ax.get_ylim()
    assert low < 1.0 < values.max() < high


def test_points_of_a_panel_beside_set_limits_but_are_not_counted(ax: Axes) -> None:
    beside = np.concatenate([np.linspace(0, 10, 500), [1e6]])
    axes.set_value_axis(ax, "luminosity", np.array([4.0, 5.0]), beside=[beside])
    assert outside_note(ax) == ""
    low, high = ax.get_ylim()
    assert low < 0 < 10 < high < 12


ARRAYS = st.lists(MAYBE, max_size=60).map(lambda found: np.array(found, dtype=float))


def counted(ax: Axes) -> int:
    """Return how many points a panel says are outside."""
    words = outside_note(ax).split()
    return int(words[0].replace(",", "")) if words else 0


@pytest.mark.slow
@given(st.lists(ARRAYS, max_size=3), st.one_of(st.none(), FINITE), st.sampled_from([0.01, 0.05]))
@settings(max_examples=60, deadline=None)
def test_a_value_is_in_view_or_counted_as_outside(
    arrays: list[FloatArray], include: float | None, tail: float
) -> None:
    ax = a_panel()
    axes.set_value_axis(ax, "emittance [µm]", *arrays, include=include, tail=tail)
    low, high = ax.get_ylim()
    found = np.concatenate([np.empty(0), *arrays])
    found = found[np.isfinite(found)]
    assert low < high
    assert counted(ax) == np.count_nonzero((found < low) | (found > high))
    assert include is None or low <= include <= high
    if outside_note(ax):
        assert outside_note(ax).endswith(f" of {found.size:,} points outside")


@given(st.lists(FINITE, min_size=1, max_size=200))
@settings(max_examples=100, deadline=None)
def test_robust_limits_leave_out_no_more_than_both_tails(found: list[float]) -> None:
    values = np.array(found)
    low, high = axes.robust_limits(values)
    outside = np.count_nonzero((values < low) | (values > high))
    assert outside <= 2 * np.ceil(0.01 * values.size)
    # What is left out is far: further than the middle 98 % is wide.
    start, end = np.quantile(values, [0.01, 0.99])
    near = values[(values >= start - (end - start)) & (values <= end + (end - start))]
    assert ((near >= low) & (near <= high)).all()


@given(st.lists(FINITE, min_size=1, max_size=50), st.floats(0.5, 100.0), FINITE)
@settings(max_examples=60, deadline=None)
def test_limits_follow_the_unit_of_the_values(
    found: list[float], scale: float, offset: float
) -> None:
    values = np.array(found)
    span = max(np.ptp(values), 1.0)
    values = np.concatenate([values, [values.min() - 0.1 * span]])  # no single value
    low, high = axes.robust_limits(values, tail=0.0)
    scaled = axes.robust_limits(scale * values + offset, tail=0.0)
    room = 1e-9 * (scale * (abs(low) + abs(high)) + abs(offset))
    np.testing.assert_allclose(scaled, (scale * low + offset, scale * high + offset), atol=room)


@pytest.mark.parametrize(("at", "n_times"), [(0, 1), (10, 1), (10, 2), (39, 1)])
def test_one_or_two_far_times_are_spikes_and_what_lasts_longer_is_not(
    at: int, n_times: int
) -> None:
    line = np.linspace(2.0, 1.0, 40)
    line[at : at + n_times] = 9.0
    found = axes.without_spikes(line)
    np.testing.assert_array_equal(np.isnan(found), line > 8)
    line[15:20] = 9.0
    assert np.isfinite(axes.without_spikes(line)[15:20]).all()


def test_losses_at_the_start_of_a_fill_are_no_spike() -> None:
    rate_per_h = 0.005 + 0.08 * np.exp(-np.arange(120) / 4)
    assert np.isfinite(axes.without_spikes(rate_per_h)).all()


def test_spikes_of_bands_are_those_of_each_line_and_what_is_not_known_stays_so() -> None:
    bands = np.array([[1.0], [2.0], [3.0]]) * np.linspace(1.0, 1.1, 30)
    bands[:, 7] = np.nan
    bands[1, 20] = 40.0
    found = axes.without_spikes(bands)
    expected = bands.copy()
    expected[1, 20] = np.nan
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("line", [[], [1.0, 90.0, 1.0], [NAN] * 9])
def test_of_few_times_none_is_a_spike(line: list[float]) -> None:
    np.testing.assert_array_equal(axes.without_spikes(np.array(line)), line)


def test_one_value_has_room_around_it() -> None:
    assert axes.robust_limits(np.array([2.0, NAN])) == pytest.approx((1.9, 2.1))
    assert axes.robust_limits(np.array([0.0])) == (-1.0, 1.0)


def test_values_that_differ_by_rounding_alone_have_room_around_them_and_are_inside(
    ax: Axes,
) -> None:
    values = np.full(400, 0.3)
    values[7] = 0.1 + 0.2
    axes.set_value_axis(ax, "brightness", values)
    assert ax.get_ylim() == pytest.approx((0.285, 0.315))
    assert outside_note(ax) == ""


def test_without_values_limits_are_nought_and_one() -> None:
    assert axes.robust_limits() == (0.0, 1.0)
    assert axes.limits_of_each(np.full(3, NAN)) == (0.0, 1.0)


def test_few_bunches_beside_many_count_in_the_limits() -> None:
    many, few = np.random.default_rng(1).normal(1.0, 0.01, 2500), np.array([3.0, 3.1])
    assert axes.robust_limits(np.concatenate([many, few]))[1] < 3.0
    low, high = axes.limits_of_each(many, few)
    assert low < many.min()
    assert high > 3.1


@pytest.mark.parametrize(
    ("start", "clocks"),
    [
        # The clocks go from 02:00 to 03:00 in spring, from 03:00 to 02:00 in autumn.
        ("2017-03-26 00:00", {0: "01:00", 1: "03:00", 2: "04:00"}),
        ("2017-10-28 23:00", {0: "01:00", 1: "02:00", 2: "02:00", 3: "03:00"}),
        ("2017-07-02 12:53", {0: "14:53", 1: "15:53", 2: "16:53"}),
        ("2017-12-02 12:53", {0: "13:53", 2: "15:53"}),
    ],
)
def test_hours_have_the_time_of_day_in_zurich_below(
    ax: Axes, start: str, clocks: dict[int, str]
) -> None:
    t0 = np.datetime64(start).astype("datetime64[s]").astype(float)
    axes.hour_axis(ax, t0 + 600.0 * np.arange(31))
    written = dict(zip(ax.get_xticks(), (t.get_text() for t in ax.get_xticklabels())))
    for hours, clock in clocks.items():
        assert written[hours] == f"{hours}\n{clock}"
    assert ax.get_xlabel() == "hours of stable beams | time of day (Europe/Zurich)"
    low, high = ax.get_xlim()
    assert low < 0 < 5 < high < 5.2


@given(st.floats(0, 30), st.integers(1, 200))
@settings(max_examples=40, deadline=None)
def test_every_time_is_within_the_hours_shown(hours: float, n_times: int) -> None:
    ax = a_panel()
    time_s = np.linspace(1.5e9, 1.5e9 + 3600 * hours, n_times)
    axes.hour_axis(ax, time_s, label=False)
    low, high = ax.get_xlim()
    since = axes.hours_since(time_s)
    assert low < since.min() <= since.max() < high
    assert ax.get_xlabel() == ""
    assert 1 <= len(ax.get_xticks()) <= 8


@given(st.lists(st.integers(0, 3563), max_size=30), st.lists(st.integers(0, 3563), max_size=3))
@settings(max_examples=40, deadline=None)
def test_every_slot_is_within_the_slots_shown(first: list[int], second: list[int]) -> None:
    ax = a_panel()
    axes.slot_axis(ax, np.array(first, dtype=np.int64), np.array(second, dtype=np.int64))
    low, high = ax.get_xlim()
    assert all(low < slot < high for slot in (*first, *second))
    assert low < high
    assert ax.get_xlabel() == "25 ns slot"


def test_single_values_that_differ_share_their_range() -> None:
    low, high = axes.limits_of_each(np.array([-0.008]), np.array([0.0]))
    assert -0.01 < low < -0.008
    assert 0.0 < high < 0.001


def test_a_value_to_compare_with_has_room_before_the_frame(ax: Axes) -> None:
    axes.set_value_axis(ax, "growth", np.array([-0.008]), include=0.0)
    assert ax.get_ylim()[1] >= 0.0005


def test_one_slot_is_the_only_tick(ax: Axes) -> None:
    axes.slot_axis(ax, np.array([7]))
    assert ax.get_xticks().tolist() == [7]


def test_equal_values_have_no_scale_of_their_own_beside_others() -> None:
    low, high = axes.limits_of_each(np.zeros(20), np.linspace(-0.01, 0.03, 20))
    assert -0.02 < low < -0.01 < 0.03 < high < 0.04
    low, high = axes.limits_of_each(np.full(3, 5.0), np.linspace(0.0, 1.0, 20))
    assert low < 0 < 5 < high < 6


@pytest.mark.parametrize("level", [0.98, 1.02, 0.7, 1.3])
def test_a_flat_ratio_away_from_one_is_well_within_the_frame(ax: Axes, level: float) -> None:
    line = level + 0.001 * np.sin(np.arange(40))
    axes.ratio_axis(ax, "ratio", line)
    low, high = ax.get_ylim()
    assert min(line.min() - low, high - line.max()) > 0.9 * axes.ROOM / (1 + 2 * axes.ROOM) * (
        high - low
    )


def test_lines_of_a_panel_have_the_room_of_their_joint_range(ax: Axes) -> None:
    lower, upper = np.linspace(1.0, 1.001, 9), np.linspace(2.0, 2.001, 9)
    axes.set_value_axis(ax, "emittance", lower, upper)
    low, high = ax.get_ylim()
    assert 1.0 - low >= axes.ROOM * 1.001
    assert high - 2.001 >= axes.ROOM * 1.001


@pytest.mark.parametrize("size", [3.0, 12.0, 28.0])
def test_no_marker_reaches_the_frame(ax: Axes, size: float) -> None:
    values = np.array([1.0, 1.5, 2.0])
    ax.plot(values, "s", markersize=size, markeredgewidth=0)
    axes.set_value_axis(ax, "cross-section", values)
    ends = ax.transData.transform([(0, 1.0), (0, 2.0)])[:, 1]
    box, radius = ax.get_window_extent(), size / 2 / 72 * ax.figure.dpi
    assert ends[0] - radius > box.y0
    assert ends[1] + radius < box.y1


@pytest.mark.parametrize("values", [[1.0, 1.0001], [0.97, 1.3], [0.5, 0.6]])
def test_an_axis_of_ratios_holds_one_and_a_percent_around_it(ax: Axes, values: list[float]) -> None:
    axes.ratio_axis(ax, "ratio", np.array(values))
    low, high = ax.get_ylim()
    assert low <= 0.99
    assert high >= 1.01
    assert low < min(values) < max(values) < high
    assert 1.0 in np.round(ax.get_yticks(), 9)
    assert any(np.allclose(one.get_ydata(), 1.0) for one in ax.lines)
    step = float(np.diff(ax.get_yticks())[0])
    leading = step / 10 ** np.floor(np.log10(step) + 1e-9)
    assert min(abs(leading - of) for of in (1, 2, 2.5, 5)) < 1e-6


def test_a_fill_shorter_than_an_hour_has_ticks_in_minutes(ax: Axes) -> None:
    axes.hour_axis(ax, 1.499e9 + np.array([0.0, 2400.0]))
    assert ax.get_xlabel().startswith("minutes of stable beams")
    labels = [text.get_text().split("\n")[0] for text in ax.get_xticklabels()]
    assert labels == ["0", "10", "20", "30", "40"]
    np.testing.assert_allclose(ax.get_xticks(), np.arange(5) / 6)


def test_panels_of_the_same_quantity_share_their_limits(ax: Axes) -> None:
    other = ax.figure.add_axes((0.1, 0.1, 0.2, 0.2))
    ax.set_ylim(0, 2)
    other.set_ylim(-1, 1)
    axes.share_values([ax, other])
    low, high = ax.get_ylim()
    assert other.get_ylim() == (low, high)
    assert low <= -1
    assert high >= 2


def test_panels_that_share_their_limits_have_the_room_of_the_joint_range(ax: Axes) -> None:
    other = ax.figure.add_axes((0.1, 0.1, 0.2, 0.8))
    axes.set_value_axis(ax, "length", np.linspace(1.0, 1.01, 9))
    axes.set_value_axis(other, "length", np.linspace(2.0, 2.01, 9))
    axes.share_values([ax, other])
    low, high = ax.get_ylim()
    assert min(1.0 - low, high - 2.01) >= axes.ROOM * 1.0
