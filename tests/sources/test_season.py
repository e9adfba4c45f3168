"""A season of the simulated LHC, asked like the logging service, at a time of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from lumimod.commands.get_data import get_all
from lumimod.readers.bmodes import read_bmodes
from lumimod.readers.clock import told_now_s
from lumimod.simulate.season import SeasonFill, whole_season
from lumimod.sources.season import SEASON_SETTINGS, SimulatedSeason
from lumimod.sources.simulated import SEED

SETTINGS = replace(
    SEASON_SETTINGS, n_colliding=6, n_noncolliding=1, sample_s=600.0, bsrt_period_s=300.0,
    massi_s=600.0, energy_s=60.0,
)  # fmt: skip
N_FILLS = 100
ENERGY = "LHC.BSRA.US45.B1:ABORT_GAP_ENERGY"
DAY_S = 86_400.0


@cache
def season() -> Sequence[SeasonFill]:
    return tuple(whole_season(N_FILLS, SETTINGS, SEED))


def at(now_s: float) -> SimulatedSeason:
    return SimulatedSeason(now_s, SETTINGS, N_FILLS)


def short(**archive: bool) -> SeasonFill:
    """Return a short fill with stable beams whose archive is late, replaced, or never comes."""
    for fill in season():
        found = {
            "late": 2 <= fill.archive.posted < np.inf,
            "replaced": fill.archive.replaced > 0,
            "never": np.isinf(fill.archive.posted),
        }
        if fill.had_stable_beams and found == {**dict.fromkeys(found, False), **archive}:
            return fill
    raise AssertionError("no such fill in the season")


def test_fills_are_those_that_have_begun() -> None:
    fill = season()[20]
    span = at(fill.times.stable_s + 60).fill(fill.number)
    assert span is not None
    assert span.stop_s is None
    *before, last = span.modes
    assert (last.mode, last.start_s, last.stop_s) == ("STABLE", fill.times.stable_s, None)
    assert all(mode.stop_s is not None for mode in before)
    source = at(fill.times.stable_s + 60)
    assert source.fill(fill.number + 1) is None
    assert source.fill(fill.number - 1) == at(np.inf).fill(fill.number - 1)
    spans = source.fills(season()[18].times.start_s, np.inf)
    assert [one.fill for one in spans] == [fill.number - 2, fill.number - 1, fill.number]
    assert at(season()[0].times.start_s).fills(0.0, np.inf) == []


def test_a_fill_that_was_lost_has_no_stable_beams() -> None:
    lost = next(fill for fill in season() if not fill.had_stable_beams)
    span = at(np.inf).fill(lost.number)
    assert span is not None
    assert "STABLE" not in {mode.mode for mode in span.modes}


@pytest.mark.slow
def test_nothing_is_logged_after_the_present_and_nothing_changes_later() -> None:
    fill = next(f for f in season() if f.had_stable_beams)
    now_s = fill.times.stable_s + 300
    with at(now_s) as now, at(np.inf) as later:
        for name in (ENERGY, "LHC.BCTFR.A6R4.B1:BUNCH_INTENSITY", "LHC.BQM.B2:BUNCH_LENGTHS"):
            early = now.get([name], fill.times.start_s, np.inf)[name]
            whole = later.get([name], fill.times.start_s, fill.times.end_s)[name]
            assert now_s - 700 < early.time_s[-1] < now_s < whole.time_s[-1]
            n_rows = early.time_s.size
            np.testing.assert_array_equal(early.time_s, whole.time_s[:n_rows])
            np.testing.assert_array_equal(early.values, whole.values[: early.values.size])


@pytest.mark.slow
def test_archives_come_when_they_are_posted(tmp_path: Path) -> None:
    fill = short(late=True)
    posted_s = fill.times.end_s + fill.archive.posted * DAY_S
    assert at(fill.times.end_s - 60).copy_archives(fill.number, tmp_path) == []
    with at(posted_s - 60) as source:
        (truth,) = source.copy_archives(fill.number, tmp_path)
    assert truth == tmp_path / f"truth/truth_fill_{fill.number}.npz"
    with at(posted_s + 60) as source:
        _, *archives = source.copy_archives(fill.number, tmp_path)
        assert [path.relative_to(tmp_path).parts[3] for path in archives] == ["ATLAS", "CMS"]
        assert all(abs(path.stat().st_mtime - posted_s) < 1 for path in archives)
        assert source.copy_archives(fill.number, tmp_path) == []
        archives[1].unlink()  # as where the copy was interrupted
        assert archives[1] in source.copy_archives(fill.number, tmp_path)


@pytest.mark.slow
def test_better_archives_replace_the_first(tmp_path: Path) -> None:
    fill = short(replaced=True)
    end_s, archive = fill.times.end_s, fill.archive
    with at(end_s + archive.posted * DAY_S + 60) as source:
        _, atlas, _ = source.copy_archives(fill.number, tmp_path)
    first = atlas.read_bytes()
    with at(end_s + archive.replaced * DAY_S + 60) as source:
        assert atlas in source.copy_archives(fill.number, tmp_path)
    assert atlas.read_bytes() != first
    assert atlas.stat().st_mtime == pytest.approx(end_s + archive.replaced * DAY_S, abs=1)


@pytest.mark.slow
def test_some_archives_never_come(tmp_path: Path) -> None:
    fill = short(never=True)
    with at(np.inf) as source:
        assert [path.suffix for path in source.copy_archives(fill.number, tmp_path)] == [".npz"]


@pytest.mark.slow
def test_the_scripts_get_a_season_as_it_is_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(SimulatedSeason.__init__, "__defaults__", (SETTINGS, N_FILLS))
    config = tmp_path / "config.py"
    config.write_text(f"data_folder = '{tmp_path}/data/'\ndata_source = 'season'\n")
    fill = short(late=True)

    def get(now_s: float, *options: str) -> int:
        when = f"{np.datetime64(round(now_s), 's')}".replace("T", " ") + " UTC"
        common = ["--config", str(config), "--now", when, *options]
        return get_all("last", "now", common)

    stable_s, end_s = fill.times.stable_s, fill.times.end_s
    assert get(stable_s + 600, "--fill", str(fill.number)) == 0
    assert told_now_s(tmp_path / "data") == stable_s + 600
    modes = read_bmodes(tmp_path / "data/fills_and_bmodes.pkl")
    assert modes[fill.number].in_progress
    assert get(end_s + 600, "--fill", str(fill.number)) == 0
    modes = read_bmodes(tmp_path / "data/fills_and_bmodes.pkl")
    assert not modes[fill.number].in_progress
    capsys.readouterr()
    assert get(end_s + 6 * DAY_S, "--fill", str(fill.number)) == 0
    out = capsys.readouterr().out
    assert "1 fill: nothing to do" in out  # but archives:
    assert f"ATLAS/lumi/{fill.number}.tgz" in out


def test_other_sources_have_no_other_present(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "config.py"
    config.write_text(f"data_folder = '{tmp_path}/data/'\ndata_source = 'simulated'\n")
    assert get_all("last", "now", ["--config", str(config), "--now", "2017-06-01"]) == 2
    assert "--now goes with --source season" in capsys.readouterr().err
    assert not (tmp_path / "data").exists()
