"""The extra data of a simulated fill: tunes, BBQ, total luminosities, beta*, number of bunches.

Tunes change from injection to collision tunes at the end of flat top, beta* decreases in ramp and
squeeze, injection cleaning runs during injection, ALICE and LHCb are levelled. Instruments add
noise.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numpy.random import Generator

from lumimod.arrays import FloatArray, Series
from lumimod.simulate import instruments
from lumimod.simulate.beams import at_times
from lumimod.simulate.instruments import HZ_UB, Fill
from lumimod.tables.lhc import PLANES
from lumimod.tables.variables import names_of

Samples = tuple[FloatArray, FloatArray]

TUNE_INJECTION = {"h": 0.275, "v": 0.295}
TUNE_COLLISION = {"h": 0.31, "v": 0.32}
TUNE_NOISE = {"BOFSU": 2e-5, "CONTINUOUS": 4e-4, "CONTINUOUS_HS": 1.5e-4}
BBQ_PERIOD_S = 20.0
OUTLIERS = 0.01
"""Fraction of the BBQ frequencies that are from another peak of the spectrum."""
BETASTAR_CM = {"IP1": (1100.0, 100.0), "IP2": (1000.0, 1000.0), "IP5": (1100.0, 100.0),
               "IP8": (1000.0, 300.0)}  # fmt: skip
"""At injection and at the end of the ramp; in IP1 and IP5 the squeeze goes on from there."""
FULL_MACHINE = 2544
"""Colliding bunches."""
LEVELLED_HZ_UB = {"ALICE": 2.6, "LHCB": 330.0}
"""Total luminosity with the full machine."""
CHANGE_S = 15.0
"""Interval at which a changing beta* is logged."""


def extra_series(fill: Fill, scale: dict[str, float], rng: Generator) -> dict[str, Series]:
    """Return the extra variables by name."""
    tunes, bbq, lumi = rng.spawn(3)
    samples = {
        **_tunes(fill, tunes),
        **_bbq(fill, bbq),
        **_luminosities(fill, scale, lumi),
        **{f"HX:BETASTAR_{ip}": _betastar(fill, ip) for ip in BETASTAR_CM},
        **{f"LHC.BQM.B{beam}:NO_BUNCHES": _bunches(fill, beam) for beam in (1, 2)},
        **{
            f"ADT{plane.upper()}.SR4.B{beam}:CLEANING_ISRUNNING": _cleaning(fill)
            for plane in PLANES
            for beam in (1, 2)
        },
    }
    return {name: _series(name, *both) for name, both in samples.items()}


def _series(name: str, time_s: FloatArray, values: FloatArray) -> Series:
    return Series(name, "simulated", time_s, values, np.arange(time_s.size + 1), 0)


# --- tunes


def _tune(fill: Fill, plane: str, time_s: FloatArray) -> FloatArray:
    """Return the nominal tune, which changes in the last 2 min of flat top."""
    stop_s = fill.times.modes["FLATTOP"][1]
    part = np.clip((time_s - stop_s + 120) / 120, 0, 1) * (time_s < fill.times.dump_s)
    low, high = TUNE_INJECTION[plane], TUNE_COLLISION[plane]
    return low + (high - low) * part


def _tunes(fill: Fill, rng: Generator) -> dict[str, Samples]:
    """Return the tunes and trims of the tune feedback; trims change in ramp and squeeze only."""
    samples: dict[str, Samples] = {}
    for beam in (1, 2):
        for plane in PLANES:
            time_s = instruments.clock(fill, BBQ_PERIOD_S, rng)
            noise = TUNE_NOISE["BOFSU"] * rng.standard_normal(time_s.size)
            tune = _tune(fill, plane, time_s) + noise
            quantity = f"tune_{plane}_b{beam}"
            name = names_of(quantity, fill.number, time_s=fill.times.start_s)[0]
            samples[name] = time_s, np.round(tune, 6)
            moving = _in_mode(fill, time_s, "RAMP") | _in_mode(fill, time_s, "SQUEEZE")
            steps = 1e-4 * rng.standard_normal(time_s.size) * moving
            trim = np.cumsum(steps) * (time_s < fill.times.dump_s)
            samples[f"LHC.BOFSU:TUNE_TRIM_B{beam}_{plane.upper()}"] = time_s, np.round(trim, 6)
    return samples


def _bbq(fill: Fill, rng: Generator) -> dict[str, Samples]:
    """Return frequencies and amplitudes of both BBQs; without beam they are noise."""
    samples: dict[str, Samples] = {}
    for device in ("CONTINUOUS", "CONTINUOUS_HS"):
        for beam in (1, 2):
            for number, plane in enumerate(PLANES, start=1):
                time_s = instruments.clock(fill, BBQ_PERIOD_S, rng)
                there = _n_bunches(fill, beam, time_s) > 0
                tune = _tune(fill, plane, time_s)
                tune += TUNE_NOISE[device] * rng.standard_normal(time_s.size)
                lost = (rng.random(time_s.size) < OUTLIERS) | ~there
                tune[lost] = rng.uniform(0.25, 0.35, int(lost.sum()))
                busy = 1 + 2 * _in_mode(fill, time_s, "ADJUST") + _in_mode(fill, time_s, "RAMP")
                size = np.where(there, 4e-3 * busy, 4e-4) * rng.lognormal(0, 0.3, time_s.size)
                at = f"LHC.BQBBQ.{device}.B{beam}"
                samples[f"{at}:EIGEN_AMPL_{number}"] = time_s, np.round(size, 7)
                samples[f"{at}:EIGEN_FREQ_{number}"] = time_s, np.round(tune, 6)
    return samples


# --- luminosity, optics, beams


def _luminosities(fill: Fill, scale: dict[str, float], rng: Generator) -> dict[str, Samples]:
    samples: dict[str, Samples] = {}
    for name in ("ALICE", "ATLAS", "CMS", "LHCB"):
        time_s = instruments.clock(fill, fill.settings.slow_s, rng)
        if name in scale:
            totals = fill.history.lumi[name].sum(axis=1, keepdims=True)
            true = at_times(fill.history, totals, time_s)[:, 0] * scale[name] / HZ_UB
            true *= time_s < fill.times.dump_s
        elif other := [t for n, t in fill.history.told.items() if n.upper() == f"{name}_LUMI"]:
            true = at_times(fill.history, other[0][:, None], time_s)[:, 0] / HZ_UB
            true *= time_s < fill.times.dump_s
        else:
            part = fill.settings.n_colliding / FULL_MACHINE
            true = LEVELLED_HZ_UB[name] * part * fill.times.overlap(time_s)
        noisy = true * (1 + fill.settings.massi_noise * rng.standard_normal(time_s.size))
        samples[f"{name}:LUMI_TOT_INST"] = time_s, np.round(noisy, 6)
    return samples


def _betastar(fill: Fill, ip: str) -> Samples:
    """Return beta* in cm, logged at the start of the fill, while it changes, and at the dump."""
    injection_cm, ramped_cm = BETASTAR_CM[ip]
    squeezed = ip in ("IP1", "IP5")
    final_cm = fill.settings.betastar_m * 100 if squeezed else ramped_cm
    (ramp_s, flat_s), (squeeze_s, end_s) = (fill.times.modes[m] for m in ("RAMP", "SQUEEZE"))
    dump_s = fill.times.dump_s
    changes_s = fill.times.betastar[0][1:] if squeezed else np.zeros(0)
    time_s = np.concatenate(
        [
            [fill.times.start_s],
            np.arange(ramp_s, flat_s + CHANGE_S, CHANGE_S),
            np.arange(squeeze_s, end_s + CHANGE_S, CHANGE_S),
            changes_s[changes_s < dump_s],
            [dump_s, dump_s + 60],
        ]
    )
    if dump_s < end_s:  # lost before the squeeze was over
        time_s = np.append(time_s[:-2][time_s[:-2] < dump_s], [dump_s, dump_s + 60])
        ramp_s, flat_s, squeeze_s, end_s = np.minimum([ramp_s, flat_s, squeeze_s, end_s], dump_s)
    known_s = [ramp_s, flat_s, squeeze_s, end_s, dump_s, dump_s + 60]
    logs = np.log([injection_cm, ramped_cm, ramped_cm, final_cm, final_cm, injection_cm])
    value_cm = np.exp(np.interp(time_s, known_s, logs))
    if squeezed:
        stable = (time_s >= fill.times.stable_s) & (time_s <= dump_s)
        value_cm[stable] = 100 * fill.times.betastar_m(time_s[stable])
    if ip == "IP5" and fill.settings.full is not None:
        value_cm = value_cm * fill.settings.full.betastar_ratio_cms
    logged = time_s < fill.times.end_s
    return time_s[logged], np.round(value_cm[logged], 3)


def _bunches(fill: Fill, beam: int) -> Samples:
    """Return the number of bunches, logged every minute."""
    time_s = np.arange(fill.times.start_s, fill.times.end_s, fill.settings.slow_s)
    return time_s, _n_bunches(fill, beam, time_s)


def _n_bunches(fill: Fill, beam: int, time_s: FloatArray) -> FloatArray:
    arrival_s = np.sort(fill.history.beams[beam].arrival_s)
    count = np.searchsorted(arrival_s, time_s, side="right")
    return (count * (time_s < fill.times.dump_s)).astype(np.float64)


def _cleaning(fill: Fill) -> Samples:
    """Return whether injection cleaning runs, logged when that changes."""
    start_s, stop_s = fill.times.modes["INJPHYS"]
    return np.array([fill.times.start_s, start_s, stop_s]), np.array([0.0, 1.0, 0.0])


def _in_mode(fill: Fill, time_s: FloatArray, mode: str) -> npt.NDArray[np.bool_]:
    start_s, stop_s = fill.times.modes[mode]
    return (time_s >= start_s) & (time_s < stop_s)
