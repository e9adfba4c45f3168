"""One bad thing costs one fill: whatever comes up while fills are planned."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from lumimod.errors import BadInputError
from lumimod.run import session
from lumimod.run.claims import CLAIMS_FOLDER, Owner

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
