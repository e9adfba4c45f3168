"""The process that was started: gives out files, and tells pytest what the others report."""

from __future__ import annotations

import os
import signal
import time
import warnings
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from mmap import mmap
from multiprocessing.connection import Connection, wait
from typing import Any

import pytest

from tests import forks

PATIENCE_S = 60.0
"""How long a process may take to end."""
FIRST = ("tests/condor", "tests/docs")
"""Folders with single files that take long, which must not be left for the end."""


@dataclass
class Worker:
    """A process that runs tests."""

    pid: int
    pipe: Connection
    at: mmap
    """The test that it is at."""
    folder: str = ""
    """Of the file that it is at."""
    error: str = ""


class Files:
    """The files that no process has yet: those of large folders first, and large ones of each."""

    def __init__(self, sizes: Mapping[str, int]) -> None:
        self._left: dict[str, list[tuple[int, str]]] = defaultdict(list)
        for size, name in sorted((size, name) for name, size in sizes.items()):
            self._left[folder_of(name)].append((size, name))

    def next(self, folder: str, others: Collection[str]) -> str | None:
        """Return a file of this folder if any is left, else of one that is not among the others."""
        found = folder if folder in self._left else self._largest(others)
        if found is None:
            return None
        name = self._left[found].pop()[1]
        if not self._left[found]:
            del self._left[found]
        return name

    def _largest(self, others: Collection[str]) -> str | None:
        """Return the folder with most to do, preferably one that no other process is at."""

        def rank(folder: str) -> tuple[bool, bool, int]:
            size = sum(size for size, _ in self._left[folder])
            return folder not in others, folder.startswith(FIRST), size

        return max(self._left, key=rank, default=None)

    def __len__(self) -> int:
        return sum(map(len, self._left.values()))


def folder_of(name: str) -> str:
    """Return the folder of a file or test."""
    return name.partition("::")[0].rpartition("/")[0]


class Whole:
    """Gives files to the processes, and tells pytest what they report."""

    def __init__(self, config: pytest.Config, workers: Sequence[Worker]) -> None:
        self._config = config
        self._at_work, self._running = list(workers), list(workers)
        self._files: Files | None = None
        self._n_files = 0
        self._told: set[str] = set()

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection(self) -> bool:
        return True

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        try:
            while self._at_work:
                for pipe in wait([worker.pipe for worker in self._at_work]):
                    worker = next(one for one in self._at_work if one.pipe is pipe)
                    self._listen(session, worker)
                    if session.shouldfail:
                        raise session.Failed(session.shouldfail)
            if self._files:
                self._tell_failure(session, "tests", f"{len(self._files)} files were not run")
        finally:
            self._end()
        return True

    def _listen(self, session: pytest.Session, worker: Worker) -> None:
        try:
            found = worker.pipe.recv()
        except (EOFError, OSError):
            self._tell_death(session, worker)
            return
        kind, what = found.pop()
        if kind == "end":
            self._at_work.remove(worker)
        self._estimate(session, found)
        for each, data in found:
            self._tell(session, each, data)
        if kind == "files" and self._files is None:
            self._files, self._n_files = Files(what), len(what)
        elif kind == "next":
            self._give(worker)
        elif kind == "error":
            worker.error = what

    def _give(self, worker: Worker) -> None:
        others = [one.folder for one in self._at_work if one is not worker]
        name = self._files.next(worker.folder, others) if self._files else None
        worker.folder = folder_of(name or "")
        with suppress(OSError):  # its end is told when its pipe is read
            worker.pipe.send(name)

    # --- what pytest is told

    def _tell(self, session: pytest.Session, kind: str, data: Any) -> None:
        hook = self._config.hook
        if kind == "misused":
            raise pytest.UsageError(*data)
        if kind == "warning":
            text, filename, line, when, nodeid, location = data
            said = warnings.WarningMessage(
                pytest.PytestWarning(text), pytest.PytestWarning, filename, line
            )
            hook.pytest_warning_recorded.call_historic(
                kwargs={
                    "warning_message": said,
                    "when": when,
                    "nodeid": nodeid,
                    "location": location,
                }
            )
            return
        report = hook.pytest_report_from_serializable(config=self._config, data=data)
        if kind == "file":
            hook.pytest_collectreport(report=report)
        else:
            self._tell_test(report)

    def _tell_test(self, report: pytest.TestReport) -> None:
        hook = self._config.hook
        hook.pytest_runtest_logstart(nodeid=report.nodeid, location=report.location)
        hook.pytest_runtest_logreport(report=report)
        hook.pytest_runtest_logfinish(nodeid=report.nodeid, location=report.location)

    def _estimate(self, session: pytest.Session, found: Iterable[tuple[str, Any]]) -> None:
        """Say how many tests there are, from how many files are done; it is true at the end."""
        self._told.update(data["nodeid"] for kind, data in found if kind == "test")
        n, left = len(self._told), len(self._files or ())
        if self._at_work:
            n = max(n + 1, round(n * self._n_files / max(self._n_files - left, 1)))
        session.testscollected = n

    def _tell_death(self, session: pytest.Session, worker: Worker) -> None:
        self._at_work.remove(worker)
        self._running.remove(worker)
        status = os.waitstatus_to_exitcode(os.waitpid(worker.pid, 0)[1])
        at = worker.at[:].partition(b"\0")[0].decode(errors="replace") or "tests"
        how = f"signal {signal.Signals(-status).name}" if status < 0 else f"exit status {status}"
        text = f"Its process ended ({how}); the rest of this file was not run.\n{worker.error}"
        self._tell_failure(session, at, text.rstrip())

    def _tell_failure(self, session: pytest.Session, name: str, text: str) -> None:
        self._told.add(name)
        self._estimate(session, [])
        place = (name.partition("::")[0], None, name.rpartition("::")[2])
        self._tell_test(pytest.TestReport(name, place, {}, "failed", text, "call"))

    # --- the end

    def _end(self) -> None:
        """Wait for all processes, before coverage reads what they wrote; kill those that stay."""
        for worker in self._running:
            worker.pipe.close()
        until_s = time.monotonic() + PATIENCE_S
        while self._running:
            self._running = [one for one in self._running if not os.waitpid(one.pid, os.WNOHANG)[0]]
            if time.monotonic() > until_s:
                for worker in self._running:
                    os.kill(worker.pid, signal.SIGKILL)
            time.sleep(0.01)
        forks.done()
