"""A pool for the session, and places on it: data, config.py and the driver, run as its user.

Each process of `pytest --jobs` has a pool of its own; what they need is unpacked by the first.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable

import pytest

from lumimod.records import diary
from lumimod.simulate import simulate_fills
from tests.condor import pool as pools
from tests.condor.pool import NoPoolError, Pool
from tests.conftest import TINY

FILLS = (5845, 5846, 5847, 5848, 5849)
PATIENCE_S = 120.0


@dataclass(frozen=True)
class Grounds:
    """What all tests on the pool share: the pool, its Python, a copy of the program."""

    pool: Pool
    root: Path
    python: Path
    program: Path
    data: Path


@pytest.fixture(scope="session")
def grounds() -> Iterator[Grounds]:
    """Bring a pool up, or take the one of `make pool-up`; skip where that cannot be."""
    root = Path(tempfile.mkdtemp(prefix="lumimod-tests-"))
    root.chmod(0o755)
    mask = os.umask(0o022)
    shared = pools.default_pool()
    pool = shared if shared.runs else Pool(root / "pool")
    try:
        try:
            pool.up()
            python = pools.interpreter()
        except NoPoolError as exc:
            pytest.skip(f"no HTCondor pool: {exc}")
        program = pools.copy_package(root) / "lumimod.py"
        data = root / "data"
        simulate_fills(data, list(FILLS), TINY, seed=3)
        data.chmod(0o755)
        yield Grounds(pool, root, python, program, data)
    finally:
        if pool is not shared:
            pool.down()
        os.umask(mask)
        shutil.rmtree(root, ignore_errors=True)


class Place:
    """A folder of the pool's user, with data of five fills and config.py."""

    def __init__(self, grounds: Grounds, root: Path) -> None:
        self.grounds = grounds
        self.pool = grounds.pool
        self.root = root
        self.config = root / "config.py"
        self.results = root / "SB_analysis"

    def configure(self, text: str = "", **names: Any) -> None:
        """Write config.py: names, then any text."""
        settings = {
            "input_folder": f"{self.root}/",
            "working_folder": f"{self.root}/",
            "doSBModel": True,
            **names,
        }
        lines = "".join(f"{k} = {v!r}\n" for k, v in settings.items())
        self.config.write_text(lines + text)
        pools.give(self.config)

    def run(self, *options: object, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run the driver as the pool's user."""
        command = [str(self.grounds.python), str(self.grounds.program), *map(str, options)]
        return self.pool.run(command, cwd=self.root, check=check)

    def submit(self, *options: object) -> Path:
        """Submit; return the job folder."""
        done = self.run("--submit", *options)
        found = re.search(r"^cluster \d+: .*, in (.*)$", done.stdout, re.M)
        assert found, done.stdout + done.stderr
        return Path(found[1])

    def status(self, folder: Path) -> str:
        """Return what --status prints of a job folder."""
        return self.run("--status", folder, check=False).stdout

    def await_status(self, folder: Path, *pieces: str) -> str:
        """Wait until --status holds these pieces."""
        return eventually(lambda: self.status(folder), *pieces)

    def wait(self, folder: Path) -> subprocess.CompletedProcess[str]:
        """Wait for the jobs by the driver's own --wait; return what it said and how it ended."""
        return self.run("--status", folder, "--wait", check=False)

    def contents(self, *fills: int) -> dict[str, bytes]:
        """Return name and bytes of all files of fills, temporary ones included.

        The diaries, which hold what differs between equal runs, are left out.
        """
        folders = [self.results / f"fill_{fill}" for fill in fills or FILLS]
        files = (p for f in folders for p in f.rglob("*") if p.is_file() and p.name != diary.NAME)
        return {p.name: p.read_bytes() for p in files}


def eventually(look: Callable[[], str], *pieces: str) -> str:
    """Look until all pieces are there."""
    limit = time.monotonic() + PATIENCE_S
    while True:
        text = look()
        if all(piece in text for piece in pieces):
            return text
        assert time.monotonic() < limit, f"not all of {pieces} in:\n{text}"
        time.sleep(0.3)


def job_processes(folder: Path) -> list[int]:
    """Return the drivers that run for a job folder on this machine."""
    mark = f"LUMIMOD_JOB={folder.name}".encode()
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            environment = (process / "environ").read_bytes().split(b"\0")
            command = (process / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if mark in environment and any(word.endswith(b"lumimod.py") for word in command):
            found.append(int(process.name))
    return found


@pytest.fixture
def place(grounds: Grounds) -> Iterator[Place]:
    """Return a place of its own, with no results."""
    root = Path(tempfile.mkdtemp(prefix="place-", dir=grounds.root))
    yield from _place_in(grounds, root)


@pytest.fixture
def odd_place(grounds: Grounds) -> Iterator[Place]:
    """Return a place whose path holds everything that shells and HTCondor give a meaning."""
    root = Path(tempfile.mkdtemp(prefix="a b'c\"d $(e) \u00e9 %f #g;h&", dir=grounds.root))
    yield from _place_in(grounds, root)


def _place_in(grounds: Grounds, root: Path) -> Iterator[Place]:
    root.chmod(0o755)
    shutil.copytree(grounds.data, root / "data", ignore=shutil.ignore_patterns("truth"))
    pools.give_all(root)
    place = Place(grounds, root)
    place.configure()
    yield place
    for folder in root.glob("lumimod_JOB_*"):
        submissions = json.loads((folder / "job.json").read_text())["submissions"]
        for cluster in filter(None, (s["cluster"] for s in submissions)):
            grounds.pool.call("condor_rm", str(cluster), check=False)


@pytest.fixture(scope="session")
def local_results(grounds: Grounds) -> Mapping[str, bytes]:
    """Return name and bytes of the results of all five fills, run on this machine."""
    root = Path(tempfile.mkdtemp(prefix="local-", dir=grounds.root))
    root.chmod(0o755)
    place = Place(grounds, root)
    pools.give(root)
    place.configure(input_folder=f"{grounds.root}/")
    place.run()
    return place.contents()
