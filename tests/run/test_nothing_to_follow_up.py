"""Fills asked for by number that the beam modes do not have, or that had no stable beams."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

import lumimod
from lumimod.readers.bmodes import FillModes
from lumimod.run.choice import without_stable_beams
from lumimod.run.report import NOTHING_TO_DO, FillReport
from lumimod.run.states import NO_STABLE_BEAMS, FillStates, Standing, StepState, changes
from lumimod.steps.registry import STEPS

if TYPE_CHECKING:
    from tests.run.conftest import Site

FILL, OTHER, UNKNOWN = 5845, 5848, 9999
NO_BEAMS = {"t_start_STABLE": -1.0, "t_stop_STABLE": -1.0, "flag_complete": True}
TOLD = f"fill {FILL}: no stable beams: nothing to follow up\n"
NAN = float("nan")


def recorded(site: Site) -> dict[str, Any]:
    fills: dict[str, Any] = json.loads((site.results / "status.json").read_text())["fills"]
    return fills


def record(site: Site, fill: int, **steps: dict[str, str]) -> None:
    """Put a fill into status.json, as an earlier version did."""
    path = site.results / "status.json"
    data = json.loads(path.read_text()) if path.exists() else {"fills": {}}
    data["fills"][str(fill)] = {"in_progress": False, "steps": steps}
    site.results.mkdir(exist_ok=True)
    path.write_text(json.dumps(data))


FAILED = {"state": "failed", "why": "not there", "since": "2026-11-24T02:00:00+00:00"}


# --- a fill that there is not


def test_an_unknown_fill_fails_the_run_and_is_recorded_nowhere(site: Site) -> None:
    site.configure(doSummaryPlots=True, doReport=True)
    outcome = site.run("--fill", UNKNOWN, OTHER)
    assert outcome.status == 1
    assert f"fill {UNKNOWN}: all: not in the beam modes" in outcome.out
    assert list(recorded(site)) == [str(OTHER)]
    assert not list(site.results.rglob(f"*{UNKNOWN}*"))
    index = (site.results / "report/index.html").read_text()
    assert f'data-fill="{OTHER}"' in index
    assert f'data-fill="{UNKNOWN}"' not in index
    status = site.run("--status")
    assert (status.status, status.out) == (0, "1 fill: 1 done\n")
    assert UNKNOWN not in lumimod.fills(site.config).index


def test_a_fill_whose_entry_cannot_be_used_is_recorded_as_failed(site: Site) -> None:
    site.write_modes({**site.modes(), FILL: "odd"})
    assert site.run("--fill", FILL).status == 1
    assert recorded(site)[str(FILL)]["steps"]["all"]["state"] == "failed"
    assert f"fill {FILL}: all: failed since" in site.run("--status").out


def test_an_unknown_fill_of_an_earlier_version_does_not_come_back(site: Site) -> None:
    site.run("--fill", OTHER)
    record(site, UNKNOWN, all=FAILED)
    status = site.run("--status")
    assert (status.status, status.out) == (0, "1 fill: 1 done\n")
    assert UNKNOWN not in lumimod.fills(site.config).index
    site.run("--report")
    assert not (site.results / f"report/fill_{UNKNOWN}.html").exists()
    outcome = site.run("--fill", OTHER)
    assert list(recorded(site)) == [str(OTHER)]
    assert outcome.lines("INFO", f"fill {UNKNOWN} is left out: the beam modes do not have it")


def test_a_fill_with_results_stays_though_the_beam_modes_lost_it(finished: Site) -> None:
    record(finished, FILL, sb={"state": "done"})
    finished.write_modes({OTHER: finished.modes()[OTHER]})
    finished.run("--fill", OTHER)
    assert recorded(finished)[str(FILL)] == {
        "in_progress": False, "steps": {"sb": {"state": "done"}},
    }  # fmt: skip


def test_the_status_is_shown_without_beam_modes_too(site: Site) -> None:
    site.run("--fill", OTHER)
    site.cfg.files.bmodes.unlink()
    outcome = site.run("--status")
    assert (outcome.status, outcome.out) == (0, "1 fill: 1 done\n")
    assert outcome.lines("WARNING", "no such file", "all fills of status.json are shown")


# --- a fill without stable beams


def test_a_fill_without_stable_beams_is_told_in_a_line_and_is_no_failure(site: Site) -> None:
    site.edit_modes(FILL, **NO_BEAMS)
    for options in (["--dry-run"], [], ["--force", "all"], ["--doOnly", "cycle"], ["--plots"]):
        outcome = site.run("--fill", FILL, *options)
        assert (outcome.status, outcome.out) == (0, TOLD)
        assert not outcome.lines("WARNING")
        assert not outcome.lines("ERROR")
    assert not site.paths().folder.exists()
    assert site.run("--status").out == "1 fill: 1 no stable beams\n"
    assert site.run("--fill", FILL, "--why", "sb").out == TOLD
    assert (lumimod.fills(site.config).loc[FILL, list(STEPS)] == "no stable beams").all()


def test_a_fill_without_stable_beams_costs_no_other(site: Site) -> None:
    site.edit_modes(FILL, **NO_BEAMS)
    outcome = site.run("--fill", FILL, OTHER, "--doOnly", "sb")
    assert outcome.status == 0
    assert outcome.rows().keys() == {OTHER}
    assert outcome.out.endswith(TOLD)
    assert outcome.lines("INFO", "1 done, 1 without stable beams in ")
    assert site.run("--status").out == "2 fills: 1 done, 1 no stable beams\n"


def test_a_failure_that_was_recorded_of_a_fill_without_stable_beams_is_none(site: Site) -> None:
    site.edit_modes(FILL, **NO_BEAMS)
    record(site, FILL, sb=FAILED, massi={"state": "waiting", "why": "no Massi archive"})
    status = site.run("--status")
    assert (status.status, status.out) == (0, "1 fill: 1 no stable beams\n")
    site.run("--report")
    page = (site.results / f"report/fill_{FILL}.html").read_text()
    assert '<span class="state no-stable-beams">' in page
    assert "failed" not in page
    site.run("--fill", OTHER)
    assert {of["state"] for of in recorded(site)[str(FILL)]["steps"].values()} == {
        "no stable beams"
    }


def test_who_was_told_of_the_failure_is_told_that_it_is_none() -> None:
    failed = FillStates({"sb": StepState(Standing.FAILED, "why", "2026-11-24T02:00:00+00:00")})
    assert list(changes({7: failed}, {7: NO_STABLE_BEAMS})) == [
        "fill 7: sb is well (no stable beams); it failed since 2026-11-24 03:00 (Zurich)"
    ]


def test_a_fill_before_its_stable_beams_is_tried_as_before(site: Site) -> None:
    site.edit_modes(FILL, **NO_BEAMS | {"flag_complete": False})
    outcome = site.run("--fill", FILL)
    assert NOTHING_TO_DO not in outcome.out
    assert f"fill {FILL}: sb: " in outcome.out


@pytest.mark.parametrize(
    ("complete", "end_s", "start_s", "told"),
    [
        (True, 2e9, NAN, True),
        (True, NAN, NAN, True),
        (None, 2e9, NAN, True),
        (None, NAN, NAN, False),
        (False, 2e9, NAN, False),
        (False, NAN, NAN, False),
        (True, 2e9, 1.9e9, False),
    ],
)
def test_only_of_a_fill_that_is_over_it_is_known_that_it_had_no_stable_beams(
    complete: bool | None, end_s: float, start_s: float, told: bool
) -> None:
    modes = FillModes(7, 1.8e9, end_s, {"STABLE": start_s}, {"STABLE": NAN}, complete)
    assert without_stable_beams(modes) is told


def test_a_report_keeps_that_there_is_nothing_to_follow_up() -> None:
    report = FillReport(7, nothing=NOTHING_TO_DO)
    assert FillReport.from_dict(report.to_dict()) == report
    assert not report.is_idle
