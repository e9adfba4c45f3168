"""Effective cross-section of the losses, pile-up, and the families of the bunches."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from lumimod.arrays import FloatArray, IntArray
from lumimod.errors import Note
from lumimod.instruments.optics import BETASTAR, betastar_differs, logged_betastar
from lumimod.physics.cross_section import (
    CrossSection,
    effective_cross_section,
    n_before_dump,
    whole_cross_section,
)
from lumimod.physics.filling import bunch_families, pair_shares
from lumimod.readers.locate import existing
from lumimod.records import (
    BEAMS,
    EXPERIMENTS,
    FAMILIES,
    BeamLosses,
    CalculatedLumi,
    FillLosses,
    LumiError,
    StableBeams,
)
from lumimod.steps.context import FillContext
from lumimod.steps.lumi import STEP as LUMI
from lumimod.steps.lumi_errors import calculated_lumi_errors
from lumimod.steps.massi import STEP as MASSI
from lumimod.steps.other_lumi import other_archives, other_luminosities
from lumimod.steps.sb import STEP as SB
from lumimod.steps.step import Step
from lumimod.tables.lhc import MEETING_SHIFT, N_SLOTS, OTHER_EXPERIMENTS


class _Lumi(NamedTuple):
    """The luminosity that is integrated."""

    kind: str
    bunch: Mapping[str, FloatArray]
    """Of each pair at IP 1 and 5, (n_times, n_slots), in 1/(m^2 s)."""
    others: Mapping[str, FloatArray]
    """Of other experiments, (n_times,), in 1/(m^2 s)."""


def run(ctx: FillContext) -> None:
    """Make fill_N_losses.pkl.gz."""
    sb = ctx.load(ctx.paths.sb, StableBeams)
    lumi = _luminosity(ctx, sb)
    errors = calculated_lumi_errors(ctx, sb)
    filled = {beam: _all_bunches(sb, beam) for beam in BEAMS}
    window_s = ctx.cfg.analysis.cross_section_window_s
    found = {b: _beam(sb, b, _total(lumi, filled, sb, b), filled, window_s) for b in BEAMS}
    windows, _ = found[1]
    beams = {beam: of_beam for beam, (_, of_beam) in found.items()}
    machine = ctx.cfg.machine
    per_lumi = machine.sigma_inel_m2 / machine.f_rev_hz
    pileup = {exp: values * per_lumi for exp, values in lumi.bunch.items()}
    experiments = [*lumi.bunch, *lumi.others]
    systematic = _systematic(ctx, lumi.kind, errors)
    betastar_m = _logged_betastar(ctx, sb)
    record = FillLosses(
        sb.time_s, windows, lumi.kind, experiments, systematic, errors, pileup, beams, betastar_m
    )
    ctx.save(ctx.paths.result("losses"), record)


def _luminosity(ctx: FillContext, sb: StableBeams) -> _Lumi:
    """Return the measured luminosity, the calculated one for want of it."""
    others = other_luminosities(ctx, sb.time_s)
    measured = ctx.measured_lumi(sb)
    if measured is not None:
        return _Lumi("measured", measured.bunch_lumi, others)
    text = "no measured luminosity: cross-sections and pile-up are of the calculated one"
    ctx.note(Note("fallback", text, "luminosity"))
    calculated = ctx.load(ctx.paths.lumi_calc, CalculatedLumi)
    return _Lumi("calculated", calculated.bunch_lumi, others)


def _logged_betastar(ctx: FillContext, sb: StableBeams) -> Mapping[int, FloatArray] | None:
    """Return the logged beta* where another one is calculated with; say if they differ."""
    if ctx.cfg.machine.betastar_is_measured:
        return None
    path = existing(ctx.paths.extra_data)
    logged_m = logged_betastar(path, ctx.names, sb.time_s, ctx.note)
    if logged_m is not None:
        text = betastar_differs(ctx.betastar_m(sb.time_s), logged_m)
        if text:
            ctx.note(Note("beta*", text, BETASTAR))
    return logged_m


def _systematic(ctx: FillContext, kind: str, errors: Mapping[str, LumiError]) -> float:
    """Return the relative error common to all cross-sections."""
    of = ctx.cfg.uncertainties
    calculated = float(np.mean([errors[exp].systematic for exp in EXPERIMENTS]))
    return float(np.hypot(of.lumi_scale if kind == "measured" else calculated, of.dcct))


class _Filled(NamedTuple):
    """All bunches of a beam."""

    slots: IntArray
    intensity_ppb: FloatArray


def _all_bunches(sb: StableBeams, beam: int) -> _Filled:
    families = [sb.bunches[beam, family] for family in FAMILIES]
    slots = np.concatenate([b.slots for b in families])
    order = np.argsort(slots)
    intensity = np.concatenate([b.intensity_ppb for b in families], axis=1)
    return _Filled(slots[order], intensity[:, order])


def _shifts(beam: int) -> dict[int, int]:
    """Return the slot that a bunch of the beam meets at each point, minus its own."""
    return {ip: shift if beam == 1 else -shift for ip, shift in MEETING_SHIFT.items()}


def _total(lumi: _Lumi, filled: Mapping[int, _Filled], sb: StableBeams, beam: int) -> FloatArray:
    """Return the luminosity of all experiments of each colliding bunch, in 1/(m^2 s)."""
    own, other = filled[beam], filled[3 - beam]
    column = np.searchsorted(own.slots, sb.bunches[beam, "coll"].slots)
    total = lumi.bunch["ATLAS"] + lumi.bunch["CMS"]
    for experiment, of_all in lumi.others.items():
        shift = _shifts(beam)[OTHER_EXPERIMENTS[experiment]]
        shares = pair_shares(*own, *other, shift=shift, n_ring=N_SLOTS)
        total = total + shares[:, column] * of_all[:, None]
    return total


def _beam(
    sb: StableBeams, beam: int, lumi: FloatArray, filled: Mapping[int, _Filled], window_s: float
) -> tuple[FloatArray, BeamLosses]:
    """Return the middle of each window, and the cross-sections of a beam."""
    bunches = sb.bunches[beam, "coll"]
    intensity = _before_dump(bunches.intensity_ppb)
    windows, fill = _both(sb.time_s, intensity, lumi, window_s)
    # Bunches without luminosity, or with gaps of their own, count in neither sum.
    n_seen = (np.isfinite(lumi) & np.isfinite(intensity)).sum(axis=0)
    seen = n_seen == n_seen.max()
    sums = intensity[:, seen].sum(axis=1), lumi[:, seen].sum(axis=1)
    total_windows, total_fill = _both(sb.time_s, *sums, window_s)
    own, other = filled[beam].slots, filled[3 - beam].slots
    return windows.time_s, BeamLosses(
        bunches.slots,
        windows.sigma_m2,
        windows.error_m2,
        fill.sigma_m2[0],
        fill.error_m2[0],
        total_windows.sigma_m2,
        total_windows.error_m2,
        float(total_fill.sigma_m2[0]),
        float(total_fill.error_m2[0]),
        bunch_families(own, other, _shifts(beam), n_ring=N_SLOTS),
    )


def _before_dump(intensity_ppb: FloatArray) -> FloatArray:
    """Return the intensities with NaN where the dump has begun."""
    complete = np.isfinite(intensity_ppb).all(axis=0)
    there = np.arange(len(intensity_ppb)) < n_before_dump(intensity_ppb[:, complete].sum(axis=1))
    return np.where(there[:, None], intensity_ppb, np.nan)


def _both(
    time_s: FloatArray, intensity: FloatArray, lumi: FloatArray, window_s: float
) -> tuple[CrossSection, CrossSection]:
    """Return the cross-sections in windows, and over the fill."""
    in_windows = effective_cross_section(time_s, intensity, lumi, window_s=window_s)
    return in_windows, whole_cross_section(time_s, intensity, lumi)


STEP = Step(
    name="losses",
    revision=2,
    run=run,
    writes=lambda paths: [paths.result("losses")],
    optional=lambda paths: [paths.extra_data, *paths.betastar, *other_archives(paths).values()],
    needs=(SB, LUMI),
    uses=(MASSI,),
    settings=(
        "cross_section_window_s",
        "sigma_inel_m2",
        "frev",
        "gammaFT",
        "betastar_m",
        "enable_smoothing_BSRT",
        "avg_time_smoothing",
        "t_step_sec",
        "lumi_scale_error",
        "dcct_error",
        "emittance_error",
        "bunch_length_error",
        "betastar_error",
        "variable_names",
    ),
)
