"""Step emittance: emittances and separation from the measured luminosities."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from lumimod.errors import MissingStepError
from lumimod.physics.lumi_emittance import (
    Collision,
    Pairs,
    ScaleErrors,
    emittance_scale_errors,
)
from lumimod.records import CalculatedLumi, LumiEmittance, MeasuredLumi, StableBeams
from lumimod.records.frames import to_frame
from lumimod.records.store import load
from lumimod.steps import emittance, lumi
from lumimod.steps.context import FillContext

from .conftest import FILL, put, stable_beams

MakeFill = Callable[..., FillContext]


def run(ctx: FillContext, sb: StableBeams, **factor: float) -> LumiEmittance:
    """Run the step; experiments measure the calculated luminosity times their factor."""
    put(ctx.paths.sb, sb)
    lumi.run(ctx)
    calculated = load(ctx.paths.lumi_calc, CalculatedLumi).bunch_lumi
    measured = {exp: values * factor.get(exp, 1.0) for exp, values in calculated.items()}
    put(ctx.paths.lumi_meas, MeasuredLumi(measured))
    emittance.run(ctx)
    return load(ctx.paths.result("lumi_emittance"), LumiEmittance)


def mean_of_beams(sb: StableBeams, name: str) -> np.ndarray:
    return (getattr(sb.bunches[1, "coll"], name) + getattr(sb.bunches[2, "coll"], name)) / 2


@pytest.mark.parametrize("planes", [{1: "v", 5: "h"}, {1: "h", 5: "v"}])
def test_emittances_that_make_the_luminosity_are_found(
    fill: MakeFill, planes: dict[int, str]
) -> None:
    sb = replace(stable_beams(), crossing_plane=planes)
    found = run(fill(), sb)
    assert found.slots.tolist() == [10, 20, 30]
    assert found.emit_h_um == pytest.approx(mean_of_beams(sb, "emit_h_um"), rel=1e-9)
    assert found.emit_v_um == pytest.approx(mean_of_beams(sb, "emit_v_um"), rel=1e-9)
    assert found.ratio_h == pytest.approx(np.ones(13))
    assert found.ratio_v == pytest.approx(np.ones(13))


def test_a_scale_error_of_luminosity_is_seen_in_both_planes(fill: MakeFill) -> None:
    found = run(fill(), stable_beams(), ATLAS=1.02, CMS=1.02)
    assert np.all(found.ratio_h < 0.98)
    assert np.all(found.ratio_v < 0.98)
    # Both experiments shifted alike: more than by errors that are independent.
    names = ("dcct_error", "bunch_length_error", "betastar_error")
    only_lumi = run(fill(**dict.fromkeys(names, 0.0)), stable_beams())
    assert 0.015 < only_lumi.scale_error_h < 0.06
    assert only_lumi.scale_error_h < run(fill(), stable_beams()).scale_error_h


def test_noise_is_that_of_the_scatter(fill: MakeFill) -> None:
    sb = stable_beams(61)
    rng = np.random.default_rng(5)
    b = sb.bunches[1, "coll"]
    noisy = replace(b, length_m=b.length_m * rng.normal(1, 0.01, b.length_m.shape))
    ctx = fill()
    put(ctx.paths.sb, sb)
    lumi.run(ctx)
    put(ctx.paths.lumi_meas, MeasuredLumi(load(ctx.paths.lumi_calc, CalculatedLumi).bunch_lumi))
    put(ctx.paths.sb, replace(sb, bunches={**sb.bunches, (1, "coll"): noisy}))
    emittance.run(ctx)
    found = load(ctx.paths.result("lumi_emittance"), LumiEmittance)
    scatter = (found.emit_h_um - mean_of_beams(sb, "emit_h_um")).std(axis=0)
    assert found.noise_h_um == pytest.approx(scatter, rel=0.3)


def test_beams_that_cross_in_one_plane_give_nothing_and_it_is_said(
    fill: MakeFill, caplog: pytest.LogCaptureFixture
) -> None:
    found = run(fill(), replace(stable_beams(), crossing_plane={1: "h", 5: "h"}))
    assert np.isnan(found.emit_h_um).all()
    assert np.isnan(found.ratio_v).all()
    assert "no emittance from luminosity: the beams cross in plane H at both" in caplog.text


def test_a_bunch_without_luminosity_has_no_emittance(fill: MakeFill) -> None:
    ctx = fill()
    sb = stable_beams()
    put(ctx.paths.sb, sb)
    lumi.run(ctx)
    measured = dict(load(ctx.paths.lumi_calc, CalculatedLumi).bunch_lumi)
    measured["CMS"][:, 1] = np.nan
    put(ctx.paths.lumi_meas, MeasuredLumi(measured))
    emittance.run(ctx)
    found = load(ctx.paths.result("lumi_emittance"), LumiEmittance)
    assert np.isnan(found.emit_h_um).all(axis=0).tolist() == [False, True, False]
    assert found.ratio_h == pytest.approx(np.ones(13))


def test_without_measured_luminosity_the_step_says_what_it_lacks(fill: MakeFill) -> None:
    ctx = fill()
    put(ctx.paths.sb, stable_beams())
    lumi.run(ctx)
    with pytest.raises(MissingStepError, match=r"no measured luminosity: .*lumi_meas"):
        emittance.run(ctx)


def test_scale_errors_are_those_of_the_first_time(fill: MakeFill) -> None:
    ctx, sb = fill(), stable_beams(3)
    of_time = np.array([[1.0], [0.5], [0.2]])
    sb.xing_angle_rad[1][:], sb.xing_angle_rad[5][:] = 300e-6 * of_time[:, 0], 280e-6
    for beam in (1, 2):
        sb.bunches[beam, "coll"].intensity_ppb[:] *= of_time
        sb.bunches[beam, "coll"].length_m[:] /= of_time
    betastar_m = {1: np.array([0.3, 0.6, 1.0]), 5: np.array([0.4, 0.7, 1.5])}
    lumi_m2s = {"ATLAS": 5e33 * of_time**2 * np.ones(3), "CMS": 4.5e33 * of_time * np.ones(3)}
    pairs = emittance._pairs(sb, MeasuredLumi(lumi_m2s), betastar_m)
    first = Pairs(
        Collision(lumi_m2s["ATLAS"][0], "v", 300e-6, 0.3),
        Collision(lumi_m2s["CMS"][0], "h", 280e-6, 0.4),
        sb.bunches[1, "coll"].intensity_ppb[0],
        sb.bunches[2, "coll"].intensity_ppb[0],
        mean_of_beams(sb, "length_m")[0],
    )
    of = ctx.cfg.uncertainties
    errors = ScaleErrors(of.lumi_scale, of.dcct, of.bunch_length, of.betastar)
    expected = emittance_scale_errors(first, errors, gamma=6927.64, f_rev_hz=11245.5)
    assert np.isfinite(expected).all()
    found = emittance._scale_errors(ctx, pairs)
    assert found == pytest.approx([np.median(each) for each in expected], rel=1e-12)


def test_saved_results_give_what_those_of_the_same_run_give_and_none_is_kept(
    fill: MakeFill,
) -> None:
    ctx = fill(leveling={FILL: 1e37})
    run(ctx, stable_beams())
    path = ctx.paths.result("lumi_emittance")
    of_the_run = path.read_bytes()
    assert path not in ctx._results
    emittance.run(fill(leveling={FILL: 1e37}))
    assert path.read_bytes() == of_the_run


def test_the_ratio_of_a_time_without_any_emittance_is_no_number() -> None:
    emit_um = np.array([[2.0, 4.0, np.nan], [np.nan, np.nan, np.nan]])
    sb = stable_beams(2)
    found = emittance._ratio(sb, "h", emit_um)
    assert found.dtype == float
    expected = np.median((emit_um / mean_of_beams(sb, "emit_h_um"))[0, :2])
    assert found == pytest.approx([expected, np.nan], nan_ok=True)


# --- levelling by separation


def test_separation_of_a_levelled_fill_is_found(fill: MakeFill) -> None:
    sb = stable_beams()
    found = run(fill(leveling={FILL: 1e37}), sb, ATLAS=np.exp(-1), CMS=np.exp(-0.25))
    size_m = np.sqrt(mean_of_beams(sb, "emit_h_um") * 1e-6 / 6927.64 * 0.3).mean(axis=1)
    assert found.separation_m["ATLAS"] == pytest.approx(2 * size_m, rel=1e-4)  # plane of h
    size_m = np.sqrt(mean_of_beams(sb, "emit_v_um") * 1e-6 / 6927.64 * 0.3).mean(axis=1)
    assert found.separation_m["CMS"] == pytest.approx(size_m, rel=1e-4)


def test_beams_with_more_luminosity_than_calculated_meet(fill: MakeFill) -> None:
    found = run(fill(leveling={FILL: 1e37}), stable_beams(), ATLAS=1.01)
    assert not found.separation_m["ATLAS"].any()


def test_while_a_fill_is_levelled_luminosity_tells_no_emittance(fill: MakeFill) -> None:
    sb = stable_beams(37)
    total = run(fill(), sb)
    assert np.isfinite(total.emit_h_um).all()
    assert total.separation_m == {}
    ctx = fill()
    level = load(ctx.paths.lumi_calc, CalculatedLumi).bunch_lumi["ATLAS"].sum(axis=1)[18]
    found = run(fill(leveling={FILL: float(level)}), sb)
    above = np.isnan(found.emit_h_um).all(axis=1)
    assert above[:18].all()
    assert not above[19:].any()


def test_a_fill_is_levelled_while_one_experiment_has_more_than_the_level(fill: MakeFill) -> None:
    ctx, sb = fill(leveling={FILL: 4e34}), stable_beams(4, coll=(10, 20))
    bunch_lumi = {
        "ATLAS": 1e34 * np.array([[2.0, 3.0], [2.0, 2.0], [1.0, np.nan], [0.0, 0.0]]),
        "CMS": 1e34 * np.array([[1.0, 1.0], [1.0, 1.0], [3.0, 2.0], [4.0, np.nan]]),
    }
    put(ctx.paths.lumi_calc, CalculatedLumi(sb.time_s, bunch_lumi, sb.xing_angle_rad))
    assert emittance._levelled(ctx).tolist() == [True, False, True, False]
    ctx = fill()
    put(ctx.paths.lumi_calc, CalculatedLumi(sb.time_s, bunch_lumi, sb.xing_angle_rad))
    assert not emittance._levelled(ctx).any()


def test_bunches_of_which_either_luminosity_is_unknown_do_not_count_for_the_separation(
    fill: MakeFill,
) -> None:
    nan = np.nan
    measured = np.array([[1.0, 2.0, nan], [1.0, nan, nan], [1.0, 1.0, 2.0], [nan, 1.0, nan]])
    calculated = np.array([[2.0, nan, 3.0], [4.0, 5.0, nan], [2.0, 3.0, 5.0], [1.0, nan, nan]])
    ctx, sb = fill(leveling={FILL: 1e37}), stable_beams(4)
    both = {exp: calculated for exp in ("ATLAS", "CMS")}
    put(ctx.paths.lumi_calc, CalculatedLumi(sb.time_s, both, sb.xing_angle_rad))
    found = emittance._separations(
        ctx,
        sb,
        MeasuredLumi({exp: measured for exp in both}),
        {1: np.full(4, 0.3), 5: np.full(4, 0.3)},
    )
    for exp, name in (("ATLAS", "emit_h_um"), ("CMS", "emit_v_um")):  # planes of separation
        size_m = np.sqrt(mean_of_beams(sb, name) * 1e-6 / 6927.64 * 0.3)
        ratio = np.array([2.0, 4.0, 10 / 4])
        sigma_m = np.array([size_m[0, 0], size_m[1, 0], size_m[2].mean()])
        expected = 2 * sigma_m * np.sqrt(np.log(ratio))
        assert found[exp][:3] == pytest.approx(expected, rel=1e-9, abs=0)
        assert np.isnan(found[exp][3])


# --- the record


@pytest.mark.parametrize("leveling", [{}, {FILL: 1e37}])
def test_the_record_comes_back_as_it_was_saved(fill: MakeFill, leveling: dict[int, float]) -> None:
    found = run(fill(leveling=leveling), stable_beams())
    again = LumiEmittance.from_dict(found.to_dict())
    assert pickle.dumps(again.to_dict()) == pickle.dumps(found.to_dict())


def test_the_frame_has_a_row_of_each_bunch_and_one_of_all(fill: MakeFill) -> None:
    frame = to_frame(run(fill(leveling={FILL: 1e40}), stable_beams()))
    assert len(frame) == 13 * 3 + 13
    whole = frame[frame.slot == -1]
    assert whole.ratio_h.tolist() == pytest.approx([1.0] * 13)
    assert whole.separation_CMS_m.notna().all()
    assert frame[frame.slot == 20].emit_h_um.notna().all()
