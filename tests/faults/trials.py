"""Trials: a run that is disturbed once, and what the next one makes of it.

Each takes a random generator with a fixed seed, so that a trial that fails can be made again.
"""

from __future__ import annotations

import gzip
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable

import lumimod
from lumimod.errors import BadInputError, LumimodError, MissingStepError
from lumimod.parallel import process_context
from lumimod.records import store
from lumimod.records.checks import kind_of
from lumimod.simulate import simulate_fills
from tests.conftest import TINY

FILLS = (5845, 5848)
LONGEST_S = 60.0
"""A run that takes longer is taken for hung; one of these fills takes a second."""
_FILE_CALLS = ("open", "os.rename", "os.remove", "os.mkdir", "os.link", "os.scandir", "os.utime")


@dataclass
class Count:
    """What became of the trials of one kind."""

    tried: int = 0
    lost: int = 0
    """After the next run a result is missing or an unfinished file is there."""
    wrong: int = 0
    """A result is there that differs, and nothing says so."""
    hung: int = 0

    def add(self, outcome: str) -> None:
        """Count the outcome of a trial: the name of a field, nothing if all is well."""
        self.tried += 1
        if outcome:
            setattr(self, outcome, getattr(self, outcome) + 1)

    @property
    def is_clean(self) -> bool:
        """Whether nothing was lost, wrong or hung."""
        return not (self.lost or self.wrong or self.hung)


@dataclass(frozen=True)
class Bench:
    """Data of two fills, and the results of a run that nothing disturbs."""

    data: Path
    good: Mapping[str, bytes]
    seconds: float
    """What that run took."""

    @classmethod
    def make(cls, folder: Path) -> Bench:
        """Simulate the fills and analyse them."""
        simulate_fills(folder / "data", list(FILLS), TINY, seed=3)
        for path in (folder / "data").rglob("*"):
            os.utime(path, (time.time() - 3600, time.time() - 3600))
        bench = cls(folder / "data", {}, 0.0)
        place = bench.place(folder / "good")
        if bench.drive(place) != 0:  # and the modules are loaded in the process that forks
            raise RuntimeError((place / "log").read_text())
        started = time.perf_counter()
        bench.drive(place, "--force", "all")
        return cls(bench.data, results(place), time.perf_counter() - started)

    def place(self, folder: Path) -> Path:
        """Make a folder for results, with a config.py."""
        folder.mkdir(parents=True, exist_ok=True)
        settings = {
            "data_folder": f"{self.data}/",
            "working_folder": f"{folder}/",
            "doSBModel": True,
            "savePandas": True,
        }
        text = "".join(f"{name} = {value!r}\n" for name, value in settings.items())
        (folder / "config.py").write_text(text)
        return folder

    def fill(self, place: Path) -> None:
        """Put the good results there."""
        for name, content in self.good.items():
            path = place / "SB_analysis" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)

    def drive(self, place: Path, *options: str) -> int | None:
        """Run the driver to its end; return its exit status, None if it hangs."""
        process = start(place, options)
        process.join(LONGEST_S)
        if process.exitcode is None:
            process.kill()
            process.join()
            return None
        return process.exitcode

    def judge(self, place: Path) -> str:
        """Run the driver again; return what is amiss then: a field of `Count`, or nothing."""
        status = self.drive(place)
        if status is None:
            return "hung"
        found = results(place)
        if status != 0 or found.keys() != self.good.keys() or leftovers(place):
            return "lost"
        return "wrong" if found != self.good else ""


def results(place: Path) -> dict[str, bytes]:
    """Return name and bytes of every finished result."""
    folder = place / "SB_analysis"
    found = (path for path in folder.glob("fill_*/*.pkl.gz") if not path.name.startswith("."))
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(found)}


def leftovers(place: Path) -> list[Path]:
    """Return unfinished files beside the results."""
    return [*(place / "SB_analysis").glob("fill_*/.*.tmp")]


def start(place: Path, options: Sequence[str] = (), die_at: int = 0) -> Any:
    """Start the driver in a process of its own; with `die_at` it ends at that file call."""
    process: Any = process_context().Process(target=_drive, args=(place, options, die_at))  # type: ignore[attr-defined]
    process.start()
    return process


def _drive(place: Path, options: Sequence[str], die_at: int) -> None:
    with (place / "log").open("a") as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
    from lumimod.cli import main

    if die_at:
        sys.addaudithook(_dying_at(die_at, str(place / "SB_analysis")))
    sys.exit(main(["--config", str(place / "config.py"), *options]))


def _dying_at(number: int, below: str) -> Callable[[str, tuple[Any, ...]], None]:
    """Return an audit hook that kills this process at a file call below a folder."""
    n_calls = 0

    def hook(event: str, args: tuple[Any, ...]) -> None:
        nonlocal n_calls
        if event in _FILE_CALLS and str(args[0]).startswith(below):
            n_calls += 1
            if n_calls == number:
                os.kill(os.getpid(), signal.SIGKILL)

    return hook


# --- the trials


def kill_at_random(bench: Bench, place: Path, rng: random.Random) -> str:
    """Kill a run at any moment: of a folder without results, or one where all is made again."""
    options = _first_run(bench, place, rng)
    process = start(place, options)
    process.join(rng.uniform(0.0, bench.seconds))
    process.kill()
    process.join()
    return bench.judge(place)


def kill_at_a_file_call(bench: Bench, place: Path, rng: random.Random) -> str:
    """Kill a run as it opens, renames or removes a file."""
    options = _first_run(bench, place, rng)
    process = start(place, options, die_at=rng.randint(1, 250))
    process.join(LONGEST_S)
    if process.exitcode is None:
        process.kill()
        return "hung"
    return bench.judge(place)


def _first_run(bench: Bench, place: Path, rng: random.Random) -> list[str]:
    if rng.random() < 0.5:
        return []
    bench.fill(place)
    return ["--force", "all"]


def runs_at_once(bench: Bench, place: Path, rng: random.Random, n_runs: int = 2) -> str:
    """Start runs of the same fills within a second."""
    options = _first_run(bench, place, rng)
    processes = []
    for _ in range(n_runs):
        processes.append(start(place, options))
        time.sleep(rng.uniform(0.0, bench.seconds / n_runs))
    for process in processes:
        process.join(LONGEST_S * n_runs)
        if process.exitcode is None:
            process.kill()
            return "hung"
    return bench.judge(place)


def eight_runs_at_once(bench: Bench, place: Path, rng: random.Random) -> str:
    """Start eight runs of the same fills."""
    return runs_at_once(bench, place, rng, 8)


def full_disk(bench: Bench, place: Path, rng: random.Random) -> str:
    """Run on a disk that is too small, then make it larger."""
    needed = sum(len(content) for content in bench.good.values())
    folder = place / "SB_analysis"
    folder.mkdir()
    with small_disk(folder, rng.randint(needed // 50, needed)):
        if bench.drive(place) is None:
            return "hung"
        said = "cannot be written" in (place / "log").read_text()
        if not said and results(place) != bench.good:
            return "wrong"
        mount("-o", "remount,size=50m", str(folder))
        return bench.judge(place)


@contextmanager
def small_disk(folder: Path, n_bytes: int) -> Iterator[None]:
    """Mount a file system of so many bytes.

    Raises
    ------
    PermissionError
        That is not allowed here.
    """
    if not mount("-t", "tmpfs", "-o", f"size={n_bytes}", "tmpfs", str(folder)):
        raise PermissionError("needs the right to mount a file system")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)  # noqa: S603, S607


def mount(*arguments: str) -> bool:
    """Call mount; return whether that went well."""
    try:
        done = subprocess.run(["mount", *arguments], capture_output=True, check=False)  # noqa: S603, S607
    except FileNotFoundError:
        return False
    return done.returncode == 0


def flip_a_bit(bench: Bench, place: Path, rng: random.Random) -> str:
    """Load a result with one bit changed, as steps do: an error, or the same content."""
    name = rng.choice(sorted(bench.good))
    content = bytearray(bench.good[name])
    bit = rng.randrange(8 * len(content))
    content[bit // 8] ^= 1 << bit % 8
    path = place / Path(name).name
    path.write_bytes(content)
    kind = _kind_of(bench.good[name], place)
    try:
        if kind is None:
            lumimod.load(path)
        else:
            store.load(path, kind)
    except (BadInputError, MissingStepError):
        return ""
    except LumimodError:
        return "wrong"
    finally:
        path.unlink()
    return "" if _same_content(bytes(content), bench.good[name]) else "wrong"


def _kind_of(good: bytes, place: Path) -> type[Any] | None:
    """Return the record that a result holds, None if it is a DataFrame."""
    path = place / "good.pkl.gz"
    path.write_bytes(good)
    return kind_of(lumimod.load(path))


def _same_content(one: bytes, other: bytes) -> bool:
    try:
        return gzip.decompress(one) == gzip.decompress(other)
    except (OSError, EOFError, ValueError):
        return False


Trial = Callable[[Bench, Path, random.Random], str]

TRIALS: Mapping[str, Trial] = {
    "killed at a random moment": kill_at_random,
    "killed at a file call": kill_at_a_file_call,
    "two runs at once": runs_at_once,
    "eight runs at once": eight_runs_at_once,
    "disk full": full_disk,
    "one bit of a result changed": flip_a_bit,
}
