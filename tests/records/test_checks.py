"""Parts of a record that do not fit each other are found, and records that are right pass."""

from __future__ import annotations

import pickle
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lumimod import load
from lumimod.errors import BadInputError, MissingStepError
from lumimod.records import (
    CalculatedLumi,
    Cycle,
    FillLosses,
    Fits,
    GrowthBeyond,
    Lifetime,
    LumiEmittance,
    MeasuredLumi,
    StableBeams,
    StableBeamsModel,
    parse,
    store,
)
from lumimod.records.checks import kind_of
from lumimod.records.diary import Diary
from lumimod.records.record import fault_of
from tests.conftest import GOLDEN, Analysed

OF_THE_ORIGINAL = sorted((GOLDEN / "expected").rglob("*.pkl.gz"))
NOT_READ = ("made", "settings", "case", "life_time_bbb", "life_time_tot")
"""What a record has beside its arrays, and second names of arrays."""
KINDS = {
    "fill_5845.pkl.gz": StableBeams,
    "fill_5845_cycle.pkl.gz": Cycle,
    "fill_5845_lumi_calc.pkl.gz": CalculatedLumi,
    "fill_5845_lumi_meas.pkl.gz": MeasuredLumi,
    "fill_5845_fits.pkl.gz": Fits,
    "fill_5845_lifetime.pkl.gz": Lifetime,
    "fill_5845_losses.pkl.gz": FillLosses,
    "fill_5845_lumi_emittance.pkl.gz": LumiEmittance,
    "fill_5845_growth.pkl.gz": GrowthBeyond,
    "fill_5845_sbmodel_case1.pkl.gz": StableBeamsModel,
}


def arrays(data: Any, keys: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], np.ndarray]]:
    """Yield each array of a result with the keys that lead to it, second names left out."""
    for key, value in data.items():
        if key in NOT_READ:
            continue
        if isinstance(value, Mapping):
            yield from arrays(value, (*keys, key))
        elif isinstance(value, np.ndarray) and value.size:
            yield (*keys, key), value


def put(data: Any, keys: tuple[Any, ...], value: Any) -> None:
    for key in keys[:-1]:
        data = data[key]
    data[keys[-1]] = value


@pytest.fixture(scope="module", params=KINDS)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def data(golden_run: Analysed, name: str) -> Any:
    """Return the dict of a result of each kind."""
    return load(golden_run.folder / name)


@pytest.mark.parametrize("path", OF_THE_ORIGINAL, ids=lambda path: path.name)
def test_results_of_the_original_pass(path: Path) -> None:
    found = load(path)
    assert kind_of(found) is not None
    assert fault_of(found) == ""


def test_results_pass_and_are_known_by_their_keys(data: Any, name: str) -> None:
    assert kind_of({key: of for key, of in data.items() if key != "made"}) is KINDS[name]
    assert kind_of(data) is KINDS[name]
    assert fault_of(data) == ""


def test_results_of_other_steps_are_left_alone() -> None:
    by_experiment = {"ATLAS": np.zeros((2, 3)), "CMS": np.zeros((2, 3))}
    of_times = {"time_range": np.arange(2.0), "slots": np.arange(3), **by_experiment}
    for other in ({}, {"made": {}}, {"tune": np.zeros(3)}, [1], None, by_experiment, of_times):
        assert kind_of(other) is None
        assert fault_of(other) == ""


def test_an_array_that_is_too_short_is_found_wherever_it_is(data: Any) -> None:
    for keys, array in list(arrays(data)):
        put(data, keys, array[:-1])
        assert "not a " in fault_of(data), keys
        put(data, keys, array[..., :-1])
        assert "not a " in fault_of(data), keys
        put(data, keys, array)
    assert fault_of(data) == ""


TIMES = ("time_range", "window_time")
SLOTS = ("slots_filled_coll", "slots", "filled_slots")


@pytest.mark.parametrize("change", ["swapped", "repeated", "nan", "reversed"])
def test_times_that_do_not_increase_are_found(data: Any, change: str) -> None:
    for keys, array in [pair for pair in arrays(data) if pair[0][-1] in TIMES]:
        odd = array.copy()
        odd[:2] = {
            "swapped": array[1::-1],
            "repeated": array[0],
            "nan": np.nan,
            "reversed": array[:2],
        }[change]
        put(data, keys, odd[::-1] if change == "reversed" else odd)
        assert "its times do not increase" in fault_of(data)


@pytest.mark.parametrize(("at", "value"), [(0, -1), (-1, 3564), (-1, 0)])
def test_slots_that_cannot_be_are_found(data: Any, at: int, value: int) -> None:
    n_found = 0
    for keys, array in list(arrays(data)):
        if SLOTS[0] in keys or keys[-1] in SLOTS:
            odd = np.asarray(array).copy()
            odd[at] = value
            put(data, keys, odd)
            assert "slots of beam" in fault_of(data)
            put(data, keys, array)
            n_found += 1
    assert n_found or kind_of(data) in (CalculatedLumi, MeasuredLumi, Fits, StableBeamsModel)


def test_colliding_slots_that_differ_between_beams_are_found(golden_run: Analysed) -> None:
    found = load(golden_run.folder / "fill_5845.pkl.gz")
    found["slots_filled_coll"][2] = found["slots_filled_coll"][2] + 1
    assert "the colliding slots of its beams differ" in fault_of(found)


def test_an_odd_record_is_not_loaded_and_says_why(golden_run: Analysed, tmp_path: Path) -> None:
    found = load(golden_run.folder / "fill_5845_lumi_calc.pkl.gz")
    found["time_range"] = found["time_range"][::-1]
    with pytest.raises(
        MissingStepError, match=r"odd: not a CalculatedLumi result \(its times do not increase\)"
    ):
        parse(CalculatedLumi, found, "odd")


def test_an_odd_record_counts_as_damaged_and_the_log_says_why(
    golden_run: Analysed, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    found = load(golden_run.folder / "fill_5845_lumi_calc.pkl.gz")
    whole, odd = tmp_path / "whole.pkl", tmp_path / "odd.pkl"
    whole.write_bytes(pickle.dumps(found))
    found["xing_angle"][5] = found["xing_angle"][5][:-1]
    odd.write_bytes(pickle.dumps(found))
    with pytest.raises(BadInputError, match=r"odd\.pkl: not a CalculatedLumi result \(IP 5"):
        store.load_made(odd)
    diary = Diary(tmp_path)
    assert diary.is_whole(whole)
    assert not diary.is_whole(odd)
    assert "odd.pkl: not a CalculatedLumi result (IP 5 of crossing angle has" in caplog.text
