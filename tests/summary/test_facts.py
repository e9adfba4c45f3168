"""The facts of a fill: what is left out where a part of it is not known."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lumimod.config.settings import load_config
from lumimod.paths import FillPaths
from lumimod.plots.lifetime_axis import hours_text
from lumimod.readers.bmodes import FillModes
from lumimod.records import CalculatedLumi, MeasuredLumi, StableBeams
from lumimod.records.cycle import Cycle
from lumimod.records.losses import FillLosses
from lumimod.records.model import StableBeamsModel
from lumimod.records.store import Loader
from lumimod.summary.budget import budgets
from lumimod.summary.cycle_facts import cycle_facts
from lumimod.summary.facts import facts, stable_facts
from lumimod.summary.integrated import end_of_integrals_s, integrated_pb
from lumimod.summary.loss_words import beyond_burn_off
from lumimod.summary.means import lumi_facts
from lumimod.summary.model_facts import model_facts
from lumimod.summary.screen import fact_lines, head_lines, loss_lines
from tests.conftest import ConfigWriter
from tests.plots.conftest import make_results
from tests.plots.cycles import lacking, make_cycle, unmeasured, with_slots
from tests.plots.models import make_model

FILL = 6024
INJECTION, FLAT_TOP = "Injection", "he_before_SB"


@pytest.fixture
def paths(tmp_path: Path, write_config: ConfigWriter) -> FillPaths:
    return FillPaths(load_config(write_config(tmp_path, betastar_m=0.4)), FILL)


def modes(complete: bool | None = True, **start_s: float) -> FillModes:
    """Return beam modes that end an hour after they begin."""
    stop_s = {mode: at_s + 3600.0 for mode, at_s in start_s.items()}
    return FillModes(FILL, 0.0, np.nan, start_s, stop_s, complete)


def holding(**records: Any) -> Callable[[FillPaths], Loader]:
    """Return what gives the loader of a fill that has these records alone."""

    def loader(paths: FillPaths) -> Loader:
        by_path = {getattr(paths, name): record for name, record in records.items()}
        return lambda path, kind: by_path.get(path)  # type: ignore[return-value]

    return loader


# --- beam modes


def test_a_fill_without_stable_beams_has_no_times(paths: FillPaths) -> None:
    found, faults = facts(paths, modes(RAMP=1e9), holding()(paths))
    assert found == {"fill": FILL, "energy_gev": pytest.approx(6500, rel=1e-3), "levelled": False}
    assert faults == []
    assert list(head_lines(found)) == fact_lines(found) == [f"fill {FILL}: no stable beams"]


def test_a_fill_in_progress_has_a_start_and_a_length_until_now(paths: FillPaths) -> None:
    of = modes(STABLE=1_500_000_000.0)
    of = dataclasses.replace(of, complete=False, stop_s={}, t_endfill_s=1_500_005_400.0)
    found, _ = facts(paths, of, holding()(paths))
    assert found["start_utc"] == "2017-07-14 02:40:00"
    assert found["ended"] == "in progress"
    assert found["hours"] == 1.5
    assert "next_mode" not in found
    start = f"fill {FILL}: stable beams 2017-07-14 02:40:00 UTC"
    assert fact_lines(found)[0] == f"{start}, 1.5 h, in progress"
    unknown, _ = facts(paths, dataclasses.replace(of, complete=None), holding()(paths))
    assert "hours" not in unknown
    assert fact_lines(unknown)[0] == f"{start}, in progress"


def test_a_fill_of_stable_beams_alone_was_dumped(paths: FillPaths) -> None:
    found, _ = facts(paths, modes(STABLE=1_500_000_000.0), holding()(paths))
    assert (found["hours"], found["next_mode"], found["ended"]) == (1.0, "", "dumped")


# --- stable beams


def test_an_angle_that_was_never_measured_is_no_fact() -> None:
    sb = make_results().sb
    angle_rad = {1: np.full(sb.time_s.shape, np.nan), 5: sb.xing_angle_rad[5]}
    found = stable_facts(dataclasses.replace(sb, xing_angle_rad=angle_rad))
    assert "xing_ip1_start_urad" not in found
    assert found["xing_ip5_start_urad"] == pytest.approx(300)
    assert found["xing_ip5_end_urad"] == pytest.approx(280)


def test_only_stable_beams_give_the_facts_of_the_bunches(paths: FillPaths) -> None:
    found, faults = facts(paths, modes(STABLE=1.0), holding(sb=make_results().sb)(paths))
    assert faults == []
    assert found["b1_bunches"] == 8
    assert found["betastar_ip5_m"] == 0.4
    parts = ("lumi_", "tau_", "sigma_eff", "pileup", "beyond", "_inj_", "ramp", "ratio", "model")
    assert [name for name in found if any(part in name for part in parts)] == []


# --- luminosity


def test_luminosity_without_a_single_value_is_no_fact() -> None:
    time_s = np.arange(3.0)
    nothing, some = np.full((3, 2), np.nan), np.ones((3, 2))
    found = lumi_facts("calc", time_s, {"ATLAS": nothing, "CMS": some}, 2.0)
    assert sorted(found) == [f"lumi_{what}_calc_cms_{unit}" for what, unit in
                             (("int", "pb"), ("peak", "e34"), ("start", "e34"))]  # fmt: skip


TIME_S = np.array([0.0, 300.0, 600.0])


def stable_beams(stop_s: float, **others: Any) -> FillModes:
    """Return beam modes of stable beams from 0 s on, of a fill that was over long after."""
    return FillModes(FILL, -7200.0, 1e5, {"STABLE": 0.0}, {"STABLE": stop_s}, **others)


@pytest.mark.parametrize(
    ("stop_s", "end_s"), [(750.0, 750.0), (900.0, 900.0), (901.0, 600.0), (500.0, 600.0)]
)
def test_integrals_go_on_to_the_end_of_stable_beams_if_that_is_within_a_step(
    stop_s: float, end_s: float
) -> None:
    assert end_of_integrals_s(stable_beams(stop_s, complete=True), TIME_S) == end_s


def test_integrals_end_as_the_analysis_before_the_next_fill_starts() -> None:
    of = dataclasses.replace(stable_beams(800.0, complete=True), t_endfill_s=1650.0)
    assert end_of_integrals_s(of, TIME_S) == 750.0


def test_integrals_of_a_fill_in_progress_end_with_the_analysis() -> None:
    of = dataclasses.replace(stable_beams(np.nan, complete=False), t_endfill_s=700.0)
    assert end_of_integrals_s(of, TIME_S) == 600.0


def test_the_luminosity_of_the_last_time_is_held_only_where_it_is_known() -> None:
    lumi = np.array([[2e38], [2e38], [1e38]])
    found = integrated_pb(TIME_S, {"ATLAS": lumi, "CMS": np.vstack([lumi[:2], [[np.nan]]])}, 800.0)
    assert found["ATLAS"] == pytest.approx((600.0 + 450.0 + 200.0) / 100)
    assert found["CMS"] == pytest.approx(600.0 / 100)


def test_luminosity_with_logged_beta_star_names_that(paths: FillPaths) -> None:
    r = make_results()
    assert r.lumi_calc is not None
    betastar_m = {1: np.linspace(0.4, 0.3, 13), 5: np.full(13, 0.25)}
    calc = dataclasses.replace(r.lumi_calc, betastar_m=betastar_m)
    found, _ = facts(paths, modes(STABLE=1.0), holding(sb=r.sb, lumi_calc=calc)(paths))
    assert (found["betastar_ip1_m"], found["betastar_ip5_m"]) == (0.4, 0.25)


def test_losses_and_lifetimes_that_are_not_known_are_no_facts(paths: FillPaths) -> None:
    r = make_results()
    assert r.losses is not None
    assert r.lifetime is not None
    one = dataclasses.replace(r.losses.beams[1], total_fill_sigma_m2=np.nan)
    losses = dataclasses.replace(r.losses, beams={**r.losses.beams, 1: one})
    beam_1 = dataclasses.replace(r.lifetime.beams[1], total_tau_boff_corrected_s=None)
    known = np.full_like(r.sb.time_s[1:], 7200.0)
    beam_2 = dataclasses.replace(r.lifetime.beams[2], total_tau_boff_corrected_s=known)
    lifetime = dataclasses.replace(r.lifetime, beams={1: beam_1, 2: beam_2})

    def load(path: Path, kind: type) -> Any:
        by_path: Mapping[Path, Any] = {paths.sb: r.sb, paths.lifetime: lifetime}
        return losses if kind is FillLosses else by_path.get(path)

    found, _ = facts(paths, modes(STABLE=1.0), load)
    assert "b1_sigma_eff_mb" not in found
    assert found["b2_sigma_eff_mb"] == pytest.approx(80)
    assert "b1_tau_no_burnoff_h" not in found
    assert found["b2_tau_no_burnoff_h"] == pytest.approx(2)


# --- before stable beams


def cycle_of(paths: FillPaths, measured: Cycle | None, modelled: Cycle | None = None) -> Any:
    return cycle_facts(paths, holding(cycle=measured, cycle_model=modelled)(paths))


def test_without_a_measured_cycle_there_are_no_facts_of_it(paths: FillPaths) -> None:
    assert cycle_of(paths, None, make_cycle(modelled=True)) == {}


def test_without_injection_there_is_no_growth_in_the_ramp(paths: FillPaths) -> None:
    found = cycle_of(paths, lacking(make_cycle(), (1, INJECTION)))
    assert not [n for n in found if n.startswith("b1") and ("inj" in n or "ramp_um" in n)]
    assert "b1_emit_h_ramp_end_um" in found
    assert {"b2_emit_h_inj_um", "b2_growth_h_ramp_um"} <= found.keys()


def test_without_flat_top_there_is_no_growth_in_the_ramp(paths: FillPaths) -> None:
    found = cycle_of(paths, lacking(make_cycle(), (2, FLAT_TOP)))
    assert "b2_emit_h_ramp_start_um" in found
    assert not {"b2_emit_h_ramp_end_um", "b2_growth_v_ramp_um"} & found.keys()


def test_instants_without_intensity_have_no_mean_of_it(paths: FillPaths) -> None:
    found = cycle_of(paths, make_cycle(modelled=True))
    assert "b1_emit_h_inj_um" in found
    assert not [name for name in found if "intensity" in name or "brightness" in name]


def test_growth_beyond_the_model_needs_the_same_bunches(paths: FillPaths) -> None:
    measured, modelled = make_cycle(), make_cycle(factor=0.9, modelled=True)
    fewer = with_slots(modelled, (1, INJECTION), slice(1, None))
    found = cycle_of(paths, measured, lacking(fewer, (2, FLAT_TOP)))
    assert "b1_beyond_h_injection_um_h" not in found
    assert "b2_beyond_h_flat_top_um_h" not in found
    of = measured.intervals[1, FLAT_TOP]
    hours = (of.end.time_s - of.start.time_s) / 3600
    beyond = (of.end.emit_h_um - modelled.intervals[1, FLAT_TOP].end.emit_h_um).sum() / hours.sum()
    assert found["b1_beyond_h_flat_top_um_h"] == pytest.approx(beyond)


def test_growth_beyond_the_model_needs_a_measurement(paths: FillPaths) -> None:
    measured = unmeasured(make_cycle(), (1, INJECTION))
    found = cycle_of(paths, measured, make_cycle(factor=0.9, modelled=True))
    assert "b1_beyond_v_injection_um_h" not in found
    assert "b2_beyond_v_injection_um_h" in found


# --- model


def model_of(paths: FillPaths, sb: StableBeams, meas: MeasuredLumi | None) -> Any:
    r = make_results()
    model = StableBeamsModel({"IBSBOff": make_model(r, "IBSBOff")})
    records = {paths.models[0]: model, paths.lumi_meas: meas}
    end_s = float(sb.time_s[-1])
    return model_facts(paths, sb, lambda path, kind: records.get(path), end_s)  # type: ignore[return-value]


def test_a_model_without_measured_luminosity_has_no_ratio(paths: FillPaths) -> None:
    found = model_of(paths, make_results().sb, None)
    assert "lumi_int_model_atlas_pb" in found
    assert "ratio_model_meas_atlas" not in found


def test_a_model_has_no_ratio_to_an_experiment_that_measured_nothing(paths: FillPaths) -> None:
    r = make_results()
    assert r.lumi_meas is not None
    nothing = np.full_like(r.lumi_meas.bunch_lumi["CMS"], np.nan)
    meas = MeasuredLumi({**r.lumi_meas.bunch_lumi, "CMS": nothing})
    found = model_of(paths, r.sb, meas)
    assert found["ratio_model_meas_atlas"] > 0
    assert "ratio_model_meas_cms" not in found


# --- budget


def test_without_luminosity_there_is_no_budget(paths: FillPaths) -> None:
    assert budgets(paths, make_results().sb, None, None) == {}


def test_without_beta_star_the_budget_is_empty(tmp_path: Path, write_config: ConfigWriter) -> None:
    paths = FillPaths(load_config(write_config(tmp_path, betastar_m="measured")), FILL)
    r = make_results()
    assert budgets(paths, r.sb, None, r.lumi_meas) == {"ATLAS": {}, "CMS": {}}


def test_the_budget_takes_logged_beta_star(paths: FillPaths) -> None:
    r = make_results()
    assert r.lumi_calc is not None

    def at(betastar_m: float) -> CalculatedLumi:
        of_all = np.full(r.sb.time_s.shape, betastar_m)
        assert r.lumi_calc is not None
        return dataclasses.replace(r.lumi_calc, betastar_m={1: of_all, 5: of_all})

    by_config = budgets(paths, r.sb, r.lumi_calc, r.lumi_meas)["ATLAS"]
    same = budgets(paths, r.sb, at(0.4), r.lumi_meas)["ATLAS"]
    other = budgets(paths, r.sb, at(0.2), r.lumi_meas)["ATLAS"]
    for cause, values in by_config.items():
        np.testing.assert_array_equal(same[cause], values)
    assert any(not np.array_equal(other[cause], values) for cause, values in by_config.items())


def test_a_lifetime_that_is_not_known_is_a_dash_without_a_unit() -> None:
    first, _, pileup = loss_lines({"b1_tau_intensity_full_h": 23.61})
    rest = "beyond burn-off (median in time) -"  # its step has not run
    assert first == f"B1: intensity lifetime 23.6 h, {rest}, effective cross-section -"
    assert pileup == "pile-up at the start: ATLAS -, CMS -"


@pytest.mark.parametrize(
    ("facts_of_beam", "words"),
    [
        ({"b1_rate_no_burnoff_per_h": 0.01}, "beyond burn-off (median in time) 100 h"),
        ({"b1_rate_no_burnoff_per_h": 0.0009}, "beyond burn-off (median in time) no net loss"),
        ({"b1_rate_no_burnoff_per_h": -1e-3}, "beyond burn-off (median in time) no net loss"),
        ({"b1_rate_no_burnoff_per_h": -0.02}, "beyond burn-off (median in time) growth time 50 h"),
        ({"b1_bunches": 8}, "beyond burn-off: it needs measured luminosity"),
        ({"b1_bunches": 8, "lumi_int_meas_cms_pb": 1.0}, "beyond burn-off (median in time) -"),
        ({}, "beyond burn-off (median in time) -"),
    ],
)
def test_why_no_lifetime_beyond_burn_off_is_shown_is_said(
    facts_of_beam: Mapping[str, Any], words: str
) -> None:
    assert beyond_burn_off(facts_of_beam, 1) == words


@pytest.mark.parametrize("rate_per_h", [0.01, 0.0009, 0.0, -1e-3, -0.02])
def test_a_screen_says_of_a_rate_what_the_overview_says(rate_per_h: float) -> None:
    said = beyond_burn_off({"b2_rate_no_burnoff_per_h": rate_per_h}, 2)
    hours = hours_text(rate_per_h).replace(".0 h", " h")
    assert said == f"beyond burn-off (median in time) {hours}"
