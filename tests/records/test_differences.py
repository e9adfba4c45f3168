"""Arrays stored by differences: smaller, bit for bit the same, and plain NumPy reads them."""

from __future__ import annotations

import gzip
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import lumimod
from lumimod.records import differences, store
from lumimod.records.differences import MIN_BYTES, Differencing
from tests.records.test_store import assert_same, global_names


def smooth(n_rows: int = 150, n: int = 700) -> np.ndarray:
    """Return numbers that fall by 1e-5 from row to row, several blocks of them."""
    values = 1e11 * (1 + np.random.default_rng(1).random(n))
    fall = 1 - 0.00001 * np.arange(n_rows)
    return fall[:, None] * values


def both_ways(path: Path, tree: Any) -> tuple[Any, Any]:
    """Return what lumimod and plain pickle load of what was saved."""
    store.save_object(path, tree)
    with gzip.open(path) as stream:
        return lumimod.load(path), pickle.load(stream)


def is_stored_by_differences(path: Path, array: np.ndarray) -> bool:
    store.save_object(path, array)
    by_differences = "numpy.cumsum" in global_names(path)
    assert by_differences == (path.stat().st_size < array.nbytes)
    return by_differences


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "result.pkl.gz"


# --- the same comes back


def odd_values() -> np.ndarray:
    """Return columns of numbers that are no usual numbers, a row after the other."""
    payloads = np.array([0x7FF8_0000_0000_0001, 0x7FF0_0000_DEAD_BEEF, -1, -(1 << 51)], np.int64)
    odd = [np.nan, np.inf, -np.inf, 0.0, -0.0, 5e-324, 2.2e-308, 1.7976931348623157e308]
    row = np.concatenate([payloads.view(float), odd])
    return np.tile(row, (1500, 1))


def with_sign_turned() -> np.ndarray:
    """Return numbers whose high word goes beyond its range, from NaN to -0.0 and back."""
    bits = np.full((400, 50), np.iinfo(np.int64).max)
    bits[1::2] = np.iinfo(np.int64).min
    return bits.view(float)


def frozen() -> np.ndarray:
    values = smooth()
    values.flags.writeable = False
    return values


CASES = {
    "smooth": smooth(),
    "odd values": odd_values(),
    "sign turned": with_sign_turned(),
    "fortran": np.asfortranarray(smooth()),
    "every other slot": smooth(n=1400)[:, ::-2],
    "backwards in time": smooth()[::-1],
    "read-only": frozen(),
    "two rows": smooth(2, 10_000),
    "one column": smooth(20_000, 1),
    "a few columns": smooth(5_000, 63),
    "rows longer than a block": smooth(3, 40_000),
    "a block and one row": smooth(differences._BLOCK // 700 + 2),
}


@pytest.mark.parametrize("array", CASES.values(), ids=CASES)
def test_every_value_comes_back_bit_for_bit(path: Path, array: np.ndarray) -> None:
    assert is_stored_by_differences(path, array)
    for loaded in both_ways(path, {"values": array}):
        assert_same(loaded, {"values": array})
        assert loaded["values"].flags.c_contiguous
        assert loaded["values"].flags.writeable


@pytest.mark.slow
@given(
    hnp.arrays(np.int64, (40, 8), elements=st.integers(-(2**63), 2**63 - 1)),
    st.integers(0, 32767),
    st.integers(1, 1500),
)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bits_come_back(path: Path, bits: np.ndarray, largest: int, repeats: int) -> None:
    high = np.cumsum((bits >> 32) % (2 * largest + 1) - largest, axis=0)
    tiled = np.tile((high << 32) + (bits & 0xFFFFFFFF), (1, repeats)).view(float)
    for loaded in both_ways(path, tiled):
        assert_same(loaded, tiled)


def test_a_loaded_array_is_not_part_of_another(path: Path) -> None:
    for one, other in both_ways(path, [smooth(), smooth()]):
        one += 1
        assert_same(other, smooth())


def test_an_array_named_several_times_is_stored_once_and_stays_one(path: Path) -> None:
    values, flat, small = smooth(), np.random.default_rng(1).random(50_000), np.arange(3)
    store.save_object(path, [values, flat, small])
    once = path.stat().st_size
    tree = {"a": values, "b": [flat, values, small], "c": {"d": values, "e": flat, "f": small}}
    for loaded in both_ways(path, tree):
        assert loaded["a"] is loaded["b"][1] is loaded["c"]["d"]
        assert loaded["b"][0] is loaded["c"]["e"]
        assert loaded["b"][2] is loaded["c"]["f"]
        assert_same(loaded, tree)
    assert path.stat().st_size < once + 300


def test_arrays_of_different_sizes_follow_each_other(path: Path) -> None:
    tree = [smooth(30), smooth(150), smooth(20, 900), smooth(149), smooth(150)]
    for loaded in both_ways(path, tree):
        assert_same(loaded, tree)


def test_saving_leaves_the_array_as_it_is(path: Path) -> None:
    values = smooth()
    store.save_object(path, values)
    assert_same(values, smooth())


def test_equal_arrays_give_equal_bytes(path: Path, tmp_path: Path) -> None:
    store.save_object(path, [smooth(), np.arange(5.0)])
    again = tmp_path / "again.pkl.gz"
    store.save_object(again, [np.asfortranarray(smooth()), np.arange(5.0)])
    assert path.read_bytes() == again.read_bytes()


READ_WITH_NUMPY_ALONE = """
import gzip, pickle, sys
import numpy as np
data = pickle.load(gzip.open(sys.argv[1]))
assert "lumimod" not in sys.modules
expected = np.load(sys.argv[2])
found = data["values"]
assert type(found) is np.ndarray and found.dtype == float and found.shape == expected.shape
assert found.tobytes() == expected.tobytes() and data["again"] is found
print("read")
"""


def test_numpy_alone_reads_it(path: Path, tmp_path: Path) -> None:
    values = smooth()
    store.save_object(path, {"values": values, "again": values})
    np.save(tmp_path / "expected.npy", values)
    # -I: neither the current folder nor PYTHONPATH is searched.
    command = [sys.executable, "-I", "-c", READ_WITH_NUMPY_ALONE]
    command += [str(path), str(tmp_path / "expected.npy")]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert (done.stdout, done.stderr) == ("read\n", "")


# --- how it is stored


def test_it_takes_48_bits_a_number_and_few_more(path: Path) -> None:
    values = smooth()
    store.save_object(path, values)
    first_row = 2 * values.shape[1]  # its high words, instead of differences
    assert path.stat().st_size < 6 * values.size + first_row + 1000


def test_only_public_names_of_numpy_are_named(path: Path) -> None:
    store.save_object(path, [smooth(), smooth(151)])
    names = global_names(path)
    assert names == {"numpy.ndarray", "numpy.concatenate", "numpy.cumsum", "builtins.int"}


def test_plain_pickle_keeps_nothing_of_what_an_array_is_made_of(path: Path) -> None:
    store.save_object(path, {"values": smooth(), "name": "x" * 50, "flat": np.arange(3.0)})
    with gzip.open(path) as stream:
        unpickler = pickle._Unpickler(stream)
        unpickler.load()
    kept = [part for part in unpickler.memo.values() if type(part) in (np.ndarray, bytearray)]
    assert [len(part) for part in kept] == [150, 24, 3]  # the bytes of `flat` are its memory
    assert sum(type(part) is str and len(part) == 50 for part in unpickler.memo.values()) == 1


@pytest.mark.parametrize("step", [32767, -32768])
@pytest.mark.parametrize("row", [1, 76, 149])
@pytest.mark.parametrize("low", [0, 0xFFFFFFFF])
def test_steps_of_16_bits_in_the_high_word_are_the_limit(
    path: Path, step: int, row: int, low: int
) -> None:
    bits = np.full((150, 700), (1 << 62) + (5 << 32))
    bits[row:, 699] += (step << 32) + low
    assert is_stored_by_differences(path, bits.view(float))
    assert_same(lumimod.load(path), bits.view(float))
    bits[row:, 699] += np.sign(step) << 32
    assert not is_stored_by_differences(path, bits.view(float))
    assert_same(lumimod.load(path), bits.view(float))


def of_size(n_bytes: int) -> np.ndarray:
    return np.ones((2, n_bytes // 16))


@pytest.mark.parametrize(
    "array",
    [
        np.random.default_rng(1).normal(size=(150, 700)),
        of_size(MIN_BYTES - 16),
        np.ones((1, 100_000)),
        np.ones(100_000),
        np.ones((10, 10, 1000)),
        np.ones((300, 1000), np.float32),
        np.ones((300, 1000), np.int64),
        np.ones((300, 1000), ">f8"),
        np.empty((0, 100_000)),
    ],
    ids=["noise", "small", "one row", "1d", "3d", "float32", "int64", "big-endian", "empty"],
)
def test_other_arrays_are_stored_as_they_are(path: Path, array: np.ndarray) -> None:
    store.save_object(path, {"values": array})
    assert global_names(path) == {"numpy.ndarray"}
    for loaded in both_ways(path, {"values": array}):
        assert_same(loaded, {"values": array})


def test_the_smallest_array_that_is_stored_by_differences(path: Path) -> None:
    assert is_stored_by_differences(path, of_size(MIN_BYTES))


def test_packed_tables_have_no_differences(path: Path) -> None:
    store.save_object(path, smooth(), pack=True)
    assert global_names(path) == {"numpy.ndarray"}
    assert_same(lumimod.load(path), smooth())


def test_an_array_that_changes_too_much_is_left_at_its_first_rows() -> None:
    differencing = Differencing()
    parts = differencing.of(smooth())
    assert parts is not None
    before = parts.low.copy()
    other = smooth() + 1
    other[1, 0] = -1
    assert differencing.of(other) is None
    np.testing.assert_array_equal(parts.low, before)
