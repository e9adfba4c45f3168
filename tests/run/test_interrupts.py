"""Ctrl-C in the processes that run fills: what runs is stopped, what waits does not begin."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from lumimod.run import processes

JOB: Any = SimpleNamespace(cfg=SimpleNamespace(path=Path("config.py")))


@pytest.fixture(autouse=True)
def process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let this process be one that runs fills and has not been interrupted."""
    monkeypatch.setattr(processes._Process, "busy", False)
    monkeypatch.setattr(processes._Process, "interrupted", False)


def test_a_fill_that_runs_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    began = []

    def run_fill(job: Any, _: Any) -> None:
        began.append(job)
        processes._interrupt()
        pytest.fail("it went on")

    monkeypatch.setattr(processes, "run_fill", run_fill)
    with pytest.raises(KeyboardInterrupt):
        processes._run_in_process(JOB)
    assert began == [JOB]
    assert not processes._Process.busy


def test_a_fill_that_was_handed_over_already_does_not_begin(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(processes, "run_fill", lambda *_: pytest.fail("it began"))
    processes._interrupt()  # between two fills nothing is to be stopped
    with pytest.raises(KeyboardInterrupt):
        processes._run_in_process(JOB)


def test_without_an_interrupt_the_report_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "run_fill", lambda job, workers: (job, workers))
    assert processes._run_in_process(JOB) == (JOB, processes._Process.workers)
    assert not processes._Process.busy
