"""Claims on fills: whose counts, whose does not, and what is left behind."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from lumimod.run import claims
from lumimod.run.claims import DEAD_AFTER_S, FOLDER, JOB_VARIABLE, Claims, Owner, remove_leftovers

FILL, OTHER = 5845, 5848


@pytest.fixture
def taker(tmp_path: Path) -> Iterator[Claims]:
    with Claims(tmp_path) as own:
        yield own


def other_run(tmp_path: Path, fill: int = FILL, age_s: float = 0.0, **changes: Any) -> Owner:
    """Claim a fill as another run: by default of a process of this machine that lives."""
    owner = replace(Owner.of_this_process(), pid=os.getppid(), **changes)
    if "started" not in changes:
        owner = replace(owner, started=claims._process_start(owner.pid) or "gone")
    path = tmp_path / FOLDER / f"fill_{fill}.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(asdict(owner)))
    then = time.time() - age_s
    os.utime(path, (then, then))
    return owner


def test_claim_is_there_until_it_is_given_back(tmp_path: Path) -> None:
    with Claims(tmp_path) as own:
        assert own.take([FILL, OTHER]) == ({}, frozenset())
        names = sorted(p.name for p in (tmp_path / FOLDER).iterdir())
        assert names == [f"fill_{FILL}.json", f"fill_{OTHER}.json"]
        own.give_back(FILL)
        own.give_back(FILL)
        assert [p.name for p in (tmp_path / FOLDER).iterdir()] == [f"fill_{OTHER}.json"]
    assert list(tmp_path.iterdir()) == []


def test_second_run_gets_only_what_the_first_has_not(tmp_path: Path, taker: Claims) -> None:
    taker.take([FILL])
    with Claims(tmp_path) as second:
        refused, _ = second.take([FILL, OTHER])
        assert set(refused) == {FILL}
        assert f"process {os.getpid()} on " in str(refused[FILL])
    # What the second one gives back is its own alone.
    assert [p.name for p in (tmp_path / FOLDER).iterdir()] == [f"fill_{FILL}.json"]


RACE = """
import sys, time
from pathlib import Path
from lumimod.run.claims import Claims
with Claims(Path(sys.argv[1])) as own:
    refused, _ = own.take(range(40))
    print(*(f for f in range(40) if f not in refused), flush=True)
    sys.stdin.read()
"""


def test_runs_that_begin_at_once_share_the_fills_and_none_has_two(tmp_path: Path) -> None:
    call = [sys.executable, "-c", RACE, str(tmp_path)]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    runs = [subprocess.Popen(call, **pipes) for _ in range(3)]
    taken = [run.stdout.readline().split() for run in runs if run.stdout]
    for run in runs:
        run.communicate("")
    assert sorted(fill for of_run in taken for fill in of_run) == sorted(map(str, range(40)))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("changes", "age_s"),
    [
        ({"started": "1"}, 0.0),  # the process has ended, another has its number
        ({"boot": "before"}, 0.0),  # the machine was started again
        ({"host": "elsewhere"}, DEAD_AFTER_S + 5),
        ({"space": "container"}, DEAD_AFTER_S + 5),
    ],
    ids=repr,
)
def test_claim_of_a_dead_run_counts_for_nothing(
    tmp_path: Path, taker: Claims, changes: dict[str, str], age_s: float
) -> None:
    other_run(tmp_path, age_s=age_s, **changes)
    assert taker.take([FILL]) == ({}, frozenset({FILL}))
    assert [p.name for p in (tmp_path / FOLDER).iterdir()] == [f"fill_{FILL}.json"]


@pytest.mark.parametrize(
    ("changes", "age_s"),
    [
        ({}, 0.0),
        ({}, 10 * DEAD_AFTER_S),  # it lives, however long it takes
        ({"host": "elsewhere", "started": "1"}, DEAD_AFTER_S - 60),
        ({"space": "container", "started": "1"}, 5.0),
        ({"job": "lumimod_JOB_1"}, 0.0),
    ],
    ids=repr,
)
def test_claim_of_a_run_that_lives_counts(
    tmp_path: Path, taker: Claims, changes: dict[str, str], age_s: float
) -> None:
    owner = other_run(tmp_path, age_s=age_s, **changes)
    assert taker.take([FILL, OTHER]) == ({FILL: owner}, frozenset())


def test_job_that_starts_again_takes_what_it_had(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other_run(tmp_path, host="elsewhere", job="lumimod_JOB_7")
    monkeypatch.setenv(JOB_VARIABLE, "lumimod_JOB_7")
    with Claims(tmp_path) as own:
        assert own.take([FILL]) == ({}, frozenset({FILL}))


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"host": "x"}'])
@pytest.mark.parametrize("age_s", [0.0, 100.0])
def test_claim_that_cannot_be_read_counts_as_long_as_it_may_be_being_written(
    tmp_path: Path, taker: Claims, text: str, age_s: float
) -> None:
    other_run(tmp_path)
    path = tmp_path / FOLDER / f"fill_{FILL}.json"
    path.write_text(text)
    os.utime(path, (time.time() - age_s, time.time() - age_s))
    refused, _ = taker.take([FILL])
    assert refused == ({} if age_s else {FILL: None})


def test_claims_work_where_the_file_system_has_no_links(
    tmp_path: Path, taker: Claims, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unable(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "link", unable)
    assert taker.take([FILL]) == ({}, frozenset())
    with Claims(tmp_path) as second:
        assert set(second.take([FILL])[0]) == {FILL}


def test_last_of_two_that_made_the_same_claim_has_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As on a file system where two can make the same new file.
    theirs = other_run(tmp_path)
    with Claims(tmp_path) as own:
        monkeypatch.setattr(own, "_write", lambda _: True)
        assert own.take([FILL]) == ({FILL: theirs}, frozenset())


def test_claim_that_takes_the_place_of_a_dead_one_meanwhile_is_put_back(
    tmp_path: Path, taker: Claims
) -> None:
    other_run(tmp_path, started="1")
    path = tmp_path / FOLDER / f"fill_{FILL}.json"
    dead = claims._read(path)
    assert dead is not None
    theirs = other_run(tmp_path)
    taker._clear(path, dead)
    found = claims._read(path)
    assert found is not None
    assert found.owner == theirs
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_clearing_a_claim_that_is_gone_does_nothing(tmp_path: Path, taker: Claims) -> None:
    other_run(tmp_path, started="1")
    path = tmp_path / FOLDER / f"fill_{FILL}.json"
    dead = claims._read(path)
    assert dead is not None
    path.unlink()
    taker._clear(path, dead)
    assert list(path.parent.iterdir()) == []


def test_where_claims_cannot_be_written_nothing_is_refused(tmp_path: Path) -> None:
    with Claims(tmp_path / "no_such_folder") as own:
        assert own.take([FILL]) == ({}, frozenset())


def test_claims_are_renewed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claims, "RENEW_S", 0.01)
    with Claims(tmp_path) as own:
        own.take([FILL])
        path = tmp_path / FOLDER / f"fill_{FILL}.json"
        os.utime(path, (1.0, 1.0))
        limit = time.monotonic() + 20
        while path.stat().st_mtime < 2.0:
            assert time.monotonic() < limit
            time.sleep(0.01)


def test_processes_are_told_apart_without_a_proc_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claims, "Path", lambda text: Path("/nowhere") / text.lstrip("/"))
    assert claims._process_start(os.getpid()) == ""
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    assert claims._process_start(gone.pid) is None
    assert claims._boot() == ""


def test_leftovers_are_unfinished_files_alone(tmp_path: Path) -> None:
    (tmp_path / "plots").mkdir()
    kept = [tmp_path / "fill_5845.pkl.gz", tmp_path / "plots/a.png", tmp_path / ".hidden"]
    gone = [tmp_path / ".fill_5845.pkl.gz.0a.tmp", tmp_path / "plots/.a.png.0a.tmp"]
    for path in kept + gone:
        path.touch()
    remove_leftovers(tmp_path)
    assert [path.exists() for path in kept + gone] == [True] * 3 + [False] * 2
