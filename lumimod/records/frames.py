"""Results as tidy DataFrames: one row per time, beam (or experiment) and slot."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from lumimod.arrays import FloatArray, IntArray
from lumimod.paths import frame_path
from lumimod.records import (
    CalculatedLumi,
    Cycle,
    Fits,
    Lifetime,
    MeasuredLumi,
    StableBeams,
    StableBeamsModel,
    store,
)

ALL_BUNCHES = -1
"""The slot of a row that holds the sum over all bunches."""


def save_frame(path: Path, record: Any, sb: StableBeams | None) -> None:
    """Save a result's DataFrame beside the result, atomically, as gzip pickle."""
    store.save_object(frame_path(path), to_frame(record, sb))


def to_frame(record: Any, sb: StableBeams | None = None) -> pd.DataFrame:
    """Return a result as a tidy DataFrame.

    Parameters
    ----------
    record
        Any record of `lumimod.records`.
    sb
        The fill's stable beams, which name times and slots of luminosities, fits and models.
    """
    # Else a frame made where pyarrow is installed could not be loaded where it is not.
    with pd.option_context("mode.string_storage", "python"):
        return _to_frame(record, sb)


def _to_frame(record: Any, sb: StableBeams | None) -> pd.DataFrame:
    if isinstance(record, StableBeams):
        return _stable_beams(record)
    if isinstance(record, Cycle):
        return _cycle(record)
    if isinstance(record, Lifetime):
        return _lifetime(record)
    if sb is None:
        raise TypeError(f"{type(record).__name__} needs the stable beams to name its slots")
    if isinstance(record, (CalculatedLumi, MeasuredLumi)):
        return _lumi(record, sb)
    if isinstance(record, Fits):
        return _fits(record, sb)
    if isinstance(record, StableBeamsModel):
        return _model(record, sb)
    raise TypeError(f"no DataFrame is defined for {type(record).__name__}")


def _join(parts: Iterable[pd.DataFrame]) -> pd.DataFrame:
    return pd.concat(list(parts), ignore_index=True)


def _grid(
    time_s: FloatArray, slots: IntArray, labels: dict[str, Any], columns: dict[str, FloatArray]
) -> pd.DataFrame:
    """Return (n_times, n_slots) arrays as columns; arrays with fewer times are NaN at the end."""
    n_times, n_slots = time_s.size, slots.size
    data: dict[str, Any] = dict(labels)
    data["time_s"] = np.repeat(time_s, n_slots)
    data["slot"] = np.tile(slots, n_times)
    for name, values in columns.items():
        padded = np.full((n_times, n_slots), np.nan)
        padded[: len(values)] = values
        data[name] = padded.ravel()
    return pd.DataFrame(data, index=range(n_times * n_slots))


def _stable_beams(sb: StableBeams) -> pd.DataFrame:
    parts = []
    for (beam, family), b in sb.bunches.items():
        columns = {
            "emit_h_um": b.emit_h_um,
            "emit_v_um": b.emit_v_um,
            "emit_h_raw_um": b.emit_h_raw_um,
            "emit_v_raw_um": b.emit_v_raw_um,
            "intensity_ppb": b.intensity_ppb,
            "length_m": b.length_m,
        }
        if family == "coll":
            columns["intensity_lifetime_s"] = sb.intensity_lifetime_s[beam]
        parts.append(_grid(sb.time_s, b.slots, {"beam": beam, "family": family}, columns))
    return _join(parts)


def _cycle(cycle: Cycle) -> pd.DataFrame:
    parts = []
    for (beam, name), interval in cycle.intervals.items():
        for when, instant in (("start", interval.start), ("end", interval.end)):
            measured = {k: v for k, v in vars(instant).items() if v is not None}
            labels = {"beam": beam, "interval": name, "instant": when, "slot": interval.slots}
            parts.append(pd.DataFrame({**labels, **measured}))
    return _join(parts)


def _lifetime(lifetime: Lifetime) -> pd.DataFrame:
    parts = []
    for beam, record in lifetime.beams.items():
        named = {
            "tau_s": (record.tau_s, record.total_tau_s),
            "tau_boff_corrected_s": (
                record.tau_boff_corrected_s,
                record.total_tau_boff_corrected_s,
            ),
            "rate_ppb_s": (record.rate_ppb_s, None),
            "sigma_m2": (record.sigma_m2, None),
        }
        each = {name: bunch for name, (bunch, _) in named.items() if bunch is not None}
        total = {name: t[:, None] for name, (_, t) in named.items() if t is not None}
        time_s = lifetime.time_s[:-1]
        parts.append(_grid(time_s, record.slots, {"beam": beam}, each))
        parts.append(_grid(time_s, np.array([ALL_BUNCHES]), {"beam": beam}, total))
    return _join(parts)


def _lumi(lumi: CalculatedLumi | MeasuredLumi, sb: StableBeams) -> pd.DataFrame:
    slots = sb.bunches[1, "coll"].slots
    return _join(
        _grid(sb.time_s, slots, {"experiment": exp}, {"bunch_lumi_m2s": values})
        for exp, values in lumi.bunch_lumi.items()
    )


def _fits(fits: Fits, sb: StableBeams) -> pd.DataFrame:
    parts = []
    for (beam, family), by_quantity in fits.beams.items():
        for quantity, both in by_quantity.items():
            labels = {"beam": beam, "family": family, "quantity": quantity}
            parts += _spans(labels, sb.bunches[beam, family].slots, both)
    for (exp, kind), both in fits.lumi.items():
        labels = {"experiment": exp, "family": "coll", "quantity": f"lumi_{kind}"}
        parts += _spans(labels, sb.bunches[1, "coll"].slots, both)
    return _join(parts)


def _spans(labels: dict[str, Any], slots: IntArray, both: Any) -> list[pd.DataFrame]:
    return [
        pd.DataFrame({**labels, "span": span, "slot": slots, "tau_s": f.tau_s, "init": f.init})
        for span, f in (("short", both.short), ("full", both.full))
    ]


def _model(record: StableBeamsModel, sb: StableBeams) -> pd.DataFrame:
    parts = []
    for name, model in record.models.items():
        for (beam, family), b in model.bunches.items():
            labels = {"model": name, "beam": beam, "family": family}
            columns = dict(vars(b))
            if family == "coll":
                columns |= {f"lumi_{exp}_m2s": v for exp, v in model.bunch_lumi.items()}
            parts.append(_grid(model.time_s[:-1], sb.bunches[beam, family].slots, labels, columns))
    return _join(parts)
