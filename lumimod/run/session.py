"""A run over fills: choose them, plan them, run them side by side, report."""

from __future__ import annotations

import logging
import logging.handlers
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any, Callable, NamedTuple

from lumimod.config.settings import Config
from lumimod.errors import LumimodError, OutputError
from lumimod.parallel import Workers, available_cores, process_context
from lumimod.paths import FillPaths
from lumimod.readers.bmodes import FillModes, read_bmodes
from lumimod.records import EXPERIMENTS
from lumimod.run.claims import Claims, remove_leftovers
from lumimod.run.plan import FillJob, Pictures, Selection, plan_fill, run_fill
from lumimod.run.report import FillReport
from lumimod.run.report_file import ReportFile
from lumimod.run.reporting import Display, plan_table, report_table
from lumimod.steps import massi_db
from lumimod.steps.massi_db import Database

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
    batch = prepare(cfg, fills, selection, pictures, write=not dry_run)
    if dry_run:
        plans = {job.fill: job.plan for job in batch.jobs}
        table = plan_table(plans, {job.fill: job.pictures_to_make for job in batch.jobs})
        sys.stdout.write(table + (report_table(batch.unknown) if batch.unknown else ""))
        return not batch.unknown
    with Claims(cfg.files.stable_beams_folder) as claims:
        jobs, left = _claimed(batch, claims)
        display.expect(sum(job.n_steps for job in jobs))
        reports = list(batch.unknown)
        file = ReportFile(report_path, reports, left)
        for report in _run_all(jobs, n_jobs, display):
            reports.append(_recorded(report, cfg))
            file.add(reports[-1])
            claims.give_back(report.fill)
        _publish(reports, cfg)
    display.close()
    order = batch.wanted.index
    sys.stdout.write(report_table(sorted(reports, key=lambda r: order(r.fill)), left))
    return not any(report.failed for report in reports)


class Batch(NamedTuple):
    """What is to be done, fill by fill."""

    wanted: list[int]
    """The fills asked for, in order."""
    jobs: list[FillJob]
    """Of those that there are."""
    unknown: list[FillReport]
    """Of those that there are not."""
    plan: Callable[[int], FillJob]
    """Plans a fill again, as things are by now."""


def prepare(
    cfg: Config,
    fills: Sequence[int] | None,
    selection: Selection,
    pictures: Pictures,
    *,
    write: bool,
) -> Batch:
    """Choose the fills and plan them; with `write` a Massi database is made if there is none."""
    modes = read_bmodes(cfg.files.bmodes)
    wanted = select_fills(modes, cfg) if fills is None else list(dict.fromkeys(fills))
    database = _database(cfg, write=write)

    def plan(fill: int) -> FillJob:
        steps = {} if pictures.only else plan_fill(fill, cfg, selection, database)
        return FillJob(fill, cfg, modes[fill], steps, pictures)

    jobs = [plan(fill) for fill in wanted if fill in modes]
    unknown = [_unknown(fill, cfg) for fill in wanted if fill not in modes]
    return Batch(wanted, jobs, unknown, plan)


def select_fills(modes: Mapping[int, FillModes], cfg: Config) -> list[int]:
    """Return the fills in the configured range with long enough stable beams, in order."""
    return [
        fill
        for fill, m in sorted(modes.items())
        if cfg.fills.first_fill <= fill <= cfg.fills.last_fill
        and m.stop("STABLE") - m.start("STABLE") >= cfg.fills.min_time_sb_s
    ]


def _unknown(fill: int, cfg: Config) -> FillReport:
    why = f"not in the beam modes {cfg.files.bmodes}; run Utilities/000_get_fills.py"
    log.error("fill %d: %s", fill, why)
    return FillReport(fill, failed={"all": why})


def _claimed(batch: Batch, claims: Claims) -> tuple[list[FillJob], dict[int, str]]:
    """Return the jobs that no other run is at, and which run is at each of the others."""
    busy = {job.fill for job in batch.jobs if job.has_work}
    refused, abandoned = claims.take(f for f in batch.wanted if f in busy)
    left = {fill: str(owner or "another run") for fill, owner in refused.items()}
    for fill, owner in left.items():
        log.warning("fill %d: left to another run (%s)", fill, owner)
    jobs = []
    for job in batch.jobs:
        if job.fill in abandoned:
            remove_leftovers(FillPaths(job.cfg, job.fill).folder)
        if job.fill not in left:
            # Another run may have finished it between planning and claiming.
            jobs.append(batch.plan(job.fill) if job.fill in busy else job)
    return jobs, left


# --- the Massi database


def _database(cfg: Config, *, write: bool) -> Database:
    """Return the database; without one, make it from the archives that are there now."""
    path = cfg.massi.database
    if path.exists():
        return massi_db.load(path)
    folders = {exp: cfg.massi.folder(exp) for exp in EXPERIMENTS}
    database = massi_db.create(cfg.massi.year, folders)
    if write:
        log.info("no Massi database yet: making %s", path)
        try:
            _make_parent(path, cfg)
            massi_db.save_new(path, database)
            return massi_db.load(path)
        except OutputError as exc:  # the fills go on: those that read an archive say so again
            log.error("Massi database: %s", exc)
    return massi_db.merged(database, massi_db.entries(path))


def _make_parent(path: Path, cfg: Config) -> None:
    if not cfg.files.makedirs:
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise OutputError(
            f"{path.parent} cannot be created ({exc.strerror}); check massi_file_database and "
            "stableBeams_folder in config.py"
        ) from exc


def _recorded(report: FillReport, cfg: Config) -> FillReport:
    """Enter the archives of a finished fill in the database; only now were they read."""
    if "massi" not in report.done or not report.archives:
        return report
    try:
        massi_db.record(cfg.massi.database, cfg.massi.year, report.archives.items())
    except LumimodError as exc:
        log.error("fill %d: massi: %s", report.fill, exc)
        return report.with_failure("massi", str(exc))
    return report


def _publish(reports: Sequence[FillReport], cfg: Config) -> None:
    """Bring the YAML file of the database up to date with what was read."""
    if any("massi" in report.done and report.archives for report in reports):
        try:
            massi_db.publish(cfg.massi.database)
        except LumimodError as exc:
            log.warning("%s; the entries beside it count", exc)


# --- side by side


def _run_all(jobs: Sequence[FillJob], n_jobs: int, display: Display) -> Iterator[FillReport]:
    busy = [job for job in jobs if job.has_work]
    yield from (run_fill(job, Workers(1)) for job in jobs if not job.has_work)
    n_jobs = min(n_jobs, len(busy))
    cores_each = max(1, available_cores() // max(1, n_jobs))
    if n_jobs <= 1:
        with Workers(cores_each) as workers:
            yield from (run_fill(job, workers) for job in busy)
    else:
        yield from _in_processes(busy, n_jobs, cores_each, display)


def _in_processes(
    jobs: Sequence[FillJob], n_jobs: int, cores_each: int, display: Display
) -> Iterator[FillReport]:
    context = process_context()
    records = context.Queue()
    listener = logging.handlers.QueueListener(
        records, *display.handlers, respect_handler_level=True
    )
    listener.start()
    setup = (records, logging.getLogger().level, cores_each)
    try:
        unfinished = []
        with ProcessPoolExecutor(n_jobs, context, _set_up_process, setup) as pool:
            for job, report in _side_by_side(pool, jobs):
                if report is not None:
                    yield report
                else:
                    unfinished.append(job)
        # When a process dies, all others of its pool end too, and none tells whose fault it was.
        for job in unfinished:
            log.warning("fill %d: a process died before it was done; running it alone", job.fill)
            with ProcessPoolExecutor(1, context, _set_up_process, setup) as pool:
                for _, report in _side_by_side(pool, [job]):
                    yield report or _died(job.fill)
    finally:
        listener.stop()
        records.close()


def _side_by_side(
    pool: ProcessPoolExecutor, jobs: Sequence[FillJob]
) -> Iterator[tuple[FillJob, FillReport | None]]:
    """Yield each job, as it ends, and its report: None if a process of the pool died."""
    try:
        futures = {}
        for job in jobs:
            try:
                futures[pool.submit(_run_in_process, job)] = job
            except BrokenProcessPool:
                yield job, None
        for future in as_completed(futures):
            yield futures[future], _result(future)
    finally:
        # After an interrupt no further fill is begun.
        pool.shutdown(cancel_futures=True)


def _result(future: Future[FillReport]) -> FillReport | None:
    try:
        return future.result()
    except BrokenProcessPool:
        return None


def _died(fill: int) -> FillReport:
    why = "its process died, most likely for want of memory; free some and run it again"
    log.error("fill %d: %s", fill, why)
    return FillReport(fill, failed={"all": why})


# --- in the processes


class _Process:
    """State of a process that runs fills."""

    workers = Workers(1)
    busy = False
    interrupted = False


def _set_up_process(records: Any, level: int, n_cores: int) -> None:
    """Send log records to the parent, which shows them; keep this process's own workers."""
    logging.getLogger().handlers = [logging.handlers.QueueHandler(records)]
    logging.getLogger().setLevel(level)
    _Process.workers = Workers(n_cores)
    signal.signal(signal.SIGINT, _interrupt)


def _interrupt(*_: object) -> None:
    """Stop the fill that runs; one that was handed to this process already does not begin."""
    _Process.interrupted = True
    if _Process.busy:
        raise KeyboardInterrupt


def _run_in_process(job: FillJob) -> FillReport:
    if _Process.interrupted:
        raise KeyboardInterrupt
    _Process.busy = True
    try:
        return run_fill(job, _Process.workers)
    finally:
        _Process.busy = False
