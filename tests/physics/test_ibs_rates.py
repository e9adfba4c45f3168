"""Intra-beam scattering at 6.8 TeV, where there are only rates: first principles, and its laws."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lumimod.physics.ibs import IbsRates, ibs_map
from lumimod.tables.ibs import ibs_of

TABLE = Path(__file__).parents[1] / "data" / "ibs_growth_lhc.csv"
GAMMA, V_RF_V = 7247.4, 12e6
DAMPING_XY_H, DAMPING_L_H = 64.7 * (6500 / 6800) ** 3, 32.35 * (6500 / 6800) ** 3
SHORT_S = 1.0

n_bunch = st.floats(0.3e11, 2.2e11)
emittance = st.floats(0.9, 4.0)
length = st.floats(0.8, 1.5)

FloatArray = npt.NDArray[np.float64]


def after(dt_s: float, n_ppb: float, emit_um: float, bl_ns: float) -> tuple[float, float]:
    """Return emittance in um and length in ns."""
    bunch = (np.array(n_ppb), np.array(emit_um), np.array(bl_ns * 1e-9))
    emit, bl4s_s = ibs_map(ibs_of(GAMMA, V_RF_V), dt_s, *bunch)
    return float(emit), float(bl4s_s * 1e9)


def first_principles(formalism: str) -> FloatArray:
    """Return n, emittance, length and both growths per hour at 6.8 TeV."""
    columns = ("N_ppb", "exn_um", "bl4s_ns", "dexn_dt_um_per_h", "dbl_dt_ns_per_h")
    with TABLE.open(encoding="utf-8") as file:
        rows = [
            [float(row[name]) for name in columns]
            for row in csv.DictReader(line for line in file if not line.startswith("#"))
            if row["energy_GeV"] == "6800" and row["formalism"] == formalism
        ]
    return np.array(rows).T


@pytest.mark.parametrize(
    ("formalism", "n_rows", "within"), [("Nagaitsev", 64, 4e-4), ("Bjorken-Mtingwa", 8, 0.03)]
)
def test_short_steps_grow_as_from_first_principles(
    formalism: str, n_rows: int, within: float
) -> None:
    n, emit, bl_ns, emit_per_h, bl_per_h = first_principles(formalism)
    assert n.size == n_rows
    later = ibs_map(ibs_of(GAMMA, V_RF_V), SHORT_S, n, emit, bl_ns * 1e-9)
    by_ibs_h = np.log(later.emit_h_um / emit) * 3600 / SHORT_S + 2 / DAMPING_XY_H
    by_ibs_l = np.log(later.bl4s_s * 1e9 / bl_ns) * 3600 / SHORT_S + 1 / DAMPING_L_H
    assert by_ibs_h == pytest.approx(emit_per_h / emit, rel=within)
    assert by_ibs_l == pytest.approx(bl_per_h / bl_ns, rel=within)


def test_a_bunch_without_particles_only_damps() -> None:
    emit, bl_ns = after(3600.0, 1.0, 2.0, 1.1)
    assert emit == pytest.approx(2.0 * np.exp(-2 / DAMPING_XY_H), rel=1e-6)
    assert bl_ns == pytest.approx(1.1 * np.exp(-1 / DAMPING_L_H), rel=1e-6)


def test_a_day_is_as_many_short_steps() -> None:
    emit, bl_ns = 2.0, 1.1
    for _ in range(24 * 12):
        emit, bl_ns = after(300.0, 1.3e11, emit, bl_ns)
    assert after(24 * 3600.0, 1.3e11, 2.0, 1.1) == pytest.approx((emit, bl_ns), rel=1e-7)


@given(n_bunch, emittance, length, st.floats(60.0, 7200.0))
def test_two_steps_are_one_of_their_sum(n: float, emit: float, bl_ns: float, dt_s: float) -> None:
    half = after(dt_s / 2, n, emit, bl_ns)
    assert after(dt_s / 2, n, *half) == pytest.approx(
        after(dt_s, n, emit, bl_ns), rel=2e-4
    )  # mostly below 1.1e-4, 1.5e-4 in corners


@given(n_bunch, emittance, length)
def test_more_particles_grow_faster(n: float, emit: float, bl_ns: float) -> None:
    more, less = after(600.0, 1.1 * n, emit, bl_ns), after(600.0, n, emit, bl_ns)
    assert more[0] > less[0]
    assert more[1] > less[1]


def test_every_bunch_may_have_its_own_time() -> None:
    dt_s = np.array([600.0, 5400.0, 0.0, np.nan])
    bunches = (np.full(4, 1.2e11), np.full(4, 2.0), np.full(4, 1.1e-9))
    emit, bl4s_s = ibs_map(ibs_of(GAMMA, V_RF_V), dt_s, *bunches)
    for i in (0, 1):
        expected = after(dt_s[i], 1.2e11, 2.0, 1.1)
        assert (emit[i], bl4s_s[i] * 1e9) == pytest.approx(expected, rel=1e-6)
    assert np.isnan(emit[2:]).all()
    assert np.isnan(bl4s_s[2:]).all()


def test_nan_in_gives_nan_out() -> None:
    emit, bl4s_s = ibs_map(
        ibs_of(GAMMA, V_RF_V), 600.0, np.array([1.1e11, np.nan]), np.full(2, 2.0), np.full(2, 1e-9)
    )
    assert np.isfinite([emit[0], bl4s_s[0]]).all()
    assert np.isnan([emit[1], bl4s_s[1]]).all()


NO_BUNCHES = [(-1e9, 2.0), (0.0, 2.0), (1e300, 2.0), (1e11, -1.0), (1e11, 0.0), (1e11, 1e-300)]


@pytest.mark.parametrize(("n_ppb", "emit_um"), NO_BUNCHES)
def test_what_is_no_bunch_spares_the_others_and_raises_no_warning(
    n_ppb: float, emit_um: float
) -> None:
    n, emit = np.array([1.1e11, n_ppb]), np.array([2.0, emit_um])
    found = np.array(ibs_map(ibs_of(GAMMA, V_RF_V), 600.0, n, emit, np.full(2, 1e-9)))
    assert np.isfinite(found[:, 0]).all()
    if n_ppb < 0 or emit_um < 0:
        assert np.isnan(found[:, 1]).all()


def test_growth_at_6800_gev_is_close_to_that_of_the_parametrisation_at_6500_gev() -> None:
    bunch = (np.array(1.15e11), np.array(2.0), np.array(1.1e-9))
    rates, fitted = ibs_of(GAMMA, V_RF_V), ibs_of(6927.64, V_RF_V)
    assert isinstance(rates, IbsRates)
    new, old = (ibs_map(ibs, 3600.0, *bunch) for ibs in (rates, fitted))
    assert new.emit_h_um == pytest.approx(old.emit_h_um, rel=0.005)
    assert new.bl4s_s == pytest.approx(old.bl4s_s, rel=0.01)  # radiation damps faster
