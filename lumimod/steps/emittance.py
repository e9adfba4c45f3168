"""Emittances and separation of the beams from the measured luminosities."""

from __future__ import annotations

import numpy as np

from lumimod.arrays import BoolArray, FloatArray
from lumimod.errors import MissingStepError, Note
from lumimod.physics.lumi_emittance import (
    Collision,
    Pairs,
    ScaleErrors,
    emittance_scale_errors,
    emittances_from_luminosity,
    separation_m,
)
from lumimod.physics.luminosity import beam_size_m
from lumimod.physics.uncertainty import sample_noise
from lumimod.records import (
    BEAMS,
    EXPERIMENTS,
    IP_OF,
    CalculatedLumi,
    LumiEmittance,
    MeasuredLumi,
    StableBeams,
)
from lumimod.steps.context import FillContext
from lumimod.steps.lumi import STEP as LUMI
from lumimod.steps.massi import STEP as MASSI
from lumimod.steps.sb import STEP as SB
from lumimod.steps.step import Step

_OTHER_PLANE = {"h": "v", "v": "h"}


def run(ctx: FillContext) -> None:
    """Make fill_N_lumi_emittance.pkl.gz."""
    sb = ctx.load(ctx.paths.sb, StableBeams)
    measured = ctx.measured_lumi(sb)
    if measured is None:
        raise MissingStepError(f"no measured luminosity: {ctx.paths.lumi_meas} is not there")
    betastar_m = ctx.betastar_m(sb.time_s)
    pairs = _pairs(sb, measured, betastar_m)
    machine = ctx.cfg.machine
    emit_h_um, emit_v_um = emittances_from_luminosity(
        *pairs, gamma=machine.gamma_ft, f_rev_hz=machine.f_rev_hz
    )
    levelled = _levelled(ctx)
    for values in (emit_h_um, emit_v_um):
        values[levelled] = np.nan
    _note_nothing(ctx, sb, emit_h_um)
    scale_h, scale_v = _scale_errors(ctx, pairs)
    record = LumiEmittance(
        sb.time_s,
        sb.bunches[1, "coll"].slots,
        emit_h_um,
        emit_v_um,
        sample_noise(emit_h_um),
        sample_noise(emit_v_um),
        scale_h,
        scale_v,
        _ratio(sb, "h", emit_h_um),
        _ratio(sb, "v", emit_v_um),
        _separations(ctx, sb, measured, betastar_m),
    )
    ctx.save(ctx.paths.result("lumi_emittance"), record, keep=False)


def _pairs(sb: StableBeams, measured: MeasuredLumi, betastar_m: dict[int, FloatArray]) -> Pairs:
    """Return the collisions of all pairs, (n_times, n_slots)."""
    one, two = (sb.bunches[beam, "coll"] for beam in BEAMS)
    atlas, cms = (
        Collision(
            measured.bunch_lumi[exp],
            sb.crossing_plane[IP_OF[exp]],
            sb.xing_angle_rad[IP_OF[exp]][:, None],
            betastar_m[IP_OF[exp]][:, None],
        )
        for exp in EXPERIMENTS
    )
    length_m = (one.length_m + two.length_m) / 2
    return Pairs(atlas, cms, one.intensity_ppb, two.intensity_ppb, length_m)


def _scale_errors(ctx: FillContext, pairs: Pairs) -> tuple[float, float]:
    """Return the relative errors common to all emittances, of both planes.

    They hardly differ between bunches and times: the median of those at the first time counts.
    """
    of = ctx.cfg.uncertainties
    errors = ScaleErrors(of.lumi_scale, of.dcct, of.bunch_length, of.betastar)
    first = pairs._replace(
        first=_first(pairs.first),
        second=_first(pairs.second),
        n1_ppb=pairs.n1_ppb[0],
        n2_ppb=pairs.n2_ppb[0],
        length_m=pairs.length_m[0],
    )
    error_h, error_v = emittance_scale_errors(
        first, errors, gamma=ctx.cfg.machine.gamma_ft, f_rev_hz=ctx.cfg.machine.f_rev_hz
    )
    return _median(error_h), _median(error_v)


def _median(values: FloatArray) -> float:
    finite = values[np.isfinite(values)]
    return float(np.median(finite)) if finite.size else np.nan


def _first(c: Collision) -> Collision:
    """Return a collision at the first time."""
    angle, betastar = np.asarray(c.full_crossing_rad)[0], np.asarray(c.betastar_m)[0]
    return Collision(c.lumi[0], c.plane, angle, betastar)


def _note_nothing(ctx: FillContext, sb: StableBeams, emit_um: FloatArray) -> None:
    """Say why there is no emittance at all, if so."""
    if np.isfinite(emit_um).any():
        return
    planes = {sb.crossing_plane[ip] for ip in IP_OF.values()}
    why = "the measured luminosities are those of no emittances"
    if len(planes) == 1:
        why = f"the beams cross in plane {planes.pop().upper()} at both experiments"
    ctx.note(Note("missing", f"no emittance from luminosity: {why}", "emittance"))


def _ratio(sb: StableBeams, plane: str, emit_um: FloatArray) -> FloatArray:
    """Return the emittances over those of the BSRT, median of the bunches, (n_times,)."""
    of_beams = [getattr(sb.bunches[beam, "coll"], f"emit_{plane}_um") for beam in BEAMS]
    ratio = emit_um / ((of_beams[0] + of_beams[1]) / 2)
    seen = np.isfinite(ratio).any(axis=1)
    out = np.full(len(ratio), np.nan)
    out[seen] = np.nanmedian(ratio[seen], axis=1)
    return out


# --- levelling by separation


def _levelled(ctx: FillContext) -> BoolArray:
    """Return when one of the experiments was levelled, (n_times,).

    Then its luminosity is not that of beams that meet, and tells no emittance.
    """
    lumi = ctx.load(ctx.paths.lumi_calc, CalculatedLumi)
    level_m2s = ctx.cfg.model.leveling.get(ctx.fill, np.inf)
    totals = [np.nansum(lumi.bunch_lumi[exp], axis=1) for exp in EXPERIMENTS]
    return np.any([total > level_m2s for total in totals], axis=0)


def _separations(
    ctx: FillContext, sb: StableBeams, measured: MeasuredLumi, betastar_m: dict[int, FloatArray]
) -> dict[str, FloatArray]:
    """Return the separation at each experiment, (n_times,) in m, if the fill was levelled."""
    if ctx.fill not in ctx.cfg.model.leveling:
        return {}
    calculated = ctx.load(ctx.paths.lumi_calc, CalculatedLumi)
    out = {}
    for exp in EXPERIMENTS:
        ip = IP_OF[exp]
        both = measured.bunch_lumi[exp], calculated.bunch_lumi[exp]
        seen = np.isfinite(both[0]) & np.isfinite(both[1])
        meas, calc = (np.where(seen, lumi, 0.0).sum(axis=1) for lumi in both)
        plane = _OTHER_PLANE[sb.crossing_plane[ip]]
        one, two = (getattr(sb.bunches[beam, "coll"], f"emit_{plane}_um") for beam in BEAMS)
        size_m = beam_size_m(
            one, two, betastar_m=betastar_m[ip][:, None], gamma=ctx.cfg.machine.gamma_ft
        )
        mean_m = np.where(seen, size_m, 0.0).sum(axis=1) / np.maximum(seen.sum(axis=1), 1)
        out[exp] = separation_m(meas, calc, mean_m)
    return out


STEP = Step(
    name="emittance",
    run=run,
    writes=lambda paths: [paths.result("lumi_emittance")],
    optional=lambda paths: paths.betastar,
    needs=(SB, LUMI, MASSI),
    settings=(
        "gammaFT",
        "frev",
        "betastar_m",
        "leveling",
        "lumi_scale_error",
        "dcct_error",
        "bunch_length_error",
        "betastar_error",
        "variable_names",
    ),
)
