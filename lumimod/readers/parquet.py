"""Parquet files: a column per variable, null without a sample, and the time (ns UTC) as index.

Scalars are a column of numbers, arrays a column of lists or, as in NXCALS, of structs with a list
in `elements`. A tree of files `HX:FILLN=N/HX:BMODE=MODE/`, as the follow-up of Run 3 stores its
fills, is read like one file.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from lumimod.arrays import FloatArray, IntArray, Series, in_order_of_time
from lumimod.errors import BadInputError, MissingInputError, download
from lumimod.readers.compressed import most_unpacked
from lumimod.readers.damage import damage_named
from lumimod.readers.locate import opened

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

TIME = "time"
TIME_NAMES = (TIME, "unix", "timestamp", "nxcals_timestamp", "__index_level_0__")
"""Names of the index, if the metadata of the file do not name it."""
DROPPED_METADATA = b"n_dropped"
"""Metadata of a column: rows without a valid value that were dropped before."""
PER_SECOND = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}
_T = TypeVar("_T", bound=np.generic)
BATCH_ROWS = 1 << 16
NO_VALUE, NO_LENGTH = np.zeros(0), np.zeros(0, np.int64)
LISTS = ("list", "large_list", "fixed_size_list")


def import_pyarrow() -> Any:
    """Return the module pyarrow, with pyarrow.parquet.

    Raises
    ------
    MissingInputError
        pyarrow is not installed.
    """
    try:
        import pyarrow as pa
        import pyarrow.parquet
    except ImportError as exc:
        raise MissingInputError(
            "Parquet files need the library pyarrow, which is not installed: "
            "pip install 'lumimod[parquet]'"
        ) from exc
    return pa


def tree_files(folder: Path) -> list[Path]:
    """Return the Parquet files in a folder and below it, sorted by path."""
    return sorted(path for path in folder.rglob("*.parquet") if not path.name.startswith("."))


def parquet_names(path: Path) -> tuple[str, ...]:
    """Return the variables of a file or tree."""
    names: dict[str, None] = {}
    for part in _parts(path):
        with _opened(part) as file:
            index = _index(part, file)
            names.update(dict.fromkeys(n for n in file.schema_arrow.names if n != index))
    return tuple(names)


def read_parquet(path: Path, wanted: Sequence[str]) -> dict[str, Series]:
    """Return the wanted variables that are in the file or tree.

    Raises
    ------
    MissingInputError
        The folder has no Parquet file.
    BadInputError
        A file is truncated or of another format, or a variable cannot be read.
    """
    samples: dict[str, list[_Samples]] = {}
    for part in _parts(path):
        with _opened(part) as file:
            index = _index(part, file)
            columns = [name for name in wanted if name in file.schema_arrow.names]
            table = _table(part, file, [index, *columns])
            time_s = _time_s(part, table.column(index))
            for name in columns:
                samples.setdefault(name, []).append(_samples(part, table, name, time_s))
    return {name: _joined(path, name, samples[name]) for name in wanted if name in samples}


def _parts(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    files = tree_files(path)
    if not files:
        raise MissingInputError(f"{path}: no .parquet file in this folder; {download(path)}")
    return files


@contextmanager
def _opened(path: Path) -> Iterator[pq.ParquetFile]:
    pa = import_pyarrow()
    fault = "truncated, damaged or not a Parquet file"
    with damage_named(path, fault, download(path), pa.ArrowException), opened(path) as stream:
        yield pa.parquet.ParquetFile(stream, **with_checksums(pa, "page_checksum_verification"))


def with_checksums(pa: Any, checksum_option: str) -> dict[str, bool]:
    """Return an option of checksums, switched on, where this pyarrow knows it."""
    return {checksum_option: True} if int(pa.__version__.split(".")[0]) >= 13 else {}


def _table(path: Path, file: pq.ParquetFile, columns: Sequence[str]) -> pa.Table:
    """Return columns, read batch by batch: a few bytes may announce any number of values.

    The metadata of the columns are not looked at: where they are damaged pyarrow may end the whole
    process.

    Raises
    ------
    BadInputError
        They are larger than the file lets expect.
    """
    pa = import_pyarrow()
    schema = pa.schema([file.schema_arrow.field(name) for name in columns])
    batches, left = list[Any](), most_unpacked(path)
    for batch in file.iter_batches(BATCH_ROWS, columns=list(columns)):
        left -= batch.nbytes
        if left < 0:
            raise BadInputError(f"{path}: unpacks to far more than data have; {download(path)}")
        batches.append(batch)
    return pa.Table.from_batches(batches) if batches else schema.empty_table()


def _index(path: Path, file: pq.ParquetFile) -> str:
    """Return the column that holds the time."""
    columns = file.schema_arrow.names
    pandas = json.loads((file.schema_arrow.metadata or {}).get(b"pandas", b"{}"))
    named = [name for name in pandas.get("index_columns", []) if isinstance(name, str)]
    index = next((name for name in [*named, *TIME_NAMES] if name in columns), None)
    if index is None:
        raise BadInputError(
            f"{path}: no column of times ({', '.join(TIME_NAMES[:3])}); {download(path)}"
        )
    return index


def _time_s(path: Path, column: pa.ChunkedArray) -> FloatArray:
    """Return the index in Unix s, cut off to us; integers are taken as ns."""
    pa = import_pyarrow()
    kind = column.type
    if pa.types.is_timestamp(kind):
        per_second = PER_SECOND[kind.unit]
    elif pa.types.is_integer(kind):
        per_second = PER_SECOND["ns"]
    else:
        raise BadInputError(f"{path}: the index holds {kind}, not times in ns; {download(path)}")
    if column.null_count:
        raise BadInputError(
            f"{path}: the index has {column.null_count} empty times; {download(path)}"
        )
    ticks = column.cast(pa.int64()).to_numpy()
    us = (
        ticks // (per_second // 1_000_000)
        if per_second >= 1_000_000
        else (ticks * (1_000_000 // per_second))
    )
    return us / 1e6


class _Samples(NamedTuple):
    """Rows of one column of one file."""

    time_s: FloatArray
    values: FloatArray
    """The values of all rows, one after the other."""
    lengths: IntArray
    n_dropped: int


def _samples(path: Path, table: pa.Table, name: str, time_s: FloatArray) -> _Samples:
    """Return the rows of a column that are not null."""
    column = table.column(name)
    metadata = table.schema.field(name).metadata or {}
    has_sample = ~column.is_null().to_numpy()
    parts = [_flat(path, name, chunk) for chunk in column.chunks]
    values = _one([flat for flat, _ in parts], NO_VALUE)
    lengths = _one([counts for _, counts in parts], NO_LENGTH)
    return _Samples(time_s[has_sample], values, lengths, int(metadata.get(DROPPED_METADATA, 0)))


def _flat(path: Path, name: str, rows: pa.Array) -> tuple[FloatArray, IntArray]:
    """Return the values of the rows that are not null, one after the other, and their number."""
    pa = import_pyarrow()
    if pa.types.is_struct(rows.type) and rows.type.get_field_index("elements") >= 0:
        rows = rows.drop_null().field("elements")
    if any(getattr(pa.types, f"is_{kind}")(rows.type) for kind in LISTS):
        values, lengths = _flat_lists(rows)
    else:
        values = rows.drop_null()
        lengths = np.ones(len(values), np.int64)
    if pa.types.is_null(values.type):
        return np.zeros(0), lengths
    if not pa.types.is_primitive(values.type) or pa.types.is_temporal(values.type):
        raise BadInputError(f"{path}: {name} holds {rows.type}, not numbers; {download(path)}")
    return values.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False), lengths


def _flat_lists(rows: pa.Array) -> tuple[pa.Array, IntArray]:
    """Return the values of the lists that are not null, and the length of each list."""
    import pyarrow.compute as pc

    lengths = pc.list_value_length(rows).drop_null().to_numpy().astype(np.int64)
    if hasattr(rows, "offsets"):
        first, last = rows.offsets[0].as_py(), rows.offsets[-1].as_py()
        if last - first == lengths.sum():  # no values under a null: no copy needed
            return rows.values.slice(first, last - first), lengths
    return rows.drop_null().flatten(), lengths


def _one(parts: Sequence[npt.NDArray[_T]], empty: npt.NDArray[_T]) -> npt.NDArray[_T]:
    """Return the arrays as one, without a copy if there is only one."""
    return parts[0] if len(parts) == 1 else np.concatenate([empty, *parts])


def _joined(path: Path, name: str, parts: Sequence[_Samples]) -> Series:
    return in_order_of_time(
        name,
        path,
        _one([part.time_s for part in parts], NO_VALUE),
        _one([part.values for part in parts], NO_VALUE),
        _one([part.lengths for part in parts], NO_LENGTH),
        sum(part.n_dropped for part in parts),
    )
