"""A run over fills: choose them, plan them, run them side by side, report."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Callable, NamedTuple

from lumimod.atomic import use_fsync
from lumimod.config.settings import Config
from lumimod.paths import FillPaths
from lumimod.readers.bmodes import BeamModes, read_bmodes
from lumimod.readers.checksums import changed_since, checksum_of, read_sums
from lumimod.readers.clock import CLOCK_FILE, told_now_s
from lumimod.run.choice import FillChoice, none_found, without_stable_beams
from lumimod.run.claims import Claims, remove_leftovers
from lumimod.run.fill import FillJob, pictures_due
from lumimod.run.guard import guarded
from lumimod.run.log_lines import closing, opening
from lumimod.run.notify import notify
from lumimod.run.plan import Pictures, Selection, begin_run, plan_fill
from lumimod.run.processes import run_all
from lumimod.run.recorded import is_recorded, of_known_fills, recorded_states
from lumimod.run.report import NOTHING_TO_DO, FillReport, local_minutes
from lumimod.run.report_file import ReportFile
from lumimod.run.reporting import Display, plan_table, report_table
from lumimod.run.states import (
    Standing,
    States,
    changes,
    load_states,
    now_text,
    save_states,
    states_file,
    states_of,
)
from lumimod.run.summarise import summarise
from lumimod.steps.registry import STEPS

log = logging.getLogger(__name__)


def run(
    cfg: Config,
    fills: Sequence[int] | FillChoice | None,
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
        The fills to run: numbers, or what to choose them by; None takes all that `cfg` selects.
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
    began_s = time.monotonic()
    plan = prepare(cfg, fills, selection, pictures, write=not dry_run)
    if dry_run:
        return _show(plan)
    with Claims(cfg.files.stable_beams_folder) as claims:
        jobs, lost, left = _claimed(plan, claims)
        display.expect(sum(job.n_steps for job in jobs))
        reports = [*plan.unplanned, *lost]
        file = ReportFile(report_path, reports, left)
        for report in run_all(jobs, n_jobs, display):
            reports.append(report)
            file.add(report)
            claims.give_back(report.fill)
        faults = {**plan.faults, **_end_run(reports, cfg)}
    display.close()
    why = guarded("how the fills stand", partial(_keep_states, cfg, plan, reports))
    if why:
        log.warning("how the fills stand: %s", why)
    if cfg.plots.do_summary:
        _summarise(cfg)
    order = plan.wanted.index
    table = report_table(sorted(reports, key=lambda r: order(r.fill)), left)
    sys.stdout.write(table + _lines(faults))
    log.info("%s", closing(reports, left, time.monotonic() - began_s))
    return not (faults or any(report.failed for report in reports))


class RunPlan(NamedTuple):
    """What is to be done, fill by fill."""

    wanted: list[int]
    """The fills asked for, in order."""
    jobs: list[FillJob]
    """Of those that there are."""
    unplanned: list[FillReport]
    """Of those that there are not, that cannot be planned, or that had no stable beams."""
    again: Callable[[int], FillJob | FillReport]
    """Plans a fill again, as things are by now; a report, if that is not possible."""
    choice: FillChoice
    """By what the fills were chosen."""
    modes: BeamModes
    """Of all fills."""
    faults: Mapping[str, str] = MappingProxyType({})
    """What went wrong for all fills, by the step to which it belongs."""

    @property
    def is_sound(self) -> bool:
        """Whether all that was asked for could be planned."""
        return not (self.faults or any(report.failed for report in self.unplanned))


def prepare(
    cfg: Config,
    fills: Sequence[int] | FillChoice | None,
    selection: Selection,
    pictures: Pictures,
    *,
    write: bool,
) -> RunPlan:
    """Choose the fills and plan them; without `write` nothing is written meanwhile."""
    use_fsync(cfg.files.fsync)
    modes = read_bmodes(cfg.files.bmodes)
    _check_bmodes(cfg)
    choice = FillChoice.of(fills)
    wanted = choice.fills(modes, cfg)
    if write:
        log.info("%s", opening(cfg, choice, wanted))
    if told_now_s(cfg.files.data_folder) is not None:
        now = local_minutes(now_text(cfg))
        log.info("it is %s (Zurich), as %s says", now, cfg.files.data_folder / CLOCK_FILE)
    if not wanted:
        log.warning("%s", none_found(choice, modes, cfg))
    watch = begin_run(cfg, write=write)
    before = recorded_states(cfg, modes)

    def job_of(fill: int) -> FillJob:
        steps = {} if pictures.only else plan_fill(modes[fill], cfg, selection, watch, write=write)
        n_due = sum(len(batch.names) for batch in pictures_due(cfg, fill, pictures))
        since = _failing_since(before, fill)
        return FillJob(fill, cfg, modes[fill], steps, pictures, n_due, since)

    def again(fill: int) -> FillJob | FillReport:
        if fill in modes and without_stable_beams(modes[fill]):
            log.info("fill %d: %s", fill, NOTHING_TO_DO)
            return FillReport(fill, nothing=NOTHING_TO_DO)
        return _planned(job_of, fill)

    planned = [again(fill) for fill in wanted]
    jobs = [one for one in planned if isinstance(one, FillJob)]
    unplanned = [one for one in planned if isinstance(one, FillReport)]
    return RunPlan(wanted, jobs, unplanned, again, choice, modes, watch.faults)


def _check_bmodes(cfg: Config) -> None:
    """Say so if the beam modes are not as they were fetched, as far as that is known."""
    folder, path = cfg.files.data_folder, cfg.files.bmodes
    sums = read_sums(folder)
    if sums and path.is_file():
        text = changed_since(sums, folder, path, checksum_of(path))
        if text:
            log.warning("%s", text)


def _planned(job_of: Callable[[int], FillJob], fill: int) -> FillJob | FillReport:
    """Plan a fill; whatever is wrong with it or its files costs this fill alone."""
    jobs = list[FillJob]()
    why = guarded(f"fill {fill}: planning", lambda: jobs.append(job_of(fill)))
    if not why:
        return jobs[0]
    log.error("fill %d: %s", fill, why)
    return FillReport(fill, failed={"all": why})


def _show(plan: RunPlan) -> bool:
    """Print what would run; return whether there are all fills that were asked for."""
    plans = {job.fill: job.plan for job in plan.jobs}
    pictures = {job.fill: job.pictures_to_make for job in plan.jobs}
    table = plan_table(plans, pictures) if plans or not plan.unplanned else ""
    others = report_table(plan.unplanned) if plan.unplanned else ""
    sys.stdout.write(table + others + _lines(plan.faults))
    return plan.is_sound


def _lines(faults: Mapping[str, str]) -> str:
    return "".join(f"{name}: {why}\n" for name, why in faults.items())


def _claimed(
    plan: RunPlan, claims: Claims
) -> tuple[list[FillJob], list[FillReport], dict[int, str]]:
    """Return the jobs that no other run has, and which run has each of the others.

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


def _failing_since(before: States, fill: int) -> dict[str, str]:
    """Return which steps of a fill failed in the last run, and since when."""
    if fill not in before:
        return {}
    steps = before[fill].steps.items()
    return {
        name: step.since for name, step in steps if step.state is Standing.FAILED and step.since
    }


def _keep_states(cfg: Config, plan: RunPlan, reports: Sequence[FillReport]) -> None:
    """Write how each fill stands to status.json, and tell what began to fail or is well again.

    Of a fill that the beam modes do not have nothing is kept: it may be a slip of the pen.
    """
    path = states_file(cfg)
    if not path.parent.is_dir():
        return
    plans = {job.fill: job.plan for job in plan.jobs}
    before = load_states(path)
    kept = of_known_fills(before, cfg, plan.modes)
    for fill in sorted(before.keys() - kept.keys()):
        log.info("%s: fill %d is left out: the beam modes do not have it", path, fill)
    when = now_text(cfg)
    now = {
        r.fill: states_of(r, plans.get(r.fill, {}), kept.get(r.fill), when)
        for r in reports
        if is_recorded(r.fill, plan.modes)
    }
    save_states(path, {**kept, **now}, cfg)
    notify(cfg.notify, list(changes(before, now)))


def _summarise(cfg: Config) -> None:
    """Bring the season table up to date; where that fails the run has still done its work."""
    why = guarded("season table", lambda: log.info("%s", summarise(cfg).strip()))
    if why:
        log.warning("season table: %s", why)
