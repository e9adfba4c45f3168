"""Which fills have been fetched: `saved_fills.json` beside the files of a group.

The original and LHCMeasurementTools keep `saved_fills.pkl`, a dict by fill of 'complete' or, for a
fill that was still running, of its end then [Unix s]. It is read for fills that are not in the JSON
file, and never written. LHCMeasurementTools of today has the same values in `saved_fills.json`;
they are read too, and become entries of the form used here when the file is next written.
"""

from __future__ import annotations

import json
import operator
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from lumimod.atomic import replacing
from lumimod.errors import BadInputError
from lumimod.readers.bmodes import FillModes
from lumimod.readers.json_file import load_json
from lumimod.readers.unpickle import load_pickle

JSON_NAME, PICKLE_NAME = "saved_fills.json", "saved_fills.pkl"
_COMPLETE = "complete"
MOST_TRIES = 3
"""Runs in which a missing variable is asked for; afterwards only with --force."""


@dataclass(frozen=True)
class FileStamp:
    """What shows whether a file is still the one that was written."""

    name: str
    n_bytes: int
    mtime_ns: int

    @classmethod
    def of(cls, path: Path) -> FileStamp:
        """Return that of a file as it is now."""
        status = path.stat()
        return cls(path.name, status.st_size, status.st_mtime_ns)


@dataclass(frozen=True)
class Saved:
    """What was fetched of a fill."""

    complete: bool
    """Whether the fill was over."""
    t_end_s: float
    """Its end at that time, Unix s; NaN if not known."""
    missing: Mapping[str, str] = field(default_factory=dict)
    """Variables that are missing, each with the reason."""
    n_tries: int = 1
    """Runs that asked for the missing ones."""
    last_s: Mapping[str, float] = field(default_factory=dict)
    """Of a fill that goes on: the time of the last sample of each variable, Unix s."""
    file: FileStamp | None = None
    """The file as it was written; None if that is not known."""


NOT_YET = Saved(complete=False, t_end_s=np.nan)
"""A fill that is due, whatever `saved_fills.pkl` says."""


def is_due(saved: Saved | None, fill: FillModes) -> bool:
    """Tell whether a fill is to be fetched: it is new or has grown, or variables are missing."""
    if saved is None or has_grown(saved, fill):
        return True
    return bool(saved.missing) and saved.n_tries < MOST_TRIES


def has_grown(saved: Saved, fill: FillModes) -> bool:
    """Tell whether a fill was still running when it was fetched, and is longer now."""
    if saved.complete:
        return False
    return is_over(fill) or not fill.t_endfill_s <= saved.t_end_s


def is_over(fill: FillModes) -> bool:
    """Tell whether a fill is over; files without this flag have only fills that are."""
    return fill.complete is not False


def load_saved(folder: Path) -> dict[int, Saved]:
    """Return what was fetched into a folder, by fill.

    Raises
    ------
    BadInputError
        The record is damaged.
    """
    old = _from_pickle(folder / PICKLE_NAME) if (folder / PICKLE_NAME).exists() else {}
    new = _from_json(folder / JSON_NAME) if (folder / JSON_NAME).exists() else {}
    return {**old, **new}


def save_saved(folder: Path, saved: Mapping[int, Saved]) -> None:
    """Write `saved_fills.json`, whole or not at all."""
    table = {str(fill): _entry(saved[fill]) for fill in sorted(saved)}
    with replacing(folder / JSON_NAME) as stream:
        stream.write((json.dumps(table, indent=1) + "\n").encode())


def _entry(saved: Saved) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "complete": saved.complete,
        "t_end_s": None if np.isnan(saved.t_end_s) else saved.t_end_s,
    }
    if saved.missing:
        entry.update(missing=dict(saved.missing), n_tries=saved.n_tries)
    if saved.last_s:
        entry["last_s"] = dict(saved.last_s)
    if saved.file is not None:
        entry["file"] = [saved.file.name, saved.file.n_bytes, saved.file.mtime_ns]
    return entry


def _from_json(path: Path) -> dict[int, Saved]:
    try:
        table = load_json(path)
        return {
            int(fill): _of_today(entry) if isinstance(entry, dict) else _of_original(entry)
            for fill, entry in table.items()
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as exc:
        raise BadInputError(
            f"{path}: not a record of fetched fills ({type(exc).__name__}: {exc}); remove it, and "
            "the fills are fetched again"
        ) from exc


def _of_today(entry: Mapping[str, Any]) -> Saved:
    name, n_bytes, mtime_ns = entry.get("file") or ("", 0, 0)
    return Saved(
        bool(entry["complete"]),
        np.nan if entry["t_end_s"] is None else float(entry["t_end_s"]),
        dict(entry.get("missing", {})),
        int(entry.get("n_tries", 1)),
        {str(name): float(time_s) for name, time_s in dict(entry.get("last_s", {})).items()},
        FileStamp(str(name), int(n_bytes), int(mtime_ns)) if name else None,
    )


def _from_pickle(path: Path) -> dict[int, Saved]:
    table = load_pickle(path)
    try:
        return {operator.index(fill): _of_original(value) for fill, value in table.items()}
    except (AttributeError, TypeError) as exc:
        raise BadInputError(
            f"{path}: not a dict of fetched fills; remove it, and the fills are fetched again"
        ) from exc


def _of_original(value: Any) -> Saved:
    if isinstance(value, str):
        return Saved(value == _COMPLETE, np.nan)
    return Saved(False, float(value))
