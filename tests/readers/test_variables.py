"""Every format of variables: what was written is read, and what cannot be read is said."""

from __future__ import annotations

import gzip
import subprocess
import sys
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lumimod.arrays import Series, in_order_of_time
from lumimod.errors import BadInputError, MissingInputError, UsageError
from lumimod.readers.locate import SUFFIXES, existing
from lumimod.readers.variables import files_of, list_variables, read_first, read_variables
from lumimod.writers.variables import write_variables

every_format = pytest.mark.parametrize("suffix", SUFFIXES)
binary = pytest.mark.parametrize("suffix", [".h5", ".parquet"])
T0 = 1_500_000_000.0
LIBRARY = {".h5": "h5py", ".parquet": "pyarrow"}


def series(name: str, rows: dict[float, list[float]] | list[list[float]], **more: Any) -> Series:
    """Return a series of rows by time after T0, or one a second."""
    if isinstance(rows, list):
        rows = {float(i): row for i, row in enumerate(rows)}
    values = np.array([value for row in rows.values() for value in row], float)
    lengths = np.array([len(row) for row in rows.values()], np.int64)
    return in_order_of_time(name, Path(), T0 + np.array(list(rows)), values, lengths, **more)


def assert_same(found: Series, expected: Series) -> None:
    assert np.array_equal(found.time_s, expected.time_s)
    assert np.array_equal(found.row_start, expected.row_start)
    assert np.array_equal(found.values, expected.values, equal_nan=True)
    assert (found.name, found.n_dropped) == (expected.name, expected.n_dropped)


def written(folder: Path, suffix: str, *of: Series) -> Path:
    path = folder / f"data{suffix}"
    write_variables(path, {one.name: one for one in of})
    return path


SCALAR = series("A.B:SCALAR", {0.0: [450.12], 0.5: [6500.0], 7.25: [-0.0]})
ARRAY = series("A.B:ARRAY", {0.5: [0.0, 1.15e11, 0.0], 3.0: [1 / 3, 2e-300, 5.0]})
RAGGED = series("A.B:RAGGED", {0.0: [1.0], 1.0: [2.0, 3.0, 4.0], 2.5: [5.0, np.nan]})


# --- what was written is read


@every_format
def test_variables_read_back_as_they_were(tmp_path: Path, suffix: str) -> None:
    path = written(tmp_path, suffix, SCALAR, ARRAY, RAGGED)
    found = read_variables(path, [SCALAR.name, ARRAY.name], optional=[RAGGED.name, "OTHER"])
    assert list(found) == [SCALAR.name, ARRAY.name, RAGGED.name]
    for one in (SCALAR, ARRAY, RAGGED):
        assert_same(found[one.name], one)
        assert found[one.name].origin == path


finite = st.floats(allow_nan=False, allow_infinity=False)
rows_of_any_length = st.lists(st.lists(finite, min_size=1, max_size=4), min_size=1, max_size=6)


@pytest.mark.slow
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    rows=rows_of_any_length,
    ms=st.lists(st.integers(0, 10**6), min_size=6, max_size=6),
    n_dropped=st.integers(0, 2),
)
@every_format
def test_any_rows_read_back_as_they_were(
    tmp_path: Path, suffix: str, rows: list[list[float]], ms: list[int], n_dropped: int
) -> None:
    time_s = (1_500_000_000_000 + np.sort(ms)[: len(rows)]) / 1e3
    values = np.concatenate([np.array(row) for row in rows])
    lengths = np.array([len(row) for row in rows])
    one = in_order_of_time("X", tmp_path, time_s, values, lengths, n_dropped)
    assert_same(read_variables(written(tmp_path, suffix, one, SCALAR), ["X"])["X"], one)


@every_format
def test_samples_of_the_same_time_keep_their_order(tmp_path: Path, suffix: str) -> None:
    one = in_order_of_time(
        "X", tmp_path, np.full(3, T0), np.array([3.0, 1.0, 2.0]), np.ones(3, np.int64)
    )
    assert_same(read_variables(written(tmp_path, suffix, one), ["X"])["X"], one)


@every_format
def test_variable_without_a_sample_is_an_empty_series(tmp_path: Path, suffix: str) -> None:
    path = written(tmp_path, suffix, series("EMPTY", []), SCALAR)
    found = read_variables(path, ["EMPTY"])["EMPTY"]
    assert (found.time_s.size, found.values.size, found.row_start.tolist()) == (0, 0, [0])


@every_format
def test_variables_of_a_file_are_listed(tmp_path: Path, suffix: str) -> None:
    path = written(tmp_path, suffix, SCALAR, ARRAY)
    assert set(list_variables(path)) == {SCALAR.name, ARRAY.name}


def test_times_beyond_the_millisecond_are_kept_by_hdf5_and_parquet(tmp_path: Path) -> None:
    one = series("X", {0.000_004: [1.0]})
    for suffix in (".h5", ".parquet"):
        assert_same(read_variables(written(tmp_path, suffix, one), ["X"])["X"], one)
    rounded = read_variables(written(tmp_path, ".csv", one), ["X"])["X"]
    assert rounded.time_s.tolist() == [T0]


def test_format_without_a_writer_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"data.txt: not a format of variables; .*\.csv, \.csv.gz"):
        write_variables(tmp_path / "data.txt", {"X": SCALAR})
    assert not list(tmp_path.iterdir())


# --- the first that exists


def test_first_name_that_exists_wins(tmp_path: Path) -> None:
    path = written(tmp_path, ".csv", series("A", [[1.0]]), series("B", [[2.0]]))
    wanted = {"x": ("NO", "B", "A"), "y": ("A", "B"), "z": ("NO", "NOR"), "none": ()}
    found = read_first(path, wanted, optional=["z", "none"])
    assert {key: one.name for key, one in found.items()} == {"x": "B", "y": "A"}


def test_quantity_without_any_of_its_names_is_missing(tmp_path: Path) -> None:
    path = written(tmp_path, ".csv", SCALAR)
    wanted = {"x": ("A", "B"), "y": ("C",), "z": ("D", "E", "F")}
    with pytest.raises(MissingInputError, match=r"A or B; C; none of D, E, F not in .*data\.csv"):
        read_first(path, wanted)


# --- twins


@pytest.mark.parametrize("asked", SUFFIXES)
@every_format
def test_any_format_stands_in_for_the_one_that_is_named(
    tmp_path: Path, suffix: str, asked: str
) -> None:
    path = written(tmp_path, suffix, SCALAR)
    assert existing(tmp_path / f"data{asked}") == path
    assert_same(read_variables(tmp_path / f"data{asked}", [SCALAR.name])[SCALAR.name], SCALAR)


@pytest.mark.parametrize(("there", "asked"), [("a.txt", "a.txt.gz"), ("a.txt.gz", "a.txt")])
def test_file_of_another_suffix_may_be_compressed_or_not(
    tmp_path: Path, there: str, asked: str
) -> None:
    (tmp_path / there).touch()
    assert existing(tmp_path / asked) == tmp_path / there


# --- HDF5 as LHCMeasurementTools writes it


def hdf5(path: Path, **datasets: Any) -> Path:
    with h5py.File(path, "w") as file:
        for name, data in datasets.items():
            file[name] = data
    return path


def test_scalars_of_hdf5_may_be_a_column_or_a_row(tmp_path: Path) -> None:
    for values in ([[1.0], [2.0]], [1.0, 2.0]):
        path = hdf5(tmp_path / "data.h5", **{"X!t_stamps": [T0, T0 + 1], "X!values": values})
        assert read_variables(path, ["X"])["X"].scalar().tolist() == [1.0, 2.0]


def test_padding_of_hdf5_is_no_value(tmp_path: Path) -> None:
    rows = [[1.0, np.nan, np.nan], [2.0, np.nan, 3.0], [np.nan] * 3]
    path = hdf5(tmp_path / "data.h5", **{"X!t_stamps": [1.0, 2.0, 3.0], "X!values": rows})
    assert read_variables(path, ["X"])["X"].lengths.tolist() == [1, 3, 1]


def test_hdf5_out_of_order_is_sorted_by_time(tmp_path: Path) -> None:
    path = hdf5(tmp_path / "data.h5", **{"X!t_stamps": [2.0, 1.0], "X!values": [[2], [1]]})
    found = read_variables(path, ["X"])["X"]
    assert (found.time_s.tolist(), found.values.tolist()) == ([1.0, 2.0], [1.0, 2.0])


@pytest.mark.parametrize(
    ("datasets", "message"),
    [
        ({"X": [1.0]}, "no dataset NAME!t_stamps, not the layout of LHCMeasurementTools"),
        ({"X!t_stamps": [1.0]}, "X: no dataset X!values"),
        ({"X!t_stamps": [1.0], "X!values": [[1.0], [2.0]]}, "2 rows of values for 1 time stamps"),
        ({"X!t_stamps": [1.0], "X!values": [b"a"]}, "not numbers"),
        ({"X!t_stamps": [1.0], "X!values": [[1.0]], "X!lengths": [2]}, "does not fit"),
    ],
)
def test_hdf5_of_another_layout_is_reported(
    tmp_path: Path, datasets: dict[str, Any], message: str
) -> None:
    path = hdf5(tmp_path / "data.h5", **datasets)
    with pytest.raises(BadInputError, match=rf"data\.h5: .*{message}.*download it again"):
        read_variables(path, ["X"])


# --- Parquet as others write it


def run3_tree(folder: Path, **modes: pd.DataFrame) -> Path:
    tree = folder / "HX:FILLN=8000"
    for mode, frame in modes.items():
        (tree / f"HX:BMODE={mode}").mkdir(parents=True)
        frame.to_parquet(tree / f"HX:BMODE={mode}" / "part.0.parquet")
    return tree


def sparse(columns: dict[str, dict[float, Any]]) -> pd.DataFrame:
    """Return a frame indexed by ns, as the follow-up of Run 3 stores it."""
    frame = pd.concat(
        [pd.Series(rows, name=name, dtype=object) for name, rows in columns.items()], axis=1
    ).sort_index()
    frame.index = pd.Index([round((T0 + s) * 1e9) for s in frame.index], name="unix")
    return frame


def test_tree_of_run_3_is_read_as_one_file(tmp_path: Path) -> None:
    ramp = sparse({"A": {10.0: 1.0, 11.0: 2.0}})
    stable = sparse({"A": {20.0: 3.0}, "V": {20.5: [1.0, 2.0], 21.0: [3.0, 4.0]}})
    tree = run3_tree(tmp_path, STABLE=stable, RAMP=ramp)
    found = read_variables(tree, ["A", "V"])
    assert_same(found["A"], series("A", {10.0: [1.0], 11.0: [2.0], 20.0: [3.0]}))
    assert_same(found["V"], series("V", {20.5: [1.0, 2.0], 21.0: [3.0, 4.0]}))
    assert set(list_variables(tree)) == {"A", "V"}
    assert len(files_of(tree)) == 2


def test_arrays_may_be_elements_of_a_struct(tmp_path: Path) -> None:
    rows = {1.0: {"elements": [1, 2], "dimensions": [2]}, 2.0: None}
    sparse({"V": rows, "A": {2.0: 5}}).to_parquet(tmp_path / "data.parquet")
    found = read_variables(tmp_path / "data.parquet", ["V", "A"])
    assert_same(found["V"], series("V", {1.0: [1.0, 2.0]}))
    assert_same(found["A"], series("A", {2.0: [5.0]}))


def test_pandas_reads_what_is_written_with_times_as_index(tmp_path: Path) -> None:
    frame = pd.read_parquet(written(tmp_path, ".parquet", SCALAR, ARRAY))
    assert frame.index.name == "time"
    assert frame.index[0] == pd.Timestamp(T0, unit="s", tz="UTC")
    assert frame[SCALAR.name].dropna().tolist() == SCALAR.values.tolist()
    assert frame[ARRAY.name].dropna().iloc[1].tolist() == ARRAY.values[3:].tolist()


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_index_may_have_any_unit_of_time(tmp_path: Path, unit: str) -> None:
    ticks = {"s": 1, "ms": 1000, "us": 10**6, "ns": 10**9}[unit]
    times = pa.array([int(T0) * ticks], pa.timestamp(unit))
    pq.write_table(pa.table({"timestamp": times, "X": [1.5]}), tmp_path / "data.parquet")
    assert_same(read_variables(tmp_path / "data.parquet", ["X"])["X"], series("X", {0.0: [1.5]}))


def test_nulls_in_an_array_are_nan(tmp_path: Path) -> None:
    table = pa.table({"unix": [int(T0 * 1e9)], "X": [[1.0, None]], "EMPTY": pa.nulls(1)})
    pq.write_table(table, tmp_path / "data.parquet")
    found = read_variables(tmp_path / "data.parquet", ["X", "EMPTY"])
    assert_same(found["X"], series("X", [[1.0, np.nan]]))
    assert found["EMPTY"].time_s.size == 0


@pytest.mark.parametrize(
    "kind",
    [pa.list_(pa.int32()), pa.large_list(pa.float32()), pa.list_(pa.float64(), 2)],
    ids=["list", "large list", "fixed size"],
)
def test_arrays_may_be_lists_of_any_kind(tmp_path: Path, kind: pa.DataType) -> None:
    rows = pa.array([None, [1, 2], None, [3, 4]], kind)
    ns = [int((T0 + i) * 1e9) for i in range(4)]
    pq.write_table(pa.table({"unix": ns, "X": rows}), tmp_path / "data.parquet")
    found = read_variables(tmp_path / "data.parquet", ["X"])
    assert_same(found["X"], series("X", {1.0: [1.0, 2.0], 3.0: [3.0, 4.0]}))


@pytest.mark.parametrize(
    "values",
    [pa.array([2**60 + 1, None]), pa.array([True, None]), pa.array([1.5, None], pa.float32())],
    ids=["large integers", "flags", "floats"],
)
def test_scalars_may_be_numbers_of_any_kind(tmp_path: Path, values: pa.Array) -> None:
    ns = [int((T0 + i) * 1e9) for i in range(2)]
    pq.write_table(pa.table({"unix": ns, "X": values}), tmp_path / "data.parquet")
    found = read_variables(tmp_path / "data.parquet", ["X"])["X"]
    assert found.values.tolist() == [float(values[0].as_py())]


def test_file_of_a_tree_without_right_to_read_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    tree = run3_tree(tmp_path, STABLE=sparse({"A": {20.0: 3.0}}))
    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(MissingInputError, match=r"part\.0\.parquet: cannot be read \(Permission"):
        read_variables(tree, ["A"])


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"X": [1.0]}, "no column of times"),
        ({"time": ["noon"], "X": [1.0]}, "the index holds string, not times in ns"),
        ({"time": [1, None], "X": [1.0, 2.0]}, "the index has 1 empty times"),
        ({"time": [1], "X": ["STABLE"]}, "X holds string, not numbers"),
        ({"time": [1], "X": [{"a": 1}]}, "X holds struct<a: int64>, not numbers"),
    ],
)
def test_parquet_of_another_layout_is_reported(
    tmp_path: Path, columns: dict[str, Any], message: str
) -> None:
    pq.write_table(pa.table(columns), tmp_path / "data.parquet")
    with pytest.raises(BadInputError, match=rf"data\.parquet: .*{message}.*download it again"):
        read_variables(tmp_path / "data.parquet", ["X"])


def test_folder_without_parquet_files_is_reported(tmp_path: Path) -> None:
    with pytest.raises(MissingInputError, match=r"no \.parquet file in this folder"):
        read_variables(tmp_path, ["X"])


# --- faults of any format


@every_format
def test_missing_variables_are_listed(tmp_path: Path, suffix: str) -> None:
    path = written(tmp_path, suffix, SCALAR)
    with pytest.raises(MissingInputError, match=rf"^Y, Z not in .*data{suffix}; download it again"):
        read_variables(path, ["Y", SCALAR.name, "Z"])


@binary
def test_empty_file_is_reported(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"data{suffix}"
    path.touch()
    with pytest.raises(BadInputError, match=rf"data{suffix}: the file is empty"):
        read_variables(path, ["X"])


@pytest.mark.parametrize("suffix", [".csv.gz", ".h5", ".parquet"])
def test_truncated_file_is_reported(tmp_path: Path, suffix: str) -> None:
    path = written(tmp_path, suffix, series("X", [[float(i), i / 7] for i in range(2000)]))
    path.write_bytes(path.read_bytes()[:-1500])
    with pytest.raises(BadInputError, match=rf"data{suffix}: .*truncated.*download"):
        read_variables(path, ["X"])


@binary
@pytest.mark.parametrize(
    "contents",
    [b"VARIABLE: X\n" * 50, gzip.compress(b"x" * 500, mtime=0)],
    ids=["text", "gzip"],
)
def test_foreign_file_is_reported(tmp_path: Path, suffix: str, contents: bytes) -> None:
    path = tmp_path / f"data{suffix}"
    path.write_bytes(contents)
    with pytest.raises(
        BadInputError, match=rf"data{suffix}: truncated, damaged or not an? (HDF5|Parq)"
    ):
        read_variables(path, ["X"])


@binary
def test_damaged_data_are_reported(tmp_path: Path, suffix: str) -> None:
    path = written(tmp_path, suffix, series("X", [[float(i), i / 7] for i in range(20000)]))
    raw = bytearray(path.read_bytes())
    middle = len(raw) // 2
    raw[middle - 3000 : middle + 3000] = b"\xff" * 6000
    path.write_bytes(raw)
    with pytest.raises(BadInputError, match=rf"data{suffix}: truncated, damaged or no"):
        read_variables(path, ["X"])


@binary
def test_library_that_is_not_installed_is_named(
    tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path, suffix, SCALAR)
    monkeypatch.setitem(sys.modules, LIBRARY[suffix], None)
    extra = suffix.strip(".")
    with pytest.raises(MissingInputError, match=rf"pip install 'lumimod\[{extra}\]'"):
        read_variables(path, [SCALAR.name])
    with pytest.raises(MissingInputError, match=rf"pip install 'lumimod\[{extra}\]'"):
        write_variables(tmp_path / f"other{suffix}", {"X": SCALAR})


@binary
def test_file_without_right_to_read_is_reported(
    tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    path = written(tmp_path, suffix, SCALAR)
    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(MissingInputError, match=r"cannot be read \(Permission denied\)"):
        read_variables(path, ["X"])


@pytest.mark.slow
def test_libraries_are_imported_only_when_a_file_needs_them() -> None:
    code = (
        "import sys, lumimod.run.fill, lumimod.writers.convert\n"
        "print({'h5py', 'pyarrow.parquet'} & set(sys.modules))"
    )
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "set()"
