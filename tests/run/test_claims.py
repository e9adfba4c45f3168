"""Claims on fills: whose counts, whose does not, and what is left behind."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from lumimod.run import claims
from lumimod.run.claims import (
    CLAIMS_FOLDER,
    DEAD_AFTER_S,
    JOB_VARIABLE,
    Claims,
    Owner,
    remove_leftovers,
)

FILL, OTHER = 5845, 5848


@pytest.fixture
def taker(tmp_path: Path) -> Iterator[Claims]:
    with Claims(tmp_path) as own:
        yield own


def other_run(tmp_path: Path, fill: int = FILL, age_s: float = 0.0, **changes: Any) -> Owner:
    """Claim a fill as another run: by default of a process of this machine that lives."""
    owner = replace(Owner.of_this_process(), **{"pid": os.getppid(), **changes})
    path = tmp_path / CLAIMS_FOLDER / f"fill_{fill}.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(asdict(owner)))
    then = time.time() - age_s
    os.utime(path, (then, then))
    return owner


def test_claim_is_there_until_it_is_given_back(tmp_path: Path) -> None:
    with Claims(tmp_path) as own:
        assert own.take([FILL, OTHER]) == ({}, frozenset())
        names = sorted(p.name for p in (tmp_path / CLAIMS_FOLDER).iterdir())
        assert names == [f"fill_{FILL}.json", f"fill_{OTHER}.json"]
        own.give_back(FILL)
        own.give_back(FILL)
        assert [p.name for p in (tmp_path / CLAIMS_FOLDER).iterdir()] == [f"fill_{OTHER}.json"]
    assert list(tmp_path.iterdir()) == []


def test_second_run_gets_only_what_the_first_has_not(tmp_path: Path, taker: Claims) -> None:
    taker.take([FILL])
    with Claims(tmp_path) as second:
        refused, _ = second.take([FILL, OTHER])
        assert set(refused) == {FILL}
        assert f"process {os.getpid()} on " in str(refused[FILL])
    # What the second one gives back is its own alone.
    assert [p.name for p in (tmp_path / CLAIMS_FOLDER).iterdir()] == [f"fill_{FILL}.json"]


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


@pytest.fixture(scope="module")
def gone() -> int:
    """Return the number of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


@pytest.mark.parametrize(
    ("changes", "age_s"),
    [
        ({"pid": "gone"}, 0.0),
        ({}, DEAD_AFTER_S + 5),  # its number is that of another process by now
        ({"host": "elsewhere"}, DEAD_AFTER_S + 5),
        ({"namespace": "container"}, DEAD_AFTER_S + 5),
    ],
    ids=repr,
)
def test_claim_of_a_dead_run_counts_for_nothing(
    tmp_path: Path, taker: Claims, gone: int, changes: dict[str, Any], age_s: float
) -> None:
    other_run(tmp_path, age_s=age_s, **({"pid": gone} if "pid" in changes else changes))
    assert taker.take([FILL]) == ({}, frozenset({FILL}))
    assert [p.name for p in (tmp_path / CLAIMS_FOLDER).iterdir()] == [f"fill_{FILL}.json"]


@pytest.mark.parametrize(
    ("changes", "age_s"),
    [
        ({}, 0.0),
        ({}, DEAD_AFTER_S - 60),
        ({"host": "elsewhere", "pid": "gone"}, DEAD_AFTER_S - 60),
        ({"namespace": "container", "pid": "gone"}, 5.0),
        ({"job": "lumimod_JOB_1"}, 0.0),
    ],
    ids=repr,
)
def test_claim_of_a_run_that_lives_counts(
    tmp_path: Path, taker: Claims, gone: int, changes: dict[str, Any], age_s: float
) -> None:
    changes = {**changes, "pid": gone} if "pid" in changes else changes
    owner = other_run(tmp_path, age_s=age_s, **changes)
    assert taker.take([FILL, OTHER]) == ({FILL: owner}, frozenset())


def test_process_of_another_user_is_alive(
    tmp_path: Path, taker: Claims, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forbidden(*_: object) -> None:
        raise PermissionError

    owner = other_run(tmp_path)
    monkeypatch.setattr(os, "kill", forbidden)
    assert taker.take([FILL]) == ({FILL: owner}, frozenset())


def test_job_that_starts_again_takes_what_it_had(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other_run(tmp_path, host="elsewhere", job="lumimod_JOB_7")
    monkeypatch.setenv(JOB_VARIABLE, "lumimod_JOB_7")
    with Claims(tmp_path) as own:
        assert own.take([FILL]) == ({}, frozenset({FILL}))


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"host": "x"}'])
@pytest.mark.parametrize("age_s", [0.0, DEAD_AFTER_S + 5])
def test_claim_that_cannot_be_read_counts_until_it_is_too_old(
    tmp_path: Path, taker: Claims, text: str, age_s: float
) -> None:
    other_run(tmp_path)
    path = tmp_path / CLAIMS_FOLDER / f"fill_{FILL}.json"
    path.write_text(text)
    os.utime(path, (time.time() - age_s, time.time() - age_s))
    refused, _ = taker.take([FILL])
    assert refused == ({} if age_s else {FILL: None})


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
def test_claim_that_cannot_be_written_whole_is_taken_away_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As on a full disk: the file is made, and holds nothing.
    made = []

    def full(path: Path, mode: str = "r") -> Any:
        path.touch()
        made.append(path.name)
        return open("/dev/full", "w")  # noqa: PTH123, SIM115 - Path.open is this function

    with Claims(tmp_path) as own:
        with monkeypatch.context() as patch:
            patch.setattr(Path, "open", full)
            assert own.take([FILL]) == ({}, frozenset())
        assert made == [f"fill_{FILL}.json"]
        assert list((tmp_path / CLAIMS_FOLDER).iterdir()) == []


def test_claim_that_another_run_has_by_now_is_not_given_back(tmp_path: Path, taker: Claims) -> None:
    taker.take([FILL])
    theirs = other_run(tmp_path)
    taker.give_back(FILL)
    with Claims(tmp_path) as third:
        assert third.take([FILL]) == ({FILL: theirs}, frozenset())


def test_where_claims_cannot_be_written_nothing_is_refused(tmp_path: Path) -> None:
    with Claims(tmp_path / "no_such_folder") as own:
        assert own.take([FILL]) == ({}, frozenset())


def test_claims_are_renewed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claims, "RENEW_S", 0.01)
    with Claims(tmp_path) as own:
        own.take([FILL])
        path = tmp_path / CLAIMS_FOLDER / f"fill_{FILL}.json"
        os.utime(path, (1.0, 1.0))
        limit = time.monotonic() + 20
        while path.stat().st_mtime < 2.0:
            assert time.monotonic() < limit
            time.sleep(0.01)


def test_claims_work_without_a_proc_folder(
    tmp_path: Path, taker: Claims, gone: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(*_: object) -> str:
        raise FileNotFoundError

    monkeypatch.setattr(os, "readlink", missing)
    with Claims(tmp_path) as own:
        other_run(tmp_path, pid=gone)
        owner = other_run(tmp_path, OTHER)
        assert own.take([FILL, OTHER]) == ({OTHER: owner}, frozenset({FILL}))


def test_claims_are_renewed_no_longer_than_the_run_lasts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claims, "RENEW_S", 0.01)
    before = set(threading.enumerate())
    with Claims(tmp_path) as own:
        own.take([FILL])
        (renewal,) = set(threading.enumerate()) - before
    renewal.join(20)
    assert not renewal.is_alive()


def test_leftovers_are_unfinished_files_alone(tmp_path: Path) -> None:
    (tmp_path / "plots").mkdir()
    kept = [tmp_path / "fill_5845.pkl.gz", tmp_path / "plots/a.png", tmp_path / ".hidden"]
    gone = [tmp_path / ".fill_5845.pkl.gz.0a.tmp", tmp_path / "plots/.a.png.0a.tmp"]
    for path in kept + gone:
        path.touch()
    remove_leftovers(tmp_path)
    assert [path.exists() for path in kept + gone] == [True] * 3 + [False] * 2


NONSENSE = {
    "not UTF-8": b"\xff\xfe\x00",
    "NaN as process": b'{"host": "h", "namespace": "", "pid": NaN, "since": 0, "job": ""}',
    "huge process": b'{"host": "h", "namespace": "", "pid": 1'
    + b"0" * 30
    + b', "since": 0, "job": ""}',
    "process 0": b'{"host": "h", "namespace": "", "pid": 0, "since": 0, "job": ""}',
    "NaN as time": b'{"host": "h", "namespace": "", "pid": 1, "since": NaN, "job": ""}',
    "huge time": b'{"host": "h", "namespace": "", "pid": 1, "since": 1e300, "job": ""}',
    "text as time": b'{"host": "h", "namespace": "", "pid": 1, "since": "now", "job": ""}',
    "list as host": b'{"host": [1], "namespace": "", "pid": 1, "since": 0, "job": ""}',
    "nested": b"[" * 9000,
    "large": b'"' + b"x" * 1_000_000,
}


@pytest.mark.parametrize("text", NONSENSE.values(), ids=NONSENSE)
@pytest.mark.parametrize("age_s", [0.0, DEAD_AFTER_S + 5, -DEAD_AFTER_S - 5])
def test_claim_of_nonsense_counts_for_ten_minutes_and_ends_no_run(
    tmp_path: Path, taker: Claims, text: bytes, age_s: float
) -> None:
    path = tmp_path / CLAIMS_FOLDER / f"fill_{FILL}.json"
    path.parent.mkdir()
    path.write_bytes(text)
    os.utime(path, (time.time() - age_s, time.time() - age_s))
    refused, _ = taker.take([FILL, OTHER])
    assert refused == ({} if age_s else {FILL: None})


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes on this system")
def test_claim_that_is_a_pipe_is_not_waited_for(tmp_path: Path, taker: Claims) -> None:
    (tmp_path / CLAIMS_FOLDER).mkdir()
    os.mkfifo(tmp_path / CLAIMS_FOLDER / f"fill_{FILL}.json")
    assert taker.take([FILL])[0] == {FILL: None}


def test_what_dead_runs_left_a_day_ago_is_removed(tmp_path: Path) -> None:
    folder = tmp_path / CLAIMS_FOLDER
    other_run(tmp_path, 6000, age_s=90_000)
    (folder / ".fill_6001.json.12.tmp").write_text("half")
    os.utime(folder / ".fill_6001.json.12.tmp", (1.0, 1.0))
    other_run(tmp_path, 6002, age_s=3_600)
    with Claims(tmp_path) as own:
        own.take([FILL])
    assert [path.name for path in folder.iterdir()] == ["fill_6002.json"]


def test_a_claim_that_goes_while_it_is_read_is_taken(
    tmp_path: Path, taker: Claims, monkeypatch: pytest.MonkeyPatch
) -> None:
    other_run(tmp_path)
    plain = claims._read_claim

    def gone_meanwhile(path: Path) -> Any:
        path.unlink()
        monkeypatch.setattr(claims, "_read_claim", plain)
        return plain(path)

    monkeypatch.setattr(claims, "_read_claim", gone_meanwhile)
    assert taker.take([FILL]) == ({}, frozenset())
    owner = json.loads((tmp_path / CLAIMS_FOLDER / f"fill_{FILL}.json").read_text())
    assert owner["pid"] == os.getpid()


def test_a_fill_over_which_dead_claims_come_again_and_again_is_left_unclaimed(
    tmp_path: Path, taker: Claims, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / CLAIMS_FOLDER / f"fill_{FILL}.json"
    tries = []

    def taken_by_a_dead_run(claim: Path) -> bool:
        tries.append(claim)
        other_run(tmp_path, age_s=2 * DEAD_AFTER_S)
        return False

    monkeypatch.setattr(taker, "_create", taken_by_a_dead_run)
    assert taker.take([FILL]) == ({}, frozenset({FILL}))
    assert tries == [path] * 5
