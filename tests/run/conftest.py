"""Two tiny simulated fills, a place to run the driver on them, and what came of it."""

from __future__ import annotations

import json
import os
import pickle
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Callable

import pytest

from lumimod.cli import main
from lumimod.config.settings import Config, load_config
from lumimod.paths import FillPaths
from lumimod.readers.unpickle import load_pickle
from lumimod.records import diary, store
from lumimod.run.states import STATUS_FILE
from lumimod.simulate import simulate_fills
from lumimod.steps.registry import STEPS
from tests import forks
from tests.conftest import TINY, Tree

PROGRAM = forks.PROGRAM
FILL, OTHER = 5845, 5848


@dataclass(frozen=True)
class Outcome:
    """How a run of the driver ended."""

    status: int
    out: str
    err: str

    def lines(self, *pieces: str) -> list[str]:
        """Return the log lines that hold all of these."""
        return [line for line in self.err.splitlines() if all(p in line for p in pieces)]

    def rows(self) -> dict[int, list[str]]:
        """Return the columns of each fill in the table that was printed."""
        rows = (line.replace("to do", "to-do").split() for line in self.out.splitlines())
        return {int(row[0]): row[1:] for row in rows if row and row[0].isdigit() and len(row) > 3}


@cache
def _config(path: Path, _: bytes) -> Config:
    """Return what a config.py of these contents says."""
    return load_config(path)


class Site:
    """A folder with data, config.py and results, and the driver run on them."""

    def __init__(self, root: Path, source: Path, capture: Callable[[], tuple[str, str]]) -> None:
        self.root = root
        self._source = source
        self.data = root / "data"
        self.results = root / "SB_analysis"
        self.config = root / "config.py"
        self._capture = capture

    def configure(self, **names: Any) -> None:
        """Write config.py; every path in it is below this folder."""
        settings = {
            "input_folder": f"{self.root}/",
            "working_folder": f"{self.root}/",
            "doSBModel": True,
            **names,
        }
        self.config.write_text("".join(f"{k} = {v!r}\n" for k, v in settings.items()))

    def run(self, *options: object) -> Outcome:
        """Run the driver in this process, with this folder's config.py."""
        return self.call("--config", self.config, *options)

    def call(self, *options: object) -> Outcome:
        """Run the driver in this process with these options alone."""
        self._capture()
        try:
            status: Any = main([str(option) for option in options])
        except SystemExit as exc:  # argparse
            status = exc.code
        return Outcome(status, *self._capture())

    def command(self, *options: object, cwd: Path | None = None) -> Outcome:
        """Run the real command in a process of its own."""
        done = forks.run(*options, cwd=cwd or self.root)
        return Outcome(done.returncode, done.stdout, done.stderr)

    # --- what is there

    @property
    def cfg(self) -> Config:
        """What config.py says."""
        return _config(self.config, self.config.read_bytes())

    def paths(self, fill: int = FILL) -> FillPaths:
        """Return every file name of a fill."""
        return FillPaths(self.cfg, fill)

    def written(self, step: str, fill: int = FILL) -> list[Path]:
        """Return the files that a step makes."""
        return list(STEPS[step].expected(self.paths(fill)))

    def made(self, fill: int = FILL) -> list[str]:
        """Return the steps whose results are all there."""
        return [step for step in STEPS if all(p.exists() for p in self.written(step, fill))]

    def remove(self, *steps: str, fill: int = FILL) -> None:
        """Remove the results of steps."""
        for step in steps:
            for path in self.written(step, fill):
                path.unlink()

    def contents(self, fill: int | None = None) -> dict[str, bytes]:
        """Return name and bytes of every result, of all fills or one, unfinished ones included.

        The diaries and status.json, which hold what differs between equal runs, are left out.
        """
        folder = self.results if fill is None else self.paths(fill).folder
        not_results = {diary.NAME, STATUS_FILE}
        files = (p for p in sorted(folder.rglob("*")) if p.is_file() and p.name not in not_results)
        return {p.name: p.read_bytes() for p in files}

    def leftovers(self) -> list[Path]:
        """Return temporary files."""
        return [p for p in self.root.rglob("*") if p.name.startswith(".") or p.suffix == ".tmp"]

    def archive(self, experiment: str, fill: int = FILL) -> Path:
        """Return the Massi archive of a fill."""
        return self.cfg.massi.folder(experiment, 2017) / f"{fill}.tgz"

    # --- changing what is there

    def add_logged_lumi(self, fill: int = FILL) -> None:
        """Add the luminosity of the logging service, as old as the other data."""
        path = self.paths(fill).bbb_lumi
        path.parent.mkdir(exist_ok=True)
        shutil.copy2(self._source / path.relative_to(self.data), path)

    def edit_modes(self, fill: int = FILL, **times: Any) -> None:
        """Change entries of a fill in the beam-mode file."""
        table = self.modes()
        table[fill].update(times)
        self.write_modes(table)

    def modes(self) -> dict[int, dict[str, Any]]:
        """Return the contents of the beam-mode file."""
        return pickle.loads(self.cfg.files.bmodes.read_bytes())  # noqa: S301 - made by the test

    def write_modes(self, table: Mapping[int, Any]) -> None:
        """Write the beam-mode file."""
        self.cfg.files.bmodes.write_bytes(pickle.dumps(dict(table)))


HOLD = """
import time
from pathlib import Path
from lumimod.records import store

plain = store.load

def held(path, kind):
    while path.name in Path({file!r}).read_text().split():
        time.sleep(0.05)
    return plain(path, kind)

store.load = held
"""
"""Runs at the start of each Python process: whoever loads a result that `file` names waits."""


def holding(root: Path, names: Iterable[str]) -> tuple[Path, dict[str, str]]:
    """Return a file of names, and the environment of a run that waits where it loads such a result.

    The run, and all its processes, go on once the file is empty.
    """
    file, folder = root / "held", root / "at_start"
    file.write_text(" ".join(names))
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(HOLD.format(file=str(file)))
    paths = [str(folder), str(PROGRAM.parent)]
    return file, {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}


def older(paths: Iterable[Path], seconds: float = 100.0) -> None:
    """Date files back."""
    for path in paths:
        stat = path.stat()
        os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns - int(seconds * 1e9)))


@pytest.fixture(name="older")
def _older() -> Callable[..., None]:
    """Return a function that dates files back."""
    return older


@pytest.fixture(scope="session")
def tiny_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a data folder with two fills: copy it, do not change it."""
    folder = tmp_path_factory.mktemp("tiny") / "data"
    simulate_fills(folder, [FILL, OTHER], TINY, seed=3)
    older([p for p in folder.rglob("*") if p.is_file()], 3600.0)
    return folder


@pytest.fixture(scope="session")
def tiny_results(tiny_data: Path) -> Path:
    """Return the results of both fills: copy them, do not change them."""
    site = Site(tiny_data.parent, tiny_data, lambda: ("", ""))
    site.configure()
    assert main(["--config", str(site.config)]) == 0
    # As after an hour: what a test changes is newer, on any file system.
    older([p for p in site.results.rglob("*") if p.is_file()], 1800.0)
    return site.results


@pytest.fixture(scope="session")
def data_tree(tiny_data: Path) -> Tree:
    """Return the data without logged luminosity, which would stand in for archives."""
    return Tree(tiny_data, lambda path: "lumi_data" in str(path) or "truth" in path.name)


@pytest.fixture(scope="session")
def results_tree(tiny_results: Path) -> Tree:
    """Return the results of both fills."""
    return Tree(tiny_results)


@pytest.fixture
def site(
    data_tree: Tree, tiny_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> Site:
    """Return a place with the data of fills 5845 and 5848, and no results."""
    data_tree.lay_out(tmp_path / "data")
    place = Site(tmp_path, tiny_data, lambda: tuple(capsys.readouterr()))  # type: ignore[arg-type]
    place.configure()
    return place


ReplaceRun = Callable[[str, Callable[[Any], None]], None]


@pytest.fixture
def replace_run(monkeypatch: pytest.MonkeyPatch) -> ReplaceRun:
    """Return `replace_run(step, function)`: the function runs instead of the step."""

    def replace_run(name: str, function: Callable[[Any], None]) -> None:
        monkeypatch.setitem(STEPS, name, replace(STEPS[name], run=function))

    return replace_run


@pytest.fixture
def finished(site: Site, results_tree: Tree) -> Site:
    """Return the same place with all results of both fills."""
    results_tree.lay_out(site.results)
    for path in site.results.rglob(diary.NAME):
        know_copies(path)
    return site


def know_copies(path: Path) -> None:
    """Let a diary know the results beside it, as if these were no copies: a run reads none anew."""
    known = json.loads(path.read_text())
    for name, about in known["results"].items():
        about["stamp"] = diary.stamp_of(path.parent / name)
    stat = path.stat()
    path.write_text(json.dumps(known))
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))


@pytest.fixture
def good_results(tiny_results: Path) -> Mapping[str, bytes]:
    """Return name and bytes of the results of fill 5848, undisturbed."""
    files = (tiny_results / f"fill_{OTHER}").glob("*.pkl.gz")
    return {p.name: p.read_bytes() for p in files}


@pytest.fixture(scope="session")
def undescribed_results(tiny_results: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the results as those of the original: they do not say what they were made from."""
    folder = tmp_path_factory.mktemp("undescribed") / "SB_analysis"
    shutil.copytree(tiny_results, folder)
    for path in folder.rglob("*.pkl.gz"):
        stat, data = path.stat(), load_pickle(path)
        store.save_object(path, {key: value for key, value in data.items() if key != "made"})
        os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    for path in folder.rglob(diary.NAME):
        path.unlink()
    return folder


@pytest.fixture
def undescribed(site: Site, undescribed_results: Path) -> Site:
    """Return the place with results that do not say what they were made from."""
    shutil.copytree(undescribed_results, site.results, dirs_exist_ok=True)
    return site
