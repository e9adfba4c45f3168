"""Fills side by side: the same results, one log, and what an interrupt or a death leaves."""

from __future__ import annotations

import contextlib
import logging
import os
import re
import shutil
import signal
import sys
import time
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from lumimod.parallel import process_context
from lumimod.run import processes
from lumimod.run.fill import FillJob
from lumimod.run.report import FillReport
from lumimod.run.reporting import Display
from lumimod.steps.registry import STEPS
from tests import forks
from tests.run.conftest import holding

if TYPE_CHECKING:
    from tests.run.conftest import Site

pytestmark = pytest.mark.slow  # whole runs, together many seconds

FILL, OTHER = 5845, 5848
PROGRAM = Path(__file__).parents[2] / "lumimod.py"


# --- results


@pytest.fixture
def side_by_side(site: Site) -> tuple[Site, Any]:
    return site, site.run("--jobs", 2)


def test_fills_side_by_side_give_the_bytes_of_one_after_the_other(
    side_by_side: tuple[Site, Any], tiny_results: Path
) -> None:
    site, outcome = side_by_side
    assert outcome.status == 0
    for fill in (FILL, OTHER):
        whole = {p.name: p.read_bytes() for p in (tiny_results / f"fill_{fill}").glob("*.pkl.gz")}
        assert site.contents(fill) == whole


def test_lines_of_other_processes_reach_the_log(side_by_side: tuple[Site, Any]) -> None:
    _, outcome = side_by_side
    for fill in (FILL, OTHER):
        for step in STEPS:
            assert len(outcome.lines("INFO", f"fill {fill}: {step}: ")) == 1


def test_table_has_the_fills_in_order(side_by_side: tuple[Site, Any]) -> None:
    _, outcome = side_by_side
    assert list(outcome.rows()) == [FILL, OTHER]


def test_archives_of_all_fills_are_in_the_database(side_by_side: tuple[Site, Any]) -> None:
    site, _ = side_by_side
    assert site.run("--jobs", 2).out == "2 fills: nothing to do\n"


def test_log_level_holds_for_other_processes(site: Site) -> None:
    path = site.paths().basic_data
    path.unlink()
    outcome = site.run("--jobs", 2, "--loglevel", 40)
    assert outcome.lines("ERROR", f"fill {FILL}: sb: {path}")
    assert not outcome.lines("INFO")


def test_failure_in_one_process_leaves_the_other_fill_alone(
    site: Site, good_results: Mapping[str, bytes]
) -> None:
    site.paths().bbb_data.write_bytes(b"")
    outcome = site.run("--jobs", 2)
    assert outcome.status == 1
    assert f"fill {FILL}: sb: {site.paths().bbb_data}: the file is empty" in outcome.out
    assert site.contents(OTHER) == good_results


def test_more_jobs_than_fills_do_no_harm(site: Site) -> None:
    assert site.run("--jobs", 50, "--fill", FILL).status == 0


def test_single_busy_fill_needs_no_other_process(
    finished: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unwanted(*_: object) -> None:
        raise AssertionError("a process was started")

    finished.remove("lumi")
    monkeypatch.setattr(processes, "_in_processes", unwanted)
    assert finished.run("--jobs", 2).status == 0


# --- a process that dies


def ends(job: FillJob) -> FillReport:
    """Stand in for the run of a fill: one fill ends its process, others say which they are."""
    if job.fill == FILL:
        os._exit(9)
    time.sleep(0.2)  # others are under way meanwhile
    return FillReport(job.fill, {"sb": 1.0})


def ends_once(job: FillJob) -> FillReport:
    """End the process at the first time, as for want of memory side by side."""
    proof = job.cfg.path.with_name("ended")
    if job.fill == FILL and not proof.exists():
        proof.touch()
        os._exit(9)
    return FillReport(job.fill, {"sb": 1.0})


def ends_while_it_logs(job: FillJob) -> FillReport:
    """End the process at the first time, within a message: nobody can write another one then."""
    proof = job.cfg.path.with_name("ended")
    (handler,) = logging.getLogger().handlers
    if job.fill == FILL and not proof.exists():
        proof.touch()
        handler.queue._wlock.acquire()  # type: ignore[attr-defined]
        os._exit(9)
    logging.getLogger().warning("fill %d speaks", job.fill)
    return FillReport(job.fill, {"sb": 1.0})


@pytest.fixture
def importable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let other processes import this module: they are told the search path of this one."""
    monkeypatch.setattr(sys, "path", [str(Path(__file__).parent), *sys.path])


def reports(site: Site, fills: list[int]) -> dict[int, FillReport]:
    jobs = [FillJob(fill, site.cfg, None, {}) for fill in fills]  # type: ignore[arg-type]
    with Display("%(levelname)s : %(message)s") as display:
        return {r.fill: r for r in processes._in_processes(jobs, 2, 1, display)}


@pytest.mark.usefixtures("importable")
def test_fill_whose_process_dies_is_reported_and_the_others_go_on(
    site: Site, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(processes, "_run_in_process", ends)
    found = reports(site, [OTHER, FILL, 5850, 5851])
    assert set(found) == {OTHER, FILL, 5850, 5851}
    assert [fill for fill, report in found.items() if report.failed] == [FILL]
    assert "its process died" in found[FILL].failed["all"]
    assert "memory" in found[FILL].failed["all"]
    lines = capsys.readouterr().err.splitlines()
    assert sum(line.startswith(f"ERROR : fill {FILL}: its process died") for line in lines) == 1
    assert sum(line.startswith("ERROR") for line in lines) == 1


@pytest.mark.usefixtures("importable")
def test_fill_that_has_room_when_alone_is_done_after_all(
    site: Site, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(processes, "_run_in_process", ends_once)
    found = reports(site, [FILL, OTHER])
    assert not any(report.failed for report in found.values())
    assert f"WARNING : fill {FILL}: a process died" in capsys.readouterr().err


@pytest.mark.timeout(60)
@pytest.mark.usefixtures("importable")
def test_a_process_that_dies_while_it_logs_costs_no_later_line(
    site: Site, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(processes, "_run_in_process", ends_while_it_logs)
    found = reports(site, [FILL, OTHER])
    assert not any(report.failed for report in found.values())
    lines = capsys.readouterr().err.splitlines()
    assert f"WARNING : fill {FILL} speaks" in lines


@pytest.mark.usefixtures("importable")
def test_pool_that_is_already_broken_hands_back_its_jobs(site: Site) -> None:
    jobs = [FillJob(fill, site.cfg, None, {}) for fill in (FILL, OTHER)]  # type: ignore[arg-type]
    with ProcessPoolExecutor(1, process_context()) as pool:
        with contextlib.suppress(Exception):
            pool.submit(ends, jobs[0]).result()
        assert list(processes._side_by_side(pool, jobs)) == [(job, None) for job in jobs]


# --- interrupted


@pytest.fixture
def waiting(finished: Site) -> tuple[Site, dict[str, str]]:
    """Return a place with five fills, and an environment: the first two wait in step lumi."""
    site = finished
    table = site.modes()
    for fill in (5849, 5850, 5851):
        table[fill] = dict(table[OTHER])
        folder = site.paths(fill).folder
        shutil.copytree(site.paths(OTHER).folder, folder)
        for path in folder.iterdir():
            path.rename(path.with_name(path.name.replace(str(OTHER), str(fill))))
    site.write_modes(table)
    _, environment = holding(site.root, [site.paths(fill).sb.name for fill in (FILL, OTHER)])
    return site, environment


@pytest.mark.parametrize("jobs", [1, 2])
def test_interrupt_ends_the_run_with_130_and_begins_no_further_fill(
    waiting: tuple[Site, dict[str, str]], jobs: int
) -> None:
    site, environment = waiting
    before = site.contents(5851)
    options = ["--config", site.config, "--verbose", "--force", "lumi", "--jobs", jobs]
    with forks.start(*options, env=environment, own_session=True) as process:
        said = ""
        while said.count("lumi: begins") < jobs:
            line = process.stderr.readline()
            assert line, said
            said += line
        time.sleep(0.2)  # from saying so to the waiting
        os.killpg(process.pid, signal.SIGINT)  # as Ctrl-C does
        try:
            out, rest = process.communicate(timeout=30)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
    said += rest
    assert process.returncode == 130
    assert said.endswith("lumimod: interrupted; finished results are kept\n")
    assert "Traceback" not in said
    assert out == ""
    assert not re.search("fill 5851: lumi: begins", said)
    assert site.contents(5851) == before
    assert site.leftovers() == []
