"""Step cycle: bunches at injection and flat top, measured and modelled."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from lumimod.errors import ConfigError, NoDataError, Note
from lumimod.instruments.bsrt import Scans
from lumimod.physics.full import advance
from lumimod.physics.ibs import ibs_map
from lumimod.physics.sbmodel import Bunches
from lumimod.records import Cycle, CycleInterval, Instant
from lumimod.records.made import Made
from lumimod.records.store import load
from lumimod.steps import cycle
from lumimod.steps.context import FillContext
from lumimod.steps.cycle_model import model_of, modelled
from lumimod.steps.effects import physics_of
from lumimod.tables.ibs import ibs_of

from .conftest import FILL, T0, fill_modes, measured_beam

MakeFill = Callable[..., FillContext]


def linear(t: np.ndarray, slot: int) -> np.ndarray:
    """Emittances that tell when they were measured: 3 + t/1e4 and 4 + t/1e4."""
    return np.stack([3 + t / 1e4, 4 + t / 1e4], axis=1)


def beams(since: float = -6050.0, until: float = 100.0) -> dict:
    return {
        b: measured_beam(
            b,
            [10, 20],
            emit=linear,
            intensity=lambda t, slot: 1e11 + t * 1e6 + slot * 1e9,
            length=lambda t, slot: 1e-9 + t * 1e-14,
            since=since,
            until=until,
        )
        for b in (1, 2)
    }


def run(ctx: FillContext) -> tuple[Cycle, Cycle, Cycle]:
    cycle.run(ctx)
    names = ("cycle", "cycle_model", "cycle_model_inj2sb")
    measured, modelled, chained = (load(getattr(ctx.paths, n), Cycle) for n in names)
    return measured, modelled, chained


# --- measured


def test_injection_lasts_from_injphys_to_the_end_of_preramp(fill: MakeFill) -> None:
    interval = run(fill(beams()))[0].intervals[1, "Injection"]
    assert (interval.t_start_s, interval.t_end_s) == (T0 - 6000, T0 - 3700)


def test_high_energy_lasts_from_flattop_to_stable_beams(fill: MakeFill) -> None:
    interval = run(fill(beams()))[0].intervals[2, "he_before_SB"]
    assert (interval.t_start_s, interval.t_end_s) == (T0 - 2500, T0)


def test_samples_strictly_inside_an_interval_count(fill: MakeFill) -> None:
    # Samples are at -5950, -5850, ...; the limits at -5950 and -3750 are samples themselves.
    modes = fill_modes(start_INJPHYS=-5950, stop_PRERAMP=-3750)
    interval = run(fill(beams(), modes))[0].intervals[1, "Injection"]
    assert (interval.start.time_s - T0).tolist() == [-5850, -5850]
    assert (interval.end.time_s - T0).tolist() == [-3850, -3850]
    assert interval.start.emit_h_um == pytest.approx(3 - 0.585)
    assert interval.end.emit_v_um == pytest.approx(4 - 0.385)


def test_intensity_and_length_at_the_start_are_those_100_s_later(fill: MakeFill) -> None:
    start = run(fill(beams()))[0].intervals[1, "Injection"].start
    t = start.time_s - T0 + 100
    assert start.intensity_ppb == pytest.approx(1e11 + t * 1e6 + np.array([10, 20]) * 1e9)
    assert start.bl4s_s == pytest.approx(1e-9 + t * 1e-14, rel=1e-6, abs=0)


def test_intensity_and_length_at_the_end_are_those_of_the_measurement(fill: MakeFill) -> None:
    end = run(fill(beams()))[0].intervals[1, "he_before_SB"].end
    t = end.time_s - T0
    assert end.intensity_ppb == pytest.approx(1e11 + t * 1e6 + np.array([10, 20]) * 1e9)
    assert end.bl4s_s == pytest.approx(1e-9 + t * 1e-14, rel=1e-6, abs=0)


def test_brightness_is_intensity_over_the_mean_emittance(fill: MakeFill) -> None:
    start = run(fill(beams()))[0].intervals[2, "he_before_SB"].start
    mean = np.sqrt(start.emit_h_um * start.emit_v_um)
    assert start.brightness_ppb_um == pytest.approx(start.intensity_ppb / mean)


def test_every_slot_that_the_bsrt_saw_is_there_whatever_its_intensity(fill: MakeFill) -> None:
    interval = run(fill(beams(), intensity_threshold=9e12))[0].intervals[1, "Injection"]
    assert interval.slots.tolist() == [10, 20]


def all_values(interval: CycleInterval) -> np.ndarray:
    instants = (interval.start, interval.end)
    return np.array([v for i in instants for v in vars(i).values() if v is not None])


def test_a_bunch_without_a_sample_in_an_interval_is_nan_there_alone(fill: MakeFill) -> None:
    records = run(fill(beams(since=-3000.0)))
    for record in records[:2]:
        assert np.isnan(all_values(record.intervals[1, "Injection"])).all()
        assert np.isfinite(all_values(record.intervals[1, "he_before_SB"])).all()


def test_a_chain_from_an_injection_that_was_not_measured_is_nan(fill: MakeFill) -> None:
    chained = run(fill(beams(since=-3000.0)))[2].intervals[1, "he_before_SB"]
    assert np.isnan(chained.end.emit_h_um).all()
    assert np.isfinite(chained.end.time_s).all()


def test_one_bunch_without_samples_leaves_the_other_as_it_is(fill: MakeFill) -> None:
    both = beams()
    scans = both[1].scans
    first = np.repeat([True, False], np.diff(scans.start))
    late = scans.select(~first | (scans.time_s > T0 - 3000))
    holed = {1: type(both[1])(1, late, both[1].intensity_ppb, both[1].length_4s_s), 2: both[2]}
    whole = run(fill(both))[0].intervals[1, "Injection"]
    found = run(fill(holed))[0].intervals[1, "Injection"]
    assert np.isnan(all_values(found)[:, 0]).all()
    assert np.array_equal(all_values(found)[:, 1], all_values(whole)[:, 1])


@pytest.mark.parametrize("missing", ["start_INJPHYS", "stop_PRERAMP", "start_FLATTOP"])
def test_a_cycle_that_was_not_complete_is_no_data(fill: MakeFill, missing: str) -> None:
    ctx = fill(beams(), fill_modes(**{missing: np.nan}))
    with pytest.raises(NoDataError, match="beam modes do not tell when .* the cycle was not compl"):
        cycle.run(ctx)
    assert not ctx.paths.cycle.exists()


def test_without_stable_beams_the_cycle_is_not_complete(fill: MakeFill) -> None:
    with pytest.raises(NoDataError, match=r"do not tell when flat top began \(FLATTOP\) and"):
        cycle.run(fill(beams(), fill_modes(stable=(np.nan, np.nan))))


# --- modelled


@pytest.mark.parametrize(
    ("name", "gamma", "v_rf"), [("Injection", 479.6, 6e6), ("he_before_SB", 6927.64, 12e6)]
)
def test_an_interval_is_modelled_from_its_measured_start_over_its_own_time(
    fill: MakeFill, name: str, gamma: float, v_rf: float
) -> None:
    measured, modelled, _ = run(fill(beams()))
    real, model = measured.intervals[1, name], modelled.intervals[1, name]
    duration = real.end.time_s - real.start.time_s
    start = real.start
    expected = ibs_map(
        ibs_of(gamma, v_rf), duration, start.intensity_ppb, start.emit_h_um, start.bl4s_s
    )
    assert model.end.emit_h_um == pytest.approx(expected.emit_h_um)
    assert model.end.bl4s_s == pytest.approx(expected.bl4s_s, rel=1e-6, abs=0)
    assert np.array_equal(model.end.time_s, real.end.time_s)
    assert np.array_equal(model.start.emit_h_um, start.emit_h_um)


def test_the_vertical_emittance_stays_as_it_was(fill: MakeFill) -> None:
    measured, modelled, _ = run(fill(beams()))
    for key, model in modelled.intervals.items():
        assert np.array_equal(model.end.emit_v_um, measured.intervals[key].start.emit_v_um)


def test_the_chain_starts_from_the_modelled_end_of_injection(fill: MakeFill) -> None:
    measured, modelled, chained = run(fill(beams()))
    injected = modelled.intervals[2, "Injection"].end
    real, model = measured.intervals[2, "he_before_SB"], chained.intervals[2, "he_before_SB"]
    assert np.array_equal(model.start.emit_h_um, injected.emit_h_um)
    assert np.array_equal(model.start.time_s, injected.time_s)
    duration = real.end.time_s - real.start.time_s
    expected = ibs_map(
        ibs_of(6927.64, 12e6),
        duration,
        real.start.intensity_ppb,
        injected.emit_h_um,
        injected.bl4s_s,
    )
    assert model.end.emit_h_um == pytest.approx(expected.emit_h_um)


def test_the_chain_holds_the_second_interval_alone(fill: MakeFill) -> None:
    assert set(run(fill(beams()))[2].intervals) == {(1, "he_before_SB"), (2, "he_before_SB")}


def test_models_hold_what_they_model_and_no_more(fill: MakeFill) -> None:
    instant = run(fill(beams()))[1].intervals[1, "Injection"].end
    assert instant.intensity_ppb is None
    assert instant.brightness_ppb_um is None


LONG_WAIT = fill_modes(start_INJPHYS=-10_000)
"""Injection from 10,000 s before stable beams: bunches seen since then wait for 6200 s."""


def test_a_wait_of_over_an_hour_is_modelled_in_equal_parts_of_half_an_hour(fill: MakeFill) -> None:
    measured, modelled, _ = run(fill(beams(since=-9950.0), LONG_WAIT))
    real, model = (record.intervals[1, "Injection"] for record in (measured, modelled))
    duration = (real.end.time_s - real.start.time_s)[0]
    assert duration == 6200
    n, emit, bl4s = (
        value[0] for value in (real.start.intensity_ppb, real.start.emit_h_um, real.start.bl4s_s)
    )
    for _ in range(4):
        emit, bl4s = ibs_map(ibs_of(479.6, 6e6), 6200 / 4, n, emit, bl4s)
    assert model.end.emit_h_um[0] == pytest.approx(emit, rel=1e-12)
    assert model.end.bl4s_s[0] == pytest.approx(bl4s, rel=1e-12, abs=0)


def test_bunches_that_stay_longer_than_an_hour_are_told(
    fill: MakeFill, caplog: pytest.LogCaptureFixture
) -> None:
    run(fill(beams(since=-9950.0), LONG_WAIT))
    told = [record.getMessage() for record in caplog.records]
    assert len(told) == 2
    for beam, message in zip((1, 2), told):
        assert f"Injection of beam {beam}: 2 bunches stayed longer than an hour" in message
        assert "in parts of at most 30 minutes" in message


def test_bunches_that_stay_less_than_five_minutes_at_injection_are_told(
    fill: MakeFill, caplog: pytest.LogCaptureFixture
) -> None:
    run(fill(beams(since=-3950.0)))
    told = [record.getMessage() for record in caplog.records]
    assert len(told) == 2
    assert "Injection of beam 1: 2 bunches stayed less than 5 minutes" in told[0]


def test_a_result_of_before_with_a_long_wait_in_one_step_is_told_to_be_superseded() -> None:
    text = "Injection of beam 1: 2 bunches stayed longer than an hour, where the IBS "
    text += "parametrisation overestimates the growth: do not trust their model"
    old = Made(FILL, "cycle", 1, "1.0", notes=({"kind": "model", "text": text},))
    assert cycle.STEP.superseded(old) == "waits of over an hour were modelled in one step"
    assert cycle.STEP.superseded(Made(FILL, "cycle", 1, "1.0")) == ""


def test_no_note_of_now_says_that_its_result_is_superseded(fill: MakeFill) -> None:
    notes: list[Note] = []
    ctx = fill(beams(since=-9950.0), LONG_WAIT)
    ctx.note = notes.append  # type: ignore[method-assign]
    run(ctx)
    now = Made(FILL, "cycle", 1, "2.0", notes=tuple(note.to_dict() for note in notes))
    assert len(notes) == 2
    assert cycle.STEP.superseded(now) == ""


def test_bunches_that_stay_less_than_an_hour_are_not_worth_a_word(
    fill: MakeFill, caplog: pytest.LogCaptureFixture
) -> None:
    run(fill(beams()))
    assert caplog.records == []


def test_at_an_energy_that_the_model_does_not_know_the_measured_cycle_is_saved(
    fill: MakeFill,
) -> None:
    ctx = fill(beams(), gammaFT=5329.0)
    with pytest.raises(ConfigError, match="no intra-beam-scattering coefficients for 5000 GeV"):
        cycle.run(ctx)
    assert ctx.paths.cycle.exists()
    assert not ctx.paths.cycle_model.exists()


def test_a_bunch_with_one_sample_begins_and_ends_with_it_and_one_without_is_nan() -> None:
    emit_um = np.array([[2.0, 2.5], [3.0, 3.5]])
    times = T0 + np.array([50.0, 500.0])
    scans = Scans(np.array([10, 20]), np.array([0, 1, 2]), times, emit_um)
    beam = replace(measured_beam(1, [10, 20]), scans=scans)
    inside = {
        (0.0, 100.0): ([T0 + 50, np.nan], [2.0, np.nan]),
        (100.0, 600.0): ([np.nan, T0 + 500], [np.nan, 3.0]),
    }
    for (begin, end), (time_s, emit_h_um) in inside.items():
        found = cycle._interval(beam, T0 + begin, T0 + end)
        for instant in (found.start, found.end):
            assert np.array_equal(instant.time_s, time_s, equal_nan=True)
            assert np.array_equal(instant.emit_h_um, emit_h_um, equal_nan=True)


def test_an_incomplete_cycle_says_what_to_do() -> None:
    with pytest.raises(NoDataError) as caught:
        cycle._limits(fill_modes(start_FLATTOP=np.nan))
    assert str(caught.value) == (
        "the beam modes do not tell when flat top began (FLATTOP) and stable beams began "
        "(STABLE): the cycle was not complete; leave the step out"
    )


def test_cycles_are_not_kept_in_memory_and_models_have_no_intensity(fill: MakeFill) -> None:
    ctx = fill(beams())
    _, found, chained = run(ctx)
    for path in (ctx.paths.cycle, ctx.paths.cycle_model, ctx.paths.cycle_model_inj2sb):
        assert ctx.made(path)
        assert path not in ctx._results
    measured = cycle._interval(ctx.beams[1], T0 - 2500, T0)
    of_model = modelled(model_of(ctx.cfg)[1, "he_before_SB"], measured, measured.start)
    of_run = (found.intervals[1, "Injection"], chained.intervals[1, "he_before_SB"])
    for interval in (of_model, *of_run):
        assert interval.start.intensity_ppb is None
        assert interval.start.brightness_ppb_um is None


# --- modelled with all effects


def end_of(found: Cycle, name: str = "Injection") -> np.ndarray:
    """Return emittances and length of beam 1's first bunch at the end."""
    end = found.intervals[1, name].end
    return np.array([end.emit_h_um[0], end.emit_v_um[0], end.bl4s_s[0]])


@pytest.mark.parametrize(
    ("name", "phase"), [("Injection", "injection"), ("he_before_SB", "flat top")]
)
def test_with_the_full_physics_an_interval_has_every_effect(
    fill: MakeFill, name: str, phase: str
) -> None:
    ctx = fill(beams(), physics="full", extra_growth={phase: 0.3})
    measured, found, _ = run(ctx)
    real = measured.intervals[1, name]
    n_ppb = real.start.intensity_ppb
    assert n_ppb is not None
    start = Bunches(
        n_ppb, real.start.emit_h_um, real.start.emit_v_um, real.start.bl4s_s * 299_792_458 / 4
    )
    effects = physics_of(ctx.cfg, phase, np.array([1])).effects
    want = advance(start, real.end.time_s - real.start.time_s, effects)
    want_s = want.length_m[0] * 4 / 299_792_458
    expected = [want.emit_h_um[0], want.emit_v_um[0], want_s]
    assert end_of(found, name) == pytest.approx(expected, rel=1e-6, abs=0)
    assert want.emit_v_um[0] > start.emit_v_um[0] + 0.01  # noise and further growth


def test_radiation_damps_the_vertical_emittance_at_flat_top_where_asked_for(fill: MakeFill) -> None:
    start_um = run(fill(beams()))[0].intervals[1, "he_before_SB"].start.emit_v_um[0]
    plain, damped = (
        end_of(run(fill(beams(), ibs="rates", damping=on))[1], "he_before_SB")
        for on in (False, True)
    )
    # Seen from -2450 to -50 s: 2400 s at a damping time of 64.7 h.
    assert plain[1] == pytest.approx(start_um, rel=1e-12)
    assert damped[1] == pytest.approx(start_um * np.exp(-2 * 2400 / 3600 / 64.7), rel=1e-9)
    assert damped[0] == pytest.approx(plain[0], rel=1e-4)


def test_with_rates_no_wait_is_too_long_or_too_short(
    fill: MakeFill, caplog: pytest.LogCaptureFixture
) -> None:
    run(fill(beams(since=-9950.0), LONG_WAIT, ibs="rates"))
    run(fill(beams(since=-3950.0), ibs="rates"))
    assert "stayed" not in caplog.text


def test_a_long_wait_with_the_parametrisation_is_in_parts_with_further_effects_too(
    fill: MakeFill,
) -> None:
    more = {"extra_growth": {"injection": 1e-9}}
    original = end_of(run(fill(beams(since=-9950.0), LONG_WAIT))[1])
    together = end_of(run(fill(beams(since=-9950.0), LONG_WAIT, **more))[1])
    assert together == pytest.approx(original, rel=1e-7, abs=0)


@pytest.mark.parametrize("names", [{}, {"extra_growth": {"flat top": 0.3}}])
def test_each_bunch_is_modelled_over_its_own_time_whatever_the_others_do(
    fill: MakeFill, names: dict[str, object]
) -> None:
    cfg = fill(**names).cfg
    end = model_of(cfg)[1, "he_before_SB"]
    duration_s = np.array([1200.0, 4000.0, 9000.0])
    n_ppb = np.array([1.0e11, 1.1e11, 1.2e11])
    start = Instant(
        T0 + np.arange(3), np.array([2.0, 2.2, 2.5]), np.array([1.8, 2.0, 2.1]), 1e-9 * np.ones(3)
    )
    found = end(duration_s, start, n_ppb)
    assert np.array_equal(found.time_s, start.time_s)
    names = ("emit_h_um", "emit_v_um", "bl4s_s")
    for k in range(3):
        alone = Instant(*(getattr(start, name)[k : k + 1] for name in ("time_s", *names)))
        expected = end(duration_s[k : k + 1], alone, n_ppb[k : k + 1])
        for name in names:
            value = getattr(expected, name)[0]
            assert getattr(found, name)[k] == pytest.approx(value, rel=1e-12, abs=0)
    assert end(duration_s[:0], Instant(*(start.time_s[:0],) * 4), n_ppb[:0]).emit_h_um.size == 0


def test_voltages_with_rates_alone_are_modelled_by_them(fill: MakeFill) -> None:
    found = run(fill(beams(), physics="full", VRF_FB=5e6, gammaFT=7247.4, VRF_FT=14e6))[1]
    assert np.isfinite([end_of(found), end_of(found, "he_before_SB")]).all()


def test_without_rates_for_the_energy_the_measured_cycle_is_saved(fill: MakeFill) -> None:
    ctx = fill(beams(), gammaFT=5329.0, physics="full")
    with pytest.raises(ConfigError, match="no rates of intra-beam scattering for 5000 GeV"):
        cycle.run(ctx)
    assert ctx.paths.cycle.exists()


def test_bunches_at_injection_for_which_the_rates_are_extrapolated_are_told(
    fill: MakeFill, caplog: pytest.LogCaptureFixture
) -> None:
    run(fill(beams(), ibs="rates"))  # 4 um vertically at flat top, 3.4 at injection
    told = [record.getMessage() for record in caplog.records]
    assert [" ".join(line.split()[2:8]) for line in told] == [
        "he_before_SB of beam 1: 2 bunches",
        "he_before_SB of beam 2: 2 bunches",
    ]


def test_an_empty_bunch_without_size_has_no_brightness_and_warns_of_nothing() -> None:
    beam = measured_beam(1, [10], intensity=lambda t, slot: np.zeros(t.shape))
    scans = replace(beam.scans, emit_um=np.zeros_like(beam.scans.emit_um))
    with np.errstate(invalid="raise"):
        found = cycle._instant(beam, scans, np.array([0]), 0.0)
    np.testing.assert_array_equal(found.brightness_ppb_um, [np.nan])
