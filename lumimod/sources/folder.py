"""A folder of data files that exist already: Timber CSV, HDF5 or Parquet, at any depth.

The last number in the name of a file is its fill (`basic_data_fill_5845.csv`), or that in the name
of a folder `HX:FILLN=5845`; a file without a number may have samples of any time. The times of the
fills are in `fills_and_bmodes.pkl` or `.json`; there may be several of these.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from lumimod.arrays import Series, select_rows
from lumimod.errors import BadInputError
from lumimod.readers.bmodes import FILE_NAMES, FillModes, read_bmodes
from lumimod.readers.locate import SUFFIXES, fill_of_tree
from lumimod.readers.variables import read_variables
from lumimod.sources.base import (
    FillSpan,
    ModeSpan,
    Source,
    UnusableError,
    between,
    joined,
)

log = logging.getLogger(__name__)

LAST_NUMBER = re.compile(r"(\d+)\D*$")


class Folder(Source):
    """A folder of data files that exist already."""

    name = "folder"

    def __init__(self, root: Path) -> None:
        if not root.is_dir():
            raise UnusableError(
                f"{root}: no such folder; set data_source_folder in config.py or --source-folder"
            )
        self._root = root
        self._files = _files(root)
        self._modes = self._read_modes()

    def fills(self, start_s: float, stop_s: float) -> list[FillSpan]:
        """Return the fills of the beam-mode files that overlap the span."""
        spans = sorted(self._modes.values(), key=lambda span: span.start_s)
        return [span for span in spans if _overlaps(span, start_s, stop_s)]

    def fill(self, number: int) -> FillSpan | None:
        """Return a fill; None if it is in no beam-mode file."""
        return self._modes.get(number)

    def get(self, names: Sequence[str], start_s: float, stop_s: float) -> dict[str, Series]:
        """Return the samples in the files of the fills in that span.

        Samples of a variable in several files are merged; those of the same time count once.
        """
        numbers = {None, *(span.fill for span in self.fills(start_s, stop_s))}
        parts: dict[str, list[Series]] = {}
        for path, number in self._files:
            if number in numbers or not self._modes:
                for name, series in _read(path, number, names).items():
                    parts.setdefault(name, []).append(between(series, start_s, stop_s))
        return {name: _merged(series) for name, series in parts.items()}

    def _read_modes(self) -> dict[int, FillSpan]:
        paths = [path for name in FILE_NAMES for path in sorted(self._root.rglob(name))]
        tables = [read_bmodes(path) for path in paths]
        for why in (why for table in tables for why in table.faults.values()):
            log.warning("%s; this fill is not known", why)
        if not tables:
            log.warning(
                "%s: no %s in it (nor .json): no fill is known, and every file is searched",
                self._root,
                FILE_NAMES[0],
            )
        return {fill: _span(modes) for table in tables for fill, modes in table.items()}


def _files(root: Path) -> list[tuple[Path, int | None]]:
    """Return the data files, each with its fill; a tree of Parquet files counts as one file."""
    paths = sorted(root.rglob("*"))
    trees = {path: fill for path in paths if (fill := fill_of_tree(path)) is not None}
    files: list[tuple[Path, int | None]] = [*trees.items()]
    for path in paths:
        hidden = any(part.startswith(".") for part in path.relative_to(root).parts)
        in_tree = any(parent in trees for parent in path.parents)
        if path.is_file() and path.name.endswith(SUFFIXES) and not hidden and not in_tree:
            stem = path.name[: path.name.index(".")]
            number = LAST_NUMBER.search(stem)
            if not path.name.startswith(Path(FILE_NAMES[0]).stem):
                files.append((path, int(number[1]) if number else None))
    return files


def _read(path: Path, fill: int | None, names: Sequence[str]) -> dict[str, Series]:
    """Return the variables that are in the file."""
    try:
        return read_variables(path, [], optional=names)
    except BadInputError as exc:
        if fill is not None:
            raise
        log.warning("%s; ignored", exc)  # without a fill in its name it may be something else
        return {}


def _merged(parts: Sequence[Series]) -> Series:
    """Return the samples of several files; a sample in two files counts once."""
    kept, known_s = [], np.zeros(0)
    for part in parts:
        new = ~np.isin(part.time_s, known_s)
        known_s = np.concatenate([known_s, part.time_s])
        if new.all():
            kept.append(part)
        elif new.any():
            kept.append(select_rows(part, new))
    return joined(kept or [parts[0]])


def _span(modes: FillModes) -> FillSpan:
    """Return an entry of a beam-mode file as a span."""
    spans = tuple(
        ModeSpan(mode, start_s, None if np.isnan(modes.stop(mode)) else modes.stop(mode))
        for mode, start_s in modes.start_s.items()
        if not np.isnan(start_s)
    )
    over = modes.complete is not False
    return FillSpan(modes.fill, modes.t_startfill_s, modes.t_endfill_s if over else None, spans)


def _overlaps(span: FillSpan, start_s: float, stop_s: float) -> bool:
    return span.start_s < stop_s and (span.stop_s is None or span.stop_s > start_s)
