"""How jobs and fills are doing, from the job log, the jobs' reports and the results."""

from __future__ import annotations

import contextlib
import logging
import os
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import NamedTuple

from lumimod.condor import chunks, eventlog
from lumimod.condor.chunks import Chunk
from lumimod.condor.eventlog import CondorJob, Phase
from lumimod.condor.folder import JobFolder, Manifest
from lumimod.config.settings import load_config
from lumimod.errors import BadInputError, CondorError
from lumimod.run.plan import missing_steps
from lumimod.run.report_file import RunReport, load_report
from lumimod.run.reporting import columns

log = logging.getLogger(__name__)

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
    job: CondorJob | None
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
    jobs = {job.chunk: job for job in eventlog.read_jobs(folder.log).values()}
    submitted = {
        chunk.number
        for submission in manifest.submissions
        if submission.cluster is not None
        for chunk in submission.chunks
    }
    outcomes: dict[int, _Outcome] = {}
    with working_directory(manifest):
        cfg = load_config(Path(manifest.config))
        fills = []
        for fill, chunk in chunks.latest(manifest.chunks).items():
            job = jobs.get(chunk.number)
            missing = missing_steps(fill, cfg, frozenset(manifest.only))
            if job is None:
                state, why = _without_job(folder, chunk, missing, chunk.number in submitted)
            else:
                if chunk.number not in outcomes:
                    outcomes[chunk.number] = _outcome(folder, chunk, job)
                state, why = _with_job(fill, missing, outcomes[chunk.number])
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


# --- fills of jobs that the log knows


class _Outcome(NamedTuple):
    """What a job came to, up to now."""

    job: CondorJob
    report: RunReport
    failure: str
    """Why the job itself failed, if it did."""


def _outcome(folder: JobFolder, chunk: Chunk, job: CondorJob) -> _Outcome:
    try:
        report = load_report(folder.report(chunk))
    except BadInputError as exc:
        log.warning("%s; the state of its fills follows from their results alone", exc)
        report = None
    failed = job.phase is Phase.ENDED and job.status != 0
    failure = _failure(job, folder.err(chunk)) if failed else ""
    return _Outcome(job, report or RunReport({}, {}), failure)


def _failure(job: CondorJob, err: Path) -> str:
    if job.signal is not None:
        return f"killed by signal {job.signal} at each of {job.n_starts} starts"
    try:
        said = err.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    except OSError:
        said = []
    last = f": {said[-1].strip()[:_SHOWN_LINE]}" if said else ""
    return f"job ended with status {job.status} and no report of the fill{last}; see {err}"


def _with_job(fill: int, missing: tuple[str, ...], outcome: _Outcome) -> tuple[State, str]:
    job, report, failure = outcome
    told = report.fills.get(fill)
    if told and not told.failed and not missing:
        return State.DONE, ""  # whatever became of the job afterwards
    if told and told.failed and job.phase in (Phase.ENDED, Phase.REMOVED):
        return State.FAILED, "; ".join(f"{step}: {_line(why)}" for step, why in told.failed.items())
    if job.phase is not Phase.ENDED:
        return State[job.phase.name], job.reason
    if fill in report.left:
        why = f"left to another run ({report.left[fill]})"
        return (State.MISSING, why) if missing else (State.DONE, "")
    if failure and not told:
        return State.FAILED, failure
    return (State.MISSING if missing else State.DONE), ""


def _line(text: str) -> str:
    return " ".join(text.split())


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
