"""Which run is at which fill, so that two runs at once do not do the same work.

A claim is a small file for each fill, made before a run begins and removed when it has ended. It
only saves work: results are right without it, since every file is replaced as a whole. So no
lock of the file system is trusted, and what a dead run left behind blocks nobody: a claim counts
as long as its process lives (on this machine), or as long as it is renewed (on another).
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import secrets
import socket
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

log = logging.getLogger(__name__)

FOLDER = ".running"
JOB_VARIABLE = "LUMIMOD_JOB"
"""Environment variable that names the job folder of a job on HTCondor."""
RENEW_S = 60.0
DEAD_AFTER_S = 600.0
"""Age at which a claim of another machine that is not renewed counts for nothing."""
_UNFINISHED_S = 30.0
"""Age until which a claim that cannot be read may be one that is being written."""


@dataclass(frozen=True)
class Owner:
    """A run: its process and, on HTCondor, its job folder."""

    host: str
    boot: str
    """Of the machine: process numbers begin anew with it."""
    space: str
    """Of process numbers: a container has its own."""
    pid: int
    started: str
    """Of the process, as the system counts it: process numbers are used again."""
    since: float
    job: str
    token: str
    """Of this run alone."""

    @classmethod
    def of_this_process(cls) -> Owner:
        """Return this process as an owner."""
        return cls(
            socket.gethostname(), _boot(), _space(), os.getpid(), _process_start(os.getpid()) or "",
            time.time(), os.environ.get(JOB_VARIABLE, ""), secrets.token_hex(8),
        )  # fmt: skip

    def __str__(self) -> str:
        where = f" of {self.job}" if self.job else ""
        when = time.strftime("%d %b %H:%M", time.localtime(self.since))
        return f"process {self.pid}{where} on {self.host}, since {when}"


class Claims:
    """The fills that a run has for itself. Use as a context manager: it gives them back."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / FOLDER
        self._owner = Owner.of_this_process()
        self._held: set[int] = set()
        self._ended = threading.Event()
        self._renewal: threading.Thread | None = None

    def take(self, fills: Iterable[int]) -> tuple[Mapping[int, Owner | None], frozenset[int]]:
        """Claim fills; return those that another run has, with whose they are, and those left.

        Where claims cannot be written no fill is refused: the results, which lie beside them,
        will say why. The second value holds the fills that a dead run left behind.
        """
        refused: dict[int, Owner | None] = {}
        left: set[int] = set()
        for fill in fills:
            try:
                other = self._take(fill, left)
            except OSError as exc:
                log.debug("no claim on fill %d: %s", fill, exc)
                continue
            if other is not None:
                refused[fill] = other.owner
        if self._held and self._renewal is None:
            self._renewal = threading.Thread(target=self._renew, daemon=True)
            self._renewal.start()
        return refused, frozenset(left)

    def give_back(self, fill: int) -> None:
        """Let others run a fill."""
        if fill in self._held:
            self._held.discard(fill)
            path = self._path(fill)
            with contextlib.suppress(OSError):
                found = _read(path)
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

    def _take(self, fill: int, left: set[int]) -> _Claim | None:
        """Claim a fill; return the claim that stands against it, if there is one."""
        path = self._path(fill)
        for _ in range(5):  # others may take, give back and clear away meanwhile
            if self._write(path):
                found = _read(path)
                # Where two could make the same file the last one has it.
                if found is not None and found.owner == self._owner:
                    self._held.add(fill)
                    return None
            found = _read(path)
            if found is None:
                continue
            if self._counts(found):
                return found
            left.add(fill)
            self._clear(path, found)
        return None

    def _write(self, path: Path) -> bool:
        """Make a claim as a whole; return whether there was none before."""
        self._folder.mkdir(exist_ok=True)
        temporary = path.with_name(f".{path.name}.{self._owner.token}.tmp")
        temporary.write_text(json.dumps(asdict(self._owner)))
        try:
            os.link(temporary, path)
        except FileExistsError:
            return False
        except OSError:  # a file system without links
            return _write_new(path, temporary.read_text())
        finally:
            temporary.unlink()
        return True

    def _counts(self, claim: _Claim) -> bool:
        owner = claim.owner
        if owner is None:
            return self._age_s(claim) < _UNFINISHED_S
        if owner.job and owner.job == self._owner.job:
            return False  # an earlier life of this job: HTCondor runs each fill of it once
        if owner.host == self._owner.host and owner.boot != self._owner.boot:
            return False
        if (owner.host, owner.space) == (self._owner.host, self._owner.space):
            return _process_start(owner.pid) == owner.started
        return self._age_s(claim) < DEAD_AFTER_S

    def _age_s(self, claim: _Claim) -> float:
        """Return the age by the clock of the file system, which may be another machine's."""
        probe = self._folder / f".clock.{self._owner.token}.tmp"
        probe.touch()
        try:
            return probe.stat().st_mtime - claim.modified
        finally:
            probe.unlink()

    def _clear(self, path: Path, dead: _Claim) -> None:
        """Remove a claim of a dead run, but not one that another put in its place meanwhile."""
        aside = path.with_name(f".{path.name}.{self._owner.token}.dead")
        try:
            path.rename(aside)
        except FileNotFoundError:
            return
        found = _read(aside)
        if found is not None and found.owner != dead.owner:
            with contextlib.suppress(OSError):
                os.link(aside, path)
        aside.unlink(missing_ok=True)

    def _renew(self) -> None:
        while not self._ended.wait(RENEW_S):
            for fill in list(self._held):
                with contextlib.suppress(OSError):
                    os.utime(self._path(fill))


@dataclass(frozen=True)
class _Claim:
    owner: Owner | None
    """None: it cannot be read."""
    modified: float


def _read(path: Path) -> _Claim | None:
    """Return a claim, None if there is none."""
    try:
        text = path.read_text()
        modified = path.stat().st_mtime
    except FileNotFoundError:
        return None
    try:
        data: Any = json.loads(text)
        return _Claim(Owner(**data), modified)
    except (ValueError, TypeError):
        return _Claim(None, modified)


def _write_new(path: Path, text: str) -> bool:
    try:
        with path.open("x") as file:
            file.write(text)
    except FileExistsError:
        return False
    return True


# --- processes


def _boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


def _space() -> str:
    try:
        return os.readlink("/proc/self/ns/pid")  # noqa: PTH115 - a link to nowhere
    except OSError:
        return ""


def _process_start(pid: int) -> str | None:
    """Return when a process of this machine was started, None if there is none."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
        return stat.rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        pass
    if Path("/proc/self/stat").exists():
        return None
    try:  # no /proc: a process with this number is taken for the same one
        os.kill(pid, 0)
    except ProcessLookupError:
        return None
    except OSError:
        return ""
    return ""


# --- what dead runs leave


def remove_leftovers(folder: Path) -> None:
    """Remove the unfinished files of a dead run from the folder of a fill that is claimed."""
    for path in _unfinished(folder):
        with contextlib.suppress(OSError):
            path.unlink()
            log.debug("removed %s, left by a run that was killed", path)


def _unfinished(folder: Path) -> Iterator[Path]:
    yield from folder.glob(".*.tmp")
    yield from folder.glob("*/.*.tmp")  # pictures
