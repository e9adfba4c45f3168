"""Parquet files with a column per variable and the time as index, see `readers.parquet`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from io import BufferedIOBase
from typing import TYPE_CHECKING

import numpy as np

from lumimod.arrays import IntArray, Series
from lumimod.readers.parquet import DROPPED_METADATA, TIME, import_pyarrow, with_checksums

if TYPE_CHECKING:
    import pyarrow as pa

NS = "unix"
"""Name of an index of integers, Unix time in ns, as in the tree of Run 3."""


def write_parquet(
    stream: BufferedIOBase, series: Mapping[str, Series], *, integer_index: bool = False
) -> None:
    """Write the variables as columns of one table, in the order of time.

    The index has times in UTC, or with `integer_index` Unix times in ns.
    """
    pa = import_pyarrow()
    time_ns, rows_of = _rows(series)
    index = pa.array(time_ns)
    if not integer_index:
        index = index.cast(pa.timestamp("ns", tz="UTC"))
    name = NS if integer_index else TIME
    columns = {
        name: (index, None),
        **{name: _column(one, rows_of[name], time_ns.size) for name, one in series.items()},
    }
    schema = pa.schema(
        [pa.field(name, array.type, metadata=about) for name, (array, about) in columns.items()],
        metadata={"pandas": json.dumps(_for_pandas(name, integer_index))},
    )
    table = pa.Table.from_arrays([array for array, _ in columns.values()], schema=schema)
    options = {"compression": "zstd", **with_checksums(pa, "write_page_checksum")}
    pa.parquet.write_table(table, stream, version="2.6", **options)


def _for_pandas(index: str, is_integer: bool) -> dict[str, object]:
    """Return the metadata that make pandas take the column as index."""
    about = {
        "name": index,
        "field_name": index,
        "pandas_type": "int64" if is_integer else "datetimetz",
        "numpy_type": "int64" if is_integer else "datetime64[ns]",
        "metadata": None if is_integer else {"timezone": "UTC"},
    }
    return {"index_columns": [index], "columns": [about], "column_indexes": []}


def _rows(series: Mapping[str, Series]) -> tuple[IntArray, dict[str, IntArray]]:
    """Return the times of the table in ns, and the rows of each variable's samples.

    Samples of the same time share a row. Several samples of one variable at the same time have as
    many rows.
    """
    keys = {name: _keys(one) for name, one in series.items()}
    every = np.concatenate([np.zeros((0, 2), np.int64), *keys.values()])
    table, row = np.unique(every, axis=0, return_inverse=True)
    edges = np.cumsum([len(key) for key in keys.values()])[:-1]
    return table[:, 0] * 1000, dict(zip(keys, np.split(row.ravel(), edges)))


def _keys(series: Series) -> IntArray:
    """Return (n, 2): the time of each sample in us, and its number among those of the same time."""
    time_us = np.rint(series.time_s * 1e6).astype(np.int64)
    first = np.searchsorted(time_us, time_us, side="left")
    return np.stack([time_us, np.arange(time_us.size) - first], axis=1)


def _column(
    series: Series, rows: IntArray, n_rows: int
) -> tuple[pa.Array, Mapping[bytes, bytes] | None]:
    """Return the column of a variable, null where it has no sample, and its metadata."""
    pa = import_pyarrow()
    about = {DROPPED_METADATA: b"%d" % series.n_dropped} if series.n_dropped else None
    empty = np.ones(n_rows, bool)
    empty[rows] = False
    if np.all(series.lengths == 1):
        values = np.zeros(n_rows)
        values[rows] = series.values
        return pa.array(values, mask=empty), about
    counts = np.zeros(n_rows, np.int64)
    counts[rows] = series.lengths
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
    starts = pa.array(offsets, mask=np.append(empty, False))  # a list without start is null
    return pa.ListArray.from_arrays(starts, pa.array(series.values)), about
