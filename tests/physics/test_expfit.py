"""Fits of exponentials, against their own law and scipy's curve_fit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import curve_fit

from lumimod.physics import expfit
from lumimod.physics.expfit import ExpFit, fit_exponentials, fit_short_and_full

STEP_S = 300.0
HOUR_S = 3600.0

# name: value at the start, in the unit of the fit; lifetime, h; noise, relative
REAL_DATA = {
    "intensity in 1e11": (1.15, -30, 0.003),
    "emittance in um": (2.3, 60, 0.02),
    "luminosity in 1e34": (3e-2, -15, 0.01),
    "bunch length in ns": (1.05, -100, 0.005),
}


def exponential(hours: Any, a: Any, b: Any) -> Any:
    return a * np.exp(b * hours)


def derivatives(hours: Any, a: Any, b: Any) -> Any:
    e = np.exp(b * hours)
    return np.stack([e, a * hours * e], axis=1)


def assert_least_squares(time_s: np.ndarray, values: np.ndarray, fit: ExpFit) -> None:
    """Assert that every step away from a fit makes the sum of squares larger."""
    hours = ((time_s - time_s[0]) / HOUR_S)[:, None]

    def squares(a: Any, b: Any) -> Any:
        return ((exponential(hours, a, b) - values) ** 2).sum(axis=0)

    a, b = fit.init, HOUR_S / fit.tau_s
    least = squares(a, b)
    db = 1e-3 / hours[-1]
    for da, step in ((1e-4, 0), (-1e-4, 0), (0, db), (0, -db)):
        assert (squares(a * (1 + da), b + step) > least).all()


def noisy_bunches(name: str, n_times: int, n_slots: int) -> tuple[np.ndarray, np.ndarray]:
    """Return times and values of bunches as they are measured."""
    a, tau_h, noise = REAL_DATA[name]
    rng = np.random.default_rng(n_times)
    time_s = 1.5e9 + np.arange(n_times) * STEP_S
    clean = exponential((time_s - time_s[0]) / HOUR_S, a, 1 / tau_h)
    return time_s, clean[:, None] * (1 + noise * rng.normal(size=(n_times, n_slots)))


@settings(max_examples=150, deadline=None)
@given(
    a=st.floats(0.01, 100),
    b=st.floats(-1, 1),
    sign=st.sampled_from([-1, 1]),
    n_times=st.integers(3, 150),
)
def test_fit_recovers_its_own_exponential(a: float, b: float, sign: int, n_times: int) -> None:
    time_s = np.arange(n_times) * STEP_S
    values = exponential(time_s / HOUR_S, sign * a, b)
    fit = fit_exponentials(time_s, values[:, None])
    assert fit.init[0] == pytest.approx(sign * a, rel=1e-9)
    assert HOUR_S / fit.tau_s[0] == pytest.approx(b, rel=1e-9, abs=1e-9)
    assert fit.n_failed == 0


def test_lifetime_is_in_seconds_and_negative_for_a_decay() -> None:
    # N = 2 exp(-t/10 h): tau = -10 * 3600 s.
    time_s = np.arange(25) * STEP_S
    fit = fit_exponentials(time_s, 2 * np.exp(-time_s / 36000.0)[:, None])
    np.testing.assert_allclose(fit.tau_s, [-36000.0], rtol=1e-9)
    np.testing.assert_allclose(fit.init, [2.0], rtol=1e-12)


def test_two_times_give_the_exponential_through_both() -> None:
    # From 2 to 1 in 300 s: tau = -300/ln 2 s.
    fit = fit_exponentials(np.array([0.0, STEP_S]), np.array([[2.0], [1.0]]))
    assert fit.tau_s[0] == pytest.approx(-300 / np.log(2), rel=1e-9)


@pytest.mark.parametrize("n_times", [24, 144])
@pytest.mark.parametrize("name", REAL_DATA)
def test_fit_of_noisy_data_equals_curve_fit(name: str, n_times: int) -> None:
    time_s, values = noisy_bunches(name, n_times, 100)
    hours = (time_s - time_s[0]) / HOUR_S
    fit = fit_exponentials(time_s, values)
    for j, column in enumerate(values.T):
        (a, b), covariance = curve_fit(exponential, hours, column)
        assert fit.init[j] == pytest.approx(a, rel=1e-6)
        # A slope that noise makes vanish has no meaningful relative error: 1e-4 of its
        # statistical error is allowed besides the 1e-6 (curve_fit's difference quotients stop
        # it that far from the minimum; measured in 1000 bunches: at most 5e-5).
        error = np.sqrt(covariance[1, 1])
        assert HOUR_S / fit.tau_s[j] == pytest.approx(b, rel=1e-6, abs=1e-4 * error)


@pytest.mark.parametrize("name", REAL_DATA)
def test_fit_of_noisy_data_is_at_the_least_sum_of_squares(name: str) -> None:
    time_s, values = noisy_bunches(name, 24, 200)
    assert_least_squares(time_s, values, fit_exponentials(time_s, values))


def test_thousand_bunches_at_once_equal_one_at_a_time() -> None:
    time_s, values = noisy_bunches("intensity in 1e11", 24, 1000)
    together = fit_exponentials(time_s, values)
    alone = [fit_exponentials(time_s, column[:, None]) for column in values.T]
    np.testing.assert_allclose(together.tau_s, np.concatenate([f.tau_s for f in alone]), rtol=1e-9)
    np.testing.assert_allclose(together.init, np.concatenate([f.init for f in alone]), rtol=1e-9)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_bunch_with_a_gap_is_nan_and_counts_as_failed(bad: float) -> None:
    time_s, values = noisy_bunches("emittance in um", 24, 3)
    others = fit_exponentials(time_s, values[:, [0, 2]])
    values[7, 1] = bad
    fit = fit_exponentials(time_s, values)
    assert np.isnan(fit.tau_s[1])
    assert np.isnan(fit.init[1])
    assert fit.n_failed == 1
    np.testing.assert_allclose(fit.tau_s[[0, 2]], others.tau_s, rtol=1e-9)


def test_all_bunches_with_gaps_are_nan() -> None:
    fit = fit_exponentials(np.arange(5.0), np.full((5, 2), np.nan))
    assert np.isnan(fit.tau_s).all()
    assert fit.n_failed == 2


@pytest.mark.parametrize("value", [1.0, 2.0, -1.0, 1e-3])
def test_constant_data_have_no_finite_lifetime(value: float) -> None:
    # b = 0 to rounding: a lifetime beyond 1e10 s (300 years), of any sign.
    fit = fit_exponentials(np.arange(24) * STEP_S, np.full((24, 1), value))
    assert abs(fit.tau_s[0]) > 1e10
    assert fit.init[0] == pytest.approx(value, rel=1e-9)


def test_slope_of_exactly_zero_is_an_infinite_lifetime(monkeypatch: pytest.MonkeyPatch) -> None:
    # Which data end at exactly b = 0 depends on rounding, so the solution is put in.
    def flat(hours: Any, columns: Any) -> Any:
        return columns[0], np.zeros(columns.shape[1])

    monkeypatch.setattr(expfit, "_fit", flat)
    fit = fit_exponentials(np.arange(24) * STEP_S, np.full((24, 1), 2.0))
    np.testing.assert_array_equal(fit.tau_s, [np.inf])
    np.testing.assert_array_equal(fit.init, [2.0])
    assert fit.n_failed == 0


@pytest.mark.parametrize("n_times", [0, 1])
def test_fewer_than_two_times_give_nan(n_times: int) -> None:
    fit = fit_exponentials(np.arange(float(n_times)), np.ones((n_times, 3)))
    assert np.isnan(fit.tau_s).all()
    assert np.isnan(fit.init).all()
    assert fit.n_failed == 3


def test_no_bunches_give_no_fits() -> None:
    fit = fit_exponentials(np.arange(5.0), np.empty((5, 0)))
    assert fit.tau_s.shape == fit.init.shape == (0,)
    assert fit.n_failed == 0


def test_first_time_is_the_origin() -> None:
    time_s = np.arange(30) * STEP_S
    values = 1.2 * np.exp(-time_s / 5e4)[:, None]
    early, late = (fit_exponentials(t0 + time_s, values) for t0 in (0.0, 1.5e9))
    np.testing.assert_allclose(late.init, early.init, rtol=1e-12)
    np.testing.assert_allclose(late.tau_s, early.tau_s, rtol=1e-12)


@pytest.mark.parametrize("scale", [1e11, 1e34])
def test_scaled_values_have_the_same_lifetime_and_init_in_their_own_unit(scale: float) -> None:
    time_s, values = noisy_bunches("intensity in 1e11", 24, 20)
    plain = fit_exponentials(time_s, values)
    scaled = fit_exponentials(time_s, values * scale, scale=scale)
    np.testing.assert_allclose(scaled.tau_s, plain.tau_s, rtol=1e-9)
    np.testing.assert_allclose(scaled.init, plain.init * scale, rtol=1e-9)


@pytest.mark.parametrize("noise", [0.0, 0.005, 0.06])
@pytest.mark.parametrize("tau_h", [-3, -20, -200, 20, 200])
@pytest.mark.parametrize("hours", [0.25, 2, 12, 34, 36, 48, 72, 120])
def test_fills_of_any_length_are_fitted(hours: float, tau_h: float, noise: float) -> None:
    time_s = np.arange(0, hours * HOUR_S + 1, STEP_S)
    rng = np.random.default_rng(int(hours))
    clean = 3e-2 * exponential(time_s / HOUR_S, 1, 1 / tau_h)[:, None]
    fit = fit_exponentials(time_s, clean * (1 + noise * rng.normal(size=(time_s.size, 20))))
    assert fit.n_failed == 0
    # Eight statistical errors of a straight line through the logarithms. Of values that change by
    # more than a factor e only those within one lifetime count.
    counted_h = min(hours, abs(tau_h))
    error_per_h = 8 * noise * np.sqrt(12 / (1 + counted_h * HOUR_S / STEP_S)) / counted_h
    np.testing.assert_allclose(HOUR_S / fit.tau_s, 1 / tau_h, rtol=1e-8, atol=error_per_h)
    np.testing.assert_allclose(fit.init, 3e-2, rtol=1e-8 + error_per_h * hours)


@pytest.mark.parametrize("hours", [2, 48, 120])
def test_zeros_are_data_like_others(hours: float) -> None:
    # A tenth of the samples lost as zeros: the best slope is found all the same.
    time_s = np.arange(0, hours * HOUR_S + 1, STEP_S)
    clean = exponential(time_s / HOUR_S, 1.1, -1 / 30)[:, None]
    lost = np.random.default_rng(3).random((time_s.size, 20)) < 0.1
    values = np.where(lost, 0.0, clean)
    fit = fit_exponentials(time_s, values)
    assert fit.n_failed == 0
    assert_least_squares(time_s, values, fit)


def test_values_that_are_all_zero_have_no_fit() -> None:
    values = np.zeros((24, 2))
    values[:, 1] = 1.0
    fit = fit_exponentials(np.arange(24) * STEP_S, values)
    np.testing.assert_array_equal(np.isnan(fit.tau_s), [True, False])
    np.testing.assert_array_equal(np.isnan(fit.init), [True, False])


def test_single_value_in_a_long_fill_has_no_fit() -> None:
    # No slope is steep enough; scipy does not get away from its start at exp(120).
    time_s = np.arange(0, 120 * HOUR_S, STEP_S)
    values = np.zeros((time_s.size, 1))
    values[0] = 1.0
    fit = fit_exponentials(time_s, values)
    assert np.isnan(fit.tau_s[0])
    assert np.isnan(fit.init[0])


def test_values_far_from_an_exponential_are_fitted_by_scipy() -> None:
    # Luminosity of a fill whose beams were brought to collision after a third of the time, and
    # emittances scattered by a factor e: no exponential, but a smallest sum of squares.
    time_s = np.arange(24) * STEP_S
    rng = np.random.default_rng(1)
    late = np.where(time_s < 2400, 0.0, exponential(time_s / HOUR_S, 1.0, -1 / 20))
    values = np.column_stack([late, np.exp(rng.normal(size=(24, 50)))])
    fit = fit_exponentials(time_s, values)
    assert fit.n_failed == 0
    assert_least_squares(time_s, values, fit)


def test_scipy_far_from_the_minimum_is_not_taken_for_a_fit() -> None:
    # Over 60 h scipy does not get away from its start, exp(60).
    time_s = np.arange(0, 60 * HOUR_S, STEP_S)
    values = np.exp(np.random.default_rng(1).normal(size=(time_s.size, 20)))
    fit = fit_exponentials(time_s, values)
    assert fit.n_failed == 0
    assert_least_squares(time_s, values, fit)


@pytest.mark.parametrize("tau_h", [-3, -20, 20])
def test_clean_exponentials_start_at_their_minimum(
    tau_h: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(expfit, "_NEWTON_STEPS", 1)
    monkeypatch.delattr(expfit, "_curve_fit")
    time_s = np.arange(0, 120 * HOUR_S, STEP_S)
    fit = fit_exponentials(time_s, exponential(time_s / HOUR_S, 1.1, 1 / tau_h)[:, None])
    assert fit.tau_s[0] == pytest.approx(HOUR_S * tau_h, rel=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("tau_h", [-20, 40])
def test_noisy_fits_stop_where_curve_fit_stops(tau_h: float) -> None:
    # With 2 to 8 % of noise curve_fit stops up to 1e-5 of b before the minimum.
    time_s = np.arange(24) * STEP_S
    rng = np.random.default_rng(2)
    noise = rng.uniform(0.02, 0.08, 1500) * rng.normal(size=(24, 1500))
    values = 8 * exponential(time_s / HOUR_S, 1, 1 / tau_h)[:, None] * (1 + noise)
    fit = fit_exponentials(time_s, values)
    for j, column in enumerate(values.T):
        (a, b), _ = curve_fit(exponential, time_s / HOUR_S, column, jac=derivatives)
        assert HOUR_S / fit.tau_s[j] == pytest.approx(b, rel=1.1e-6)
        assert fit.init[j] == pytest.approx(a, rel=1e-6)


def test_clean_fits_need_nothing_from_scipy(monkeypatch: pytest.MonkeyPatch) -> None:
    def not_wanted(*args: Any) -> Any:
        raise AssertionError("scipy was asked")

    monkeypatch.setattr(expfit, "_curve_fit", not_wanted)
    for name in REAL_DATA:
        time_s, values = noisy_bunches(name, 144, 500)
        assert fit_exponentials(time_s, values).n_failed == 0


def test_long_fits_end_at_the_minimum_without_scipy(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> tuple[float, float]:
        raise AssertionError("asked for")

    monkeypatch.setattr(expfit, "_curve_fit", refuse)
    time_s = np.arange(0, 48 * 3600, 300.0)
    noise = np.random.default_rng(1).normal(1, 0.2, (time_s.size, 3))
    values = np.exp(-time_s[:, None] / 3600 / 20) * noise
    fit = fit_exponentials(time_s, values)
    assert_least_squares(time_s, values, fit)


def test_bunches_of_many_batches_keep_their_places() -> None:
    # 1000 bunches and 144 times are fitted in four batches.
    time_s = np.arange(144) * STEP_S
    tau_h = np.linspace(5, 50, 1000)
    fit = fit_exponentials(time_s, exponential(time_s[:, None] / HOUR_S, tau_h, -1 / tau_h))
    np.testing.assert_allclose(fit.tau_s, -HOUR_S * tau_h, rtol=1e-9)
    np.testing.assert_allclose(fit.init, tau_h, rtol=1e-9)


def test_values_beyond_the_range_of_doubles_fail_quietly() -> None:
    time_s, values = noisy_bunches("emittance in um", 24, 2)
    fit = fit_exponentials(time_s, values * np.array([1.0, 1e300]))
    assert fit.n_failed == 1
    assert np.isnan(fit.tau_s[1])


def test_short_fit_sees_the_first_hours_only() -> None:
    # Decay of 10 h for the first two hours, of 40 h after: the time of 7200 s itself is out.
    time_s = 1.5e9 + np.arange(72) * STEP_S
    age_s = time_s - time_s[0]
    values = np.where(
        age_s < 7200, np.exp(-age_s / 36000), np.exp(-0.2) * np.exp(-(age_s - 7200) / 144000)
    )
    fits = fit_short_and_full(time_s, values[:, None] * 1e11, 7200.0, scale=1e11)
    assert fits.short.tau_s[0] == pytest.approx(-36000, rel=1e-9)
    assert fits.short.init[0] == pytest.approx(1e11, rel=1e-9)
    assert -144000 < fits.full.tau_s[0] < -36000


def test_full_fit_is_that_of_all_times() -> None:
    time_s, values = noisy_bunches("intensity in 1e11", 144, 5)
    fits = fit_short_and_full(time_s, values, 7200.0)
    np.testing.assert_array_equal(fits.full.tau_s, fit_exponentials(time_s, values).tau_s)
    first = fit_exponentials(time_s[:24], values[:24])  # 24 steps of 300 s are 7200 s
    np.testing.assert_array_equal(fits.short.tau_s, first.tau_s)


def test_the_full_fit_is_scaled_as_the_short_one() -> None:
    time_s, values = noisy_bunches("intensity in 1e11", 144, 20)
    fits = fit_short_and_full(time_s, values * 1e11, 7200.0, scale=1e11)
    alone = fit_exponentials(time_s, values * 1e11, scale=1e11)
    np.testing.assert_array_equal(fits.full.init, alone.init)


@pytest.mark.parametrize(("hours", "asked"), [(0.5, True), (30.0, True), (30.25, False)])
def test_scipy_is_asked_for_scattered_values_of_up_to_thirty_hours(
    hours: float, asked: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []

    def curve_fit_instead(*of: Any) -> tuple[float, float]:
        calls.append(of)
        return of[2:]

    monkeypatch.setattr(expfit, "_curve_fit", curve_fit_instead)
    time_s = np.arange(0, hours * HOUR_S + 1, 900.0)
    values = np.random.default_rng(1).normal(1, 0.3, (time_s.size, 1))
    fit_exponentials(time_s, values)
    assert bool(calls) == asked


def taken(
    monkeypatch: pytest.MonkeyPatch, y: np.ndarray, given: float, found: float, status: int = 1
) -> bool:
    """Return whether what scipy found is taken for a fit, both being constants."""
    import scipy.optimize

    monkeypatch.setattr(
        scipy.optimize, "leastsq", lambda *_, **__: (np.array([found, 0.0]), status)
    )
    hours = np.arange(y.size) / 12
    a, b = expfit._curve_fit(hours, y, given, 0.0)
    assert (a, b) in ((given, 0.0), (found, 0.0)) or np.isnan(given)
    return a == found


@pytest.mark.parametrize(
    ("status", "is_taken"), [(0, False), (1, True), (3, True), (4, True), (5, False), (8, False)]
)
def test_what_scipy_found_is_taken_if_it_says_so(
    monkeypatch: pytest.MonkeyPatch, status: int, is_taken: bool
) -> None:
    y = np.array([0.9, 1.1] * 5)
    assert taken(monkeypatch, y, given=1.01, found=1.0, status=status) == is_taken


@pytest.mark.parametrize(
    ("given", "found", "is_taken"),
    [
        (1.0, 1.0 + 1e-5, True),  # sum of squares 1 + 1e-8 of that given
        (1.0, 1.001, False),  # 1 + 1e-4
        (1.0, 1.05, False),  # 1.25
        (np.nan, 1.5, True),
        (np.nan, 2.1, False),
    ],
)
def test_what_scipy_found_is_taken_if_it_is_as_good_or_better_than_nothing(
    monkeypatch: pytest.MonkeyPatch, given: float, found: float, is_taken: bool
) -> None:
    y = np.array([0.9, 1.1] * 5)
    assert taken(monkeypatch, y, given, found) == is_taken
    if np.isnan(given):
        assert taken(monkeypatch, y / 10, given, found / 10) == is_taken
        assert taken(monkeypatch, y * 10, given, found * 10) == is_taken
