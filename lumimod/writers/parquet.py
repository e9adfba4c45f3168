"""Parquet files with a column per variable and the time as index, see `readers.parquet`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from io import BufferedIOBase
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from lumimod.arrays import IntArray, Series
from lumimod.readers.parquet import DROPPED_METADATA, TIME, import_pyarrow, with_checksums

if TYPE_CHECKING:
    import pyarrow as pa

GROUP_BYTES = 1 << 28
"""Values that are in memory at a time, and one row group of the file; a fill of 12 h has less."""
NS = "unix"
"""Name of an index of integers, Unix time in ns, as in the tree of Run 3."""


def write_parquet(
    stream: BufferedIOBase, series: Mapping[str, Series], *, integer_index: bool = False
) -> None:
    """Write the variables as columns of one table, in the order of time.

    The index has times in UTC, or with `integer_index` Unix times in ns.
    """
    pa = import_pyarrow()
    forms = {name: _form(one) for name, one in series.items()}
    time_ns, rows_of = _rows({name: form.keys for name, form in forms.items()})
    index = NS if integer_index else TIME
    index_type = pa.int64() if integer_index else pa.timestamp("ns", tz="UTC")
    fields = [pa.field(index, index_type), *(form.field(name) for name, form in forms.items())]
    schema = pa.schema(fields, metadata={"pandas": json.dumps(_for_pandas(index, integer_index))})
    options = {"compression": "zstd", **with_checksums(pa, "write_page_checksum")}
    n_groups = sum(form.n_bytes for form in forms.values()) // GROUP_BYTES + 1
    edges = np.linspace(0, time_ns.size, n_groups + 1).astype(int).tolist()
    with pa.parquet.ParquetWriter(stream, schema, version="2.6", **options) as writer:
        for first, stop in zip(edges, edges[1:]):
            columns = [pa.array(time_ns[first:stop]).cast(index_type)]
            for name in forms:
                rows = rows_of[name]
                inside = slice(*np.searchsorted(rows, (first, stop)).tolist())
                part = _part(series[name], inside)
                columns.append(_column(part, rows[inside] - first, stop - first, forms[name]))
            writer.write_table(pa.Table.from_arrays(columns, schema=schema))


class _Form(NamedTuple):
    """What must be known of a variable before its values are written."""

    keys: IntArray
    is_scalar: bool
    n_dropped: int
    n_bytes: int

    def field(self, name: str) -> Any:
        """Return the description of its column."""
        pa = import_pyarrow()
        about = {DROPPED_METADATA: b"%d" % self.n_dropped} if self.n_dropped else None
        kind = pa.float64() if self.is_scalar else pa.list_(pa.float64())
        return pa.field(name, kind, metadata=about)


def _form(series: Series) -> _Form:
    is_scalar = bool(np.all(series.lengths == 1))
    return _Form(_keys(series), is_scalar, series.n_dropped, series.values.nbytes)


def _part(series: Series, rows: slice) -> Series:
    """Return some consecutive rows of a series."""
    starts = series.row_start[rows.start : rows.stop + 1]
    values = series.values[starts[0] : starts[-1]]
    if values.size < series.values.size:
        values = values.copy()  # the rest is not to stay in memory
    time_s = series.time_s[rows]
    return replace(series, time_s=time_s, values=values, row_start=starts - starts[0])


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


def _rows(keys: Mapping[str, IntArray]) -> tuple[IntArray, dict[str, IntArray]]:
    """Return the times of the table in ns, and the rows of each variable's samples.

    Samples of the same time share a row. Several samples of one variable at the same time have as
    many rows.
    """
    every = np.concatenate([np.zeros((0, 2), np.int64), *keys.values()])
    table, row = np.unique(every, axis=0, return_inverse=True)
    edges = np.cumsum([len(key) for key in keys.values()])[:-1]
    return table[:, 0] * 1000, dict(zip(keys, np.split(row.ravel(), edges)))


def _keys(series: Series) -> IntArray:
    """Return (n, 2): the time of each sample in us, and its number among those of the same time."""
    time_us = np.rint(series.time_s * 1e6).astype(np.int64)
    first = np.searchsorted(time_us, time_us, side="left")
    return np.stack([time_us, np.arange(time_us.size) - first], axis=1)


def _column(series: Series, rows: IntArray, n_rows: int, form: _Form) -> pa.Array:
    """Return the column of a variable, null where it has no sample."""
    pa = import_pyarrow()
    empty = np.ones(n_rows, bool)
    empty[rows] = False
    if form.is_scalar:
        values = np.zeros(n_rows)
        values[rows] = series.values
        return pa.array(values, mask=empty)
    counts = np.zeros(n_rows, np.int64)
    counts[rows] = series.lengths
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
    starts = pa.array(offsets, mask=np.append(empty, False))  # a list without start is null
    return pa.ListArray.from_arrays(starts, pa.array(series.values))
