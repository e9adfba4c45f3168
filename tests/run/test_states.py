"""How fills stand after a run: status.json, waiting, failing since when, and who is told."""

from __future__ import annotations

import json
import sys
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import pytest

from lumimod.readers import clock
from lumimod.run.choice import FillChoice
from lumimod.run.log_lines import opening
from lumimod.run.plan import Planned, Status
from lumimod.run.report import FillReport, local_minutes
from lumimod.run.states import (
    FillStates,
    Standing,
    StepState,
    changes,
    load_states,
    save_states,
    states_of,
    states_table,
)
from lumimod.writers.clock import set_clock

if TYPE_CHECKING:
    from tests.run.conftest import Site

FILL, OTHER = 5845, 5848
BEFORE = "2026-11-24T02:00:00+00:00"


def status(site: Site) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((site.results / "status.json").read_text())["fills"]
    return loaded


# --- status.json


def test_every_step_of_every_fill_has_a_state(site: Site) -> None:
    site.run()
    of = status(site)
    assert list(of) == [str(FILL), str(OTHER)]
    assert {step["state"] for step in of[str(FILL)]["steps"].values()} == {"done"}
    site.run("--fill", OTHER)
    assert {step["state"] for step in status(site)[str(OTHER)]["steps"].values()} == {"up to date"}
    assert status(site)[str(FILL)] == of[str(FILL)]  # it was not in this run


def test_a_failure_keeps_the_time_of_the_first_run_that_had_it(site: Site) -> None:
    site.paths().basic_data.rename(site.paths().basic_data.with_suffix(".aside"))
    site.run()
    steps = status(site)[str(FILL)]["steps"]
    assert steps["sb"]["state"] == "failed"
    assert site.paths().basic_data.name in steps["sb"]["why"]
    data = json.loads((site.results / "status.json").read_text())
    data["fills"][str(FILL)]["steps"]["sb"]["since"] = BEFORE
    (site.results / "status.json").write_text(json.dumps(data))
    outcome = site.run()
    assert status(site)[str(FILL)]["steps"]["sb"]["since"] == BEFORE
    assert outcome.lines("ERROR", f"fill {FILL}: sb: ", "(since 2026-11-24 03:00 Zurich)")
    assert "(since 2026-11-24 03:00 Zurich)" in outcome.out


def test_one_cause_is_one_line_of_the_log(site: Site) -> None:
    site.paths().basic_data.unlink()
    outcome = site.run("--fill", FILL)
    assert len(outcome.lines("ERROR")) == 1
    assert f"fill {FILL}: lumi: blocked by sb" in outcome.out


def test_a_step_that_was_not_asked_for_stays_as_it_was(site: Site) -> None:
    site.run("--fill", FILL)
    site.run("--fill", FILL, "--doOnly", "lumi")
    steps = status(site)[str(FILL)]["steps"]
    assert {name: of["state"] for name, of in steps.items()}.keys() >= {"sb", "lumi", "model"}


@pytest.mark.slow
def test_pictures_alone_leave_the_states_of_steps(site: Site) -> None:
    site.run("--fill", FILL)
    before = status(site)[str(FILL)]["steps"]
    site.run("--fill", FILL, "--plots", "overview")
    assert status(site)[str(FILL)]["steps"] == {**before, "plots": {"state": "done"}}


def test_a_dry_run_states_nothing(site: Site) -> None:
    site.run("--dry-run")
    assert not (site.results / "status.json").exists()


def test_a_damaged_file_is_made_anew_and_told(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    site.run("--fill", FILL)
    for damage in ("{", '{"fills": {"5845": {"steps": {"sb": {"state": "odd"}}}}}', "[]"):
        (site.results / "status.json").write_text(damage)
        assert site.run("--fill", FILL).lines("WARNING", "status.json cannot be read")
        assert list(status(site)) == [str(FILL)]


def test_a_file_that_cannot_be_written_costs_no_run(site: Site) -> None:
    site.run("--fill", FILL)
    (site.results / "status.json").unlink()
    (site.results / "status.json").mkdir()
    outcome = site.run("--fill", FILL)
    assert outcome.status == 0
    assert outcome.lines("WARNING", "status.json")


def test_what_is_saved_comes_back(site: Site) -> None:
    states = {7: FillStates({"sb": StepState(Standing.FAILED, "a reason", BEFORE)}, True)}
    save_states(site.root / "status.json", states, site.cfg)
    assert load_states(site.root / "status.json") == states


def test_status_shows_what_is_not_up_to_date(site: Site) -> None:
    site.paths().basic_data.unlink()
    site.run()
    outcome = site.run("--status")
    head, *lines = outcome.out.splitlines()
    assert (outcome.status, head) == (1, "2 fills: 1 done, 1 failed (times of Europe/Zurich)")
    assert lines[0].startswith(f"fill {FILL}: sb: failed since ")


def test_the_state_of_a_fill_is_its_worst() -> None:
    good, bad = StepState(Standing.DONE), StepState(Standing.FAILED, "why", BEFORE)
    assert FillStates({"sb": good, "lumi": bad}).worst is Standing.FAILED
    assert FillStates({}).worst is Standing.OFF
    assert states_table({}) == ""
    since = local_minutes(BEFORE)
    assert states_table({7: FillStates({"lumi": bad}, True)}) == (
        "1 fill: 1 failed (times of Europe/Zurich)\n"
        f"fill 7 (in progress): lumi: failed since {since}: why\n"
    )


def test_a_step_that_is_off_says_why() -> None:
    plan = {"model": Planned(Status.OFF, "doSBModel is False")}
    states = states_of(FillReport(7), plan, None, BEFORE)
    assert states.steps == {"model": StepState(Standing.OFF, "doSBModel is False")}


# --- waiting


@pytest.fixture
def days_after(site: Site, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a function that sets the clock to so many days after the fill."""
    over_s = site.modes()[FILL]["t_endfill"]

    def put(days: float) -> None:
        monkeypatch.setattr(clock.time, "time", lambda: over_s + days * 86400)

    return put


def test_an_archive_that_is_not_posted_yet_is_waited_for(site: Site, days_after: Any) -> None:
    site.archive("CMS").unlink()
    days_after(1)
    outcome = site.run("--fill", FILL)
    assert outcome.status == 0
    assert f"fill {FILL}: massi: waiting: no Massi archive of fill {FILL}" in outcome.out
    assert outcome.rows()[FILL][:2] == ["sb", "cycle"]
    assert status(site)[str(FILL)]["steps"]["massi"]["state"] == "waiting"
    assert "1 waiting" in outcome.err.splitlines()[-1]
    days_after(4)
    outcome = site.run("--fill", FILL)
    assert outcome.status == 1
    assert status(site)[str(FILL)]["steps"]["massi"]["state"] == "failed"


def test_data_of_a_past_moment_have_a_clock_of_their_own(site: Site) -> None:
    site.archive("CMS").unlink()
    over_s = site.modes()[FILL]["t_endfill"]
    folder = site.cfg.files.data_folder
    set_clock(folder, over_s + 86400)
    outcome = site.run("--fill", FILL)
    assert outcome.status == 0
    massi = status(site)[str(FILL)]["steps"]["massi"]
    when = datetime.fromtimestamp(over_s + 86400, timezone.utc).isoformat(timespec="seconds")
    assert (massi["state"], massi["since"]) == ("waiting", when)
    told = f"it is {local_minutes(when)} (Zurich), as {folder / 'now.txt'} says"
    assert outcome.lines("INFO", told)
    set_clock(folder, over_s + 4 * 86400)
    assert site.run("--fill", FILL).status == 1
    assert status(site)[str(FILL)]["steps"]["massi"]["state"] == "failed"
    set_clock(folder, over_s + 86400)
    site.run("--fill", FILL)
    assert status(site)[str(FILL)]["steps"]["massi"]["state"] == "waiting"
    set_clock(folder, None)
    assert site.run("--fill", FILL).status == 1


def test_days_ago_are_those_of_the_clock_of_the_data(site: Site) -> None:
    set_clock(site.cfg.files.data_folder, site.modes()[FILL]["t_endfill"] + 60)
    assert list(site.run("--since", "1 day ago", "--dry-run").rows()) == [FILL, OTHER]
    set_clock(site.cfg.files.data_folder, site.modes()[OTHER]["t_start_STABLE"] + 86400 - 60)
    assert list(site.run("--since", "1 day ago", "--dry-run").rows()) == [OTHER]


def test_a_clock_that_cannot_be_read_is_named(site: Site) -> None:
    (site.cfg.files.data_folder / "now.txt").write_text("soon\n")
    outcome = site.run("--fill", FILL)
    assert outcome.status == 1
    assert "now.txt: not a time such as 2017-05-14 06:00:00 UTC" in outcome.err


def test_an_archive_that_comes_ends_the_waiting(site: Site, days_after: Any) -> None:
    archive = site.archive("CMS")
    aside = archive.with_name("aside")
    archive.rename(aside)
    days_after(1)
    site.run("--fill", FILL)
    aside.rename(archive)
    outcome = site.run("--fill", FILL)
    assert outcome.rows()[FILL][0] == "massi"
    assert status(site)[str(FILL)]["steps"]["massi"]["state"] == "done"
    assert "since" not in status(site)[str(FILL)]["steps"]["massi"]


def test_no_grace_makes_it_a_failure_at_once(site: Site, days_after: Any) -> None:
    site.archive("CMS").unlink()
    site.configure(massi_grace_days=0)
    days_after(0.1)
    assert site.run("--fill", FILL).status == 1


def test_a_fill_in_progress_waits_for_its_data(site: Site) -> None:
    site.edit_modes(flag_complete=False)
    site.paths().basic_data.unlink()
    outcome = site.run("--fill", FILL)
    assert outcome.status == 0
    steps = status(site)[str(FILL)]["steps"]
    assert {of["state"] for of in steps.values()} == {"waiting"}
    assert status(site)[str(FILL)]["in_progress"]


# --- who is told


def test_changes_are_first_failures_and_what_is_well_again() -> None:
    failed = FillStates({"sb": StepState(Standing.FAILED, "no data", BEFORE)})
    well = FillStates({"sb": StepState(Standing.DONE)})
    assert list(changes({}, {7: failed})) == ["fill 7: sb failed: no data"]
    assert list(changes({7: failed}, {7: failed})) == []
    assert list(changes({7: failed}, {7: well})) == [
        "fill 7: sb is well (done); it failed since 2026-11-24 03:00 (Zurich)"
    ]
    assert list(changes({7: FillStates({"all": failed.steps["sb"]})}, {7: well})) == [
        "fill 7: all no longer fails"
    ]
    assert list(changes({}, {7: well})) == []
    blocked = FillStates({"sb": StepState(Standing.FAILED, "blocked by cycle", BEFORE)})
    assert list(changes({}, {7: blocked})) == []  # what blocks it has a line
    assert list(changes({7: blocked}, {7: well})) == []
    assert list(changes({7: blocked}, {7: failed})) == ["fill 7: sb failed: no data"]


def test_someone_is_told_once_when_it_fails_and_once_when_it_is_well(site: Site) -> None:
    told = site.root / "told.txt"
    script = site.root / "tell.py"
    script.write_text("import sys\nopen(sys.argv[1], 'a').write(sys.stdin.read())\n")
    site.configure(notify=f"{sys.executable} {script} {told}")
    data = site.paths().basic_data
    aside = data.with_suffix(".aside")
    data.rename(aside)
    site.run()
    first = told.read_text()
    assert first.startswith(f"fill {FILL}: sb failed: ")
    site.run()
    assert told.read_text() == first
    aside.rename(data)
    site.run()
    assert f"fill {FILL}: sb is well (done); it failed since" in told.read_text()


@pytest.mark.parametrize(
    ("command", "said"),
    [("no-such-command", "cannot be run"), ("false", "ended with status 1")],
)
def test_a_command_that_fails_is_told_and_costs_no_run(site: Site, command: str, said: str) -> None:
    site.configure(notify=command)
    site.paths().basic_data.unlink()
    outcome = site.run("--fill", OTHER, FILL)
    assert outcome.lines("WARNING", f"notify = {command!r} {said}")
    assert outcome.rows()[OTHER][0] == "sb"


# --- the log


def test_the_log_is_written_to_a_file_as_well(site: Site) -> None:
    path = site.root / "lumimod.log"
    outcome = site.run("--fill", FILL, "--log-file", path)
    lines = path.read_text().splitlines()
    assert [line[24:] for line in lines] == [line[24:] for line in outcome.err.splitlines()]
    site.configure(log_file=str(path))
    site.run("--fill", FILL)
    assert len(path.read_text().splitlines()) == len(lines) + 2


def test_a_log_file_that_cannot_be_written_is_an_error(site: Site) -> None:
    outcome = site.run("--log-file", site.root / "nowhere" / "a.log")
    assert outcome.status == 1
    assert "nowhere/a.log cannot be written (No such file or directory)" in outcome.err


@pytest.mark.parametrize(
    ("options", "fills"),
    [
        (["--fill", "5840-5846"], [FILL]),
        (["--fill", "5840-5849", "--last", "1"], [OTHER]),
        (["--last", "1"], [OTHER]),
        (["--since", "2017-01-01", "--until", "2018-01-01"], [FILL, OTHER]),
        (["--until", "2017-01-01"], []),
    ],
)
def test_fills_are_chosen_by_range_number_and_date(
    site: Site, options: list[str], fills: list[int]
) -> None:
    outcome = site.run("--dry-run", *options)
    assert list(outcome.rows()) == fills


def test_no_fill_in_range_says_that_there_are_others(site: Site) -> None:
    site.configure(first_fill=7000, last_fill=7100)
    assert site.run().lines(
        "WARNING", "data of 2 fills with stable beams, 5845 to 5848, but none in first_fill = 7000"
    )
    assert site.run("--fill", "1-9").lines("WARNING", "but none of those asked for (1-9)")


def test_without_any_fill_it_says_how_to_get_some(site: Site) -> None:
    site.write_modes({})
    assert site.run().lines("WARNING", "get the beam modes and data with Utilities/getData.py")


def test_fills_that_are_too_short_are_told(site: Site) -> None:
    site.configure(min_time_SB=1e6)
    assert site.run().lines("WARNING", "none of the 2 fills of", "has stable beams of 1e+06 s")


def test_the_opening_line_says_version_host_fills_and_configuration(site: Site) -> None:
    opening, *_, closing = site.run().err.splitlines()
    assert f"configuration {site.config} (" in opening
    assert " INFO : 2 done in " in closing


def test_a_step_that_was_blocked_and_is_no_more_has_no_line() -> None:
    blocked = FillStates({"old": StepState(Standing.FAILED, "blocked by sb", BEFORE)})
    assert list(changes({7: blocked}, {7: FillStates({})})) == []


def test_the_opening_line_of_a_config_that_is_gone_says_so(site: Site) -> None:
    cfg = site.cfg
    site.config.unlink()
    assert opening(cfg, FillChoice((FILL,)), [FILL]).endswith(f"{site.config} (gone)")
