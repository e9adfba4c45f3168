"""Step fits: exponential lifetimes of bunches and luminosities."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import lumimod
from lumimod.errors import MissingStepError
from lumimod.physics.uncertainty import (
    errors_of_correlated,
    exponential_fit_errors,
    sample_noise,
)
from lumimod.records import CalculatedLumi, Fits, MeasuredLumi, StableBeams
from lumimod.records.frames import to_frame
from lumimod.records.store import load
from lumimod.steps import fits
from lumimod.steps.context import FillContext

from .conftest import T0, put, stable_beams

MakeFill = Callable[..., FillContext]
EXPERIMENTS = ("ATLAS", "CMS")


def lumi_of(sb: StableBeams, tau_s: float) -> dict[str, np.ndarray]:
    n = sb.bunches[1, "coll"].slots.size
    decay = np.exp(-(sb.time_s - T0) / tau_s)[:, None]
    return {exp: 5e34 * decay * (1 + 0.1 * np.arange(n)) for exp in EXPERIMENTS}


def prepared(
    ctx: FillContext, sb: StableBeams, *, calc_s: float = 40_000, meas_s: float | None = 30_000
) -> FillContext:
    put(ctx.paths.sb, sb)
    put(ctx.paths.lumi_calc, CalculatedLumi(sb.time_s, lumi_of(sb, calc_s), sb.xing_angle_rad))
    if meas_s is not None:
        put(ctx.paths.lumi_meas, MeasuredLumi(lumi_of(sb, meas_s)))
    return ctx


def run(ctx: FillContext) -> Fits:
    fits.run(ctx)
    return load(ctx.paths.fits, Fits)


def test_the_fits_find_the_decay_of_intensities_and_luminosities(fill: MakeFill) -> None:
    found = run(prepared(fill(), stable_beams(n_times=40)))
    inten = found.beams[2, "coll"]["inten"]
    assert inten.short.tau_s == pytest.approx([-72_000] * 3, rel=1e-6)
    assert inten.full.tau_s == pytest.approx([-72_000] * 3, rel=1e-6)
    assert inten.full.init == pytest.approx(1.2e11 * np.array([1.04, 1.05, 1.06]) / 1.0, rel=0.01)
    for exp in EXPERIMENTS:
        assert found.lumi[exp, "calc"].full.tau_s == pytest.approx([-40_000] * 3, rel=1e-6)
        assert found.lumi[exp, "meas"].short.tau_s == pytest.approx([-30_000] * 3, rel=1e-6)
        assert found.lumi[exp, "meas"].full.init == pytest.approx([5e34, 5.5e34, 6e34], rel=1e-6)


def test_growing_emittances_have_a_positive_time(fill: MakeFill) -> None:
    found = run(prepared(fill(), stable_beams()))
    assert np.all(found.beams[1, "coll"]["emit_h"].full.tau_s > 0)
    assert np.all(found.beams[1, "coll"]["bl"].full.tau_s < 0)


def bending(t: np.ndarray) -> np.ndarray:
    """Fast losses for an hour, slow ones from then on."""
    return 1.2e11 * np.where(t < 3600, np.exp(-t / 20_000), np.exp(-0.18 - (t - 3600) / 200_000))


def test_short_fits_see_the_first_hours_alone(fill: MakeFill) -> None:
    sb = stable_beams(n_times=60, intensity=bending)
    found = run(prepared(fill(t_fit_length=3600), sb)).beams[1, "coll"]["inten"]
    assert found.short.tau_s == pytest.approx([-20_000] * 3, rel=1e-6)
    assert np.all(found.full.tau_s < -50_000)


def test_fits_of_an_earlier_run_are_made_again_with_the_present_length(fill: MakeFill) -> None:
    found = run(prepared(fill(), stable_beams()))  # its own fits are marked by -111
    assert np.all(found.beams[1, "noncoll"]["inten"].short.tau_s != -111)


def test_fits_that_step_sb_made_in_this_run_are_taken(fill: MakeFill) -> None:
    sb = stable_beams()
    ctx = prepared(fill(), sb)
    ctx.save(ctx.paths.sb, sb)
    assert run(ctx).beams[1, "noncoll"]["inten"].short.tau_s.tolist() == [-111.0]


def test_without_measured_luminosity_the_rest_is_fitted(fill: MakeFill) -> None:
    ctx = prepared(fill(), stable_beams(), meas_s=None)
    found = run(ctx)
    assert set(found.lumi) == {("ATLAS", "calc"), ("CMS", "calc")}
    data = lumimod.load(ctx.paths.fits)
    assert not [key for key in data["ATLAS"] if "meas" in key]
    assert "tau_emith_coll" in data["beam_1"]


def test_logged_luminosity_is_fitted_for_want_of_archives(fill: MakeFill) -> None:
    sb = stable_beams()
    ctx = prepared(fill(), sb, meas_s=None)
    put(ctx.paths.lumi_meas_timber, MeasuredLumi(lumi_of(sb, 25_000)))
    assert run(ctx).lumi["CMS", "meas"].full.tau_s == pytest.approx([-25_000] * 3, rel=1e-6)


def test_massi_luminosity_is_preferred_to_logged_luminosity(fill: MakeFill) -> None:
    sb = stable_beams()
    ctx = prepared(fill(), sb)
    put(ctx.paths.lumi_meas_timber, MeasuredLumi(lumi_of(sb, 25_000)))
    assert run(ctx).lumi["CMS", "meas"].full.tau_s == pytest.approx([-30_000] * 3, rel=1e-6)


def test_measured_luminosity_of_other_bunches_is_refused(fill: MakeFill) -> None:
    ctx = prepared(fill(), stable_beams())
    put(ctx.paths.lumi_meas, MeasuredLumi(lumi_of(stable_beams(coll=[1, 2]), 30_000)))
    with pytest.raises(MissingStepError, match="other times or bunches .* run with --force massi"):
        fits.run(ctx)


def test_a_bunch_with_a_nan_has_no_fit_and_is_counted_in_the_log(
    fill: MakeFill, caplog: pytest.LogCaptureFixture
) -> None:
    sb = stable_beams()
    emit = sb.bunches[1, "coll"].emit_h_um.copy()
    emit[5, 1] = np.nan
    holed: Any = {**sb.bunches, (1, "coll"): replace(sb.bunches[1, "coll"], emit_h_um=emit)}
    found = run(prepared(fill(), replace(sb, bunches=holed)))
    assert np.isnan(found.beams[1, "coll"]["emit_h"].full.tau_s).tolist() == [False, True, False]
    assert np.isfinite(found.beams[1, "coll"]["emit_v"].full.tau_s).all()
    # 4 quantities, 2 beams of 4 bunches, 4 luminosities of 3 bunches, each short and full.
    n_fits = 2 * (4 * 2 * 4 + 4 * 3)
    [record] = caplog.records
    assert record.getMessage() == f"fill 5845: 2 of {n_fits} fits failed and are NaN"


def test_if_all_fits_succeed_nothing_is_logged(
    fill: MakeFill, caplog: pytest.LogCaptureFixture
) -> None:
    run(prepared(fill(), stable_beams()))
    assert caplog.records == []


def test_a_fill_without_noncolliding_bunches_has_empty_fits_of_them(fill: MakeFill) -> None:
    found = run(prepared(fill(), stable_beams(noncoll=[])))
    assert found.beams[2, "noncoll"]["bl"].full.tau_s.shape == (0,)


def test_too_few_times_give_nan(fill: MakeFill) -> None:
    found = run(prepared(fill(t_fit_length=100), stable_beams()))
    assert np.isnan(found.beams[1, "coll"]["inten"].short.tau_s).all()
    assert np.isfinite(found.beams[1, "coll"]["inten"].full.tau_s).all()


def test_without_calculated_luminosity_its_step_is_named(fill: MakeFill) -> None:
    ctx = fill()
    put(ctx.paths.sb, stable_beams())
    with pytest.raises(MissingStepError, match=r"lumi_calc\.pkl\.gz is missing"):
        fits.run(ctx)


# --- errors


def noisy(sb: StableBeams, name: str, sigma: float) -> StableBeams:
    """Return the beams with relative noise on a quantity of beam 1."""
    rng = np.random.default_rng(6)
    b = sb.bunches[1, "coll"]
    values = getattr(b, name)
    other = replace(b, **{name: values * rng.normal(1, sigma, values.shape)})
    return replace(sb, bunches={**sb.bunches, (1, "coll"): other})


@pytest.mark.parametrize(
    ("name", "quantity"),
    [("intensity_ppb", "inten"), ("length_m", "bl"), ("emit_h_raw_um", "emit_h")],
)
def test_errors_are_those_of_the_scatter_of_raw_samples(
    fill: MakeFill, name: str, quantity: str
) -> None:
    found = run(prepared(fill(), noisy(stable_beams(n_times=49), name, 0.01)))
    errors = found.beam_errors[1, "coll"][quantity]
    relative_per_s = 0.01 / np.sqrt(49**3 / 12) / 300
    fit = found.beams[1, "coll"][quantity]
    of_rates = [errors.full.tau_s / fit.full.tau_s**2, errors.short.tau_s / fit.short.tau_s**2]
    assert of_rates[0] == pytest.approx(relative_per_s, rel=0.5)
    assert np.all(of_rates[1] > 1.5 * of_rates[0])
    assert errors.full.chi2_dof == pytest.approx(1, rel=0.6)
    quiet = found.beam_errors[2, "coll"][quantity]
    assert np.all(quiet.full.tau_s < 0.1 * errors.full.tau_s)


def test_errors_of_the_calculated_luminosity_count_fewer_samples(fill: MakeFill) -> None:
    sb = stable_beams(n_times=60, intensity=bending)
    ctx = prepared(fill(), sb)
    waving = {
        e: v * (1 + 0.01 * np.sin(np.arange(60) / 6)[:, None]) for e, v in lumi_of(sb, 3e4).items()
    }
    put(ctx.paths.lumi_calc, CalculatedLumi(sb.time_s, waving, sb.xing_angle_rad))
    put(ctx.paths.lumi_meas, MeasuredLumi(waving))
    found = run(ctx).lumi_errors
    assert np.all(found["CMS", "calc"].full.tau_s > 2 * found["CMS", "meas"].full.tau_s)
    assert np.all(found["CMS", "calc"].full.lag1 > 0.8)
    assert np.isnan(found["CMS", "calc"].full.chi2_dof).all()


def test_errors_are_of_the_samples_of_each_span_as_these_come_about(fill: MakeFill) -> None:
    sb = stable_beams(n_times=30)
    names = ("emit_h_raw_um", "emit_v_raw_um", "length_m", "intensity_ppb")
    for k, name in enumerate(names):
        values = getattr(sb.bunches[1, "coll"], name)
        values *= 1 + 0.01 * np.sin(np.arange(30) ** 2 / (k + 3) + np.arange(3)[:, None]).T
    waving = {
        e: v * (1 + 0.01 * np.sin(np.arange(30) ** 1.5))[:, None]
        for e, v in lumi_of(sb, 3e4).items()
    }
    ctx = prepared(fill(t_fit_length=3600.0), sb)
    put(ctx.paths.lumi_calc, CalculatedLumi(sb.time_s, waving, sb.xing_angle_rad))
    put(ctx.paths.lumi_meas, MeasuredLumi(waving))
    found = run(ctx)
    b = sb.bunches[1, "coll"]
    quantities = {
        "emit_h": (b.emit_h_raw_um, True),
        "emit_v": (b.emit_v_raw_um, True),
        "bl": (b.length_m, False),
        "inten": (b.intensity_ppb, False),
    }
    cases = [
        (values, found.beams[1, "coll"][x], found.beam_errors[1, "coll"][x], interpolated, False)
        for x, (values, interpolated) in quantities.items()
    ]
    for kind in ("calc", "meas"):
        key = ("CMS", kind)
        cases.append(
            (waving["CMS"], found.lumi[key], found.lumi_errors[key], False, kind == "calc")
        )
    for values, of, errors, interpolated, smooth in cases:
        noise = None if smooth else sample_noise(values)
        for span, n in (("short", 12), ("full", 30)):  # the sample after 3600 s is the 13th
            fit, got = getattr(of, span), getattr(errors, span)
            expected = exponential_fit_errors(
                sb.time_s[:n],
                values[:n],
                fit.init,
                fit.tau_s,
                interpolated=interpolated,
                noise=noise,
            )
            expected = errors_of_correlated(expected) if smooth else expected
            for a, e in zip(got, expected):
                assert a == pytest.approx(e, rel=1e-9, abs=0, nan_ok=True)


def test_fits_are_not_kept_in_memory_as_no_later_step_reads_them(fill: MakeFill) -> None:
    ctx = prepared(fill(), stable_beams())
    run(ctx)
    assert ctx.made(ctx.paths.fits)
    assert ctx.paths.fits not in ctx._results


def test_errors_are_columns_of_the_frame(fill: MakeFill) -> None:
    sb = stable_beams()
    frame = to_frame(run(prepared(fill(), sb)), sb)
    assert {"tau_error_s", "init_error", "chi2_dof", "lag1"} <= set(frame.columns)
    assert frame[frame["quantity"] == "inten"].tau_error_s.notna().all()


def test_files_without_errors_are_read_as_before(fill: MakeFill) -> None:
    data = run(prepared(fill(), stable_beams())).to_dict()
    older = {
        part: {k: v for k, v in of.items() if not k.startswith(("err_", "chi2_", "lag1_"))}
        for part, of in data.items()
    }
    found = Fits.from_dict(older)
    assert found.beam_errors == found.lumi_errors == {}
    assert found.to_dict().keys() == older.keys()
    assert all(found.to_dict()[part].keys() == of.keys() for part, of in older.items())
