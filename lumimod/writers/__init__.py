"""Writers: variables to data files, in each format that the readers read.

In: a `Series` for each variable, and the path of the file.
Out: the file, whole or not at all; values read back exactly.
May import: errors, arrays, atomic, readers.
To add a format: a module with `write_...`, and its suffix in `_WRITERS`.
"""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO, Callable, cast

from lumimod.arrays import Series
from lumimod.atomic import replacing
from lumimod.errors import UsageError
from lumimod.readers.locate import SUFFIXES
from lumimod.writers.hdf5 import write_hdf5
from lumimod.writers.parquet import write_parquet
from lumimod.writers.timber import write_timber

__all__ = ["write_variables"]

GZIP_LEVEL = 3
"""Higher ones take several times longer for a tenth less."""


def write_variables(path: Path, series: Mapping[str, Series]) -> None:
    """Write variables to a file whose format is that of its suffix, whole or not at all.

    Times are kept to the millisecond in CSV, to the microsecond in Parquet. Values read back
    exactly.

    Raises
    ------
    UsageError
        If the suffix is none of .csv, .csv.gz, .h5 and .parquet.
    MissingInputError
        If the library of the format is not installed.
    OutputError
        If the file cannot be written.
    """
    if not path.name.endswith(SUFFIXES):
        raise UsageError(f"{path}: not a format of variables; choose one of {', '.join(SUFFIXES)}")
    with replacing(path) as stream:
        _WRITERS[path.suffix](stream, series)


def _write_packed_timber(stream: BinaryIO, series: Mapping[str, Series]) -> None:
    with gzip.GzipFile("", "wb", GZIP_LEVEL, stream, mtime=0) as packed:
        write_timber(cast(BinaryIO, packed), series)


_WRITERS: Mapping[str, Callable[[BinaryIO, Mapping[str, Series]], None]] = {
    ".csv": write_timber,
    ".gz": _write_packed_timber,
    ".h5": write_hdf5,
    ".parquet": write_parquet,
}
"""By suffix."""
