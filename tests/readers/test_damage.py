"""Files that are damaged, or made to harm: errors that name the file, and little memory.

Mutations of every format at random are in `tests/faults`.
"""

from __future__ import annotations

import gzip
import json
import pickle
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lumimod.arrays import in_order_of_time
from lumimod.errors import BadInputError, MissingInputError
from lumimod.readers import compressed, timber
from lumimod.readers.damage import damage_named
from lumimod.readers.unpickle import load_pickle
from lumimod.readers.variables import list_variables, read_variables
from lumimod.writers.variables import write_variables

# --- what libraries raise


@pytest.mark.parametrize(
    ("raised", "expected", "message"),
    [
        (ValueError("odd\nlength"), BadInputError, r"x\.h5: cut \(odd length\); get it again"),
        (KeyError(), BadInputError, r"x\.h5: cut \(KeyError\); get it again"),
        (SystemError("null"), BadInputError, r"x\.h5: cut \(null\)"),
        (MemoryError(), BadInputError, r"x\.h5: needs more memory than there is"),
        (OSError("no file signature"), BadInputError, r"x\.h5: cut \(no file signature\)"),
        (OSError(5, "Input/output error"), MissingInputError, r"x\.h5: cannot be read \(Input"),
    ],
)
def test_errors_of_libraries_become_errors_that_name_the_file(
    raised: Exception, expected: type[Exception], message: str
) -> None:
    with pytest.raises(expected, match=message), damage_named(Path("x.h5"), "cut", "get it again"):
        raise raised


def test_errors_that_are_not_of_damage_are_left_as_they_are() -> None:
    with pytest.raises(KeyboardInterrupt), damage_named(Path("x.h5"), "cut", "get it again"):
        raise KeyboardInterrupt


# --- HDF5


def test_hdf5_whose_data_are_in_another_file_is_refused(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["X!values"] = [[1.0]]
    with h5py.File(tmp_path / "data.h5", "w") as file:
        file["X!t_stamps"] = [1.0]
        file["X!values"] = h5py.ExternalLink("other.h5", "X!values")
    with pytest.raises(BadInputError, match=r"data\.h5: X!values: not a dataset of this file"):
        read_variables(tmp_path / "data.h5", ["X"])


def test_hdf5_whose_data_are_a_foreign_raw_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "raw").write_bytes(bytes(8))
    with h5py.File(tmp_path / "data.h5", "w") as file:
        file["X!t_stamps"] = [1.0]
        external = [(str(tmp_path / "raw"), 0, 8)]
        file.create_dataset("X!values", (1,), "f8", external=external)
    with pytest.raises(BadInputError, match=r"data\.h5: X!values: its data are in another file"):
        read_variables(tmp_path / "data.h5", ["X"])


def test_group_in_place_of_a_dataset_is_refused(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "data.h5", "w") as file:
        file["X!t_stamps"] = [1.0]
        file.create_group("X!values")
    with pytest.raises(BadInputError, match=r"data\.h5: X!values: not a dataset"):
        read_variables(tmp_path / "data.h5", ["X"])


def test_hdf5_that_announces_more_than_it_holds_is_refused(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "data.h5", "w") as file:
        file["X!t_stamps"] = [1.0]
        file.create_dataset("X!values", (1, 10**12), "f8", chunks=(1, 1000))
    with pytest.raises(BadInputError, match=r"X!values: announces 1,000,000,000,000 numbers"):
        read_variables(tmp_path / "data.h5", ["X"])


def test_no_changed_byte_of_hdf5_gives_other_numbers(tmp_path: Path) -> None:
    """Neither in the data nor in what describes them."""
    rows = [np.arange(3.0) + i for i in range(9)] + [np.zeros(1)]
    lengths = np.array([row.size for row in rows])
    one = in_order_of_time("X", "", np.arange(10.0), np.concatenate(rows), lengths)
    path = tmp_path / "data.h5"
    write_variables(path, {"X": one})
    whole, n_refused = path.read_bytes(), 0
    for at in range(0, len(whole), 7):
        changed = bytearray(whole)
        changed[at] ^= 0x10
        path.write_bytes(changed)
        try:
            found = read_variables(path, ["X"])["X"]
        except (BadInputError, MissingInputError):
            n_refused += 1
        else:
            assert np.array_equal(found.values, one.values), at
            assert np.array_equal(found.time_s, one.time_s), at
    assert n_refused > 20


@pytest.mark.parametrize("times", [["noon"], np.array([(1.0, 2)], "f8,i4"), np.array([1j])])
def test_times_of_hdf5_that_are_no_numbers_are_refused(tmp_path: Path, times: Any) -> None:
    with h5py.File(tmp_path / "data.h5", "w") as file:
        file["X!t_stamps"] = times
        file["X!values"] = [[1.0]]
    with pytest.raises(
        BadInputError, match=r"data\.h5: X: values are float64 and times .*, not nu"
    ):
        read_variables(tmp_path / "data.h5", ["X"])


def test_odd_attribute_of_hdf5_is_named(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "data.h5", "w") as file:
        file["X!t_stamps"] = [1.0]
        file["X!values"] = [[1.0]]
        file["X!values"].attrs["n_dropped"] = "many"
    with pytest.raises(BadInputError, match=r"data\.h5: truncated, damaged or not an HDF5 file"):
        read_variables(tmp_path / "data.h5", ["X"])


# --- Parquet


def parquet(path: Path, columns: dict[str, Any], **metadata: str) -> Path:
    table = pa.table(columns).replace_schema_metadata(metadata)
    pq.write_table(table, path)
    return path


@pytest.mark.parametrize("text", ["{", "[]", '{"index_columns": 5}', "\xff", "[" * 10_000])
def test_bad_metadata_of_parquet_are_named(tmp_path: Path, text: str) -> None:
    path = parquet(tmp_path / "data.parquet", {"time": [1], "X": [1.0]}, pandas=text)
    for read in (list_variables, lambda path: read_variables(path, ["X"])):
        with pytest.raises(BadInputError, match=r"data\.parquet: truncated, damaged or not a Parq"):
            read(path)


def test_index_that_the_metadata_name_and_the_file_lacks_is_looked_for(tmp_path: Path) -> None:
    about = json.dumps({"index_columns": ["gone", {"kind": "range"}]})
    path = parquet(tmp_path / "data.parquet", {"time": [10**9], "X": [2.0]}, pandas=about)
    assert read_variables(path, ["X"])["X"].time_s.tolist() == [1.0]


def test_parquet_that_unpacks_to_more_than_data_have_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    columns = {"time": np.arange(100_000), "X": np.zeros(100_000)}
    path = parquet(tmp_path / "data.parquet", columns)
    monkeypatch.setattr(compressed, "BOMB_BYTES", 1000)
    monkeypatch.setattr(compressed, "BOMB_RATIO", 0)
    with pytest.raises(BadInputError, match=r"data\.parquet: unpacks to far more than data have"):
        read_variables(path, ["X"])


def test_a_changed_bit_in_the_data_of_parquet_is_noticed(tmp_path: Path) -> None:
    values = np.random.default_rng(1).random(5000)  # random numbers do not pack
    one = in_order_of_time("X", "", np.arange(5000.0), values, np.ones(5000, np.int64))
    write_variables(tmp_path / "data.parquet", {"X": one})
    raw = bytearray((tmp_path / "data.parquet").read_bytes())
    raw[len(raw) // 2] ^= 1
    (tmp_path / "data.parquet").write_bytes(raw)
    with pytest.raises(BadInputError, match=r"data\.parquet: truncated, damaged"):
        read_variables(tmp_path / "data.parquet", ["X"])


# --- Timber


def test_line_longer_than_any_row_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timber, "ROW_BYTES", 1000)
    monkeypatch.setattr(timber, "CHUNK_BYTES", 100)
    rows = "2017-06-30 05:20:00.000," + ",".join("1" * 2000)
    text = f"VARIABLE: X\nTimestamp (UTC_TIME),Value\n{rows}\n"
    (tmp_path / "data.csv").write_text(text)
    with pytest.raises(BadInputError, match=r"data\.csv: a line of more than .* not a Timber file"):
        read_variables(tmp_path / "data.csv", ["X"])


def test_packed_file_that_unpacks_to_more_than_data_have_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compressed, "BOMB_BYTES", 1000)
    monkeypatch.setattr(compressed, "BOMB_RATIO", 2)
    text = b"VARIABLE: X\nTimestamp (UTC_TIME),Value\n" + b"\n" * 10_000
    (tmp_path / "data.csv.gz").write_bytes(gzip.compress(text))
    with pytest.raises(BadInputError, match=r"data\.csv\.gz: unpacks to more than data have"):
        read_variables(tmp_path / "data.csv.gz", ["X"])


def test_one_row_of_millions_of_values_among_short_ones_is_refused() -> None:
    lengths = np.ones(100_000, np.int64)
    lengths[7] = 1_000_000
    values = np.zeros(lengths.sum())
    rows = in_order_of_time("X", "data.csv", np.arange(100_000.0), values, lengths)
    with pytest.raises(BadInputError, match=r"data\.csv: X: row 8 holds 1,000,000 values, the 100"):
        rows.matrix()


# --- pickles


@pytest.mark.parametrize("text", ["M8[", "O8", "|V1000000000", "2(", "f8,\udce9", "<U999999999999"])
def test_odd_types_of_items_are_named(tmp_path: Path, text: str) -> None:
    class Odd:
        def __reduce__(self) -> Any:
            return np.ndarray, ((1,), text, b"12345678")

    (tmp_path / "data.pkl").write_bytes(pickle.dumps(Odd(), 4))
    with pytest.raises(BadInputError, match=r"data\.pkl: ") as caught:
        load_pickle(tmp_path / "data.pkl")
    assert "\n" not in str(caught.value)


def test_name_that_no_terminal_can_show_is_refused_in_plain_characters(tmp_path: Path) -> None:
    (tmp_path / "data.pkl").write_bytes("cos\u202e\nsys\u0661tem\n.".encode())
    with pytest.raises(BadInputError, match=r"contains os.*sys.*tem, which no data") as caught:
        load_pickle(tmp_path / "data.pkl")
    assert str(caught.value).isascii()
