"""Answers of a source for one file, kept until the file is written.

They are in a hidden folder beside the file, with a folder for each variable and in it a file for
each span of time. After a lost connection the next run asks only for the spans in between.
"""

from __future__ import annotations

import logging
import shutil
import zipfile
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import quote

import numpy as np

from lumimod.arrays import Series
from lumimod.atomic import replacing
from lumimod.errors import OutputError
from lumimod.sources.base import between, joined

log = logging.getLogger(__name__)

Span = tuple[float, float]


class Parts:
    """The answers for the file `path`."""

    def __init__(self, path: Path) -> None:
        self.folder = path.with_name(f".part_{path.name}")

    def add(self, series: Series, start_s: float, stop_s: float) -> None:
        """Save the samples of a variable with start_s <= t < stop_s.

        Raises
        ------
        OutputError
            They cannot be written.
        """
        folder = self._folder_of(series.name)
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as exc:
            raise OutputError(f"cannot create {folder}: {exc.strerror or exc}") from exc
        with replacing(folder / f"{start_s!r}_{stop_s!r}.npz") as stream:
            np.savez(
                stream, allow_pickle=False, time_s=series.time_s, values=series.values,
                row_start=series.row_start, n_dropped=series.n_dropped,
            )  # fmt: skip

    def spans(self, name: str) -> list[Span]:
        """Return the spans of a variable that are saved, in order of time."""
        return sorted(_span(path) for path in self._files(name))

    def missing(self, name: str, start_s: float, stop_s: float, slice_s: float) -> list[Span]:
        """Return the spans from start_s to stop_s that are not saved, cut to at most `slice_s`."""
        return [
            piece
            for gap in gaps(self.spans(name), start_s, stop_s)
            for piece in slices(*gap, slice_s)
        ]

    def read(self, name: str, start_s: float, stop_s: float) -> Series | None:
        """Return the saved samples with start_s <= t < stop_s; None if no span is saved."""
        parts = []
        for path in sorted(self._files(name), key=_span):
            series = _load(path, name)
            if series is not None:
                parts.append(between(series, start_s, stop_s))
        return joined(parts) if parts else None

    def check(self, names: Iterable[str]) -> None:
        """Remove damaged parts, so that they are fetched again."""
        for name in names:
            for path in self._files(name):
                if _load(path, name) is None:
                    log.warning("%s is damaged; it is fetched again", path)
                    path.unlink()

    def drop(self, names: Iterable[str]) -> None:
        """Remove the parts of variables, and the folder if it is empty."""
        for name in names:
            shutil.rmtree(self._folder_of(name), ignore_errors=True)
        if self.folder.is_dir() and not any(self.folder.iterdir()):
            self.folder.rmdir()

    def drop_all(self) -> None:
        """Remove all parts."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _folder_of(self, name: str) -> Path:
        return self.folder / quote(name, safe="")

    def _files(self, name: str) -> list[Path]:
        return list(self._folder_of(name).glob("[!.]*.npz"))


def gaps(spans: Iterable[Span], start_s: float, stop_s: float) -> list[Span]:
    """Return the spans within start_s <= t < stop_s that are not covered."""
    left = []
    at_s = start_s
    for first_s, last_s in sorted(spans):
        if first_s > at_s and at_s < stop_s:
            left.append((at_s, min(first_s, stop_s)))
        at_s = max(at_s, last_s)
    if at_s < stop_s:
        left.append((at_s, stop_s))
    return left


def slices(start_s: float, stop_s: float, longest_s: float) -> list[Span]:
    """Return the span cut into equal ones of at most `longest_s`."""
    n_pieces = max(1, int(np.ceil((stop_s - start_s) / longest_s)))
    edges = np.linspace(start_s, stop_s, n_pieces + 1).tolist()
    return list(zip(edges[:-1], edges[1:]))


def _span(path: Path) -> Span:
    start, _, stop = path.name[: -len(".npz")].partition("_")
    return float(start), float(stop)


def _load(path: Path, name: str) -> Series | None:
    """Return the samples of a part; None if it is damaged."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as part:
            return Series(
                name, path, part["time_s"], part["values"], part["row_start"],
                int(part["n_dropped"]),
            )  # fmt: skip
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None
