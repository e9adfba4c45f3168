"""Work on several cores: threads where NumPy, pandas and gzip do the work, else processes.

Within a fill the libraries do nearly all of it and release the GIL: threads take a third less time
of the cores than processes, which must start, import and send what they made, and half the memory.
Drawing is Python code: pictures are drawn in processes.
"""

from __future__ import annotations

import multiprocessing
import multiprocessing.connection
import os
import threading
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import forkserver
from pathlib import Path
from typing import Any, Callable, TypeVar

import numpy as np

from lumimod.errors import LumimodError

T = TypeVar("T")

_N_ATTEMPTS, _PAUSE_S = 20, 0.1
_FOR_FILLS = ["pandas", "lumimod.run.fill"]
_FOR_DRAWING = [
    "lumimod.plots.gallery",
    "lumimod.plots.rendering.canvas",
    "lumimod.plots.rendering.ticks",
    "matplotlib.figure",
    "matplotlib.style",
]
_HELD_BYTES = 24 << 20


def available_cores() -> int:
    """Return how many cores this process may use.

    A batch slot may allow fewer than the machine has: by CPU affinity, or, as HTCondor does, by
    OMP_NUM_THREADS alone.
    """
    if hasattr(os, "sched_getaffinity"):
        there = len(os.sched_getaffinity(0))
    else:
        there = os.cpu_count() or 1
    allowed = os.environ.get("OMP_NUM_THREADS", "")
    return min(there, int(allowed)) if allowed.isdecimal() and int(allowed) > 0 else there


class Workers:
    """Up to `n_cores` threads or processes; these are started when they are first needed.

    With one core everything runs in the calling thread. Use as a context manager. Each process
    calls `set_up` first.
    """

    def __init__(self, n_cores: int = 1, set_up: Callable[[], object] | None = None) -> None:
        self.n_cores = n_cores
        self._set_up = set_up
        self._pool: ProcessPoolExecutor | None = None

    def starmap(self, function: Callable[..., T], arguments: Iterable[tuple[Any, ...]]) -> list[T]:
        """Return `[function(*a) for a in arguments]`, computed side by side in processes."""
        calls = list(arguments)
        if self.n_cores == 1 or len(calls) == 1:
            return [function(*call) for call in calls]
        try:
            futures = [self._submitted(function, call) for call in calls]
            return [future.result() for future in futures]
        except BrokenProcessPool as exc:
            self._pool = None
            raise LumimodError(
                "a worker process died, probably out of memory; use fewer --jobs"
            ) from exc

    def _submitted(self, function: Callable[..., T], call: tuple[Any, ...]) -> Future[T]:
        try:
            return self._start().submit(function, *call)
        except (OSError, EOFError) as exc:  # the fork server has died
            raise BrokenProcessPool(str(exc)) from exc

    def threads(self, function: Callable[..., T], arguments: Iterable[tuple[Any, ...]]) -> list[T]:
        """Return the same, computed in threads: for work inside libraries that release the GIL."""
        calls = list(arguments)
        if self.n_cores == 1 or len(calls) == 1:
            return [function(*call) for call in calls]
        with ThreadPoolExecutor(self.n_cores) as pool:
            return list(pool.map(lambda call: function(*call), calls))

    def _start(self) -> ProcessPoolExecutor:
        if self._pool is None:
            self._pool = ProcessPoolExecutor(
                self.n_cores, process_context(_FOR_DRAWING), _begin_process, (self._set_up,)
            )
        return self._pool

    def __enter__(self) -> Workers:
        hold_freed_memory()
        return self

    def __exit__(self, *exc: object) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
            self._pool = None


def process_context(
    preloaded: Sequence[str] = _FOR_FILLS,
) -> multiprocessing.context.BaseContext:
    """Return how processes are started: never by fork, which is unsafe beside threads.

    Where they are forked from a server, it imports the modules `preloaded`, once for all of them.
    """
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(preloaded))
    _start_fork_server()
    return context


def _start_fork_server() -> None:
    """Start the server that forks processes, unless it runs, such that it finds this lumimod.

    It looks for what is preloaded where Python looks by default: a checkout that is not installed
    would not be found, and where another one is installed, that one would run in the processes.
    """
    ours = {"PYTHONPATH": str(Path(__file__).resolve().parents[1]), "PYTHONSAFEPATH": "1"}
    before = {name: os.environ.get(name) for name in ours}
    if before["PYTHONPATH"]:
        ours["PYTHONPATH"] += os.pathsep + before["PYTHONPATH"]
    os.environ.update(ours)
    try:
        forkserver.ensure_running()
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def wait_for_fork_server() -> None:
    """Return when processes can be started again, after the server that forks them has died.

    For a moment it is dead without the system saying so: then connections are refused.
    """
    for _ in range(_N_ATTEMPTS):
        try:
            process: Any = process_context().Process()  # type: ignore[attr-defined]
            process.start()
            process.join()
            return
        except (OSError, EOFError):
            time.sleep(_PAUSE_S)


def end_with_parent() -> None:
    """Let this process end as soon as the one that started it is gone, however that ended.

    Without it the processes of a run that was killed would wait for more work for ever.
    """
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_after, args=(parent.sentinel,), daemon=True).start()


def _end_after(sentinel: int) -> None:
    multiprocessing.connection.wait([sentinel])
    os._exit(1)  # nobody is left to tell


def hold_freed_memory() -> None:
    """Let the C library keep some freed memory, in place of giving it back at once.

    Arrays of some MB come and go thousands of times, and the system clears the pages of each: up to
    a tenth of the CPU time. glibc raises its limits (mallopt(3), M_MMAP_THRESHOLD) to the largest
    array that was freed, and keeps twice that; other libraries do nothing here.
    """
    np.empty(_HELD_BYTES, np.uint8)  # freed at once


def _begin_process(set_up: Callable[[], object] | None) -> None:
    end_with_parent()
    hold_freed_memory()
    if set_up is not None:
        set_up()
