"""Fits of exponentials, against their own law and scipy's curve_fit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import curve_fit

from lumimod.physics.expfit import fit_exponentials, fit_short_and_full

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
    # The stopping rules leave at most the square root of rounding in b, per hour.
    assert fit.init[0] == pytest.approx(sign * a, rel=1e-6)
    assert HOUR_S / fit.tau_s[0] == pytest.approx(b, rel=1e-6, abs=1e-6)
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
    hours = ((time_s - time_s[0]) / HOUR_S)[:, None]
    fit = fit_exponentials(time_s, values)

    def squares(a: Any, b: Any) -> Any:
        return ((exponential(hours, a, b) - values) ** 2).sum(axis=0)

    a, b = fit.init, HOUR_S / fit.tau_s
    least = squares(a, b)
    for da, db in ((1e-4, 0), (-1e-4, 0), (0, 1e-4), (0, -1e-4)):
        assert (squares(a * (1 + da), b + db) > least).all()


def test_thousand_bunches_at_once_equal_one_at_a_time() -> None:
    time_s, values = noisy_bunches("intensity in 1e11", 24, 1000)
    together = fit_exponentials(time_s, values)
    alone = [fit_exponentials(time_s, column[:, None]) for column in values.T]
    # Sums of a batch may be added in another order than those of one bunch, so that the last,
    # smallest step may or may not be taken; measured: 2e-8.
    np.testing.assert_allclose(together.tau_s, np.concatenate([f.tau_s for f in alone]), rtol=1e-6)
    np.testing.assert_allclose(together.init, np.concatenate([f.init for f in alone]), rtol=1e-8)


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
    def flat(hours: Any, rows: Any) -> Any:
        return rows[:, 0], np.zeros(len(rows))

    monkeypatch.setattr("lumimod.physics.expfit._fit", flat)
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


def test_fit_that_runs_away_is_nan() -> None:
    # Over 230 h the start exp(1 * t/h) is 1e100; curve_fit stays there and returns b = 1.
    time_s = np.arange(24) * 10 * HOUR_S
    values = np.exp(np.random.default_rng(1).normal(size=(24, 5)))
    fit = fit_exponentials(time_s, values)
    assert np.isnan(fit.tau_s).all()
    assert fit.n_failed == 5


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
