"""Stable beams: every bunch's emittances, intensity and length on one time base."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from lumimod.arrays import FloatArray, IntArray
from lumimod.errors import MissingInputError, NoDataError, Note
from lumimod.instruments.bsrt import Scans
from lumimod.instruments.measurements import BeamMeasurements
from lumimod.instruments.optics import POINTS, Crossing, crossing_angles
from lumimod.physics.constants import PROTON_MASS_GEV, SPEED_OF_LIGHT_M_S
from lumimod.physics.interpolation import interp_columns, interp_groups, interp_valid_columns
from lumimod.physics.lifetime import intensity_lifetime
from lumimod.physics.lowess import lowess_groups
from lumimod.readers.bmodes import FillModes
from lumimod.readers.locate import existing
from lumimod.records import BEAMS, FAMILIES, BunchFamily, StableBeams
from lumimod.steps.bunch_fits import bunch_fits
from lumimod.steps.context import FillContext
from lumimod.steps.step import Step

END_BEFORE_NEXT_FILL_S = 900.0
"""Stable beams end at the latest this long before the next fill starts."""
ENERGY_TOLERANCE = 0.01
ROBUST_ITERATIONS = 10
DELTA_FRACTION = 0.01


def run(ctx: FillContext) -> None:
    """Make fill_N.pkl.gz."""
    analysis = ctx.cfg.analysis
    time_s = time_range(ctx.modes, analysis.t_step_s)
    crossing = _crossing(ctx, time_s)
    _check_energy(ctx)
    chosen = {
        beam: _bunches_above(ctx.beams[beam], time_s, analysis.intensity_threshold_ppb)
        for beam in BEAMS
    }
    families = _families(chosen)
    options = _Options.of(ctx)
    calls = [(ctx.beams[beam], families[beam], time_s, options) for beam in BEAMS]
    of_beam = ctx.workers_for(ctx.paths.bbb_data).starmap(_beam, calls)
    bunches = {(b, f): of_beam[b - 1][f] for b in BEAMS for f in FAMILIES}
    lifetimes = {
        beam: intensity_lifetime(time_s, bunches[beam, "coll"].intensity_ppb) for beam in BEAMS
    }
    angles = {ip: at.full_rad for ip, at in crossing.items()}
    planes = {ip: at.plane for ip, at in crossing.items()}
    ctx.save(ctx.paths.sb, StableBeams(time_s, bunches, angles, lifetimes, planes))


def time_range(modes: FillModes, t_step_s: float) -> FloatArray:
    """Return the times of the analysis, (n_times,), in Unix seconds.

    Raises
    ------
    NoDataError
        No stable beams, no end of them, or fewer than two steps of them.
    """
    start = modes.start("STABLE")
    if not np.isfinite(start):
        raise NoDataError("no stable beams in this fill: nothing to follow up; leave it out")
    end = np.fmin(modes.t_endfill_s - END_BEFORE_NEXT_FILL_S, modes.stop("STABLE"))
    if not np.isfinite(end):
        raise NoDataError(
            "the beam modes do not tell when stable beams ended: the fill was not over; "
            "run Utilities/000_get_fills.py again and then this fill"
        )
    time_s = np.arange(start, end, t_step_s)
    if time_s.size < 2:
        raise NoDataError(
            f"stable beams last {max(end - start, 0):.0f} s, less than two steps of "
            f"{t_step_s:g} s: choose a smaller t_step_sec or leave the fill out"
        )
    return time_s


def _crossing(ctx: FillContext, time_s: FloatArray) -> Mapping[int, Crossing]:
    """Return plane and full angle of the crossing at IP 1 and 5."""
    path, planes = existing(ctx.paths.crossing), ctx.cfg.machine.crossing_planes
    usual = ctx.period.crossing_plane
    measured = crossing_angles(path, ctx.names, planes, usual, time_s)
    if measured is not None:
        return measured
    configured = ctx.cfg.machine.crossing_angle(ctx.fill)
    if configured is None:
        raise MissingInputError(
            f"no crossing angle: {ctx.paths.crossing} is not there and no range of XingAngle in "
            "config.py holds this fill; add one"
        )
    return {
        ip: Crossing(planes.get(ip, usual[ip]), np.full(time_s.size, full))
        for ip, full in zip(POINTS, configured)
    }


def _check_energy(ctx: FillContext) -> None:
    """Warn if config.py is for another energy than the beams had."""
    configured_gev = ctx.cfg.machine.gamma_ft * PROTON_MASS_GEV
    for beam in BEAMS:
        highest_gev = ctx.beams[beam].highest_energy_gev
        if abs(highest_gev - configured_gev) > ENERGY_TOLERANCE * configured_gev:
            ctx.note(
                Note(
                    "energy",
                    f"beam {beam} reached {highest_gev:.0f} GeV, but gammaFT in config.py stands "
                    f"for {configured_gev:.0f} GeV: correct it, the luminosity is proportional to "
                    "it",
                    beam=beam,
                )
            )


def _bunches_above(beam: BeamMeasurements, time_s: FloatArray, threshold_ppb: float) -> IntArray:
    """Return the slots whose intensity reaches the threshold at some time."""
    intensity = beam.intensity_ppb
    at_times = interp_columns(time_s, intensity.time_s, intensity.values)
    slots = beam.scans.slots[(at_times >= threshold_ppb).any(axis=0)]
    if not slots.size:
        raise NoDataError(
            f"beam {beam.beam}: no bunch reaches {threshold_ppb:.3g} protons in stable beams; "
            "check intensity_threshold in config.py, or leave the fill out"
        )
    return slots


def _families(chosen: Mapping[int, IntArray]) -> dict[int, dict[str, IntArray]]:
    coll = np.intersect1d(chosen[1], chosen[2])
    if not coll.size:
        raise NoDataError("no slot is filled in both beams: no colliding bunch; leave it out")
    return {
        beam: {"coll": coll, "noncoll": np.setdiff1d(slots, coll)} for beam, slots in chosen.items()
    }


class _Smoothing(NamedTuple):
    """Parameters of the smoothing of emittances."""

    after_s: float
    """Samples before this time, the start of the squeeze, are left out."""
    frac: float
    delta_s: float

    @classmethod
    def of(cls, ctx: FillContext) -> _Smoothing:
        end_s = ctx.modes.t_endfill_s
        if not np.isfinite(end_s):  # the fill goes on, or its end was not logged
            end_s = ctx.modes.stop("STABLE")
        span_s = end_s - ctx.modes.start("STABLE")
        frac = min(1.0, ctx.cfg.bsrt.smoothing_time_s / span_s)
        return cls(ctx.modes.start("SQUEEZE"), frac, DELTA_FRACTION * span_s)


class _Options(NamedTuple):
    """What the bunches of a beam are analysed with."""

    smoothing: _Smoothing | None
    fit_length_s: float

    @classmethod
    def of(cls, ctx: FillContext) -> _Options:
        smoothing = _Smoothing.of(ctx) if ctx.cfg.bsrt.smooth else None
        return cls(smoothing, ctx.cfg.analysis.t_fit_length_s)


def _beam(
    measured: BeamMeasurements,
    slots: Mapping[str, IntArray],
    time_s: FloatArray,
    options: _Options,
) -> dict[str, BunchFamily]:
    """Return both families of one beam."""
    return {f: _family(measured, slots[f], time_s, options) for f in FAMILIES}


def _family(
    measured: BeamMeasurements, slots: IntArray, time_s: FloatArray, options: _Options
) -> BunchFamily:
    scans = measured.scans.of(slots)
    column = np.searchsorted(measured.scans.slots, slots)
    intensity, length = measured.intensity_ppb, measured.length_4s_s
    raw = [_interpolated(time_s, scans, plane) for plane in (0, 1)]
    smooth = raw
    if options.smoothing is not None:
        smoothed = _smoothed(scans, options.smoothing)
        smooth = [_interpolated(time_s, smoothed, plane) for plane in (0, 1)]
    intensity_ppb = interp_columns(time_s, intensity.time_s, intensity.values[:, column])
    length_4s_s = interp_valid_columns(time_s, length.time_s, length.values[:, column])
    length_m = length_4s_s / 4 * SPEED_OF_LIGHT_M_S
    bunches = BunchFamily(slots, smooth[0], smooth[1], raw[0], raw[1], intensity_ppb, length_m)
    return replace(bunches, fits=bunch_fits(time_s, bunches, options.fit_length_s))


def _interpolated(time_s: FloatArray, scans: Scans, plane: int) -> FloatArray:
    return interp_groups(time_s, scans.start, scans.time_s, scans.emit_um[:, plane])


def _smoothed(scans: Scans, smoothing: _Smoothing) -> Scans:
    """Return the late scans, smoothed by LOWESS."""
    early = np.isfinite(smoothing.after_s) & (scans.time_s <= smoothing.after_s)
    late = scans.select(~early)
    smooth = lowess_groups(
        late.time_s,
        late.start,
        late.emit_um,
        frac=smoothing.frac,
        delta_s=smoothing.delta_s,
        n_iter=ROBUST_ITERATIONS,
    )
    return replace(late, emit_um=smooth)


STEP = Step(
    name="sb",
    run=run,
    writes=lambda paths: [paths.sb],
    inputs=lambda paths: [paths.basic_data, paths.bbb_data],
    optional=lambda paths: [paths.crossing, *paths.bsrt_calibration],
    times=("t_start_STABLE", "t_stop_STABLE", "t_start_SQUEEZE", "t_endfill"),
    settings=(
        "t_step_sec",
        "intensity_threshold",
        "t_fit_length",
        "enable_smoothing_BSRT",
        "avg_time_smoothing",
        "resc_period",
        "bsrt_calibration_file",
        "XingAngle",
        "crossing_planes",
        "variable_names",
    ),
)
