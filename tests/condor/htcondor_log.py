"""What HTCondor's own reader makes of a job log, to compare with."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from lumimod.condor.eventlog import CondorJob, JobId, Phase, read_jobs

PHASES = {
    "SUBMIT": Phase.IDLE,
    "EXECUTE": Phase.RUNNING,
    "JOB_EVICTED": Phase.IDLE,
    "JOB_TERMINATED": Phase.ENDED,
    "SHADOW_EXCEPTION": Phase.IDLE,
    "JOB_ABORTED": Phase.REMOVED,
    "JOB_SUSPENDED": Phase.SUSPENDED,
    "JOB_UNSUSPENDED": Phase.RUNNING,
    "JOB_HELD": Phase.HELD,
    "JOB_RELEASED": Phase.IDLE,
    "JOB_RECONNECTED": Phase.RUNNING,
    "JOB_RECONNECT_FAILED": Phase.IDLE,
}


@dataclass
class Facts:
    """The fields of a CondorJob that the bindings have too."""

    chunk: int | None = None
    phase: Phase | None = None
    n_starts: int = 0
    status: int | None = None
    signal: int | None = None
    reason: str = ""
    """Of a job that is held or was removed."""


def facts(job: CondorJob) -> Facts:
    """Return what can be compared."""
    reason = job.reason if job.phase in (Phase.HELD, Phase.REMOVED) else ""
    return Facts(job.chunk, job.phase, job.n_starts, job.status, job.signal, reason)


def by_htcondor(path: Path) -> dict[JobId, Facts]:
    """Return the facts of the jobs of a log by `htcondor2.JobEventLog`; skip without it."""
    htcondor2 = pytest.importorskip("htcondor2")
    found: dict[JobId, Facts] = {}
    for event in htcondor2.JobEventLog(str(path)).events(0):
        if event.type.name not in PHASES:
            continue
        job = found.setdefault((event.cluster, event.proc), Facts())
        job.phase = PHASES[event.type.name]
        job.n_starts += event.type.name == "EXECUTE"
        note = re.match(r"lumimod chunk (\d+)", event.get("LogNotes", ""))
        job.chunk = int(note[1]) if note else job.chunk
        job.reason = ""
        if event.type.name in ("JOB_HELD", "JOB_ABORTED"):
            title = str(event).splitlines()[0].split(" ", 4)[4].rstrip(".")
            job.reason = event.get("HoldReason") or event.get("Reason") or title
        if event.type.name == "JOB_TERMINATED":
            job.status = event.get("ReturnValue")
            job.signal = event.get("TerminatedBySignal")
    return found


def assert_htcondor_reads_the_same(path: Path) -> None:
    """Compare both readers on a log."""
    assert {job.id: facts(job) for job in read_jobs(path).values()} == by_htcondor(path)
