"""What acts on bunches in each part of the cycle, as config.py says."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lumimod.config.settings import Config, load_config
from lumimod.errors import ConfigError
from lumimod.physics.growth import coupling_share
from lumimod.physics.ibs import IbsRates
from lumimod.steps.effects import FLAT_TOP, INJECTION, STABLE, _in_map, extra_losses, physics_of

BEAMS = np.array([1, 1, 2])
PHASES = (INJECTION, FLAT_TOP, STABLE)
MakeConfig = Callable[..., Config]


@pytest.fixture
def config(write_config: Callable[..., Path], tmp_path: Path) -> MakeConfig:
    """Return `make(**names)`."""
    return lambda **names: load_config(write_config(tmp_path / "data", **names))


@pytest.mark.parametrize("phase", PHASES)
def test_the_full_physics_has_every_effect_by_rates(config: MakeConfig, phase: str) -> None:
    effects, parametrised = physics_of(config(physics="full"), phase, BEAMS)
    assert parametrised is None
    assert effects.ibs is not None
    assert effects.noise is not None
    assert effects.core_burnoff
    assert effects.coupling_share > 0
    assert (effects.sigma_boff_m2, effects.sigma_el_m2) == (80e-31, 29.7e-31)


@pytest.mark.parametrize("phase", PHASES)
def test_one_effect_by_itself_leaves_the_others_as_in_the_original(
    config: MakeConfig, phase: str
) -> None:
    effects, parametrised = physics_of(config(coupling=True), phase, BEAMS)
    assert parametrised is not None
    assert effects.ibs is None
    assert effects.noise is None
    assert not effects.core_burnoff
    assert effects.coupling_share > 0
    assert not np.any(effects.extra_um_h)


def test_damping_in_the_parametrisation_is_that_of_its_energy_or_of_its_rates(
    config: MakeConfig,
) -> None:
    for phase, hours in ((INJECTION, (np.inf, np.inf)), (FLAT_TOP, (64.7, 32.35))):
        parametrised = physics_of(config(), phase, BEAMS).parametrised
        assert parametrised is not None
        assert parametrised.damping == hours
    nothing = (0.0,) * 6
    assert _in_map(IbsRates(6500.0, 12.0, nothing, nothing, 20.0, 11.0)) == (20.0, 11.0)


def test_the_frequency_is_that_of_config_py(config: MakeConfig) -> None:
    assert physics_of(config(frev=11240.0), STABLE, BEAMS).effects.f_rev_hz == 11240.0


def test_coupling_is_that_of_bottom_and_top(config: MakeConfig) -> None:
    cfg = config(
        coupling=True, c_minus_FB=0.004, tune_split_FB=0.02, c_minus_FT=0.002, tune_split_FT=0.005
    )
    assert physics_of(cfg, INJECTION, BEAMS).effects.coupling_share == coupling_share(0.004, 0.02)
    for phase in (FLAT_TOP, STABLE):
        assert physics_of(cfg, phase, BEAMS).effects.coupling_share == coupling_share(0.002, 0.005)


@pytest.mark.parametrize(
    ("damping", "phase", "hours"),
    [
        (True, INJECTION, (1000.0, 1000.0, np.inf)),
        (False, INJECTION, (np.inf, np.inf, np.inf)),
        (True, FLAT_TOP, (60.0, 60.0, 30.0)),
        (False, FLAT_TOP, (60.0, np.inf, 30.0)),
        (False, STABLE, (60.0, 60.0, 30.0)),
    ],
)
def test_each_damping_time_acts_where_its_name_says(
    config: MakeConfig, damping: bool, phase: str, hours: tuple[float, ...]
) -> None:
    times = {"tauSRxy_FB": 1000 * 3600, "tauSRxy_FT": 60 * 3600, "tauSRl_FT": 30 * 3600}
    cfg = config(ibs="rates", damping=damping, **times)
    assert physics_of(cfg, phase, BEAMS).effects.damping == pytest.approx(hours)


def test_noise_is_that_of_each_beam_and_plane(config: MakeConfig) -> None:
    noises = {"1h": 1e-5, "1v": 2e-5, "2h": 3e-5, "2v": 4e-5}
    cfg = config(noise=True, kick_noise=noises, bpm_noise={k: 100 * v for k, v in noises.items()})
    noise = physics_of(cfg, STABLE, BEAMS).effects.noise
    assert noise is not None
    turns = 0.5 * 1.9 * 11245.5 * 3600
    want = np.array([[1e-5, 1e-5, 3e-5], [2e-5, 2e-5, 4e-5]]) ** 2 * turns
    assert noise.by_kicks_um_h == pytest.approx(want)
    assert noise.by_monitors_um_h == pytest.approx(want * (100 * 0.025) ** 2)
    assert (noise.gain, noise.tune_spread) == (0.025, 9.3e-5)


@pytest.mark.parametrize(("phase", "gain"), [(INJECTION, 0.2), (FLAT_TOP, 0.03), (STABLE, 0.03)])
def test_the_gain_of_the_damper_is_that_of_bottom_and_top(
    config: MakeConfig, phase: str, gain: float
) -> None:
    cfg = config(noise=True, damper_gain_FB=0.2, damper_gain_FT=0.03)
    noise = physics_of(cfg, phase, BEAMS).effects.noise
    assert noise is not None
    assert noise.gain == gain


def test_noise_of_monitors_counts_less_for_the_larger_beam_of_injection(config: MakeConfig) -> None:
    cfg = config(noise=True, damper_gain_FB=0.025)
    top, bottom = (physics_of(cfg, phase, BEAMS).effects.noise for phase in (STABLE, INJECTION))
    assert top is not None
    assert bottom is not None
    assert bottom.by_kicks_um_h == pytest.approx(top.by_kicks_um_h)
    assert bottom.by_monitors_um_h == pytest.approx(top.by_monitors_um_h * 479.6 / 6927.64)
    assert bottom.tune_spread == 0.025


def test_extra_growth_is_that_of_its_phase(config: MakeConfig) -> None:
    of_planes = {"1h": 0.1, "1v": 0.2, "2h": 0.3, "2v": -0.4}
    cfg = config(extra_growth={"injection": of_planes, "stable beams": 0.05})
    found = {phase: physics_of(cfg, phase, BEAMS).effects.extra_um_h for phase in PHASES}
    assert np.array_equal(found[INJECTION], [[0.1, 0.1, 0.3], [0.2, 0.2, -0.4]])
    assert np.array_equal(found[FLAT_TOP], np.zeros((2, 3)))
    assert np.array_equal(found[STABLE], np.full((2, 3), 0.05))


def test_extra_losses_go_along_straight_lines_in_time_for_each_beam(config: MakeConfig) -> None:
    cfg = config(
        extra_lifetime={1: [(0, 20 * 3600), (3600, 40 * 3600)]},
        extra_cross_section={2: [(600, 60e-31), (1200, 20e-31)]},
    )
    per_h, sigma_m2 = extra_losses(cfg, np.array([0.0, 900.0, 1800.0, 9000.0]), BEAMS)
    assert per_h[:, 0] == pytest.approx([1 / 20, 0.04375, 0.0375, 1 / 40])
    assert np.array_equal(per_h[:, 0], per_h[:, 1])
    assert not per_h[:, 2].any()
    assert sigma_m2[:, 2] == pytest.approx([60e-31, 40e-31, 20e-31, 20e-31], rel=1e-6, abs=0)
    assert not sigma_m2[:, :2].any()


def test_an_infinite_lifetime_loses_nothing(tmp_path: Path) -> None:
    path = tmp_path / "config.py"
    path.write_text("extra_lifetime = {1: float('inf'), 2: [(0, 3600), (10, float('inf'))]}\n")
    cfg = load_config(path)
    assert extra_losses(cfg, np.array([0.0, 10.0]), BEAMS)[0].tolist() == [[0, 0, 1], [0, 0, 0]]


@pytest.mark.parametrize("phase", PHASES)
def test_an_energy_and_voltage_without_rates_lists_what_there_is(
    config: MakeConfig, phase: str
) -> None:
    cfg = config(physics="full", VRF_FT=20e6, VRF_FB=20e6)
    with pytest.raises(ConfigError, match="with 20 MV; there are 450 GeV with 4 MV, .*build_ibs"):
        physics_of(cfg, phase, BEAMS)


# ---- Rates of the user's own.


def own_rates(path: Path, **changes: Any) -> Path:
    c = [-1.0, -1.5, -0.7, -1.5, 0, 0, 0, 0, 0, 0]
    one = {"energy_GeV": 5360.0, "V_RF_MV": 11, "emit_h": c, "bl4s": c, **changes}
    path.write_text(json.dumps({"sets": [one]}))
    return path


def test_rates_of_a_file_join_those_of_lumimod(config: MakeConfig, tmp_path: Path) -> None:
    names = {"ibs_rates_file": str(own_rates(tmp_path / "own.json")), "ibs": "rates"}
    cfg = config(gammaFT=5712.6, VRF_FT=11e6, **names)
    assert physics_of(cfg, STABLE, BEAMS).effects.energy_gev == 5360.0
    assert physics_of(cfg, INJECTION, BEAMS).effects.energy_gev == 450.0


def test_a_set_of_a_file_takes_the_place_of_the_same_of_lumimod(
    config: MakeConfig, tmp_path: Path
) -> None:
    file = own_rates(tmp_path / "own.json", energy_GeV=6500.0, V_RF_MV=12)
    cfg = config(ibs_rates_file=str(file), ibs="rates")
    rates = physics_of(cfg, STABLE, BEAMS).effects.ibs
    assert rates is not None
    assert rates.emit_h[0] == -1.0


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "FileNotFoundError"),
        ("{", "JSONDecodeError"),
        ("[1]", "TypeError"),
        ('{"sets": [{"energy_GeV": 450}]}', "KeyError"),
        (
            '{"sets": [{"energy_GeV": 450, "V_RF_MV": 6, "emit_h": [1], "bl4s": [1]}]}',
            "other than 10 coefficients",
        ),
    ],
)
def test_a_file_that_holds_no_rates_is_named(
    config: MakeConfig, tmp_path: Path, content: str | None, words: str
) -> None:
    file = tmp_path / "own.json"
    if content is not None:
        file.write_text(content)
    cfg = config(ibs_rates_file=str(file), ibs="rates")
    with pytest.raises(ConfigError, match=rf"own\.json \(ibs_rates_file\).*{words}"):
        physics_of(cfg, STABLE, BEAMS)
