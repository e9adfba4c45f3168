"""Beam modes of the fills."""

from __future__ import annotations

import math
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lumimod.errors import BadInputError, MissingInputError
from lumimod.readers.bmodes import FillModes, read_bmodes

GOLDEN = Path(__file__).parents[1] / "golden"
ENTRY = {"t_startfill": 100.0, "t_endfill": 900.0, "t_start_STABLE": 300.0, "t_stop_STABLE": 800.0}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "fills_and_bmodes.pkl"


def read(path: Path, table: Any) -> dict[int, FillModes]:
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


@pytest.mark.parametrize("name", ["t_startfill", "t_endfill"])
def test_missing_bound_of_a_fill_is_reported(path: Path, name: str) -> None:
    entry = {key: value for key, value in ENTRY.items() if key != name}
    with pytest.raises(BadInputError, match=f"bmodes.pkl: fill 5: no {name}; make the file again"):
        read(path, {5: entry})


def test_fill_that_is_no_dict_is_reported(path: Path) -> None:
    with pytest.raises(BadInputError, match="fill 5: a list, not a dict"):
        read(path, {5: [1, 2]})


@pytest.mark.parametrize("value", ["noon", None, [1.0, 2.0]])
def test_time_that_is_no_number_is_reported(path: Path, value: object) -> None:
    with pytest.raises(BadInputError, match="fill 5: t_start_STABLE is .*, not a time"):
        read(path, {5: {**ENTRY, "t_start_STABLE": value}})


def test_key_that_is_no_fill_number_is_reported(path: Path) -> None:
    with pytest.raises(BadInputError, match="'fills' is not a fill number"):
        read(path, {"fills": ENTRY})


def test_pickle_that_is_no_dict_is_reported(path: Path) -> None:
    with pytest.raises(BadInputError, match="holds a list, not a dict of fills"):
        read(path, [1, 2])


def test_missing_file_is_reported(path: Path) -> None:
    with pytest.raises(MissingInputError, match="no such file"):
        read_bmodes(path)
