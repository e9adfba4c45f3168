"""Cycle: every bunch at injection and flat top, measured and as the IBS model predicts."""

from __future__ import annotations

import numpy as np

from lumimod.arrays import FloatArray, IntArray
from lumimod.errors import NoDataError
from lumimod.instruments.bsrt import Scans
from lumimod.instruments.measurements import BeamMeasurements
from lumimod.instruments.samples import BunchSamples
from lumimod.physics.emittance import brightness_ppb_um
from lumimod.physics.interpolation import interp_each_column
from lumimod.readers.bmodes import FillModes
from lumimod.records import BEAMS, INTERVALS, Cycle, CycleInterval, Instant
from lumimod.steps.context import FillContext
from lumimod.steps.cycle_model import model_of, modelled, note_times, superseded
from lumimod.steps.step import Step

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
    ends = model_of(ctx.cfg)
    models = {
        key: modelled(ends[key], interval, interval.start) for key, interval in measured.items()
    }
    chained = {
        (beam, name): modelled(
            ends[beam, name], measured[beam, name], models[beam, "Injection"].end
        )
        for beam in BEAMS
        for name in ("he_before_SB",)
    }
    note_times(ctx, measured)
    ctx.save(ctx.paths.cycle_model, Cycle(models), keep=False)
    ctx.save(ctx.paths.cycle_model_inj2sb, Cycle(chained), keep=False)


_MODES = {
    "Injection": "injection began (INJPHYS) and ended (PRERAMP)",
    "he_before_SB": "flat top began (FLATTOP) and stable beams began (STABLE)",
}


def _limits(modes: FillModes) -> dict[str, tuple[float, float]]:
    """Return start and end of each interval."""
    limits = {
        "Injection": (modes.start("INJPHYS"), modes.stop("PRERAMP")),
        "he_before_SB": (modes.start("FLATTOP"), modes.start("STABLE")),
    }
    for name, (start, end) in limits.items():
        if not (np.isfinite(start) and np.isfinite(end)):
            raise NoDataError(
                f"the beam modes do not tell when {_MODES[name]}: the cycle was not complete; "
                "leave the step out"
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
    brightness = brightness_ppb_um(intensity, emit[:, 0], emit[:, 1])
    length = _at(beam.length_4s_s, time_s + later_s)
    return Instant(time_s, emit[:, 0], emit[:, 1], length, intensity, brightness)


def _at(samples: BunchSamples, time_s: FloatArray) -> FloatArray:
    return interp_each_column(time_s, samples.time_s, samples.values)


STEP = Step(
    name="cycle",
    run=run,
    superseded=superseded,
    writes=lambda paths: [paths.cycle, paths.cycle_model, paths.cycle_model_inj2sb],
    inputs=lambda paths: [paths.basic_data, paths.bbb_data],
    optional=lambda paths: (*paths.bsrt_calibration, *paths.ibs_rates),
    times=("t_start_INJPHYS", "t_stop_PRERAMP", "t_start_FLATTOP", "t_start_STABLE"),
    settings=(
        "gammaFB",
        "VRF_FB",
        "gammaFT",
        "VRF_FT",
        "resc_period",
        "bsrt_calibration_file",
        "bunch_length_factor",
        "variable_names",
        "ibs",
        "coupling",
        "c_minus_FB",
        "c_minus_FT",
        "tune_split_FB",
        "tune_split_FT",
        "noise",
        "damper_gain_FB",
        "damper_gain_FT",
        "kick_noise",
        "bpm_noise",
        "noise_emittance",
        "tune_spread_FB",
        "tune_spread_FT",
        "damping",
        "tauSRxy_FB",
        "tauSRxy_FT",
        "tauSRl_FT",
        "extra_growth",
    ),
)
