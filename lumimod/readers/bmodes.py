"""Beam modes of the fills: when each began and ended.

A pickle {fill: {t_startfill, t_endfill, flag_complete, t_start_MODE, t_stop_MODE}}, Unix s, -1 for
a mode that did not occur; or, as LHCMeasurementTools makes them today, the same in JSON, with
numbers of fills as text and without the modes that did not occur.
"""

from __future__ import annotations

import logging
import os
from codecs import BOM_UTF8 as BOM
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from lumimod.errors import BadInputError, MissingInputError, get_command
from lumimod.readers.json_file import load_json
from lumimod.readers.locate import opened, unreadable
from lumimod.readers.stamps import ZURICH
from lumimod.readers.unpickle import load_pickle

FILE_NAMES = ("fills_and_bmodes.pkl", "fills_and_bmodes.json")
DID_NOT_OCCUR = -1.0
START, STOP = "t_start_", "t_stop_"
FLAG_COMPLETE = "flag_complete"
GET_FILLS = (
    "get the beam modes and data with Utilities/getData.py (lumimod-get), or simulated fills with "
    "Utilities/simulate_fills.py (lumimod-simulate); or correct fills_bmodes_file in config.py"
)
MAKE_AGAIN = "make the file again with the script in Utilities/"
LATEST_S = 4_102_444_800.0
"""The year 2100, Unix s."""
_EARLIEST_S = 1.2e9
"""Of 2008, when the LHC first had beam, Unix s."""
LARGEST_SHOWN = 10**20

log = logging.getLogger(__name__)


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
    def year(self) -> int | None:
        """The year of the fill, None if no time of it is known."""
        times_s = (self.start("STABLE"), self.t_startfill_s, self.t_endfill_s)
        known_s = [t for t in times_s if _EARLIEST_S < t < LATEST_S]
        return datetime.fromtimestamp(known_s[0], ZURICH).year if known_s else None

    @property
    def over_s(self) -> float:
        """When the fill, or else its stable beams, ended, Unix s; NaN if that is not known."""
        return self.t_endfill_s if np.isfinite(self.t_endfill_s) else self.stop("STABLE")

    @property
    def in_progress(self) -> bool:
        """Whether the fill was not over when it was recorded, as far as that is known.

        Of one that is said to be over, but without any end, nothing is known.
        """
        if self.complete and not np.isfinite(self.t_endfill_s):
            return False
        began, ended = self.start("STABLE"), self.stop("STABLE")
        return self.complete is False or (began == began and ended != ended)

    @property
    def stable_s(self) -> float:
        """How long stable beams lasted, s, or have lasted until a fill in progress was recorded.

        NaN if there were none, or if that is not known.
        """
        stop_s = self.stop("STABLE")
        if stop_s != stop_s and self.complete is False:
            stop_s = self.t_endfill_s
        return stop_s - self.start("STABLE")

    def start(self, mode: str) -> float:
        """Return when the mode began, Unix s; NaN if it did not occur or is not listed."""
        return self.start_s.get(mode, np.nan)

    def stop(self, mode: str) -> float:
        """Return when the mode ended, Unix s; NaN if it did not occur or is not listed."""
        return self.stop_s.get(mode, np.nan)


class BeamModes(dict[int, FillModes]):
    """The fills of a file; one that it lacks, or whose entry cannot be used, is an error."""

    def __init__(self, path: Path, fills: Mapping[int, FillModes], faults: Mapping[int, str]):
        super().__init__(fills)
        self.path = path
        self.faults = dict(faults)
        """Why the entries of other fills cannot be used."""

    def __missing__(self, fill: int) -> FillModes:
        """Tell why a fill is not there.

        Raises
        ------
        MissingInputError
            The file does not have it.
        BadInputError
            Its entry cannot be used.
        """
        if fill in self.faults:
            raise BadInputError(self.faults[fill])
        raise MissingInputError(f"not in the beam modes {self.path}; get it: {get_command(fill)}")


def read_bmodes(path: Path) -> BeamModes:
    """Return the beam modes of every fill in a file, a pickle or JSON.

    An entry that cannot be used costs its own fill, see `BeamModes.faults`.

    Raises
    ------
    MissingInputError
        If the file is not there.
    BadInputError
        If it is no dict of {fill: {t_startfill, t_endfill, t_start_MODE, ...}}, or none of its
        entries can be used.
    """
    fills: dict[int, FillModes] = {}
    faults: dict[int, str] = {}
    for fill, entry in load_table(path).items():
        try:
            fills[fill] = _fill_modes(fill, entry)
        except _BadEntryError as exc:
            faults[fill] = f"{path}: fill {fill}: {exc}; {MAKE_AGAIN}"
    if faults and not fills:
        raise BadInputError(next(iter(faults.values())))
    return BeamModes(path, fills, faults)


def load_table(path: Path, *, strict: bool = False) -> dict[int, Any]:
    """Return the entries of a file as they are in it, by fill; errors as of `read_bmodes`.

    What stands under something else than the number of a fill is left out, with a warning; with
    `strict` it is an error, as is an entry that is no dict.
    """
    if not os.path.lexists(path):
        raise MissingInputError(f"{path}: no such file; {GET_FILLS}")
    table = _from_json(path) if _is_json(path) else load_pickle(path)
    if not isinstance(table, Mapping):
        raise BadInputError(
            f"{path}: holds a {type(table).__name__}, not a dict of fills; {MAKE_AGAIN}"
        )
    numbered = [(_fill_number(key), key, entry) for key, entry in table.items()]
    odd = [_shown(key) for fill, key, _ in numbered if fill is None]
    odd += [f"fill {fill}" for fill, _, of in numbered if strict and not isinstance(of, Mapping)]
    if odd and (strict or len(odd) == len(table)):
        raise BadInputError(f"{path}: not a dict of fills ({', '.join(odd[:5])}); {MAKE_AGAIN}")
    if odd:
        log.warning("%s: %s: not the number of a fill; left out", path, ", ".join(odd[:5]))
    return {fill: entry for fill, _, entry in numbered if fill is not None}


def table_in(folder: Path) -> Path:
    """Return the file of beam modes in a folder: the pickle, or JSON if there is only that."""
    paths = [folder / name for name in FILE_NAMES]
    return next((path for path in paths if path.exists()), paths[0])


# --- file to entries


def _is_json(path: Path) -> bool:
    """Tell whether a file is JSON, from its first characters: no pickle begins so."""
    try:
        with opened(path) as file:
            return file.read(100).removeprefix(BOM).lstrip().startswith(b"{")
    except OSError:
        return False  # whoever reads it says why


def _from_json(path: Path) -> Any:
    try:
        return load_json(path)
    except OSError as exc:
        raise MissingInputError(unreadable(path, exc)) from exc
    except ValueError as exc:
        raise BadInputError(f"{path}: truncated or damaged JSON ({exc}); {MAKE_AGAIN}") from exc


def _fill_number(key: Any) -> int | None:
    """Return the number of a fill, which JSON has as text; None if it is none."""
    if isinstance(key, str) and key.isascii() and key.isdigit() and len(key) < 10:
        return int(key)
    if isinstance(key, (int, np.integer)) and not isinstance(key, bool) and 0 <= key < 10**9:
        return int(key)
    return None


# --- entry to times


class _BadEntryError(Exception):
    """An entry cannot be used; the message says why."""


def _fill_modes(fill: int, entry: Any) -> FillModes:
    """Return an entry of the file as a record."""
    if not isinstance(entry, Mapping):
        raise _BadEntryError(f"a {type(entry).__name__}, not a dict")
    missing = [name for name in ("t_startfill", "t_endfill") if name not in entry]
    if missing:
        raise _BadEntryError(f"no {' and no '.join(missing)}")
    times = {
        name: _time_s(name, value)
        for name, value in entry.items()
        if isinstance(name, str) and name.startswith("t_")
    }
    return FillModes(
        fill=fill,
        t_startfill_s=times["t_startfill"],
        t_endfill_s=times["t_endfill"],
        start_s=_of_prefix(times, START),
        stop_s=_of_prefix(times, STOP),
        complete=_flag(entry.get(FLAG_COMPLETE)),
    )


def _time_s(name: str, value: Any) -> float:
    """Return a time of the file in s.

    NaN for -1, a mode that did not occur, and for None, as LHCMeasurementTools has for the end of
    a mode that lasts.
    """
    if value is None or (_is_number(value) and (value == DID_NOT_OCCUR or value != value)):
        return np.nan
    if not _is_number(value) or not 0 <= value < LATEST_S:
        raise _BadEntryError(f"{name} is {_shown(value)}, not a time in Unix s")
    return float(value)


def _flag(value: Any) -> bool | None:
    if value is None or isinstance(value, (bool, np.bool_)) or _is_number(value):
        return None if value is None else bool(value)
    raise _BadEntryError(f"{FLAG_COMPLETE} is {_shown(value)}, not True or False")


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)


def _shown(value: Any) -> str:
    """Return how a message shows what may be anything, of any length."""
    if isinstance(value, str):
        return repr(value[:40])
    if _is_number(value):
        is_short = isinstance(value, (float, np.generic)) or abs(value) < LARGEST_SHOWN
        return str(value) if is_short else "a huge number"
    return f"a {type(value).__name__}"


def _of_prefix(times: Mapping[str, float], prefix: str) -> dict[str, float]:
    return {n[len(prefix) :]: time_s for n, time_s in times.items() if n.startswith(prefix)}
