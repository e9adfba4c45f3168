"""Pickles: what is admitted, and that nothing else is run."""

from __future__ import annotations

import collections
import datetime
import gzip
import os
import pickle
from pathlib import Path
from typing import Any, Callable

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lumimod.errors import BadInputError, MissingInputError
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
    path.write_bytes(b"cnumpy\ndtype\n(S'bad\\ndtype" + b"x" * 500 + b"'\ntR.")
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
