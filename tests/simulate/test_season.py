"""A season of fills that differ as those of the LHC do."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.integrate import trapezoid

from lumimod.commands.simulate_fills import main
from lumimod.errors import UsageError
from lumimod.readers.bmodes import read_bmodes
from lumimod.simulate import FillFiles, FillSettings, simulate_fills
from lumimod.simulate.season import (
    FIRST_OF_SEASON,
    REPLACED_FACTOR,
    season_fills,
    whole_season,
)
from lumimod.simulate.timeline import bmodes_entry, timeline
from tests.simulate.test_simulate import parse

pytestmark = pytest.mark.slow  # whole fills, together some seconds

BASE = FillSettings.independent(
    n_colliding=8, n_noncolliding=1, sample_s=300.0, bsrt_period_s=60.0, gzip=True, bbb_lumi=True
)
N_FILLS = 240


@cache
def season(now_s: float | None = None, seed: int = 1) -> dict[int, FillSettings]:
    return dict(season_fills(N_FILLS, BASE, seed, now_s))


def end_of(fill: int, settings: FillSettings) -> str:
    """Return the mode that follows the last one with beam."""
    entry = bmodes_entry(timeline(fill, settings))
    dump_s = timeline(fill, settings).dump_s
    [mode] = [name for name in entry if name.startswith("t_start_") and entry[name] == dump_s]
    return mode[len("t_start_") :]


# --- what is drawn


def test_half_of_the_fills_last_nine_hours_and_many_are_short() -> None:
    hours = [s.hours for s in season().values() if s.place and s.place.last_mode == "STABLE"]
    assert 8 < np.median(hours) < 10
    assert np.mean(np.array(hours) < 3) > 0.15
    assert max(hours) < 24


def test_fills_follow_each_other_with_turn_arounds_that_differ() -> None:
    times = [timeline(fill, settings) for fill, settings in season().items()]
    assert [t.end_s for t in times[:-1]] == [t.start_s for t in times[1:]]
    assert all(t.start_s % 60 == 0 for t in times)
    rests_h = [(t.end_s - t.dump_s) / 3600 for t in times]
    assert 1 < np.median(rests_h) < 3
    assert max(rests_h) > 5


def test_operators_dump_by_beamdump_and_the_machine_without() -> None:
    ends: dict[bool, set[str]] = {True: set(), False: set()}
    for fill, settings in season().items():
        assert settings.place is not None
        ends[settings.place.fault].add(end_of(fill, settings))
    assert ends == {True: {"RAMPDOWN"}, False: {"BEAMDUMP"}}


def test_some_fills_never_come_to_stable_beams() -> None:
    lost = {s.place.last_mode for s in season().values() if s.place} - {"STABLE"}
    assert lost == {"INJPHYS", "RAMP", "FLATTOP", "ADJUST"}
    for fill, settings in season().items():
        if settings.place and settings.place.last_mode == "RAMP":
            entry = bmodes_entry(timeline(fill, settings))
            assert entry["t_start_STABLE"] == entry["t_start_FLATTOP"] == -1
            assert entry["t_stop_RAMP"] == entry["t_start_RAMPDOWN"]
            assert not settings.massi


def test_the_number_of_bunches_rises_and_schemes_follow_each_other() -> None:
    fills = list(season().values())
    assert fills[0].n_colliding == 4
    assert max(s.n_colliding for s in fills) == BASE.n_colliding
    assert [s.scheme for s in fills[::100]] == ["48b", "144b", "8b4e"]


def test_intensities_and_emittances_differ_from_fill_to_fill() -> None:
    fills = list(season().values())[100:200]
    for name in ("intensity_ppb", "emit_h_um", "emit_v_um", "growth_h_um_per_h"):
        values = np.array([getattr(s, name) for s in fills])
        assert 0.02 < np.std(values) / np.mean(values) < 0.5


def test_a_season_is_that_of_its_seed() -> None:
    fills = [dict(season_fills(5, BASE, seed)) for seed in (1, 1, 2)]
    assert fills[0] == fills[1] != fills[2]


# --- the present


def test_archives_come_late_are_replaced_or_stay_away() -> None:
    over = season()
    stable = {f: s for f, s in over.items() if s.place and s.place.last_mode == "STABLE"}
    assert 0.01 < np.mean([not s.massi for s in stable.values()]) < 0.1
    late, replaced = 0, 0
    for number in (50, 110, 170, 230):
        now_s = timeline(FIRST_OF_SEASON + number, over[FIRST_OF_SEASON + number]).start_s + 60
        begun = season(now_s)
        for fill in stable.keys() & begun.keys():
            days = (now_s - timeline(fill, over[fill]).end_s) / 86400
            if days < 0.2:
                assert not begun[fill].massi
            late += days > 0.5 and over[fill].massi and not begun[fill].massi
            place = begun[fill].place
            replaced += place is not None and place.massi_factor == REPLACED_FACTOR and days > 0.3
            if days > 11:
                assert begun[fill] == over[fill]
    assert late > 0
    assert replaced > 0


def test_archives_keep_the_time_at_which_they_were_posted(tmp_path: Path) -> None:
    found = [f for f in whole_season(60, BASE, 1) if f.had_stable_beams and f.archive.replaced]
    fill = min(found, key=lambda f: f.settings.hours)
    end_s, archive = fill.times.end_s, fill.archive
    for days, posted in ((archive.posted + 1, archive.posted), (30, archive.replaced)):
        for _ in range(2):  # made again
            settings = fill.at(end_s + days * 86400)
            [files] = simulate_fills(tmp_path, [fill.number], settings, 1)
            for path in files.massi:
                assert path.stat().st_mtime == pytest.approx(end_s + posted * 86400, abs=1)


@pytest.fixture(scope="module")
def in_progress(tmp_path_factory: pytest.TempPathFactory) -> tuple[FillFiles, float]:
    """Return a fill two hours into stable beams, and the present."""
    fill = next(f for f, s in season().items() if s.hours > 3 and s.massi)
    now_s = timeline(fill, season()[fill]).stable_s + 7217.5
    begun = season(now_s)
    assert max(begun) == fill
    folder = tmp_path_factory.mktemp("data")
    return simulate_fills(folder, [fill], begun[fill], 1)[0], now_s


def test_the_fill_in_progress_has_no_end(in_progress: tuple[FillFiles, float]) -> None:
    files, now_s = in_progress
    modes = read_bmodes(files.bmodes)[files.fill]
    assert modes.in_progress
    assert np.isfinite(modes.start("STABLE"))
    assert np.isnan(modes.stop("STABLE"))
    assert np.isnan(modes.start("BEAMDUMP"))
    assert 0 <= now_s - modes.t_endfill_s < 60
    assert files.massi == ()


def test_nothing_is_logged_after_the_present(in_progress: tuple[FillFiles, float]) -> None:
    files, now_s = in_progress
    for path in (files.basic, files.bunches, files.crossing):
        for name, rows in parse(path).items():
            last_s = max(time_s for time_s, _ in rows)
            assert last_s <= now_s, name
            assert now_s - 700 < last_s or name.endswith("FILLED_BUCKETS"), name  # on change
    assert files.extra is not None
    for name, rows in parse(files.extra).items():
        assert max(time_s for time_s, _ in rows) <= now_s, name
    current = parse(files.basic)["LHC.BCTDC.A6R4.B1:BEAM_INTENSITY"]
    assert all(value > 1e11 for _, [value] in current[-5:])  # the beams are there


def test_fills_to_come_are_not_there() -> None:
    first = season()[FIRST_OF_SEASON]
    times = timeline(FIRST_OF_SEASON, first)
    assert list(season(times.end_s + 60)) == [FIRST_OF_SEASON]
    assert list(season(times.start_s + 60)) == []


@pytest.mark.parametrize("last_mode", ["INJPHYS", "RAMP", "FLATTOP", "ADJUST"])
def test_fills_without_stable_beams_have_data_to_their_end(tmp_path: Path, last_mode: str) -> None:
    found = season().items()
    fill, settings = next((f, s) for f, s in found if s.place and s.place.last_mode == last_mode)
    [files] = simulate_fills(tmp_path, [fill], settings, 1)
    dump_s = timeline(fill, settings).dump_s
    basic = parse(files.basic)
    time_s, total = (np.array(v) for v in zip(*basic["LHC.BCTDC.A6R4.B1:BEAM_INTENSITY"]))
    assert np.all(total[(time_s > dump_s - 300) & (time_s < dump_s)] > 1e11)
    assert np.all(total[time_s > dump_s] == 0)
    _, energy_gev = zip(*basic["LHC.BSRA.US45.B1:ABORT_GAP_ENERGY"])
    assert np.max(energy_gev) == pytest.approx(450 if last_mode == "INJPHYS" else 6500, abs=1)


# --- command line


def test_the_command_line_makes_a_season(tmp_path: Path) -> None:
    options = ["--bunches", "4", "--noncolliding", "1", "--bsrt-period-s", "120", "--gzip"]
    assert main(["--folder", str(tmp_path), "--season", "1", *options]) == 0
    modes = read_bmodes(tmp_path / "fills_and_bmodes.pkl")
    assert list(modes) == [FIRST_OF_SEASON]
    assert main(["--folder", str(tmp_path / "b"), "--season", "2", "--now", "2017-04-30"]) == 0
    assert not (tmp_path / "b").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--season", "2", "--fill", "5845"], "leave --fill out"),
        (["--season", "2", "--scheme", "8b4e"], "leave --scheme out"),
        (["--season", "0"], "at least one fill"),
        (["--now", "2017-05-01"], "--now is one of --season"),
        (["--season", "2", "--now", "soon"], "'soon' is not a time"),
    ],
)
def test_options_that_do_not_go_together_are_told(
    tmp_path: Path, options: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--folder", str(tmp_path), *options]) == 2
    assert message in capsys.readouterr().err


def test_a_season_without_fills_is_refused() -> None:
    with pytest.raises(UsageError, match="at least one fill"):
        next(season_fills(0, BASE, 1))


# --- what is made of it


@pytest.mark.slow
def test_the_season_table_has_the_true_numbers(
    tmp_path: Path, write_config: Any, show: Any
) -> None:
    from lumimod.cli import main as lumimod

    truths = {}
    for fill, settings in season_fills(
        8, replace(BASE, n_colliding=16, gzip=False, sample_s=60.0), 1
    ):
        [files] = simulate_fills(tmp_path / "data", [fill], settings, 1)
        if settings.massi and settings.hours > 2:
            with np.load(files.truth, allow_pickle=False) as archive:
                truths[fill] = dict(archive)
    config = write_config(tmp_path / "data", doSBModel=True)
    lumimod(["--config", str(config), "--no-plots"])
    import lumimod as package

    table = package.season(config).set_index("fill")
    assert len(truths) >= 3
    pulls = []
    for fill, truth in truths.items():
        since_s = truth["time_s"] - truth["stable_s"]
        stable = (since_s >= 0) & (since_s <= table.loc[fill, "hours"] * 3600)
        time_s = truth["time_s"][stable]
        for name in ("ATLAS", "CMS"):
            lumi = truth[f"{name}_lumi"][stable].sum(axis=1) * truth[f"{name}_scale"]
            true_pb = trapezoid(lumi, time_s) / 1e40
            found_pb = table.loc[fill, f"lumi_int_meas_{name.lower()}_pb"]
            show(f"fill {fill} {name}: {found_pb / true_pb - 1:+.2%} of {true_pb:.2f} /pb")
            assert found_pb == pytest.approx(true_pb, rel=2e-3)
        for beam in (1, 2):
            row = table.loc[fill]
            found_mb, error_mb = (row[f"b{beam}_sigma_eff{part}_mb"] for part in ("", "_error"))
            true_mb = _cross_section_mb(truth, beam, float(row["hours"]))
            show(f"fill {fill} B{beam}: {found_mb:.2f} +- {error_mb:.2f} mb, truth {true_mb:.2f}")
            # Losses begin within an interval of the intensities, 1 minute.
            assert abs(found_mb - true_mb) < 4 * error_mb + 0.002 * true_mb
            pulls.append((found_mb - true_mb) / error_mb)
    show(f"deviations in standard errors: {np.sqrt(np.mean(np.square(pulls))):.2f} (rms)")
    assert np.sqrt(np.mean(np.square(pulls))) < 1.6


def _cross_section_mb(truth: dict[str, Any], beam: int, hours: float) -> float:
    """Return the true effective cross-section of a fill, with the scales of the luminosities.

    Results state the errors of the scales apart.
    """
    stable = truth["time_s"] >= truth["stable_s"]
    time_s = truth["time_s"][stable]
    inside = (time_s >= time_s[0]) & (time_s <= time_s[0] + (hours * 3600 // 300) * 300)
    lumi = sum(
        truth[f"{name}_lumi"][stable].sum(axis=1) * truth[f"{name}_scale"]
        for name in ("ATLAS", "CMS")
    )
    lumi = lumi + truth["LHCb_lumi"][stable] + truth["ALICE_lumi"][stable]
    colliding = np.isin(truth[f"b{beam}_slots"], truth["colliding_slots"])
    n_ppb = truth[f"b{beam}_intensity_ppb"][stable][:, colliding].sum(axis=1)[inside]
    integrated = trapezoid(lumi[inside], time_s[inside])
    return float((n_ppb[0] - n_ppb[-1]) / integrated * 1e31)
