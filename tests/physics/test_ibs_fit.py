"""Polynomials through growth rates, and the energy spread that belongs to a length."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lumimod.physics.ibs_fit import fit_points, fitted_rate, matched_spread
from lumimod.physics.ibs_rates import FITTED_NS, FITTED_UM, GrowthRates
from lumimod.tables.ibs_rates_xy import growth_rate_sets

LHC: Any = {"circumference_m": 26658.8832, "harmonic": 35640, "mass_ev": 0.938272e9}


@pytest.mark.parametrize("rates", growth_rate_sets(), ids=lambda r: f"{r.energy_gev}_{r.v_rf_mv}")
def test_a_polynomial_is_found_again(rates: object) -> None:
    points = fit_points()
    at = np.array(points).T
    by_h, by_l = rates.at(np.array(1e11), at[0], at[1], at[2] * 1e-9)  # type: ignore[attr-defined]
    for per_h, want in ((by_h, rates.emit_h), (by_l, rates.bl4s)):  # type: ignore[attr-defined]
        fit = fitted_rate(points, per_h)
        assert fit.coefficients == pytest.approx(want, abs=1e-9)
        assert fit.max_percent < 1e-9


def test_deviations_are_those_of_the_rates() -> None:
    points = fit_points()
    per_h = 0.1 * (1 + 0.01 * np.random.default_rng(3).normal(size=len(points)))
    fit = fitted_rate(points, per_h)
    assert 0.8 < fit.rms_percent < 1.1  # ten of 64 degrees of freedom are gone
    assert 2 * fit.rms_percent < fit.max_percent < 4


def test_a_rate_that_is_not_above_zero_has_no_polynomial() -> None:
    with pytest.raises(ValueError, match="not all above zero"):
        fitted_rate(fit_points(), np.linspace(-1, 1, len(fit_points())))


def test_the_points_are_all_combinations() -> None:
    points = fit_points()
    assert len(points) == len(set(points)) == 64
    low, high = np.min(points, axis=0), np.max(points, axis=0)
    assert list(zip(low, high)) == [FITTED_UM, FITTED_UM, FITTED_NS]


def test_the_spread_is_that_of_the_synchrotron_tune_of_the_lhc() -> None:
    # Design Report: momentum compaction 3.225e-4; Q_s 0.0055 at 450 GeV with 8 MV.
    slip = 3.225e-4 - 1 / 479.6**2
    got = matched_spread(0.09, energy_ev=450e9, v_rf_v=8e6, slip_factor=slip, **LHC)
    assert got == pytest.approx(0.0055 * 0.09 / (slip * 26658.8832 / (2 * np.pi)), rel=0.04)


def test_the_bunch_of_the_design_has_its_energy_spread() -> None:
    # Design Report at 7 TeV, 16 MV: 7.55 cm and 1.13e-4.
    slip = 3.225e-4 - 1 / 7460.5**2
    got = matched_spread(0.0755, energy_ev=7e12, v_rf_v=16e6, slip_factor=slip, **LHC)
    assert got == pytest.approx(1.13e-4, rel=0.01)


def test_a_rate_of_zero_has_no_polynomial() -> None:
    rates = np.ones(len(fit_points()))
    rates[5] = 0.0
    with pytest.raises(ValueError, match="not all above zero"):
        fitted_rate(fit_points(), rates)


def test_the_spread_of_a_slow_ion_counts_its_speed() -> None:
    at = {"v_rf_v": 8e6, "slip_factor": 3e-4, **LHC, "mass_ev": 300e9}
    slow = matched_spread(0.09, energy_ev=500e9, **at)  # beta^2 = 0.64
    fast = matched_spread(0.09, energy_ev=500e9, **{**at, "mass_ev": 1e6})
    assert slow == pytest.approx(fast / 0.8)


def test_deviations_are_how_far_the_polynomial_is_from_each_rate() -> None:
    points = fit_points()
    per_h = 0.1 * (1 + 0.01 * np.random.default_rng(3).normal(size=len(points)))
    fit = fitted_rate(points, per_h)
    h, v, bl_ns = np.array(points).T
    again = GrowthRates(6500.0, 12.0, fit.coefficients, fit.coefficients)
    off = 100 * (again.at(np.array(1e11), h, v, bl_ns * 1e-9)[0] / per_h - 1)
    assert fit.rms_percent == pytest.approx(np.sqrt(np.mean(off**2)))
    assert fit.max_percent == pytest.approx(np.max(np.abs(off)))


def test_what_is_wrong_with_rates_is_told() -> None:
    with pytest.raises(ValueError, match=r"^growth rates are not all above zero$"):
        fitted_rate(fit_points(), np.zeros(len(fit_points())))
