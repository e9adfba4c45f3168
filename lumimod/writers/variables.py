"""Variables to files: the format is that of the suffix."""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from io import BufferedIOBase
from pathlib import Path
from typing import Callable

from lumimod.arrays import Series
from lumimod.atomic import replacing
from lumimod.errors import UsageError
from lumimod.readers.locate import SUFFIXES
from lumimod.writers.hdf5 import write_hdf5
from lumimod.writers.parquet import write_parquet
from lumimod.writers.timber import write_timber

GZIP_LEVEL = 3
"""Higher levels take several times longer, and make files a tenth smaller."""


def write_variables(path: Path, series: Mapping[str, Series]) -> None:
    """Write variables to a file, whole or not at all.

    Values read back exactly; times to the millisecond in CSV, to the microsecond in Parquet.

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


def _write_packed_timber(stream: BufferedIOBase, series: Mapping[str, Series]) -> None:
    with gzip.GzipFile("", "wb", GZIP_LEVEL, stream, mtime=0) as packed:
        write_timber(packed, series)


_WRITERS: Mapping[str, Callable[[BufferedIOBase, Mapping[str, Series]], None]] = {
    ".csv": write_timber,
    ".gz": _write_packed_timber,
    ".h5": write_hdf5,
    ".parquet": write_parquet,
}
"""By suffix."""
