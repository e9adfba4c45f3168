"""Processes of Python that need not import anything: forks of one that has imported all.

A test that runs the real command waits for its modules longer than for its work. Here one process
imports them, once for all tests, and forks itself for each call. A fork has a number, a folder, an
environment and files of its own; what `sitecustomize` of its PYTHONPATH does is done in it.
"""

from __future__ import annotations

import atexit
import gc
import json
import os
import runpy
import selectors
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, TextIO

ROOT = Path(__file__).parents[1]
PROGRAM = ROOT / "lumimod.py"
MODULES = (
    "lumimod.cli", "lumimod.run.session", "lumimod.run.processes", "lumimod.steps.registry",
    "lumimod.plots.gallery", "lumimod.records.store", "lumimod.report.site", "pandas",
    "scipy.optimize", "scipy.special", "tqdm", "isal.igzip", "multiprocessing.popen_forkserver",
)  # fmt: skip
"""What runs import; one that is missing is left to them."""
LONGEST_BYTES = 1 << 20


# --- on the side of the tests


class Fork:
    """A process, as `subprocess.Popen` would tell of it."""

    def __init__(self, pid: int, status: socket.socket, pipes: Sequence[TextIO]) -> None:
        self.pid = pid
        self._status = status
        self.stdout, self.stderr = pipes
        self.returncode: int | None = None

    def __enter__(self) -> Fork:
        return self

    def __exit__(self, *_: object) -> None:
        self.wait()
        for pipe in (self.stdout, self.stderr):
            pipe.close()

    def send_signal(self, number: int) -> None:
        """Send a signal to the process, if it has not ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """Kill the process."""
        self.send_signal(signal.SIGKILL)

    def poll(self) -> int | None:
        """Return the exit status, negative for a signal; None if the process has not ended."""
        try:
            return self.wait(0.0)
        except TimeoutError:
            return None

    def wait(self, timeout: float | None = 120.0) -> int:
        """Wait for the end and return the exit status.

        Raises
        ------
        TimeoutError
            It does not end within so many seconds.
        """
        if self.returncode is None:
            self._status.settimeout(timeout)
            try:
                answer = self._status.recv(100)
            except BlockingIOError as exc:
                raise TimeoutError from exc
            self._status.close()
            code, cpu_s = answer.split()
            self.returncode = int(code)
            _Used.cpu_s += float(cpu_s)
        return self.returncode

    def communicate(self, timeout: float | None = 120.0) -> tuple[str, str]:
        """Return all that is still written to standard output and error, until the end."""
        found = ["", ""]

        def read(index: int, pipe: TextIO) -> None:
            found[index] = pipe.read()

        pipes = enumerate((self.stdout, self.stderr))
        readers = [threading.Thread(target=read, args=of, daemon=True) for of in pipes]
        for reader in readers:
            reader.start()
        self.wait(timeout)
        for reader in readers:
            reader.join(timeout)
        return found[0], found[1]


class _Used:
    """CPU time of the forks that have ended [s]."""

    cpu_s = 0.0


class _Server(NamedTuple):
    requests: socket.socket
    process: subprocess.Popen[bytes]
    owner: int
    """The process that started it, which waits for its end."""


def cpu_s() -> float:
    """Return the CPU time of all forks that were waited for [s]."""
    return _Used.cpu_s


def start(
    *arguments: object,
    code: str | None = None,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    own_session: bool = False,
    files: tuple[int, int, int] | None = None,
) -> Fork:
    """Start the command with these arguments, or code that finds them in sys.argv.

    `files` are its standard input, output and error, in place of pipes.
    """
    request = {
        "argv": [str(PROGRAM) if code is None else "-c", *map(str, arguments)],
        "code": code,
        "cwd": str(cwd or Path.cwd()),
        "env": dict(os.environ if env is None else env),
        "own_session": own_session,
    }
    ours, theirs = socket.socketpair()
    pipes: list[TextIO] = []
    given = list(files or ())
    if files is None:
        given.append(os.open(os.devnull, os.O_RDONLY))
        for _ in range(2):
            reading, writing = os.pipe()
            pipes.append(os.fdopen(reading))
            given.append(writing)
    socket.send_fds(_server().requests, [json.dumps(request).encode()], [theirs.fileno(), *given])
    pid = int(ours.recv(100))
    theirs.close()
    for one in given if files is None else ():
        os.close(one)
    return Fork(pid, ours, pipes or [open(os.devnull), open(os.devnull)])  # noqa: PTH123, SIM115


def run(*arguments: object, timeout: float = 120.0, **how: Any) -> subprocess.CompletedProcess[str]:
    """Run the command, or code, to its end; arguments as of `start`."""
    with start(*arguments, **how) as fork:
        out, err = fork.communicate(timeout)
    return subprocess.CompletedProcess(arguments, fork.wait(), out, err)


def ready() -> None:
    """Start the server before it is needed: forks of this process share it."""
    _server()


def done() -> None:
    """Let go of the server, and end it if this process has started it: no more is forked."""
    if _server.cache_info().currsize:
        server = _server()
        server.requests.close()
        if server.owner == os.getpid():
            server.process.wait()
        else:
            server.process.returncode = 0  # else Popen warns of a process that is not its own


@cache
def _server() -> _Server:
    """Start the server, once a process and its forks; it ends when all have closed the socket."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, LONGEST_BYTES)
    call = [sys.executable, __file__, str(theirs.fileno())]
    server = subprocess.Popen(call, cwd=ROOT, pass_fds=[theirs.fileno()], start_new_session=True)
    theirs.close()
    atexit.register(done)
    return _Server(ours, server, os.getpid())


# --- on the other side


def _serve(requests: socket.socket) -> dict[str, Any] | None:
    """Fork for each request; return it in the fork, and None in the server at its end."""
    waiting: dict[int, int] = {}
    woken, wake = socket.socketpair()
    for end in (woken, wake):
        end.setblocking(False)
    signal.set_wakeup_fd(wake.fileno())
    signal.signal(signal.SIGCHLD, lambda *_: None)
    with selectors.DefaultSelector() as events:
        for one in (requests, woken):
            events.register(one, selectors.EVENT_READ)
        while True:
            for key, _ in events.select():
                if key.fileobj is woken:
                    woken.recv(1000)
                    _tell_ends(waiting)
                    continue
                text, files, _, _ = socket.recv_fds(requests, LONGEST_BYTES, 4)
                if not text:
                    return None
                pid = os.fork()
                if pid == 0:
                    signal.set_wakeup_fd(-1)
                    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                    others = [one.fileno() for one in (requests, woken, wake)]
                    _take_over(files, [*others, *waiting.values()])
                    return dict(json.loads(text))
                os.write(files[0], str(pid).encode())
                waiting[pid] = files[0]
                for one in files[1:]:
                    os.close(one)


def _tell_ends(waiting: dict[int, int]) -> None:
    """Tell who waits for processes that have ended how they did, and what CPU time they took."""
    while waiting:
        pid, status, used = os.wait4(-1, os.WNOHANG)
        if pid == 0:
            return
        told = waiting.pop(pid)
        code, used_s = os.waitstatus_to_exitcode(status), used.ru_utime + used.ru_stime
        with suppress(BrokenPipeError):  # nobody waits any more
            os.write(told, f"{code} {used_s}".encode())
        os.close(told)


def _take_over(files: Sequence[int], others: Sequence[int]) -> None:
    """Make files the standard ones, in a new process."""
    for standard, one in enumerate(files[1:]):
        os.dup2(one, standard)
    for one in (*files, *others):
        os.close(one)


def _become(request: Mapping[str, Any]) -> None:
    """Be the process that was asked for."""
    if request["own_session"]:
        os.setsid()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["env"])
    sys.argv[:] = request["argv"]
    sys.path[:0] = [p for p in os.environ.get("PYTHONPATH", "").split(os.pathsep) if p]
    for folder in map(Path, sys.path[:2]):
        if (folder / "sitecustomize.py").is_file():
            runpy.run_path(str(folder / "sitecustomize.py"))
    if request["code"] is None:
        sys.path.insert(0, str(ROOT))
        runpy.run_path(str(PROGRAM), run_name="__main__")
    else:
        exec(compile(request["code"], "<string>", "exec"), {"__name__": "__main__"})  # noqa: S102


def _import_all() -> None:
    sys.path[0] = str(ROOT)
    for name in MODULES:
        try:
            __import__(name)
        except ImportError:
            continue


class _End:
    """How a fork ends."""

    status: int | None = None


def _leave() -> None:
    """End without taking all modules apart, which would cost more than most commands do."""
    if _End.status is None:
        return
    with suppress(OSError):  # else Python tells it
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(_End.status)


def _become_and_end(request: Mapping[str, Any]) -> None:
    try:
        _become(request)
    except SystemExit as exc:
        if not isinstance(exc.code, (int, type(None))):
            raise  # a message, which Python writes
        _End.status = exc.code or 0
    else:
        _End.status = 0
    sys.exit(_End.status)


if __name__ == "__main__":
    atexit.register(_leave)  # before all others, so that it comes after them
    _import_all()
    gc.collect()
    gc.freeze()
    found = _serve(socket.socket(fileno=int(sys.argv[1])))
    if found is not None:
        _become_and_end(found)
