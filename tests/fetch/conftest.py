"""A small simulated fill behind the stand-in for pytimber, and folders to fetch it into."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from lumimod.config.settings import Config, load_config
from lumimod.fetch.groups import GROUPS
from lumimod.fetch.modes import merge_into
from lumimod.fetch.run import Outcome, fetch
from lumimod.readers.bmodes import read_bmodes
from lumimod.readers.variables import list_variables, read_variables
from lumimod.simulate import FillSettings, simulate_fills
from lumimod.simulate.timeline import timeline
from lumimod.sources.base import FillSpan, ModeSpan
from lumimod.sources.logging_service import LoggingService
from lumimod.sources.retry import Retry
from tests.sources.standin import Faults, Samples, Service, fill_data

FILL = 5848
SETTINGS = FillSettings(
    n_colliding=6, n_noncolliding=1, hours=1.0, sample_s=120.0, bsrt_period_s=60.0,
    bbb_lumi=True, extra_data=True, massi=False,
)  # fmt: skip


@pytest.fixture(scope="session")
def logged(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Samples]:
    """Return what the logging service holds of the fill."""
    files = simulate_fills(tmp_path_factory.mktemp("logged"), [FILL], SETTINGS, seed=1)[0]
    data: dict[str, Samples] = {}
    for path in (files.basic, files.bunches, files.crossing, files.bunch_lumi, files.extra):
        assert path is not None
        for name, series in read_variables(path, list_variables(path)).items():
            rows = np.split(series.values, series.row_start[1:-1])
            is_scalar = bool(np.all(series.lengths == 1))
            data[name] = series.time_s, series.values.tolist() if is_scalar else rows
    return data


@pytest.fixture
def fill_span() -> FillSpan:
    """Return the fill as a source tells it."""
    times = timeline(FILL, SETTINGS)
    modes = tuple(ModeSpan(mode, *span) for mode, span in times.modes.items())
    return FillSpan(FILL, times.start_s, times.end_s, modes)


@dataclass
class World:
    """A folder, a configuration, a service and the fill in the beam-mode file."""

    cfg: Config
    service: Service
    span: FillSpan
    waits: list[float] = field(default_factory=list)
    attempts: int = 2

    def run(self, *groups: str, force: bool = False, fills: tuple[int, ...] = (FILL,)) -> Outcome:
        """Fetch; return the outcome of the last file."""
        return self.run_all(*groups, force=force, fills=fills)[-1]

    def run_all(
        self, *groups: str, force: bool = False, fills: tuple[int, ...] = (FILL,)
    ) -> list[Outcome]:
        source = LoggingService(Retry(self.attempts, sleep=self.waits.append))
        modes = read_bmodes(self.cfg.files.bmodes)
        return fetch(self.cfg, source, groups or list(GROUPS), modes, fills, force=force)

    def n_queries(self) -> int:
        """Return how many queries there were since this was last asked."""
        n = len(self.service.queries)
        self.service.queries.clear()
        return n

    @property
    def basic(self) -> Path:
        return Path(self.cfg.files.basic_data.replace("<FILLNUMBER>", str(FILL)))

    def names(self, path: Path | None = None) -> set[str]:
        """Return the variables in a file."""
        return set(list_variables(path or self.basic))

    def hidden(self) -> list[str]:
        """Return the folders of parts."""
        return [path.name for path in self.basic.parent.glob(".part_*")]


@pytest.fixture
def make_config(tmp_path: Path) -> Callable[[str], Config]:
    def make(text: str = "") -> Config:
        path = tmp_path / "config.py"
        path.write_text(f"input_folder = {str(tmp_path)!r} + '/'\nworking_folder = input_folder\n")
        with path.open("a") as file:
            file.write(text)
        return load_config(path)

    return make


@pytest.fixture
def world(
    logged: dict[str, Samples],
    fill_span: FillSpan,
    make_config: Callable[[str], Config],
    monkeypatch: pytest.MonkeyPatch,
) -> World:
    cfg = make_config("")
    told = fill_data(
        FILL, fill_span.start_s, fill_span.stop_s,
        **{mode.mode: (mode.start_s, mode.stop_s) for mode in fill_span.modes},
    )  # fmt: skip
    service = Service(dict(logged), [told], Faults())
    monkeypatch.setitem(sys.modules, "pytimber", service.module())
    merge_into(cfg.files.bmodes, [fill_span], now_s=fill_span.start_s + 1e6)
    return World(cfg, service, fill_span)
