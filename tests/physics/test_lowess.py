"""LOWESS of many series at once, against statsmodels and its own laws.

`tests/data/lowess_statsmodels.npz` holds what statsmodels 0.15.0 gives, so that it is not needed
to run the tests. It was written with numpy 2.4.6 by::

    import numpy as np
    from statsmodels.nonparametric.smoothers_lowess import lowess

    rng = np.random.default_rng(2017)
    times, values = [], []
    for n in (2, 3, 4, 5, 8, 13, 25, 60, 150, 400):  # irregular, over 20,000 s
        t = np.sort(rng.choice(20_000_000, n, replace=False)) / 1000
        times.append(t - t[0])
    for n in (2, 6, 24, 144, 300):  # regular
        times.append(np.arange(n) * 61.75)
    for t in times:
        y = 2.5 + 0.1 * np.sin(t / 5000) + rng.normal(0, 0.05, t.size)
        y[rng.random(t.size) < 0.04] += 1.5  # outliers
        values.append(np.round(y, 6))
    settings = [  # frac, delta in s, it, time of the first sample
        (0.1, 0, 0, 0), (0.1, 0, 3, 0), (0.1, 200, 10, 0), (0.25, 0, 10, 0), (0.25, 150, 3, 0),
        (0.5, 0, 3, 0), (0.5, 200, 10, 0), (0.5, 1000, 0, 0), (2 / 3, 200, 3, 0), (1, 0, 0, 0),
        (1, 0, 10, 0), (1, 500, 10, 0),
        (0.5, 200, 0, 1.5e9), (0.5, 200, 10, 1.5e9), (0.25, 0, 10, 1.5e9),
    ]
    smooth = [
        np.concatenate([
            lowess(y, t0 + t, frac=f, it=it, delta=d, is_sorted=True, return_sorted=False)
            for t, y in zip(times, values)
        ])
        for f, d, it, t0 in settings
    ]
    np.savez_compressed(
        "tests/data/lowess_statsmodels.npz",
        time_s=np.concatenate(times), value=np.concatenate(values),
        group_start=np.cumsum([0] + [t.size for t in times]),
        smooth=np.array(smooth), settings=np.array(settings, float),
    )
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from lumimod.physics.lowess import lowess_groups

with np.load(
    Path(__file__).parents[1] / "data" / "lowess_statsmodels.npz", allow_pickle=False
) as _file:
    REFERENCE = dict(_file)
N_CASES = len(REFERENCE["settings"])

SMOOTHING: dict[str, Any] = {"frac": 0.4, "delta_s": 150.0, "n_iter": 3}
SEEDS = st.integers(0, 2**32 - 1)


def one_group(time_s: Any, values: Any, **changed: Any) -> np.ndarray:
    """Return the smoothed values of a single series."""
    time_s, values = np.asarray(time_s, float), np.asarray(values, float)
    start = np.array([0, time_s.size])
    return lowess_groups(time_s, start, values[:, None], **{**SMOOTHING, **changed})[:, 0]


def noisy_series(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the times and values of a series like the emittances of a bunch."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(10, 80))
    time_s = np.cumsum(rng.uniform(20, 100, n))
    values = 2.5 + 0.1 * np.sin(time_s / 1000) + rng.normal(0, 0.05, n)
    values[rng.random(n) < 0.05] += 1.0
    return time_s, values


@cache
def smoothed(case: int, first_time_s: float) -> np.ndarray:
    """Return the series of the reference, smoothed once as a case says: do not change them."""
    frac, delta_s, n_iter, _ = REFERENCE["settings"][case]
    return lowess_groups(
        REFERENCE["time_s"] + first_time_s,
        REFERENCE["group_start"],
        REFERENCE["value"][:, None],
        frac=frac,
        delta_s=delta_s,
        n_iter=int(n_iter),
    )[:, 0]


@pytest.mark.slow
@pytest.mark.parametrize("case", range(N_CASES))
def test_groups_agree_with_statsmodels(case: int) -> None:
    first_time_s = REFERENCE["settings"][case, 3]
    smooth = smoothed(case, first_time_s)
    # With Unix times the two differ by statsmodels' own rounding: it sums w*t, not w*(t - t0),
    # and a double holds times of 1.5e9 s to 2e-7 s only. Measured: 1.1e-13 and 2.8e-8.
    atol = 1e-12 if first_time_s == 0 else 1e-7
    np.testing.assert_allclose(smooth, REFERENCE["smooth"][case], rtol=0, atol=atol)


@pytest.mark.parametrize("case", [i for i in range(N_CASES) if REFERENCE["settings"][i, 3] > 0])
def test_unix_times_give_the_same_as_times_from_zero(case: int) -> None:
    # The proof that the digits in the test above are lost by statsmodels: here the only loss is
    # that of the times themselves, 2e-7 s of the 60 s between samples.
    smooth = [smoothed(case, shift) for shift in (0.0, REFERENCE["settings"][case, 3])]
    np.testing.assert_allclose(smooth[1], smooth[0], rtol=0, atol=1e-8)


def test_reference_has_outliers_regular_and_irregular_times() -> None:
    start = REFERENCE["group_start"]
    steps = [np.ptp(np.diff(REFERENCE["time_s"][a:b])) for a, b in zip(start[:-1], start[1:])]
    assert np.diff(start).min() == 2
    assert np.diff(start).max() == 400
    assert min(steps[2:10]) > 1  # s
    assert max(steps[10:]) < 1e-9
    assert np.count_nonzero(REFERENCE["value"] > 3.5) > 20


@pytest.mark.slow
@pytest.mark.parametrize("frac", [0.1, 0.5, 1.0])
def test_many_groups_at_once_equal_one_at_a_time(frac: float) -> None:
    # 300 groups of many sizes are more than one batch.
    rng = np.random.default_rng(3)
    sizes = rng.integers(0, 120, 300)
    start = np.concatenate([[0], np.cumsum(sizes)])
    time_s = np.concatenate([np.cumsum(rng.uniform(1, 60, n)) for n in sizes])
    values = rng.normal(2.5, 0.1, (time_s.size, 1))
    together = lowess_groups(time_s, start, values, frac=frac, delta_s=50.0, n_iter=3)
    alone = [
        one_group(time_s[a:b], values[a:b, 0], frac=frac, delta_s=50.0)
        for a, b in zip(start[:-1], start[1:])
    ]
    np.testing.assert_allclose(together[:, 0], np.concatenate(alone), rtol=0, atol=1e-12)


def test_groups_of_one_size_may_be_sampled_at_other_intervals() -> None:
    # In the first every sample has a fit of its own, in the second one of six has.
    times = np.concatenate([np.arange(20) * 100.0, np.arange(20) * 10.0])
    values = np.random.default_rng(1).normal(size=(40, 1))
    smoothing = {"frac": 0.4, "delta_s": 50.0, "n_iter": 2}
    both = lowess_groups(times, np.array([0, 20, 40]), values, **smoothing)[:, 0]
    for part in (slice(0, 20), slice(20, 40)):
        alone = one_group(times[part], values[part, 0], **smoothing)
        np.testing.assert_array_equal(both[part], alone)


def test_a_short_group_with_two_samples_at_one_time_may_stand_beside_a_longer_one() -> None:
    times = np.concatenate([[0.0, 0.0, 5.0], np.arange(10.0)])
    values = np.random.default_rng(2).normal(size=(13, 1))
    both = lowess_groups(times, np.array([0, 3, 13]), values, frac=0.7, delta_s=0.0, n_iter=1)[:, 0]
    for part in (slice(0, 3), slice(3, 13)):
        alone = one_group(times[part], values[part, 0], frac=0.7, delta_s=0.0, n_iter=1)
        np.testing.assert_array_equal(both[part], alone)


def test_several_series_at_once_equal_one_at_a_time() -> None:
    time_s, values = REFERENCE["time_s"], REFERENCE["value"]
    both = np.stack([values, -3 * values[::-1]], axis=1)
    start = REFERENCE["group_start"]
    together = lowess_groups(time_s, start, both, **SMOOTHING)
    for k in range(2):
        alone = lowess_groups(time_s, start, both[:, k : k + 1], **SMOOTHING)
        np.testing.assert_array_equal(together[:, k], alone[:, 0])


def test_input_is_left_as_it_was() -> None:
    time_s, values = noisy_series(1)
    before = values.copy()
    one_group(time_s, values)
    np.testing.assert_array_equal(values, before)


def test_no_samples_give_none() -> None:
    out = lowess_groups(np.empty(0), np.array([0, 0, 0]), np.empty((0, 2)), **SMOOTHING)
    assert out.shape == (0, 2)


def test_groups_of_none_and_one_sample_between_others_stay() -> None:
    start = np.array([0, 0, 1, 6, 6, 7])
    time_s = np.array([5.0, 0, 100, 200, 300, 400, 9])
    values = np.array([[7.0], [1], [2], [3], [4], [5], [8]])
    out = lowess_groups(time_s, start, values, frac=1.0, delta_s=0.0, n_iter=3)
    np.testing.assert_allclose(out, values, rtol=1e-12)
    assert out[0, 0] == 7
    assert out[6, 0] == 8


@pytest.mark.parametrize("frac", [0.1, 1.0])
@pytest.mark.parametrize("n_iter", [0, 10])
def test_two_samples_are_returned(frac: float, n_iter: int) -> None:
    # The farthest of the neighbours has no weight, so each fit sees its own sample alone.
    np.testing.assert_array_equal(
        one_group([0, 60], [1.0, 3.0], frac=frac, delta_s=0.0, n_iter=n_iter), [1.0, 3.0]
    )


def test_local_fit_is_the_weighted_line() -> None:
    # frac 1 at the middle of t = -2, -1, 0, 1, 2: tricube weights (1 - (1/2)^3)^3 = (7/8)^3
    # = 343/512 at +-1, 1 at 0, 0 at +-2. By symmetry the line there is the weighted mean of
    # 1, 5, 3: (343/512*(1 + 3) + 5)/(1 + 2*343/512) = (1372 + 2560)/(512 + 686) = 3932/1198.
    smooth = one_group([-2, -1, 0, 1, 2], [9.0, 1, 5, 3, 4], frac=1.0, delta_s=0.0, n_iter=0)
    assert smooth[2] == pytest.approx(3932 / 1198, rel=1e-14)


def test_samples_within_delta_lie_on_the_line_between_fits() -> None:
    # delta 2.5 s on samples each second: fits at 0, 2, 4, 6, 8, 9 s. Those between are means.
    rng = np.random.default_rng(2)
    values = rng.normal(size=10)
    every = one_group(np.arange(10), values, frac=0.5, delta_s=0.0, n_iter=0)
    smooth = one_group(np.arange(10), values, frac=0.5, delta_s=2.5, n_iter=0)
    fitted = [0, 2, 4, 6, 8, 9]
    np.testing.assert_allclose(smooth[fitted], every[fitted], rtol=1e-13)
    np.testing.assert_allclose(smooth[1:8:2], (smooth[0:7:2] + smooth[2:9:2]) / 2, rtol=1e-12)


def test_robust_iterations_ignore_an_outlier() -> None:
    time_s = np.arange(40) * 60.0
    values = 2.5 + 0.01 * np.cos(np.arange(40.0) * 2)
    values[20] += 5
    assert one_group(time_s, values, frac=0.8, n_iter=0)[20] > 2.6
    # With a small frac an outlier this far spoils all residuals around it and wins, here as in
    # statsmodels; half of the residuals must be left sound.
    assert one_group(time_s, values, frac=0.8, n_iter=5)[20] == pytest.approx(2.5, abs=0.01)


def test_a_sample_exactly_delta_away_is_the_next_to_be_fitted() -> None:
    time_s = np.arange(9) * 50.0
    found = one_group(time_s, np.arange(9) % 2, frac=0.5, delta_s=100.0, n_iter=0)
    # Up to the last but one, which is fitted as in statsmodels.
    np.testing.assert_allclose(found[1:6:2], (found[:5:2] + found[2:7:2]) / 2, atol=1e-15)


def test_two_samples_at_one_time_are_fitted_by_their_mean() -> None:
    # The other sample is as far as a neighbour can be, so it has no weight.
    found = one_group([0, 10, 10], [1, 2, 4], frac=1.0, delta_s=0.0, n_iter=0)
    np.testing.assert_allclose(found, [1, 3, 3])


def test_an_outlier_does_not_count_where_most_samples_are_fitted_exactly() -> None:
    values = np.zeros(40)
    values[0] = 0.5
    found = one_group(np.arange(40), values, frac=0.25, delta_s=0.0, n_iter=1)
    np.testing.assert_allclose(found, 0.0, atol=1e-15)


@settings(max_examples=40, deadline=None)
@given(seed=SEEDS, shift=st.floats(-100, 100))
def test_shift_of_the_values_shifts_the_result(seed: int, shift: float) -> None:
    time_s, values = noisy_series(seed)
    # Of a dozen samples half may be met exactly: then rounding is the median residual, by which
    # the others are weighted, and a shift changes it.
    assume(len(time_s) > 20)
    np.testing.assert_allclose(
        one_group(time_s, values + shift), one_group(time_s, values) + shift, rtol=0, atol=1e-8
    )


@settings(max_examples=40, deadline=None)
@given(seed=SEEDS, exponent=st.integers(-40, 40), sign=st.sampled_from([-1, 1]))
def test_scale_of_the_values_scales_the_result(seed: int, exponent: int, sign: int) -> None:
    # Powers of two: with other factors rounding decides where a few samples are met exactly and
    # the median residual, by which the others are weighted, is itself but rounding.
    time_s, values = noisy_series(seed)
    factor = sign * 2.0**exponent
    np.testing.assert_array_equal(
        one_group(time_s, factor * values), factor * one_group(time_s, values)
    )


@settings(max_examples=40, deadline=None)
@given(seed=SEEDS, exponent=st.integers(-12, 12))
def test_unit_of_the_times_changes_nothing(seed: int, exponent: int) -> None:
    time_s, values = noisy_series(seed)
    scaled = one_group(time_s * 2.0**exponent, values, delta_s=150.0 * 2.0**exponent)
    np.testing.assert_allclose(scaled, one_group(time_s, values), rtol=0, atol=1e-12)


@settings(max_examples=40, deadline=None)
@given(seed=SEEDS, shift_s=st.integers(-(2**20), 2**20))
def test_shift_of_the_times_changes_nothing(seed: int, shift_s: int) -> None:
    time_s, values = noisy_series(seed)
    time_s = np.round(time_s * 1024) / 1024  # binary fractions: the shift is exact
    np.testing.assert_array_equal(one_group(time_s + shift_s, values), one_group(time_s, values))


@settings(max_examples=40, deadline=None)
@given(
    seed=SEEDS,
    level=st.floats(-10, 10),
    slope=st.floats(-1e-2, 1e-2),
    frac=st.floats(0.05, 1),
    n_iter=st.sampled_from([0, 3, 10]),
)
def test_straight_line_is_reproduced(
    seed: int, level: float, slope: float, frac: float, n_iter: int
) -> None:
    time_s, _ = noisy_series(seed)
    line = level + slope * time_s
    np.testing.assert_allclose(
        one_group(time_s, line, frac=frac, n_iter=n_iter), line, rtol=0, atol=1e-9
    )


@pytest.mark.parametrize(
    "time_s",
    [[0, 0], [0] * 5, [0, 1, 1, 1, 2], [0, 0, 0, 1, 2, 2, 2], np.repeat(np.arange(20), 3)],
    ids=["two", "all", "middle", "ends", "threes"],
)
@pytest.mark.parametrize("frac", [0.1, 0.5, 1.0])
@pytest.mark.parametrize("delta_s", [0.0, 0.5, 5.0])
@pytest.mark.parametrize("n_iter", [0, 3])
def test_samples_at_the_same_time_stay_finite_and_share_a_value(
    time_s: list[int], frac: float, delta_s: float, n_iter: int
) -> None:
    values = np.sin(np.arange(len(time_s)))
    smooth = one_group(time_s, values, frac=frac, delta_s=delta_s, n_iter=n_iter)
    assert np.isfinite(smooth).all()
    tied = np.diff(time_s) == 0
    np.testing.assert_allclose(smooth[1:][tied], smooth[:-1][tied], rtol=0, atol=1e-12)


def test_constant_values_stay_constant() -> None:
    # All residuals vanish, and with them their median: every robustness weight is one.
    np.testing.assert_allclose(one_group(np.arange(30) * 60.0, np.full(30, 2.5)), 2.5, rtol=1e-14)


def test_what_stands_in_for_missing_samples_of_a_short_group_is_no_residual() -> None:
    # Values about 0, as what is put there: next to a long group they are smoothed as alone.
    rng = np.random.default_rng(5)
    times = np.concatenate([np.arange(12.0), np.arange(40.0)])
    values = rng.normal(size=(52, 1))
    smoothing = {"frac": 0.5, "delta_s": 0.0, "n_iter": 3}
    values[10:12] = 0.0  # so that the fit there is close to it
    both = lowess_groups(times, np.array([0, 12, 52]), values, **smoothing)[:, 0]
    for part in (slice(0, 12), slice(12, 52)):
        alone = one_group(times[part], values[part, 0], **smoothing)
        np.testing.assert_allclose(both[part], alone, rtol=0, atol=1e-12)
