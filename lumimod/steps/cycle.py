"""Cycle: every bunch at injection and flat top, measured and as the IBS model predicts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from lumimod.arrays import FloatArray, IntArray
from lumimod.errors import NoDataError, Note
from lumimod.instruments.bsrt import Scans
from lumimod.instruments.measurements import BeamMeasurements
from lumimod.instruments.samples import BunchSamples
from lumimod.physics.emittance import brightness_ppb_um
from lumimod.physics.ibs import Ibs, ibs_map
from lumimod.physics.interpolation import interp_each_column
from lumimod.readers.bmodes import FillModes
from lumimod.records import BEAMS, INTERVALS, Cycle, CycleInterval, Instant
from lumimod.steps.context import FillContext
from lumimod.steps.step import Step
from lumimod.tables.ibs import LONGEST_IBS_STEP_S, ibs_of

AFTER_START_S = 100.0
"""Intensity and length at the start are taken this long after the first scan: the beam-current
monitors need the injection to settle."""


def run(ctx: FillContext) -> None:
    """Make fill_N_cycle.pkl.gz and both of its models."""
    limits = _limits(ctx.modes)
    measured = {
        (beam, name): _interval(ctx.beams[beam], *limits[name])
        for beam in BEAMS
        for name in INTERVALS
    }
    ctx.save(ctx.paths.cycle, Cycle(measured), keep=False)  # also where there is no model
    machine = ctx.cfg.machine
    ibs = {
        "Injection": ibs_of(machine.gamma_fb, machine.v_rf_fb_v),
        "he_before_SB": ibs_of(machine.gamma_ft, machine.v_rf_ft_v),
    }
    modelled = {
        (beam, name): _modelled(interval, interval.start, ibs[name])
        for (beam, name), interval in measured.items()
    }
    chained = {
        (beam, "he_before_SB"): _modelled(
            measured[beam, "he_before_SB"], modelled[beam, "Injection"].end, ibs["he_before_SB"]
        )
        for beam in BEAMS
    }
    _note_long(ctx, measured)
    ctx.save(ctx.paths.cycle_model, Cycle(modelled), keep=False)
    ctx.save(ctx.paths.cycle_model_inj2sb, Cycle(chained), keep=False)


def _note_long(ctx: FillContext, measured: Mapping[tuple[int, str], CycleInterval]) -> None:
    for (beam, name), interval in measured.items():
        duration_s = interval.end.time_s - interval.start.time_s
        n_long = np.count_nonzero(duration_s > LONGEST_IBS_STEP_S)
        if n_long:
            ctx.note(
                Note(
                    "model",
                    f"{name} of beam {beam}: {n_long} bunches stayed longer than an hour, where "
                    "the IBS parametrisation overestimates the growth: do not trust their model",
                    beam=beam,
                )
            )


def _limits(modes: FillModes) -> dict[str, tuple[float, float]]:
    """Return start and end of each interval."""
    limits = {
        "Injection": (modes.start("INJPHYS"), modes.stop("PRERAMP")),
        "he_before_SB": (modes.start("FLATTOP"), modes.start("STABLE")),
    }
    for name, (start, end) in limits.items():
        if not (np.isfinite(start) and np.isfinite(end)):
            raise NoDataError(
                f"the beam modes do not tell when {name} began or ended (INJPHYS, PRERAMP, "
                "FLATTOP, STABLE): the cycle was not complete; leave the step out"
            )
    return limits


def _interval(beam: BeamMeasurements, t_start_s: float, t_end_s: float) -> CycleInterval:
    """Return what was measured first and last strictly inside an interval."""
    time_s = beam.scans.time_s
    inside = beam.scans.select((time_s > t_start_s) & (time_s < t_end_s))
    sizes = np.diff(inside.start)
    first = _instant(beam, inside, np.where(sizes > 0, inside.start[:-1], -1), AFTER_START_S)
    last = _instant(beam, inside, np.where(sizes > 0, inside.start[1:] - 1, -1), 0.0)
    return CycleInterval(beam.scans.slots, first, last, t_start_s, t_end_s)


def _instant(beam: BeamMeasurements, scans: Scans, sample: IntArray, later_s: float) -> Instant:
    """Return all slots at their sample of that index, (n_slots,); NaN where it is -1."""
    there = sample >= 0
    emit = np.full((sample.size, 2), np.nan)
    time_s = np.full(sample.size, np.nan)
    emit[there], time_s[there] = scans.emit_um[sample[there]], scans.time_s[sample[there]]
    intensity = _at(beam.intensity_ppb, time_s + later_s)
    with np.errstate(invalid="ignore"):
        brightness = brightness_ppb_um(intensity, emit[:, 0], emit[:, 1])
    length = _at(beam.length_4s_s, time_s + later_s)
    return Instant(time_s, emit[:, 0], emit[:, 1], length, intensity, brightness)


def _at(samples: BunchSamples, time_s: FloatArray) -> FloatArray:
    return interp_each_column(time_s, samples.time_s, samples.values)


def _modelled(measured: CycleInterval, start: Instant, ibs: Ibs) -> CycleInterval:
    """Return the interval as the model has it, from `start`, over each bunch's own time."""
    assert measured.start.intensity_ppb is not None  # noqa: S101 - measured intervals have it
    start = replace(start, intensity_ppb=None, brightness_ppb_um=None)
    duration_s = measured.end.time_s - measured.start.time_s
    emit_h, length = ibs_map(
        ibs, duration_s, measured.start.intensity_ppb, start.emit_h_um, start.bl4s_s
    )
    end = Instant(measured.end.time_s, emit_h, start.emit_v_um, length)
    return CycleInterval(measured.slots, start, end)


STEP = Step(
    name="cycle",
    run=run,
    writes=lambda paths: [paths.cycle, paths.cycle_model, paths.cycle_model_inj2sb],
    inputs=lambda paths: [paths.basic_data, paths.bbb_data],
    optional=lambda paths: paths.bsrt_calibration,
    times=("t_start_INJPHYS", "t_stop_PRERAMP", "t_start_FLATTOP", "t_start_STABLE"),
    settings=(
        "gammaFB",
        "VRF_FB",
        "gammaFT",
        "VRF_FT",
        "resc_period",
        "bsrt_calibration_file",
        "variable_names",
    ),
)
