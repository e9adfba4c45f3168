"""Forks behave as processes that the shell starts."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests import forks


def test_a_fork_has_its_own_arguments_folder_and_environment(tmp_path: Path) -> None:
    code = "import os, sys\nprint(sys.argv[1:], os.getcwd(), dict(os.environ))"
    done = forks.run(1, "two words", code=code, cwd=tmp_path, env={"NAME": "value"})
    assert done.stdout == f"['1', 'two words'] {tmp_path.resolve()} {{'NAME': 'value'}}\n"
    assert (done.returncode, done.stderr) == (0, "")


def test_an_error_ends_a_fork_as_it_ends_python() -> None:
    done = forks.run(code="raise ValueError('odd')")
    assert done.returncode == 1
    assert done.stderr.endswith("ValueError: odd\n")


@pytest.mark.parametrize("status", [0, 3])
def test_the_status_of_a_fork_is_told(status: int) -> None:
    assert forks.run(code=f"import sys\nsys.exit({status})").returncode == status


def test_a_fork_can_be_killed_and_does_not_end_the_others() -> None:
    code = "import sys, time\nprint('here', flush=True)\ntime.sleep(60)"
    with forks.start(code=code) as one, forks.start(code="print('well')") as other:
        assert one.stdout.readline() == "here\n"
        assert one.poll() is None
        one.kill()
        assert one.wait() == -signal.SIGKILL
        assert other.communicate() == ("well\n", "")
        assert one.pid != other.pid


def test_what_is_changed_in_a_fork_is_not_changed_in_the_next() -> None:
    forks.run(code="import os\nos.environ['CHANGED'] = 'yes'\nimport lumimod\nlumimod.changed = 1")
    code = "import os, lumimod\nprint('CHANGED' in os.environ, hasattr(lumimod, 'changed'))"
    assert forks.run(code=code).stdout == "False False\n"


def test_the_time_of_a_fork_is_counted() -> None:
    before_s = forks.cpu_s()
    forks.run(code="import time\nwhile time.process_time() < 0.1: pass")
    assert forks.cpu_s() - before_s > 0.05


@pytest.mark.skipif(sys.platform == "win32", reason="has no sessions")
def test_a_fork_may_have_a_session_of_its_own() -> None:
    done = forks.run(code="import os\nprint(os.getsid(0) == os.getpid())", own_session=True)
    assert done.stdout == "True\n"
    assert forks.run(code="import os\nprint(os.getsid(0))").stdout != f"{os.getpid()}\n"


def test_what_is_registered_for_the_end_of_a_fork_is_done() -> None:
    code = "import atexit\natexit.register(print, 'last')\nprint('first', end=' ')"
    assert forks.run(code=code).stdout == "first last\n"


def test_a_message_is_how_a_fork_may_end() -> None:
    done = forks.run(code="import sys\nsys.exit('no such fill')")
    assert (done.returncode, done.stderr) == (1, "no such fill\n")


def test_a_process_that_shares_the_server_ends_without_a_warning() -> None:
    code = """
import os, warnings
from tests import forks
warnings.simplefilter("always")
forks.ready()
if os.fork():
    os.wait()
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=forks.ROOT, capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
