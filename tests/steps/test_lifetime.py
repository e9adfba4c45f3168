"""Step lifetime: losses with and without burn-off."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import pytest

from lumimod.errors import MissingStepError
from lumimod.records import Lifetime, MeasuredLumi, StableBeams
from lumimod.records.store import load
from lumimod.steps import lifetime
from lumimod.steps.context import FillContext

from .conftest import put, stable_beams

MakeFill = Callable[..., FillContext]
close = partial(pytest.approx, rel=1e-6, abs=0)
"""Cross-sections in m^2 are far below the absolute tolerance that approx has otherwise."""
SIGMA_M2 = 80e-31
STEP_S = 300.0


def run(ctx: FillContext, sb: StableBeams, lumi_m2s: np.ndarray | None = None) -> Lifetime:
    """Run the step; `lumi_m2s` is the sum of both experiments, each measuring half of it."""
    put(ctx.paths.sb, sb)
    if lumi_m2s is not None:
        put(ctx.paths.lumi_meas, MeasuredLumi({e: lumi_m2s / 2 for e in ("ATLAS", "CMS")}))
    lifetime.run(ctx)
    return load(ctx.paths.lifetime, Lifetime)


def losses_m2s(sb: StableBeams, beam: int = 1) -> np.ndarray:
    """Return |dN/dt| of each colliding bunch, padded to all times."""
    n = sb.bunches[beam, "coll"].intensity_ppb
    rate = -np.diff(n, axis=0) / STEP_S
    return np.vstack([rate, rate[-1:]])


# --- without luminosity


def test_without_luminosity_lifetimes_and_rates_are_there(fill: MakeFill) -> None:
    sb = stable_beams()
    found = run(fill(), sb).beams[2]
    n = sb.bunches[2, "coll"].intensity_ppb
    assert found.rate_ppb_s == close(-np.diff(n, axis=0) / STEP_S)
    assert found.tau_s == close(STEP_S / (1 - np.exp(-STEP_S / 72_000)))
    assert found.total_tau_s == close(STEP_S / (1 - np.exp(-STEP_S / 72_000)))
    assert found.sigma_m2 is None
    assert found.tau_boff_corrected_s is None
    assert found.total_tau_boff_corrected_s is None


def test_rates_are_positive_even_where_the_intensity_grows(fill: MakeFill) -> None:
    sb = stable_beams(intensity=lambda t: 1e11 * (1 + t / 1e6))
    found = run(fill(), sb).beams[1]
    assert np.all(found.rate_ppb_s > 0)
    assert np.all(found.tau_s < 0)


def test_slots_are_the_colliding_ones_and_times_all_of_the_fill(fill: MakeFill) -> None:
    sb = stable_beams(coll=[10, 20], noncoll=[1, 2])
    found = run(fill(), sb)
    assert found.beams[1].slots.tolist() == [10, 20]
    assert np.array_equal(found.time_s, sb.time_s)
    assert found.beams[1].tau_s.shape == (12, 2)


def test_lifetimes_are_not_kept_in_memory_as_no_later_step_reads_them(fill: MakeFill) -> None:
    ctx = fill()
    run(ctx, stable_beams())
    assert ctx.made(ctx.paths.lifetime)
    assert ctx.paths.lifetime not in ctx._results


# --- with luminosity


def test_losses_over_luminosity_are_the_cross_section(fill: MakeFill) -> None:
    sb = stable_beams()
    found = run(fill(), sb, losses_m2s(sb) / SIGMA_M2).beams[1]
    assert found.sigma_m2 == close(SIGMA_M2)


def test_both_experiments_burn_the_bunches_off(fill: MakeFill) -> None:
    sb = stable_beams()
    ctx = fill()
    put(ctx.paths.sb, sb)
    lumi = losses_m2s(sb) / SIGMA_M2
    put(ctx.paths.lumi_meas, MeasuredLumi({"ATLAS": 0.75 * lumi, "CMS": 0.25 * lumi}))
    lifetime.run(ctx)
    found = load(ctx.paths.lifetime, Lifetime).beams[1]
    assert found.sigma_m2 == close(SIGMA_M2)


def test_losses_of_half_burn_off_leave_twice_the_lifetime(fill: MakeFill) -> None:
    sb = stable_beams()
    found = run(fill(), sb, losses_m2s(sb) / SIGMA_M2 / 2).beams[1]
    assert found.tau_boff_corrected_s == close(2 * found.tau_s)
    assert found.total_tau_boff_corrected_s == close(2 * found.total_tau_s)


def test_the_cross_section_of_the_config_is_taken_off(fill: MakeFill) -> None:
    sb = stable_beams()
    lumi = losses_m2s(sb) / SIGMA_M2
    found = run(fill(sigmaBOff_m2=SIGMA_M2 / 4), sb, lumi).beams[1]
    assert found.tau_boff_corrected_s == close(found.tau_s / 0.75)


def test_lifetime_and_rate_do_not_depend_on_luminosity(fill: MakeFill) -> None:
    sb = stable_beams()
    without = run(fill(), sb).beams[1]
    with_it = run(fill(), sb, losses_m2s(sb) / SIGMA_M2).beams[1]
    assert np.array_equal(with_it.tau_s, without.tau_s)
    assert np.array_equal(with_it.total_tau_s, without.total_tau_s)
    assert with_it.rate_ppb_s == close(without.rate_ppb_s, rel=1e-12)


def test_logged_luminosity_is_taken_for_want_of_archives(fill: MakeFill) -> None:
    sb = stable_beams()
    ctx = fill()
    half = losses_m2s(sb) / SIGMA_M2 / 2
    put(ctx.paths.lumi_meas_timber, MeasuredLumi({"ATLAS": half, "CMS": half}))
    assert run(ctx, sb).beams[1].sigma_m2 == close(SIGMA_M2)


# --- bunches without luminosity


def test_a_bunch_without_luminosity_is_nan_and_leaves_the_sums_consistent(fill: MakeFill) -> None:
    sb = stable_beams()
    lumi = losses_m2s(sb) / SIGMA_M2 / 2
    whole = run(fill(), sb, lumi).beams[1]
    lumi[:, 1] = np.nan
    found = run(fill(), sb, lumi).beams[1]
    assert np.isnan(found.sigma_m2).any(axis=0).tolist() == [False, True, False]
    assert np.isnan(found.tau_boff_corrected_s).all(axis=0).tolist() == [False, True, False]
    # Losses and luminosity are summed over the same bunches: half of them is burn-off as before.
    assert found.total_tau_boff_corrected_s == close(whole.total_tau_boff_corrected_s)
    assert np.array_equal(found.total_tau_s, whole.total_tau_s)
    assert np.isfinite(found.tau_s).all()


def test_if_no_bunch_has_luminosity_the_corrected_lifetimes_are_nan(fill: MakeFill) -> None:
    sb = stable_beams()
    found = run(fill(), sb, np.full((13, 3), np.nan)).beams[1]
    assert np.isnan(found.total_tau_boff_corrected_s).all()
    assert np.isfinite(found.total_tau_s).all()


def test_luminosity_of_other_times_is_refused(fill: MakeFill) -> None:
    sb = stable_beams()
    with pytest.raises(MissingStepError, match="other times or bunches"):
        run(fill(), sb, losses_m2s(sb)[:-1])
