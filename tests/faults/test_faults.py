"""Nothing lost, nothing wrong unnoticed, nothing hung: some trials of each kind.

`make soak` makes many more.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.faults.trials import TRIALS, Bench, results

pytestmark = [
    pytest.mark.faults,
    pytest.mark.slow,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="kills as on Linux"),
]
PROGRAM = Path(__file__).parents[2] / "lumimod.py"
N_TRIALS = {
    "killed at a random moment": 2,
    "killed at a file call": 2,
    "two runs at once": 1,
    "disk full": 1,
    "one bit of a result changed": 150,
}


@pytest.mark.parametrize("kind", N_TRIALS)
def test_a_disturbed_run_loses_nothing(bench: Bench, tmp_path: Path, kind: str) -> None:
    for seed in range(N_TRIALS[kind]):
        place = bench.place(tmp_path / str(seed))
        try:
            outcome = TRIALS[kind](bench, place, random.Random(seed))
        except PermissionError as exc:
            pytest.skip(str(exc))
        assert outcome == "", f"{kind}, seed {seed}: {log_of(place)}"
        shutil.rmtree(place)


def log_of(place: Path) -> str:
    log = place / "log"
    return log.read_text()[-2000:] if log.exists() else "no log"


def begun(bench: Bench, place: Path) -> subprocess.Popen[str]:
    """Start the command with two fills side by side; return it when a step has begun."""
    call = [sys.executable, str(PROGRAM), "--config", str(place / "config.py"), "-j", "2", "-v"]
    run = subprocess.Popen(  # noqa: S603
        call, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert run.stderr is not None
    while "begins" not in run.stderr.readline():
        assert run.poll() is None
    return run


def below(pid: int) -> dict[int, str]:
    """Return number and command line of every process that descends from one."""
    parents, commands = {}, {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                status = (folder / "stat").read_text().rpartition(")")[2].split()
                commands[int(folder.name)] = (folder / "cmdline").read_text()
            except (FileNotFoundError, ProcessLookupError):
                continue
            if status[0] != "Z":
                parents[int(folder.name)] = int(status[1])
    found = {pid}
    for _ in range(5):
        found |= {child for child, parent in parents.items() if parent in found}
    return {child: commands[child] for child in found - {pid}}


def test_all_processes_of_a_run_that_is_killed_end(bench: Bench, tmp_path: Path) -> None:
    place = bench.place(tmp_path)
    with begun(bench, place) as run:
        family = below(run.pid)
        run.kill()
    assert len(family) >= 3  # fork server and two fills
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and any(Path(f"/proc/{pid}").exists() for pid in family):
        time.sleep(0.05)
    left = [pid for pid in family if Path(f"/proc/{pid}").exists()]
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    assert left == []
    assert bench.judge(place) == ""


def test_a_fork_server_that_dies_costs_no_table(bench: Bench, tmp_path: Path) -> None:
    place = bench.place(tmp_path)
    with begun(bench, place) as run:
        server = [pid for pid, command in below(run.pid).items() if "forkserver" in command]
        os.kill(min(server), signal.SIGKILL)
        out, err = run.communicate(timeout=60)
    assert "Traceback" not in err
    assert out.startswith("fill  done")
    assert run.returncode == 0
    assert results(place) == bench.good
