"""The variables of one file, read from the disk one at a time: a long fill fits in no memory."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Callable

from lumimod.arrays import Series, select_rows
from lumimod.errors import BadInputError, MissingInputError, without_download
from lumimod.readers.variables import list_variables, read_variables
from lumimod.sources.base import joined

log = logging.getLogger(__name__)

Load = Callable[[], Series]


class Contents(Mapping[str, Series]):
    """Variables by name; each is read whenever it is asked for, and not kept."""

    def __init__(self, loads: Mapping[str, Load]) -> None:
        self._loads = loads

    def __getitem__(self, name: str) -> Series:
        return self._loads[name]()

    def __iter__(self) -> Iterator[str]:
        return iter(self._loads)

    def __len__(self) -> int:
        return len(self._loads)


def names_in(path: Path) -> set[str]:
    """Return the variables of a file; none if it is not there or damaged, which is logged."""
    if not path.exists():
        return set()
    try:
        return set(list_variables(path))
    except (BadInputError, MissingInputError) as exc:
        log.warning("%s", without_download(str(exc)))
        return set()


def read_one(path: Path, name: str) -> Series:
    """Return one variable of a file.

    Raises
    ------
    BadInputError, MissingInputError
        It cannot be read.
    """
    return read_variables(path, [name])[name]


def read_if_sound(path: Path, name: str) -> Series | None:
    """Return one variable of a file; None if that is damaged or has it not, which is logged."""
    try:
        return read_variables(path, [], optional=[name]).get(name)
    except (BadInputError, MissingInputError) as exc:
        log.warning("%s", without_download(str(exc)))
        return None


def fault_in(path: Path) -> str:
    """Return what is wrong with a file of variables, read one by one; empty if nothing is.

    What to do about it is left to the caller.
    """
    try:
        for name in list_variables(path):
            read_one(path, name)
    except (BadInputError, MissingInputError) as exc:
        return without_download(str(exc))
    return ""


def after(series: Series, time_s: float) -> Series:
    """Return the samples later than a time."""
    return select_rows(series, series.time_s > time_s)


def last_times(path: Path, names: Iterable[str]) -> dict[str, float]:
    """Return the time of the last sample of variables in a file, Unix s."""
    ends = {name: read_one(path, name).time_s for name in names}
    return {name: float(time_s[-1]) for name, time_s in ends.items() if time_s.size}


def both(old: Load, new: Load) -> Load:
    """Return what reads the samples of both."""
    return lambda: joined([old(), new()])


def is_longer(series: Series | None, n_samples: int) -> bool:
    """Tell whether there are more samples than so many."""
    return series is not None and series.time_s.size > n_samples
