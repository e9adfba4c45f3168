"""Tests in several processes: `pytest --jobs N`.

Each process is a fork of pytest that runs whole files and asks for the next one when it is done.
It imports only the files that it runs. Files of one folder go to one process as far as possible,
as they share simulated fills and pictures that are drawn once. Reports come back in batches; the
process that was started writes failures and the summary as if it had run the tests itself.
"""

from __future__ import annotations

import os
import signal
import time
import warnings
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
from mmap import mmap
from multiprocessing import Pipe
from multiprocessing.connection import Connection, wait
from typing import Any, Union

import pytest

from tests import forks

EVERY_S = 0.5
"""How often reports are sent."""
PATIENCE_S = 60.0
"""How long a process may take to end."""
LONGEST = 4096
"""Bytes of the name of a test."""
FIRST = ("tests/condor", "tests/docs")
"""Folders with single files that take long, which must not be left for the end."""
ALONE = (
    "help", "version", "collectonly", "usepdb", "showfixtures", "show_fixtures_per_test", "markers",
    "cacheshow", "setuponly", "setupplan",
)  # fmt: skip
"""Options with which one process does all."""

Report = Union[pytest.TestReport, pytest.CollectReport]


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
            _begin_to_work(config, Part(config, theirs, at))
            return
        theirs.close()
        workers.append(Worker(pid, ours, at))
    config.pluginmanager.register(Whole(config, workers), "sharing")


def _fork() -> int:
    with warnings.catch_warnings():  # Python 3.12 warns of the threads of NumPy
        warnings.simplefilter("ignore", DeprecationWarning)
        return os.fork()


# --- a process that runs tests


def _begin_to_work(config: pytest.Config, part: Part) -> None:
    config.workerinput = {}  # type: ignore[attr-defined] # plugins know by it that another one reports
    capture = config.pluginmanager.getplugin("capturemanager")
    capture.stop_global_capturing()  # its files are those of all forks
    capture.start_global_capturing()
    capture.suspend_global_capture()
    if config.pluginmanager.hasplugin("_cov"):  # coverage itself goes on in a fork
        config.pluginmanager.unregister(name="_cov")
    config.pluginmanager.register(part, "sharing")


@dataclass(frozen=True)
class Silent:
    """In place of the reporter of pytest: other plugins ask it for its writer."""

    _tw: Any


class Part:
    """Runs the files that it is given, and sends the reports."""

    def __init__(self, config: pytest.Config, pipe: Connection, at: mmap) -> None:
        self._config, self._pipe, self._at = config, pipe, at
        self._all_phases = config.option.durations is not None or bool(config.option.xmlpath)
        self._found: list[tuple[str, Any]] = []
        self._sent_s = time.monotonic()
        self._nodes: dict[str, Any] | None = None

    @pytest.hookimpl(trylast=True)
    def pytest_configure(self, config: pytest.Config) -> None:
        plugins = config.pluginmanager
        reporter = plugins.unregister(name="terminalreporter")
        plugins.register(Silent(reporter._tw), "terminalreporter")
        if plugins.hasplugin("terminalprogress"):
            plugins.unregister(name="terminalprogress")

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection(self, session: pytest.Session) -> bool:
        """Find the files without importing them."""
        try:
            session.perform_collect(genitems=False)
        except pytest.UsageError as exc:
            self._found.append(("misused", exc.args))
        return True

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[Any]) -> None:
        """Find the files in what was named; marks and words select among tests alone, later."""
        if self._nodes is None:
            self._nodes = {node.nodeid: node for one in items for node in _files(one)}
            items.clear()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        item: pytest.Item | None = None
        for following in chain(self._tests(session), [None]):
            if item is not None:
                name = item.nodeid.encode()[: LONGEST - 1]
                self._at[: len(name) + 1] = name + b"\0"
                item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
                if session.shouldfail or session.shouldstop or not self._send_now_and_then():
                    break
            item = following
        self._send("end")
        return True

    def _tests(self, session: pytest.Session) -> Iterator[pytest.Item]:
        """Give the tests of one file after the other, until there is none any more."""
        nodes = self._nodes or {}
        self._send("files", {name: node.path.stat().st_size for name, node in nodes.items()})
        while self._send("next") and (name := self._answer()) is not None:
            items = list(session.genitems(nodes[name]))
            session.config.hook.pytest_collection_modifyitems(
                session=session, config=session.config, items=items
            )
            session.testscollected += len(items)
            yield from items

    def _answer(self) -> str | None:
        with suppress(EOFError):  # whoever asked for tests has ended
            return self._pipe.recv()
        return None

    def _send_now_and_then(self) -> bool:
        return time.monotonic() - self._sent_s < EVERY_S or self._send()

    def _send(self, kind: str = "", what: object = None) -> bool:
        """Send what was found, and one thing more; return whether someone takes it."""
        found, self._found = [*self._found, (kind, what)], []
        self._sent_s = time.monotonic()
        with suppress(OSError):
            self._pipe.send(found)
            return True
        return False

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.passed:
            if report.when != "call" and not self._all_phases:
                return
            report.keywords = {}
        self._found.append(("test", self._packed(report)))
        if report.failed:  # at once: a crash may follow
            self._send()

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if not report.passed:
            self._found.append(("file", self._packed(report)))

    def _packed(self, report: Report) -> Any:
        hook = self._config.hook
        return hook.pytest_report_to_serializable(config=self._config, report=report)

    def pytest_warning_recorded(
        self, warning_message: warnings.WarningMessage, when: str, nodeid: str, location: Any
    ) -> None:
        said = warning_message
        text = f"{said.category.__name__}: {said.message}"
        self._found.append(("warning", (text, said.filename, said.lineno, when, nodeid, location)))

    def pytest_internalerror(self, excrepr: object) -> None:
        self._send("error", str(excrepr))


def _files(node: Any) -> Iterator[Any]:
    """Give the files below a folder, not yet imported; of a file or a test itself."""
    if not isinstance(node, pytest.Directory):
        yield node
        return
    report = node.ihook.pytest_make_collect_report(collector=node)
    if not report.passed:
        node.ihook.pytest_collectreport(report=report)
    for one in report.result if report.passed else ():
        yield from _files(one)


# --- the process that was started


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
