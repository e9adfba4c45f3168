"""What every source of data has: the times of fills, and logged variables."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lumimod.arrays import FloatArray, Origin, Series, in_order_of_time, select_rows
from lumimod.errors import SourceError


class UnusableError(SourceError):
    """A source cannot be used at all, for any query."""


@dataclass(frozen=True)
class ModeSpan:
    """A beam mode, Unix s UTC; `stop_s` is None while it lasts."""

    mode: str
    start_s: float
    stop_s: float | None


@dataclass(frozen=True)
class FillSpan:
    """A fill, from its start to that of the next one; `stop_s` is None while it lasts."""

    fill: int
    start_s: float
    stop_s: float | None
    modes: tuple[ModeSpan, ...]
    """Its beam modes; the same mode may come more than once."""


class Source(ABC):
    """A source of logged data; a context manager. Times are Unix s UTC.

    Every method raises `SourceError` if the source does not answer, even when asked again.
    """

    name: str
    slice_s: float = np.inf
    """Longest span of one query."""
    can_be_lost: bool = False
    """Whether the connection may break, so that answers must be saved as they come."""
    has_late_archives: bool = False
    """Whether archives may come, or be replaced, when all data of a fill are there."""
    advice: str = "run again: what was fetched is kept"
    """What to do when it no longer answers, for messages."""

    def __enter__(self) -> Source:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:  # noqa: B027 - most have nothing to close
        """Release what the source holds."""

    @abstractmethod
    def fills(self, start_s: float, stop_s: float) -> list[FillSpan]:
        """Return the fills that overlap start_s <= t < stop_s, in order of time."""

    @abstractmethod
    def fill(self, number: int) -> FillSpan | None:
        """Return a fill; None if the source does not know it."""

    @abstractmethod
    def get(self, names: Sequence[str], start_s: float, stop_s: float) -> dict[str, Series]:
        """Return the samples with start_s <= t < stop_s of the variables that the source knows.

        A variable without samples in that time has an empty series, or is absent.
        """

    def last(self, name: str, time_s: float) -> Series | None:
        """Return the last sample of a variable before a time; None if there is none."""
        return None

    def copy_archives(self, fill: int, folder: Path) -> list[Path]:
        """Copy files of a fill that are not logged, such as Massi archives; return the copies."""
        return []


def series_from_rows(
    name: str, origin: Origin, time_s: FloatArray, rows: Sequence[FloatArray]
) -> Series:
    """Return samples as a series, sorted by time (stably).

    `rows` has the values of each sample, (n_values,), or is a matrix (n_samples, n_values).
    """
    lengths = np.array([row.size for row in rows], np.int64)
    values = np.concatenate([np.zeros(0), *rows]) if len(rows) else np.zeros(0)
    return in_order_of_time(name, origin, time_s, values, lengths)


def empty_series(name: str, origin: Origin) -> Series:
    """Return a series without rows."""
    return series_from_rows(name, origin, np.zeros(0), [])


def between(series: Series, start_s: float, stop_s: float) -> Series:
    """Return the samples with start_s <= t < stop_s."""
    inside = (series.time_s >= start_s) & (series.time_s < stop_s)
    return series if inside.all() else select_rows(series, inside)


def joined(parts: Sequence[Series]) -> Series:
    """Return the parts of a variable as one series, sorted by time."""
    if len(parts) == 1:
        return parts[0]
    return in_order_of_time(
        parts[0].name,
        parts[0].origin,
        np.concatenate([part.time_s for part in parts]),
        np.concatenate([part.values for part in parts]),
        np.concatenate([part.lengths for part in parts]),
        sum(part.n_dropped for part in parts),
    )
