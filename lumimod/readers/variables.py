"""Logged variables from a file of any format: one `Series` per variable asked for.

Timber CSV (`.csv`, `.csv.gz`), HDF5 in the layout of LHCMeasurementTools (`.h5`), Parquet
(`.parquet`), and the folder of a tree of Parquet files of Run 3,
`HX:FILLN=N/HX:BMODE=MODE/*.parquet`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Callable, NamedTuple

from lumimod.arrays import Series
from lumimod.errors import MissingInputError, download
from lumimod.readers.hdf5 import hdf5_names, read_hdf5
from lumimod.readers.locate import check_readable, existing_file
from lumimod.readers.parquet import parquet_names, read_parquet, tree_files
from lumimod.readers.timber import read_timber, timber_names


class _Format(NamedTuple):
    """How a format is read."""

    read: Callable[[Path, Sequence[str]], dict[str, Series]]
    """Returns those of the variables that the file holds."""
    names: Callable[[Path], tuple[str, ...]]


_FORMATS: Mapping[str, _Format] = {
    ".h5": _Format(read_hdf5, hdf5_names),
    ".hdf5": _Format(read_hdf5, hdf5_names),
    ".parquet": _Format(read_parquet, parquet_names),
}
"""By suffix. Files of other names are Timber CSV, folders are trees of Parquet files."""


def read_variables(
    path: Path, names: Collection[str], *, optional: Collection[str] = ()
) -> dict[str, Series]:
    """Return the variables `names`, and those of `optional` that the file holds.

    If `path` is missing, the same file in another format is read, see `locate.twins`.

    Raises
    ------
    MissingInputError
        If the file, or a variable of `names`, is not there, or the library that reads the format
        is not installed.
    BadInputError
        If the file is empty, truncated or of another format, or a variable cannot be read.
    """
    path = existing_file(path)
    if _is_timber(path):
        return read_timber(path, names, optional=optional)
    wanted = list(dict.fromkeys([*names, *optional]))
    series = _format_of(path).read(path, wanted)
    missing = [name for name in names if name not in series]
    if missing:
        raise MissingInputError(f"{', '.join(missing)} not in {path}; {download(path)}")
    return series


def read_first(
    path: Path, wanted: Mapping[str, Sequence[str]], *, optional: Collection[str] = ()
) -> dict[str, Series]:
    """Return, for each key of `wanted`, the first of its variables that the file holds.

    Second choices are looked for only where the first ones are missing.

    Parameters
    ----------
    path
        As for `read_variables`.
    wanted
        Names of variables in the order of preference.
    optional
        Keys that may be missing: then they are not in the answer.

    Raises
    ------
    MissingInputError
        If there is none of the variables of a key; others as for `read_variables`.
    """
    path = existing_file(path)
    chosen: dict[str, Series] = {}
    for rank in range(max(map(len, wanted.values()), default=0)):
        left = {
            key: names[rank]
            for key, names in wanted.items()
            if key not in chosen and rank < len(names)
        }
        if left:
            series = read_variables(path, [], optional=set(left.values()))
            chosen.update({key: series[name] for key, name in left.items() if name in series})
    missing = [names for key, names in wanted.items() if key not in chosen and key not in optional]
    if missing:
        raise MissingInputError(
            f"{'; '.join(map(_any_of, missing))} not in {path}; {download(path)}"
        )
    return chosen


def list_variables(path: Path) -> tuple[str, ...]:
    """Return the variables that a file holds; errors as of `read_variables`."""
    path = existing_file(path)
    return timber_names(path) if _is_timber(path) else _format_of(path).names(path)


def files_of(path: Path) -> list[Path]:
    """Return the file itself, or the Parquet files of a tree, sorted by path."""
    return tree_files(path) if path.is_dir() else [path]


def _any_of(names: Sequence[str]) -> str:
    return " or ".join(names) if len(names) < 3 else f"none of {', '.join(names)}"


def _is_timber(path: Path) -> bool:
    return not path.is_dir() and path.suffix not in _FORMATS


def _format_of(path: Path) -> _Format:
    if path.is_dir():
        return _FORMATS[".parquet"]
    check_readable(path)
    return _FORMATS[path.suffix]
