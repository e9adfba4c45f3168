"""Threads for what libraries do, processes for Python code, and what becomes of one that dies."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lumimod import parallel
from lumimod.errors import BadInputError, LumimodError
from lumimod.parallel import Workers, available_cores, process_context

if TYPE_CHECKING:
    from tests.run.conftest import Site


def process_of(number: int) -> tuple[int, int]:
    return number, os.getpid()


def thread_of(number: int) -> tuple[int, str]:
    return number, threading.current_thread().name


def product(a: int, b: int) -> int:
    return a * b


def dies(number: int) -> int:
    if number == 2:
        os._exit(9)
    return number


def refuses(number: int) -> int:
    raise BadInputError(f"no {number}")


def test_cores_are_those_that_this_process_may_use() -> None:
    assert 1 <= available_cores() <= (os.cpu_count() or 1)


def test_cores_are_counted_where_no_affinity_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    assert available_cores() == (os.cpu_count() or 1)


@pytest.mark.parametrize(("told", "cores"), [("1", 1), ("0", None), ("many", None), ("", None)])
def test_cores_of_a_batch_slot_are_those_that_it_tells(
    monkeypatch: pytest.MonkeyPatch, told: str, cores: int | None
) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    all_cores = available_cores()
    monkeypatch.setenv("OMP_NUM_THREADS", told)
    assert available_cores() == (cores or all_cores)


@pytest.mark.slow
@pytest.mark.parametrize("n_cores", [1, 2])
def test_results_come_in_the_order_of_the_arguments(n_cores: int) -> None:
    with Workers(n_cores) as workers:
        assert workers.starmap(product, [(i, 10) for i in range(5)]) == [0, 10, 20, 30, 40]
        assert workers.threads(product, [(i, 10) for i in range(5)]) == [0, 10, 20, 30, 40]


def test_one_core_stays_in_this_process() -> None:
    with Workers(1) as workers:
        assert workers.starmap(process_of, [(1,), (2,)]) == [(1, os.getpid()), (2, os.getpid())]


def test_single_call_stays_in_this_process() -> None:
    with Workers(2) as workers:
        assert workers.starmap(process_of, [(1,)]) == [(1, os.getpid())]


def test_several_calls_run_in_processes_of_their_own() -> None:
    with Workers(2) as workers:
        pids = {pid for _, pid in workers.starmap(process_of, [(i,) for i in range(8)])}
    assert os.getpid() not in pids
    assert 1 <= len(pids) <= 2


def test_processes_are_kept_for_the_next_calls() -> None:
    with Workers(2) as workers:
        pids = {pid for _ in range(4) for _, pid in workers.starmap(process_of, [(1,), (2,), (3,)])}
    assert len(pids) <= 2


def test_threads_are_not_the_main_one() -> None:
    with Workers(2) as workers:
        names = {name for _, name in workers.threads(thread_of, [(1,), (2,)])}
    assert threading.main_thread().name not in names


def test_no_arguments_give_no_results() -> None:
    with Workers(2) as workers:
        assert workers.starmap(product, []) == []
        assert workers.threads(product, []) == []


def test_error_of_a_process_keeps_its_kind_and_message() -> None:
    with Workers(2) as workers, pytest.raises(BadInputError, match="no 1"):
        workers.starmap(refuses, [(1,), (2,)])


def test_process_that_dies_is_an_error_that_says_what_to_do() -> None:
    with Workers(2) as workers, pytest.raises(LumimodError, match=r"process died.*fewer --jobs"):
        workers.starmap(dies, [(1,), (2,), (3,)])


def test_workers_go_on_after_a_process_has_died() -> None:
    with Workers(2) as workers:
        with pytest.raises(LumimodError, match="process died"):
            workers.starmap(dies, [(1,), (2,), (3,)])
        assert workers.starmap(product, [(1, 2), (3, 4)]) == [2, 12]


def test_processes_end_with_the_workers() -> None:
    with Workers(2) as workers:
        pids = {pid for _, pid in workers.starmap(process_of, [(i,) for i in range(4)])}
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


@pytest.mark.skipif(
    "forkserver" not in multiprocessing.get_all_start_methods(), reason="processes are not forked"
)
def test_processes_have_this_lumimod_and_what_draws_wherever_they_are_started(
    tmp_path: Path,
) -> None:
    if sys.version_info >= (3, 11):  # before, Python looks where one stands first of all
        (tmp_path / "lumimod").mkdir()
        (tmp_path / "lumimod" / "__init__.py").write_text("raise RuntimeError('another one')\n")
    checkout = Path(parallel.__file__).parents[1]
    script = tmp_path / "script.py"
    script.write_text(
        "import os, sys\n"
        f"sys.path.insert(0, {str(checkout)!r})\n"
        "from lumimod.parallel import Workers\n"
        "def found(_):\n"
        "    ready = {name for name in sys.modules if name == 'matplotlib.figure'}\n"
        "    import lumimod.plots.gallery as gallery\n"
        "    return gallery.__file__, ready, os.environ.get('PYTHONPATH')\n"
        "if __name__ == '__main__':\n"
        "    with Workers(2) as workers:\n"
        "        [of, _] = workers.starmap(found, [(1,), (2,)])\n"
        "    print(*of[:2], os.environ.get('PYTHONPATH'))\n"
    )
    environment = {name: of for name, of in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [sys.executable, str(script)], cwd=tmp_path, env=environment, capture_output=True,
        text=True, check=True,
    )  # fmt: skip
    gallery = checkout / "lumimod" / "plots" / "gallery.py"
    assert done.stdout == f"{gallery} {{'matplotlib.figure'}} None\n"


def test_processes_are_never_forked() -> None:
    assert process_context().get_start_method() != "fork"


def test_processes_are_spawned_where_there_is_no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parallel.multiprocessing, "get_all_start_methods", lambda: ["spawn"])
    assert process_context().get_start_method() == "spawn"


KILLED = """
import multiprocessing, os, threading, time
from lumimod.parallel import Workers

if __name__ == "__main__":
    with Workers(2) as workers:
        workers.starmap(os.getpid, [(), ()])
        print(*[process.pid for process in multiprocessing.active_children()], flush=True)
        workers.starmap(time.sleep, [(600,), (600,)])
"""


@pytest.mark.slow
def test_processes_end_when_the_one_that_started_them_is_killed(tmp_path: Path) -> None:
    script = tmp_path / "program.py"
    script.write_text(KILLED)
    here = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    with subprocess.Popen(
        [sys.executable, str(script)], stdout=subprocess.PIPE, text=True, env=here
    ) as program:
        assert program.stdout is not None
        pids = [int(pid) for pid in program.stdout.readline().split()]
        program.kill()
    assert len(pids) == 2
    deadline = time.monotonic() + 20
    while any(is_running(pid) for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.05)
    still = [pid for pid in pids if is_running(pid)]
    for pid in still:
        os.kill(pid, signal.SIGKILL)
    assert not still


def is_running(pid: int) -> bool:
    """Return whether there is such a process; one that nobody has waited for has ended."""
    status = Path(f"/proc/{pid}/stat")
    if status.parent.parent.joinpath("self").exists():
        try:
            return status.read_text().rpartition(")")[2].split()[0] != "Z"
        except FileNotFoundError:
            return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


# --- when the server that forks processes has died


def test_a_server_that_has_died_is_an_error_that_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(_: Workers) -> None:
        raise EOFError

    with Workers(2) as workers:
        monkeypatch.setattr(Workers, "_start", refuse)
        with pytest.raises(LumimodError, match=r"process died.*fewer --jobs"):
            workers.starmap(product, [(1, 2), (3, 4)])
        monkeypatch.undo()
        assert workers.starmap(product, [(1, 2), (3, 4)]) == [2, 12]


class Server:
    """Stands in for the fork server: refuses as often as it is told."""

    def __init__(self, n_refusals: int) -> None:
        self.n_refusals = n_refusals
        self.n_started = 0

    def Process(self) -> Server:  # noqa: N802
        return self

    def start(self) -> None:
        self.n_refusals -= 1
        if self.n_refusals >= 0:
            raise ConnectionRefusedError
        self.n_started += 1

    def join(self) -> None:
        pass


@pytest.mark.parametrize(("n_refusals", "n_started", "n_pauses"), [(0, 1, 0), (3, 1, 3)])
def test_a_server_is_waited_for_until_a_process_starts(
    monkeypatch: pytest.MonkeyPatch, n_refusals: int, n_started: int, n_pauses: int
) -> None:
    server, pauses = Server(n_refusals), []
    monkeypatch.setattr(parallel, "process_context", lambda *_: server)
    monkeypatch.setattr(parallel.time, "sleep", pauses.append)
    parallel.wait_for_fork_server()
    assert (server.n_started, len(pauses)) == (n_started, n_pauses)


def test_a_server_that_never_comes_back_is_not_waited_for_without_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server, pauses = Server(1000), []
    monkeypatch.setattr(parallel, "process_context", lambda *_: server)
    monkeypatch.setattr(parallel.time, "sleep", pauses.append)
    parallel.wait_for_fork_server()
    assert server.n_started == 0
    assert 1 < sum(pauses) < 10  # s


# --- the end of the process that started others


def test_a_process_that_nobody_started_waits_for_nobody() -> None:
    before = threading.active_count()
    parallel.end_with_parent()
    assert threading.active_count() == before


def test_a_process_ends_with_status_1_when_its_parent_is_gone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    statuses: list[int] = []
    monkeypatch.setattr(parallel.os, "_exit", statuses.append)
    reading, writing = os.pipe()
    waiting = threading.Thread(target=parallel._end_after, args=(reading,))
    waiting.start()
    assert statuses == []
    os.close(writing)
    waiting.join(timeout=20)
    os.close(reading)
    assert statuses == [1]


@pytest.mark.slow
def test_messages_of_processes_name_the_config_as_well(site: Site) -> None:
    for fill in (5845, 5848):
        site.paths(fill).basic_data.unlink()
    outcome = site.command("--config", site.config, "--jobs", 2)
    for fill in (5845, 5848):
        assert outcome.lines("ERROR", f"getData.py --fill {fill} --config {site.config}")
