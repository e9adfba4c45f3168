"""A run over fills: choose them, plan them, run them side by side, report."""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Callable, NamedTuple

from lumimod.atomic import use_fsync
from lumimod.config.settings import Config
from lumimod.paths import FillPaths
from lumimod.readers.bmodes import BeamModes, read_bmodes
from lumimod.run.claims import Claims, remove_leftovers
from lumimod.run.fill import FillJob, pictures_due
from lumimod.run.guard import guarded
from lumimod.run.plan import Pictures, Selection, begin_run, plan_fill
from lumimod.run.processes import run_all
from lumimod.run.report import FillReport
from lumimod.run.report_file import ReportFile
from lumimod.run.reporting import Display, plan_table, report_table
from lumimod.steps.registry import STEPS

log = logging.getLogger(__name__)


def run(
    cfg: Config,
    fills: Sequence[int] | None,
    selection: Selection,
    display: Display,
    *,
    n_jobs: int = 1,
    dry_run: bool = False,
    pictures: Pictures = Pictures(),  # noqa: B008 - frozen
    report_path: Path | None = None,
) -> bool:
    """Run the steps of fills, print what became of them; return whether all went well.

    Parameters
    ----------
    cfg, selection
        What config.py and the command line say.
    fills
        The fills to run; None takes all that `cfg` selects.
    display
        Where log lines and progress go.
    n_jobs
        Fills side by side; the cores are shared out among them.
    dry_run
        Print the plan and run nothing.
    pictures
        Which are to be made after the steps, or instead of them.
    report_path
        Where what became of each fill is written as JSON, after each of them.
    """
    plan = prepare(cfg, fills, selection, pictures, write=not dry_run)
    if dry_run:
        return _show(plan)
    with Claims(cfg.files.stable_beams_folder) as claims:
        jobs, lost, left = _claimed(plan, claims)
        display.expect(sum(job.n_steps for job in jobs))
        reports = [*plan.unknown, *lost]
        file = ReportFile(report_path, reports, left)
        for report in run_all(jobs, n_jobs, display):
            reports.append(report)
            file.add(report)
            claims.give_back(report.fill)
        faults = {**plan.faults, **_end_run(reports, cfg)}
    display.close()
    order = plan.wanted.index
    table = report_table(sorted(reports, key=lambda r: order(r.fill)), left)
    sys.stdout.write(table + _lines(faults))
    return not (faults or any(report.failed for report in reports))


class RunPlan(NamedTuple):
    """What is to be done, fill by fill."""

    wanted: list[int]
    """The fills asked for, in order."""
    jobs: list[FillJob]
    """Of those that there are."""
    unknown: list[FillReport]
    """Of those that there are not, or that cannot be planned."""
    again: Callable[[int], FillJob | FillReport]
    """Plans a fill again, as things are by now; a report, if that is not possible."""
    faults: Mapping[str, str] = MappingProxyType({})
    """What went wrong for all fills, by the step to which it belongs."""

    @property
    def is_sound(self) -> bool:
        """Whether all that was asked for could be planned."""
        return not (self.unknown or self.faults)


def prepare(
    cfg: Config,
    fills: Sequence[int] | None,
    selection: Selection,
    pictures: Pictures,
    *,
    write: bool,
) -> RunPlan:
    """Choose the fills and plan them; without `write` nothing is written meanwhile."""
    use_fsync(cfg.files.fsync)
    modes = read_bmodes(cfg.files.bmodes)
    wanted = select_fills(modes, cfg) if fills is None else list(dict.fromkeys(fills))
    watch = begin_run(cfg, write=write)

    def job_of(fill: int) -> FillJob:
        steps = {} if pictures.only else plan_fill(modes[fill], cfg, selection, watch, write=write)
        n_due = sum(len(batch.names) for batch in pictures_due(cfg, fill, pictures))
        return FillJob(fill, cfg, modes[fill], steps, pictures, n_due)

    again = partial(_planned, job_of)
    planned = [again(fill) for fill in wanted]
    jobs = [one for one in planned if isinstance(one, FillJob)]
    failed = [one for one in planned if isinstance(one, FillReport)]
    return RunPlan(wanted, jobs, failed, again, watch.faults)


def _planned(job_of: Callable[[int], FillJob], fill: int) -> FillJob | FillReport:
    """Plan a fill; whatever is wrong with it or its files costs this fill alone."""
    jobs = list[FillJob]()
    why = guarded(f"fill {fill}: planning", lambda: jobs.append(job_of(fill)))
    if not why:
        return jobs[0]
    log.error("fill %d: %s", fill, why)
    return FillReport(fill, failed={"all": why})


def select_fills(modes: BeamModes, cfg: Config) -> list[int]:
    """Return the fills in the configured range with long enough stable beams, in order.

    With them those of which the beam modes cannot tell: they fail, with the reason.
    """
    long_enough = [
        fill
        for fill, m in modes.items()
        if m.stop("STABLE") - m.start("STABLE") >= cfg.fills.min_time_sb_s
    ]
    first, last = cfg.fills.first_fill, cfg.fills.last_fill
    return sorted(fill for fill in [*long_enough, *modes.faults] if first <= fill <= last)


def _show(plan: RunPlan) -> bool:
    """Print what would run; return whether there are all fills that were asked for."""
    plans = {job.fill: job.plan for job in plan.jobs}
    table = plan_table(plans, {job.fill: job.pictures_to_make for job in plan.jobs})
    unknown = report_table(plan.unknown) if plan.unknown else ""
    sys.stdout.write(table + unknown + _lines(plan.faults))
    return plan.is_sound


def _lines(faults: Mapping[str, str]) -> str:
    return "".join(f"{name}: {why}\n" for name, why in faults.items())


def _claimed(
    plan: RunPlan, claims: Claims
) -> tuple[list[FillJob], list[FillReport], dict[int, str]]:
    """Return the jobs that no other run is at, and which run is at each of the others.

    Between them: fills that can no longer be planned.
    """
    busy = {job.fill for job in plan.jobs if job.has_work}
    # Also where there is nothing to do, a dead run may have left unfinished files.
    dead = claims.of_dead_runs()
    refused, abandoned = claims.take(f for f in plan.wanted if f in busy or f in dead)
    left = {fill: str(owner or "another run") for fill, owner in refused.items()}
    for fill, owner in left.items():
        log.warning("fill %d: left to another run (%s)", fill, owner)
    jobs, lost = list[FillJob](), list[FillReport]()
    for job in plan.jobs:
        if job.fill in abandoned:
            remove_leftovers(FillPaths(job.cfg, job.fill).folder)
        if job.fill not in busy:
            claims.give_back(job.fill)
        if job.fill not in left:
            # Another run may have finished it between planning and claiming.
            now = plan.again(job.fill) if job.fill in busy else job
            if isinstance(now, FillJob):
                jobs.append(now)
            else:
                lost.append(now)
                claims.give_back(job.fill)
    return jobs, lost, left


def _end_run(reports: Sequence[FillReport], cfg: Config) -> dict[str, str]:
    """Let every step that ran do what it does once for all fills; return why some could not."""
    faults = {}
    for name, step in STEPS.items():
        if any(name in report.done for report in reports):
            why = guarded(f"{name}: end of the run", partial(step.end_run, cfg))
            if why:
                log.error("%s: %s", name, why)
                faults[name] = why
    return faults
