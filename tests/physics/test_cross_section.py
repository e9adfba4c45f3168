"""Effective cross-section by regression."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.stats import linregress

from lumimod.physics.cross_section import (
    effective_cross_section,
    n_before_dump,
    whole_cross_section,
)

MB = 1e-31


def burning(hours: float = 6, step_s: float = 300, sigma_m2: float = 80 * MB):
    """Return times, intensities and luminosity of two bunches that only burn off."""
    time_s = 1.5e9 + np.arange(0, hours * 3600, step_s)
    t = (time_s - time_s[0])[:, None]
    lumi = np.array([8e30, 4e30]) * np.exp(-t / 36_000)
    done = np.concatenate([[[0.0, 0.0]], np.cumsum((lumi[1:] + lumi[:-1]) / 2 * step_s, axis=0)])
    return time_s, 1.1e11 - sigma_m2 * done, lumi


def test_burn_off_alone_gives_its_cross_section() -> None:
    found = effective_cross_section(*burning(), window_s=1800)
    assert found.sigma_m2.shape == found.error_m2.shape == (12, 2)
    assert_allclose(found.sigma_m2, 80 * MB, rtol=1e-6)
    assert np.all(found.error_m2 < 2e-3 * MB)  # second differences of the curve


def test_windows_follow_each_other() -> None:
    time_s, n, lumi = burning()
    found = effective_cross_section(time_s, n, lumi, window_s=1800)
    assert_allclose(found.time_s - time_s[0], np.arange(12) * 1800 + 750)


def test_a_rest_of_two_samples_joins_the_last_window() -> None:
    time_s, n, lumi = burning()
    found = effective_cross_section(time_s[:14], n[:14], lumi[:14], window_s=1800)
    assert found.time_s.size == 2
    assert found.time_s[-1] == (time_s[6] + time_s[13]) / 2


def test_sums_of_beams_are_taken_as_well() -> None:
    time_s, n, lumi = burning()
    found = effective_cross_section(time_s, n.sum(axis=1), lumi.sum(axis=1))
    assert found.sigma_m2.shape == (1,)
    assert_allclose(found.sigma_m2[0], 80 * MB)


def test_noise_biases_nothing_and_the_error_is_that_of_the_scatter() -> None:
    time_s, n, lumi = burning()
    n, lumi = np.repeat(n[:, :1], 3000, axis=1), np.repeat(lumi[:, :1], 3000, axis=1)
    noisy = n + np.random.default_rng(1).normal(0, 5e8, n.shape)
    found = effective_cross_section(time_s, noisy, lumi)
    pulls = (found.sigma_m2 - 80 * MB) / found.error_m2
    assert abs(pulls.mean()) < 0.06
    assert 0.95 < pulls.std() < 1.08


def test_samples_that_are_nan_do_not_count() -> None:
    time_s, n, lumi = burning()
    n[5, 0] = np.nan
    found = effective_cross_section(time_s, n, lumi)
    assert_allclose(found.sigma_m2, 80 * MB, rtol=1e-6)
    n[2:, 1] = np.nan
    assert np.isnan(effective_cross_section(time_s, n, lumi).sigma_m2[0, 1])


def test_a_gap_in_the_luminosity_is_integrated_as_a_straight_line() -> None:
    time_s, n, lumi = burning()
    lumi[20:26, 0] = np.nan
    found = effective_cross_section(time_s, n, lumi)
    assert_allclose(found.sigma_m2, 80 * MB, rtol=1e-4)


def test_without_luminosity_there_is_no_cross_section() -> None:
    time_s, n, lumi = burning()
    assert np.isnan(effective_cross_section(time_s, n, 0 * lumi).sigma_m2).all()


# --- over a whole fill


def test_what_was_lost_over_the_fill_is_told_however_the_cross_section_falls() -> None:
    time_s, n, lumi = burning(sigma_m2=0)
    sigma = (80 + 60 * np.exp(-np.arange(time_s.size) / 6)) * MB
    steps = ((lumi * sigma[:, None])[1:] + (lumi * sigma[:, None])[:-1]) / 2 * 300
    n[1:] -= np.cumsum(steps, axis=0)
    gained = ((lumi[1:] + lumi[:-1]) / 2 * 300).sum(axis=0)
    whole = whole_cross_section(time_s, n, lumi)
    assert whole.sigma_m2.shape == whole.error_m2.shape == (1, 2)
    assert_allclose(whole.sigma_m2[0], (n[0] - n[-1]) / gained, rtol=1e-9)
    line = effective_cross_section(time_s, n, lumi)
    assert np.all(line.sigma_m2 < whole.sigma_m2 - MB)
    # What it changes in windows is no noise.
    windows = effective_cross_section(time_s, n, lumi, window_s=1800)
    assert np.all(windows.error_m2 < 0.1 * MB)


def test_noise_of_the_ends_is_the_error_of_the_whole() -> None:
    time_s, n, lumi = burning()
    n, lumi = np.repeat(n[:, :1], 3000, axis=1), np.repeat(lumi[:, :1], 3000, axis=1)
    noisy = n + np.random.default_rng(1).normal(0, 5e8, n.shape)
    found = whole_cross_section(time_s, noisy, lumi)
    pulls = (found.sigma_m2 - 80 * MB) / found.error_m2
    assert abs(pulls.mean()) < 0.06
    assert 0.95 < pulls.std() < 1.08


def test_the_first_and_last_samples_that_are_there_are_the_ends() -> None:
    time_s, n, lumi = burning()
    n[0, 0] = lumi[-1, 0] = np.nan
    n[2:, 1] = np.nan
    found = whole_cross_section(time_s, n, lumi).sigma_m2[0]
    assert_allclose(found[0], 80 * MB)
    assert np.isnan(found[1])


def test_the_scatter_is_the_noise_of_a_few_samples() -> None:
    time_s, n, lumi = burning()
    n[1::2] += 1e8
    few = effective_cross_section(time_s[:6], n[:6], lumi[:6])
    assert np.all(few.error_m2 > 0)


# --- the dump


@pytest.mark.parametrize("left", [0.0, 0.5, 0.99])
def test_a_sample_in_which_the_dump_has_begun_is_left_out(left: float) -> None:
    _, n, _ = burning()
    total = n.sum(axis=1)
    assert n_before_dump(total) == total.size
    total[-1] *= left
    assert n_before_dump(total) == total.size - 1
    total[-2:] = 0
    assert n_before_dump(total) == total.size - 2


def test_noise_and_a_higher_luminosity_are_no_dump() -> None:
    time_s, n, _ = burning()
    total = n.sum(axis=1)
    total[-1] -= 0.5 * (total[-2] - total[-1])  # the crossing angle fell
    assert n_before_dump(total) == total.size
    rng = np.random.default_rng(1)
    noisy = [total + rng.normal(0, 2e9, total.size) for _ in range(200)]
    assert np.mean([n_before_dump(values) < total.size for values in noisy]) < 0.02


def test_of_a_few_samples_all_count() -> None:
    assert n_before_dump(np.array([3.0, 2.0, 0.0])) == 3
    assert n_before_dump(np.zeros(0)) == 0


def test_samples_before_the_last_that_are_missing_change_no_end() -> None:
    time_s, n, lumi = burning()
    sigma = (80 + 60 * np.exp(-np.arange(time_s.size) / 6)) * MB
    n[1:] += np.cumsum(((80 * MB - sigma)[1:, None] * lumi[1:]) * 300, axis=0)
    whole = whole_cross_section(time_s, n, lumi).sigma_m2
    n[-3] = np.nan
    assert_allclose(whole_cross_section(time_s, n, lumi).sigma_m2, whole)
    n[0] = n[-1] = np.nan
    ends = (n[1] - n[-2]) / ((lumi[2:-1] + lumi[1:-2]) / 2 * 300).sum(axis=0)
    assert_allclose(whole_cross_section(time_s, n, lumi).sigma_m2[0], ends)


def test_the_whole_fill_is_one_window_in_its_middle() -> None:
    time_s, n, lumi = burning()
    assert whole_cross_section(time_s, n, lumi).time_s.tolist() == [(time_s[0] + time_s[-1]) / 2]


@pytest.mark.parametrize("n", [8, 9, 10, 40])
@pytest.mark.parametrize(("last_loss", "is_dump"), [(20, False), (21, True)])
def test_a_loss_of_more_than_twice_the_usual_one_is_the_dump(
    n: int, last_loss: int, is_dump: bool
) -> None:
    lost = np.full(n - 1, 10)
    lost[-1] = last_loss
    total = 1e6 - np.concatenate([[0], np.cumsum(lost)])
    assert n_before_dump(total) == n - is_dump


@pytest.mark.parametrize("n", [8, 9, 10])
def test_the_dump_may_begin_from_the_eighth_sample_on(n: int) -> None:
    total = np.full(n, 1e6)
    total[7:] = 0.0
    assert n_before_dump(total) == 7


@pytest.mark.parametrize(("n", "usual"), [(40, 0.0), (41, 0.0), (40, 3.0), (41, 3.0)])
@pytest.mark.parametrize(("of_limit", "is_dump"), [(0.99, False), (1.01, True)])
def test_the_limit_of_a_loss_is_twice_the_usual_one_and_five_times_its_noise(
    n: int, usual: float, of_limit: float, is_dump: bool
) -> None:
    # Losses that alternate by 1: third differences of the intensity are 4, those of independent
    # samples sqrt(20) times their noise, that of a loss sqrt(2) times it.
    lost = usual + (-1.0) ** np.arange(n - 1)
    limit = 2 * usual + 5 * 1.4826 * np.sqrt(2) * 4 / np.sqrt(20)
    lost[-1] = of_limit * limit
    total = 1000 - np.concatenate([[0], np.cumsum(lost)])
    assert n_before_dump(total) == n - is_dump


def test_each_bunch_has_its_own_ends() -> None:
    time_s, n, lumi = burning()
    n -= 1e9 * np.sqrt(np.arange(time_s.size))[:, None]  # the cross-section falls
    n[:3, 1] = lumi[-2:, 0] = np.nan
    steps = (lumi[1:] + lumi[:-1]) / 2 * 300
    expected = [
        (n[0, 0] - n[-3, 0]) / steps[:-2, 0].sum(),
        (n[3, 1] - n[-1, 1]) / steps[3:, 1].sum(),
    ]
    assert_allclose(whole_cross_section(time_s, n, lumi).sigma_m2[0], expected, rtol=1e-9)


def test_a_last_window_of_three_samples_stands_alone_and_one_of_two_joins_the_only_other() -> None:
    time_s, n, lumi = burning()
    for n_samples, middles in ((9, [750, 2100]), (8, [1050])):
        of = slice(n_samples)
        found = effective_cross_section(time_s[of], n[of], lumi[of], window_s=1800)
        assert_allclose(found.time_s - time_s[0], middles)


def test_two_samples_are_a_window_without_a_cross_section() -> None:
    time_s, n, lumi = burning()
    for found in (
        effective_cross_section(time_s[:2], n[:2], lumi[:2], window_s=1800),
        whole_cross_section(time_s[:2], n[:2], lumi[:2]),
    ):
        assert np.isnan(found.sigma_m2).tolist() == [[True, True]]
        assert np.isnan(found.error_m2).tolist() == [[True, True]]


def test_the_error_of_a_few_samples_is_that_of_the_scatter_about_all_lines() -> None:
    # Windows of 3 and 4 samples; bunches: whole, one window too few, one window none, none at all.
    time_s, lumi = np.arange(7) * 300.0, np.full((7, 4), 8e30)
    n = 1e11 - np.cumsum(lumi, axis=0) * 300 * 80 * MB
    n += np.random.default_rng(6).normal(0, 1e8, n.shape) * [1, 3, 2, 1]
    n[1, 1] = n[:3, 2] = n[:, 3] = np.nan
    found = effective_cross_section(time_s, n, lumi, window_s=900)
    integral = lumi[0, 0] * time_s
    scatter = {}
    for j, windows in ((0, (slice(3), slice(3, 7))), (1, (slice(3, 7),)), (2, (slice(3, 7),))):
        lines = [(of, linregress(integral[of], n[of, j])) for of in windows]
        rest = [(n[of, j] - line.intercept - line.slope * integral[of]) ** 2 for of, line in lines]
        scatter[j] = np.sqrt(sum(map(np.sum, rest)) / sum(part.size - 2 for part in rest))
        for of, line in lines:
            k = 0 if of.start is None else 1
            assert_allclose(found.sigma_m2[k, j], -line.slope, rtol=1e-9)
            spread = np.sum((integral[of] - integral[of].mean()) ** 2)
            assert_allclose(found.error_m2[k, j], scatter[j] / np.sqrt(spread), rtol=1e-9)
    assert np.isnan(found.error_m2).tolist() == [[False, True, True, True], [False] * 3 + [True]]
    whole = whole_cross_section(time_s, n[:, :1], lumi[:, :1])
    rest = n[:, 0] - np.polyval(np.polyfit(integral, n[:, 0], 1), integral)
    noise = np.sqrt(2 * (rest**2).sum() / 5)
    assert_allclose(whole.error_m2[0, 0], noise / integral[-1], rtol=1e-9)


def test_from_eight_samples_on_the_error_is_by_third_differences() -> None:
    time_s, lumi = np.arange(8) * 300.0, np.full((8, 1), 8e30)
    n = 1e11 + np.random.default_rng(6).normal(0, 1e8, (8, 1))
    noise = np.sqrt((np.diff(n[:, 0], n=3) ** 2).mean() / 20)
    integral = lumi[:, 0] * time_s
    found = effective_cross_section(time_s, n, lumi)
    assert_allclose(found.error_m2[0, 0], noise / (integral.std() * np.sqrt(8)), rtol=1e-9)
    whole = whole_cross_section(time_s, n, lumi)
    assert_allclose(whole.error_m2[0, 0], np.sqrt(2) * noise / integral[-1], rtol=1e-9)


def test_the_noise_of_the_luminosity_is_in_the_error() -> None:
    time_s, _, lumi = burning()
    lumi *= 1 + np.random.default_rng(2).normal(0, [0.01, 0.02], lumi.shape)
    lumi[3, 1] = np.nan
    whole = np.where(np.isfinite(lumi), lumi, (lumi[2] + lumi[4]) / 2)
    steps = (whole[1:] + whole[:-1]) / 2 * 300
    n = 1e11 - 80 * MB * np.concatenate([[[0.0, 0.0]], np.cumsum(steps, axis=0)])
    found = [effective_cross_section(time_s, n, lumi), whole_cross_section(time_s, n, lumi)]
    for j in (0, 1):
        there = np.isfinite(lumi[:, j])
        bends = np.diff(lumi[:, j], n=2)
        noise = np.sqrt((bends[np.isfinite(bends)] ** 2).mean() / 6)
        of_integral = noise / lumi[there, j].mean() / np.sqrt(there.sum())
        for one in found:  # the intensity follows the luminosity: hardly any noise of its own
            assert_allclose(one.error_m2[0, j], 80 * MB * of_integral, rtol=0.02)


def test_over_no_luminosity_there_is_no_cross_section_and_no_warning() -> None:
    time_s, n, lumi = burning()
    n[:, 1] = 1e11
    found = whole_cross_section(time_s, n, 0 * lumi)
    assert np.isnan(found.sigma_m2).all()
    assert not np.isfinite(found.error_m2).any()


def test_errors_do_not_depend_on_the_unit_of_luminosity() -> None:
    time_s, n, lumi = burning()
    lumi *= 1 + np.random.default_rng(2).normal(0, 0.01, lumi.shape)
    lumi[3:9, 1] = np.nan
    usual = effective_cross_section(time_s, n, lumi)
    other = effective_cross_section(time_s, n, lumi / 1e30)
    assert_allclose(other.error_m2, usual.error_m2 * 1e30, rtol=1e-9)


def test_without_intensity_there_is_no_cross_section_and_no_warning() -> None:
    time_s, n, lumi = burning()
    lumi *= 1 + np.random.default_rng(2).normal(0, 0.01, lumi.shape)
    n[:, 0] = n[:6, 1] = np.nan
    found = effective_cross_section(time_s, n, lumi, window_s=1800)
    for values in (found.sigma_m2, found.error_m2):
        assert np.isnan(values[:, 0]).all()
        assert np.isnan(values[:, 1]).tolist() == [True] + [False] * 11
