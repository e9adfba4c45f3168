"""Tests that several processes share out are those that one would run."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.sharing.whole import Files

ROOT = Path(__file__).parents[1]
GOOD = "def test_good(): pass\n"
BAD = "def test_good(): pass\ndef test_bad(): assert [1] == [2]\n"
FATAL = "import os\ndef test_fatal(): os.kill(os.getpid(), 9)\n"


def run(folder: Path, *names: str, **files: str) -> tuple[int, str]:
    """Run these test files, or the names among them, in two processes; return status and output."""
    (folder / "pytest.ini").write_text("[pytest]\n")
    (folder / "conftest.py").write_text('pytest_plugins = ["tests.sharing"]\n')
    for name, text in files.items():
        (folder / f"test_{name}.py").write_text(text)
    call = [sys.executable, "-m", "pytest", "--jobs", "2", "-q", "-p", "no:cacheprovider", *names]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        call, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.slow
def test_all_tests_run_once(tmp_path: Path) -> None:
    status, out = run(tmp_path, one=GOOD, two=GOOD * 3, three=GOOD.replace("good", "well"))
    assert (status, out.splitlines()[-1][:8]) == (0, "3 passed")


@pytest.mark.slow
def test_failures_of_every_kind_are_named(tmp_path: Path) -> None:
    status, out = run(tmp_path, bad=BAD, broken="import nothing_of_this_name\n", fatal=FATAL)
    assert status == 1
    assert "FAILED test_bad.py::test_bad - assert [1] == [2]" in out
    assert "ERROR test_broken.py - ImportError" in out
    assert "Its process ended (signal SIGKILL); the rest of this file was not run." in out
    assert "[100%]" in out
    assert out.splitlines()[-1].startswith("2 failed, 1 passed, 1 error")


@pytest.mark.slow
def test_a_file_that_is_not_there_is_named_in_one_line(tmp_path: Path) -> None:
    status, out = run(tmp_path, "test_none.py", one=GOOD)
    assert status == pytest.ExitCode.USAGE_ERROR
    last = out.strip().splitlines()[-1]
    assert last == "ERROR: file or directory not found: test_none.py"
    assert "Traceback" not in out


def test_files_of_a_folder_go_to_one_process_the_largest_first() -> None:
    files = Files({"a/one": 1, "a/two": 5, "b/one": 3, "b/two": 4})
    assert files.next("", []) == "b/two"
    assert files.next("", ["b"]) == "a/two"
    assert [files.next("a", ["b"]), files.next("a", ["b"])] == ["a/one", "b/one"]
    assert files.next("b", []) is None
