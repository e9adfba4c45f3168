"""Running the steps of one fill as planned, and making its pictures."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Callable

from lumimod.config.settings import Config
from lumimod.errors import MissingStepError, Note
from lumimod.parallel import Workers
from lumimod.paths import FillPaths
from lumimod.plots import gallery
from lumimod.readers.bmodes import FillModes
from lumimod.records.diary import Diary
from lumimod.run.guard import guarded
from lumimod.run.keeper import Keeper
from lumimod.run.plan import FOLLOWS, PLOTS, Pictures, Plan, Planned, Status
from lumimod.run.report import BLOCKED_BY, FillReport, local_minutes
from lumimod.steps.context import FillContext
from lumimod.steps.registry import STEPS
from lumimod.steps.step import Afterwards, Step

log = logging.getLogger(__name__)

IN_PROGRESS = Note(
    "in progress",
    "the fill is in progress: results end with its last measurement and are made again when it "
    "is over",
)


@dataclass(frozen=True)
class FillJob:
    """Everything a process needs to run one fill."""

    fill: int
    cfg: Config
    modes: FillModes
    plan: Plan
    pictures: Pictures = Pictures()
    n_due: int = 0
    """Pictures that were missing or out of date when the fill was planned."""
    failing_since: Mapping[str, str] = field(default_factory=dict)
    """Steps that failed in the last run, and since when, UTC as ISO 8601."""

    @property
    def runs_steps(self) -> bool:
        """Whether any step is to run."""
        return any(planned.status.runs for planned in self.plan.values())

    @property
    def has_work(self) -> bool:
        """Whether any step is to run or cannot, or a picture is to be made."""
        blocked = any(p.status is Status.BLOCKED for p in self.plan.values())
        return self.runs_steps or blocked or self.n_due > 0

    @property
    def n_steps(self) -> int:
        """How many steps are to run, all pictures of a fill being one."""
        n_steps = sum(planned.status.runs for planned in self.plan.values())
        return n_steps + (bool(self.pictures.families) and self.has_work)

    @property
    def pictures_to_make(self) -> str:
        """Return in a word or two what the plan says of the pictures."""
        if not self.pictures.families:
            return Status.OFF.value
        if self.runs_steps:
            return "after the steps"
        return f"{self.n_due} to do" if self.n_due else Status.PRESENT.value


def pictures_due(
    cfg: Config, fill: int, ask: Pictures, diary: Diary | None = None
) -> list[gallery.PictureJob]:
    """Return the pictures to make, as the results are now."""
    if not ask.families:
        return []
    paths = FillPaths(cfg, fill)
    known = diary or Diary(paths.folder)
    return gallery.plan(paths, ask.families, known, force=ask.force, strict=ask.only)


def run_fill(job: FillJob, workers: Workers) -> FillReport:
    """Run the planned steps of a fill; return what became of them.

    Errors of a step end it and what needs it, no more. Whatever goes wrong besides the steps ends
    the fill, and no other.
    """
    tally = _Tally(job.fill, job.failing_since)
    why = guarded(f"fill {job.fill}", partial(_run_steps, job, workers, tally))
    if why:
        tally.fail("all", why)
    skipped = tuple(n for n in job.plan if n not in tally.done and n not in tally.failed)
    since = {name: time for name, time in job.failing_since.items() if name in tally.failed}
    return FillReport(
        job.fill,
        tally.done,
        skipped,
        tally.failed,
        tally.stale,
        tally.waiting,
        since,
        job.modes.in_progress,
    )


def _level_of_stale(reason: str) -> int:
    """Return the level of the line about a result that is out of date: one cause, one line."""
    follows = all(why.endswith(FOLLOWS) for why in reason.split("; "))
    return logging.DEBUG if follows else logging.WARNING


def _run_steps(job: FillJob, workers: Workers, tally: _Tally) -> None:
    ctx = FillContext(job.fill, job.cfg, job.modes, workers)
    keeper = Keeper(ctx.paths, job.modes)
    for name, planned in job.plan.items():
        if planned.status is Status.STALE:
            tally.stale[name] = planned.reason
            log.log(
                _level_of_stale(planned.reason),
                "fill %d: %s is out of date (%s); run with --cascade or --force %s",
                job.fill, name, planned.reason, name,
            )  # fmt: skip
        elif planned.status is Status.WAITING:
            tally.waiting[name] = planned.reason
            log.info("fill %d: %s waits: %s", job.fill, name, planned.reason)
        elif planned.status.runs or planned.status is Status.BLOCKED:
            _run_step(STEPS[name], planned, ctx, keeper, tally)
    _draw(job, workers, keeper.diary, tally)
    tally.finish()
    keeper.diary.save()


def _run_step(
    step: Step, planned: Planned, ctx: FillContext, keeper: Keeper, tally: _Tally
) -> None:
    broken = [need.name for need in step.needs if need.name in tally.failed]
    if broken:
        tally.fail(step.name, f"{BLOCKED_BY}{', '.join(broken)}", logged=False)
        return
    run = step.renew if planned.renews and step.renew else step.run
    why = planned.reason or ("forced" if planned.status is Status.FORCED else "missing")

    def work() -> None:
        ctx.paths.make_folder()
        ctx.begin(keeper.begin(step))
        for note in keeper.changed_inputs(step):
            ctx.note(note)
        if ctx.modes.in_progress:
            ctx.note(IN_PROGRESS)
        try:
            left = run(ctx)
        except MissingStepError:
            keeper.look_again(step)
            raise
        if left is not None:
            tally.left[step.name] = left

    tally.attempt(step.name, work, lambda: _made(step, ctx, why))


def _made(step: Step, ctx: FillContext, why: str) -> str:
    """Return what a step has made, and why it ran."""
    return f"{', '.join(map(str, step.results(ctx.paths)))} ({why})"


def _draw(job: FillJob, workers: Workers, diary: Diary, tally: _Tally) -> None:
    """Make the pictures of a fill, from its saved results."""
    batches = list[gallery.PictureJob]()

    def look() -> None:
        batches.extend(pictures_due(job.cfg, job.fill, job.pictures, diary))

    why = tally.guarded(PLOTS, look)
    if why:
        tally.fail(PLOTS, why)
    elif batches:
        paths = FillPaths(job.cfg, job.fill)
        n_pictures = sum(len(batch.names) for batch in batches)
        nothing = dict[str, str]()

        def work() -> None:
            nothing.update(gallery.draw(paths, batches, workers))
            gallery.enter(paths, batches, nothing, diary)

        def told() -> str:
            n_drawn = n_pictures - len(nothing)
            return f"{n_drawn} picture{'' if n_drawn == 1 else 's'} in {paths.plot_folder}"

        tally.attempt(PLOTS, work, told)


def _users(name: str) -> list[str]:
    """Return the steps that read the result of a step."""
    return [step.name for step in STEPS.values() if STEPS[name] in step.depends_on]


@dataclass
class _Tally:
    """What is done of a fill and what has failed, told as it happens."""

    fill: int
    failing_since: Mapping[str, str]
    done: dict[str, float] = field(default_factory=dict)
    """Seconds that each step took."""
    failed: dict[str, str] = field(default_factory=dict)
    """Why each step failed."""
    stale: dict[str, str] = field(default_factory=dict)
    """Why results that are there are out of date."""
    waiting: dict[str, str] = field(default_factory=dict)
    """What steps wait for that may still come."""
    left: dict[str, Afterwards] = field(default_factory=dict)
    """What steps have left to do when all have ended."""

    def attempt(self, name: str, work: Callable[[], None], made: Callable[[], str]) -> None:
        """Do the work of a step; `made` says afterwards what it made."""
        started = time.perf_counter()
        self._tell(logging.DEBUG, name, "begins", begins=True)
        why = self.guarded(name, work)
        if why:
            self.fail(name, why)
        else:
            self.done[name] = time.perf_counter() - started
            self._tell(logging.INFO, name, f"{made()} in {self.done[name]:.2f} s")

    def fail(self, name: str, why: str, *, logged: bool = True) -> None:
        """Note that a step has failed; what other steps of the fill failed for is logged once."""
        logged = logged and why not in self.failed.values()
        self.failed[name] = why
        since = self.failing_since.get(name)
        told = f"{why} (since {local_minutes(since)} Zurich)" if since else why
        self._tell(logging.ERROR if logged else logging.DEBUG, name, told)

    def finish(self) -> None:
        """Do what steps have left to do; where it fails, so has the step.

        Where a step that takes the result has failed it is left out, so that the next run does
        both again.
        """
        for name, work in self.left.items():
            failed = [user for user in _users(name) if user in self.failed]
            if failed:
                log.warning(
                    "fill %d: %s: %s failed; the next run does both again",
                    self.fill, name, ", ".join(failed),
                )  # fmt: skip
                continue
            why = self.guarded(name, work)
            if why:
                del self.done[name]
                self.failed[name] = why
                log.error("fill %d: %s: %s", self.fill, name, why)

    def guarded(self, name: str, work: Callable[[], None]) -> str:
        """Do some work of a step; return why it failed, or nothing."""
        return guarded(f"fill {self.fill}: {name}", work)

    def _tell(self, level: int, name: str, message: str, *, begins: bool = False) -> None:
        """Log a line about a step, marked so that a progress bar can follow."""
        progress = (self.fill, name, begins)
        log.log(level, "fill %d: %s: %s", self.fill, name, message, extra={"progress": progress})
