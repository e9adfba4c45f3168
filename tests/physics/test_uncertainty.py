"""Standard errors of fits and of the calculated luminosity."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import curve_fit

from lumimod.physics.luminosity import experiment_luminosity
from lumimod.physics.uncertainty import (
    BeamErrors,
    FitErrors,
    LumiFactors,
    errors_of_correlated,
    exponential_fit_errors,
    lumi_error,
    lumi_factors,
    noise_of_mean,
    pair_errors,
    sample_noise,
)

HOURS = np.arange(0, 8, 1 / 12)


def noisy(n_bunches: int, tau_h: float = -20.0, sigma: float = 0.02) -> np.ndarray:
    rng = np.random.default_rng(3)
    return 2.2 * np.exp(HOURS[:, None] / tau_h) + rng.normal(0, sigma, (HOURS.size, n_bunches))


def fitted(values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    init, rate, init_error, tau_error = [], [], [], []
    for column in values.T:
        (a, b), cov = curve_fit(lambda t, a, b: a * np.exp(b * t), HOURS, column, (2, -0.05))
        init.append(a)
        rate.append(b)
        init_error.append(np.sqrt(cov[0, 0]))
        tau_error.append(np.sqrt(cov[1, 1]) / b**2 * 3600)
    return np.array(init), 3600 / np.array(rate), np.array(init_error), np.array(tau_error)


def test_errors_are_those_of_scipy() -> None:
    values = noisy(4)
    init, tau_s, init_error, tau_error = fitted(values)
    found = exponential_fit_errors(HOURS * 3600, values, init, tau_s)
    assert np.allclose(found.init, init_error, rtol=1e-4)
    assert np.allclose(found.tau_s, tau_error, rtol=1e-4)


def test_errors_say_how_far_fits_are_from_the_truth() -> None:
    values = noisy(300)
    init, tau_s, *_ = fitted(values)
    errors = exponential_fit_errors(HOURS * 3600, values, init, tau_s, noise=np.full(300, 0.02))
    pulls = (1 / tau_s + 1 / 72_000) * tau_s**2 / errors.tau_s
    assert 0.9 < pulls.std() < 1.12
    assert errors.chi2_dof.mean() == pytest.approx(1, abs=0.03)
    assert abs(errors.lag1.mean()) < 0.03


def test_a_curve_that_is_no_exponential_shows_in_its_correlation() -> None:
    values = 2.0 + 0.1 * np.sin(HOURS[:, None] * [2.0, 2.5])
    found = exponential_fit_errors(HOURS * 3600, values, np.full(2, 2.0), np.full(2, 1e12))
    assert np.all(found.lag1 > 0.9)


def test_samples_that_are_nan_do_not_count_and_two_are_too_few() -> None:
    values = noisy(2)
    values[2:, 1] = np.nan
    values[5, 0] = np.nan
    found = exponential_fit_errors(HOURS * 3600, values, np.full(2, 2.2), np.full(2, -72_000.0))
    assert np.isfinite(found.tau_s[0])
    assert np.isnan(found.tau_s[1])


def test_factors_of_the_luminosity_are_its_derivatives() -> None:
    one = np.ones(1)

    def lumi(
        sep: float = 1, cross: float = 1, length: float = 1, beta: float = 1, n: float = 1
    ) -> float:
        emit_h, emit_v, sigma_z = one * 2.2 * cross, one * 2.0 * sep, one * 0.08 * length
        return float(
            experiment_luminosity(
                "h", (one * 1.1e11 * n, one * 1.2e11), (emit_h, emit_h), (emit_v, emit_v),
                (sigma_z, sigma_z), 300e-6, betastar_m=0.3 * beta, gamma=6927.64, f_rev_hz=11245.5,
            )[0]
        )  # fmt: skip

    piwinski = 0.08 * 150e-6 / np.sqrt(2.2e-6 / 6927.64 * 0.3)
    step = 1e-6
    got = lumi_factors(np.array(piwinski))
    for name, factor in zip(("sep", "cross", "length", "beta", "n"), got):
        slope = (np.log(lumi(**{name: 1 + step})) - np.log(lumi())) / step
        assert factor == pytest.approx(slope, abs=1e-5), name


def test_factors_of_2017_are_the_published_ones() -> None:
    got = lumi_factors(np.array(np.sqrt(1.8)))
    assert np.allclose(got, [-0.5, -0.18, -0.64, -0.68, 1, 1], atol=5e-3)


def test_errors_add_in_quadrature() -> None:
    factors = lumi_factors(np.zeros(1))
    none = np.zeros(1)
    errors = LumiFactors(np.array([0.06]), none, none, none, 0.04, 0.0)
    assert lumi_error(factors, errors)[0] == pytest.approx(0.05)


# --- noise


def test_noise_is_found_on_a_slope_and_where_samples_are_missing() -> None:
    rng = np.random.default_rng(8)
    values = np.arange(4000.0)[:, None] + rng.normal(0, 3, (4000, 2))
    values[100:120, 1] = np.nan
    assert sample_noise(values) == pytest.approx([3, 3], rel=0.05)
    assert np.isnan(sample_noise(values[:2])).all()
    assert sample_noise(values, order=3) == pytest.approx([3, 3], rel=0.1)


def test_noise_of_a_mean_is_that_of_its_scatter() -> None:
    rng = np.random.default_rng(9)
    independent = rng.normal(0, 1, (200, 2000))
    # Every second sample is the mean of its neighbours, as by interpolation.
    between = independent.copy()
    between[1:-1:2] = (between[:-2:2] + between[2::2]) / 2
    for samples in (independent, between):
        expected = samples.mean(axis=0).std() * np.sqrt(200)
        assert noise_of_mean(samples).mean() == pytest.approx(expected, rel=0.1)
    assert noise_of_mean(np.zeros((5, 1))) == 0


def test_errors_of_interpolated_samples_are_those_of_the_measurements() -> None:
    values = noisy(2000)
    values[1:-1:2] = (values[:-2:2] + values[2::2]) / 2
    init, tau_s = 2.2 * np.ones(2000), -20 * 3600 * np.ones(2000)
    plain = exponential_fit_errors(HOURS * 3600, values, init, tau_s)
    wider = exponential_fit_errors(HOURS * 3600, values, init, tau_s, interpolated=True)
    every_second = exponential_fit_errors(HOURS[::2] * 3600, values[::2], init, tau_s)
    assert np.median(wider.tau_s) == pytest.approx(np.median(every_second.tau_s), rel=0.1)
    assert np.median(plain.tau_s) < 0.75 * np.median(wider.tau_s)


def test_errors_of_correlated_samples_are_wider_by_their_correlation() -> None:
    one, lag1 = np.ones(3), np.array([0.0, 0.8, -0.5])
    found = errors_of_correlated(FitErrors(one, 2 * one, one, lag1))
    assert found.init == pytest.approx([1, 3, 1])
    assert found.tau_s == pytest.approx([2, 6, 2])


def test_a_luminosity_has_the_errors_of_both_beams() -> None:
    one = BeamErrors(*(np.array([x]) for x in (0.03, 0.0, 0.0, 0.01)))
    two = BeamErrors(*(np.array([x]) for x in (0.04, 0.0, 0.0, 0.02)))
    found = lumi_error(lumi_factors(np.array([1.3])), pair_errors(one, two))
    # The mean of the emittances has 2.5 %, of which the luminosity has half.
    assert found == pytest.approx(np.sqrt(0.0125**2 + 0.01**2 + 0.02**2))


def test_samples_of_no_spread_between_neighbours_have_an_error_all_the_same() -> None:
    one = np.ones(2)
    found = errors_of_correlated(FitErrors(one, one, one, np.array([1.0, 1.5])))
    assert np.isfinite(found.init).all()
    assert found.init == pytest.approx(np.sqrt(1.999 / 0.001))


def test_samples_that_are_nan_add_nothing_to_the_scatter() -> None:
    values = noisy(1)
    gone = values.copy()
    gone[10::10] = np.nan
    init, tau_s = np.full(1, 2.2), np.full(1, -72_000.0)
    found = exponential_fit_errors(HOURS * 3600, gone, init, tau_s, noise=np.full(1, 0.02))
    alone = exponential_fit_errors(
        HOURS[np.isfinite(gone[:, 0])] * 3600,
        gone[np.isfinite(gone[:, 0])],
        init,
        tau_s,
        noise=np.full(1, 0.02),
    )
    assert found.chi2_dof == pytest.approx(alone.chi2_dof)
    assert found.init == pytest.approx(alone.init)


def test_the_error_of_a_luminosity_is_the_root_of_the_sum_of_all_squares() -> None:
    factors = LumiFactors(*(np.array([x]) for x in (2.0, 3.0, 5.0, 7.0)), 11.0, 13.0)
    relative = LumiFactors(*(np.array([x]) for x in (0.1, 0.2, 0.3, 0.4)), 0.5, 0.6)
    squares = (2 * 0.1) ** 2 + (3 * 0.2) ** 2 + (5 * 0.3) ** 2 + (7 * 0.4) ** 2
    squares += (11 * 0.5) ** 2 + (13 * 0.6) ** 2
    assert lumi_error(factors, relative) == pytest.approx([np.sqrt(squares)])


def test_factors_and_errors_have_the_shape_of_the_bunches() -> None:
    factors = lumi_factors(np.ones((2, 3)))
    assert {np.shape(factor) for factor in factors[:4]} == {(2, 3)}
    beam = BeamErrors(*np.ones((4, 2, 3)))
    assert {np.shape(error) for error in pair_errors(beam, beam)} == {(2, 3)}


def test_three_samples_have_errors_as_by_scipy() -> None:
    values = noisy(1)[::40]
    hours = HOURS[::40]
    assert hours.size == 3
    (a, b), cov = curve_fit(lambda t, a, b: a * np.exp(b * t), hours, values[:, 0], (2, -0.05))
    found = exponential_fit_errors(hours * 3600, values, np.array([a]), np.array([3600 / b]))
    assert found.init == pytest.approx(np.sqrt(cov[0, 0]), rel=1e-4)
    assert found.tau_s == pytest.approx(np.sqrt(cov[1, 1]) / b**2 * 3600, rel=1e-4)


def test_without_a_noise_that_is_known_there_is_no_chi_square() -> None:
    found = exponential_fit_errors(HOURS * 3600, noisy(2), np.full(2, 2.2), np.full(2, -72_000.0))
    assert found.chi2_dof.dtype == float
    assert np.isnan(found.chi2_dof).all()


@pytest.mark.parametrize("tau_s", [0.0, 1e-3, np.nan, np.inf])
@pytest.mark.parametrize("value", [np.nan, 0.0, 2.0])
def test_fits_of_no_use_have_errors_without_a_warning(tau_s: float, value: float) -> None:
    one = np.ones(1)
    found = exponential_fit_errors(
        HOURS * 3600, np.full((HOURS.size, 1), value), one, tau_s * one, noise=0 * one
    )
    assert not np.isfinite(found.chi2_dof).any()


def test_the_noise_of_samples_is_by_their_differences_that_are_there() -> None:
    values = np.array([[1.0, 4.0, 9.0, 16.0, 26.0, np.nan, 40.0]]).T
    # Second differences: 2, 2, 3; third ones: 0, 1.
    assert sample_noise(values) == pytest.approx(np.sqrt((4 + 4 + 9) / 3 / 6))
    assert sample_noise(values, order=3) == pytest.approx(np.sqrt((0 + 1) / 2 / 20))
    assert np.isnan(sample_noise(np.full((5, 1), np.nan))).all()


def test_the_noise_of_a_mean_counts_correlation_and_samples_that_are_there() -> None:
    r = np.array([[1.0, 2.0, np.nan, 2.0, -1.0, 0.0]]).T
    # Of 5 samples with squares 10: at distance 1 products 2 - 2, at distance 2 2*2.
    wider = 1 + 2 * (1 * 2 - 2 * 1) / 10 + 2 * (2 * 2) / 10
    assert noise_of_mean(r) == pytest.approx(np.sqrt(10 / 5 * wider))
    assert np.isnan(noise_of_mean(np.full((5, 1), np.nan))).all()
