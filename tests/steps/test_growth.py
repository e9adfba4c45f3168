"""Step growth: emittance growth beyond the model."""

from __future__ import annotations

import pickle
from collections.abc import Callable

import numpy as np
import pytest

from lumimod.records import GrowthBeyond, StableBeams
from lumimod.records.frames import to_frame
from lumimod.records.store import load
from lumimod.steps import growth, model
from lumimod.steps.context import FillContext
from lumimod.steps.empirical_steps import EmpiricalSteps, StepEmittances

from .conftest import put, stable_beams

MakeFill = Callable[..., FillContext]
TWO_CASES = {
    "cases": [1, "high"],
    **{f"correction_factor_{beam}": [1.0, 1.2] for beam in ("1h", "1v", "2h", "2v")},
}


def run(ctx: FillContext, sb: StableBeams) -> GrowthBeyond:
    put(ctx.paths.sb, sb)
    model.run(ctx)
    growth.run(ctx)
    return load(ctx.paths.result("growth"), GrowthBeyond)


def test_growth_beyond_damping_is_found_in_the_vertical_plane(fill: MakeFill) -> None:
    # 2.2 um grow by 1/360000 a second; the model only damps them (and scatters, which is little).
    sb = stable_beams(37)
    found = run(fill(sigma_el_m2=0.0, doSBModel=True), sb)
    assert found.model == "EmpiricalBlowupLosses"
    for beam in (1, 2):
        emit_um = sb.bunches[beam, "noncoll"].emit_v_um
        own = 2.2 * (1 + 0.02 * beam)
        damped = emit_um[:-2].mean() * (1 - np.exp(-2 * 300 / (64.7 * 3600))) * 12
        expected = own * 3600 / 360_000 + damped
        one = found.cases["1"][beam, "noncoll"].planes["v"]
        assert one.growth_um_h == pytest.approx(expected, rel=1e-3)
        assert one.of_ends_um_h == pytest.approx(expected, rel=1e-3)


def test_factors_of_a_case_are_on_what_was_measured(fill: MakeFill) -> None:
    sb = stable_beams(37)
    found = run(fill(sigma_el_m2=0.0, doSBModel=True, **TWO_CASES), sb)
    assert list(found.cases) == ["1", "high"]
    usual, high = (found.cases[case][2, "coll"].planes["v"] for case in found.cases)
    assert high.growth_um_h == pytest.approx(1.2 * usual.growth_um_h, rel=1e-6)
    assert usual.error_um_h == pytest.approx(high.error_um_h / 1.2, rel=0.1)


def test_the_sum_is_the_mean_of_the_bunches_by_time(fill: MakeFill) -> None:
    found = run(fill(doSBModel=True), stable_beams()).cases["1"][1, "coll"]
    one = found.planes["h"]
    assert found.slots.tolist() == [10, 20, 30]
    assert one.summed_um.shape == (12,)
    assert one.summed_um[0] == 0
    hours = 11 * 300 / 3600
    assert one.summed_um[-1] / hours == pytest.approx(one.of_ends_um_h.mean())


@pytest.mark.parametrize(
    ("names", "why"),
    [
        ({"doSBModel": False}, "doSBModel is False"),
        ({"doSBModel": True, "saveDict": False, "savePandas": True}, "saveDict is False"),
        (
            {"doSBModel": True, "models": ["IBSBOff"]},
            "models has none of EmpiricalBlowupLosses, EmpiricalBlowupBOff",
        ),
        ({"doSBModel": True, "models": ["IBSBOff", "EmpiricalBlowupBOff"]}, ""),
    ],
)
def test_without_a_model_that_follows_the_data_there_is_no_growth(
    fill: MakeFill, names: dict[str, object], why: str
) -> None:
    assert growth.STEP.disabled(fill(**names).cfg).startswith(why)
    assert bool(growth.STEP.disabled(fill(**names).cfg)) is bool(why)
    assert growth._model(fill(models=["IBSBOff"]).cfg) == ""


def test_another_model_that_follows_the_data_does(fill: MakeFill) -> None:
    found = run(fill(doSBModel=True, models=["EmpiricalBlowupBOff"]), stable_beams())
    assert found.model == "EmpiricalBlowupBOff"


def test_a_family_without_bunches_has_empty_arrays(fill: MakeFill) -> None:
    found = run(fill(doSBModel=True), stable_beams(noncoll=())).cases["1"][1, "noncoll"]
    assert found.planes["h"].growth_um_h.size == 0
    assert np.isnan(found.planes["h"].summed_um).all()


def test_the_sum_of_no_bunches_is_no_number_at_any_time() -> None:
    sb, none = stable_beams(noncoll=()), np.empty((12, 0))
    steps = StepEmittances(none, none, none, none)
    found = growth._plane(sb, sb.bunches[1, "noncoll"], steps, "h", 1.0).summed_um
    assert found.dtype == float
    assert found.shape == (12,)
    assert np.isnan(found).all()


def test_steps_of_the_same_run_are_taken_without_reading_the_model(fill: MakeFill) -> None:
    ctx = fill(doSBModel=True)
    put(ctx.paths.sb, stable_beams())
    model.run(ctx)
    (case,) = ctx.cfg.model.cases
    path = ctx.paths.model(case)
    path.unlink()
    assert growth._steps(path, ctx) is ctx.part(path, EmpiricalSteps)


def test_the_record_comes_back_as_it_was_saved(fill: MakeFill) -> None:
    found = run(fill(doSBModel=True, **TWO_CASES), stable_beams())
    again = GrowthBeyond.from_dict(found.to_dict())
    assert pickle.dumps(again.to_dict()) == pickle.dumps(found.to_dict())


def test_the_frame_has_a_row_of_each_bunch_and_one_of_all_by_time(fill: MakeFill) -> None:
    frame = to_frame(run(fill(doSBModel=True), stable_beams()))
    assert len(frame) == 2 * (3 + 1) + 4 * 12
    assert set(frame.case) == {"1"}
    assert frame[frame.slot == 20].growth_v_um_h.notna().all()
    assert frame[frame.slot == -1].summed_h_um.notna().all()


def test_saved_models_give_what_those_of_the_same_run_give(fill: MakeFill) -> None:
    ctx = fill(doSBModel=True, **TWO_CASES)
    run(ctx, stable_beams(37))
    path = ctx.paths.result("growth")
    of_the_run = path.read_bytes()
    assert path not in ctx._results  # no later step reads it
    growth.run(fill(doSBModel=True, **TWO_CASES))
    assert path.read_bytes() == of_the_run
