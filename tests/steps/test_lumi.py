"""Step lumi: calculated luminosity."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lumimod.arrays import in_order_of_time
from lumimod.errors import ConfigError, MissingStepError
from lumimod.records import CalculatedLumi, StableBeams
from lumimod.records.store import load
from lumimod.steps import lumi
from lumimod.steps.context import FillContext
from lumimod.writers.variables import write_variables

from .conftest import put, stable_beams

MakeFill = Callable[..., FillContext]


def run(ctx: FillContext, sb: StableBeams) -> CalculatedLumi:
    put(ctx.paths.sb, sb)
    lumi.run(ctx)
    return load(ctx.paths.lumi_calc, CalculatedLumi)


@pytest.mark.parametrize(("experiment", "crossing"), [("ATLAS", "v"), ("CMS", "h")])
def test_luminosity_is_that_of_the_formula(fill: MakeFill, experiment: str, crossing: str) -> None:
    sb = stable_beams()
    b1, b2 = sb.bunches[1, "coll"], sb.bunches[2, "coll"]
    sb.xing_angle_rad[1][:], sb.xing_angle_rad[5][:] = 280e-6, 310e-6
    size = {
        "h": np.sqrt((b1.emit_h_um + b2.emit_h_um) / 2 * 1e-6 / 6927.64 * 0.3),
        "v": np.sqrt((b1.emit_v_um + b2.emit_v_um) / 2 * 1e-6 / 6927.64 * 0.3),
    }
    head_on = 11245.5 * b1.intensity_ppb * b2.intensity_ppb / (4 * np.pi * size["h"] * size["v"])
    angle = {"ATLAS": 280e-6, "CMS": 310e-6}[experiment]
    length = (b1.length_m + b2.length_m) / 2
    expected = head_on / np.sqrt(1 + (length / size[crossing] * angle / 2) ** 2)
    found = run(fill(), sb).bunch_lumi[experiment]
    assert found == pytest.approx(expected, rel=1e-12)


def test_noncolliding_bunches_do_not_count(fill: MakeFill) -> None:
    found = run(fill(), stable_beams(coll=[10, 20], noncoll=[1, 2, 3]))
    assert found.bunch_lumi["CMS"].shape == (13, 2)


def test_times_and_angles_are_those_of_stable_beams(fill: MakeFill) -> None:
    sb = stable_beams()
    found = run(fill(), sb)
    assert np.array_equal(found.time_s, sb.time_s)
    assert np.array_equal(found.xing_angle_rad[5], sb.xing_angle_rad[5])
    assert found.betastar_m is None  # it is saved only where it was measured


def test_a_nan_emittance_gives_nan_for_that_bunch_and_time_alone(fill: MakeFill) -> None:
    sb = stable_beams()
    emit = sb.bunches[2, "coll"].emit_h_um.copy()
    emit[3, 1] = np.nan
    holed = replace(sb.bunches[2, "coll"], emit_h_um=emit)
    found = run(fill(), replace(sb, bunches={**sb.bunches, (2, "coll"): holed}))
    for values in found.bunch_lumi.values():
        assert np.argwhere(np.isnan(values)).tolist() == [[3, 1]]


def test_each_experiment_has_its_own_crossing_angle(fill: MakeFill) -> None:
    sb = stable_beams()
    with_angle = run(fill(), sb).bunch_lumi
    head_on_at_cms = replace(sb, xing_angle_rad={**sb.xing_angle_rad, 5: np.zeros(13)})
    found = run(fill(), head_on_at_cms).bunch_lumi
    assert np.array_equal(found["ATLAS"], with_angle["ATLAS"])
    assert np.all(found["CMS"] > with_angle["CMS"])


def test_optics_are_those_of_the_config(fill: MakeFill) -> None:
    sb = replace(stable_beams(), xing_angle_rad={ip: np.zeros(13) for ip in (1, 5)})
    one = run(fill(betastar_m=0.3, frev=11_210.0), sb).bunch_lumi["ATLAS"]
    two = run(fill(betastar_m=0.3 * 1129 / 1121, frev=11_290.0), sb).bunch_lumi["ATLAS"]
    assert one == pytest.approx(two)


def test_without_stable_beams_the_step_that_makes_them_is_named(fill: MakeFill) -> None:
    with pytest.raises(MissingStepError, match=r"fill_5845\.pkl\.gz is missing; run the step"):
        lumi.run(fill())


def test_the_crossing_plane_is_that_of_stable_beams(fill: MakeFill) -> None:
    sb = stable_beams()  # vertical emittances are larger: a crossing there costs less
    usual = run(fill(), sb).bunch_lumi
    exchanged = run(fill(), replace(sb, crossing_plane={1: "h", 5: "v"})).bunch_lumi
    assert np.all(usual["ATLAS"] > exchanged["ATLAS"])
    assert exchanged["ATLAS"] == pytest.approx(usual["CMS"])
    assert exchanged["CMS"] == pytest.approx(usual["ATLAS"])


def test_each_experiment_has_its_own_beta_star(fill: MakeFill) -> None:
    sb = replace(stable_beams(), xing_angle_rad={ip: np.zeros(13) for ip in (1, 5)})
    found = run(fill(betastar_m={(5845, 5846): [0.3, 0.6]}), sb).bunch_lumi
    assert found["ATLAS"] == pytest.approx(2 * found["CMS"])


def test_a_fill_without_beta_star_is_told(fill: MakeFill) -> None:
    with pytest.raises(ConfigError, match="no range of betastar_m in config.py holds this fill"):
        run(fill(betastar_m={(5800, 5845): 0.3}), stable_beams())


def test_measured_beta_star_is_that_of_each_time_and_is_saved(fill: MakeFill) -> None:
    sb = replace(stable_beams(), xing_angle_rad={ip: np.zeros(13) for ip in (1, 5)})
    constant = run(fill(betastar_m=0.6), sb)
    ctx = fill(betastar_m="measured")
    ctx.paths.extra_data.parent.mkdir(parents=True)
    cm = np.array([60.0, 30.0])
    series = {
        name: in_order_of_time(name, Path(), sb.time_s[[0, 6]], cm, np.ones(2, np.int64))
        for name in ("HX:BETASTAR_IP1", "HX:BETASTAR_IP5")
    }
    write_variables(ctx.paths.extra_data, series)
    found = run(ctx, sb)
    factor = np.where(np.arange(13) < 6, 1.0, 2.0)[:, None]
    for exp in ("ATLAS", "CMS"):
        assert found.bunch_lumi[exp] == pytest.approx(factor * constant.bunch_lumi[exp])
    assert found.betastar_m is not None
    assert found.betastar_m[5].tolist() == [0.6] * 6 + [0.3] * 7
