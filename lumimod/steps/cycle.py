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
from lumimod.physics.ibs import INJECTION_ENERGY_GEV, Ibs, IbsSet, ibs_map_in_parts
from lumimod.physics.interpolation import interp_each_column
from lumimod.readers.bmodes import FillModes
from lumimod.records import BEAMS, INTERVALS, Cycle, CycleInterval, Instant
from lumimod.records.made import Made
from lumimod.steps.context import FillContext
from lumimod.steps.step import Step
from lumimod.tables.ibs import LONGEST_IBS_STEP_S, SHORTEST_IBS_STEP_S, ibs_of

AFTER_START_S = 100.0
"""Intensity and length at the start are taken this long after the first scan: the beam-current
monitors need the injection to settle."""
PART_OF_LONG_WAIT_S = 1800.0
_LONG = (
    f"stayed longer than an hour, where the IBS parametrisation does not hold in one step: they "
    f"are modelled in parts of at most {PART_OF_LONG_WAIT_S / 60:.0f} minutes"
)
_SHORT = (
    "stayed less than 5 minutes, where the IBS parametrisation has too little growth (in 1 minute "
    "17 % too little in emittance, 60 % in length)"
)
_IN_ONE_STEP = "longer than an hour, where the IBS parametrisation overestimates the growth"
"""Said in results of earlier versions, which modelled long waits in one step."""


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
    _note_times(ctx, measured, ibs)
    ctx.save(ctx.paths.cycle_model, Cycle(modelled), keep=False)
    ctx.save(ctx.paths.cycle_model_inj2sb, Cycle(chained), keep=False)


def _note_times(
    ctx: FillContext, measured: Mapping[tuple[int, str], CycleInterval], ibs: Mapping[str, Ibs]
) -> None:
    """Say where the parametrisation is not made for the time that bunches stayed."""
    for (beam, name), interval in measured.items():
        if not isinstance(ibs[name], IbsSet):
            continue
        duration_s = interval.end.time_s - interval.start.time_s
        n_long = int((duration_s > LONGEST_IBS_STEP_S).sum())
        n_short = int(((duration_s > 0) & (duration_s < SHORTEST_IBS_STEP_S)).sum())
        if n_long:
            _note_bunches(ctx, beam, name, n_long, _LONG)
        if n_short and ibs[name].energy_gev == INJECTION_ENERGY_GEV:
            _note_bunches(ctx, beam, name, n_short, _SHORT)


def _note_bunches(ctx: FillContext, beam: int, name: str, n_bunches: int, words: str) -> None:
    ctx.note(
        Note(
            "ibs",
            f"{name} of beam {beam}: {n_bunches} bunches {words}",
            beam=beam,
            numbers={"bunches": n_bunches},
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
    emit_h, length = ibs_map_in_parts(
        ibs,
        duration_s,
        measured.start.intensity_ppb,
        start.emit_h_um,
        start.bl4s_s,
        longest_s=LONGEST_IBS_STEP_S,
        part_s=PART_OF_LONG_WAIT_S,
    )
    end = Instant(measured.end.time_s, emit_h, start.emit_v_um, length)
    return CycleInterval(measured.slots, start, end)


def _superseded(made: Made) -> str:
    """Return why a result of an earlier version is not what it would be now, if so."""
    in_one_step = any(_IN_ONE_STEP in str(note.get("text")) for note in made.notes)
    return "waits of over an hour were modelled in one step" if in_one_step else ""


STEP = Step(
    name="cycle",
    run=run,
    superseded=_superseded,
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
