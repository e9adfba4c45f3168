"""Growth by intra-beam scattering from first-principles rates."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest

from lumimod.physics.constants import SPEED_OF_LIGHT_M_S
from lumimod.physics.effects import NO_DAMPING, DampingTimes, Effects
from lumimod.physics.full import advance
from lumimod.physics.ibs_rates import GrowthRates, at_voltage, is_outside
from lumimod.physics.sbmodel import Bunches
from lumimod.tables.ibs_rates_xy import growth_rate_sets, growth_rates_of

GRID = Path(__file__).parents[1] / "data" / "ibs_growth_lhc.csv"
LHC = DampingTimes(64.7, 64.7, 32.35)


class Shape(NamedTuple):
    """Normalised emittances, and length: 4 sigma, in time."""

    emit_h_um: np.ndarray
    emit_v_um: np.ndarray
    bl4s_s: np.ndarray


def grow(
    rates: GrowthRates, damping: DampingTimes, dt_s: object, n_ppb: np.ndarray, start: Shape
) -> Shape:
    """Return bunches after a time, by scattering and damping alone."""
    length_m = start.bl4s_s * SPEED_OF_LIGHT_M_S / 4
    bunches = Bunches(n_ppb, start.emit_h_um, start.emit_v_um, length_m)
    effects = Effects(rates.energy_gev / 0.93828, rates.energy_gev, rates, damping)
    end = advance(bunches, dt_s, effects)  # type: ignore[arg-type]
    return Shape(end.emit_h_um, end.emit_v_um, end.length_m * 4 / SPEED_OF_LIGHT_M_S)


def shape(emit_h: float = 2.2, emit_v: float = 1.6, bl4s_ns: float = 1.1) -> Shape:
    return Shape(np.array([emit_h]), np.array([emit_v]), np.array([bl4s_ns * 1e-9]))


def at_top(n_ppb: float = 1.1e11) -> tuple[GrowthRates, np.ndarray]:
    return growth_rates_of(6927.64, 12e6), np.array([n_ppb])


def test_round_beams_grow_as_in_the_reference_grid() -> None:
    grid = pd.read_csv(GRID, comment="#").query("formalism == 'Nagaitsev'")
    checked = 0
    for (energy, voltage), rows in grid.groupby(["energy_GeV", "V_MV"]):
        rows = rows[(rows.exn_um <= 3.6) & rows.bl4s_ns.between(0.8, 1.45)]
        rates = next(
            r for r in growth_rate_sets() if (r.energy_gev, r.v_rf_mv) == (energy, voltage)
        )
        emit = rows.exn_um.to_numpy()
        by_h, by_l = rates.at(rows.N_ppb.to_numpy(), emit, emit, rows.bl4s_ns.to_numpy() / 1e9)
        assert np.abs(by_h * emit / rows.dexn_dt_um_per_h - 1).max() < 2e-3
        assert np.abs(by_l * rows.bl4s_ns / rows.dbl_dt_ns_per_h - 1).max() < 2e-3
        checked += len(rows)
    assert checked > 150


def test_after_ten_hours_the_end_is_the_same_for_every_step() -> None:
    rates, n = at_top()
    ends = []
    for step_s in (60, 300, 600, 1800, 3600):
        state = shape()
        for _ in range(36_000 // step_s):
            state = grow(rates, LHC, step_s, n, state)
        ends.append(np.concatenate(state))
    assert np.allclose(ends, ends[0], rtol=1e-5)


def test_growth_without_damping_is_that_of_the_differential_equation() -> None:
    from scipy.integrate import solve_ivp

    rates, n = at_top()

    def slopes(_: float, y: np.ndarray) -> np.ndarray:
        by_h, by_l = rates.at(n, y[:1], y[1:2], y[2:] * 1e-9)
        return np.array([by_h[0] * y[0], 0.0, by_l[0] * y[2]])

    want = solve_ivp(slopes, (0, 10), [2.2, 1.6, 1.1], rtol=1e-10, atol=1e-12).y[:, -1]
    got = grow(rates, NO_DAMPING, 36_000.0, n, shape())
    assert np.allclose([got.emit_h_um[0], got.emit_v_um[0], got.bl4s_s[0] * 1e9], want, rtol=1e-6)


def test_damping_alone_halves_the_emittance_in_its_time() -> None:
    rates, _ = at_top()
    got = grow(
        rates, DampingTimes(20.0, 20.0, 10.0), 3600.0 * 10 * np.log(2), np.array([1e-30]), shape()
    )
    assert got.emit_h_um[0] == pytest.approx(1.1, rel=1e-6)
    assert got.emit_v_um[0] == pytest.approx(0.8, rel=1e-6)
    assert got.bl4s_s[0] == pytest.approx(0.55e-9, rel=1e-6, abs=0)


def test_a_smaller_vertical_emittance_makes_growth_faster() -> None:
    rates, n = at_top()
    slow, fast = (rates.at(n, *shape(emit_v=v))[0] for v in (2.2, 1.25))
    assert 1.3 < fast[0] / slow[0] < 1.6


def test_growth_is_proportional_to_the_intensity() -> None:
    rates, _ = at_top()
    one, two = (np.array(rates.at(np.array([n]), *shape())) for n in (1e11, 2e11))
    assert np.allclose(two, 2 * one, rtol=1e-12)


def test_each_bunch_has_its_own_time_and_nan_stays_nan() -> None:
    rates, _ = at_top()
    emit = np.array([2.2, 2.2, np.nan])
    start = Shape(emit, np.full(3, 1.6), np.full(3, 1.1e-9))
    got = grow(rates, LHC, np.array([600.0, 3600.0, 3600.0]), np.full(3, 1.1e11), start)
    alone = grow(rates, LHC, 3600.0, np.array([1.1e11]), shape())
    soon = grow(rates, LHC, 600.0, np.array([1.1e11]), shape())
    assert got.emit_h_um[0] == pytest.approx(soon.emit_h_um[0], rel=1e-7)
    assert got.emit_h_um[1] == pytest.approx(alone.emit_h_um[0], rel=1e-9)
    assert np.isnan(got.emit_h_um[2])


@pytest.mark.parametrize(("gamma", "volts"), [(479.6, (4, 6, 8)), (7247.4, (12, 14, 16))])
def test_a_voltage_between_sets_is_interpolated(gamma: float, volts: tuple[int, ...]) -> None:
    low, middle, high = (growth_rates_of(gamma, v * 1e6) for v in volts)
    guess = at_voltage(low, high, volts[1])
    for emit_h, emit_v, length in itertools.product((1.0, 2.2, 3.6), (1.0, 3.6), (0.8, 1.45)):
        at = (np.array([1e11]), *shape(emit_h, emit_v, length))
        assert np.allclose(guess.at(*at), middle.at(*at), rtol=7e-3)
    assert growth_rates_of(gamma, (volts[0] + 1) * 1e6).v_rf_mv == volts[0] + 1


@pytest.mark.parametrize(("gamma", "v_rf_v"), [(6927.64, 6e6), (6927.64, 14e6), (2675.0, 12e6)])
def test_what_there_is_no_rate_for_is_listed(gamma: float, v_rf_v: float) -> None:
    from lumimod.errors import ConfigError

    with pytest.raises(ConfigError, match="6500 GeV with 10 MV, 6500 GeV with 12 MV"):
        growth_rates_of(gamma, v_rf_v)


def test_bunches_outside_of_the_points_of_the_fit_are_found() -> None:
    emit_h = np.array([0.9, 1.0, 3.6, 2.0, 2.0, 2.0, np.nan])
    emit_v = np.array([2.0, 2.0, 2.0, 3.7, 2.0, 2.0, 2.0])
    bl4s_s = np.array([1.1, 1.1, 1.1, 1.1, 0.79, 1.44, 1.1]) * 1e-9
    assert is_outside(emit_h, emit_v, bl4s_s).tolist() == [1, 0, 0, 1, 1, 0, 0]


def test_at_1e11_protons_the_rates_are_those_of_the_polynomials() -> None:
    rates = GrowthRates(6500.0, 12.0, (0.0,) * 10, (0.0,) * 10)
    one = np.ones(1)
    assert rates.at(1e11 * one, 2.2 * one, 1.6 * one, 1.1e-9 * one) == (1.0, 1.0)


def test_no_protons_do_not_scatter_and_what_is_no_bunch_is_nan_without_a_warning() -> None:
    rates, _ = at_top()
    n, emit_h = np.array([0.0, -1e11, 1e11]), np.array([2.2, 2.2, -0.1])
    by_h, by_l = rates.at(n, emit_h, np.full(3, 1.6), np.full(3, 1.1e-9))
    assert by_h[0] == by_l[0] == 0.0
    assert np.isnan([by_h[1:], by_l[1:]]).all()


def test_rates_between_two_voltages_are_of_the_same_energy_and_that_voltage() -> None:
    low, high = (GrowthRates(6800.0, v, (float(v),) * 10, (-float(v),) * 10) for v in (4, 16))
    mid = at_voltage(low, high, 8.0)
    assert (mid.energy_gev, mid.v_rf_mv) == (6800.0, 8.0)
    assert mid.emit_h == pytest.approx([10.0] * 10)
    assert mid.bl4s == pytest.approx([-10.0] * 10)
