"""Step model: five models of stable beams, and what of them is saved."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import lumimod
from lumimod.errors import ConfigError, MissingStepError
from lumimod.physics.ibs import ibs_map
from lumimod.records import (
    CalculatedLumi,
    ModelResult,
    StableBeams,
    StableBeamsModel,
)
from lumimod.records.made import Made
from lumimod.records.store import load
from lumimod.steps import lumi, model
from lumimod.steps.context import FillContext, StepInProgress
from lumimod.tables.ibs import ibs_of

from .conftest import FILL, put, stable_beams

MakeFill = Callable[..., FillContext]
ALL = (
    "EmpiricalBlowupLosses",
    "EmpiricalBlowupBOff",
    "IBSBOff",
    "IBSLosses",
    "EmpiricalblengthLosses",
)
INTENSITY = {"EmpiricalBlowupLosses", "IBSLosses", "EmpiricalblengthLosses"}
EMITTANCE = {"EmpiricalBlowupLosses", "EmpiricalBlowupBOff"}
LENGTH = {"EmpiricalblengthLosses"}
by_model = pytest.mark.parametrize("name", ALL)
SIGMA_M2 = 80e-31


def run(ctx: FillContext, sb: StableBeams | None = None) -> dict[str, ModelResult]:
    put(ctx.paths.sb, sb or stable_beams())
    model.run(ctx)
    return dict(load(ctx.paths.models[0], StableBeamsModel).models)


# --- what follows the data


@pytest.mark.slow
@by_model
@pytest.mark.parametrize(
    ("column", "followers"),
    [
        ("intensity_ppb", INTENSITY),
        ("emit_h_um", EMITTANCE),
        ("emit_v_um", EMITTANCE),
        ("length_m", LENGTH),
    ],
)
def test_a_colliding_bunch_follows_the_data_where_its_model_says_so(
    fill: MakeFill, name: str, column: str, followers: set[str]
) -> None:
    sb = stable_beams()
    for beam in (1, 2):
        found = getattr(run(fill(), sb)[name].bunches[beam, "coll"], column)
        data = getattr(sb.bunches[beam, "coll"], column)
        assert found[0] == pytest.approx(data[0])
        if name in followers:
            assert np.array_equal(found, data[:-1])
        else:
            assert np.all(found[1:] != data[1:-1])


@by_model
def test_a_noncolliding_bunch_always_takes_its_intensity_from_the_data(
    fill: MakeFill, name: str
) -> None:
    sb = stable_beams()
    found = run(fill(), sb)[name].bunches[2, "noncoll"].intensity_ppb
    assert np.array_equal(found, sb.bunches[2, "noncoll"].intensity_ppb[:-1])


# --- one step of it


def test_emittances_grow_by_the_map_and_elastic_scattering(fill: MakeFill) -> None:
    sb = stable_beams()
    found = run(fill(), sb)["IBSBOff"]
    bunches, start = found.bunches[1, "coll"], sb.bunches[1, "coll"]
    n, h, v, length = (
        getattr(start, name)[0] for name in ("intensity_ppb", "emit_h_um", "emit_v_um", "length_m")
    )
    emit_h, bl4s = ibs_map(ibs_of(6927.64, 12e6), 300.0, n, h, length * 4 / 299_792_458)
    mean_lumi = (found.bunch_lumi["ATLAS"][0] + found.bunch_lumi["CMS"][0]) / 2
    angle2 = 1 / (19.9 * 6500**2)
    rate = 2 * mean_lumi * 29.7e-31 / n
    elastic = 0.5 * 6927.64 * 0.3 * angle2 / 2 * rate * 300 * 1e6
    assert bunches.emit_h_um[1] == pytest.approx(emit_h + elastic, rel=1e-12)
    damped = v * np.exp(-2 * 300 / (64.7 * 3600))
    assert bunches.emit_v_um[1] == pytest.approx(damped + elastic, rel=1e-12)
    assert bunches.length_m[1] == pytest.approx(bl4s / 4 * 299_792_458, rel=1e-12)


def test_each_experiment_has_its_own_beta_star(fill: MakeFill) -> None:
    sb = replace(stable_beams(), xing_angle_rad={ip: np.zeros(13) for ip in (1, 5)})
    found = run(fill(betastar_m={(FILL, FILL + 1): [0.3, 0.6]}), sb)["IBSBOff"].bunch_lumi
    assert found["ATLAS"] == pytest.approx(2 * found["CMS"])


def test_a_bunch_scatters_by_the_luminosity_and_the_beta_star_of_each_experiment(
    fill: MakeFill,
) -> None:
    sb = stable_beams()
    found = run(fill(betastar_m={(FILL, FILL + 1): [0.3, 0.6]}), sb)["IBSBOff"]
    bunches, start = found.bunches[1, "coll"], sb.bunches[1, "coll"]
    weighted = 0.3 * found.bunch_lumi["ATLAS"][0] + 0.6 * found.bunch_lumi["CMS"][0]
    angle2 = 1 / (19.9 * 6500**2)
    rate_m_s = 0.5 * 6927.64 * angle2 / 2 * weighted * 29.7e-31 / start.intensity_ppb[0]
    damped = start.emit_v_um[0] * np.exp(-2 * 300 / (64.7 * 3600))
    elastic = bunches.emit_v_um[1] - damped
    assert elastic == pytest.approx(rate_m_s * 300 * 1e6, rel=1e-9)


def test_bunches_burn_off_at_both_interaction_points(fill: MakeFill) -> None:
    sb = stable_beams()
    found = run(fill(), sb)["EmpiricalBlowupBOff"]
    n = found.bunches[2, "coll"].intensity_ppb
    mean_lumi = (found.bunch_lumi["ATLAS"] + found.bunch_lumi["CMS"])[:-1] / 2
    burnt = n[:-1] / (1 + 300 * SIGMA_M2 * 2 * mean_lumi / n[:-1])
    assert n[1:] == pytest.approx(burnt, rel=1e-12)


def test_noncolliding_bunches_do_not_scatter(fill: MakeFill) -> None:
    sb = stable_beams()
    bunches = run(fill(), sb)["IBSBOff"].bunches[1, "noncoll"]
    damped = bunches.emit_v_um[0] * np.exp(-2 * 300 / (64.7 * 3600))
    assert bunches.emit_v_um[1] == pytest.approx(damped, rel=1e-12)


def test_steps_are_modelled_from_the_data_where_the_state_follows_it(fill: MakeFill) -> None:
    sb = stable_beams()
    bunches = run(fill(), sb)["EmpiricalBlowupLosses"].bunches[1, "noncoll"]
    data = sb.bunches[1, "noncoll"].emit_v_um
    damped = data[:-2] * np.exp(-2 * 300 / (64.7 * 3600))
    assert bunches.emit_v_step_um[1:] == pytest.approx(damped, rel=1e-12)
    assert np.array_equal(bunches.emit_v_step_um[0], data[0])


def test_where_emittances_are_modelled_a_step_is_the_state(fill: MakeFill) -> None:
    bunches = run(fill())["IBSLosses"].bunches[1, "coll"]
    assert np.array_equal(bunches.emit_h_step_um, bunches.emit_h_um)


def test_luminosity_of_the_data_is_the_calculated_one(fill: MakeFill) -> None:
    ctx = fill()
    sb = stable_beams()
    # Lengths are modelled in this model, so the first time alone has those of the data.
    found = run(ctx, sb)["EmpiricalBlowupLosses"].bunch_lumi
    lumi.run(ctx)
    calculated = load(ctx.paths.lumi_calc, CalculatedLumi).bunch_lumi
    for experiment in ("ATLAS", "CMS"):
        assert found[experiment][0] == pytest.approx(calculated[experiment][0], rel=1e-12)
        assert found[experiment].shape == (12, 3)


@pytest.mark.parametrize(
    ("step_s", "told"), [(299, True), (300, False), (3600, False), (3601, True)]
)
def test_a_step_for_which_the_map_was_not_made_is_told(
    fill: MakeFill, step_s: float, told: bool, caplog: pytest.LogCaptureFixture
) -> None:
    run(fill(t_step_sec=step_s), stable_beams(step_s=step_s))
    assert ("do not trust the modelled growth" in caplog.text) is told


# --- cases


def test_every_case_has_a_file_of_its_own(fill: MakeFill) -> None:
    ctx = fill(
        cases=[1, "low"],
        correction_factor_1h=[1, 0.9],
        correction_factor_1v=[1, 0.8],
        correction_factor_2h=[1, 0.7],
        correction_factor_2v=[1, 0.6],
    )
    sb = stable_beams()
    put(ctx.paths.sb, sb)
    model.run(ctx)
    names = sorted(path.name for path in ctx.paths.folder.glob("*sbmodel*"))
    assert names == ["fill_5845_sbmodel_case1.pkl.gz", "fill_5845_sbmodel_caselow.pkl.gz"]
    low = load(ctx.paths.models[1], StableBeamsModel).models["IBSBOff"]
    for beam, plane, factor in ((1, "h", 0.9), (1, "v", 0.8), (2, "h", 0.7), (2, "v", 0.6)):
        for family in ("coll", "noncoll"):
            found = getattr(low.bunches[beam, family], f"emit_{plane}_um")[0]
            data = getattr(sb.bunches[beam, family], f"emit_{plane}_um")[0]
            assert found == pytest.approx(factor * data)


def test_smaller_emittances_give_more_luminosity(fill: MakeFill) -> None:
    names = {f"correction_factor_{p}": [1, 0.9] for p in ("1h", "1v", "2h", "2v")}
    ctx = fill(cases=[1, 2], **names)
    put(ctx.paths.sb, stable_beams())
    model.run(ctx)
    one, two = (load(path, StableBeamsModel).models["IBSBOff"] for path in ctx.paths.models)
    assert np.all(two.bunch_lumi["CMS"][0] > one.bunch_lumi["CMS"][0])


# --- leveling


def test_leveling_caps_the_total_and_keeps_the_share_of_each_bunch(fill: MakeFill) -> None:
    free = run(fill())["IBSBOff"].bunch_lumi["ATLAS"]
    cap = 0.5 * float(free[0].sum())
    levelled = run(fill(leveling={FILL: cap}))["IBSBOff"].bunch_lumi["ATLAS"]
    assert levelled.sum(axis=1) == pytest.approx(cap)
    assert levelled[0] / cap == pytest.approx(free[0] / free[0].sum())


def test_leveling_of_another_fill_does_not_matter(fill: MakeFill) -> None:
    free = run(fill())["IBSBOff"].bunch_lumi["ATLAS"]
    other = run(fill(leveling={FILL + 1: 1e30}))["IBSBOff"].bunch_lumi["ATLAS"]
    assert np.array_equal(other, free)


def test_a_level_above_the_luminosity_does_not_matter(fill: MakeFill) -> None:
    free = run(fill())["IBSBOff"].bunch_lumi["CMS"]
    assert np.array_equal(run(fill(leveling={FILL: 1e40}))["IBSBOff"].bunch_lumi["CMS"], free)


def test_a_levelled_fill_burns_off_more_slowly(fill: MakeFill) -> None:
    free = run(fill())["IBSBOff"].bunches[1, "coll"].intensity_ppb
    levelled = run(fill(leveling={FILL: 1e34}))["IBSBOff"].bunches[1, "coll"].intensity_ppb
    assert np.all(levelled[1:] > free[1:])


# --- poor data


def test_a_bunch_without_an_emittance_is_nan_and_the_others_are_not(fill: MakeFill) -> None:
    sb = stable_beams()
    emit = sb.bunches[1, "coll"].emit_h_um.copy()
    emit[:, 1] = np.nan
    holed: Any = {**sb.bunches, (1, "coll"): replace(sb.bunches[1, "coll"], emit_h_um=emit)}
    found = run(fill(), replace(sb, bunches=holed))["IBSBOff"].bunch_lumi["ATLAS"]
    assert np.isnan(found).all(axis=0).tolist() == [False, True, False]
    assert np.isfinite(found[:, [0, 2]]).all()


def test_a_fill_without_noncolliding_bunches_will_do(fill: MakeFill) -> None:
    found = run(fill(), stable_beams(noncoll=[]))["IBSBOff"]
    assert found.bunches[1, "noncoll"].emit_h_um.shape == (12, 0)
    assert np.isfinite(found.bunches[1, "coll"].emit_h_um).all()


def test_beams_with_different_numbers_of_noncolliding_bunches_will_do(fill: MakeFill) -> None:
    one, two = stable_beams(noncoll=[1, 2, 3]), stable_beams(noncoll=[7])
    bunches: Any = {**one.bunches, (2, "noncoll"): two.bunches[2, "noncoll"]}
    found = run(fill(), replace(one, bunches=bunches))["IBSLosses"].bunches
    assert found[1, "noncoll"].emit_h_um.shape == (12, 3)
    assert found[2, "noncoll"].emit_h_um.shape == (12, 1)
    assert found[2, "noncoll"].length_m[0] == pytest.approx(two.bunches[2, "noncoll"].length_m[0])


def test_an_energy_that_the_model_does_not_know_is_an_error_before_any_file(
    fill: MakeFill,
) -> None:
    ctx = fill(gammaFT=5329.0, cases=[1, 2], **{
        f"correction_factor_{p}": [1, 1] for p in ("1h", "1v", "2h", "2v")
    })  # fmt: skip
    put(ctx.paths.sb, stable_beams())
    with pytest.raises(ConfigError, match="no intra-beam-scattering coefficients for 5000 GeV"):
        model.run(ctx)
    assert list(ctx.paths.folder.glob("*sbmodel*")) == []


def test_without_stable_beams_the_step_that_makes_them_is_named(fill: MakeFill) -> None:
    with pytest.raises(MissingStepError, match=r"fill_5845\.pkl\.gz is missing"):
        model.run(fill())


# --- the file


def saved(ctx: FillContext) -> dict[str, Any]:
    put(ctx.paths.sb, stable_beams())
    model.run(ctx)
    return lumimod.load(ctx.paths.models[0])


def test_the_file_holds_the_configured_models_alone(fill: MakeFill) -> None:
    assert set(saved(fill())) == set(ALL)
    assert set(saved(fill(models=["IBSLosses", "IBSBOff"]))) == {"IBSLosses", "IBSBOff"}


def test_a_model_is_the_same_whatever_runs_beside_it(fill: MakeFill) -> None:
    together = run(fill())["IBSLosses"]
    alone = run(fill(models=["IBSLosses"]))["IBSLosses"]
    for key, bunches in alone.bunches.items():
        for column, values in vars(bunches).items():
            assert np.array_equal(values, getattr(together.bunches[key], column)), column


@by_model
def test_the_file_has_the_documented_keys(fill: MakeFill, name: str) -> None:
    data = saved(fill())[name]
    arrays = ["eh_interp_{}", "ev_interp_{}", "eh_interp_{}_IBScorr", "ev_interp_{}_IBScorr",
              "b_inten_interp_{}", "bl_interp_m_{}"]  # fmt: skip
    keys = {a.format(f) for a in arrays for f in ("coll", "noncoll")}
    assert set(data) == {"settings", "case", "time_range", "bunch_lumi"} | keys
    assert data["time_range"].shape == (13,)
    for key in keys:
        n_slots = 1 if "noncoll" in key else 3
        assert {b: v.shape for b, v in data[key].items()} == dict.fromkeys((1, 2), (12, n_slots))
    assert {e: v.shape for e, v in data["bunch_lumi"].items()} == dict.fromkeys(
        ("ATLAS", "CMS"), (12, 3)
    )


@by_model
def test_the_settings_tell_what_is_modelled(fill: MakeFill, name: str) -> None:
    found = saved(fill())[name]["settings"]
    assert found["BOff"] == int(name not in INTENSITY)
    assert found["emitBU"] == ("EmpiricalBlowup" if name in EMITTANCE else "Model")
    assert found["blengthBU"] == ("EmpiricalBlowup" if name in LENGTH else "Model")
    for plane in "hv":
        for beam in (1, 2):
            for family, n_slots in (("coll", 3), ("noncoll", 1)):
                tau = found[f"tau_empirical_{plane}{beam}_{family}"]
                if name in EMITTANCE | LENGTH:
                    assert tau.tolist() == [-111.0] * n_slots
                else:
                    assert tau is None


def test_the_case_entry_lists_all_cases_and_their_factors(fill: MakeFill) -> None:
    names = {f"correction_factor_{p}": [1.0, f] for p, f in
             (("1h", 0.9), ("1v", 0.8), ("2h", 0.7), ("2v", 0.6))}  # fmt: skip
    assert saved(fill(cases=[1, 2], **names))["IBSBOff"]["case"] == {
        "case": [1, 2],
        "cor_fact_1h": [1.0, 0.9],
        "cor_fact_1v": [1.0, 0.8],
        "cor_fact_2h": [1.0, 0.7],
        "cor_fact_2v": [1.0, 0.6],
    }


def test_what_models_share_is_stored_once(fill: MakeFill) -> None:
    data = saved(fill())
    one, two = data["EmpiricalBlowupLosses"], data["EmpiricalBlowupBOff"]
    assert one["eh_interp_coll"][1] is two["eh_interp_coll"][1]


@by_model
def test_a_modelled_emittance_is_stored_once_and_a_step_from_the_data_beside_it(
    fill: MakeFill, name: str
) -> None:
    data = saved(fill())[name]
    for plane in "hv":
        for family in ("coll", "noncoll"):
            state = data[f"e{plane}_interp_{family}"][2]
            step = data[f"e{plane}_interp_{family}_IBScorr"][2]
            assert (step is state) == (name not in EMITTANCE)


def test_the_frame_is_saved_where_asked_for(fill: MakeFill) -> None:
    ctx = fill(savePandas=True, saveDict=False)
    put(ctx.paths.sb, stable_beams())
    model.run(ctx)
    assert not ctx.paths.models[0].exists()
    frame = lumimod.load(ctx.paths.folder / "fill_5845_sbmodel_case1_df.pkl.gz")
    assert len(frame) == 5 * 12 * 2 * 4


# --- with all effects

STEPS_S = (60.0, 300.0, 600.0, 1800.0)


@pytest.mark.slow
@by_model
def test_with_the_full_physics_the_step_does_not_matter(fill: MakeFill, name: str) -> None:
    ends = []
    for step_s in STEPS_S:
        sb = stable_beams(round(7200 / step_s) + 1, step_s=step_s)
        ctx = fill(physics="full", t_step_sec=step_s, models=[name])
        bunches = run(ctx, sb)[name].bunches[1, "coll"]
        at = round(3600 / step_s)
        columns = ("intensity_ppb", "emit_h_um", "emit_v_um", "length_m")
        ends.append(np.stack([getattr(bunches, column)[at] for column in columns]))
    for end in ends[1:]:
        assert np.abs(end / ends[0] - 1).max() < 5e-5  # asked for: 5e-4


def test_with_the_full_physics_a_step_is_all_effects_at_once(fill: MakeFill) -> None:
    sb = stable_beams()
    growth = {"1h": 0.1, "1v": 0.2, "2h": 0.3, "2v": 0.4}
    ctx = fill(physics="full", extra_growth={"stable beams": growth})
    with_growth = run(ctx, sb)["IBSBOff"]
    without = run(fill(physics="full"), sb)["IBSBOff"]
    for beam, plane, um_h in ((1, "h", 0.1), (1, "v", 0.2), (2, "h", 0.3), (2, "v", 0.4)):
        for family in ("coll", "noncoll"):
            more, less = (
                getattr(found.bunches[beam, family], f"emit_{plane}_um")[1]
                for found in (with_growth, without)
            )
            assert more - less == pytest.approx(um_h * 300 / 3600, rel=1e-2)


def test_burn_off_of_the_core_widens_colliding_bunches_alone(fill: MakeFill) -> None:
    sb = stable_beams()
    plain, core = (run(fill(ibs="rates", core_burnoff=on), sb)["IBSBOff"] for on in (False, True))
    lost = 1 - core.bunches[1, "coll"].intensity_ppb[1] / core.bunches[1, "coll"].intensity_ppb[0]
    for plane in ("h", "v"):
        wider = (
            getattr(core.bunches[1, "coll"], f"emit_{plane}_um")[1]
            / getattr(plain.bunches[1, "coll"], f"emit_{plane}_um")[1]
        )
        assert ((wider - 1) / lost > 0.125).all()  # a quarter of the loss at one experiment
        assert ((wider - 1) / lost < 0.25).all()
        name = f"emit_{plane}_um"
        assert np.array_equal(
            getattr(core.bunches[1, "noncoll"], name), getattr(plain.bunches[1, "noncoll"], name)
        )


def test_extra_losses_are_those_of_each_beam(fill: MakeFill) -> None:
    sb = stable_beams()
    plain = run(fill(ibs="rates"), sb)["EmpiricalBlowupBOff"]
    lossy = run(fill(ibs="rates", extra_lifetime={1: 20 * 3600}), sb)["EmpiricalBlowupBOff"]
    kept = [
        lossy.bunches[b, "coll"].intensity_ppb[1] / plain.bunches[b, "coll"].intensity_ppb[1]
        for b in (1, 2)
    ]
    assert kept[0] == pytest.approx(np.exp(-300 / 72_000), rel=1e-6)
    assert kept[1] == pytest.approx(1, abs=1e-4)  # the other beam gets weaker
    more = run(fill(ibs="rates", extra_cross_section={1: 80e-31}), sb)["EmpiricalBlowupBOff"]
    losses = [
        1 - found.bunches[1, "coll"].intensity_ppb[1] / found.bunches[1, "coll"].intensity_ppb[0]
        for found in (plain, more)
    ]
    assert losses[1] == pytest.approx(2 * losses[0], rel=1e-2)


@pytest.mark.parametrize("step_s", [60.0, 5400.0])
def test_with_rates_every_step_will_do(
    fill: MakeFill, step_s: float, caplog: pytest.LogCaptureFixture
) -> None:
    run(fill(t_step_sec=step_s, ibs="rates"), stable_beams(step_s=step_s))
    assert caplog.records == []


def test_settings_that_concern_the_cycle_alone_leave_the_models_byte_for_byte(
    fill: MakeFill,
) -> None:
    plain = fill()
    saved(plain)
    before = plain.paths.models[0].read_bytes()
    other = fill(damping=True, extra_growth={"injection": 0.3}, c_minus_FT=0.01)
    saved(other)
    assert other.paths.models[0].read_bytes() == before


def test_an_energy_with_rates_alone_is_modelled_by_them(fill: MakeFill) -> None:
    ctx = fill(physics="full", gammaFT=7247.4, VRF_FT=14e6)
    assert np.isfinite(run(ctx)["IBSBOff"].bunches[1, "coll"].emit_h_um).all()


def test_without_rates_for_the_energy_no_case_is_made(fill: MakeFill) -> None:
    ctx = fill(physics="full", VRF_FT=6e6)
    put(ctx.paths.sb, stable_beams())
    with pytest.raises(ConfigError, match="no rates of intra-beam scattering for 6500 GeV with 6"):
        model.run(ctx)
    assert not ctx.paths.models[0].exists()


def test_bunches_for_which_the_rates_are_extrapolated_are_told(
    fill: MakeFill, caplog: pytest.LogCaptureFixture
) -> None:
    run(fill(ibs="rates"), stable_beams(emit_um=3.3))
    assert "outside of 1 to 3.6 um and 0.8 to 1.45 ns" in caplog.text
    assert "stable beams of beam 1: 3 bunches begin" in caplog.text
    caplog.clear()
    run(fill(), stable_beams(emit_um=3.3))
    assert caplog.records == []


# --- what the models are told


def test_of_noncolliding_bunches_the_steps_with_all_effects_follow_the_intensity(
    fill: MakeFill, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []
    monkeypatch.setattr(model, "steps_with_all_effects", lambda *of: asked.append(of))
    cfg, sb = fill(coupling=True, models=["IBSBOff", "EmpiricalBlowupLosses"]).cfg, stable_beams()
    for family in ("coll", "noncoll"):
        model._machine(sb, cfg, {ip: np.full(13, 0.3) for ip in (1, 5)}, family, None)
    assert [of[2] for of in asked] == ["coll", "noncoll"]
    assert [of[3].intensity.ravel().tolist() for of in asked] == [[False, True], [True, True]]


def test_every_case_is_told_to_the_run_with_what_it_was_made_from(fill: MakeFill) -> None:
    ctx, made = fill(doSBModel=True), Made(5845, "model", 1, "1.0")
    told: list[Any] = []
    put(ctx.paths.sb, stable_beams())
    ctx.begin(StepInProgress("model", lambda _: made, lambda *of: told.append(of)))
    model.run(ctx)
    assert told == [(path, made) for path in ctx.paths.models]
