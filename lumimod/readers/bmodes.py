"""Beam modes of the fills: when each began and ended."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lumimod.errors import BadInputError
from lumimod.readers.unpickle import load_pickle

DID_NOT_OCCUR = -1.0
START, STOP = "t_start_", "t_stop_"
FLAG_COMPLETE = "flag_complete"
MAKE_AGAIN = "make the file again with the script in Utilities/"


@dataclass(frozen=True)
class FillModes:
    """Times of one fill, Unix s UTC; NaN where a mode did not occur."""

    fill: int
    t_startfill_s: float
    t_endfill_s: float
    start_s: Mapping[str, float]
    """By mode (`STABLE`, `RAMP`, ...): its start."""
    stop_s: Mapping[str, float]
    """By mode: its end."""
    complete: bool | None
    """Whether the fill was over when it was recorded; None if the file does not tell."""

    @property
    def in_progress(self) -> bool:
        """Whether the fill was not over when it was recorded, as far as that is known.

        Of one that is said to be over, but without any end, nothing is known.
        """
        if self.complete and not np.isfinite(self.t_endfill_s):
            return False
        began, ended = self.start("STABLE"), self.stop("STABLE")
        return self.complete is False or (began == began and ended != ended)

    def start(self, mode: str) -> float:
        """Return when the mode began, Unix s; NaN if it did not occur or is not listed."""
        return self.start_s.get(mode, np.nan)

    def stop(self, mode: str) -> float:
        """Return when the mode ended, Unix s; NaN if it did not occur or is not listed."""
        return self.stop_s.get(mode, np.nan)


def read_bmodes(path: Path) -> dict[int, FillModes]:
    """Return the beam modes of every fill in the file.

    Raises
    ------
    MissingInputError
        If the file is not there.
    BadInputError
        If it is not a pickle of {fill: {t_startfill, t_endfill, t_start_MODE, ...}}.
    """
    table = load_pickle(path)
    if not isinstance(table, Mapping):
        raise BadInputError(
            f"{path}: holds a {type(table).__name__}, not a dict of fills; {MAKE_AGAIN}"
        )
    fills = (_fill_modes(path, key, entry) for key, entry in table.items())
    return {modes.fill: modes for modes in fills}


def _fill_modes(path: Path, key: Any, entry: Any) -> FillModes:
    """Return an entry of the file as a record."""
    try:
        fill = operator.index(key)
    except TypeError as exc:
        raise BadInputError(f"{path}: {key!r} is not a fill number; {MAKE_AGAIN}") from exc
    where = f"{path}: fill {fill}"
    if not isinstance(entry, Mapping):
        raise BadInputError(f"{where}: a {type(entry).__name__}, not a dict; {MAKE_AGAIN}")
    missing = [name for name in ("t_startfill", "t_endfill") if name not in entry]
    if missing:
        raise BadInputError(f"{where}: no {' and no '.join(missing)}; {MAKE_AGAIN}")
    times = {n: _time_s(where, n, v) for n, v in entry.items() if str(n).startswith("t_")}
    flag = entry.get(FLAG_COMPLETE)
    return FillModes(
        fill=fill,
        t_startfill_s=times["t_startfill"],
        t_endfill_s=times["t_endfill"],
        start_s=_of_prefix(times, START),
        stop_s=_of_prefix(times, STOP),
        complete=None if flag is None else bool(flag),
    )


def _time_s(where: str, name: str, value: Any) -> float:
    """Return a time of the file in s; NaN for -1, a mode that did not occur."""
    try:
        time_s = float(value)
    except (TypeError, ValueError) as exc:
        raise BadInputError(f"{where}: {name} is {value!r}, not a time; {MAKE_AGAIN}") from exc
    return np.nan if time_s == DID_NOT_OCCUR else time_s


def _of_prefix(times: Mapping[str, float], prefix: str) -> dict[str, float]:
    return {n[len(prefix) :]: time_s for n, time_s in times.items() if n.startswith(prefix)}
