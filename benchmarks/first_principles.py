"""The models against numerical integration and first-principles rates."""

from __future__ import annotations

import numpy as np
import pandas as pd

from benchmarks.machine_data import PHYSICS, PROTON_GEV, STEP_S, Row, Table, configured, data
from lumimod.arrays import FloatArray
from lumimod.physics.ibs import ibs_map
from lumimod.physics.luminosity import beam_size_m, pair_luminosity
from lumimod.steps.effects import FLAT_TOP, INJECTION, physics_of


def overlap() -> Table:
    """Return the luminosity of two bunches over that of points that meet head-on."""
    exact = data("luminosity_exact.csv")
    gamma = exact.energy_GeV / PROTON_GEV
    emit_um = exact.exn_um.to_numpy()
    size_m = beam_size_m(
        emit_um, emit_um, betastar_m=exact.betastar_m.to_numpy(), gamma=gamma.to_numpy()
    )
    one = np.ones(len(exact))
    lumi = pair_luminosity(
        one, one, size_m, size_m, exact.sigma_z_m.to_numpy(),
        f_rev_hz=1.0, half_crossing_rad=exact.half_crossing_urad.to_numpy() * 1e-6,
    )  # fmt: skip
    found = lumi * 4 * np.pi * size_m**2
    rows = []
    for _, e in exact[(exact.dx_um == 0) & (exact.dy_um == 0)].iterrows():
        same = [f"{e.betastar_m:g} m", f"{e.half_crossing_urad:.0f} µrad", f"{e.exn_um:g} µm"]
        value = float(found[e.name])
        rows.append(Row(", ".join(same), e.ratio_exact, value, value))
    for apart in ((1, 0), (0, 1), (0, 2), (3, 3)):
        at = (exact.dx_um == apart[0]) & (exact.dy_um == apart[1])
        mean = float(found[at].mean())
        words = f"offset {apart[0]} µm crossing, {apart[1]} µm separation (mean)"
        rows.append(Row(words, float(exact.ratio_exact[at].mean()), mean, mean))
    return Table(
        "Overlap of two bunches: geometric reduction of the luminosity",
        "",
        "exact",
        "Numerical integration with hourglass effect, crossing and offsets; the formula has "
        "neither hourglass effect nor offsets.",
        rows,
    )


def scattering() -> Table:
    """Return the growth by intra-beam scattering of round beams, means and worst of a grid."""
    grid = data("ibs_growth_lhc.csv")
    grid = grid[grid.formalism == "Nagaitsev"]
    rows = []
    for (energy_gev, volts_mv), of in grid.groupby(["energy_GeV", "V_MV"]):
        original, full = (_scattered(of, energy_gev, volts_mv, physics) for physics in PHYSICS)
        exact = np.stack([of.dexn_dt_um_per_h, of.dbl_dt_ns_per_h * 1e3])
        for i, what in enumerate(("emittance [µm/h]", "length [ps/h]")):
            name = f"{energy_gev:g} GeV, {volts_mv:g} MV, {what}"
            rows.append(Row(name, exact[i].mean(), original[i].mean(), full[i].mean()))
            worst = (np.abs(f[i] / exact[i] - 1).max() * 100 for f in (original, full))
            rows.append(Row(f"{name}: largest error [%]", 0.0, *worst))
    return Table(
        "Growth by intra-beam scattering, round beams",
        "",
        "exact",
        "Nagaitsev's formulas on the lattice of 2018: 0.8 to 1.3e11 protons, 1.5 to 3 µm, 0.9 to "
        "1.25 ns, means over the grid. The original's is the mean over its step of 5 minutes.",
        rows,
    )


def _scattered(of: pd.DataFrame, energy_gev: float, volts_mv: float, physics: str) -> FloatArray:
    """Return the growth of emittance and length by scattering alone, (2, n)."""
    bottom = energy_gev == 450
    names = {"gammaFB" if bottom else "gammaFT": energy_gev / PROTON_GEV}
    names["VRF_FB" if bottom else "VRF_FT"] = volts_mv * 1e6
    acting = physics_of(
        configured(physics, **names), INJECTION if bottom else FLAT_TOP, np.array([1])
    )
    n_ppb, emit_um, ns = (of[c].to_numpy() for c in ("N_ppb", "exn_um", "bl4s_ns"))
    if acting.parametrised is None:
        assert acting.effects.ibs is not None
        by_h, by_l = acting.effects.ibs.at(n_ppb, emit_um, emit_um, ns * 1e-9)
    else:
        later_um, later_s = ibs_map(acting.parametrised.ibs, STEP_S, n_ppb, emit_um, ns * 1e-9)
        damping = acting.parametrised.damping
        by_h = np.log(later_um / emit_um) * 3600 / STEP_S + 2 / damping.emit_h
        by_l = np.log(later_s * 1e9 / ns) * 3600 / STEP_S + 1 / damping.length
    return np.stack([by_h * emit_um, by_l * ns * 1e3])
