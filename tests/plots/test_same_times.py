"""Results that have other times than the stable beams are refused, with the cure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from lumimod.errors import MissingStepError
from lumimod.paths import FillPaths
from lumimod.plots.limits import load_limits
from lumimod.plots.model_results import ModelResults
from lumimod.plots.overview import load_overview
from lumimod.plots.sb_results import SbResults
from lumimod.readers.bmodes import read_bmodes
from lumimod.records import StableBeams, store
from lumimod.summary.facts import facts


@pytest.fixture
def later(run_fill: FillPaths) -> Iterator[FillPaths]:
    """Return a fill whose stable beams were made again, at times 1 s later."""
    before = run_fill.sb.read_bytes()
    sb = store.load(run_fill.sb, StableBeams)
    store.save(run_fill.sb, replace(sb, time_s=sb.time_s + 1))
    yield run_fill
    run_fill.sb.write_bytes(before)


LOADS: dict[str, Callable[[FillPaths], Any]] = {
    "stable beams": SbResults.load,
    "limits": load_limits,
    "overview": load_overview,
    "model": lambda paths: ModelResults.load(paths, paths.cfg.model.cases[0]),
}


@pytest.mark.parametrize("name", LOADS)
def test_pictures_of_results_of_other_times_name_the_step(later: FillPaths, name: str) -> None:
    with pytest.raises(MissingStepError) as error:
        LOADS[name](later)
    assert str(error.value) == (
        f"{later.lumi_calc} has other times than the stable beams; run with --force lumi"
    )


@pytest.mark.parametrize("name", LOADS)
def test_pictures_of_results_that_belong_together_load(run_fill: FillPaths, name: str) -> None:
    assert LOADS[name](run_fill)


def test_facts_are_not_mixed_from_results_of_other_times(later: FillPaths) -> None:
    modes = read_bmodes(later.cfg.files.bmodes)[later.fill]
    found, faults = facts(later, modes)
    assert [fault.split(" has other times than the stable beams; ")[1] for fault in faults] == [
        "run with --force lumi",
        "run with --force model",
    ]
    assert "lumi_int_calc_atlas_pb" not in found
    assert "b1_growth_h_stable_model_um" not in found
    assert "b1_bunches" in found
