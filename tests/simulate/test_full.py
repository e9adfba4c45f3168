"""The full truth: its parts against exact values, and its effects one by one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from lumimod.commands.simulate_fills import main
from lumimod.errors import UsageError
from lumimod.simulate import FillSettings, FullPhysics, simulate_fills
from lumimod.simulate.bunches import BunchState
from lumimod.simulate.full import MEASURED_AT_INJECTION_UM_H, growth_at_injection
from lumimod.simulate.noise import left_by_damper
from lumimod.simulate.overlap import CrossingAt, overlap
from lumimod.simulate.scattering import damping_time_s, scattering_rates
from lumimod.simulate.scheme import BeamScheme, filling_scheme
from lumimod.tables.lhc import MEETING_SHIFT, N_SLOTS

FloatArray = npt.NDArray[np.float64]
FILL = 5845
SMALL = FillSettings.independent(
    FullPhysics(scheme="12b"),
    n_colliding=24,
    n_noncolliding=2,
    hours=1.0,
    massi=False,
    truth_s=60.0,
    growth_spread=0.0,
)


def truth_of(folder: Path, settings: FillSettings, seed: int = 1) -> dict[str, FloatArray]:
    [files] = simulate_fills(folder, [FILL], settings, seed)
    with np.load(files.truth, allow_pickle=False) as archive:
        return dict(archive)


@pytest.fixture(scope="module")
def truth(tmp_path_factory: pytest.TempPathFactory) -> dict[str, FloatArray]:
    return truth_of(tmp_path_factory.mktemp("data"), SMALL)


def bunch(emit_h: float, emit_v: float, length_m: float) -> BunchState:
    bl4s_s = 4 * length_m / 299_792_458
    return BunchState(*(np.array([v]) for v in (1e11, emit_h, emit_v, bl4s_s)))


# --- its parts


@pytest.mark.parametrize(
    ("energy_gev", "betastar_m", "half_urad", "emit_um", "length_m", "exact"),
    [
        (6500, 0.4, 150, 2.2, 0.0825, 0.672099),
        (6500, 0.25, 130, 2.0, 0.075, 0.654744),
        (6800, 0.3, 160, 1.8, 0.0825, 0.547536),
        (6800, 1.2, 135, 1.8, 0.0899, 0.817301),
    ],
)
def test_overlap_is_that_of_numerical_integration(
    energy_gev: float, betastar_m: float, half_urad: float, emit_um: float, length_m: float,
    exact: float,
) -> None:  # fmt: skip
    gamma = energy_gev / 0.93827208816
    one = bunch(emit_um, emit_um, length_m)
    found = overlap(one, one, CrossingAt("h", half_urad * 1e-6, betastar_m, gamma)).lumi[0]
    head_on = 11245.5 * 1e22 / (4 * np.pi * emit_um * 1e-6 / gamma * betastar_m)
    assert found / head_on == pytest.approx(exact, rel=1e-4)


def test_protons_that_collide_are_those_of_the_core() -> None:
    rng = np.random.default_rng(1)
    gamma, betastar_m, half_rad, length_m = 6928.0, 0.3, 150e-6, 0.08
    one, two = bunch(2.0, 2.4, length_m), bunch(2.2, 1.8, length_m)
    of = overlap(one, two, CrossingAt("h", half_rad, betastar_m, gamma))
    # Bunch 1 as protons: place along the ring of each collision, position and angle there.
    n = 400_000
    s_m = rng.normal(0, length_m / np.sqrt(2), n)
    beta_m = betastar_m + s_m**2 / betastar_m
    weight = np.ones(n)
    action = {}
    for plane, mine, other in (("h", 2.0, 2.2), ("v", 2.4, 1.8)):
        at, angle = rng.standard_normal((2, n))
        sigma2_m2 = other * 1e-6 / gamma * beta_m
        apart_m = 2 * s_m * np.tan(half_rad) if plane == "h" else 0.0
        position_m = at * np.sqrt(mine * 1e-6 / gamma * beta_m) + apart_m
        weight *= np.exp(-(position_m**2) / 2 / sigma2_m2) / np.sqrt(sigma2_m2)
        action[plane] = (at**2 + angle**2) / 2
    for plane, values in action.items():
        mean = np.average(values, weights=weight)
        assert of.lost_action[1, plane][0] == pytest.approx(mean, abs=0.005)


def test_scattering_is_that_of_first_principles() -> None:
    # xsuite, Nagaitsev: 450 GeV, 6 MV, 8e10 protons, 2 um round, 1 ns.
    two = np.array([2.0])
    rates = scattering_rates(450.0, 6.0, np.array([8e10]), two, two, np.array([1e-9]))
    assert rates.emit_h[0] * 2.0 * 3600 == pytest.approx(2.400335e-01, rel=0.003)
    assert rates.length[0] * 3600 == pytest.approx(1.441375e-01, rel=0.003)


def test_scattering_has_no_rates_at_other_energies() -> None:
    one = np.array([1.0])
    with pytest.raises(UsageError, match="no scattering rates for 5000 GeV"):
        scattering_rates(5000.0, 6.0, one, one, one, one)


def test_radiation_damps_as_the_design_report_has_it() -> None:
    # Emittances in 26 h at 7 TeV: amplitudes in twice that.
    assert damping_time_s(7461.0) / 3600 == pytest.approx(52, rel=0.01)


@pytest.mark.parametrize("gain", [0.02, 0.1])
def test_a_damper_leaves_less_the_smaller_the_tune_spread(gain: float) -> None:
    assert left_by_damper(gain, np.array([1e-9]))[0] == pytest.approx(0, abs=1e-6)
    assert left_by_damper(gain, np.array([10.0]))[0] == pytest.approx(1, abs=0.01)
    far = 1e-5  # small against the gain: the mean square of 2 pi dQ over (g/2)^2
    expected = (2 * np.pi * far / (gain / 2)) ** 2
    assert left_by_damper(gain, np.array([far]))[0] == pytest.approx(expected, rel=0.01)
    assert left_by_damper(0.0, np.array([far]))[0] == 1


@pytest.mark.parametrize("scheme", ["12b", "48b", "144b", "8b4e"])
def test_bunches_of_every_scheme_meet_at_lhcb(scheme: str) -> None:
    beams = filling_scheme(600, 4, scheme).beams
    met = (beams[1].slot + MEETING_SHIFT[8]) % N_SLOTS
    assert np.isin(met, beams[2].slot).mean() > 0.5
    assert np.intersect1d(beams[1].slot, beams[2].slot).size == 600
    gaps = np.diff(beams[1].slot)
    assert np.all(gaps > 0)
    assert (gaps == 5).any() == (scheme == "8b4e")


# --- what it does


def test_losses_are_those_of_the_cross_section_at_every_moment(
    truth: dict[str, FloatArray],
) -> None:
    stable = truth["time_s"] >= truth["stable_s"]
    colliding = np.isin(truth["b1_slots"], truth["colliding_slots"])
    n_ppb = truth["b1_intensity_ppb"][stable][:, colliding].sum(axis=1)
    main = (truth["ATLAS_lumi"] + truth["CMS_lumi"])[stable].sum(axis=1)
    total = main + truth["LHCb_lumi"][stable] + truth["ALICE_lumi"][stable]
    sigma_mb = -np.diff(n_ppb) / 60 / ((total[1:] + total[:-1]) / 2) * 1e31
    told_mb = truth["b1_sigma_eff_m2"][stable].mean(axis=1) * 1e31
    assert sigma_mb == pytest.approx((told_mb[1:] + told_mb[:-1]) / 2, rel=0.01)
    assert 130 < told_mb[0] < 145
    assert 95 < told_mb[40] < 105


@pytest.mark.slow
@pytest.mark.parametrize("beam", [1, 2])
def test_emittances_grow_at_injection_as_was_measured(tmp_path: Path, beam: int) -> None:
    still = replace(SMALL, intensity_spread=0.0, emit_spread=0.0, bl_spread=0.0, hours=0.2)
    truth = truth_of(tmp_path, replace(still, full=FullPhysics(scheme="12b", cloud=0.0)))
    column = int(np.argmin(truth[f"b{beam}_arrival_s"]))
    row = int(np.flatnonzero(truth["time_s"] >= truth[f"b{beam}_arrival_s"][column])[0])
    for plane in ("h", "v"):
        emit_um = truth[f"b{beam}_emit_{plane}_um"][row : row + 6, column]
        rate = (emit_um[5] - emit_um[0]) / 5 * 60
        # The first bunch of a train is smaller than the mean: it scatters more.
        assert rate == pytest.approx(MEASURED_AT_INJECTION_UM_H[beam, plane], rel=0.05)


def test_bunches_at_the_end_of_a_train_grow_and_lose_more(truth: dict[str, FloatArray]) -> None:
    growth, slot = truth["b1_growth_v_um_per_h"], truth["b1_slots"]
    assert slot[11] - slot[0] == 11  # one train
    assert np.all(np.diff(growth[:12]) > 0)
    sigma = truth["b1_sigma_eff_m2"][-1]
    assert sigma[11] > sigma[0]


@pytest.mark.slow
def test_radiation_and_growth_alone_give_the_known_end(tmp_path: Path) -> None:
    # Bunches that do not collide, without noise: V is damped and grows by what is set.
    full = FullPhysics(scheme="12b", noise=0.0, c_minus=0.0, cloud=0.0)
    truth = truth_of(tmp_path, replace(SMALL, full=full, hours=5.0, growth_v_um_per_h=0.1))
    alone = ~np.isin(truth["b2_slots"], truth["colliding_slots"])
    stable = truth["time_s"] >= truth["stable_s"]
    before, after = truth["b2_emit_v_um"][stable][:, alone][[0, -1]]
    per_h = 2 * 3600 / damping_time_s(6927.64)
    expected = before * np.exp(-5 * per_h) + 0.1 / per_h * -np.expm1(-5 * per_h)
    np.testing.assert_allclose(after, expected, rtol=1e-4)


@pytest.mark.slow
def test_coupling_moves_growth_from_one_plane_to_the_other(tmp_path: Path) -> None:
    end = []
    for number, c_minus in enumerate((0.0, 0.02)):
        full = FullPhysics(scheme="12b", c_minus=c_minus)
        truth = truth_of(tmp_path / str(number), replace(SMALL, full=full, growth_v_um_per_h=0.0))
        end.append([truth[f"b1_emit_{plane}_um"][-1].mean() for plane in ("h", "v")])
    (h_0, v_0), (h_1, v_1) = end
    assert h_1 < h_0
    assert v_1 > v_0
    assert h_1 + v_1 == pytest.approx(h_0 + v_0, rel=1e-3)


def test_wrong_scales_are_in_the_truth_and_not_in_the_log(truth: dict[str, FloatArray]) -> None:
    scales = [float(truth[f"b{beam}_bsrt_scale_{plane}"]) for beam in (1, 2) for plane in "hv"]
    assert len(set(scales)) == 4
    assert all(0.95 <= scale <= 1.05 for scale in scales)
    assert float(truth["CMS_betastar_factor"]) == 1


@pytest.mark.slow
def test_full_physics_is_repeated_by_its_seed(tmp_path: Path) -> None:
    first, again, other = (
        truth_of(tmp_path / str(i), replace(SMALL, hours=0.2), seed)
        for i, seed in enumerate((1, 1, 2))
    )
    assert all(np.array_equal(first[name], again[name], equal_nan=True)
               for name in first if first[name].dtype.kind == "f")  # fmt: skip
    assert not np.array_equal(first["b1_intensity_ppb"], other["b1_intensity_ppb"])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"scheme": "25ns"}, "must be one of 12b, 48b, 144b, 8b4e"),
        ({"cloud": -1.0}, "cloud = -1.0: must be a number that is not negative"),
        ({"later_loss_h": 0.0}, "must be above 0"),
        ({"bsrt_scale_error": 1.0}, "must be below 1"),
    ],
)
def test_impossible_physics_is_refused(change: dict[str, float], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        FullPhysics(**change)  # type: ignore[arg-type]


@pytest.mark.parametrize(("scheme", "n_colliding"), [("144b", 2296), ("8b4e", 1560)])
def test_the_full_machine_has_as_many_bunches_as_its_scheme(scheme: str, n_colliding: int) -> None:
    settings = FillSettings.full_size(full=FullPhysics(scheme=scheme))
    assert settings.n_colliding == n_colliding
    beams = filling_scheme(settings.n_colliding, settings.n_noncolliding, scheme).beams
    assert beams[1].slot.size == beams[2].slot.size == n_colliding + 4
    assert beams[1].slot.max() < 3443


@pytest.mark.slow
@pytest.mark.parametrize("run", [2, 3])
def test_levelled_luminosity_stays_at_its_level(tmp_path: Path, run: int) -> None:
    truth = truth_of(tmp_path, replace(SMALL, hours=0.3, level_total=1e36, run=run))
    stable = truth["time_s"] >= truth["stable_s"]
    np.testing.assert_allclose(truth["CMS_lumi"][stable].sum(axis=1), 1e36)


def test_command_line_chooses_the_truth(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--folder", str(tmp_path), "--fill", "5845", "--bunches", "8", "--hours", "0.2"]
    assert main([*options, "--physics", "full", "--scheme", "8b4e", "--no-massi"]) == 0
    with np.load(tmp_path / "truth" / "truth_fill_5845.npz") as archive:
        assert "b1_sigma_eff_m2" in archive.files
    assert main([*options, "--scheme", "8b4e"]) == 2
    assert "--scheme is one of --physics full" in capsys.readouterr().err


def test_without_growth_at_injection_there_is_none_besides_scattering() -> None:
    scheme = BeamScheme(*[np.arange(3)] * 3, colliding=np.ones(3, bool))
    plain = FillSettings()
    full = FillSettings(full=FullPhysics(injection_growth=False))
    for settings in (plain, full):
        growth = growth_at_injection(scheme, 1, settings)
        assert [of.tolist() for of in growth] == [[0, 0, 0], [0, 0, 0]]


@pytest.mark.parametrize("ratio", ["betastar_ratio_cms", "emit_ratio_b2", "intensity_ratio_b2"])
def test_a_ratio_of_nothing_is_refused(ratio: str) -> None:
    with pytest.raises(UsageError, match="ratios of the beams and of beta"):
        FullPhysics(**{ratio: 0.0})
