"""HTCondor's log of a submission (its job event log): where each job is.

HTCondor's own reader, `htcondor2.JobEventLog`, is not used: its wheels are for Linux on x86-64
only, while a log on AFS may be read anywhere, so that this reader is needed in any case; and it is
worse with damage. On 300 jobs (0.5 MB) both take 20 to 50 ms and agree on every job. But an event
that was cut short, as on a full disk, ends JobEventLog with an error; a stray line ends it with
none, and all later events are lost; so do text that is not UTF-8 and events newer than the
bindings. Here such an event is left out. Where htcondor2 is installed the tests compare both.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path
from typing import NamedTuple

from lumimod.errors import CondorError
from lumimod.readers.locate import opened

JobId = tuple[int, int]
"""Cluster and process."""

_HEADER = re.compile(
    r"(\d{3}) \((\d+)\.(-?\d+)\.-?\d+\) ((?:\d{4}-)?\d\d[-/]\d\d[ T]\d\d:\d\d:\d\d\S*) (.*)"
)
_NOTE = re.compile(r"lumimod chunk (\d+):")
_ALIAS = re.compile(r"Job submitted from host: <[^>]*[?&]alias=([^&>]+)")
_RETURNED = re.compile(r"Normal termination \(return value (-?\d+)\)")
_KILLED = re.compile(r"Abnormal termination \(signal (\d+)\)")
_HOLD_CODE = re.compile(r"Code \d+ Subcode \d+")


class Phase(Enum):
    """Where a job is."""

    IDLE = "idle"
    RUNNING = "running"
    SUSPENDED = "suspended"
    HELD = "held"
    ENDED = "ended"
    REMOVED = "removed"


@dataclass(frozen=True)
class CondorJob:
    """One job after the last event of the log."""

    id: JobId
    chunk: int | None
    """Number in the note of its submission; None: not submitted by lumimod."""
    phase: Phase = Phase.IDLE
    reason: str = ""
    """Why it is held, was removed, or starts again."""
    status: int | None = None
    """Exit status, if it ended by itself."""
    signal: int | None = None
    """Signal that killed it, if one did."""
    n_starts: int = 0
    """How many times it was started."""
    when: str = ""
    """Time of the last change, as the log has it."""
    host: str = ""
    """Machine of the schedd that has the job in its queue; empty where the log does not tell."""


class _Event(NamedTuple):
    number: int
    id: JobId
    when: str
    lines: list[str]
    """The title, then the details."""


def read_jobs(path: Path) -> dict[JobId, CondorJob]:
    """Return the jobs of a log in the order of submission; none if there is no log yet.

    An event without its end is left out: it is being written, or the disk was full.

    Raises
    ------
    CondorError
        The log exists and cannot be read.
    """
    try:
        with opened(path) as file:
            text = file.read().decode(errors="replace")
    except FileNotFoundError:
        return {}
    except OSError as exc:
        raise CondorError(f"job log {path} cannot be read ({exc.strerror})") from exc
    jobs: dict[JobId, CondorJob] = {}
    for event in _events(text):
        change = _CHANGES.get(event.number)
        if change is not None:
            job = jobs.get(event.id, CondorJob(event.id, None))
            jobs[event.id] = replace(change(job, event), when=event.when)
    return jobs


def _events(text: str) -> Iterator[_Event]:
    event: _Event | None = None
    for line in text.splitlines():
        head = _HEADER.match(line)
        if head:
            number, cluster, proc, when, title = head.groups()
            event = _Event(int(number), (int(cluster), int(proc)), when, [title])
        elif event is not None and line.rstrip() == "...":
            yield event
            event = None
        elif event is not None:
            event.lines.append(line.strip())


def _submitted(job: CondorJob, event: _Event) -> CondorJob:
    note = _NOTE.search("\n".join(event.lines))
    alias = _ALIAS.match(event.lines[0])
    return replace(
        job,
        chunk=int(note[1]) if note else None,
        phase=Phase.IDLE,
        host=alias[1] if alias else "",
    )


def _started(job: CondorJob, _: _Event) -> CondorJob:
    return replace(job, phase=Phase.RUNNING, reason="", n_starts=job.n_starts + 1)


def _suspended(job: CondorJob, _: _Event) -> CondorJob:
    return replace(job, phase=Phase.SUSPENDED)


def _continued(job: CondorJob, _: _Event) -> CondorJob:
    return replace(job, phase=Phase.RUNNING, reason="")


def _requeued(job: CondorJob, event: _Event) -> CondorJob:
    # A job for which on_exit_remove is false is logged as evicted, with the signal that killed it.
    killed = _KILLED.search("\n".join(event.lines))
    why = f"killed by signal {killed[1]}" if killed else event.lines[0].rstrip(".")
    return replace(job, phase=Phase.IDLE, reason=f"{why}; starts again")


def _terminated(job: CondorJob, event: _Event) -> CondorJob:
    text = "\n".join(event.lines)
    returned, killed = _RETURNED.search(text), _KILLED.search(text)
    return replace(
        job,
        phase=Phase.ENDED,
        reason="",
        status=int(returned[1]) if returned else None,
        signal=int(killed[1]) if killed else None,
    )


def _held(job: CondorJob, event: _Event) -> CondorJob:
    return replace(job, phase=Phase.HELD, reason=_reason(event))


def _released(job: CondorJob, _: _Event) -> CondorJob:
    return replace(job, phase=Phase.IDLE, reason="")


def _removed(job: CondorJob, event: _Event) -> CondorJob:
    return replace(job, phase=Phase.REMOVED, reason=_reason(event))


def _disconnected(job: CondorJob, event: _Event) -> CondorJob:
    return replace(job, reason=event.lines[0].rstrip("."))


def _reason(event: _Event) -> str:
    """Return the first line of details, or the title if there is none."""
    details = (line for line in event.lines[1:] if line and not _HOLD_CODE.fullmatch(line))
    return next(details, event.lines[0].rstrip("."))


_CHANGES = {
    0: _submitted,
    1: _started,
    4: _requeued,  # evicted
    5: _terminated,
    7: _requeued,  # the shadow, HTCondor's process that watches the job, failed
    9: _removed,
    10: _suspended,
    11: _continued,
    12: _held,
    13: _released,
    22: _disconnected,  # no connection to the worker node, where the job may still run
    23: _continued,  # reconnected
    24: _requeued,  # reconnection failed
}
"""What each event does to a job, by HTCondor's number of the event; others change nothing."""
