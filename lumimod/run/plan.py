"""Which steps of a fill are to run, and running them."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from pathlib import Path
from types import ModuleType

from lumimod.config.settings import Config
from lumimod.errors import LumimodError
from lumimod.parallel import Workers
from lumimod.paths import FillPaths, frame_path
from lumimod.plots import gallery
from lumimod.readers.bmodes import FillModes
from lumimod.readers.massi import find_archive
from lumimod.readers.variables import files_of
from lumimod.records import EXPERIMENTS
from lumimod.run.report import FillReport
from lumimod.steps import cycle, fits, lifetime, lumi, massi, massi_db, model, sb
from lumimod.steps.context import FillContext
from lumimod.steps.massi_db import Archive, Database

log = logging.getLogger(__name__)

STEPS: Mapping[str, ModuleType] = {
    step.NAME: step for step in (sb, cycle, lumi, massi, fits, lifetime, model)
}
"""In the order in which they run: each needs only results of earlier ones."""


class Status(Enum):
    """What a plan says of a step."""

    PRESENT = "present"
    STALE = "stale"
    TO_DO = "to do"
    FORCED = "forced"
    BLOCKED = "blocked"
    OFF = "off"

    @property
    def runs(self) -> bool:
        """Whether a step of this status is run."""
        return self in (Status.TO_DO, Status.FORCED)


@dataclass(frozen=True)
class Planned:
    """What is to happen to one step of a fill, and why."""

    status: Status
    reason: str = ""

    def __str__(self) -> str:
        return f"{self.status.value} ({self.reason})" if self.reason else self.status.value


Plan = Mapping[str, Planned]

PLOTS = "plots"
"""What reports and logs call the pictures, which are made after the steps."""

NEW_ARCHIVE = "new archive"
"""Why massi runs where a Massi archive is not the one read before."""


@dataclass(frozen=True)
class Selection:
    """What the command line asks for."""

    force: frozenset[str] = frozenset()
    only: frozenset[str] = frozenset()
    """If any: these run, whatever there is, and nothing else."""
    cascade: bool = False
    """Also run what depends on a step that runs, and what is stale."""


@dataclass(frozen=True)
class Pictures:
    """Which pictures are asked for."""

    families: frozenset[str] = frozenset()
    only: bool = False
    """No step runs; pictures of results that are missing are an error."""
    force: bool = False


@dataclass(frozen=True)
class FillJob:
    """Everything a process needs to run one fill."""

    fill: int
    cfg: Config
    modes: FillModes
    plan: Plan
    pictures: Pictures = Pictures()

    @cached_property
    def has_work(self) -> bool:
        """Whether any step is to run or cannot, or a picture is to be made, as things were.

        Looked up once: it asks for the age of every picture.
        """
        busy = any(p.status.runs or p.status is Status.BLOCKED for p in self.plan.values())
        return busy or bool(self.batches())

    @property
    def n_steps(self) -> int:
        """How many steps are to run, all pictures of a fill being one."""
        steps = sum(p.status.runs for p in self.plan.values())
        return steps + (bool(self.pictures.families) and self.has_work)

    @property
    def pictures_to_make(self) -> str:
        """Return in a word or two what a plan says of the pictures."""
        if not self.pictures.families:
            return Status.OFF.value
        if any(p.status.runs for p in self.plan.values()):
            return "after the steps"
        n_pictures = sum(len(batch.names) for batch in self.batches())
        return f"{n_pictures} to do" if n_pictures else Status.PRESENT.value

    def batches(self) -> list[gallery.Batch]:
        """Return the pictures to make, as the results are now."""
        ask = self.pictures
        paths = FillPaths(self.cfg, self.fill)
        return gallery.plan(paths, ask.families, force=ask.force, strict=ask.only)


# --- planning


def plan_fill(fill: int, cfg: Config, selection: Selection, database: Database) -> Plan:
    """Return what is to happen to every step of a fill."""
    paths = FillPaths(cfg, fill)
    plan: dict[str, Planned] = {}
    for name in STEPS:
        plan[name] = _plan_step(name, paths, cfg, selection, database, plan)
    return plan


def _plan_step(
    name: str, paths: FillPaths, cfg: Config, ask: Selection, database: Database, plan: Plan
) -> Planned:
    if ask.only and name not in ask.only:
        return Planned(Status.OFF, "not asked for")
    if name == "model" and not (cfg.model.enabled or name in ask.force | ask.only):
        return Planned(Status.OFF, "doSBModel is False")
    wanted = _wanted(name, paths, cfg, ask, database, plan)
    if wanted.status.runs:
        missing = _blocked_by(name, paths, cfg, plan)
        if missing:
            return Planned(Status.BLOCKED, missing)
    return wanted


def _wanted(
    name: str, paths: FillPaths, cfg: Config, ask: Selection, database: Database, plan: Plan
) -> Planned:
    """Return whether a step should run, leaving aside whether it can."""
    forced = name in ask.force | ask.only
    there = all(path.exists() for path in _results(name, paths, cfg))
    if name == "massi" and there and not _archives_current(paths, cfg, database):
        return Planned(Status.FORCED if forced else Status.TO_DO, NEW_ARCHIVE)
    if forced:
        return Planned(Status.FORCED)
    if not there:
        return Planned(Status.TO_DO)
    running = [other for other in _depends_on(name) if plan[other].status.runs]
    measured_anew = plan.get("massi", Planned(Status.OFF))
    if name in ("fits", "lifetime") and (
        measured_anew.status is Status.TO_DO or measured_anew.reason == NEW_ARCHIVE
    ):
        return Planned(Status.TO_DO, "new measured luminosity")
    stale = _newer_input(name, paths, cfg)
    if ask.cascade and running:
        return Planned(Status.TO_DO, f"after {', '.join(running)}")
    if ask.cascade and stale:
        return Planned(Status.TO_DO, f"older than {stale}")
    return Planned(Status.STALE, f"older than {stale}") if stale else Planned(Status.PRESENT)


def missing_steps(fill: int, cfg: Config, only: frozenset[str] = frozenset()) -> tuple[str, ...]:
    """Return the steps of a fill, or those among `only`, whose results are not all there."""
    paths = FillPaths(cfg, fill)
    wanted = only or frozenset(n for n in STEPS if n != "model" or cfg.model.enabled)
    return tuple(
        name
        for name in STEPS
        if name in wanted and not all(p.exists() for p in _results(name, paths, cfg))
    )


def _depends_on(name: str) -> list[str]:
    needs = STEPS[name].NEEDS + getattr(STEPS[name], "USES", ())
    return [other for other, step in STEPS.items() if set(step.WRITES) & set(needs)]


def _files(names: tuple[str, ...], paths: FillPaths) -> list[Path]:
    out: list[Path] = []
    for name in names:
        value = getattr(paths, name)
        out += [value] if isinstance(value, Path) else list(value)
    return out


def _results(name: str, paths: FillPaths, cfg: Config) -> list[Path]:
    """Return every file that a finished step has written."""
    results = _files(STEPS[name].WRITES, paths)
    if name == "massi" and not _archives(paths, cfg) and paths.lumi_meas_timber.exists():
        results = [paths.lumi_meas_timber]
    saved = results if cfg.files.save_dict else []
    return saved + ([frame_path(p) for p in results] if cfg.files.save_pandas else [])


def _archives(paths: FillPaths, cfg: Config) -> dict[str, Path]:
    """Return the Massi archives of a fill, nothing unless every experiment has one."""
    found = {exp: find_archive(cfg.massi.folder(exp), paths.fill) for exp in EXPERIMENTS}
    there = {exp: path for exp, path in found.items() if path is not None}
    return there if len(there) == len(found) else {}


def _archives_current(paths: FillPaths, cfg: Config, database: Database) -> bool:
    return all(
        massi_db.is_current(database, cfg.massi.year, exp, Archive.at(path))
        for exp, path in _archives(paths, cfg).items()
    )


def _newer_input(name: str, paths: FillPaths, cfg: Config) -> str:
    """Return the name of an input that is newer than the step's results, if there is one."""
    step = STEPS[name]
    inputs = _files(getattr(step, "INPUTS", ()) + step.NEEDS + getattr(step, "USES", ()), paths)
    # Of archives the database tells whether they are new.
    if name == "massi" and paths.lumi_meas_timber.exists() and not _archives(paths, cfg):
        inputs.append(paths.bbb_lumi)
    oldest = min(path.stat().st_mtime for path in _results(name, paths, cfg))
    for path in inputs:
        if path.exists() and any(file.stat().st_mtime > oldest for file in files_of(path)):
            return path.name
    return ""


def _blocked_by(name: str, paths: FillPaths, cfg: Config, plan: Plan) -> str:
    """Return what a step lacks: an input file, or a result that nothing is going to make."""
    for path in _files(getattr(STEPS[name], "INPUTS", ()), paths):
        if not path.exists():
            return f"{path} is missing"
    if name == "massi" and not _archives(paths, cfg) and not paths.bbb_lumi.exists():
        return f"no Massi archive of fill {paths.fill}"
    for need in STEPS[name].NEEDS:
        if not all(path.exists() for path in _files((need,), paths)):
            maker = next(other for other, step in STEPS.items() if need in step.WRITES)
            if not plan[maker].status.runs:
                return maker
    return ""


# --- running


def run_fill(job: FillJob, workers: Workers) -> FillReport:
    """Run the planned steps of a fill; errors of a step end it and what needs it, no more."""
    ctx = FillContext(job.fill, job.cfg, job.modes, workers)
    done: dict[str, float] = {}
    failed: dict[str, str] = {}
    for name, planned in job.plan.items():
        if planned.status is Status.STALE:
            log.warning(
                "fill %d: %s is %s; run with --cascade or --force %s", job.fill, name, planned, name
            )
        if not (planned.status.runs or planned.status is Status.BLOCKED):
            continue
        broken = [other for other in _depends_on(name) if other in failed and _needs(name, other)]
        if broken:
            failed[name] = f"blocked by {', '.join(broken)}"
            _tell(logging.ERROR, job.fill, name, failed[name])
            continue
        ctx.archive_changed = planned.reason == NEW_ARCHIVE
        started = time.perf_counter()
        _tell(logging.DEBUG, job.fill, name, "begins", begins=True)
        message = _run_step(name, ctx)
        if message:
            failed[name] = message
            _tell(logging.ERROR, job.fill, name, message)
        else:
            done[name] = time.perf_counter() - started
            written = ", ".join(str(path) for path in _results(name, ctx.paths, ctx.cfg))
            _tell(logging.INFO, job.fill, name, f"{written} in {done[name]:.2f} s")
    _draw(job, workers, done, failed)
    skipped = tuple(n for n in job.plan if n not in done and n not in failed)
    return FillReport(job.fill, done, skipped, failed, ctx.massi_archives)


def _draw(job: FillJob, workers: Workers, done: dict[str, float], failed: dict[str, str]) -> None:
    """Make the pictures of a fill, from its saved results."""
    batches = job.batches()
    if not batches:
        return
    started = time.perf_counter()
    _tell(logging.DEBUG, job.fill, PLOTS, "begins", begins=True)
    paths = FillPaths(job.cfg, job.fill)
    message = _guarded(PLOTS, job.fill, lambda: gallery.draw(paths, batches, workers))
    if message:
        failed[PLOTS] = message
        _tell(logging.ERROR, job.fill, PLOTS, message)
    else:
        done[PLOTS] = time.perf_counter() - started
        n_pictures = sum(len(batch.names) for batch in batches)
        text = f"{n_pictures} pictures in {paths.plot_folder} in {done[PLOTS]:.2f} s"
        _tell(logging.INFO, job.fill, PLOTS, text)


def _needs(name: str, other: str) -> bool:
    return bool(set(STEPS[other].WRITES) & set(STEPS[name].NEEDS))


def _run_step(name: str, ctx: FillContext) -> str:
    """Run a step; return why it failed, or nothing."""

    def run() -> None:
        ctx.paths.make_folder()
        STEPS[name].run(ctx)

    return _guarded(name, ctx.fill, run)


def _guarded(name: str, fill: int, work: Callable[[], None]) -> str:
    """Do some work; return why it failed, or nothing."""
    try:
        work()
    except LumimodError as exc:
        return str(exc)
    except Exception as exc:  # a bug: loud, but the other fills go on
        log.exception("fill %d: %s: internal error", fill, name)
        return f"internal error, please report it: {type(exc).__name__}: {exc}"
    return ""


def _tell(level: int, fill: int, step: str, message: str, *, begins: bool = False) -> None:
    """Log a line about a step, marked so that a progress bar can follow."""
    progress = (fill, step, begins)
    log.log(level, "fill %d: %s: %s", fill, step, message, extra={"progress": progress})
