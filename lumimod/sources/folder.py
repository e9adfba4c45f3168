"""A folder of files made elsewhere: Timber CSV, HDF5 or Parquet, at any depth.

A file belongs to a fill by the last number in its name (`basic_data_fill_5845.csv`), or by a
folder `HX:FILLN=5845`; files without a number may hold any time. When the fills were stands in
`fills_and_bmodes.pkl`, of which there may be several.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from lumimod.arrays import Series, select_rows
from lumimod.errors import BadInputError
from lumimod.readers.bmodes import FillModes, read_bmodes
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

BEAM_MODES = "fills_and_bmodes.pkl"
LAST_NUMBER = re.compile(r"(\d+)\D*$")


class Folder(Source):
    """Files made elsewhere."""

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
        """Return the fills of the beam-mode files that overlap the time."""
        spans = sorted(self._modes.values(), key=lambda span: span.start_s)
        return [span for span in spans if _overlaps(span, start_s, stop_s)]

    def fill(self, number: int) -> FillSpan | None:
        """Return one fill, None if no beam-mode file holds it."""
        return self._modes.get(number)

    def get(self, names: Sequence[str], start_s: float, stop_s: float) -> dict[str, Series]:
        """Return what the files of the fills in that time hold.

        Of a variable in several files the samples are put together, those of the same time once.
        """
        numbers = {None, *(span.fill for span in self.fills(start_s, stop_s))}
        parts: dict[str, list[Series]] = {}
        for path, number in self._files:
            if number in numbers or not self._modes:
                for name, series in _read(path, number, names).items():
                    parts.setdefault(name, []).append(between(series, start_s, stop_s))
        return {name: _once(found) for name, found in parts.items()}

    def _read_modes(self) -> dict[int, FillSpan]:
        tables = [read_bmodes(path) for path in sorted(self._root.rglob(BEAM_MODES))]
        if not tables:
            log.warning(
                "%s: no %s in it, so no fill is known and every file looked at",
                self._root,
                BEAM_MODES,
            )
        return {fill: _span(modes) for table in tables for fill, modes in table.items()}


def _files(root: Path) -> list[tuple[Path, int | None]]:
    """Return the files of variables, each with its fill; a tree of Parquet files is one."""
    paths = sorted(root.rglob("*"))
    trees = {path: fill for path in paths if (fill := fill_of_tree(path)) is not None}
    found: list[tuple[Path, int | None]] = [*trees.items()]
    for path in paths:
        hidden = any(part.startswith(".") for part in path.relative_to(root).parts)
        in_tree = any(parent in trees for parent in path.parents)
        if path.is_file() and path.name.endswith(SUFFIXES) and not hidden and not in_tree:
            stem = path.name[: path.name.index(".")]
            number = LAST_NUMBER.search(stem)
            if not path.name.startswith(Path(BEAM_MODES).stem):
                found.append((path, int(number[1]) if number else None))
    return found


def _read(path: Path, fill: int | None, names: Sequence[str]) -> dict[str, Series]:
    """Return those of the variables that a file holds."""
    try:
        return read_variables(path, [], optional=names)
    except BadInputError as exc:
        if fill is not None:
            raise
        log.warning("%s; left out", exc)  # a file of any name may be something else
        return {}


def _once(parts: Sequence[Series]) -> Series:
    """Return several files' samples together; two files with the same samples give one."""
    kept, seen = [], np.zeros(0)
    for part in parts:
        new = ~np.isin(part.time_s, seen)
        seen = np.concatenate([seen, part.time_s])
        if new.all():
            kept.append(part)
        elif new.any():
            kept.append(select_rows(part, new))
    return joined(kept or [parts[0]])


def _span(modes: FillModes) -> FillSpan:
    """Return the record of a beam-mode file as one of a source."""
    spans = tuple(
        ModeSpan(mode, start_s, None if np.isnan(modes.stop(mode)) else modes.stop(mode))
        for mode, start_s in modes.start_s.items()
        if not np.isnan(start_s)
    )
    over = modes.complete is not False
    return FillSpan(modes.fill, modes.t_startfill_s, modes.t_endfill_s if over else None, spans)


def _overlaps(span: FillSpan, start_s: float, stop_s: float) -> bool:
    return span.start_s < stop_s and (span.stop_s is None or span.stop_s > start_s)
