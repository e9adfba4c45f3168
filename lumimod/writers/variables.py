"""Variables to files: the format is that of the suffix."""

from __future__ import annotations

import gzip
import os
import shutil
from collections.abc import Mapping
from io import BufferedIOBase, BufferedReader
from pathlib import Path
from typing import Callable

from lumimod.arrays import Series
from lumimod.atomic import replacing
from lumimod.errors import UsageError
from lumimod.readers.compressed import decompressed
from lumimod.readers.locate import SUFFIXES
from lumimod.readers.timber import VARIABLE
from lumimod.writers.hdf5 import write_hdf5
from lumimod.writers.parquet import write_parquet
from lumimod.writers.timber import write_timber

GZIP_LEVEL = 3
"""Higher levels take several times longer, and make files a tenth smaller."""


def write_variables(path: Path, series: Mapping[str, Series]) -> None:
    """Write variables to a file, whole or not at all; one is in memory at a time.

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


def can_append(path: Path) -> bool:
    """Tell whether variables can be added to a file without reading it: a Timber file of blocks."""
    if not path.is_file() or path.suffix not in (".csv", ".gz"):
        return False
    with decompressed(path) as text:
        return text.read(len(VARIABLE)) == VARIABLE


def append_variables(path: Path, series: Mapping[str, Series]) -> None:
    """Add blocks of variables to a Timber file, wholly or not at all; see `can_append`.

    The blocks of a variable are one series to whoever reads the file.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    with path.open("rb") as old, replacing(path) as stream:
        shutil.copyfileobj(old, stream, 1 << 20)
        if path.suffix == ".csv" and not _ends_a_line(old):
            stream.write(b"\n")
        _WRITERS[path.suffix](stream, series)


def _ends_a_line(file: BufferedReader) -> bool:
    file.seek(-1, os.SEEK_END)
    return file.read() == b"\n"


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
