"""Converting data files from one format to another."""

from __future__ import annotations

import gzip
import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from lumimod.arrays import IntArray, Series, select_rows
from lumimod.atomic import replacing
from lumimod.errors import MissingInputError, UsageError
from lumimod.readers.bmodes import FILE_NAMES, FillModes, read_bmodes
from lumimod.readers.compressed import decompressed
from lumimod.readers.locate import SUFFIXES, fill_of_tree, suffix_of, tree_name
from lumimod.readers.variables import list_variables, read_variables
from lumimod.writers.parquet import write_parquet
from lumimod.writers.variables import GZIP_LEVEL, write_variables

TREE = "tree"
FORMATS = (*(suffix[1:] for suffix in SUFFIXES), TREE)
"""Formats to convert to: csv, csv.gz, parquet, h5, and tree, the Parquet tree of Run 3."""
NO_MODE = "NOMODE"
_FILL = re.compile(r"fill_(\d+)\b")


def data_files(source: Path) -> list[Path]:
    """Return the data files, or trees of a fill: the path itself, or all in a folder.

    Raises
    ------
    MissingInputError
        There is none.
    """
    if source.is_file() or _is_tree(source):
        return [source]
    inside = sorted(source.rglob("*")) if source.is_dir() else []
    files = [path for path in inside if _is_tree(path) or _is_data_file(path)]
    if not files:
        raise MissingInputError(f"{source}: no data file in it ({', '.join(SUFFIXES)})")
    return files


def _is_tree(path: Path) -> bool:
    return path.is_dir() and fill_of_tree(path) is not None


def _is_data_file(path: Path) -> bool:
    """Tell whether a path is a data file by itself: not one of a tree, nor the beam modes' CSV."""
    in_tree = any(fill_of_tree(parent) is not None for parent in path.parents)
    is_data = path.is_file() and path.name.endswith(SUFFIXES)
    return is_data and not in_tree and not _is_table_of_modes(path)


def _is_table_of_modes(path: Path) -> bool:
    """Tell whether a file is the copy as CSV of the beam modes beside it."""
    by_name = path.stem == Path(FILE_NAMES[0]).stem
    return by_name or path.with_suffix(".pkl").exists()


def converted_path(source: Path, kind: str, folder: Path | None = None) -> Path:
    """Return where the converted data go: beside the source, or into `folder`."""
    folder = source.parent if folder is None else folder
    if kind == TREE:
        return folder / tree_name(_fill_of(source))
    if source.is_dir():
        return folder / f"data_fill_{_fill_of(source)}.{kind}"
    return folder / f"{_stem(source)}.{kind}"


def convert(source: Path, target: Path) -> None:
    """Write the variables of a file or tree into a file of another format.

    Raises
    ------
    UsageError
        The source is the target.
    LumimodError
        As of `read_variables` and `write_variables`.
    """
    if source == target:
        raise UsageError(f"{source} is of that format already")
    if source.is_file() and all(".csv" in path.suffixes[-2:] for path in (source, target)):
        _repack(source, target)
    else:
        write_variables(target, _everything(source))


def convert_to_tree(source: Path, target: Path, bmodes: Path) -> None:
    """Write the variables of a file into the tree of its fill, a file for each beam mode.

    A sample belongs to the last mode that began before it.

    Raises
    ------
    UsageError
        The source is a tree, or its name does not tell the fill.
    MissingInputError
        The fill is not among the beam modes.
    LumimodError
        As of `read_variables` and `write_variables`.
    """
    fill = _fill_of(source)
    modes = read_bmodes(bmodes)
    if source.is_dir():
        raise UsageError(f"{source} is a tree already")
    if fill not in modes and fill not in modes.faults:
        raise MissingInputError(
            f"{source}: fill {fill} is not in the beam modes {bmodes}; "
            "run Utilities/000_get_fills.py"
        )
    of_fill = modes[fill]
    series = _everything(source)
    for mode, part in _by_mode(series, of_fill):
        folder = target / f"HX:BMODE={mode}"
        folder.mkdir(parents=True, exist_ok=True)
        with replacing(folder / f"{_stem(source)}.parquet") as stream:
            write_parquet(stream, part, integer_index=True)


def _everything(source: Path) -> dict[str, Series]:
    return read_variables(source, list_variables(source))


def _repack(source: Path, target: Path) -> None:
    """Copy a CSV file, compressed if the suffix of the target is .gz."""
    with decompressed(source) as text, replacing(target) as stream:
        if target.suffix == ".gz":
            with gzip.GzipFile("", "wb", GZIP_LEVEL, stream, mtime=0) as packed:
                shutil.copyfileobj(text, packed, 1 << 20)
        else:
            shutil.copyfileobj(text, stream, 1 << 20)


def _by_mode(
    series: Mapping[str, Series], modes: FillModes
) -> Iterator[tuple[str, dict[str, Series]]]:
    """Yield every mode that has samples, with its samples."""
    began = sorted((start, mode) for mode, start in modes.start_s.items() if np.isfinite(start))
    edges_s = np.array([start for start, _ in began])
    names = [NO_MODE, *(mode for _, mode in began)]
    place: dict[str, IntArray] = {
        name: np.searchsorted(edges_s, one.time_s, side="right") for name, one in series.items()
    }
    for i, mode in enumerate(names):
        rows = {name: at == i for name, at in place.items() if np.any(at == i)}
        if rows:
            yield mode, {name: select_rows(series[name], keep) for name, keep in rows.items()}


def _fill_of(source: Path) -> int:
    """Return the fill that the name of a file or tree tells."""
    in_tree = fill_of_tree(source)
    if in_tree is not None:
        return in_tree
    found = _FILL.search(source.name.partition(".")[0])
    if found is None:
        raise UsageError(f"{source}: its name does not tell the fill (..._fill_N or HX:FILLN=N)")
    return int(found[1])


def _stem(source: Path) -> str:
    suffix = suffix_of(source)
    if not suffix:
        raise UsageError(f"{source}: not a format of variables ({', '.join(SUFFIXES)})")
    return source.name[: -len(suffix)]
