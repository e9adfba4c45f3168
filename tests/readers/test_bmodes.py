"""Beam modes of the fills."""

from __future__ import annotations

import json
import math
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lumimod.errors import BadInputError, MissingInputError
from lumimod.readers import bmodes
from lumimod.readers.bmodes import BeamModes, read_bmodes, table_in

GOLDEN = Path(__file__).parents[1] / "golden"
ENTRY = {"t_startfill": 100.0, "t_endfill": 900.0, "t_start_STABLE": 300.0, "t_stop_STABLE": 800.0}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "fills_and_bmodes.pkl"


def read(path: Path, table: Any) -> BeamModes:
    path.write_bytes(pickle.dumps(table))
    return read_bmodes(path)


def test_golden_file_holds_its_fill() -> None:
    modes = read_bmodes(GOLDEN / "input" / "fills_and_bmodes.pkl")[5845]
    assert modes.fill == 5845
    assert modes.t_startfill_s < modes.start("STABLE") < modes.stop("STABLE") <= modes.t_endfill_s


def test_real_file_of_python_2_is_read() -> None:
    modes = read_bmodes(GOLDEN / "real_fill_3820_bmodes.pkl")[3820]
    assert modes.start("BEAMDUMP") == 0x556F9208
    assert math.isnan(modes.start("ABORT"))
    assert all(type(time_s) is float for time_s in modes.start_s.values())


def test_every_fill_is_returned_under_its_number(path: Path) -> None:
    fills = read(path, {np.int64(5): ENTRY, 6: ENTRY})
    assert list(fills) == [5, 6]
    assert all(type(fill) is int and modes.fill == fill for fill, modes in fills.items())


@pytest.mark.parametrize("kind", [int, float, np.int64, np.float64, np.float32])
def test_times_of_any_number_type_come_out_as_float(path: Path, kind: type) -> None:
    modes = read(path, {5: {name: kind(value) for name, value in ENTRY.items()}})[5]
    times = (modes.t_startfill_s, modes.t_endfill_s, modes.start("STABLE"), modes.stop("STABLE"))
    assert times == (100, 900, 300, 800)
    assert all(type(time_s) is float for time_s in times)


@pytest.mark.parametrize("mark", [-1, -1.0, np.float64(-1), np.int64(-1)])
def test_mode_that_did_not_occur_is_nan(path: Path, mark: float) -> None:
    modes = read(path, {5: {**ENTRY, "t_start_RAMP": mark, "t_stop_RAMP": mark}})[5]
    assert math.isnan(modes.start_s["RAMP"])
    assert math.isnan(modes.stop("RAMP"))


def test_mode_that_is_not_listed_is_nan(path: Path) -> None:
    modes = read(path, {5: ENTRY})[5]
    assert math.isnan(modes.start("RAMP"))
    assert math.isnan(modes.stop("RAMP"))


def test_end_of_a_fill_that_has_not_ended_is_nan(path: Path) -> None:
    assert math.isnan(read(path, {5: {**ENTRY, "t_endfill": -1}})[5].t_endfill_s)


@pytest.mark.parametrize(
    ("flag", "complete"),
    [({}, None), ({"flag_complete": True}, True), ({"flag_complete": np.bool_(False)}, False)],
)
def test_flag_of_a_complete_fill_may_be_missing(
    path: Path, flag: dict[str, object], complete: bool | None
) -> None:
    assert read(path, {5: {**ENTRY, **flag}})[5].complete is complete


def test_file_without_fills_gives_none(path: Path) -> None:
    assert read(path, {}) == {}


@settings(deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(["INJPROT", "RAMP", "STABLE", "BEAMDUMP"]), st.floats(0, 2e9), max_size=4
    )
)
def test_times_are_those_written(
    tmp_path_factory: pytest.TempPathFactory, start_s: dict[str, float]
) -> None:
    entry = {"t_startfill": 0, "t_endfill": 1, **{f"t_start_{m}": t for m, t in start_s.items()}}
    modes = read(tmp_path_factory.getbasetemp() / "modes.pkl", {5: entry})[5]
    assert modes.start_s == start_s


@pytest.mark.parametrize("value", [None, -1, float("nan"), np.float64(-1)])
@pytest.mark.parametrize("name", ["t_stop_STABLE", "t_endfill", "t_start_STABLE"])
def test_time_that_is_not_known_is_nan(path: Path, name: str, value: object) -> None:
    modes = read(path, {5: {**ENTRY, name: value}})[5]
    known = {"t_endfill": modes.t_endfill_s, "t_start_STABLE": modes.start("STABLE")}
    assert math.isnan(known.get(name, modes.stop("STABLE")))


# --- JSON

AS_JSON = {"5": {**ENTRY, "flag_complete": True}, "6": {**ENTRY, "t_stop_STABLE": None}}


@pytest.mark.parametrize("name", ["fills_and_bmodes.json", "fills_and_bmodes.pkl"])
@pytest.mark.parametrize("before", [b"", b"\xef\xbb\xbf", b"\n  "])
def test_json_gives_the_same_as_a_pickle(tmp_path: Path, name: str, before: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(before + json.dumps(AS_JSON, indent=4).encode())
    modes = read_bmodes(path)
    assert list(modes) == [5, 6]
    assert modes[5] == read(tmp_path / "p", {5: {**ENTRY, "flag_complete": True}})[5]
    assert math.isnan(modes[6].stop("STABLE"))
    assert modes[6].complete is None
    assert modes[6].in_progress


@pytest.mark.parametrize(
    "text", ["{", '{"5": {"t_startfill": 1', "{" * 100_000, '{"a": ' * 100_000]
)
def test_json_that_is_truncated_or_nested_without_end_is_reported(path: Path, text: str) -> None:
    path.write_text(text)
    with pytest.raises(BadInputError, match="bmodes.pkl: truncated or damaged JSON .*; make the"):
        read_bmodes(path)


@pytest.mark.parametrize(
    ("there", "found"),
    [
        (["fills_and_bmodes.json"], "fills_and_bmodes.json"),
        (["fills_and_bmodes.json", "fills_and_bmodes.pkl"], "fills_and_bmodes.pkl"),
        ([], "fills_and_bmodes.pkl"),
    ],
)
def test_json_is_taken_where_there_is_no_pickle(
    tmp_path: Path, there: list[str], found: str
) -> None:
    for name in there:
        (tmp_path / name).touch()
    assert table_in(tmp_path) == tmp_path / found


# --- faults of one fill

BAD_ENTRIES: dict[str, tuple[object, str]] = {
    "text": ({**ENTRY, "t_start_STABLE": "noon"}, "t_start_STABLE is 'noon', not a time in Unix s"),
    "list": ({**ENTRY, "t_start_RAMP": [1.0]}, "t_start_RAMP is a list, not a time"),
    "array": ({**ENTRY, "t_start_RAMP": np.zeros(3)}, "t_start_RAMP is a ndarray, not a time"),
    "bool": ({**ENTRY, "t_stop_RAMP": True}, "t_stop_RAMP is a bool, not a time"),
    "huge integer": ({**ENTRY, "t_stop_RAMP": 10**3000}, "t_stop_RAMP is a huge number, not"),
    "huge number": ({**ENTRY, "t_endfill": 1e15}, "t_endfill is 1000000000000000.0, not a time"),
    "infinity": ({**ENTRY, "t_endfill": math.inf}, "t_endfill is inf, not a time"),
    "negative": ({**ENTRY, "t_endfill": -2}, "t_endfill is -2, not a time"),
    "milliseconds": ({**ENTRY, "t_endfill": 1497517740000}, "is 1497517740000, not a time in"),
    "no bound": ({"t_startfill": 100.0}, "no t_endfill"),
    "no bounds": ({}, "no t_startfill and no t_endfill"),
    "no dict": ([1, 2], "a list, not a dict"),
    "odd flag": ({**ENTRY, "flag_complete": "yes"}, "flag_complete is 'yes', not True or False"),
}  # fmt: skip


@pytest.mark.parametrize(("entry", "said"), BAD_ENTRIES.values(), ids=BAD_ENTRIES)
def test_bad_entry_costs_its_own_fill(path: Path, entry: object, said: str) -> None:
    modes = read(path, {4: ENTRY, 5: entry, 6: ENTRY})
    assert list(modes) == [4, 6]
    assert list(modes.faults) == [5]
    with pytest.raises(BadInputError, match=f"bmodes.pkl: fill 5: .*{said}.*; make the file again"):
        modes[5]


def test_fill_that_is_not_in_the_file_is_told_with_its_file(path: Path) -> None:
    modes = read(path, {4: ENTRY})
    with pytest.raises(
        MissingInputError,
        match="not in the beam modes .*bmodes.pkl; get it: python .*getData.py --fill 5",
    ):
        modes[5]


@pytest.mark.parametrize("key", ["fills", 1.5, (5, 6), -1, True, 10**12, "5.0", "\u0665"])
def test_key_that_is_no_fill_number_is_left_out_with_a_warning(
    path: Path, key: object, caplog: pytest.LogCaptureFixture
) -> None:
    assert list(read(path, {key: ENTRY, 5: ENTRY})) == [5]
    assert "not the number of a fill; left out" in caplog.text


@pytest.mark.parametrize("table", [{5: 1}, {5: {}, 6: None}, {"fills": ENTRY}])
def test_file_without_any_entry_that_can_be_used_is_reported(path: Path, table: object) -> None:
    with pytest.raises(BadInputError, match="bmodes.pkl: .*; make the file again"):
        read(path, table)


def test_pickle_that_is_no_dict_is_reported(path: Path) -> None:
    with pytest.raises(BadInputError, match="holds a list, not a dict of fills"):
        read(path, [1, 2])


def test_missing_file_is_reported(path: Path) -> None:
    with pytest.raises(MissingInputError, match="no such file"):
        read_bmodes(path)


def test_json_that_cannot_be_read_is_reported(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path.write_text(json.dumps({"5845": {"t_startfill": 1.0, "t_endfill": 2.0}}))

    def fail(_: Path) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(bmodes, "load_json", fail)
    with pytest.raises(MissingInputError, match="Permission denied"):
        read_bmodes(path)


def test_file_that_may_not_be_opened_is_reported(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path.write_text("{}")

    def fail(_: Path) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(bmodes, "opened", fail)
    assert not bmodes._is_json(path)
