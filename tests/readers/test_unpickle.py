"""Pickles: what is admitted, and that nothing else is run."""

from __future__ import annotations

import collections
import datetime
import gc
import gzip
import os
import pickle
import subprocess
import sys
import time
import weakref
from pathlib import Path
from typing import Any, Callable

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lumimod.errors import BadInputError, MissingInputError
from lumimod.readers import pickle_steps
from lumimod.readers.unpickle import ALLOWED, load_pickle

GOLDEN = Path(__file__).parents[1] / "golden"
TIMES = pd.to_datetime([1_498_807_320, 1_498_807_380], unit="s")

EVERY_5_MIN = pd.date_range("2017", periods=2, freq="5min")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data.pkl"


def global_pickle(module: str, name: str) -> bytes:
    return f"c{module}\n{name}\n.".encode()


def round_trip(path: Path, value: Any, protocol: int = pickle.HIGHEST_PROTOCOL) -> Any:
    path.write_bytes(pickle.dumps(value, protocol))
    return load_pickle(path)


# ----- admitted -----


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize(
    "value",
    [
        {1: [2.5, (3, None)], "a": {"b": b"\x00\xff"}},
        {1, 2},
        frozenset({3}),
        bytearray(b"ab"),
        1 + 2j,
        10**30,
        collections.OrderedDict(a=1),
        datetime.datetime(2017, 6, 30, 5, 20, 0, 123000),
        datetime.datetime(2017, 6, 30, tzinfo=datetime.timezone.utc),
        datetime.date(2017, 6, 30),
        datetime.timedelta(seconds=5),
        np.float64(2.5),
        np.int64(3),
        np.str_("abc"),
        np.bool_(True),
        np.datetime64("2017-06-30"),
        np.dtype("f4"),
    ],
    ids=repr,
)
def test_plain_value_is_returned(path: Path, value: object, protocol: int) -> None:
    found = round_trip(path, value, protocol)
    assert type(found) is type(value)
    assert found == value


def test_defaultdict_is_returned_with_its_factory(path: Path) -> None:
    found = round_trip(path, collections.defaultdict(list, a=[1]))
    assert found["b"] == []


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize(
    "array",
    [
        np.arange(6.0).reshape(2, 3),
        np.asfortranarray(np.arange(6).reshape(2, 3)),
        np.array([], bool),
        np.array(["a", "bc"]),
        np.array([None, "a", 1.5], object),
        np.array([(1, 2.5)], [("a", int), ("b", float)]),
    ],
    ids=["2d", "fortran", "empty", "str", "object", "fields"],
)
def test_array_is_returned(path: Path, array: np.ndarray[Any, Any], protocol: int) -> None:
    found = round_trip(path, array, protocol)
    assert found.dtype == array.dtype
    np.testing.assert_array_equal(found, array)


@pytest.mark.parametrize("core", ["numpy.core", "numpy._core"])
def test_array_of_either_numpy_is_returned(path: Path, core: str) -> None:
    written = pickle.dumps(np.arange(3.0), 2)
    for known in (b"numpy._core.", b"numpy.core."):
        written = written.replace(known, f"{core}.".encode())
    path.write_bytes(written)
    assert load_pickle(path).tolist() == [0, 1, 2]


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize(
    "make",
    [
        lambda: pd.DataFrame({"a": [1.5, 2.5], "b": [1, 2], "c": [True, False]}),
        lambda: pd.DataFrame({"name": ["ATLAS", "CMS"], "v": [1.0, 2.0]}),
        lambda: pd.DataFrame({"t": TIMES, "utc": TIMES.tz_localize("UTC"), "v": [1.0, 2.0]}),
        lambda: pd.DataFrame({"v": [1.0, 2.0]}, index=TIMES),
        lambda: pd.DataFrame(
            {"v": [1.0, 2.0]}, index=pd.date_range("2017", periods=2, freq="5min")
        ),
        lambda: pd.DataFrame({"v": [1.0, 2.0]}, index=["a", "b"]),
        lambda: pd.DataFrame({"v": [[1, 2], None]}, dtype=object),
    ],
    ids=["numbers", "text", "times", "time index", "frequency", "text index", "objects"],
)
def test_table_is_returned(path: Path, make: Callable[[], pd.DataFrame], protocol: int) -> None:
    with pd.option_context("mode.string_storage", "python"):  # as where pyarrow is not installed
        table = make()
    pd.testing.assert_frame_equal(round_trip(path, table, protocol), table)


def test_series_and_index_are_returned(path: Path) -> None:
    pd.testing.assert_series_equal(round_trip(path, pd.Series([1.5])), pd.Series([1.5]))
    pd.testing.assert_index_equal(round_trip(path, pd.Index([1, 2])), pd.Index([1, 2]))


def test_timestamps_are_returned(path: Path) -> None:
    stamps = [pd.Timestamp("2017-06-30"), pd.NaT]
    found = round_trip(path, stamps)
    assert found[0] == stamps[0]
    assert found[1] is pd.NaT


def test_index_class_of_pandas_1_becomes_an_index(path: Path) -> None:
    path.write_bytes(global_pickle("pandas.core.indexes.numeric", "Int64Index"))
    assert issubclass(load_pickle(path), pd.Index)


@pytest.mark.parametrize("name", ["_nat_unpickle", "__nat_unpickle"])
def test_missing_time_of_either_pandas_is_returned(path: Path, name: str) -> None:
    path.write_bytes(f"cpandas._libs.tslibs.nattype\n{name}\n(tR.".encode())
    assert load_pickle(path) is pd.NaT


def test_utc_of_pytz_becomes_that_of_datetime(path: Path) -> None:
    path.write_bytes(b"cpytz\n_UTC\n(tR.")
    assert load_pickle(path) is datetime.timezone.utc


def test_gzip_is_told_by_contents_not_by_name(path: Path) -> None:
    path.write_bytes(gzip.compress(pickle.dumps({"a": 1}), mtime=0))
    assert load_pickle(path) == {"a": 1}


def test_strings_of_python_2_come_out_as_str(path: Path) -> None:
    path.write_bytes(b"(dp0\nS'caf\\xe9'\np1\nI1\ns.")
    assert load_pickle(path) == {"caf\xe9": 1}


def test_arrays_of_python_2_come_out_as_numbers() -> None:
    modes = load_pickle(GOLDEN / "real_fill_3820_bmodes.pkl")
    assert list(modes) == [3820]
    assert modes[3820]["t_startfill"] == np.frombuffer(b"\0\0\0|\xc6[\xd5A")[0]
    assert modes[3820]["t_start_BEAMDUMP"] == 0x556F9208


@pytest.mark.parametrize(
    "golden", sorted((GOLDEN / "expected").glob("*.pkl.gz")), ids=lambda p: p.name
)
def test_golden_file_equals_what_pickle_returns(golden: Path) -> None:
    with gzip.open(golden) as file:
        expected = pickle.load(file, encoding="latin1")
    np.testing.assert_equal(load_pickle(golden), expected)


# ----- refused -----


class Evil:
    def __reduce__(self) -> tuple[Any, ...]:
        return (os.mkdir, ("ran",))


def test_call_of_the_system_is_refused_and_not_run(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(
        BadInputError, match=r"data.pkl: contains (posix|nt).mkdir, which no data file"
    ):
        round_trip(path, Evil())
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("module", "name"),
    [("builtins", "eval"), ("__builtin__", "exec"), ("builtins", "getattr"), ("os", "system"),
     ("pandas", "read_pickle"), ("pandas", "eval"), ("pandas.core.frame", "np"),
     ("numpy", "load"), ("numpy.core.multiarray", "fromfile"), ("numpy.dtypes", "sys"),
     ("copyreg", "_reconstructor"), ("lumimod.errors", "BadInputError")],
)  # fmt: skip
def test_name_that_is_not_listed_is_refused(path: Path, module: str, name: str) -> None:
    path.write_bytes(global_pickle(module, name))
    with pytest.raises(BadInputError, match=f"contains {module}.{name}, which"):
        load_pickle(path)


def test_attribute_of_a_listed_name_is_refused(path: Path) -> None:
    path.write_bytes(b"\x80\x04\x8c\x06pandas\x8c\x11DataFrame.to_json\x93.")
    with pytest.raises(BadInputError, match=r"contains pandas.DataFrame.to_json"):
        load_pickle(path)


def test_listed_names_hold_nothing_that_runs_text() -> None:
    names = {name for _, name in ALLOWED}
    assert not names & {"eval", "exec", "compile", "getattr", "open", "__import__", "read_pickle"}


def test_name_that_this_python_lacks_is_reported(path: Path) -> None:
    path.write_bytes(global_pickle("__builtin__", "frozenset").replace(b"frozenset", b"unicode"))
    assert load_pickle(path) is str
    path.write_bytes(b"\x80\x03cbuiltins\nunicode\n.")
    with pytest.raises(BadInputError, match="of another pandas"):
        load_pickle(path)


@pytest.mark.parametrize(
    "data", [b"", b"VARIABLE: X\n", b"\x80\x04", b"\xff\x00rubbish", gzip.compress(b"", mtime=0)]
)
def test_file_that_is_no_pickle_is_reported(path: Path, data: bytes) -> None:
    path.write_bytes(data)
    with pytest.raises(BadInputError, match=r"data.pkl: truncated, not a pickle"):
        load_pickle(path)


@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize("kept", [0.2, 0.6, 0.99])
def test_truncated_pickle_is_reported(path: Path, kept: float, zipped: bool) -> None:
    data = pickle.dumps({"a": np.random.default_rng(1).random(300)})
    data = gzip.compress(data, mtime=0) if zipped else data
    path.write_bytes(data[: int(kept * len(data))])
    with pytest.raises(BadInputError, match=r"data.pkl: truncated, not a pickle"):
        load_pickle(path)


def test_message_is_one_short_line(path: Path) -> None:
    path.write_bytes(b"cnumpy\ndtype\n(S'bad\\ndtype" + b"x" * 80 + b"'\ntR.")
    with pytest.raises(BadInputError, match="truncated, not a pickle") as caught:
        load_pickle(path)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 200 + len(str(path))


def test_missing_file_is_reported(path: Path) -> None:
    with pytest.raises(MissingInputError, match=r"data.pkl: no such file"):
        load_pickle(path)


def test_unreadable_file_is_reported(tmp_path: Path) -> None:
    with pytest.raises(MissingInputError, match="cannot be read"):
        load_pickle(tmp_path)


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@settings(deadline=None)
@given(plain, st.integers(0, pickle.HIGHEST_PROTOCOL))
def test_what_was_saved_is_loaded(
    tmp_path_factory: pytest.TempPathFactory, value: object, protocol: int
) -> None:
    assert round_trip(tmp_path_factory.getbasetemp() / "value.pkl", value, protocol) == value


# ----- attacks: what a few bytes could do -----


def nested(opening: bytes, closing: bytes, depth: int) -> bytes:
    return b"\x80\x02" + opening * depth + closing * depth + b"."


def doubled(times: int) -> bytes:
    """Return the steps that make a tuple of twice the same tuple, and so on."""
    steps = [b")"]
    for i in range(times):
        steps.append(b"q" + bytes([i]) + b"h" + bytes([i]) + b"\x86")
    return b"".join(steps)


def call(module: str, name: str, args: bytes) -> bytes:
    return b"\x80\x02c" + f"{module}\n{name}\n".encode() + b"(" + args + b"tR."


def number(value: int) -> bytes:
    text = value.to_bytes(9, "little", signed=True)
    return b"\x8a\x09" + text


def over_and_over(step: bytes, kind: bytes) -> bytes:
    """Return a list of what a step makes 10,000 times of the same 100 kB."""
    data = kind + (10**5).to_bytes(8, "little") + b"a" * 10**5
    return b"\x80\x04" + data + b"q\x000](" + step * 10_000 + b"e."


EMPTY_ARRAY = b"\x80\x02cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\nK\x00\x85U\x01btR"
U1 = b"cnumpy\ndtype\n(U\x02u1tR"

NO_DATA_FILE = {
    "tuple doubled by dup as key": b"\x80\x02})" + b"2\x86" * 40 + b"K\x01s.",
    "tuple doubled by memo as key": b"\x80\x02}" + doubled(40) + b"K\x01s.",
    "tuple doubled as key of many": b"\x80\x02}(" + doubled(40) + b"K\x01u.",
    "tuple doubled as key of a dict": b"\x80\x02(" + doubled(40) + b"K\x01d.",
    "tuple doubled in a set": b"\x80\x04\x8f(" + doubled(40) + b"\x90.",
    "tuple doubled in a frozen set": b"\x80\x04(" + doubled(40) + b"\x91.",
    "tuple doubled in a set of Python 2": call("__builtin__", "set", b"(" + doubled(40) + b"l"),
    "tuple doubled as items of an array": call("numpy", "dtype", doubled(40)),
    "tuple doubled alone": b"\x80\x02" + doubled(40) + b".",
    "tuple a million deep": nested(b")", b"\x85", 1_000_000),
    "tuple a million deep as key": b"\x80\x02})" + b"\x85" * 1_000_000 + b"K\x01s.",
    "list a million deep": nested(b"]", b"a", 1_000_000)[:-2] + b".",
    "marks without end": b"\x80\x02" + b"(" * 6_000_000 + b".",
    "list in itself": b"\x80\x02]q\x00h\x00a.",
    "list of lists of the same list": (
        b"\x80\x02](" + b"N" * 9000 + b"eq\x00](" + b"h\x00" * 9000 + b"e0]("
        + b"h\x00" * 9000 + b"e."
    ),
    "huge array": call("numpy", "ndarray", number(10**12) + b"\x85U\x02f8"),
    "huge array with few bytes": call("numpy", "ndarray", number(10**12) + b"\x85U\x02f8U\x01a"),
    "huge reconstructed array": call(
        "numpy.core.multiarray",
        "_reconstruct",
        b"cnumpy\nndarray\n" + number(10**12) + b"\x85U\x01b",
    ),
    "huge list of an array": (
        b"\x80\x02cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\nK\x00\x85U\x01btR"
        b"(K\x01" + number(10**11) + b"\x85cnumpy\ndtype\n(U\x02O8K\x00K\x01tR\x89]tb."
    ),
    "huge bytes": b"\x80\x04\x8e" + (10**12).to_bytes(8, "little") + b"abc.",
    "huge array of bytes": b"\x80\x05\x96" + (10**12).to_bytes(8, "little") + b"abc.",
    "huge frame": b"\x80\x04\x95" + (10**12).to_bytes(8, "little") + b"N",
    "huge bytearray": call("__builtin__", "bytearray", number(10**12)),
    "huge item": call(
        "numpy.core.multiarray", "scalar", b"cnumpy\ndtype\n(U\x0bS2000000000tRU\x01a"
    ),
    "huge table": call(
        "pandas", "DataFrame", b"K\x01cpandas\nRangeIndex\n(" + number(10**12) + b"tR"
    ),
    "list of a range": call(
        "__builtin__", "list", b"cpandas.core.indexes.base\n_new_Index\n(cpandas\nRangeIndex\n}("
        b"U\x05startK\x00U\x04stop" + number(10**12) + b"U\x04stepK\x01utR"
    ),
    "huge integer": b"\x80\x02L" + b"9" * 10_000_000 + b"L\n.",
    "huge binary integer": b"\x80\x02\x8b" + (10**7).to_bytes(4, "little") + b"\x11" * 10**7 + b".",
    "text in another encoding": call("_codecs", "encode", b"X\x05\x00\x00\x00aaaaaU\x04idna"),
    "addresses for objects": (
        b"\x80\x02cnumpy\ndtype\n(U\x02O8K\x00K\x01tRq\x00(K\x03U\x01|NNNJ\xff\xff\xff\xff"
        b"J\xff\xff\xff\xffK\x00tb0cnumpy\nndarray\n(K\x01\x85h\x00U\x08AAAAAAAAtR."
    ),
    "array that is filled twice": (
        b"\x80\x02cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\nK\x00\x85U\x01btR"
        + 2 * b"(K\x01K\x01\x85cnumpy\ndtype\n(U\x02u1K\x00K\x01tR\x89U\x01atb" + b"."
    ),
    "contents of a class": b"\x80\x02cpandas\nDataFrame\n}U\x01aK\x01sb.",
    "contents of a function": b"\x80\x02cpandas.core.indexes.base\n_new_Index\n}U\x01aK\x01sb.",
    "object of Python 2": b"(ccollections\nOrderedDict\no.",
    "keys of a list": b"\x80\x02]K\x00K\x01s.",
    "object of a number": b"\x80\x02K\x01)\x81.",
    "object with options": b"\x80\x04cpandas\nDataFrame\n)}U\x01aK\x01s\x92.",
    "object of a class that is called": b"\x80\x04ccollections\nOrderedDict\n)}\x92.",
    "array of a negative size": EMPTY_ARRAY + b"(K\x01J\xff\xff\xff\xff\x85" + U1 + b"\x89U\x00tb.",
    "array of items of no type": EMPTY_ARRAY + b"(K\x01K\x01\x85N\x89U\x01atb.",
    "array of a number": EMPTY_ARRAY + b"(K\x01K\x01\x85" + U1 + b"\x89K\x07tb.",
    "array of objects as bytes": (
        EMPTY_ARRAY + b"(K\x01K\x01\x85cnumpy\ndtype\n(U\x02O8tR\x89U\x08AAAAAAAAtb."
    ),
    "type of items by number": call("numpy", "dtype", b"K\x08"),
    "type of items with a long name": call("numpy", "dtype", b"X\x65\x00\x00\x00" + b"f" * 101),
    "items that are larger than their type": (
        b"\x80\x02cnumpy\ndtype\n(U\x02V8tR(K\x03U\x01|cnumpy\ndtype\n(U\x02f8tRK\x09\x85\x86"
        b"NNK\x08K\x01K\x00tb."
    ),
    "number of a number": call(
        "numpy.core.multiarray", "scalar", b"cnumpy\ndtype\n(U\x02f8tRK\x01"
    ),
    "text of a list": call("__builtin__", "bytearray", b"]"),
    "defaults of a class": call("collections", "defaultdict", b"cnumpy\ndtype\n"),
    "array that repeats its bytes": b"\x80\x04cnumpy\nndarray\n(" + number(10**12) + (
        b"\x85\x8c\x02u1C\x01aK\x00K\x00\x85tR."
    ),
    "bytes copied over and over": over_and_over(b"cbuiltins\nbytearray\nh\x00\x85R", b"\x8e"),
    "text copied over and over": over_and_over(
        b"c_codecs\nencode\nh\x00\x8c\x06latin1\x86R", b"\x8d"
    ),
    "slice of texts": call("__builtin__", "slice", b"U\x01a"),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("attack", NO_DATA_FILE.values(), ids=NO_DATA_FILE)
def test_attack_is_refused_at_once(path: Path, attack: bytes, packed: bool) -> None:
    path.write_bytes(gzip.compress(attack, 1) if packed else attack)
    started = time.process_time()
    with pytest.raises(BadInputError, match=r"data.pkl: (contains .*, which no data|truncated, )"):
        load_pickle(path)
    assert time.process_time() - started < 10


@pytest.mark.slow
def test_a_small_file_of_millions_of_parts_is_refused(path: Path) -> None:
    path.write_bytes(gzip.compress(b"\x80\x02(" + b"N" * 6_000_000 + b"l."))
    with pytest.raises(BadInputError, match="contains too many parts"):
        load_pickle(path)


MEMORY = """
import pathlib, sys
from lumimod.errors import BadInputError
from lumimod.readers.unpickle import load_pickle
for path in sorted(pathlib.Path(sys.argv[1]).iterdir()):
    try:
        load_pickle(path)
    except BadInputError:
        continue
status = pathlib.Path("/proc/self/status").read_text()
print(status.partition("VmHWM:")[2].split()[0])
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux for the most memory")
def test_no_attack_takes_the_memory_of_others(tmp_path: Path) -> None:
    for i, attack in enumerate(NO_DATA_FILE.values()):
        (tmp_path / str(i)).write_bytes(attack)
    (tmp_path / "zeros").write_bytes(gzip.compress(b"\x80\x05\x8e" + b"\0" * 300_000_000))
    command = [sys.executable, "-c", MEMORY, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603
    assert int(done.stdout) < 500_000  # kB: what the limit admits, beside the libraries


@pytest.mark.slow
def test_big_but_honest_contents_are_read(path: Path) -> None:
    shared = tuple(range(50))
    value = {
        "numbers": list(range(20_000)),
        "shared": [shared] * 2_000,
        "keys": {(i, "ATLAS", (i, i)): i for i in range(1000)},
        "objects": np.array(["coll", "noncoll"] * 30_000, object),
        "array": np.zeros(20_000_000, np.uint8),
    }
    found = round_trip(path, value)
    np.testing.assert_equal(found, value)


@pytest.mark.parametrize("behind", [b"\0", b"x", b"N."])
@pytest.mark.parametrize("packed", [False, True])
def test_something_behind_the_end_is_reported(path: Path, behind: bytes, packed: bool) -> None:
    data = pickle.dumps({"a": 1})
    for whole in (data + behind,) if not packed else (
        gzip.compress(data + behind), gzip.compress(data) + behind
    ):  # fmt: skip
        path.write_bytes(whole)
        with pytest.raises(BadInputError, match=r"data.pkl: truncated, not a pickle"):
            load_pickle(path)


def test_what_was_read_is_not_kept(path: Path) -> None:
    gc.disable()
    try:
        array = weakref.ref(round_trip(path, {"a": np.zeros(1000)})["a"])
        assert array() is None
    finally:
        gc.enable()


def test_a_table_whose_columns_are_named_by_objects_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "table.pkl"
    frame = pd.DataFrame({"a": [1.0], "b": [2.0]})
    frame.columns = pd.Index([np.object_, "b"], dtype=object)
    path.write_bytes(pickle.dumps(frame))
    with pytest.raises(BadInputError, match=r"table\.pkl"):
        load_pickle(path)


def test_containers_are_read_as_deep_as_they_may_be(path: Path) -> None:
    path.write_bytes(nested(b"]", b"a", pickle_steps.MAX_DEPTH)[:-2] + b".")
    value, depth = load_pickle(path), 1
    while value:
        (value,) = value
        depth += 1
    assert depth == pickle_steps.MAX_DEPTH


def test_bytes_are_read_in_pieces(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pickle_steps, "BULK_BYTES", 4)
    for n_bytes in (3, 4, 10, 12):
        content = b"0123456789ab"[:n_bytes]
        for code, value in ((b"\x96", bytearray(content)), (b"\x8e", content)):
            length = n_bytes.to_bytes(8, "little")
            path.write_bytes(b"\x80\x05" + code + length + content + b".")
            assert load_pickle(path) == value


def test_items_that_are_arrays_themselves_are_read(path: Path) -> None:
    value = np.array([(1, [2.0, 3.0])], dtype=[("n", "i4"), ("pair", "f8", (2,))])
    found = round_trip(path, value)
    assert found.dtype == value.dtype
    assert found["pair"].tolist() == [[2.0, 3.0]]


def test_list_that_is_made_of_items_is_read(path: Path) -> None:
    path.write_bytes(call("__builtin__", "list", b"(K\x01K\x02l"))
    assert load_pickle(path) == [1, 2]


@pytest.mark.parametrize("name", [1.5, ("a", "b"), None])
def test_table_with_odd_names_of_columns_is_refused(path: Path, name: object) -> None:
    pd.DataFrame([[1.0]], columns=pd.Index([name], dtype=object, tupleize_cols=False)).to_pickle(
        path
    )
    with pytest.raises(BadInputError, match="columns of a table have odd names"):
        load_pickle(path)


def test_a_missing_table_is_told_with_the_setting_that_makes_it(tmp_path: Path) -> None:
    with pytest.raises(MissingInputError, match="_df.pkl.gz: no such file; set savePandas = True"):
        load_pickle(tmp_path / "fill_5845_df.pkl.gz")
