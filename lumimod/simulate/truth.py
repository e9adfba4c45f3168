"""The truth about a simulated fill, in a numpy archive beside its data."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import numpy.typing as npt

from lumimod.atomic import replacing
from lumimod.simulate.full import FullStepper
from lumimod.simulate.instruments import Fill
from lumimod.tables.lhc import PLANES


def write_truth(path: Path, fill: Fill, seed: int, scale: dict[str, float]) -> None:
    """Write what the instruments would measure without noise, see `truth_arrays`."""
    with replacing(path, make_folder=True) as stream:
        np.savez(stream, allow_pickle=False, **truth_arrays(fill, seed, scale))


def truth_arrays(
    fill: Fill, seed: int, scale: dict[str, float]
) -> dict[str, npt.NDArray[np.generic]]:
    """Return the true values of a fill.

    - `time_s`, (n_times,): Unix s, from the first injection to the dump
    - `b1_...` and `b2_...`, (n_bunches,): `slots`, `arrival_s` (injection), `growth_h_um_per_h`,
      `growth_v_um_per_h`; (n_times, n_bunches): `intensity_ppb` (0 before injection), `emit_h_um`,
      `emit_v_um`, `bl4s_s` (4 sigma; all three NaN before injection)
    - `colliding_slots`, (n_colliding,)
    - `ATLAS_lumi`, `CMS_lumi`, (n_times, n_colliding), in 1/(m^2 s)
    - `ATLAS_scale`, `CMS_scale`: factors on the luminosities that the experiments publish
    - `half_crossing_rad`, `betastar_now_m`, (n_times,)
    - `stable_s`, `dump_s`: start and end of stable beams, Unix s
    - with the full truth: `LHCb_lumi`, `ALICE_lumi`, (n_times,), in 1/(m^2 s);
      `b1_sigma_eff_m2`, (n_times, n_colliding): protons lost at that moment over the luminosity of
      all four; `b1_noise_h_um_per_h`, `b1_noise_v_um_per_h`, (n_times, n_bunches): growth by noise;
      `b1_injection_h_um_per_h`, `b1_injection_v_um_per_h`, (n_bunches,): growth at injection
      besides scattering; `b1_bsrt_scale_h`, `b1_bsrt_scale_v`: emittances of the BSRT over the
      true ones; `ATLAS_betastar_factor`, `CMS_betastar_factor`: beta* over `betastar_now_m`
    - `fill`, `seed`, each number among the settings by its name, and `settings`, all as JSON
    """
    history, settings = fill.history, fill.settings
    rows = np.flatnonzero((history.time_s - fill.times.stable_s) % settings.truth_s == 0)
    if rows[-1] != history.time_s.size - 1:
        rows = np.append(rows, history.time_s.size - 1)
    values = dataclasses.asdict(settings)
    for name in ("full", "place"):
        if values[name] is None:
            del values[name]
    arrays: dict[str, object] = {
        name: value
        for name, value in {**values, **values.get("full", {})}.items()
        if isinstance(value, (int, float))
    }
    arrays["settings"] = json.dumps(values)
    arrays.update(fill=fill.number, seed=seed, time_s=history.time_s[rows])
    arrays.update(stable_s=fill.times.stable_s, dump_s=fill.times.dump_s)
    arrays["half_crossing_rad"] = history.half_crossing_rad[rows]
    arrays["betastar_now_m"] = fill.times.betastar_m(history.time_s[rows])
    for beam in (1, 2):
        arrays.update(_beam_arrays(fill, beam, rows))
    arrays["colliding_slots"] = history.beams[1].scheme.colliding_slots
    for name, lumi in history.lumi.items():
        arrays[f"{name}_lumi"] = lumi[rows]
        arrays[f"{name}_scale"] = scale[name]
    arrays.update({name: values[rows] for name, values in history.told.items()})
    if history.stepper is not None:
        arrays.update(_constants(history.stepper))
    return {name: np.asarray(value) for name, value in arrays.items()}


def _beam_arrays(fill: Fill, beam: int, rows: npt.NDArray[np.int64]) -> dict[str, object]:
    one = fill.history.beams[beam]
    arrived = fill.history.time_s[rows][:, None] >= one.arrival_s
    states = one.states._asdict()
    arrays: dict[str, object] = {
        "slots": one.scheme.slot,
        "arrival_s": one.arrival_s,
        "growth_h_um_per_h": one.growth.h_um_per_h,
        "growth_v_um_per_h": one.growth.v_um_per_h,
        "intensity_ppb": np.where(arrived, states.pop("n_ppb")[rows], 0.0),
    }
    for name, values in states.items():
        arrays[name] = np.where(arrived, values[rows], np.nan)
    return {f"b{beam}_{name}": value for name, value in arrays.items()}


def _constants(stepper: FullStepper) -> dict[str, object]:
    """Return what does not change in a fill of the full truth."""
    factors = stepper.collider.betastar_factor
    arrays: dict[str, object] = {f"{n}_betastar_factor": value for n, value in factors.items()}
    for beam, growth in stepper.at_injection.items():
        arrays[f"b{beam}_injection_h_um_per_h"] = growth.h_um_per_h
        arrays[f"b{beam}_injection_v_um_per_h"] = growth.v_um_per_h
        for plane in PLANES:
            arrays[f"b{beam}_bsrt_scale_{plane}"] = stepper.bsrt_scale[beam, plane]
    return arrays
