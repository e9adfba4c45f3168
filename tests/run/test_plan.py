"""The plan: which steps of which fills a run would do, and what it prints of it."""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable

import pytest
import yaml

from lumimod.readers.bmodes import read_bmodes
from lumimod.run.plan import Plan, Planned, Selection, Status, begin_run, plan_fill
from lumimod.run.reporting import plan_table
from lumimod.steps.registry import STEPS

if TYPE_CHECKING:
    from tests.run.conftest import Site

FILL, OTHER = 5845, 5848
ALL = list(STEPS)
AFTER = {
    "sb": {"lumi", "massi", "fits", "lifetime", "losses", "emittance", "model", "growth"},
    "cycle": set(),
    "lumi": {"fits", "losses", "emittance"},
    "massi": {"fits", "lifetime", "losses", "emittance"},
    "fits": set(),
    "lifetime": set(),
    "losses": set(),
    "emittance": set(),
    "model": {"growth"},
    "growth": set(),
}
"""The steps that use what a step makes, directly or not.

A step that is added later has tests of its own, so that adding it changes none of these.
"""

MASSI_AGAIN = ["massi", "fits", "lifetime", "losses", "emittance"]


def plan(site: Site, **ask: Any) -> Plan:
    selection = Selection(
        frozenset(ask.get("force", ())), frozenset(ask.get("only", ())), ask.get("cascade", False)
    )
    modes = read_bmodes(site.cfg.files.bmodes)[FILL]
    return plan_fill(modes, site.cfg, selection, begin_run(site.cfg, write=False))


def of_status(planned: Plan, *statuses: Status) -> list[str]:
    return [step for step, p in planned.items() if p.status in statuses]


def running(planned: Plan) -> list[str]:
    return [step for step, p in planned.items() if p.status.runs]


# --- order and dependence


def test_every_step_comes_after_those_that_it_needs() -> None:
    before: set[str] = set()
    for name, step in STEPS.items():
        assert {other.name for other in step.depends_on} <= before
        before.add(name)


# --- what there is


def test_fill_without_results_has_everything_to_do(site: Site) -> None:
    assert of_status(plan(site), Status.TO_DO) == ALL


def test_finished_fill_has_nothing_to_do(finished: Site) -> None:
    assert of_status(plan(finished), Status.PRESENT) == ALL


@pytest.mark.parametrize("step", ALL)
def test_step_whose_result_is_missing_is_to_do(finished: Site, step: str) -> None:
    finished.remove(step)
    assert step in of_status(plan(finished), Status.TO_DO)


@pytest.mark.parametrize("name", ["cycle", "cycle_model", "cycle_model_inj2sb"])
def test_step_is_to_do_if_one_of_its_files_is_missing(finished: Site, name: str) -> None:
    getattr(finished.paths(), name).unlink()
    assert running(plan(finished)) == ["cycle"]


@pytest.mark.parametrize("how", ["empty", "cut", "link to nothing"])
def test_step_whose_result_is_empty_cut_or_no_file_is_to_do(finished: Site, how: str) -> None:
    path = finished.paths().lumi_calc
    whole = path.read_bytes()
    path.unlink()
    if how == "link to nothing":
        path.symlink_to("gone")
    else:
        path.write_bytes(whole[: len(whole) // 2 if how == "cut" else 0])
    planned = plan(finished)["lumi"]
    assert planned.status is Status.TO_DO
    assert planned.reason == f"{path.name}: empty, cut or damaged"


def test_new_case_of_the_model_is_to_do(finished: Site) -> None:
    factors = {f"correction_factor_{plane}": [1, 1.1] for plane in ("1h", "1v", "2h", "2v")}
    finished.configure(cases=[1, 2], **factors)
    assert running(plan(finished)) == ["model"]


def test_data_frames_asked_for_later_are_to_do(finished: Site) -> None:
    finished.configure(savePandas=True)
    assert running(plan(finished)) == ALL


def test_model_is_off_unless_config_asks_for_it(site: Site) -> None:
    site.configure(doSBModel=False)
    assert of_status(plan(site), Status.OFF) == ["model", "growth"]


@pytest.mark.parametrize("ask", ["force", "only"])
def test_model_asked_for_on_the_command_line_runs_anyway(site: Site, ask: str) -> None:
    site.configure(doSBModel=False)
    asked = ["sb", "model"] if ask == "force" else ["model"]
    assert plan(site, **{ask: asked})["model"].status in (Status.FORCED, Status.BLOCKED)


# --- what is asked for


@pytest.mark.parametrize("step", ALL)
def test_forced_step_runs_though_its_result_exists(finished: Site, step: str) -> None:
    assert running(plan(finished, force=[step])) == [step]


def test_several_steps_can_be_forced(finished: Site) -> None:
    assert running(plan(finished, force=["sb", "lumi"])) == ["sb", "lumi"]


def test_force_does_not_stop_what_is_missing_from_running(finished: Site) -> None:
    finished.remove("cycle", "lifetime")
    assert running(plan(finished, force=["lumi"])) == ["cycle", "lumi", "lifetime"]


@pytest.mark.parametrize("step", ALL)
def test_only_the_step_asked_for_runs_though_others_are_missing(finished: Site, step: str) -> None:
    kept = {step, *(need.name for need in STEPS[step].needs)}
    finished.remove(*(other for other in ALL if other not in kept))
    planned = plan(finished, only=[step])
    assert running(planned) == [step]
    assert of_status(planned, Status.OFF) == [other for other in ALL if other != step]


# --- what is in the way


@pytest.mark.parametrize("step", ["lumi", "massi", "lifetime", "model"])
def test_step_alone_is_blocked_by_the_step_that_did_not_run(site: Site, step: str) -> None:
    assert plan(site, only=[step])[step] == Planned(Status.BLOCKED, "sb")


def test_fits_alone_are_blocked_by_missing_calculated_luminosity(finished: Site) -> None:
    finished.remove("lumi")
    assert plan(finished, only=["fits"])["fits"] == Planned(Status.BLOCKED, "lumi")


@pytest.mark.parametrize("name", ["basic_data", "bbb_data"])
def test_missing_input_blocks_what_reads_it_and_what_follows(site: Site, name: str) -> None:
    path: Path = getattr(site.paths(), name)
    path.unlink()
    planned = plan(site)
    assert planned["sb"] == planned["cycle"] == Planned(Status.BLOCKED, f"{path} is missing")
    assert planned["lumi"] == Planned(Status.BLOCKED, "sb")
    assert planned["fits"] == Planned(Status.BLOCKED, "sb")


@pytest.mark.parametrize("name", ["basic_data", "bbb_data"])
def test_compressed_input_is_as_good(site: Site, name: str) -> None:
    path: Path = getattr(site.paths(), name)
    path.rename(path.with_name(path.name + ".gz"))
    assert running(plan(site)) == ALL


def test_missing_input_does_not_matter_once_the_results_exist(finished: Site) -> None:
    finished.paths().basic_data.unlink()
    finished.paths().bbb_data.unlink()
    assert of_status(plan(finished), Status.PRESENT) == ALL


@pytest.mark.parametrize("experiment", ["ATLAS", "CMS"])
def test_missing_archive_blocks_massi_and_what_needs_it(site: Site, experiment: str) -> None:
    site.archive(experiment).unlink()
    planned = plan(site)
    assert planned["massi"] == Planned(Status.BLOCKED, f"no Massi archive of fill {FILL}")
    assert planned["emittance"] == Planned(Status.BLOCKED, "massi")
    assert running(planned) == [step for step in ALL if step not in ("massi", "emittance")]


def test_logged_luminosity_stands_in_for_missing_archives(site: Site) -> None:
    site.archive("ATLAS").unlink()
    site.add_logged_lumi()
    assert running(plan(site)) == ALL


# --- age of results that do not say what they were made from


@pytest.mark.parametrize(
    ("newer", "stale"),
    [
        ("basic_data", ["sb", "cycle"]),
        ("bbb_data", ["sb", "cycle"]),
        ("crossing", ["sb"]),
        ("sb", ["lumi", "massi", "fits", "lifetime", "losses", "emittance", "model", "growth"]),
        ("lumi_calc", ["fits", "losses", "emittance"]),
        ("lumi_meas", ["fits", "lifetime", "losses", "emittance"]),
    ],
)
def test_result_older_than_what_it_was_made_from_is_stale(
    undescribed: Site, newer: str, stale: list[str]
) -> None:
    path: Path = getattr(undescribed.paths(), newer)
    path.touch()
    planned = plan(undescribed)
    follow = set().union(*(AFTER[step] for step in stale)) - set(stale)
    assert set(of_status(planned, Status.STALE)) & set(AFTER) == {*stale, *follow}
    assert all(planned[step].reason.endswith(f"older than {path.name}") for step in stale)
    assert all(planned[step].reason.endswith("is out of date") for step in follow)
    assert running(planned) == []


@pytest.mark.parametrize("result", ["cycle", "cycle_model", "cycle_model_inj2sb"])
def test_a_step_is_stale_if_any_of_its_results_is(
    undescribed: Site, older: Callable[..., None], result: str
) -> None:
    results = undescribed.written("cycle")
    source = undescribed.paths().bbb_data
    for path in (*results, source):
        path.touch()
    older([source], 10)
    assert plan(undescribed)["cycle"].status is Status.PRESENT
    older([getattr(undescribed.paths(), result)], 20)
    assert plan(undescribed)["cycle"] == Planned(Status.STALE, f"older than {source.name}")


def test_luminosity_and_what_uses_it_are_stale_after_their_beta_star_if_it_is_measured(
    undescribed: Site,
) -> None:
    extra = undescribed.paths().extra_data
    extra.parent.mkdir()
    extra.touch()
    assert of_status(plan(undescribed), Status.STALE) == ["losses"]  # it takes LHCb from there
    undescribed.configure(betastar_m="measured")
    stale = {"lumi", "fits", "losses", "emittance", "model", "growth"}
    assert set(of_status(plan(undescribed), Status.STALE)) & set(AFTER) == stale


def test_a_step_is_stale_after_any_file_of_a_tree(undescribed: Site) -> None:
    old = undescribed.paths().bbb_data
    tree = undescribed.data / f"HX:FILLN={FILL}"
    part = tree / "HX:BMODE=STABLE" / "part.0.parquet"
    part.parent.mkdir(parents=True)
    part.touch()
    os.utime(part, (old.stat().st_mtime, old.stat().st_mtime))
    undescribed.configure(BBB_DATA_FILE=f"{undescribed.data}/HX:FILLN=<FILLNUMBER>")
    assert of_status(plan(undescribed), Status.STALE) == []
    part.touch()
    assert of_status(plan(undescribed), Status.STALE) == ALL


def test_luminosity_of_the_logging_service_becomes_stale_with_its_file(undescribed: Site) -> None:
    undescribed.add_logged_lumi()
    for experiment in ("ATLAS", "CMS"):
        undescribed.archive(experiment).unlink()
    undescribed.paths().lumi_meas.rename(undescribed.paths().lumi_meas_timber)
    assert running(plan(undescribed)) == []
    undescribed.paths().bbb_lumi.touch()
    assert of_status(plan(undescribed), Status.STALE) == [
        "massi",
        "fits",
        "lifetime",
        "losses",
        "emittance",
    ]


def test_file_of_the_logging_service_does_not_matter_beside_archives(undescribed: Site) -> None:
    undescribed.add_logged_lumi()
    undescribed.paths().bbb_lumi.touch()
    assert of_status(plan(undescribed), Status.PRESENT) == ALL


@pytest.mark.parametrize("step", AFTER)
def test_cascade_runs_what_uses_a_forced_step(finished: Site, step: str) -> None:
    runs = running(plan(finished, force=[step], cascade=True))
    assert set(runs) & set(AFTER) == {step} | AFTER[step]


def test_cascade_names_the_step_that_a_step_follows(undescribed: Site) -> None:
    planned = plan(undescribed, force=["lumi"], cascade=True)
    assert planned["fits"] == Planned(Status.TO_DO, "after lumi")


def test_cascade_runs_what_is_stale_and_what_uses_it(undescribed: Site) -> None:
    undescribed.paths().basic_data.touch()
    assert running(plan(undescribed, cascade=True)) == ALL


def test_cascade_of_an_undescribed_fill_runs_nothing(undescribed: Site) -> None:
    assert running(plan(undescribed, cascade=True)) == []


# --- the Massi database


def change_database(site: Site, change: Callable[[dict[str, Any]], None]) -> None:
    path = site.results / "fill_db.yaml"
    table = yaml.safe_load(path.read_text())
    change(table[2017]["CMS"])
    path.write_text(yaml.safe_dump(table))


@pytest.mark.parametrize("experiment", ["ATLAS", "CMS"])
def test_changed_archive_is_read_again_and_fits_and_lifetime_follow(
    finished: Site, experiment: str
) -> None:
    finished.archive(experiment).touch()
    planned = plan(finished)
    assert running(planned) == MASSI_AGAIN
    assert planned["massi"].reason == "new archive"
    assert planned["fits"].reason == planned["lifetime"].reason == "new measured luminosity"


def test_archive_that_the_database_does_not_know_is_read_again(finished: Site) -> None:
    change_database(finished, lambda cms: cms.pop(f"{FILL}.tgz"))
    assert running(plan(finished)) == MASSI_AGAIN


def test_archive_older_than_the_known_one_is_read_again_too(finished: Site) -> None:
    def newer(cms: dict[str, Any]) -> None:
        cms[f"{FILL}.tgz"] += timedelta(hours=1)

    change_database(finished, newer)
    assert running(plan(finished)) == MASSI_AGAIN


def test_time_of_an_archive_may_differ_by_less_than_a_second(finished: Site) -> None:
    def rounded(cms: dict[str, Any]) -> None:
        when: datetime = cms[f"{FILL}.tgz"]
        cms[f"{FILL}.tgz"] = when.replace(microsecond=0)

    change_database(finished, rounded)
    assert running(plan(finished)) == []


def test_archives_that_are_gone_do_not_undo_a_result(finished: Site) -> None:
    for experiment in ("ATLAS", "CMS"):
        finished.archive(experiment).unlink()
    assert running(plan(finished)) == []


def test_archives_that_come_after_logged_luminosity_are_read(finished: Site) -> None:
    finished.paths().lumi_meas.rename(finished.paths().lumi_meas_timber)
    assert running(plan(finished)) == MASSI_AGAIN


# --- what --dry-run prints


def test_dry_run_prints_a_table_of_fills_and_steps(finished: Site) -> None:
    finished.remove("lumi", fill=OTHER)
    outcome = finished.run("--dry-run", "--force", "cycle")
    header, *rows = (
        line.replace("to do", "to-do").split() for line in outcome.out.splitlines()[:3]
    )
    assert header == ["fill", *ALL, "plots"]
    done = {**dict.fromkeys(ALL, "present"), "cycle": "forced"}
    assert rows[0] == [str(FILL), *done.values(), "off"]
    assert rows[1] == [str(OTHER), *{**done, "lumi": "to-do"}.values(), "off"]
    assert outcome.status == 0


def test_dry_run_says_what_blocks_a_step(site: Site) -> None:
    path = site.paths().basic_data
    path.unlink()
    outcome = site.run("--dry-run")
    assert outcome.rows()[FILL] == [*["blocked"] * len(ALL), "off"]
    assert f"fill {FILL}: sb: blocked ({path} is missing)\n" in outcome.out
    assert f"fill {FILL}: lumi: blocked (sb)\n" in outcome.out
    assert f"fill {OTHER}: " not in outcome.out


def test_dry_run_says_why_a_result_is_stale(undescribed: Site) -> None:
    undescribed.paths().lumi_calc.touch()
    outcome = undescribed.run("--dry-run")
    name = undescribed.paths().lumi_calc.name
    assert f"fill {FILL}: fits: stale (older than {name})\n" in outcome.out


@pytest.mark.parametrize("options", [[], ["--force", "all"], ["--doOnly", "sb"], ["--cascade"]])
def test_dry_run_writes_nothing(site: Site, options: list[str]) -> None:
    site.run("--dry-run", *options)
    assert not site.results.exists()


def test_dry_run_changes_no_result(finished: Site) -> None:
    before = finished.contents()
    finished.run("--dry-run", "--force", "all")
    assert finished.contents() == before


def test_dry_run_of_an_unknown_fill_says_so_and_ends_with_1(finished: Site) -> None:
    outcome = finished.run("--dry-run", "--fill", 9999, FILL)
    assert outcome.status == 1
    assert outcome.rows()[FILL] == [*["present"] * len(ALL), "off"]
    assert "fill 9999: all: not in the beam modes" in outcome.out


def test_dry_run_does_as_the_run_that_follows(finished: Site) -> None:
    finished.remove("lumi")
    finished.archive("ATLAS").touch()
    planned = finished.run("--dry-run").rows()[FILL]
    expected = [step for step, status in zip(ALL, planned) if status in ("to-do", "forced")]
    outcome = finished.run()
    done = [step for step in ALL if outcome.lines("INFO", f"fill {FILL}: {step}: ")]
    assert done == expected == ["lumi", *MASSI_AGAIN]


def test_plan_of_no_fills_says_so(site: Site) -> None:
    assert plan_table({}, {}) == "no fill to run\n"
    site.configure(first_fill=6000)
    assert site.run("--dry-run").out == "no fill to run\n"
