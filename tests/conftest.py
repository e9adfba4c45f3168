"""What the tests share: the golden fill, a small simulated one, and running the steps of a fill."""

from __future__ import annotations

import gc
import os
import shutil
import sys
from collections import Counter
from collections.abc import Generator, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable

import pytest
from hypothesis import settings

from lumimod.config.settings import Config, load_config
from lumimod.errors import called_with_config
from lumimod.parallel import Workers
from lumimod.readers.bmodes import read_bmodes
from lumimod.run.fill import FillJob, run_fill
from lumimod.run.plan import Selection, begin_run, plan_fill
from lumimod.run.report import FillReport
from lumimod.simulate import FillFiles, FillSettings, simulate_fills
from lumimod.steps.context import FillContext
from tests import forks

# Else each process that the tests start would compile all modules anew, which takes a second, and
# finding the tests would take twice as long. `make` does the same.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# Files of tests are kept in memory where there is room: a disk takes five times the CPU time.
IN_MEMORY, ROOM_BYTES = Path("/dev/shm"), 4 << 30  # noqa: S108
if os.access(IN_MEMORY, os.W_OK) and shutil.disk_usage(IN_MEMORY).free > ROOM_BYTES:
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(IN_MEMORY))

# In CI the same examples each time: a change is not to fail for what it did not do. Elsewhere new
# ones are tried in every run. A machine may be busy, so that no example has a time limit.
settings.register_profile("here", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.register_profile("quick", deadline=None, max_examples=20)  # make check
settings.load_profile("ci" if os.environ.get("CI") else os.environ.get("EXAMPLES", "here"))

FILL = 5845
"""Number of the golden fill, and of the simulated ones."""

GOLDEN = Path(__file__).parent / "golden"
GOLDEN_SETTINGS: Mapping[str, Any] = {
    "doSBModel": True,
    "cases": [1, 2],
    "correction_factor_1h": [1, 0.9],
    "correction_factor_2h": [1, 0.95],
    "correction_factor_1v": [1, 1.1],
    "correction_factor_2v": [1, 1.05],
    "bsrt_calibration_file": "original",
}
"""What the original was run with, where that is not the default."""

SMALL = FillSettings(
    n_colliding=12,
    n_noncolliding=2,
    hours=1.5,
    crossing_steps=((0.75, 140.0),),
    bbb_lumi=True,
)
"""The simulated fill: quick to make and to analyse."""

TINY = FillSettings(
    n_colliding=6,
    n_noncolliding=1,
    hours=0.7,
    sample_s=480.0,
    slow_s=120.0,
    energy_s=60.0,
    bsrt_period_s=120.0,
    massi_s=120.0,
    bbb_lumi=True,
)
"""A smaller one still, for runs of whole commands."""

pytest_plugins = ["tests.sharing"]

ConfigWriter = Callable[..., Path]
RESULT_LINE = "result line"
CPU = "CPU time [s]"

FAST_S = 2.0
"""CPU time of a test with all its cases [s] beyond which it is to be marked `slow`."""
NOT_FAST = f"over {FAST_S:g} s of CPU: to be made faster, or marked slow"


# --- what a process keeps


@pytest.fixture(autouse=True)
def called_as_by_default() -> Iterator[None]:
    """Forget after each test which config.py its commands named; messages repeat it."""
    yield
    called_with_config(Path("config.py"))


# --- speed


@pytest.fixture(scope="session", autouse=True)
def _no_waiting_for_the_disk() -> Iterator[None]:
    """Write without fsync, which takes 10 ms and more: no test cuts the power.

    `tests/test_atomic.py` looks at when it is called. Processes of their own call the real one.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda handle: None)
        yield


def pytest_collection_finish() -> None:
    """Look for garbage seldom, and not among what was imported: it takes a tenth of the time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


class Tree:
    """The files of a folder, kept to be laid out for many tests: a copy reads each file again."""

    def __init__(self, folder: Path, leave_out: Callable[[Path], bool] = lambda _: False) -> None:
        found = [path for path in sorted(folder.rglob("*")) if not leave_out(path)]
        self._folders = [str(p.relative_to(folder)) for p in found if p.is_dir()]
        self._files = [
            (os.fspath(p.relative_to(folder)), p.read_bytes(), p.stat())
            for p in found
            if p.is_file()
        ]

    def lay_out(self, folder: Path) -> None:
        """Write all files below a folder, with their times."""
        folder.mkdir(parents=True, exist_ok=True)
        for name in self._folders:
            (folder / name).mkdir(exist_ok=True)
        for name, content, of in self._files:
            path = f"{folder}/{name}"
            with open(path, "wb", 0) as file:  # noqa: PTH123 - ten thousands of times
                file.write(content)
            os.utime(path, ns=(of.st_atime_ns, of.st_mtime_ns))


# --- configuration


@pytest.fixture
def write_config(tmp_path: Path) -> ConfigWriter:
    """Return `write(folder, **names)`, which writes a config.py and returns its path.

    Data come from `folder`; config.py and results go to the test's `tmp_path`. `names` are any
    further names of config.py and their values.
    """

    def write(folder: Path, **names: Any) -> Path:
        return write_config_to(tmp_path, folder, **names)

    return write


def write_config_to(out: Path, folder: Path, **names: Any) -> Path:
    """Write a config.py into `out` that takes data from `folder` and puts results into `out`."""
    settings = {"data_folder": f"{folder}/", "working_folder": f"{out}/", **names}
    path = out / "config.py"
    path.write_text("".join(f"{name} = {value!r}\n" for name, value in settings.items()))
    return path


@pytest.fixture
def golden_folder() -> Path:
    """Return the folder that holds `input/` and `expected/` of the golden fill."""
    return GOLDEN


@pytest.fixture
def golden_config(write_config: ConfigWriter) -> Config:
    """Return the configuration of the golden fill, with results in the test's `tmp_path`."""
    return load_config(write_config(GOLDEN / "input", **GOLDEN_SETTINGS))


# --- running


def context(cfg: Config, fill: int = FILL) -> FillContext:
    """Return what the steps of a fill are given, with the beam modes that `cfg` names."""
    return FillContext(fill, cfg, read_bmodes(cfg.files.bmodes)[fill])


def run_pipeline(cfg: Config, fill: int = FILL, selection: Selection | None = None) -> FillReport:
    """Run every step of a fill that is to run, in this process."""
    watch = begin_run(cfg, write=False)
    modes = read_bmodes(cfg.files.bmodes)[fill]
    plan = plan_fill(modes, cfg, selection or Selection(), watch)
    return run_fill(FillJob(fill, cfg, read_bmodes(cfg.files.bmodes)[fill], plan), Workers(1))


@dataclass(frozen=True)
class Analysed:
    """A fill whose steps have all run."""

    cfg: Config
    report: FillReport
    folder: Path
    """Of its results."""


def analyse(
    out: Path, data: Path, fill: int = FILL, only: Iterable[str] = (), **names: Any
) -> Analysed:
    """Run the whole chain, or some steps alone, on the data of a folder, with results in `out`."""
    cfg = load_config(write_config_to(out, data, **names))
    report = run_pipeline(cfg, fill, Selection(only=frozenset(only)))
    return Analysed(cfg, report, context(cfg, fill).paths.folder)


@pytest.fixture(scope="session")
def golden_run(tmp_path_factory: pytest.TempPathFactory) -> Analysed:
    """Return the golden fill, analysed once for all tests: read its results, do not change them."""
    return analyse(tmp_path_factory.mktemp("golden"), GOLDEN / "input", **GOLDEN_SETTINGS)


# --- simulated data


@pytest.fixture(scope="session")
def small_files(tmp_path_factory: pytest.TempPathFactory) -> FillFiles:
    """Return the files of fill 5845 of `small_folder`: read them, do not change them."""
    return simulate_fills(tmp_path_factory.mktemp("small"), [FILL], SMALL, seed=7)[0]


@pytest.fixture(scope="session")
def small_folder(small_files: FillFiles) -> Path:
    """Return a data folder with one small simulated fill, see `SMALL`."""
    return small_files.bmodes.parent


@pytest.fixture
def small_config(small_folder: Path, write_config: ConfigWriter) -> Config:
    """Return the configuration of the small fill, with results in the test's `tmp_path`."""
    return load_config(write_config(small_folder, doSBModel=True))


@pytest.fixture(scope="session")
def small_run(small_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Analysed:
    """Return the small fill, analysed once for all tests: read its results, do not change them."""
    return analyse(tmp_path_factory.mktemp("small_run"), small_folder, doSBModel=True)


# --- figures that a normal run shows


@pytest.fixture
def show(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """Return a function that adds a line to the end of pytest's output, also if all is well."""
    return lambda line: record_property(RESULT_LINE, line)


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    _write_section(terminalreporter, "agreement", _shown_lines(terminalreporter.stats))
    if "not slow" in config.option.markexpr:
        _write_section(terminalreporter, NOT_FAST, _not_fast(terminalreporter.stats))


def _write_section(terminalreporter: Any, title: str, found: Iterable[str]) -> None:
    lines = list(found)
    if lines:
        terminalreporter.section(title)
        for line in lines:
            terminalreporter.write_line(line)


def _shown_lines(stats: Mapping[str, Any]) -> Iterator[str]:
    # Properties of a report also arrive from the processes of `--jobs`.
    for outcome in ("passed", "failed"):
        for report in stats.get(outcome, ()):
            yield from (text for name, text in report.user_properties if name == RESULT_LINE)


# --- which tests are fast


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    before_s = _cpu_s()
    yield
    item.user_properties.append((CPU, _cpu_s() - before_s))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, Any, Any]:
    """Leave what a test printed and logged out of its report if it passed: nobody asks for it."""
    report = yield
    if report.passed:
        report.sections.clear()
    return report


def _cpu_s() -> float:
    """Return the CPU time of this process and of those that it has waited for [s]."""
    return sum(os.times()[:4]) + forks.cpu_s()


def _not_fast(stats: Mapping[str, Any]) -> Iterator[str]:
    seconds: Counter[str] = Counter()
    for report in stats.get("passed", ()):
        cpu_s = dict(report.user_properties).get(CPU, 0.0)
        seconds[report.nodeid.partition("[")[0]] += cpu_s
    yield from (f"{s:.1f} s  {test}" for test, s in seconds.most_common() if s > FAST_S)
