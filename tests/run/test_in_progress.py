"""Fills that are analysed before they are over, and again afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lumimod.readers.unpickle import load_pickle
from lumimod.records import StableBeams
from lumimod.records.made import Made
from lumimod.records.store import load
from lumimod.steps.registry import STEPS

if TYPE_CHECKING:
    from tests.run.conftest import Site

FILL, OTHER = 5845, 5848
OPEN = {"flag_complete": False, "t_stop_STABLE": -1.0}


def in_progress(site: Site, step: str) -> bool:
    made = Made.from_dict(load_pickle(site.written(step)[0])["made"])
    assert made is not None
    return made.in_progress


@pytest.mark.slow
@pytest.mark.parametrize("changes", [{"flag_complete": False}, {"t_stop_STABLE": -1.0}, OPEN])
def test_a_fill_in_progress_is_analysed_by_number_and_again_when_it_is_over(
    site: Site, changes: dict[str, float]
) -> None:
    over = {name: site.modes()[FILL][name] for name in OPEN}
    site.edit_modes(FILL, **changes)
    outcome = site.run("--fill", FILL)
    assert outcome.status == 0
    assert len(outcome.lines("WARNING", "the fill is in progress")) == 1
    (row,) = [line for line in outcome.out.splitlines() if line.startswith(f"{FILL} ")]
    assert row.endswith("in progress")
    assert all(in_progress(site, step) for step in STEPS)
    assert site.run("--fill", FILL).out == "1 fill: nothing to do\n"

    site.edit_modes(FILL, **over)
    outcome = site.run("--fill", FILL)
    assert outcome.status == 0
    assert outcome.rows()[FILL][: len(STEPS)] == list(STEPS)
    assert "in progress" not in outcome.out
    assert not any(in_progress(site, step) for step in STEPS)
    assert site.run("--fill", FILL).out == "1 fill: nothing to do\n"


def test_results_of_a_fill_in_progress_end_with_what_was_measured(site: Site) -> None:
    site.run("--fill", FILL)
    whole = load(site.written("sb")[0], StableBeams).time_s
    site.edit_modes(FILL, **OPEN)
    site.run("--fill", FILL, "--force", "sb")
    open_ = load(site.written("sb")[0], StableBeams).time_s
    # The intensities of the simulated fill go on after its dump.
    assert open_[: whole.size].tolist() == whole.tolist()
    assert open_.size > whole.size


def test_a_fill_in_progress_is_among_all_fills_and_made_again_as_it_goes_on(site: Site) -> None:
    start_s = site.modes()[FILL]["t_start_STABLE"]
    site.edit_modes(FILL, **OPEN, t_endfill=start_s + 299.0)
    assert FILL not in site.run("--dry-run").rows()
    site.edit_modes(FILL, **OPEN, t_endfill=start_s + 301.0)
    assert site.run("--dry-run").rows().keys() == {FILL, OTHER}
    site.run("--fill", FILL)
    outcome = site.run("--dry-run", "--fill", FILL)
    assert set(outcome.rows()[FILL]) == {"present", "off"}
    data = site.paths().basic_data  # more is fetched
    data.write_bytes(data.read_bytes() + b"\n")
    outcome = site.run("--fill", FILL)
    assert outcome.status == 0
    assert outcome.rows()[FILL][: len(STEPS)] == list(STEPS)
    assert outcome.lines("INFO", "sb: ", "(the fill goes on: ")
    assert site.run("--fill", FILL).out == "1 fill: nothing to do\n"
