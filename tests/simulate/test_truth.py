"""The chain finds in simulated data what the simulation put there.

What is compared is free of the chain's own formulas: the truth is the simulated machine's state,
the data are what noisy instruments saw of it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pytest
from scipy.optimize import curve_fit

from lumimod.records import (
    FillLosses,
    Fits,
    GrowthBeyond,
    Lifetime,
    LumiEmittance,
    MeasuredLumi,
    StableBeams,
)
from lumimod.records.store import load
from lumimod.simulate import FillSettings, simulate_fills
from lumimod.tables.calibration import bsrt_calibration
from tests.conftest import FILL, Analysed, analyse

pytestmark = pytest.mark.slow  # whole fills, together some seconds

FloatArray = npt.NDArray[np.float64]
Show = Callable[[str], None]

SIGMA_M2 = 80e-31
SETTINGS = FillSettings(
    n_colliding=36,
    n_noncolliding=3,
    hours=5.0,
    truth_s=60.0,
    massi_scale_error=0.0,  # a wrong scale would be found in the cross-section, rightly
)


class Found(NamedTuple):
    """A simulated fill: its truth, and what the chain made of its data."""

    truth: dict[str, FloatArray]
    run: Analysed

    @property
    def sb(self) -> StableBeams:
        return load(self.run.folder / f"fill_{FILL}.pkl.gz", StableBeams)

    def true(self, name: str, time_s: FloatArray) -> FloatArray:
        """Return a true quantity, (n_times, n_bunches), at other times."""
        known = self.truth["time_s"]
        return np.stack([np.interp(time_s, known, column) for column in self.truth[name].T], axis=1)

    def true_of(self, beam: int, family: str, name: str) -> FloatArray:
        """Return a true quantity of a family of bunches, at the times of its record."""
        column = np.searchsorted(self.truth[f"b{beam}_slots"], self.sb.bunches[beam, family].slots)
        return self.true(f"b{beam}_{name}", self.sb.time_s)[:, column]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Found:
    """Return a fill of some hours, simulated and analysed."""
    data, out = tmp_path_factory.mktemp("data"), tmp_path_factory.mktemp("out")
    [files] = simulate_fills(data, [FILL], SETTINGS, seed=3)
    with np.load(files.truth, allow_pickle=False) as archive:
        truth = {name: archive[name] for name in archive.files}
    run = analyse(out, data, doSBModel=True)
    assert run.report.failed == {}
    return Found(truth, run)


def by_beam_and_family(test: Callable[..., None]) -> Callable[..., None]:
    test = pytest.mark.parametrize("family", ["coll", "noncoll"])(test)
    return pytest.mark.parametrize("beam", [1, 2])(test)


@by_beam_and_family
def test_the_chain_finds_every_bunch_in_its_family(found: Found, beam: int, family: str) -> None:
    both = np.intersect1d(found.truth["b1_slots"], found.truth["b2_slots"])
    alone = np.setdiff1d(found.truth[f"b{beam}_slots"], both)
    assert np.array_equal(found.truth["colliding_slots"], both)
    expected = both if family == "coll" else alone
    assert np.array_equal(found.sb.bunches[beam, family].slots, expected)


def noise_of_emittance(beam: int, plane: str, emit_um: float) -> float:
    """Return the relative noise (rms) of an interpolated emittance, from that of a single size."""
    optics = bsrt_calibration(FILL).at(beam, 6500)["hv".index(plane)]
    beam_mm2 = emit_um * optics.betaf_m / optics.gamma
    of_size = SETTINGS.bsrt_noise / np.sqrt(SETTINGS.bsrt_repeats)
    of_sample = 2 * of_size * (beam_mm2 + optics.sigma_corr_mm**2) / beam_mm2
    # Anywhere between two samples, the mean square of their weights is 2/3.
    return of_sample * np.sqrt(2 / 3)


@by_beam_and_family
@pytest.mark.parametrize("plane", ["h", "v"])
def test_smoothed_emittances_are_the_true_ones_within_noise(
    found: Found, beam: int, family: str, plane: str, show: Show
) -> None:
    bunches = found.sb.bunches[beam, family]
    true = found.true_of(beam, family, f"emit_{plane}_um")
    raw = getattr(bunches, f"emit_{plane}_raw_um") / true - 1
    smooth = getattr(bunches, f"emit_{plane}_um") / true - 1
    show(
        f"emittance B{beam}{plane} {family:7} mean {smooth.mean():+.2%}, "
        f"rms {smooth.std():.2%} (raw {raw.std():.2%})"
    )
    expected = noise_of_emittance(beam, plane, true.mean())
    assert raw.std() == pytest.approx(expected, rel=0.2)
    assert abs(raw.mean()) < 4 * expected / np.sqrt(raw.size)
    assert smooth.std() < 0.2 * expected
    assert abs(smooth.mean()) < 0.005
    assert np.abs(smooth).max() < 0.02


@by_beam_and_family
def test_intensities_are_the_true_ones_within_noise(found: Found, beam: int, family: str) -> None:
    relative = found.sb.bunches[beam, family].intensity_ppb / found.true_of(
        beam, family, "intensity_ppb"
    )
    assert np.std(relative) == pytest.approx(SETTINGS.fbct_noise, rel=0.5)
    assert np.mean(relative) == pytest.approx(1, abs=5e-4)


@by_beam_and_family
def test_bunch_lengths_are_the_true_ones_within_noise(found: Found, beam: int, family: str) -> None:
    true_m = found.true_of(beam, family, "bl4s_s") / 4 * 299_792_458
    relative = found.sb.bunches[beam, family].length_m / true_m
    assert np.std(relative) == pytest.approx(SETTINGS.bqm_noise, rel=0.5)
    assert np.mean(relative) == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize("experiment", ["ATLAS", "CMS"])
def test_measured_and_calculated_luminosity_are_the_true_one(
    found: Found, experiment: str, show: Show
) -> None:
    true = found.true(f"{experiment}_lumi", found.sb.time_s)
    for kind in ("meas", "calc"):
        path = found.run.folder / f"fill_{FILL}_lumi_{kind}.pkl.gz"
        total = load(path, MeasuredLumi).bunch_lumi[experiment].sum(axis=1)
        worst = np.abs(total / true.sum(axis=1) - 1).max()
        show(f"luminosity {experiment:5} {kind}: total within {worst:.2%} at all times")
        assert worst < 0.01


@pytest.mark.parametrize("beam", [1, 2])
def test_losses_over_luminosity_are_the_cross_section_of_burn_off(
    found: Found, beam: int, show: Show
) -> None:
    measured = load(found.run.folder / f"fill_{FILL}_lumi_meas.pkl.gz", MeasuredLumi)
    one = load(found.run.folder / f"fill_{FILL}_lifetime.pkl.gz", Lifetime).beams[beam]
    assert one.sigma_m2 is not None
    # dN is a difference of noisy numbers, and losses are its modulus: summed over the bunches,
    # whose sum is normalised to the beam's current, the noise goes.
    sums = found.sb.bunches[beam, "coll"].intensity_ppb.sum(axis=1)
    lumi = measured.total.sum(axis=1)
    mean_lumi = (lumi[1:] + lumi[:-1]) / 2
    of_fill = (sums[0] - sums[-1]) / (mean_lumi * np.diff(found.sb.time_s)).sum()
    weighted = (one.sigma_m2 * measured.total[:-1]).sum() / measured.total[:-1].sum()
    median = np.median(one.sigma_m2)
    show(
        f"burn-off B{beam}: {of_fill * 1e31:.2f} mb of the whole fill, losses_dndtL "
        f"{weighted * 1e31:.2f} mb by luminosity, {median * 1e31:.2f} mb in the median"
    )
    assert of_fill == pytest.approx(SIGMA_M2, rel=0.01)
    assert weighted == pytest.approx(SIGMA_M2, rel=0.01)
    # Of single bunches and steps: a difference of two noisy numbers each.
    assert median == pytest.approx(SIGMA_M2, rel=0.03)


@pytest.mark.parametrize("span", ["short", "full"])
@pytest.mark.parametrize("experiment", ["ATLAS", "CMS"])
def test_luminosity_lifetimes_are_those_of_the_truth(
    found: Found, experiment: str, span: str, show: Show
) -> None:
    fits = load(found.run.folder / f"fill_{FILL}_fits.pkl.gz", Fits)
    time_s = found.truth["time_s"]
    start, stop = found.truth["stable_s"], found.truth["dump_s"]
    stop = start + 7200 if span == "short" else stop
    inside = (time_s >= start) & (time_s < stop)
    hours = (time_s[inside] - start) / 3600
    true_s = []
    for values in found.truth[f"{experiment}_lumi"][inside].T / 1e34:
        (_, b), _ = curve_fit(lambda t, a, b: a * np.exp(b * t), hours, values, p0=(1.0, -0.1))
        true_s.append(3600 / b)
    for kind, noise in (("meas", 0.02), ("calc", 0.04)):
        tau_s = getattr(fits.lumi[experiment, kind], span).tau_s
        mean = np.mean(tau_s) / np.mean(true_s) - 1
        each = np.std(tau_s / true_s - 1)
        show(
            f"luminosity lifetime {experiment:5} {kind} {span:5}: truth "
            f"{-np.mean(true_s) / 3600:.2f} h, mean {mean:+.2%}, rms of a bunch {each:.2%}"
        )
        assert abs(mean) < 0.02
        assert each < noise * (3 if span == "short" else 1)


@pytest.mark.parametrize("beam", [1, 2])
def test_effective_cross_sections_are_that_of_burn_off_within_their_errors(
    found: Found, beam: int, show: Show
) -> None:
    one = load(found.run.folder / f"fill_{FILL}_losses.pkl.gz", FillLosses).beams[beam]
    windows = (one.sigma_m2 - SIGMA_M2) / one.error_m2
    fill = (one.fill_sigma_m2 - SIGMA_M2) / one.fill_error_m2
    show(
        f"cross-section B{beam}: {one.total_fill_sigma_m2 * 1e31:.2f} mb of the fill; pulls of "
        f"{windows.size} windows of bunches {windows.mean():+.2f} +- {windows.std():.2f}, of "
        f"{fill.size} bunches {fill.mean():+.2f} +- {fill.std():.2f}"
    )
    assert one.total_fill_sigma_m2 == pytest.approx(SIGMA_M2, rel=0.005, abs=0)
    assert 0.85 < windows.std() < 1.15
    assert abs(windows.mean()) < 0.2
    assert 0.6 < fill.std() < 1.4
    assert (np.abs(one.total_sigma_m2 - SIGMA_M2) < 4 * one.total_error_m2).all()


@pytest.mark.parametrize("plane", ["h", "v"])
def test_emittances_from_luminosity_are_the_true_ones(found: Found, plane: str, show: Show) -> None:
    record = load(found.run.folder / f"fill_{FILL}_lumi_emittance.pkl.gz", LumiEmittance)
    both = [found.true_of(beam, "coll", f"emit_{plane}_um") for beam in (1, 2)]
    each = getattr(record, f"emit_{plane}_um") / np.mean(both, axis=0) - 1
    of_bunch = each.mean(axis=0)
    noise = getattr(record, f"noise_{plane}_um") / np.mean(both)
    show(
        f"emittance {plane} from luminosity: bunches over the fill within "
        f"{np.abs(of_bunch).max():.2%}, a single value {each.std():.2%} (error {noise.mean():.2%})"
    )
    assert np.abs(of_bunch).max() < 0.01
    assert each.std() == pytest.approx(noise.mean(), rel=0.2)


@by_beam_and_family
@pytest.mark.parametrize("plane", ["h", "v"])
def test_growth_beyond_the_model_is_the_true_one_within_its_error(
    found: Found, beam: int, family: str, plane: str, show: Show
) -> None:
    record = load(found.run.folder / f"fill_{FILL}_growth.pkl.gz", GrowthBeyond)
    one = record.cases["1"][beam, family].planes[plane]
    column = np.searchsorted(found.truth[f"b{beam}_slots"], record.cases["1"][beam, family].slots)
    true = found.truth[f"b{beam}_growth_{plane}_um_per_h"][column]
    pulls = (one.growth_um_h - true) / one.error_um_h
    show(
        f"growth B{beam}{plane} {family:7} {one.growth_um_h.mean():.4f} um/h, truth "
        f"{true.mean():.4f}; pulls {pulls.mean():+.2f} +- {pulls.std():.2f}"
    )
    assert abs(pulls.mean()) < 4 / np.sqrt(pulls.size)
    if family == "coll":
        assert 0.7 < pulls.std() < 1.4
        assert one.growth_um_h.mean() == pytest.approx(true.mean(), rel=0.1)
