"""Stable beams: every bunch's emittances, intensity and length on one time base."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from lumimod.arrays import FloatArray, IntArray
from lumimod.errors import MissingInputError, NoDataError, Note, get_command
from lumimod.instruments.bsrt import Scans, is_calibrated
from lumimod.instruments.coverage import what_was_measured
from lumimod.instruments.gaps import unmeasured, unmeasured_columns, unmeasured_groups
from lumimod.instruments.measurements import BeamMeasurements
from lumimod.instruments.optics import POINTS, Crossing, crossing_angles
from lumimod.physics.constants import PROTON_MASS_GEV, SPEED_OF_LIGHT_M_S
from lumimod.physics.interpolation import interp_columns, interp_groups, interp_valid_columns
from lumimod.physics.lifetime import intensity_lifetime
from lumimod.readers.bmodes import FillModes
from lumimod.readers.locate import existing
from lumimod.records import BEAMS, FAMILIES, BunchFamily, StableBeams
from lumimod.steps.bunch_fits import bunch_fits
from lumimod.steps.context import FillContext
from lumimod.steps.smoothing import Smoothing, smoothed
from lumimod.steps.step import Step

END_BEFORE_NEXT_FILL_S = 900.0
"""Stable beams end at the latest this long before the next fill starts."""
ENERGY_TOLERANCE = 0.01


def run(ctx: FillContext) -> None:
    """Make fill_N.pkl.gz."""
    analysis = ctx.cfg.analysis
    time_s = time_range(ctx.modes, analysis.t_step_s, _last_measurement_s(ctx))
    crossing = _crossing(ctx, time_s)
    _check_energy(ctx)
    options = _Options.of(ctx, time_s)
    beams = {beam: _after_ramp(ctx.beams[beam], time_s, options.max_gap_s) for beam in BEAMS}
    chosen = {
        beam: _bunches_above(
            beams[beam], time_s, analysis.intensity_threshold_ppb, options.max_gap_s
        )
        for beam in BEAMS
    }
    families = _families(chosen)
    for beam in BEAMS:
        for note in what_was_measured(beams[beam], chosen[beam], time_s, options.max_gap_s):
            ctx.note(note)
    calls = [(beams[beam], families[beam], time_s, options) for beam in BEAMS]
    of_beam = ctx.workers_for(ctx.paths.bbb_data).threads(_beam, calls)
    bunches = {(b, f): of_beam[b - 1][f] for b in BEAMS for f in FAMILIES}
    lifetimes = {
        beam: intensity_lifetime(time_s, bunches[beam, "coll"].intensity_ppb) for beam in BEAMS
    }
    angles = {ip: at.full_rad for ip, at in crossing.items()}
    planes = {ip: at.plane for ip, at in crossing.items()}
    ctx.save(ctx.paths.sb, StableBeams(time_s, bunches, angles, lifetimes, planes))


def _last_measurement_s(ctx: FillContext) -> float:
    """Return when intensities were last measured in a fill in progress; of others it is NaN."""
    if not ctx.modes.in_progress or not np.isfinite(ctx.modes.start("STABLE")):
        return np.nan
    return max(float(ctx.beams[beam].intensity_ppb.time_s[-1]) for beam in BEAMS)


def time_range(modes: FillModes, t_step_s: float, last_s: float = np.nan) -> FloatArray:
    """Return the times of the analysis, (n_times,), in Unix seconds.

    Those of a fill in progress end with its last measurement, `last_s`.

    Raises
    ------
    NoDataError
        No stable beams, no end of them, or fewer than two steps of them.
    """
    start = modes.start("STABLE")
    if not np.isfinite(start):
        raise NoDataError("no stable beams in this fill: nothing to follow up; leave it out")
    end = np.fmin(stable_end_s(modes), last_s)
    if not np.isfinite(end):
        raise NoDataError(
            "the beam modes do not tell when stable beams ended: the fill was not over; "
            f"when it is over: {get_command(modes.fill)}, and run this fill again"
        )
    time_s = np.arange(start, end, t_step_s)
    if time_s.size < 2:
        raise NoDataError(
            f"stable beams last {max(end - start, 0):.0f} s, less than two steps of "
            f"{t_step_s:g} s: choose a smaller t_step_sec or leave the fill out"
        )
    return time_s


def stable_end_s(modes: FillModes) -> float:
    """Return until when stable beams are followed up, Unix s; NaN where no end of them is known."""
    end_s = modes.stop("STABLE")
    if modes.complete is not False:  # then t_endfill is when the next fill started
        end_s = np.fmin(modes.t_endfill_s - END_BEFORE_NEXT_FILL_S, end_s)
    return float(end_s)


def _crossing(ctx: FillContext, time_s: FloatArray) -> Mapping[int, Crossing]:
    """Return plane and full angle of the crossing at IP 1 and 5."""
    path, planes = existing(ctx.paths.crossing), ctx.cfg.machine.crossing_planes
    usual = ctx.period.crossing_plane
    measured = crossing_angles(
        path,
        ctx.names,
        planes,
        usual,
        time_s,
        since_s=ctx.modes.t_startfill_s,
        max_gap_s=_max_gap_s(ctx),
        note=ctx.note,
    )
    if measured is not None:
        return measured
    configured = ctx.cfg.machine.crossing_angle(ctx.fill)
    if configured is None:
        raise MissingInputError(
            f"no crossing angle: {ctx.paths.crossing} is not there, or cannot be used, and no "
            "range of XingAngle in config.py holds this fill; add one"
        )
    if path is None:
        text = f"{ctx.paths.crossing} is not there: taking XingAngle of config.py"
        ctx.note(Note("fallback", text, "crossing angle"))
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


def _max_gap_s(ctx: FillContext) -> float:
    return ctx.cfg.analysis.max_gap_s or np.inf


def _after_ramp(beam: BeamMeasurements, time_s: FloatArray, max_gap_s: float) -> BeamMeasurements:
    """Return the measurements without the scans of injection.

    Raises
    ------
    NoDataError
        There is no scan that counts in stable beams.
    """
    top = beam.scans.select(beam.scans.time_s >= beam.top_since_s)
    counts = (top.time_s >= time_s[0] - max_gap_s) & (top.time_s <= time_s[-1] + max_gap_s)
    if not counts.any():
        energy_gev = beam.highest_energy_gev
        why = f"the BSRT of beam {beam.beam} has no sample then; leave the fill out"
        if np.isfinite(energy_gev) and not is_calibrated(energy_gev):
            why = f"the BSRT has no calibration at {energy_gev:.0f} GeV"
        raise NoDataError(f"no emittance measured in stable beams: {why}")
    return replace(beam, scans=top)


def _bunches_above(
    beam: BeamMeasurements, time_s: FloatArray, threshold_ppb: float, max_gap_s: float
) -> IntArray:
    """Return the slots whose intensity reaches the threshold at some time."""
    intensity = beam.intensity_ppb
    at_times = interp_columns(time_s, intensity.time_s, intensity.values)
    if unmeasured(time_s, intensity.time_s, max_gap_s).all():
        raise NoDataError(
            f"beam {beam.beam}: no bunch intensity measured in stable beams; leave the fill out"
        )
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


class _Options(NamedTuple):
    """What the bunches of a beam are analysed with."""

    smoothing: Smoothing | None
    fit_length_s: float
    max_gap_s: float

    @classmethod
    def of(cls, ctx: FillContext, time_s: FloatArray) -> _Options:
        smoothing = Smoothing.of(ctx, time_s) if ctx.cfg.bsrt.smooth else None
        return cls(smoothing, ctx.cfg.analysis.t_fit_length_s, _max_gap_s(ctx))


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
    raw = smooth = _at_times(time_s, scans, options.max_gap_s)
    if options.smoothing is not None:
        late = smoothed(scans, options.smoothing)
        smooth = _at_times(time_s, late, options.max_gap_s)
    intensity_ppb = interp_columns(time_s, intensity.time_s, intensity.values[:, column])
    intensity_ppb[unmeasured(time_s, intensity.time_s, options.max_gap_s)] = np.nan
    lengths = length.values[:, column]
    length_4s_s = interp_valid_columns(time_s, length.time_s, lengths)
    length_4s_s[unmeasured_columns(time_s, length.time_s, lengths, options.max_gap_s)] = np.nan
    length_m = length_4s_s / 4 * SPEED_OF_LIGHT_M_S
    bunches = BunchFamily(slots, smooth[0], smooth[1], raw[0], raw[1], intensity_ppb, length_m)
    return replace(bunches, fits=bunch_fits(time_s, bunches, options.fit_length_s))


def _at_times(time_s: FloatArray, scans: Scans, max_gap_s: float) -> list[FloatArray]:
    """Return the emittances of both planes, each (n_times, n_slots); NaN where not measured."""
    lacking = unmeasured_groups(time_s, scans.start, scans.time_s, max_gap_s)
    planes = [
        interp_groups(time_s, scans.start, scans.time_s, scans.emit_um[:, plane])
        for plane in (0, 1)
    ]
    for values in planes:
        values[lacking] = np.nan
    return planes


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
        "max_gap_s",
        "t_fit_length",
        "enable_smoothing_BSRT",
        "avg_time_smoothing",
        "resc_period",
        "bsrt_calibration_file",
        "XingAngle",
        "crossing_planes",
        "bunch_length_factor",
        "variable_names",
    ),
)
