"""How jobs and fills are doing, from the job log and the results: the schedd is not asked."""

from __future__ import annotations

import contextlib
import os
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import NamedTuple

from lumimod.condor import chunks, eventlog
from lumimod.condor.chunks import Chunk
from lumimod.condor.eventlog import Job, Phase
from lumimod.condor.folder import JobFolder, Manifest
from lumimod.config.settings import load_config
from lumimod.errors import CondorError
from lumimod.run.plan import missing_steps
from lumimod.run.reporting import columns, read_failures, read_left

_SHOWN_LINE = 200


class State(Enum):
    """How a fill is doing."""

    UNSUBMITTED = "not submitted"
    IDLE = "idle"
    RUNNING = "running"
    SUSPENDED = "suspended"
    HELD = "held"
    DONE = "done"
    FAILED = "failed"
    REMOVED = "removed"
    MISSING = "missing steps"

    @property
    def goes_on(self) -> bool:
        """Whether it is in the queue and needs no help."""
        return self in (State.IDLE, State.RUNNING, State.SUSPENDED)

    @property
    def lost(self) -> bool:
        """Whether its job is over, or was never begun, without having done it."""
        return self in (State.FAILED, State.REMOVED, State.MISSING, State.UNSUBMITTED)


class FillState(NamedTuple):
    """One fill of a job folder."""

    fill: int
    chunk: Chunk
    job: Job | None
    state: State
    why: str = ""
    missing: tuple[str, ...] = ()
    """Steps without results."""


@dataclass(frozen=True)
class Report:
    """All fills of a job folder, in order."""

    folder: JobFolder
    manifest: Manifest
    fills: tuple[FillState, ...]

    @property
    def counts(self) -> Mapping[State, int]:
        """How many fills are in each state."""
        found = Counter(fill.state for fill in self.fills)
        return {state: found[state] for state in State if found[state]}

    @property
    def goes_on(self) -> bool:
        """Whether any job is in the queue that needs no help."""
        return any(fill.state.goes_on for fill in self.fills)

    @property
    def all_well(self) -> bool:
        """Whether every fill is done or going to be."""
        return all(f.state.goes_on or f.state is State.DONE for f in self.fills)


def look(folder: JobFolder) -> Report:
    """Return how the fills of a job folder are doing.

    Raises
    ------
    CondorError
        It is no job folder, or its log cannot be read.
    ConfigError
        The config.py of the jobs cannot be used any more.
    """
    manifest = folder.load()
    jobs = {job.chunk: job for job in eventlog.read(folder.log).values()}
    submitted = {
        chunk.number
        for submission in manifest.submissions
        if submission.cluster is not None
        for chunk in submission.chunks
    }
    with working_directory(manifest):
        cfg = load_config(Path(manifest.config))
        outcomes: dict[int, _Outcome] = {}
        fills = []
        for fill, chunk in chunks.latest(manifest.chunks).items():
            job = jobs.get(chunk.number)
            if job is not None and job.phase is Phase.ENDED and chunk.number not in outcomes:
                outcomes[chunk.number] = _outcome(folder, chunk, job)
            missing = missing_steps(fill, cfg, frozenset(manifest.only))
            if job is None:
                state, why = _without_job(folder, chunk, missing, chunk.number in submitted)
            elif job.phase is Phase.ENDED:
                state, why = _ended(fill, missing, outcomes[chunk.number])
            else:
                state, why = State[job.phase.name], job.reason
            fills.append(FillState(fill, chunk, job, state, why, missing))
    return Report(folder, manifest, tuple(fills))


@contextlib.contextmanager
def working_directory(manifest: Manifest) -> Iterator[None]:
    """Be where the jobs are, for relative folders in config.py."""
    before = Path.cwd()
    try:
        os.chdir(manifest.cwd)
    except OSError as exc:
        raise CondorError(
            f"{manifest.cwd}, where these jobs were submitted, cannot be entered ({exc.strerror})"
        ) from exc
    try:
        yield
    finally:
        os.chdir(before)


def _without_job(
    folder: JobFolder, chunk: Chunk, missing: tuple[str, ...], submitted: bool
) -> tuple[State, str]:
    if not submitted:
        return State.UNSUBMITTED, ""
    if missing or folder.log.exists():
        return State.IDLE, f"not in {folder.log.name} yet"
    return State.DONE, ""  # the log was cleared away


# --- jobs that have ended


class _Outcome(NamedTuple):
    """How a job that has ended went."""

    failures: Mapping[int, Mapping[str, str]]
    """Why steps of fills failed, as the job reported."""
    whole: str
    """Why the job as a whole failed, or nothing."""
    left: Mapping[int, str]
    """Fills that the job found another run at."""


def _outcome(folder: JobFolder, chunk: Chunk, job: Job) -> _Outcome:
    if job.signal is not None:
        return _Outcome({}, f"killed by signal {job.signal} at each of {job.n_starts} starts", {})
    report = _text(folder.out(chunk))
    failures = read_failures(report)
    if job.status == 0 or failures:
        return _Outcome(failures, "", read_left(report))
    said = _text(folder.err(chunk)).strip().splitlines()
    last = f": {said[-1].strip()[:_SHOWN_LINE]}" if said else ""
    return _Outcome({}, f"ended with status {job.status}{last}; see {folder.err(chunk)}", {})


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _ended(fill: int, missing: tuple[str, ...], outcome: _Outcome) -> tuple[State, str]:
    failed = outcome.failures.get(fill)
    if failed:
        return State.FAILED, "; ".join(f"{step}: {why}" for step, why in failed.items())
    if outcome.whole:
        return State.FAILED, outcome.whole
    return (State.MISSING, outcome.left.get(fill, "")) if missing else (State.DONE, "")


# --- tables


def table(report: Report) -> str:
    """Return a line for each chunk and state in it, why fills are not well, and a sum."""
    groups: dict[tuple[int, State], list[FillState]] = {}
    for fill in report.fills:
        groups.setdefault((fill.chunk.number, fill.state), []).append(fill)
    rows = [["chunk", "job", "state", "fills"]]
    for (number, state), fills in groups.items():
        job = fills[0].job
        name = f"{job.id[0]}.{job.id[1]}" if job else "-"
        rows.append([str(number), name, state.value, " ".join(str(f.fill) for f in fills)])
    out = f"{report.folder.path}\n{columns(rows)}"
    for fill in report.fills:
        if fill.state is State.DONE:
            continue
        line = [f"fill {fill.fill}: {fill.state.value}", fill.why]
        if fill.missing and not (fill.state.goes_on and not fill.why):
            line.append(f"missing: {' '.join(fill.missing)}")
        if any(line[1:]):
            out += ": ".join([line[0], "; ".join(p for p in line[1:] if p)]) + "\n"
    return out + summary(report) + "\n" + _advice(report)


def summary(report: Report) -> str:
    """Return how many fills are in each state, in one line."""
    found = ", ".join(f"{n} {state.value}" for state, n in report.counts.items())
    n_fills = len(report.fills)
    return f"{n_fills} fill{'' if n_fills == 1 else 's'}: {found}"


def _advice(report: Report) -> str:
    out = ""
    if State.HELD in report.counts:
        out += "held jobs wait for condor_release, or for --resubmit, which replaces them\n"
    if State.UNSUBMITTED in report.counts:
        name = report.manifest.submissions[-1].description
        out += f"to submit: condor_submit {report.folder.path / name}\n"
    elif any(f.state.lost for f in report.fills):
        out += f"to run these again: --resubmit {report.folder.path}\n"
    return out
