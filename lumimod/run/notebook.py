"""What notebooks ask for: results by fill and step, fills and their states, the season."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lumimod.arrays import FloatArray, IntArray
from lumimod.config.settings import Config, load_config
from lumimod.errors import MissingInputError, UsageError
from lumimod.paths import FillPaths
from lumimod.readers.bmodes import read_bmodes
from lumimod.readers.unpickle import load_pickle
from lumimod.records import BEAMS, EXPERIMENTS, FAMILIES, CalculatedLumi, StableBeams
from lumimod.records.measured import measured_lumi
from lumimod.records.stable_beams import BunchFamily
from lumimod.records.store import load_if_there
from lumimod.run.choice import FillChoice
from lumimod.run.recorded import recorded_states
from lumimod.steps.registry import STEPS
from lumimod.summary.season import season_frame, update_season

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

_QUANTITIES = {
    "emit_h_um": ("um", "horizontal emittance, smoothed"),
    "emit_v_um": ("um", "vertical emittance, smoothed"),
    "emit_h_raw_um": ("um", "horizontal emittance as measured"),
    "emit_v_raw_um": ("um", "vertical emittance as measured"),
    "intensity_ppb": ("1", "protons in the bunch"),
    "length_m": ("m", "bunch length, 1 sigma"),
}


def config_of(config: str | Path) -> Config:
    """Return the settings of a config.py, whose relative folders are those below it."""
    return load_config(Path(config))


def result(fill: int, name: str, config: str | Path, case: int | str | None = None) -> Any:
    """Return the result of a step of a fill, as the dict of arrays in its file.

    Raises
    ------
    UsageError
        There is no such step or case.
    MissingInputError
        The step has not been run.
    """
    cfg = config_of(config)
    if name not in STEPS:
        what = f"{name!r} is not a step" if name else f"say of which step of fill {fill}"
        raise UsageError(f"{what}; there are {', '.join(STEPS)}")
    paths = FillPaths(cfg, fill)
    files = list(STEPS[name].expected(paths))
    if case is not None:
        of_case = [p for c, p in zip(cfg.model.cases, paths.models) if str(c.name) == str(case)]
        files = [path for path in files if path in of_case]
        if not files:
            raise UsageError(f"step {name} has no case {case!r}")
    if not files or not files[0].exists():
        where = files[0] if files else paths.folder
        raise MissingInputError(
            f"{where}: no such file; run lumimod with --fill {fill} --force {name}"
        )
    return load_pickle(files[0])


def fills_table(config: str | Path) -> pd.DataFrame:
    """Return a row for each fill that can be analysed or was: its times and states of steps.

    Columns: start_utc (datetime64), hours, in_progress, and one for each step with `done`, `up to
    date`, `out of date`, `waiting`, `failed`, `off` or `no stable beams`; empty where no run was
    about it. The index is the fill.
    """
    import pandas as pd

    cfg = config_of(config)
    modes = read_bmodes(cfg.files.bmodes)
    states = recorded_states(cfg, modes)
    rows = []
    for fill in sorted({*FillChoice().fills(modes, cfg), *states}):
        known = modes.get(fill)
        start_s = np.nan if known is None else known.start("STABLE")
        stop_s = np.nan if known is None else known.stop("STABLE")
        row: dict[str, Any] = {
            "fill": fill,
            "start_utc": pd.to_datetime(start_s, unit="s"),
            "hours": (stop_s - start_s) / 3600,
            "in_progress": known is not None and known.in_progress,
        }
        steps = states[fill].steps if fill in states else {}
        row.update({name: steps[name].state.value if name in steps else "" for name in STEPS})
        rows.append(row)
    names = ["fill", "start_utc", "hours", "in_progress", *STEPS]
    return pd.DataFrame(rows, columns=names).set_index("fill")


def season_table(config: str | Path) -> pd.DataFrame:
    """Return the season table, brought up to date: a row for each fill that has results."""
    cfg = config_of(config)
    modes = read_bmodes(cfg.files.bmodes)
    return season_frame(update_season(cfg, modes, sorted(modes)))


def fill_dataset(fill: int, config: str | Path) -> xr.Dataset:
    """Return stable beams and luminosities of a fill as an xarray Dataset.

    Coordinates are `time` (UTC), `beam`, `slot`, `experiment` and `ip`; each variable has `units`
    and `long_name`. `collides` tells the colliding bunches from the others.

    Raises
    ------
    UsageError
        xarray is not installed.
    MissingStepError
        The fill has no result of step sb, or it cannot be read.
    """
    try:
        import xarray as xr
    except ImportError as exc:
        raise UsageError(
            "xarray is not installed; install it with pip install 'lumimod[notebook]'"
        ) from exc
    paths = FillPaths(config_of(config), fill)
    sb = load_if_there(paths.sb, StableBeams)
    if sb is None:
        raise MissingInputError(f"{paths.sb}: no such file; run lumimod with --fill {fill}")
    slots = np.unique(np.concatenate([b.slots for b in sb.bunches.values()]))
    variables = {**_bunches(sb, slots), **_luminosities(paths, sb, slots)}
    times = np.array(np.round(sb.time_s * 1e9), "datetime64[ns]")
    coordinates = {
        "time": ("time", times, {"long_name": "time, UTC"}),
        "beam": ("beam", list(BEAMS)),
        "slot": ("slot", slots, {"long_name": "25 ns slot, from 0"}),
        "experiment": ("experiment", list(EXPERIMENTS)),
        "ip": ("ip", list(sb.xing_angle_rad), {"long_name": "interaction point"}),
    }
    return xr.Dataset(variables, coordinates, {"fill": fill})


def _bunches(sb: StableBeams, slots: IntArray) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for name, (unit, words) in _QUANTITIES.items():
        values = np.stack([_of_beam(sb, beam, name, slots) for beam in BEAMS])
        out[name] = (("beam", "time", "slot"), values, _described(unit, words))
    colliding = [np.isin(slots, sb.bunches[beam, "coll"].slots) for beam in BEAMS]
    words = "whether the bunch collides at IP1 and IP5"
    out["collides"] = (("beam", "slot"), np.stack(colliding), {"long_name": words})
    angles = np.stack(list(sb.xing_angle_rad.values()))
    out["xing_angle_rad"] = (("ip", "time"), angles, _described("rad", "full crossing angle"))
    return out


def _of_beam(sb: StableBeams, beam: int, name: str, slots: IntArray) -> FloatArray:
    families: Sequence[BunchFamily] = [sb.bunches[beam, family] for family in FAMILIES]
    return _spread([(b.slots, getattr(b, name)) for b in families], slots, sb.time_s.size)


def _spread(
    parts: Sequence[tuple[IntArray, FloatArray]], slots: IntArray, n_times: int
) -> FloatArray:
    """Return values of some slots on all slots, (n_times, n_slots), NaN elsewhere."""
    out = np.full((n_times, slots.size), np.nan)
    for own, values in parts:
        out[:, np.searchsorted(slots, own)] = values
    return out


def _luminosities(paths: FillPaths, sb: StableBeams, slots: IntArray) -> dict[str, Any]:
    calc = load_if_there(paths.lumi_calc, CalculatedLumi)
    meas = measured_lumi(paths, sb)
    own, n_times = sb.bunches[1, "coll"].slots, sb.time_s.size
    out: dict[str, Any] = {}
    for name, words, lumi in (("lumi_calc", "calculated", calc), ("lumi_meas", "measured", meas)):
        if lumi is not None:
            of = [_spread([(own, lumi.bunch_lumi[e])], slots, n_times) for e in EXPERIMENTS]
            about = _described("m-2 s-1", f"{words} luminosity of a pair")
            out[name] = (("experiment", "time", "slot"), np.stack(of), about)
    return out


def _described(unit: str, words: str) -> dict[str, str]:
    return {"units": unit, "long_name": words}
