"""Mutated inputs are refused by name, or their content is what it was, or a note says more.

`make soak` makes thousands of them. What was found so and mended is tested where it belongs.
"""

from __future__ import annotations

import random
import sys
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from tests.faults.fuzz import table
from tests.faults.mutations import (
    FAULTS,
    FORMATS,
    Bench,
    TookTooLongError,
    mutated,
    peak_mb,
    try_many,
    within,
)
from tests.faults.pipeline import Pipeline

pytestmark = [
    pytest.mark.faults,
    pytest.mark.slow,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="watches time and memory"),
]
N_READ, N_RUNS = 30, 8


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """Return a small whole file of each format."""
    return Bench.make(tmp_path_factory.mktemp("whole"))


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> Pipeline:
    """Return the inputs of a fill in every format, and what is made of them."""
    return Pipeline.make(tmp_path_factory.mktemp("pipeline"))


@pytest.mark.parametrize("kind", FORMATS)
def test_a_mutated_file_is_refused_by_name_or_as_good_as_whole(whole: Bench, kind: str) -> None:
    before = peak_mb()
    for seed in range(N_READ):
        outcome, why = whole.try_one(kind, seed)
        assert outcome not in FAULTS, f"{kind}, seed {seed}: {why}"
    assert peak_mb() < before + 200


def test_whole_inputs_give_the_same_from_every_format(pipeline: Pipeline) -> None:
    for variant, made in pipeline.good.items():
        assert made.status == 0, made.log
        if variant != "logged":
            assert made.results == pipeline.good[".csv"].results, variant


def test_a_run_on_a_mutated_input_is_refused_by_name_or_as_good(
    pipeline: Pipeline, tmp_path: Path
) -> None:
    for seed in range(N_RUNS):
        kind, outcome, why = pipeline.try_one(tmp_path / str(seed), seed)
        assert outcome not in FAULTS, f"{kind}, seed {seed}: {why}"


# --- the trials themselves


def test_mutations_are_the_same_for_the_same_seed_and_change_something() -> None:
    content = bytes(range(256)) * 8
    once, again = (mutated(content, random.Random(7)) for _ in range(2))
    assert once == again
    assert sum(mutated(content, random.Random(seed)) != content for seed in range(200)) > 190
    assert mutated(b"", random.Random(1)) == b""


def test_a_changed_value_is_a_fault_unless_it_is_told(
    whole: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def outcomes(kind: str) -> set[str]:
        return {whole.try_one(kind, seed)[0] for seed in range(20)}

    assert outcomes("HDF5") == {"refused", "equal"}
    for kind in ("HDF5", "Timber CSV, inside"):
        monkeypatch.setitem(whole.good, kind, ("of another file", whole.good[kind][1]))
    assert outcomes("HDF5") == {"refused", "traceback"}  # the same bytes, other values
    assert "told" in outcomes("Timber CSV, inside")
    monkeypatch.setitem(FORMATS, "HDF5", replace(FORMATS["HDF5"], is_result=True))
    assert outcomes("HDF5") == {"refused", "other"}
    monkeypatch.setitem(whole.good, "HDF5", ("of another file", ["a note"]))
    assert outcomes("HDF5") == {"refused", "noted"}


def test_work_that_takes_too_long_is_ended() -> None:
    with pytest.raises(TookTooLongError), within(1):
        time.sleep(20)


def test_many_are_tried_in_a_process_of_their_own(tmp_path: Path) -> None:
    found = list(try_many("beam modes", tmp_path, range(5, 25)))
    assert [seed for seed, _, _ in found] == list(range(5, 25))
    assert {outcome for _, outcome, _ in found} >= {"refused"}


def test_the_table_counts_each_kind_and_all() -> None:
    counts = Counter({("HDF5", "refused"): 2, ("HDF5", "equal"): 1, ("JSON", "traceback"): 4})
    assert [line.split("|")[1:10] for line in table("Read", counts).splitlines()[2:]] == [
        [" HDF5 ", " 3 ", " 2 ", " 1 ", " 0 ", " 0 ", " 0 ", " 0 ", " 0 "],
        [" JSON ", " 4 ", " 0 ", " 0 ", " 0 ", " 0 ", " 0 ", " 4 ", " 0 "],
        [" all ", " 7 ", " 2 ", " 1 ", " 0 ", " 0 ", " 0 ", " 4 ", " 0 "],
    ]
