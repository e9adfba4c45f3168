"""Intensity lifetimes and losses."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lumimod.physics.lifetime import intensity_lifetime, losses

HOUR_S = 3600.0
SIGMA_M2 = 80e-31


def test_lifetime_by_hand() -> None:
    # From 100 to 90 in 10 s: -1/(-1/100) = 100 s; from 90 to 81 in 5 s: 90/1.8 = 50 s.
    found = intensity_lifetime(np.array([0.0, 10.0, 15.0]), np.array([100.0, 90.0, 81.0]))
    np.testing.assert_allclose(found, [100.0, 50.0], rtol=1e-14)


@given(tau_h=st.floats(1, 1000), step_s=st.floats(10, 600), n0=st.floats(1e9, 3e14))
def test_exponential_decay_has_its_own_lifetime(tau_h: float, step_s: float, n0: float) -> None:
    # The difference quotient gives dt/(1 - exp(-dt/tau)) = tau + dt/2 + dt^2/(12 tau) - ...: half
    # a step more than the lifetime, to first order.
    tau_s = tau_h * HOUR_S
    time_s = np.arange(10) * step_s
    found = intensity_lifetime(time_s, n0 * np.exp(-time_s / tau_s))
    # The difference of almost equal intensities loses digits: rounding times tau/dt < 4e5.
    np.testing.assert_allclose(found, -step_s / np.expm1(-step_s / tau_s), rtol=1e-9)
    np.testing.assert_allclose(found, tau_s + step_s / 2, rtol=(step_s / tau_s) ** 2 / 10 + 1e-9)


def test_every_bunch_has_its_own_lifetime() -> None:
    time_s = np.array([0.0, 10.0, 30.0])
    bunches = np.array([[100.0, 200.0], [90.0, 190.0], [80.0, 150.0]])
    found = intensity_lifetime(time_s, bunches)
    assert found.shape == (2, 2)
    for j in range(2):
        np.testing.assert_array_equal(found[:, j], intensity_lifetime(time_s, bunches[:, j]))


def test_growing_intensity_has_a_negative_lifetime() -> None:
    # From 100 to 110 in 10 s: -100 s.
    assert intensity_lifetime(np.array([0.0, 10.0]), np.array([100.0, 110.0]))[0] == -100


def test_constant_intensity_lives_for_ever() -> None:
    assert np.isinf(intensity_lifetime(np.array([0.0, 10.0]), np.array([100.0, 100.0]))[0])


def test_empty_slot_has_no_lifetime() -> None:
    assert np.isnan(intensity_lifetime(np.array([0.0, 10.0]), np.zeros(2))[0])


def test_pure_burn_off_has_an_infinite_corrected_lifetime() -> None:
    # sigma*L = 2 * 8 = 16 per second, from 1024 to 1008 in 1 s: both lifetimes are 64 s.
    found = losses(
        np.array([0.0, 1.0]), np.array([1024.0, 1008.0]), np.full(2, 8.0), sigma_boff_m2=2.0
    )
    assert found.tau_s[0] == 64
    assert np.isinf(found.tau_boff_corrected_s[0])


def test_pure_burn_off_of_real_size_has_the_cross_section_of_burn_off() -> None:
    # 1e38 1/(m^2 s) shared by 2000 bunches: 5e34 * 80e-31 = 4e5 protons per second and bunch.
    time_s = np.arange(20) * 300.0
    lumi = np.full(20, 5e34)
    found = losses(time_s, 1.1e11 - 4e5 * time_s, lumi, sigma_boff_m2=SIGMA_M2)
    np.testing.assert_allclose(found.rate_ppb_s, 4e5, rtol=1e-9)
    np.testing.assert_allclose(found.sigma_m2, SIGMA_M2, rtol=1e-9)
    assert (np.abs(found.tau_boff_corrected_s) > 1e6 * found.tau_s).all()


def test_losses_besides_burn_off_by_hand() -> None:
    # From 1000 to 950 in 10 s: 5 per second, tau 200 s. Burn-off 2 * 1 = 2 per second, 500 s.
    # 1/(1/200 - 1/500) = 1000/3 s: the other 3 per second. Cross-section 5/1.
    found = losses(np.array([0.0, 10.0]), np.array([1000.0, 950.0]), np.ones(2), sigma_boff_m2=2.0)
    assert found.tau_s[0] == pytest.approx(200)
    assert found.tau_boff_corrected_s[0] == pytest.approx(1000 / 3)
    assert found.rate_ppb_s[0] == 5
    assert found.sigma_m2[0] == 5


@given(
    decay_h=st.floats(5, 100),
    lumi=st.floats(1e33, 1e34),
)
def test_loss_rates_of_burn_off_and_the_rest_add_up(decay_h: float, lumi: float) -> None:
    time_s = np.arange(5) * 300.0
    n_ppb = 1.1e11 * np.exp(-time_s / (decay_h * HOUR_S))
    found = losses(time_s, n_ppb, np.full(5, lumi), sigma_boff_m2=SIGMA_M2)
    rest = 1 / found.tau_boff_corrected_s
    np.testing.assert_allclose(
        rest + SIGMA_M2 * lumi / n_ppb[:-1], 1 / found.tau_s, rtol=1e-9, atol=1e-15
    )


def test_losses_below_burn_off_have_a_negative_corrected_lifetime() -> None:
    # From 1000 to 990 in 10 s is 1 per second, burn-off is 2: 1/(1/1000 - 1/500) = -1000 s.
    found = losses(np.array([0.0, 10.0]), np.array([1000.0, 990.0]), np.ones(2), sigma_boff_m2=2.0)
    assert found.tau_boff_corrected_s[0] == pytest.approx(-1000)


def test_loss_rate_of_a_growing_intensity_is_positive() -> None:
    found = losses(np.array([0.0, 10.0]), np.array([1000.0, 1010.0]), np.ones(2), sigma_boff_m2=2.0)
    assert found.tau_s[0] == -1000
    assert found.rate_ppb_s[0] == 1
    assert found.sigma_m2[0] == 1


def test_no_losses_have_no_rate_and_no_cross_section() -> None:
    found = losses(np.array([0.0, 10.0]), np.array([1000.0, 1000.0]), np.ones(2), sigma_boff_m2=2.0)
    assert np.isinf(found.tau_s[0])
    assert found.rate_ppb_s[0] == found.sigma_m2[0] == 0
    # Burn-off alone would give 500 s: something grows at that rate.
    assert found.tau_boff_corrected_s[0] == -500


def test_no_luminosity_leaves_the_lifetime_as_it_is() -> None:
    found = losses(np.array([0.0, 10.0]), np.array([1000.0, 950.0]), np.zeros(2), sigma_boff_m2=2)
    assert found.tau_boff_corrected_s[0] == found.tau_s[0]
    assert found.sigma_m2[0] == np.inf


def test_luminosity_is_that_of_the_beginning_of_each_step() -> None:
    found = losses(
        np.array([0.0, 10.0]), np.array([1000.0, 950.0]), np.array([1.0, 99.0]), sigma_boff_m2=2
    )
    assert found.sigma_m2[0] == 5


def test_bunch_without_luminosity_measurement_keeps_lifetime_and_rate() -> None:
    found = losses(
        np.array([0.0, 10.0]),
        np.array([[1000.0, 1000.0], [950.0, 950.0]]),
        np.array([[1.0, np.nan], [1.0, np.nan]]),
        sigma_boff_m2=2.0,
    )
    assert found.tau_s[0, 1] == found.tau_s[0, 0]
    assert found.rate_ppb_s[0, 1] == 5
    assert np.isnan([found.tau_boff_corrected_s[0, 1], found.sigma_m2[0, 1]]).all()
    assert np.isfinite(found.tau_boff_corrected_s[0, 0])
