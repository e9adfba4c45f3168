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

from lumimod.condor import eventlog
from lumimod.condor.chunks import Chunk, latest_chunks
from lumimod.condor.eventlog import CondorJob, Phase
from lumimod.condor.folder import JobFolder, Manifest
from lumimod.config.settings import load_config
from lumimod.errors import BadInputError, CondorError
from lumimod.readers.locate import opened
from lumimod.run.plan import missing_steps
from lumimod.run.report import FillReport
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
    NO_BEAMS = "no stable beams"

    @property
    def goes_on(self) -> bool:
        """Whether its job waits or runs."""
        return self in (State.IDLE, State.RUNNING, State.SUSPENDED)

    @property
    def lost(self) -> bool:
        """Whether no job is going to finish it."""
        return self in (State.FAILED, State.REMOVED, State.MISSING, State.UNSUBMITTED)

    @property
    def is_well(self) -> bool:
        """Whether there is nothing left to do."""
        return self in (State.DONE, State.NO_BEAMS)


class FillState(NamedTuple):
    """One fill of a job folder."""

    fill: int
    chunk: Chunk
    job: CondorJob | None
    """None: the log does not have the job."""
    state: State
    why: str = ""
    """The reason of the state, if there is one."""
    missing: tuple[str, ...] = ()
    """Steps without results."""


@dataclass(frozen=True)
class FolderReport:
    """How all fills of a job folder are doing."""

    folder: JobFolder
    manifest: Manifest
    fills: tuple[FillState, ...]
    """In the order of submission."""

    @property
    def counts(self) -> Mapping[State, int]:
        """How many fills are in each state."""
        found = Counter(fill.state for fill in self.fills)
        return {state: found[state] for state in State if found[state]}

    @property
    def goes_on(self) -> bool:
        """Whether any job waits or runs."""
        return any(fill.state.goes_on for fill in self.fills)

    @property
    def all_well(self) -> bool:
        """Whether nothing is left to do of any fill, or its job waits or runs."""
        return all(f.state.goes_on or f.state.is_well for f in self.fills)


def read_status(folder: JobFolder) -> FolderReport:
    """Return how the fills of a job folder are doing.

    Raises
    ------
    CondorError
        It is not a job folder, or its log cannot be read.
    ConfigError
        The config.py of the jobs cannot be read any more.
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
        for fill, chunk in latest_chunks(manifest.chunks).items():
            job = jobs.get(chunk.number)
            if chunk.number not in outcomes:
                outcomes[chunk.number] = _outcome(folder, chunk, job)
            outcome = outcomes[chunk.number]
            missing = missing_steps(fill, cfg, frozenset(manifest.only))
            told = outcome.report.fills.get(fill)
            if told and told.nothing:
                state, why, missing = State.NO_BEAMS, "", ()
            elif _is_done(fill, missing, outcome.report) or _is_there(manifest, missing, job, told):
                state, why = State.DONE, ""
            elif job is None:
                state, why = _without_job(folder, missing, chunk.number in submitted)
            else:
                state, why = _with_job(fill, missing, job, outcome)
            fills.append(FillState(fill, chunk, job, state, why, missing))
    return FolderReport(folder, manifest, tuple(fills))


@contextlib.contextmanager
def working_directory(manifest: Manifest) -> Iterator[None]:
    """Change to the working folder of the jobs, to which relative paths in config.py refer."""
    before = Path.cwd()
    try:
        os.chdir(manifest.cwd)
    except OSError as exc:
        raise CondorError(
            f"{manifest.cwd}, from where these jobs were submitted, cannot be entered "
            f"({exc.strerror})"
        ) from exc
    try:
        yield
    finally:
        os.chdir(before)


def _without_job(folder: JobFolder, missing: tuple[str, ...], submitted: bool) -> tuple[State, str]:
    if not submitted:
        return State.UNSUBMITTED, ""
    if missing or folder.log.exists():
        return State.IDLE, f"not in {folder.log.name} yet"
    return State.DONE, ""  # the log was removed


# --- what jobs have done


class _Outcome(NamedTuple):
    """What a job has done, up to now."""

    report: RunReport
    failure: str
    """Why the job itself failed, if it did."""


def _outcome(folder: JobFolder, chunk: Chunk, job: CondorJob | None) -> _Outcome:
    try:
        report = load_report(folder.report(chunk))
    except BadInputError as exc:
        log.warning("%s; the state of its fills follows from their results alone", exc)
        report = None
    failure = ""
    if job is not None and job.phase is Phase.ENDED and job.status != 0:
        failure = _failure(job, folder.err(chunk))
    return _Outcome(report or RunReport({}, {}), failure)


def _failure(job: CondorJob, err: Path) -> str:
    if job.signal is not None:
        return f"killed by signal {job.signal} at each of {job.n_starts} starts"
    try:
        with opened(err) as file:
            said = file.read().decode(errors="replace").strip().splitlines()
    except (OSError, BadInputError):
        said = []
    last = f": {said[-1].strip()[:_SHOWN_LINE]}" if said else ""
    return f"job ended with status {job.status} and no report of the fill{last}; see {err}"


def _is_done(fill: int, missing: tuple[str, ...], report: RunReport) -> bool:
    """Return whether a job has finished a fill; it may have been killed or held afterwards."""
    told = report.fills.get(fill)
    return told is not None and not told.failed and not missing


def _is_there(
    manifest: Manifest, missing: tuple[str, ...], job: CondorJob | None, told: FillReport | None
) -> bool:
    """Return whether a fill has all its results though its job was removed.

    Results that were to be made anew, and pictures, do not tell.
    """
    if missing or job is None or job.phase is not Phase.REMOVED or (told and told.failed):
        return False
    return "--force" not in manifest.options and manifest.only != ("plots",)


def _with_job(
    fill: int, missing: tuple[str, ...], job: CondorJob, outcome: _Outcome
) -> tuple[State, str]:
    report, failure = outcome
    told = report.fills.get(fill)
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


def status_table(report: FolderReport) -> str:
    """Return a table of chunks by state, the reason for each fill that is not done, and counts."""
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
        if fill.state.is_well:
            continue
        line = [f"fill {fill.fill}: {fill.state.value}", fill.why]
        if fill.missing and not (fill.state.goes_on and not fill.why):
            line.append(f"missing: {' '.join(fill.missing)}")
        if any(line[1:]):
            out += ": ".join([line[0], "; ".join(p for p in line[1:] if p)]) + "\n"
    return out + summary(report) + "\n" + _advice(report)


def summary(report: FolderReport) -> str:
    """Return how many fills are in each state, in one line."""
    found = ", ".join(f"{n} {state.value}" for state, n in report.counts.items())
    n_fills = len(report.fills)
    return f"{n_fills} fill{'' if n_fills == 1 else 's'}: {found}"


def _advice(report: FolderReport) -> str:
    out = ""
    if State.HELD in report.counts:
        out += "to continue held jobs: condor_release; to replace them: --resubmit "
        out += f"{report.folder.path}\n"
    if State.UNSUBMITTED in report.counts:
        out += f"to submit: {report.folder.submit_command(report.manifest)}\n"
    elif any(f.state.lost for f in report.fills):
        out += f"to run these again: --resubmit {report.folder.path}\n"
    return out
