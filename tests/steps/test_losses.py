"""Step losses: effective cross-section, pile-up, errors of the calculated luminosity, families."""

from __future__ import annotations

import pickle
import tarfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timezone
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from lumimod.errors import BadInputError
from lumimod.records import CalculatedLumi, FillLosses, MeasuredLumi, StableBeams
from lumimod.records.frames import to_frame
from lumimod.records.store import load
from lumimod.steps import losses
from lumimod.steps.context import FillContext

from .conftest import FILL, T0, no_fits, put, stable_beams

MakeFill = Callable[..., FillContext]
close = partial(pytest.approx, rel=1e-6, abs=0)
"""Cross-sections in m^2 are far below the absolute tolerance that approx has otherwise."""
MB = 1e-31
LUMI = 4e33
"""Of each pair at each experiment, in 1/(m^2 s)."""
N_TIMES, STEP_S = 37, 300.0
SLOTS = (10, 20, 30)


def burning(sigma_m2: float = 80 * MB, lumi: float = 2 * LUMI) -> StableBeams:
    """Return beams of which each bunch loses `sigma_m2 * lumi` a second."""
    return stable_beams(N_TIMES, SLOTS, intensity=lambda t: 1.2e11 - sigma_m2 * lumi * t)


def run(
    ctx: FillContext, sb: StableBeams, measured: Mapping[str, np.ndarray] | None = None
) -> FillLosses:
    calculated = {exp: np.full((N_TIMES, len(SLOTS)), LUMI) for exp in ("ATLAS", "CMS")}
    put(ctx.paths.sb, sb)
    put(ctx.paths.lumi_calc, CalculatedLumi(sb.time_s, calculated, sb.xing_angle_rad))
    if measured is not None:
        put(ctx.paths.lumi_meas, MeasuredLumi(measured))
    losses.run(ctx)
    return load(ctx.paths.result("losses"), FillLosses)


def flat(value: float = LUMI) -> dict[str, np.ndarray]:
    return {exp: np.full((N_TIMES, len(SLOTS)), value) for exp in ("ATLAS", "CMS")}


# --- effective cross-section


@pytest.mark.parametrize("beam", [1, 2])
def test_burn_off_is_found_of_each_bunch_and_of_the_beam(fill: MakeFill, beam: int) -> None:
    found = run(fill(), burning(), flat())
    own = 1 + 0.01 * np.arange(3) + 0.02 * beam  # bunches of `stable_beams` differ by this
    one = found.beams[beam]
    assert found.lumi == "measured"
    assert found.experiments == ["ATLAS", "CMS"]
    assert one.slots.tolist() == list(SLOTS)
    assert one.fill_sigma_m2 == close(80 * MB * own)
    assert one.sigma_m2 == close(np.tile(80 * MB * own, (6, 1)))
    assert one.total_fill_sigma_m2 == close(80 * MB * own.mean())
    assert one.total_sigma_m2 == close(np.full(6, 80 * MB * own.mean()))
    assert found.window_time_s - T0 == close([750, 2550, 4350, 6150, 7950, 9900])


def test_windows_are_as_long_as_config_says(fill: MakeFill) -> None:
    found = run(fill(cross_section_window_s=5400), burning(), flat())
    assert found.window_time_s.size == 2


def test_errors_are_those_of_the_noise(fill: MakeFill) -> None:
    sb = burning()
    rng = np.random.default_rng(3)
    b = sb.bunches[1, "coll"]
    noisy = replace(b, intensity_ppb=b.intensity_ppb + rng.normal(0, 1e8, b.intensity_ppb.shape))
    found = run(fill(), replace(sb, bunches={**sb.bunches, (1, "coll"): noisy}), flat())
    in_window = np.sqrt(((np.arange(6) - 2.5) ** 2).sum()) * STEP_S * 2 * LUMI
    assert found.beams[1].error_m2[:5] == close(1e8 / in_window, rel=0.5)
    whole = np.sqrt(2) * 1e8 / ((N_TIMES - 1) * STEP_S * 2 * LUMI)
    assert found.beams[1].fill_error_m2 == close(whole, rel=0.5)
    assert np.all(found.beams[2].fill_error_m2 < 0.01 * found.beams[1].fill_error_m2)


def test_without_measured_luminosity_the_calculated_one_is_taken_and_told(
    fill: MakeFill, caplog: pytest.LogCaptureFixture
) -> None:
    found = run(fill(), burning())
    assert found.lumi == "calculated"
    assert found.beams[1].fill_sigma_m2[0] == close(80 * MB * 1.02)
    assert "no measured luminosity: cross-sections and pile-up are of the calculated" in caplog.text


def test_bunches_without_luminosity_count_in_neither_sum(fill: MakeFill) -> None:
    measured = flat()
    measured["CMS"][:, 1] = np.nan
    found = run(fill(), burning(), measured).beams[1]
    assert np.isnan(found.fill_sigma_m2).tolist() == [False, True, False]
    assert found.total_fill_sigma_m2 == close(80 * MB * (1.02 + 1.04) / 2)


def test_a_time_without_measurement_costs_one_sample(fill: MakeFill) -> None:
    measured = flat()
    measured["ATLAS"][4] = np.nan
    found = run(fill(), burning(), measured).beams[1]
    assert found.total_fill_sigma_m2 == close(80 * MB * 1.03)


@pytest.mark.parametrize(("measured", "expected"), [(True, np.hypot(0.03, 0.004)), (False, None)])
def test_scale_errors_are_common_to_all(
    fill: MakeFill, measured: bool, expected: float | None
) -> None:
    ctx = fill(lumi_scale_error=0.03, dcct_error=0.004)
    found = run(ctx, burning(), flat() if measured else None)
    if expected is None:
        both = [error.systematic for error in found.lumi_calc_error.values()]
        expected = float(np.hypot(np.mean(both), 0.004))
    assert found.systematic == close(expected)


# --- LHCb and ALICE


def logged(path: Path, **lumi_hz_ub: float) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    text = ""
    for name, value in lumi_hz_ub.items():
        times = [datetime.fromtimestamp(T0 + t, timezone.utc) for t in (-100, 20_000)]
        rows = "".join(f"{time:%Y-%m-%d %H:%M:%S}.000,{value}\n" for time in times)
        text += f"VARIABLE: {name}:LUMI_TOT_INST\n\nTimestamp (UTC_TIME),Value\n{rows}\n"
    path.write_text(text)


def with_partners(sb: StableBeams) -> StableBeams:
    """Return the beams with bunches of beam 2 that meet slots 10 and 30 of beam 1 at IP 8."""
    alone = sb.bunches[2, "noncoll"]
    two = {
        name: np.repeat(getattr(alone, name), 2, axis=1)
        for name in vars(alone)
        if name not in ("slots", "fits")
    }
    more = replace(alone, slots=np.array([2680, 2700]), fits=no_fits(2), **two)
    return replace(sb, bunches={**sb.bunches, (2, "noncoll"): more})


def test_logged_luminosity_of_lhcb_goes_to_the_bunches_that_collide_there(fill: MakeFill) -> None:
    ctx = fill()
    logged(ctx.paths.extra_data, LHCB=0.8)
    sb = with_partners(burning())
    found = run(ctx, sb, flat())
    assert found.experiments == ["ATLAS", "CMS", "LHCb"]
    share = np.array([1.02, 0, 1.04]) / (1.02 + 1.04)
    expected = 80 * MB * (2 * LUMI) / (2 * LUMI + 0.8e34 * share)
    own = np.array([1.02, 1.03, 1.04])
    assert found.beams[1].fill_sigma_m2 == close(expected * own, rel=1e-3)
    # The partners in beam 2 collide nowhere else: those of ATLAS and CMS have no part of it.
    assert found.beams[2].fill_sigma_m2 == close(80 * MB * (own + 0.02), rel=1e-6)


def test_luminosity_of_lhcb_is_shared_among_the_pairs_that_meet_there() -> None:
    of_lhcb = np.array([1e33, 2e33])
    one = losses._Filled(np.array([10, 30]), np.array([[1.0, 3.0], [2.0, 2.0]]))
    two = losses._Filled(np.array([2680, 2700]), np.array([[1.0, 1.0], [3.0, 1.0]]))
    sb = stable_beams(2, coll=(10, 30))
    pair = np.full((2, 2), LUMI)
    lumi = losses._Lumi("measured", {"ATLAS": pair, "CMS": 2 * pair}, {"LHCb": of_lhcb})
    share = np.array([[1 / 4, 3 / 4], [6 / 8, 2 / 8]])
    found = losses._total(lumi, {1: one, 2: two}, sb, 1)
    assert found == close(3 * LUMI + share * of_lhcb[:, None])
    # The same pairs from the other side: what they meet is as many slots before.
    family = replace(sb.bunches[2, "coll"], slots=np.array([2680, 2700]))
    sb = replace(sb, bunches={**sb.bunches, (2, "coll"): family})
    assert losses._total(lumi, {1: one, 2: two}, sb, 2) == close(found)


def test_intensities_count_until_the_dump() -> None:
    ppb = 1e11 - 1e7 * np.arange(20)[:, None] * np.ones(3)
    assert np.array_equal(losses._before_dump(ppb), ppb)
    ppb[-1] = 0
    expected = ppb.copy()
    expected[-1] = np.nan
    assert np.array_equal(losses._before_dump(ppb), expected, equal_nan=True)
    # Bunches with gaps do not tell when it was, but end with it.
    ppb[3, 1] = expected[3, 1] = np.nan
    assert np.array_equal(losses._before_dump(ppb), expected, equal_nan=True)
    ppb[3] = np.nan
    assert np.array_equal(losses._before_dump(ppb), ppb, equal_nan=True)


def test_samples_that_are_no_numbers_and_noise_below_zero_count_for_nothing(
    fill: MakeFill,
) -> None:
    ctx = fill()
    logged(ctx.paths.extra_data, LHCB=float("nan"), ALICE=-0.1)
    assert run(ctx, with_partners(burning()), flat()).experiments == ["ATLAS", "CMS"]


def archive(path: Path, experiment: str, lumi_hz_ub: float) -> None:
    path.parent.mkdir(parents=True)
    text = path.parent / "member.txt"
    rows = (f"{T0 + t:.0f} 1 {lumi_hz_ub} 0 0 0\n" for t in np.arange(0, 12_000, 600))
    text.write_text("".join(rows))
    with tarfile.open(path, "w:gz") as tar:
        tar.add(text, f"{FILL}/{FILL}_lumi_101_{experiment}.txt")


def test_an_archive_of_lhcb_counts_before_what_is_logged(fill: MakeFill, tmp_path: Path) -> None:
    folders = ["ATLAS/lumi", "CMS/lumi", "LHCb/lumi"]
    ctx = fill(massi_exp_folders=folders, massi_afs_path=f"{tmp_path}/massi/")
    logged(ctx.paths.extra_data, LHCB=5.0)
    path = tmp_path / "massi" / "LHCb" / "lumi" / f"{FILL}.tgz"
    archive(path, "LHCb", 0.8)
    found = run(ctx, with_partners(burning()), flat())
    share = 1.02 / (1.02 + 1.04)
    expected = 80 * MB * 1.02 * (2 * LUMI) / (2 * LUMI + 0.8e34 * share)
    assert found.beams[1].fill_sigma_m2[0] == close(expected, rel=1e-3)
    assert path in losses.STEP.optional(ctx.paths)


def test_a_damaged_archive_of_lhcb_is_an_error(fill: MakeFill, tmp_path: Path) -> None:
    folders = ["ATLAS/lumi", "CMS/lumi", "LHCb/lumi"]
    ctx = fill(massi_exp_folders=folders, massi_afs_path=f"{tmp_path}/massi/")
    path = tmp_path / "massi" / "LHCb" / "lumi" / f"{FILL}.tgz"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"garbage")
    with pytest.raises(BadInputError, match=str(path)):
        run(ctx, burning(), flat())


# --- pile-up and errors


def test_pileup_is_luminosity_times_the_inelastic_cross_section_over_frequency(
    fill: MakeFill,
) -> None:
    found = run(fill(sigma_inel_m2=80e-31, frev=11245.0), burning(), flat(1e38 / 2808))
    assert found.pileup["ATLAS"] == close(25.3, abs=0.05)  # the design of the LHC


def test_calculated_luminosity_has_the_noise_of_what_it_is_made_of(fill: MakeFill) -> None:
    sb = burning()
    rng = np.random.default_rng(1)
    shape = (N_TIMES, len(SLOTS))
    noisy = {
        key: replace(b, intensity_ppb=b.intensity_ppb * rng.normal(1, 0.01, shape))
        for key, b in sb.bunches.items()
        if key[1] == "coll"
    }
    found = run(fill(), replace(sb, bunches={**sb.bunches, **noisy})).lumi_calc_error["CMS"]
    assert found.statistical == close(0.01 * np.sqrt(2), rel=0.5)


def test_scale_errors_enter_the_calculated_luminosity_with_their_factors(fill: MakeFill) -> None:
    none = dict.fromkeys(("emittance", "bunch_length", "betastar"), 0.0)
    names = {f"{name}_error": value for name, value in none.items()}
    found = run(fill(**names, dcct_error=0.01), burning()).lumi_calc_error["ATLAS"]
    assert found.systematic == close(0.01 * np.sqrt(2))
    found = run(fill(**{**names, "emittance_error": 0.1}, dcct_error=0), burning())
    factor = found.lumi_calc_error["ATLAS"].systematic / 0.1
    assert 0.5 < factor < np.hypot(0.5, 0.5)


# --- families and frames


def test_families_are_of_all_bunches_of_a_beam(fill: MakeFill) -> None:
    found = run(fill(), with_partners(burning()), flat())
    one, two = found.beams[1].families, found.beams[2].families
    assert one.slots.tolist() == [10, 20, 30, 40]
    assert two.slots.tolist() == [10, 20, 30, 2680, 2700]
    assert one.collides_ip15.tolist() == [1, 1, 1, 0]
    assert one.collides_ip8.tolist() == [1, 0, 1, 0]
    assert two.collides_ip8.tolist() == [0, 0, 0, 1, 1]


def test_the_record_comes_back_as_it_was_saved(fill: MakeFill) -> None:
    ctx = fill()
    found = run(ctx, burning(), flat())
    again = FillLosses.from_dict(found.to_dict())
    assert to_frame(again).equals(to_frame(found))
    assert pickle.dumps(again.to_dict()) == pickle.dumps(found.to_dict())


def test_the_frame_has_cross_sections_families_and_pileup(fill: MakeFill) -> None:
    frame = to_frame(run(fill(), burning(), flat()))
    n = len(SLOTS)
    sizes = frame.groupby("part").size().to_dict()
    assert sizes == {
        "window": 2 * 6 * (n + 1),
        "fill": 2 * (n + 1),
        "families": 2 * (n + 1),
        "pileup": 2 * N_TIMES * n,
    }
    beam = frame[(frame.part == "fill") & (frame.slot == -1) & (frame.beam == 1)]
    assert beam.sigma_m2.tolist() == close([80 * MB * 1.03])
    alone = frame[(frame.part == "families") & (frame.slot == 40)]
    assert alone.position.tolist() == [0, 0]
    assert alone.train.tolist() == [3, 3]


# --- logged beta*


def logged_betastar(path: Path, cm: list[float]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    text = ""
    for ip in (1, 5):
        times = [datetime.fromtimestamp(T0 + t, timezone.utc) for t in (0, 3000)]
        rows = "".join(f"{at:%Y-%m-%d %H:%M:%S}.000,{of}\n" for at, of in zip(times, cm))
        text += f"VARIABLE: HX:BETASTAR_IP{ip}\n\nTimestamp (UTC_TIME),Value\n{rows}\n"
    path.write_text(text)


def test_a_logged_beta_star_is_kept_and_told_where_it_differs_from_the_one_in_use(
    fill: MakeFill, caplog: pytest.LogCaptureFixture
) -> None:
    ctx = fill(betastar_m=0.4)
    logged_betastar(ctx.paths.extra_data, [30.0, 25.0])
    found = run(ctx, burning(), flat())
    assert found.betastar_logged_m is not None
    for values in found.betastar_logged_m.values():
        assert values.tolist() == [0.30] * 10 + [0.25] * (N_TIMES - 10)
    assert "with beta* 0.40 m of config.py, but 0.30 to 0.25 m was logged" in caplog.text


def test_a_logged_beta_star_that_is_the_one_in_use_is_not_told(
    fill: MakeFill, caplog: pytest.LogCaptureFixture
) -> None:
    ctx = fill(betastar_m=0.3)
    logged_betastar(ctx.paths.extra_data, [30.0, 30.0])
    assert run(ctx, burning(), flat()).betastar_logged_m is not None
    assert "beta*" not in caplog.text


def test_without_a_logged_beta_star_or_with_it_in_use_there_is_none_to_compare(
    fill: MakeFill,
) -> None:
    assert run(fill(betastar_m=0.3), burning(), flat()).betastar_logged_m is None
    ctx = fill(betastar_m="measured")
    logged_betastar(ctx.paths.extra_data, [30.0, 25.0])
    assert run(ctx, burning(), flat()).betastar_logged_m is None


# --- archives of LHCb that are odd


def test_rows_that_are_dropped_of_the_archive_of_lhcb_are_noted(
    fill: MakeFill, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folders = ["ATLAS/lumi", "CMS/lumi", "LHCb/lumi"]
    ctx = fill(massi_exp_folders=folders, massi_afs_path=f"{tmp_path}/massi/")
    path = tmp_path / "massi" / "LHCb" / "lumi" / f"{FILL}.tgz"
    archive(path, "LHCb", 0.8)
    text = path.parent / "member.txt"
    text.write_text(text.read_text() + f"{T0 + 6000:.0f} 1 -5 0 0 0\n")
    with tarfile.open(path, "w:gz") as tar:
        tar.add(text, f"{FILL}/{FILL}_lumi_101_LHCb.txt")
    run(ctx, with_partners(burning()), flat())
    assert f"fill {FILL}: {path.name}: 1 of 21 rows dropped that have a negative lum" in caplog.text


def test_a_folder_of_archives_that_cannot_be_read_is_left_to_the_step(
    fill: MakeFill, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders = ["ATLAS/lumi", "CMS/lumi", "LHCb/lumi"]
    ctx = fill(massi_exp_folders=folders, massi_afs_path=f"{tmp_path}/massi/")

    def fail(folder: Path, _: int) -> None:
        raise PermissionError(13, "Permission denied", str(folder))

    monkeypatch.setattr("lumimod.readers.massi.find_archive", fail)
    assert ctx.paths.extra_data in losses.STEP.optional(ctx.paths)
    with pytest.raises(BadInputError, match=r"LHCb/lumi cannot be looked at \(Permission denied\)"):
        run(ctx, burning(), flat())
