"""A process that runs tests: the files that it is given, one after the other."""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
from mmap import mmap
from multiprocessing.connection import Connection
from typing import Any, Union

import pytest

EVERY_S = 0.5
"""How often reports are sent."""
LONGEST = 4096
"""Bytes of the name of a test."""

Report = Union[pytest.TestReport, pytest.CollectReport]


def begin_to_work(config: pytest.Config, part: Part) -> None:
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
        with suppress(EOFError, OSError):  # whoever asked for tests has ended
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
