"""Results as tidy DataFrames: one row per time, beam (or experiment) and slot.

Each record says itself which rows it has (`Record.to_rows`).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from lumimod.config.kinds.text import PARQUET
from lumimod.records import FrameRows, Record, StableBeams, store
from lumimod.records.made import KEY, Made
from lumimod.records.parquet_frames import save_parquet


def save_frame(
    path: Path,
    record: Record,
    sb: StableBeams | None,
    made: Made | None = None,
    *,
    keep_old: bool = False,
) -> None:
    """Save a result's DataFrame, atomically: as gzip pickle, or where the name says so as Parquet.

    With `keep_old` another one that was there stays, under its date.

    Raises
    ------
    OutputError
        It cannot be written, or pyarrow is not installed.
    """
    frame = to_frame(record, sb, made)
    if path.suffix == f".{PARQUET}":
        save_parquet(path, frame, keep_old=keep_old)
    else:
        store.save_object(path, frame, pack=True, keep_old=keep_old)


def to_frame(
    record: Record, sb: StableBeams | None = None, made: Made | None = None
) -> pd.DataFrame:
    """Return a result as a tidy DataFrame.

    Parameters
    ----------
    record
        Any record of `lumimod.records`.
    sb
        The fill's stable beams, which name times and slots of luminosities, fits and models.
    made
        What the result was made from: it goes into `attrs`, its fill into a column.
    """
    # Else a frame made where pyarrow is installed could not be loaded where it is not.
    with pd.option_context("mode.string_storage", "python"):
        frame = pd.concat([_frame(rows) for rows in record.to_rows(sb)], ignore_index=True)
    if made is not None:
        frame.insert(0, "fill", np.full(len(frame), made.fill, np.int64))
        frame.attrs[KEY] = made.to_dict()
    return frame


def _frame(rows: FrameRows) -> pd.DataFrame:
    """Return rows as a DataFrame: labels, time, slot, values."""
    if rows.time_s is None:
        return pd.DataFrame({**rows.labels, "slot": rows.slots, **rows.columns})
    n_times, n_slots = rows.time_s.size, rows.slots.size
    data: dict[str, Any] = dict(rows.labels)
    data["time_s"] = np.repeat(rows.time_s, n_slots)
    data["slot"] = np.tile(rows.slots, n_times)
    for name, values in rows.columns.items():
        padded = np.full((n_times, n_slots), np.nan)
        padded[: len(values)] = values
        data[name] = padded.ravel()
    return pd.DataFrame(data, index=range(n_times * n_slots))
