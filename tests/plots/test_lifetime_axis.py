"""Lifetimes on axes linear in the rate."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure

from lumimod.plots import lifetime_axis
from lumimod.plots.lifetime_axis import lifetime_ticks, share_lifetimes
from lumimod.summary.loss_words import NEAR_NONE
from tests.plots.conftest import outside_note

NAN, INF = np.nan, np.inf


def test_rates_are_per_hour_and_nought_for_an_infinite_lifetime() -> None:
    tau_s = np.array([3600.0, 7200.0, -3600.0, INF, -INF, NAN, 0.0])
    np.testing.assert_array_equal(
        lifetime_axis.per_hour(tau_s), [1.0, 0.5, -1.0, 0.0, 0.0, NAN, NAN]
    )


@pytest.mark.parametrize(
    ("rate", "text"),
    [
        (0.05, "20.0 h"),
        (0.0321, "31.2 h"),
        (-0.1, "growth time 10.0 h"),
        (0.0, "no net loss"),
        (1e-4, "no net loss"),
    ],
)
def test_a_rate_is_written_as_its_lifetime(rate: float, text: str) -> None:
    assert lifetime_axis.hours_text(rate) == text


@pytest.mark.parametrize(
    ("hours", "text"),
    [
        ([20.0] * 5, "20.0 h"),
        ([10.0, 20.0, NAN, 40.0], "20.0 h (12.5 to 32.3 h)"),
        ([INF, INF], "no net loss"),
        ([NAN], "no data"),
        ([], "no data"),
    ],
)
def test_the_median_and_the_middle_of_lifetimes_are_those_of_rates(
    hours: list[float], text: str
) -> None:
    rates = lifetime_axis.per_hour(3600.0 * np.array(hours))
    if len(hours) == 4:
        longest, shortest = np.quantile([1 / 10, 1 / 20, 1 / 40], [0.16, 0.84])
        text = f"20.0 h ({1 / shortest:.3g} to {1 / longest:.3g} h)"
    assert lifetime_axis.median_text(rates) == text


@pytest.mark.parametrize(
    ("rates", "text"),
    [
        ([-0.05] * 5 + [0.1] * 6, "10.0 h (lifetime 10.0 h to growth time 20.0 h)"),
        ([-0.02] * 3 + [0.0] + [0.1] * 3, "no net loss (lifetime 10.0 h to growth time 50.0 h)"),
        ([0.0] * 5 + [0.1] * 6, "10.0 h (lifetime 10.0 h to no net loss)"),
        ([0.0] * 5 + [-0.1] * 6, "growth time 10.0 h (no net loss to growth time 10.0 h)"),
        ([-0.1] * 5 + [-0.05] * 6, "growth time 20.0 h (10.0 to 20.0 h)"),
        ([-0.05] * 5, "growth time 20.0 h"),
    ],
)
def test_a_range_says_which_end_is_loss_and_which_is_growth(rates: list[float], text: str) -> None:
    assert lifetime_axis.median_text(np.array(rates)) == text


# --- the axis


@given(st.floats(-0.5, 0.5), st.floats(0.02, 1.0))
@settings(max_examples=100, deadline=None)
def test_ticks_are_round_lifetimes_within_the_limits_and_apart(low: float, span: float) -> None:
    ticks = lifetime_axis.lifetime_ticks(low, low + span)
    assert ticks
    assert ticks == sorted(ticks)
    assert all(low <= tick <= low + span for tick in ticks)
    assert all(b - a > span / 8 for a, b in zip(ticks, ticks[1:]))
    assert (0.0 in ticks) == (low <= 0 <= low + span)
    for tick in ticks:
        if tick:
            digits = f"{abs(1 / tick):.2e}"
            assert float(digits) == pytest.approx(abs(1 / tick))


@pytest.mark.slow
@given(st.lists(st.floats(-1.0, 1.0), min_size=1, max_size=50))
@settings(max_examples=60, deadline=None)
def test_a_lifetime_is_in_view_or_counted_as_outside(found: list[float]) -> None:
    ax = Figure().add_subplot()
    rates = np.array(found)
    lifetime_axis.set_lifetime_axis(ax, "lifetime [h]", rates)
    bottom, top = ax.get_ylim()
    assert bottom > top  # long lifetimes above
    outside = np.count_nonzero((rates < top) | (rates > bottom))
    words = outside_note(ax).split()
    assert (int(words[0]) if words else 0) == outside
    labels = [text.get_text() for text in ax.get_yticklabels()]
    for tick, label in zip(ax.get_yticks(), labels):
        expected = "∞" if tick == 0 else f"{1 / tick:.4g}".replace("-", "\N{MINUS SIGN}")
        assert label == expected


def test_lifetimes_that_hardly_differ_are_not_blown_up() -> None:
    ax = Figure().add_subplot()
    lifetime_axis.set_lifetime_axis(ax, "lifetime [h]", np.array([0.05, 0.05 + 1e-9]))
    bottom, top = ax.get_ylim()
    assert bottom - top >= NEAR_NONE


def test_noise_around_no_loss_does_not_fill_the_panel() -> None:
    ax = Figure().add_subplot()
    rates = 1e-3 * np.sin(np.arange(50))  # lifetimes of 1,000 h and more, of both signs
    lifetime_axis.set_lifetime_axis(ax, "lifetime [h]", rates)
    bottom, top = ax.get_ylim()
    assert (bottom, top) == (0.01, -0.01)
    labels = [text.get_text() for text in ax.get_yticklabels()]
    assert "∞" in labels
    assert all(abs(float(of.replace("\N{MINUS SIGN}", "-"))) <= 200 for of in labels if of != "∞")


def test_lifetimes_that_are_known_well_fill_the_panel() -> None:
    ax = Figure().add_subplot()
    rates = np.linspace(0.04, 0.05, 20)
    lifetime_axis.set_lifetime_axis(ax, "lifetime [h]", rates)
    bottom, top = ax.get_ylim()
    assert np.ptp(rates) / (bottom - top) > 0.75


@pytest.mark.parametrize(
    ("hours", "error_h", "text"),
    [
        (23.14, 0.4, "23.1 ± 0.4 h"),
        (23.14, 0.14, "23.14 ± 0.14 h"),
        (23.14, 3.2, "23 ± 3 h"),
        (23.14, 14.0, "23 ± 14 h"),
        (123.4, 30.2, "123 ± 30 h"),
    ],
)
def test_a_lifetime_has_the_digits_that_its_error_allows(
    hours: float, error_h: float, text: str
) -> None:
    assert lifetime_axis.error_text(hours, error_h) == text
    rates = np.array([1 / hours, 1 / hours, 2 / hours])
    assert lifetime_axis.median_text(rates, error_h).startswith(f"{text} (")


@pytest.mark.parametrize("error_h", [np.nan, 50.0, np.inf])
def test_an_error_that_says_nothing_is_not_shown(error_h: float) -> None:
    assert "±" not in lifetime_axis.median_text(np.array([0.05, 0.05, 0.1]), error_h)


def test_axes_that_share_lifetimes_have_the_ends_of_all_and_none_are_left_alone() -> None:
    share_lifetimes([])
    one, two = Figure().subplots(2)
    one.set_ylim(0.2, -0.1)  # long lifetimes are above
    two.set_ylim(0.4, 0.0)
    share_lifetimes([one, two])
    assert one.get_ylim() == two.get_ylim()
    high, low = one.get_ylim()
    assert low <= -0.1
    assert high >= 0.4


def test_few_ticks_are_left_where_no_round_lifetime_is_near() -> None:
    assert lifetime_ticks(1000.0, 1000.1) == []
