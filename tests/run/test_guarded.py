"""One bad thing costs one fill: whatever comes up while fills are planned."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from lumimod.errors import BadInputError
from lumimod.records.diary import Diary
from lumimod.run import fill, session
from lumimod.run.claims import CLAIMS_FOLDER, Owner
from lumimod.steps.registry import STEPS

if TYPE_CHECKING:
    from tests.run.conftest import Site

FILL, OTHER = 5845, 5848
PROGRAM = Path(__file__).parents[2] / "lumimod.py"


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (BadInputError("the file is odd"), "the file is odd"),
        (PermissionError(13, "Permission denied", "some/file"), "some/file: Permission denied"),
        (ZeroDivisionError("odd"), "internal error, please report it: ZeroDivisionError: odd"),
    ],
)
@pytest.mark.parametrize("at", [1, 2])
def test_a_fill_that_cannot_be_planned_costs_no_other(
    finished: Site, monkeypatch: pytest.MonkeyPatch, error: Exception, told: str, at: int
) -> None:
    """At its first planning, or at the second one, when it is claimed."""
    plan_fill, n_calls = session.plan_fill, 0

    def fails(fill: Any, *args: Any, **options: Any) -> Any:
        nonlocal n_calls
        if getattr(fill, "fill", fill) == FILL:
            n_calls += 1
            if n_calls == at:
                raise error
        return plan_fill(fill, *args, **options)

    monkeypatch.setattr(session, "plan_fill", fails)
    finished.remove("fits", fill=FILL)
    finished.remove("fits", fill=OTHER)
    outcome = finished.run()
    assert outcome.status == 1
    assert f"fill {FILL}: all failed: {told}" in outcome.out or told in outcome.out
    assert outcome.lines("ERROR", f"fill {FILL}", told)
    assert outcome.rows()[OTHER][0] == "fits"
    assert finished.leftovers() == []


@pytest.mark.parametrize("run", [("--dry-run",), ()])
def test_links_to_nowhere_in_every_folder_cost_no_run(site: Site, run: tuple[str, ...]) -> None:
    for path in (site.archive("ATLAS"), site.paths().bbb_data):
        path.unlink()
        path.symlink_to("nowhere")
    outcome = site.run(*run)
    assert "Traceback" not in outcome.err
    assert OTHER in outcome.rows()
    if not run:
        assert outcome.status == 1
        assert len(site.made(OTHER)) > 5


AS_ORDINARY_USER = """
import ctypes, os, sys
for capability in (1, 2):  # to read and write what is closed
    ctypes.CDLL(None).prctl(24, capability, 0, 0, 0)
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""
"""Runs a command as one whom modes of files stop, also where the tests are run by root."""


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs capabilities of Linux")
@pytest.mark.parametrize("closed", ["fill folder", "Massi folder", "database", "entries"])
def test_what_an_ordinary_user_may_not_read_costs_no_run(finished: Site, closed: str) -> None:
    entries = finished.results / "fill_db.d"
    entries.mkdir(exist_ok=True)
    path = {
        "fill folder": finished.paths().folder,
        "Massi folder": finished.archive("ATLAS").parent,
        "database": finished.results / "fill_db.yaml",
        "entries": entries,
    }[closed]
    finished.remove("fits", fill=OTHER)
    path.chmod(0o000)
    call = [sys.executable, "-c", AS_ORDINARY_USER, str(PROGRAM), "--config", str(finished.config)]
    try:
        done = subprocess.run(  # noqa: S603
            call, capture_output=True, text=True, timeout=60, check=False
        )
    finally:
        path.chmod(0o755)
    assert "Traceback" not in done.stderr
    assert f"{OTHER}  fits" in done.stdout
    assert path.name in done.stderr or closed == "entries"


def test_what_a_dead_run_left_is_removed_also_where_nothing_is_to_do(finished: Site) -> None:
    leftover = finished.paths().folder / ".fill_5845_lumi_calc.pkl.gz.0123.tmp"
    leftover.write_bytes(b"half of it")
    claim = finished.results / CLAIMS_FOLDER / f"fill_{FILL}.json"
    claim.parent.mkdir()
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    claim.write_text(json.dumps({**asdict(Owner.of_this_process()), "pid": ended.pid}))
    outcome = finished.run()
    assert outcome.out == "2 fills: nothing to do\n"
    assert not leftover.exists()
    assert not claim.parent.exists()


# --- what goes wrong besides the steps


@pytest.mark.slow
@pytest.mark.parametrize("where", ["begin", "save"])
@pytest.mark.parametrize(
    ("error", "told"),
    [
        (MemoryError(), "not enough memory; free some"),
        (ValueError("odd"), "internal error, please report it: ValueError: odd"),
        (OSError(5, "Input/output error", "made.json"), "made.json: Input/output error; check"),
    ],
)
def test_what_fails_besides_the_steps_costs_that_fill_alone(
    finished: Site, monkeypatch: pytest.MonkeyPatch, where: str, error: Exception, told: str
) -> None:
    if where == "begin":
        begin = fill.Keeper

        def keeper(paths: Any, modes: Any) -> Any:
            if modes.fill == FILL:
                raise error
            return begin(paths, modes)

        monkeypatch.setattr(fill, "Keeper", keeper)
    else:
        finished.run()
        save = Diary.save

        def saved(diary: Diary) -> None:
            if (
                f"fill_{FILL}" in str(diary._path)
                and sys._getframe(1).f_code.co_name == "_run_steps"
            ):
                raise error
            save(diary)

        monkeypatch.setattr(Diary, "save", saved)
    for number in (FILL, OTHER):
        finished.remove("fits", fill=number)
    outcome = finished.run()
    assert outcome.status == 1
    assert outcome.lines("ERROR", f"fill {FILL}: all: ", told)
    assert f"fill {FILL}: all: " in outcome.out
    assert outcome.rows()[OTHER][0] == "fits"


def test_want_of_memory_is_an_error_of_the_step(
    finished: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    def too_large(_: Any) -> None:
        raise MemoryError

    monkeypatch.setitem(STEPS, "fits", dataclasses.replace(STEPS["fits"], run=too_large))
    finished.remove("fits", fill=FILL)
    outcome = finished.run()
    assert outcome.status == 1
    assert outcome.lines("ERROR", f"fill {FILL}: fits: there was not enough memory; free some")
    assert "Traceback" not in outcome.err
    assert "internal error" not in outcome.err


@pytest.mark.parametrize("kind", ["pipe", "folder", "damaged"])
def test_a_diary_that_is_none_is_named_once(finished: Site, kind: str) -> None:
    path = finished.paths().folder / "made.json"
    path.unlink(missing_ok=True)
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        path.write_text('{"results":')
    outcome = finished.run()
    assert outcome.status == 0
    assert outcome.out == "2 fills: nothing to do\n"
    assert len(outcome.lines("WARNING", str(path))) == 1
    assert "Traceback" not in outcome.err


def test_a_bug_while_all_fills_are_prepared_is_loud_and_costs_no_fill(
    finished: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    def odd(*_: Any) -> Any:
        raise ZeroDivisionError("by chance")

    step = dataclasses.replace(STEPS["massi"], begin_run=odd)
    monkeypatch.setitem(STEPS, "massi", step)
    finished.remove("lifetime", fill=FILL)
    outcome = finished.run()
    assert outcome.status == 1
    assert "massi: internal error, please report it: ZeroDivisionError: by chance" in outcome.out
    assert outcome.rows()[FILL][0] == "lifetime"


def test_a_bug_at_the_end_of_the_run_costs_no_table(
    finished: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    def odd(*_: Any) -> Any:
        raise ZeroDivisionError("by chance")

    step = dataclasses.replace(STEPS["lifetime"], end_run=odd)
    monkeypatch.setitem(STEPS, "lifetime", step)
    finished.remove("lifetime", fill=FILL)
    outcome = finished.run()
    assert outcome.status == 1
    assert outcome.rows()[FILL][0] == "lifetime"
    assert outcome.out.endswith("ZeroDivisionError: by chance\n")


def test_a_result_that_rots_without_a_change_of_its_time_is_made_again(finished: Site) -> None:
    path, before = finished.paths().sb, finished.contents()
    finished.run()  # and the diary knows all results
    status = path.stat()
    with path.open("r+b") as file:
        file.seek(status.st_size // 2)
        byte = file.read(1)[0]
        file.seek(status.st_size // 2)
        file.write(bytes([byte ^ 1]))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    finished.remove("lumi")
    outcome = finished.run()
    assert outcome.status == 1
    assert outcome.lines("ERROR", f"fill {FILL}: lumi: {path}", "truncated")
    again = finished.run()
    assert again.status == 0
    assert {"sb", "lumi"} <= set(again.rows()[FILL])
    assert finished.contents() == before


def test_a_bug_while_the_states_are_kept_costs_no_table(
    finished: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    def odd(*_: Any) -> Any:
        raise ZeroDivisionError("by chance")

    monkeypatch.setattr(session, "states_of", odd)
    finished.remove("lifetime", fill=FILL)
    outcome = finished.run()
    assert outcome.status == 0
    assert outcome.rows()[FILL][0] == "lifetime"
    assert outcome.lines("WARNING", "how the fills stand: internal error", "by chance")
