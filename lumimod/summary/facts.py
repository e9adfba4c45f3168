"""The facts of one fill, from its results: the row of the season table."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timezone
from functools import partial
from typing import Any, Callable

import numpy as np

from lumimod.arrays import FloatArray
from lumimod.errors import LumimodError
from lumimod.paths import FillPaths
from lumimod.physics.constants import PROTON_MASS_GEV, SPEED_OF_LIGHT_M_S
from lumimod.physics.filling import bunch_families
from lumimod.physics.integrals import trapezoid
from lumimod.readers.bmodes import FillModes
from lumimod.records import (
    BEAMS,
    EXPERIMENTS,
    FAMILIES,
    CalculatedLumi,
    Fits,
    GrowthBeyond,
    Lifetime,
    MeasuredLumi,
    StableBeams,
    store,
)
from lumimod.records.losses import FillLosses
from lumimod.records.measured import measured_lumi
from lumimod.records.same_times import of_same_times
from lumimod.records.store import Loader
from lumimod.summary.columns import GOES_ON, SEASON_COLUMNS
from lumimod.summary.cycle_facts import cycle_facts
from lumimod.summary.integrated import end_of_integrals_s
from lumimod.summary.means import (
    Facts,
    first_row,
    gained,
    last_row,
    lumi_facts,
    put_lifetime,
    put_mean,
    put_median_loss,
)
from lumimod.summary.model_facts import model_facts
from lumimod.summary.optics import betastar_in_use
from lumimod.tables.lhc import MEETING_SHIFT, N_SLOTS

MB_IN_M2 = 1e-31
_PROGRAMMED = ("ADJUST", "BEAMDUMP")
"""Modes that the operators choose: a dump by the machine ends them without."""


def facts(
    paths: FillPaths, modes: FillModes, load: Loader | None = None
) -> tuple[Facts, list[str]]:
    """Return the facts of a fill, and why those of some results are missing.

    A result that is not there or cannot be read costs the facts that come from it alone.
    """
    load = load or store.each_once()
    found: Facts = {"fill": paths.fill, **_of_modes(modes), **_of_config(paths)}
    faults: list[str] = []
    sb = _tried(faults, partial(load, paths.sb, StableBeams))
    if sb is not None:
        end_s = end_of_integrals_s(modes, sb.time_s)
        parts: tuple[Callable[[], Facts], ...] = (
            partial(stable_facts, sb),
            partial(_luminosity, paths, sb, load, end_s),
            partial(_lifetimes, paths, load),
            partial(_losses, paths, load),
            partial(_growth, paths, load),
            partial(cycle_facts, paths, load),
            partial(model_facts, paths, sb, load, end_s),
        )
        for part in parts:
            found.update(_tried(faults, part) or {})
    return {c.name: found[c.name] for c in SEASON_COLUMNS if c.name in found}, faults


def _tried(faults: list[str], work: Callable[[], Any]) -> Any:
    try:
        return work()
    except LumimodError as exc:
        faults.append(str(exc))
        return None


def _of_modes(modes: FillModes) -> Facts:
    start_s, stop_s = modes.start("STABLE"), modes.stop("STABLE")
    if not np.isfinite(start_s):
        return {}
    out: Facts = {
        "start_utc": datetime.fromtimestamp(start_s, timezone.utc).strftime("%Y-%m-%d %H:%M:%S")
    }
    if modes.in_progress or not np.isfinite(stop_s):
        so_far = {"hours": modes.stable_s / 3600} if modes.stable_s > 0 else {}
        return {**out, "ended": GOES_ON, **so_far}
    later = sorted((t, mode) for mode, t in modes.start_s.items() if t >= stop_s)
    next_mode = later[0][1] if later else ""
    ended = "programmed" if next_mode in _PROGRAMMED else "dumped"
    return {**out, "hours": modes.stable_s / 3600, "next_mode": next_mode, "ended": ended}


def _of_config(paths: FillPaths) -> Facts:
    cfg = paths.cfg
    return {
        "energy_gev": cfg.machine.gamma_ft * PROTON_MASS_GEV,
        "levelled": paths.fill in cfg.model.leveling,
    }


# --- stable beams


def stable_facts(sb: StableBeams) -> Facts:
    """Return angles, bunches, and means of the bunches at both ends of stable beams."""
    out: Facts = {}
    for ip, angle_rad in sb.xing_angle_rad.items():
        known = angle_rad[np.isfinite(angle_rad)]
        if known.size:
            out[f"xing_ip{ip}_start_urad"] = known[0] * 1e6
            out[f"xing_ip{ip}_end_urad"] = known[-1] * 1e6
    slots = {beam: _slots(sb, beam) for beam in BEAMS}
    for beam in BEAMS:
        out[f"b{beam}_bunches"] = slots[beam].size
        out.update(_beam_facts(sb, beam))
    families = bunch_families(slots[1], slots[2], MEETING_SHIFT, n_ring=N_SLOTS)
    out["colliding_ip15"] = int(families.collides_ip15.sum())
    out["colliding_ip2"] = int(families.collides_ip2.sum())
    out["colliding_ip8"] = int(families.collides_ip8.sum())
    out["longest_train"] = int(families.train_length.max(initial=0))
    return out


def _slots(sb: StableBeams, beam: int) -> Any:
    return np.sort(np.concatenate([sb.bunches[beam, family].slots for family in FAMILIES]))


def _beam_facts(sb: StableBeams, beam: int) -> Facts:
    """Return means and spreads of the colliding bunches at both ends of stable beams."""
    b = sb.bunches[beam, "coll"]
    values = {
        ("emit_h", "um"): b.emit_h_um,
        ("emit_v", "um"): b.emit_v_um,
        ("intensity", "ppb"): b.intensity_ppb,
        ("length", "ns"): b.length_m * (4e9 / SPEED_OF_LIGHT_M_S),
        ("brightness", "ppb_um"): b.intensity_ppb / np.sqrt(b.emit_h_um * b.emit_v_um),
    }
    out: Facts = {}
    for (name, unit), through_time in values.items():
        for when, at in (("sb_start", first_row), ("sb_end", last_row)):
            put_mean(out, f"b{beam}_{name}_{when}_{unit}", at(through_time))
    for plane, emit_um in (("h", b.emit_h_um), ("v", b.emit_v_um)):
        put_mean(out, f"b{beam}_growth_{plane}_stable_um", gained(emit_um), spread=False)
    return out


# --- luminosity


def _luminosity(paths: FillPaths, sb: StableBeams, load: Loader, end_s: float) -> Facts:
    out: Facts = {}
    found = load(paths.lumi_calc, CalculatedLumi)
    calc = of_same_times(found, paths.lumi_calc, sb, "lumi")
    meas = measured_lumi(paths, sb, load)
    for kind, lumi in (("meas", meas), ("calc", calc)):
        if lumi is not None:
            out.update(lumi_facts(kind, sb.time_s, lumi.bunch_lumi, end_s))
    if calc is not None and meas is not None:
        out.update(
            ratios_to_calculated(sb.time_s, meas, calc, paths.cfg.model.leveling.get(paths.fill))
        )
    for ip, betastar_m in betastar_in_use(paths, calc, sb.time_s).items():
        out[f"betastar_ip{ip}_m"] = float(betastar_m[0])
    return out


def ratios_to_calculated(
    time_s: FloatArray, meas: MeasuredLumi, calc: CalculatedLumi, level_m2s: float | None
) -> Facts:
    """Return the ratios of measured to calculated integrated luminosity.

    Times without one of them do not count, nor those at which less was measured than calculated
    because the luminosity was levelled.
    """
    out: Facts = {}
    for exp in EXPERIMENTS:
        bunches = meas.bunch_lumi[exp], calc.bunch_lumi[exp]
        known = np.all([np.isfinite(of).any(axis=1) for of in bunches], axis=0)
        measured, calculated = (np.nansum(of, axis=1) for of in bunches)
        if level_m2s is not None:
            known &= calculated <= level_m2s
        below = trapezoid(calculated[known], time_s[known])
        if below > 0:
            above = trapezoid(measured[known], time_s[known])
            out[f"ratio_meas_calc_{exp.lower()}"] = above / below
    return out


# --- lifetimes and losses


def _lifetimes(paths: FillPaths, load: Loader) -> Facts:
    out: Facts = {}
    fits = load(paths.fits, Fits)
    if fits is not None:
        for (exp, kind), both in fits.lumi.items():
            for span, fit in (("start", both.short), ("full", both.full)):
                name = f"tau_lumi_{kind}_{span}_{exp.lower()}_h"
                put_lifetime(out, name, fit.tau_s)
        for beam in BEAMS:
            both = fits.beams[beam, "coll"]["inten"]
            for span, fit in (("start", both.short), ("full", both.full)):
                name = f"b{beam}_tau_intensity_{span}_h"
                put_lifetime(out, name, fit.tau_s)
    lifetime = load(paths.lifetime, Lifetime)
    if lifetime is not None:
        for beam, of in lifetime.beams.items():
            tau_s = of.total_tau_boff_corrected_s
            if tau_s is not None:
                put_median_loss(out, f"b{beam}", tau_s)
    return out


def _losses(paths: FillPaths, load: Loader) -> Facts:
    losses = load(paths.result("losses"), FillLosses)
    if losses is None:
        return {}
    out = dict(_cross_sections(losses))
    for exp, pileup in losses.pileup.items():
        put_mean(out, f"pileup_start_{exp.lower()}", first_row(pileup), spread=False)
    return out


def _growth(paths: FillPaths, load: Loader) -> Facts:
    """Return the growth in stable beams beyond the model's, first case, mean over bunches."""
    growth = load(paths.result("growth"), GrowthBeyond)
    out: Facts = {}
    if growth is not None and growth.cases:
        for (beam, family), of in next(iter(growth.cases.values())).items():
            if family == "coll":
                for plane, one in of.planes.items():
                    name = f"b{beam}_beyond_{plane}_stable_um_h"
                    put_mean(out, name, one.growth_um_h, spread=False)
    return out


def _cross_sections(losses: FillLosses) -> Iterator[tuple[str, float]]:
    for beam, of in losses.beams.items():
        if np.isfinite(of.total_fill_sigma_m2):
            yield f"b{beam}_sigma_eff_mb", of.total_fill_sigma_m2 / MB_IN_M2
            yield f"b{beam}_sigma_eff_error_mb", of.total_fill_error_m2 / MB_IN_M2
