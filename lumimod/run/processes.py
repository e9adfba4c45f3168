"""Running fills one after the other, or side by side in processes."""

from __future__ import annotations

import logging
import logging.handlers
import signal
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from typing import Any

from lumimod.atomic import use_fsync, uses_fsync
from lumimod.errors import called_with_config
from lumimod.parallel import (
    Workers,
    available_cores,
    end_with_parent,
    hold_freed_memory,
    process_context,
    wait_for_fork_server,
)
from lumimod.run.fill import FillJob, run_fill
from lumimod.run.report import FillReport
from lumimod.run.reporting import Display

log = logging.getLogger(__name__)

_DEAD = (BrokenProcessPool, OSError, EOFError)
"""What starting a process raises when another one of the pool, or the fork server, has died."""
_PATIENCE_S = 5.0
"""How long the log of a broken pool is shown at most."""


def run_all(jobs: Sequence[FillJob], n_jobs: int, display: Display) -> Iterator[FillReport]:
    """Run fills, up to `n_jobs` side by side; yield the report of each as it ends."""
    busy = [job for job in jobs if job.has_work]
    yield from (run_fill(job, Workers(1)) for job in jobs if not job.has_work)
    n_jobs = min(n_jobs, len(busy))
    cores_each = max(1, available_cores() // max(1, n_jobs))
    if n_jobs <= 1:
        with Workers(cores_each, partial(use_fsync, uses_fsync())) as workers:
            yield from (run_fill(job, workers) for job in busy)
    else:
        yield from _in_processes(busy, n_jobs, cores_each, display)


def _in_processes(
    jobs: Sequence[FillJob], n_jobs: int, cores_each: int, display: Display
) -> Iterator[FillReport]:
    unfinished = []
    for job, report in _in_pool(jobs, n_jobs, cores_each, display):
        if report is not None:
            yield report
        else:
            unfinished.append(job)
    # When a process dies, all others of its pool end too, and none tells whose fault it was.
    if unfinished:
        wait_for_fork_server()
    for job in unfinished:
        log.warning("fill %d: a process died before it was done; running it alone", job.fill)
        for _, report in _in_pool([job], 1, cores_each, display):
            yield report or _died(job.fill)


def _in_pool(
    jobs: Sequence[FillJob], n_jobs: int, cores_each: int, display: Display
) -> Iterator[tuple[FillJob, FillReport | None]]:
    """Yield what `_side_by_side` does, of a pool whose log has a queue of its own."""
    context = process_context()
    records = context.Queue()
    listener = logging.handlers.QueueListener(
        records, *display.handlers, respect_handler_level=True
    )
    listener.start()
    setup = (records, logging.getLogger().level, cores_each, uses_fsync())
    is_broken = False
    try:
        with ProcessPoolExecutor(n_jobs, context, _set_up_process, setup) as pool:
            for job, report in _side_by_side(pool, jobs):
                is_broken |= report is None
                yield job, report
    finally:
        if is_broken:
            _wait_until_shown(records)
        else:
            listener.stop()
            records.close()


def _wait_until_shown(records: Any) -> None:
    """Wait until the log of a broken pool is shown, as far as it has come.

    A process that is killed may keep the lock of the queue, or leave half a record in it: who put
    anything more into it would wait for ever. The thread that shows it ends with this process.
    """
    until_s = time.monotonic() + _PATIENCE_S
    while not records.empty() and time.monotonic() < until_s:
        time.sleep(0.01)


def _side_by_side(
    pool: ProcessPoolExecutor, jobs: Sequence[FillJob]
) -> Iterator[tuple[FillJob, FillReport | None]]:
    """Yield each job, as it ends, and its report: None if a process of the pool died."""
    try:
        futures = {}
        for job in jobs:
            try:
                futures[pool.submit(_run_in_process, job)] = job
            except _DEAD:
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


def _set_up_process(records: Any, level: int, n_cores: int, fsync: bool) -> None:
    """Send log records to the parent, which shows them; keep this process's own workers."""
    end_with_parent()
    use_fsync(fsync)
    logging.getLogger().handlers = [logging.handlers.QueueHandler(records)]
    logging.getLogger().setLevel(level)
    hold_freed_memory()
    _Process.workers = Workers(n_cores, partial(use_fsync, fsync))
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
    called_with_config(job.cfg.path)
    try:
        return run_fill(job, _Process.workers)
    finally:
        _Process.busy = False
