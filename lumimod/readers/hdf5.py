"""HDF5 files in the layout of LHCMeasurementTools: `NAME!t_stamps` and `NAME!values`.

`values` has a row per time stamp, padded with NaN where rows differ in length. Files written by
lumimod also have `NAME!lengths` if the padding does not show the lengths (a value itself is NaN).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lumimod.arrays import FloatArray, IntArray, Series, in_order_of_time
from lumimod.errors import BadInputError, MissingInputError, download
from lumimod.readers.compressed import most_unpacked
from lumimod.readers.damage import damage_named

if TYPE_CHECKING:
    import h5py

TIMES, VALUES, LENGTHS = "!t_stamps", "!values", "!lengths"
DROPPED_ATTRIBUTE = "n_dropped"
"""Attribute of `values`: rows without a valid value that were dropped before."""


def import_h5py() -> Any:
    """Return the module h5py.

    Raises
    ------
    MissingInputError
        h5py is not installed.
    """
    try:
        import h5py
    except ImportError as exc:
        raise MissingInputError(
            "HDF5 files need the library h5py, which is not installed: pip install 'lumimod[h5]'"
        ) from exc
    return h5py


def hdf5_names(path: Path) -> tuple[str, ...]:
    """Return the variables of a file."""
    with _opened(path) as file:
        return _names(path, file)


def read_hdf5(path: Path, wanted: Sequence[str]) -> dict[str, Series]:
    """Return the wanted variables that are in the file.

    Raises
    ------
    BadInputError
        The file is truncated or of another format, or a variable cannot be read.
    """
    with _opened(path) as file:
        present = set(_names(path, file))
        return {name: _series(path, file, name) for name in wanted if name in present}


@contextmanager
def _opened(path: Path) -> Iterator[h5py.File]:
    h5py = import_h5py()
    with damage_named(path, "truncated, damaged or not an HDF5 file", download(path)):
        try:
            with h5py.File(path, "r") as file:
                yield file
        except OSError as exc:  # of the library: that the file can be read was looked at before
            raise ValueError(str(exc)) from exc


def _names(path: Path, file: h5py.File) -> tuple[str, ...]:
    names = tuple(key[: -len(TIMES)] for key in file if key.endswith(TIMES))
    if not names:
        raise BadInputError(
            f"{path}: no dataset NAME{TIMES}, not the layout of LHCMeasurementTools; "
            f"{download(path)}"
        )
    return names


def _series(path: Path, file: h5py.File, name: str) -> Series:
    def fault(text: str) -> BadInputError:
        return BadInputError(f"{path}: {name}: {text}; {download(path)}")

    if name + VALUES not in file:
        raise fault(f"no dataset {name}{VALUES}")
    stamps, stored = (_dataset(path, file, name + part) for part in (TIMES, VALUES))
    if stamps.dtype.kind not in "fiu" or stored.dtype.kind not in "fiub":
        raise fault(f"values are {stored.dtype} and times {stamps.dtype}, not numbers")
    times, values = np.asarray(stamps[()]), np.asarray(stored[()])
    time_s, rows = np.atleast_1d(times).astype(np.float64), values.astype(np.float64)
    rows = rows.reshape(len(rows) if rows.ndim else 1, -1) if rows.size else rows[:0, None]
    if time_s.ndim != 1 or len(rows) != time_s.size:
        raise fault(f"has {len(rows)} rows of values for {time_s.size} time stamps")
    lengths = _lengths(path, file, name, rows)
    if lengths.shape != time_s.shape or (lengths.size and lengths.max() > rows.shape[1]):
        raise fault(f"{name}{LENGTHS} does not fit its values")
    n_dropped = int(stored.attrs.get(DROPPED_ATTRIBUTE, 0))
    return in_order_of_time(name, path, time_s, *_flat(rows, lengths), n_dropped)


def _dataset(path: Path, file: h5py.File, name: str) -> h5py.Dataset:
    """Return a dataset that is in the file itself, and not larger than the file lets expect.

    Raises
    ------
    BadInputError
        It is none, or has its data elsewhere or nowhere.
    """
    found = file[name]
    if not hasattr(found, "dtype") or found.file.filename != file.filename:
        raise BadInputError(f"{path}: {name}: not a dataset of this file; {download(path)}")
    if found.external or found.is_virtual:
        raise BadInputError(f"{path}: {name}: its data are in another file; {download(path)}")
    if found.size * max(found.dtype.itemsize, 8) > most_unpacked(path):
        raise BadInputError(
            f"{path}: {name}: announces {found.size:,} numbers, far more than the file holds; "
            f"{download(path)}"
        )
    return found


def _lengths(path: Path, file: h5py.File, name: str, rows: FloatArray) -> IntArray:
    """Return the number of values of each row: as stored, or without the padding."""
    if name + LENGTHS in file:
        return np.asarray(_dataset(path, file, name + LENGTHS)[()], np.int64)
    return unpadded_lengths(rows)


def unpadded_lengths(rows: FloatArray) -> IntArray:
    """Return the length of each row of (n, width) without the NaN at its end, at least 1."""
    if not rows.size or not np.isnan(rows[:, -1]).any():
        return np.full(len(rows), rows.shape[1], np.int64)
    filled = ~np.isnan(rows[:, ::-1])
    lengths = np.where(filled.any(axis=1), rows.shape[1] - filled.argmax(axis=1), 1)
    return lengths.astype(np.int64)


def _flat(rows: FloatArray, lengths: IntArray) -> tuple[FloatArray, IntArray]:
    if not rows.size or (lengths == rows.shape[1]).all():
        return rows.ravel(), lengths
    return rows[np.arange(rows.shape[1]) < lengths[:, None]], lengths
