"""A week of operation: a fill a day, and two commands every six hours, as cron runs them.

The logging service and the folders of the experiments know no more than by the hour. In this week
an archive is late, one is replaced, a connection breaks, a file is cut, a variable of a fill
comes two days late, a setting changes, and on the last day all is well.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lumimod.cli import main
from lumimod.commands.get_data import get_all
from lumimod.readers.unpickle import load_pickle
from lumimod.readers.variables import list_variables, read_variables
from lumimod.simulate import FillFiles, FillSettings, simulate_fills
from lumimod.simulate.timeline import timeline
from lumimod.sources import logging_service
from lumimod.sources.retry import Retry
from lumimod.steps.registry import STEPS
from tests.sources.standin import Samples, Service, fill_data

FILLS = tuple(range(5845, 5851))
FIRST, LATE, REPLACED, CUT, LACKING, LAST = FILLS
HOUR_S, DAY_S = 3600.0, 86_400.0
EVERY_H = 6
SETTINGS = FillSettings(
    n_colliding=5, n_noncolliding=1, hours=4.0, to_next_fill_s=DAY_S - 4 * HOUR_S - 7260,
    sample_s=300.0, slow_s=600.0, energy_s=600.0, bsrt_period_s=600.0,
    massi_s=900.0,
)  # fmt: skip
"""Stable beams from 2 h to 6 h after the start of a fill; the next one starts a day after it."""
LACKS = "LHC.BQM.B1:FILLED_BUCKETS"


@dataclass
class Hour:
    """What the two commands said and left behind."""

    fetched: int
    """Exit status of getData.py."""
    analysed: int
    """Exit status of lumimod.py."""
    log: list[str]
    told: str
    """What `notify` was told."""
    table: str

    def has(self, *pieces: str) -> bool:
        """Tell whether a line of the log holds all of these."""
        return any(all(piece in line for piece in pieces) for line in self.log)


@dataclass
class Week:
    """The simulated LHC, a clock, and the folder of the follow-up."""

    root: Path
    files: dict[int, FillFiles]
    service: Service
    start_s: float
    read: Callable[[], tuple[str, str]]
    hour: float = 0.0
    hours: list[tuple[float, Hour]] = field(default_factory=list)
    whole: dict[str, Samples] = field(default_factory=dict)
    lacks: bool = True
    """Whether a variable of fill LACKING has not come yet."""

    def now(self) -> float:
        return self.start_s + self.hour * HOUR_S

    @property
    def results(self) -> Path:
        return self.root / "SB_analysis"

    def configure(self, **names: Any) -> None:
        settings = {
            "input_folder": f"{self.root}/", "working_folder": f"{self.root}/", "fsync": False,
            "notify": f"tee -a {self.root}/told", "log_file": f"{self.root}/log", **names,
        }  # fmt: skip
        lines = "".join(f"{name} = {value!r}\n" for name, value in settings.items())
        (self.root / "config.py").write_text(lines)

    # --- what the world knows by now

    def advance(self, hour: float) -> None:
        self.hour = hour
        self.service.fills = [
            self._fill(fill) for fill in FILLS if timeline(fill, SETTINGS).start_s <= self.now()
        ]
        self.service.data = {name: self._by_now(name) for name in self.whole}
        self.service.queries.clear()

    def _fill(self, fill: int) -> dict[str, Any]:
        times = timeline(fill, SETTINGS)
        modes = {
            mode: (start, stop if stop <= self.now() else None)
            for mode, (start, stop) in times.modes.items()
            if start <= self.now()
        }
        end_s = times.end_s if times.end_s <= self.now() else None
        return fill_data(fill, times.start_s, end_s, **modes)

    def _by_now(self, name: str) -> Samples:
        time_s, values = self.whole[name]
        there = time_s <= self.now()
        if name == LACKS and self.lacks:
            times = timeline(LACKING, SETTINGS)
            there &= (time_s < times.start_s) | (time_s >= times.end_s)
        return time_s[there], [values[i] for i in np.flatnonzero(there)]

    def post(self, *fills: int) -> None:
        """Post the archives of fills, dated now."""
        for fill in fills:
            for path in self.files[fill].massi:
                place = self.root / "data" / path.relative_to(self.files[fill].bmodes.parent)
                place.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(path, place)
                os.utime(place, (self.now(), self.now()))

    # --- the two lines of cron

    def run(self, *options: str) -> Hour:
        config = ["--config", str(self.root / "config.py")]
        for name in ("log", "told"):
            (self.root / name).write_text("")
        self.read()
        fetched = get_all("last", "now", [*config, "--t-start", "2 days ago"])
        fetch_log = self.read()[1].splitlines()
        analysed = main([*config, *options])
        table = self.read()[0]
        log = [*fetch_log, *(self.root / "log").read_text().splitlines()]
        hour = Hour(fetched, analysed, log, (self.root / "told").read_text(), table)
        self.hours.append((self.hour, hour))
        return hour

    # --- what there is afterwards

    def states(self, fill: int) -> dict[str, str]:
        path = self.results / "status.json"
        fills = json.loads(path.read_text())["fills"] if path.exists() else {}
        steps = fills.get(str(fill), {"steps": {}})["steps"]
        return {name: of["state"] for name, of in steps.items()}

    def since(self, fill: int, step: str) -> str:
        fills = json.loads((self.results / "status.json").read_text())["fills"]
        return str(fills[str(fill)]["steps"][step]["since"])

    def result(self, fill: int, name: str) -> Any:
        return load_pickle(self.results / f"fill_{fill}" / f"fill_{fill}{name}.pkl.gz")

    def data_file(self, fill: int) -> Path:
        folder = self.root / "data/fill_bunchbybunch_data_csvs"
        return folder / f"bunchbybunch_data_fill_{fill}.csv"


@pytest.fixture
def week(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Week]:
    made = simulate_fills(tmp_path / "lhc", FILLS, SETTINGS, seed=5)
    parts: dict[str, list[Samples]] = {}
    for files in made:
        for path in (files.basic, files.bunches, files.crossing):
            for name, one in read_variables(path, list_variables(path)).items():
                rows = np.split(one.values, one.row_start[1:-1])
                values = one.values.tolist() if np.all(one.lengths == 1) else rows
                parts.setdefault(name, []).append((one.time_s, values))
    whole = {
        name: (np.concatenate([t for t, _ in of]), [v for _, values in of for v in values])
        for name, of in parts.items()
    }
    root = tmp_path / "followup"
    root.mkdir()
    start_s = timeline(FIRST, SETTINGS).start_s
    service = Service({})
    made_files = dict(zip(FILLS, made))
    one = Week(root, made_files, service, start_s, capsys.readouterr, whole=whole)  # type: ignore[arg-type]
    monkeypatch.setitem(sys.modules, "pytimber", service.module())
    retry = Retry(2, sleep=lambda _: None)
    monkeypatch.setattr(logging_service.LoggingService.__init__, "__defaults__", (retry,))
    monkeypatch.setattr(time, "time", one.now)
    one.configure()
    yield one
    keep = os.environ.get("WEEK_LOG")
    if keep:
        Path(keep).write_text("\n".join(story(one)) + "\n")


def iso(time_s: float) -> str:
    return datetime.fromtimestamp(time_s, timezone.utc).isoformat(timespec="seconds")


TOLD_IN_STORY = (
    "ERROR",
    "waits: no",
    ": sb is out of date",
    "again\n",
    "(new archive",
    ": fits is out of date (t_fit",
)


def story(week: Week) -> Iterator[str]:
    """Yield the log of the week without the lines of single steps and files."""
    for hour, of in week.hours:
        closing = of.log[-1].rpartition("INFO : ")[2]
        yield f"{hour:5g} h: getData.py {of.fetched}, lumimod.py {of.analysed}: {closing}"
        for line in of.log:
            if any(piece in f"{line}\n" for piece in TOLD_IN_STORY):
                yield f"         {line.replace(str(week.root), '.')[:170]}"
        yield from (f"         notify: {line}"[:200] for line in of.told.splitlines())


# --- the week

DONE, WELL, WAITS, FAILED = "done", "up to date", "waiting", "failed"
STEP_STATES = {DONE, WELL, "out of date", WAITS, FAILED, "off"}


def before_run(week: Week, hour: float) -> None:
    """Let happen what happens by this hour."""
    posted = {24 * (fill - FIRST) + 18: fill for fill in FILLS if fill != LATE}
    if hour in posted:
        week.post(posted[int(hour)])
    if hour == 90:
        week.post(LATE)
    if hour == 96:
        week.post(REPLACED)
    week.service.faults.down_from = 3 if hour == 54 else None
    if hour == 102:
        whole = week.data_file(CUT).read_bytes()
        week.data_file(CUT).write_bytes(whole[: len(whole) // 2])
    week.lacks = hour < 150
    if hour == 156:
        week.configure(t_fit_length=1.5 * HOUR_S)


def check(week: Week, hour: float, of: Hour) -> None:
    """Check what holds after every run, and what is said in the hour in which it happens."""
    assert of.log[-1].endswith(" s")
    assert of.fetched == (1 if hour == 54 else 0)
    assert of.analysed == (1 if 102 <= hour < 150 else 0)
    assert bool(of.told) == (hour in (102, 150)), of.told
    for number, fill in enumerate(FILLS):
        since_start = hour - 24 * number
        states = week.states(fill)
        assert set(states.values()) <= STEP_STATES
        if since_start < 6:
            assert states == {}  # not there yet
        elif fill != LACKING:
            assert FAILED not in states.values()
            posted = hour >= 90 if fill == LATE else since_start >= 18
            assert (states["massi"] == WAITS) == (not posted)
            assert states["lumi"] in (DONE, WELL) or since_start in (6, 18) or hour == 156


def check_events(week: Week, hour: float, of: Hour) -> None:
    """Check the hours in which something happens."""
    if hour == 12:
        assert of.has(f"fill {FIRST}: sb", "in progress")
        assert of.has(f"fill {FIRST}: massi waits: no Massi archive of fill {FIRST}")
    if hour == 24:  # it is over, and made again
        assert week.states(FIRST)["sb"] == DONE
        assert not of.has(f"fill {FIRST}: ", "in progress")
    if hour == 54:
        assert of.has("the connection is lost")
    if hour == 60:
        assert of.has(f"fill {REPLACED}: bbb: ", ".csv")
    if hour == 90:
        assert week.states(LATE)["massi"] == DONE
    if hour == 96:
        assert of.has(f"fill {REPLACED}: massi: ", "(new archive)")
        assert week.states(REPLACED)["massi"] == DONE
        assert of.has(f"fill {REPLACED}: fits: ", "(new measured luminosity)")
    if hour == 102:
        assert of.has(f"fill {CUT}: bbb: ", "bytes that were written; it is fetched again")
        assert week.states(CUT)["sb"] == WELL
    if 102 <= hour < 150:
        assert week.states(LACKING)["sb"] == FAILED
        assert week.since(LACKING, "sb") == iso(week.start_s + 102 * HOUR_S)
        assert sum("ERROR" in line for line in of.log) == 1
        assert of.has("ERROR", f"fill {LACKING}: sb: {LACKS} not in", f"--fill {LACKING}")
        assert of.has("ERROR", "(since ") == (hour > 102)
    if hour == 102:
        told = [line.partition(f": {LACKS} not in ")[0] for line in of.told.splitlines()]
        assert told == [f"fill {LACKING}: {name} failed" for name in ("sb", "cycle")]
    if hour == 150:
        assert f"fill {LACKING}: sb is well (done); it failed since 2017-" in of.told
    if hour == 156:
        assert of.has(f"fill {FIRST}: fits is out of date (", "t_fit_length 7200.0 -> 5400.0")
        assert {week.states(fill)["fits"] for fill in FILLS} == {"out of date"}
    if hour == 162:
        assert {week.states(fill)["fits"] for fill in FILLS} == {DONE}


@pytest.mark.slow
def test_a_week_of_operation(week: Week, fetch_named: Callable[[Week, int], int]) -> None:
    for hour in range(EVERY_H, 7 * 24 + 1, EVERY_H):
        week.advance(hour)
        before_run(week, hour)
        week.advance(hour)
        if hour == 150:  # whoever is on shift does what the error says
            assert fetch_named(week, LACKING) == 0
        of = week.run(*(["--cascade"] if hour == 162 else []))
        check(week, hour, of)
        check_events(week, hour, of)
    last = week.hours[-1][1]
    assert "6 fills: nothing to do" in last.table
    steps = [name for name in STEPS if week.states(FIRST)[name] != "off"]
    for fill in FILLS:
        assert {week.states(fill)[name] for name in steps} == {WELL}
        of_truth = week.result(fill, "_lumi_meas")["ATLAS"]["bunch_lumi"]
        calculated = week.result(fill, "_lumi_calc")["ATLAS"]["bunch_lumi"]
        assert np.nanmean(calculated) == pytest.approx(np.nanmean(of_truth), rel=0.1)
    whole = read_variables(week.data_file(CUT), [LACKS])[LACKS]
    times = timeline(CUT, SETTINGS)
    logged = week.whole[LACKS][0]
    inside = (logged >= times.start_s) & (logged < times.end_s)
    assert np.array_equal(whole.time_s, logged[inside])


@pytest.fixture
def fetch_named() -> Callable[[Week, int], int]:
    """Return a function that runs the command that an error names."""

    def fetch_named(week: Week, fill: int) -> int:
        return get_all("last", "now", ["--config", f"{week.root}/config.py", "--fill", str(fill)])

    return fetch_named
