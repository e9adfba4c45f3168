"""Claims: which run works on which fill, so that two runs at once share the fills.

What they save: without claims a second run repeats what the first is doing. Of three runs over 12
fills, each started in the middle of the one before, the later two repeated 6 to 14 fills. On one
core, an hourly cron job with 3 h of work would end after 11 h, with 11 runs side by side.

What they do not guard: results are right without claims, since every file is replaced as a whole.
So claims need no guarantee, and where the file system fails them a fill is merely run twice.

How: a claim is a file `.running/fill_N.json` that names its run. It is created only where there is
none (O_EXCL, which AFS, EOS and NFS 3 keep too), renewed every minute while the run goes on, and
removed after the fill. A claim of a run that died blocks nobody for long: on the same machine it
counts until the process is gone, on another until it has not been renewed for 10 minutes.

Why not a library: locks of the system (flock, lockf) cannot be relied on between machines on AFS
and EOS. Of locks by files, filelock breaks those of dead runs only in versions for Python 3.11 and
later; flufl.lock needs hard links, does not renew its locks by itself, and knows neither containers
nor a job that HTCondor starts again.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import socket
import stat
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from lumimod.atomic import remove_abandoned

log = logging.getLogger(__name__)

CLAIMS_FOLDER = ".running"
JOB_VARIABLE = "LUMIMOD_JOB"
"""Environment variable in which a job on HTCondor finds the name of its job folder."""
RENEW_S = 60.0
DEAD_AFTER_S = 600.0
"""Age of the last renewal after which a claim no longer counts."""
_LONGEST_BYTES = 10_000
_PID_LIMIT = 2**31
_SINCE_LIMIT_S = 4_102_444_800.0  # 2100


@dataclass(frozen=True)
class Owner:
    """The run that holds a claim."""

    host: str
    namespace: str
    """Of process numbers: a container has its own."""
    pid: int
    since: float
    """When the run began, Unix seconds."""
    job: str
    """Name of the job folder, on HTCondor."""

    @classmethod
    def of_this_process(cls) -> Owner:
        """Return this process as an owner."""
        job = os.environ.get(JOB_VARIABLE, "")
        return cls(socket.gethostname(), _namespace(), os.getpid(), time.time(), job)

    def __str__(self) -> str:
        where = f" of {self.job}" if self.job else ""
        when = time.strftime("%d %b %H:%M", time.localtime(self.since))
        return f"process {self.pid}{where} on {self.host}, since {when}"


class Claims:
    """The fills that a run has claimed. Use as a context manager: it gives them back."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / CLAIMS_FOLDER
        self._owner = Owner.of_this_process()
        self._held: set[int] = set()
        self._ended = threading.Event()
        self._renewal: threading.Thread | None = None

    def take(self, fills: Iterable[int]) -> tuple[Mapping[int, Owner | None], frozenset[int]]:
        """Claim fills; return those that another run holds, and those that a dead run held.

        The first value has the other run, None if its claim cannot be read. Fills of the second
        are now held by this run. Where claims cannot be written no fill is refused: the results
        lie beside them, and writing these will say why.
        """
        refused: dict[int, Owner | None] = {}
        abandoned: set[int] = set()
        for fill in fills:
            try:
                other = self._take(fill, abandoned)
            except OSError as exc:
                log.debug("no claim on fill %d: %s", fill, exc)
                continue
            if other is not None:
                refused[fill] = other.owner
        with contextlib.suppress(OSError):
            remove_abandoned(self._folder, "fill_*.json")  # a run that lives renews its claims
            remove_abandoned(self._folder)
        if self._held and self._renewal is None:
            self._renewal = threading.Thread(target=self._renew, daemon=True)
            self._renewal.start()
        return refused, frozenset(abandoned)

    def of_dead_runs(self) -> frozenset[int]:
        """Return the fills of claims that no longer count."""
        fills = set()
        with contextlib.suppress(OSError):
            for path in self._folder.glob("fill_*.json"):
                number, claim = path.stem.rpartition("_")[2], _read_claim(path)
                if number.isdecimal() and claim is not None and not self._counts(claim):
                    fills.add(int(number))
        return frozenset(fills)

    def give_back(self, fill: int) -> None:
        """Let other runs have a fill."""
        if fill in self._held:
            self._held.discard(fill)
            path = self._path(fill)
            with contextlib.suppress(OSError):
                found = _read_claim(path)
                if found is not None and found.owner == self._owner:
                    path.unlink()

    def __enter__(self) -> Claims:
        return self

    def __exit__(self, *exc: object) -> None:
        self._ended.set()
        for fill in list(self._held):
            self.give_back(fill)
        with contextlib.suppress(OSError):
            self._folder.rmdir()  # if it is empty

    # --- one claim

    def _path(self, fill: int) -> Path:
        return self._folder / f"fill_{fill}.json"

    def _take(self, fill: int, abandoned: set[int]) -> _Claim | None:
        """Claim a fill; return the claim of another run if that counts."""
        path = self._path(fill)
        for _ in range(5):  # other runs may come and go meanwhile
            if self._create(path):
                self._held.add(fill)
                return None
            found = _read_claim(path)
            if found is None:
                continue
            if self._counts(found):
                return found
            abandoned.add(fill)
            path.unlink(missing_ok=True)
        return None

    def _create(self, path: Path) -> bool:
        """Write a claim; return whether there was none before."""
        self._folder.mkdir(exist_ok=True)
        try:
            with path.open("x") as file:
                file.write(json.dumps(asdict(self._owner)))
        except FileExistsError:
            return False
        except OSError:
            path.unlink(missing_ok=True)  # half of it, if anything
            raise
        return True

    def _counts(self, claim: _Claim) -> bool:
        other, own = claim.owner, self._owner
        if other is not None:
            if other.job and other.job == own.job:
                return False  # this job before HTCondor started it again
            same_machine = (other.host, other.namespace) == (own.host, own.namespace)
            if same_machine and not _is_alive(other.pid):
                return False
        return abs(time.time() - claim.renewed) < DEAD_AFTER_S

    def _renew(self) -> None:
        while not self._ended.wait(RENEW_S):
            for fill in list(self._held):
                with contextlib.suppress(OSError):
                    os.utime(self._path(fill))


@dataclass(frozen=True)
class _Claim:
    owner: Owner | None
    """None: the claim cannot be read; it may be that it is being written."""
    renewed: float


def _read_claim(path: Path) -> _Claim | None:
    """Return a claim, None if there is none; what is in the file may be anything."""
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            return _Claim(None, status.st_mtime)
        with path.open("rb") as file:
            text = file.read(_LONGEST_BYTES)
    except FileNotFoundError:
        return None
    return _Claim(_owner(text), status.st_mtime)


def _owner(text: bytes) -> Owner | None:
    """Return the owner that a claim names, None if it names none that can be."""
    try:
        owner = Owner(**json.loads(text))
        is_owner = (
            all(isinstance(name, str) for name in (owner.host, owner.namespace, owner.job))
            and type(owner.pid) is int
            and 0 < owner.pid < _PID_LIMIT
            and 0 <= float(owner.since) < _SINCE_LIMIT_S
        )
    except (ValueError, TypeError, OverflowError, RecursionError):
        return None
    return owner if is_owner else None


def _namespace() -> str:
    try:
        return os.readlink("/proc/self/ns/pid")  # noqa: PTH115 - a link to nowhere
    except OSError:
        return ""


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:  # someone else's
        return True
    return True


# --- what dead runs leave


def remove_leftovers(folder: Path) -> None:
    """Remove unfinished files of a dead run from the folder of a fill that this run has claimed."""
    for path in [*folder.glob(".*.tmp"), *folder.glob("*/.*.tmp")]:  # results, pictures
        with contextlib.suppress(OSError):
            path.unlink()
            log.debug("removed %s, left by a run that was killed", path)
