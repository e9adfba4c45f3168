"""What HTCondor's job log says: where each job is. The bindings are not needed for it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path
from typing import NamedTuple

from lumimod.errors import CondorError

JobId = tuple[int, int]
"""Cluster and process."""

_HEADER = re.compile(
    r"(\d{3}) \((\d+)\.(\d+)\.\d+\) ((?:\d{4}-)?\d\d[-/]\d\d[ T]\d\d:\d\d:\d\d\S*) (.*)"
)
_NOTE = re.compile(r"lumimod chunk (\d+):")
_RETURNED = re.compile(r"Normal termination \(return value (-?\d+)\)")
_KILLED = re.compile(r"Abnormal termination \(signal (\d+)\)")


class Phase(Enum):
    """Where a job is."""

    IDLE = "idle"
    RUNNING = "running"
    SUSPENDED = "suspended"
    HELD = "held"
    ENDED = "ended"
    REMOVED = "removed"


@dataclass(frozen=True)
class Job:
    """One job, as the log leaves it."""

    id: JobId
    chunk: int | None
    """As its submission noted it; None: not one of lumimod's."""
    phase: Phase = Phase.IDLE
    reason: str = ""
    """Why it is held, was removed, or starts again."""
    status: int | None = None
    """With which it ended by itself."""
    signal: int | None = None
    """Which killed it."""
    n_starts: int = 0
    when: str = ""
    """Of the last change."""


class _Event(NamedTuple):
    number: int
    id: JobId
    when: str
    lines: list[str]
    """Title, then details."""


def read(path: Path) -> dict[JobId, Job]:
    """Return the jobs of a log in the order of their submission, none if it is not there yet.

    An event that is not complete, since it is just being written, is left for the next time.

    Raises
    ------
    CondorError
        The log is there but cannot be read.
    """
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return {}
    except OSError as exc:
        raise CondorError(f"job log {path} cannot be read ({exc.strerror})") from exc
    jobs: dict[JobId, Job] = {}
    for event in _events(text):
        job = jobs.get(event.id, Job(event.id, None))
        jobs[event.id] = _after(job, event)
    return jobs


def _events(text: str) -> Iterator[_Event]:
    event: _Event | None = None
    for line in text.splitlines():
        if line.rstrip() == "...":
            if event is not None:
                yield event
            event = None
        elif event is not None:
            event.lines.append(line.strip())
        else:
            head = _HEADER.match(line)
            if head:
                number, cluster, proc, when, title = head.groups()
                event = _Event(int(number), (int(cluster), int(proc)), when, [title])


def _after(job: Job, event: _Event) -> Job:
    """Return the job after an event; those that change nothing here leave it as it is."""
    change = _CHANGES.get(event.number)
    return replace(change(job, event), when=event.when) if change else job


def _submitted(job: Job, event: _Event) -> Job:
    note = _NOTE.search("\n".join(event.lines))
    return replace(job, chunk=int(note[1]) if note else None, phase=Phase.IDLE)


def _started(job: Job, _: _Event) -> Job:
    return replace(job, phase=Phase.RUNNING, reason="", n_starts=job.n_starts + 1)


def _suspended(job: Job, _: _Event) -> Job:
    return replace(job, phase=Phase.SUSPENDED)


def _goes_on(job: Job, _: _Event) -> Job:
    return replace(job, phase=Phase.RUNNING, reason="")


def _back_to_queue(job: Job, event: _Event) -> Job:
    # A job that ended without its on_exit_remove comes as an eviction, with how it ended.
    killed = _KILLED.search("\n".join(event.lines))
    why = f"killed by signal {killed[1]}" if killed else event.lines[0].rstrip(".")
    return replace(job, phase=Phase.IDLE, reason=f"{why}; starts again")


def _terminated(job: Job, event: _Event) -> Job:
    text = "\n".join(event.lines)
    returned, killed = _RETURNED.search(text), _KILLED.search(text)
    return replace(
        job,
        phase=Phase.ENDED,
        reason="",
        status=int(returned[1]) if returned else None,
        signal=int(killed[1]) if killed else None,
    )


def _held(job: Job, event: _Event) -> Job:
    return replace(job, phase=Phase.HELD, reason=_detail(event))


def _released(job: Job, _: _Event) -> Job:
    return replace(job, phase=Phase.IDLE, reason="")


def _removed(job: Job, event: _Event) -> Job:
    return replace(job, phase=Phase.REMOVED, reason=_detail(event))


def _trouble(job: Job, event: _Event) -> Job:
    return replace(job, reason=event.lines[0].rstrip("."))


def _detail(event: _Event) -> str:
    details = [line for line in event.lines[1:] if line and not re.match(r"Code \d+", line)]
    return details[0] if details else event.lines[0].rstrip(".")


_CHANGES = {
    0: _submitted,
    1: _started,
    4: _back_to_queue,
    5: _terminated,
    7: _back_to_queue,  # the shadow, which watches over the job, failed
    9: _removed,
    10: _suspended,
    11: _goes_on,
    12: _held,
    13: _released,
    22: _trouble,  # the connection to the worker node is lost; the job may still run there
    23: _goes_on,  # and is back
    24: _back_to_queue,  # or not
}
