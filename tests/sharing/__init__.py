"""Tests in several processes: `pytest --jobs N`.

Each process is a fork of pytest that runs whole files and asks for the next one when it is done.
It imports only the files that it runs. Files of one folder go to one process as far as possible,
as they share simulated fills and pictures that are drawn once. Reports come back in batches; the
process that was started writes failures and the summary as if it had run the tests itself.
"""

from __future__ import annotations

import os
import warnings
from mmap import mmap
from multiprocessing import Pipe

import pytest

from tests import forks
from tests.sharing.part import LONGEST, Part, begin_to_work
from tests.sharing.whole import Whole, Worker

ALONE = (
    "help", "version", "collectonly", "usepdb", "showfixtures", "show_fixtures_per_test", "markers",
    "cacheshow", "setuponly", "setupplan",
)  # fmt: skip
"""Options with which one process does all."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--jobs", type=int, default=1, metavar="N", help="run the tests in N processes"
    )


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> None:
    """Start the processes that run tests; all go on as pytest does, each with files of its own."""
    if config.option.jobs < 2 or any(getattr(config.option, name, False) for name in ALONE):
        return
    forks.ready()
    workers: list[Worker] = []
    for _ in range(config.option.jobs):
        ours, theirs = Pipe()
        at = mmap(-1, LONGEST)
        pid = _fork()
        if pid == 0:
            for other in (ours, *(worker.pipe for worker in workers)):
                other.close()
            begin_to_work(config, Part(config, theirs, at))
            return
        theirs.close()
        workers.append(Worker(pid, ours, at))
    config.pluginmanager.register(Whole(config, workers), "sharing")


def _fork() -> int:
    with warnings.catch_warnings():  # Python 3.12 warns of the threads of NumPy
        warnings.simplefilter("ignore", DeprecationWarning)
        return os.fork()
