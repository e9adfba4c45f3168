"""Step sb: time base, choice of bunches, interpolation, smoothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from lumimod.errors import MissingInputError, NoDataError, Note, get_command
from lumimod.instruments.measurements import BeamMeasurements
from lumimod.instruments.samples import BunchSamples
from lumimod.records import StableBeams
from lumimod.records.made import Made
from lumimod.records.store import load
from lumimod.steps import sb
from lumimod.steps.context import FillContext, StepInProgress
from lumimod.steps.smoothing import Smoothing, smoothed
from tests.conftest import context

from .conftest import FILL, T0, fill_modes, measured_beam

MakeFill = Callable[..., FillContext]
BEAMS = {1: measured_beam(1, [10, 20]), 2: measured_beam(2, [20, 30])}
C_M_S = 299_792_458.0


def run(ctx: FillContext) -> StableBeams:
    sb.run(ctx)
    return load(ctx.paths.sb, StableBeams)


# --- time base


def test_times_start_with_stable_beams_and_step_evenly() -> None:
    time_s = sb.time_range(fill_modes(stable=(0, 1000)), 300)
    assert (time_s - T0).tolist() == [0, 300, 600, 900]


def test_fills_without_known_stable_beams_say_what_to_do() -> None:
    with pytest.raises(NoDataError) as caught:
        sb.time_range(fill_modes(stable=(np.nan, np.nan)), 300)
    assert str(caught.value) == "no stable beams in this fill: nothing to follow up; leave it out"
    modes = replace(fill_modes(stable=(0, np.nan), end=np.nan), complete=False)
    with pytest.raises(NoDataError) as caught:
        sb.time_range(modes, 300)
    assert str(caught.value) == (
        "the beam modes do not tell when stable beams ended: the fill was not over; when it is "
        f"over: {get_command(FILL)}, and run this fill again"
    )


def test_a_fill_in_progress_ends_with_the_last_intensity_of_either_beam(fill: MakeFill) -> None:
    beams = {b: measured_beam(b, [10], until=until) for b, until in ((1, 500.0), (2, 700.0))}
    modes = replace(fill_modes(stable=(0, np.nan), end=np.nan), complete=False)
    assert sb._last_measurement_s(fill(beams, modes)) == T0 + 600
    assert np.isnan(sb._last_measurement_s(fill(beams)))


@pytest.mark.parametrize(
    ("scanned", "counts"), [(-601, False), (-600, True), (300, True), (1200, True), (1201, False)]
)
def test_a_scan_counts_as_long_before_or_after_the_times_as_a_gap_may_last(
    scanned: float, counts: bool
) -> None:
    beam = measured_beam(1, [10], since=scanned, until=scanned + 50)
    beam = replace(beam, top_since_s=T0 + scanned)
    time_s = T0 + np.array([0.0, 300.0, 600.0])
    if counts:
        assert sb._after_ramp(beam, time_s, 600.0).scans.time_s.tolist() == [T0 + scanned]
        return
    with pytest.raises(NoDataError, match="the BSRT of beam 1 has no sample then"):
        sb._after_ramp(beam, time_s, 600.0)


def test_times_end_before_the_dump() -> None:
    assert sb.time_range(fill_modes(stable=(0, 900)), 300)[-1] == T0 + 600


def test_times_end_15_minutes_before_the_next_fill_if_that_is_earlier() -> None:
    time_s = sb.time_range(fill_modes(stable=(0, 7200), end=2100), 300)
    assert (time_s - T0).tolist() == [0, 300, 600, 900]


def test_without_a_recorded_end_of_stable_beams_the_next_fill_ends_them() -> None:
    time_s = sb.time_range(fill_modes(stable=(0, np.nan), end=2100), 300)
    assert time_s[-1] == T0 + 900


def test_a_fill_without_stable_beams_is_no_data() -> None:
    with pytest.raises(NoDataError, match="no stable beams in this fill"):
        sb.time_range(fill_modes(stable=(np.nan, np.nan)), 300)


def test_a_fill_that_was_not_over_is_no_data() -> None:
    with pytest.raises(NoDataError, match="do not tell when stable beams ended: the fill was not"):
        sb.time_range(fill_modes(stable=(0, np.nan), end=np.nan), 300)


@pytest.mark.parametrize(
    ("stable", "end", "lasted"), [((0, 300), 20_000, 300), ((0, 7200), 1100, 200), ((0, 9), 5, 0)]
)
def test_stable_beams_of_less_than_two_steps_are_no_data(
    stable: tuple[float, float], end: float, lasted: int
) -> None:
    message = f"stable beams last {lasted} s, less than two steps of 300 s: choose a smaller"
    with pytest.raises(NoDataError, match=message):
        sb.time_range(fill_modes(stable, end), 300)


# --- choice of bunches


def test_slots_of_both_beams_collide_and_the_others_do_not(fill: MakeFill) -> None:
    record = run(fill(BEAMS))
    slots = {key: bunches.slots.tolist() for key, bunches in record.bunches.items()}
    assert slots == {
        (1, "coll"): [20],
        (2, "coll"): [20],
        (1, "noncoll"): [10],
        (2, "noncoll"): [30],
    }


def decaying(t: np.ndarray, slot: int) -> np.ndarray:
    """Slots 10, 20, 30: 1e11, 2e11, 3e11 at the start, half of it 3600 s later."""
    return slot * 1e10 * 2 ** (-t / 3600)


@pytest.mark.parametrize(
    ("threshold", "slots"), [(0.5e11, [10, 20, 30]), (1e11, [10, 20, 30]), (1.01e11, [20, 30])]
)
def test_bunches_that_reach_the_threshold_at_some_time_are_taken(
    fill: MakeFill, threshold: float, slots: list[int]
) -> None:
    beams = {b: measured_beam(b, [10, 20, 30], intensity=decaying) for b in (1, 2)}
    record = run(fill(beams, intensity_threshold=threshold))
    assert record.bunches[1, "coll"].slots.tolist() == slots


def test_intensity_before_stable_beams_does_not_reach_the_threshold(fill: MakeFill) -> None:
    beams = {b: measured_beam(b, [10, 20], intensity=decaying) for b in (1, 2)}
    # Slot 10 had 1.2e11 before, and has 1.0e11 at most from then on.
    record = run(fill(beams, intensity_threshold=1.1e11))
    assert record.bunches[1, "coll"].slots.tolist() == [20]


def test_no_bunch_above_the_threshold_is_no_data(fill: MakeFill) -> None:
    with pytest.raises(NoDataError) as caught:
        sb.run(fill(BEAMS, intensity_threshold=9e11))
    assert str(caught.value) == (
        "beam 1: no bunch reaches 9e+11 protons in stable beams; check intensity_threshold in "
        "config.py, or leave the fill out"
    )


def test_no_slot_in_both_beams_is_no_data(fill: MakeFill) -> None:
    beams = {1: measured_beam(1, [10]), 2: measured_beam(2, [30])}
    with pytest.raises(NoDataError) as caught:
        sb.run(fill(beams))
    why = "no slot is filled in both beams: no colliding bunch; leave it out"
    assert str(caught.value) == why


def test_a_failed_run_leaves_no_result(fill: MakeFill) -> None:
    ctx = fill(BEAMS, intensity_threshold=9e11)
    with pytest.raises(NoDataError):
        sb.run(ctx)
    assert not ctx.paths.sb.exists()


def test_one_bunch_in_each_beam_will_do(fill: MakeFill) -> None:
    record = run(fill({b: measured_beam(b, [20]) for b in (1, 2)}))
    assert record.bunches[1, "coll"].emit_h_um.shape == (record.time_s.size, 1)
    assert record.bunches[1, "noncoll"].emit_h_um.shape == (record.time_s.size, 0)
    assert record.bunches[1, "noncoll"].fits["bl"].full.tau_s.shape == (0,)
    assert record.intensity_lifetime_s[2].shape == (record.time_s.size - 1, 1)


# --- interpolation


def test_emittances_and_intensities_are_interpolated_in_time(fill: MakeFill) -> None:
    def ramp(t: np.ndarray, slot: int) -> np.ndarray:
        return np.stack([2 + t / 1e5, 3 + t / 1e5], axis=1)

    beams = {
        b: measured_beam(b, [20], emit=ramp, intensity=lambda t, s: 1e11 - t * 1e6) for b in (1, 2)
    }
    bunches = run(fill(beams, t_step_sec=150)).bunches[1, "coll"]
    t = np.arange(0, 7200, 150.0)
    assert bunches.emit_h_raw_um[:, 0] == pytest.approx(2 + t / 1e5)
    assert bunches.emit_v_raw_um[:, 0] == pytest.approx(3 + t / 1e5)
    assert bunches.intensity_ppb[:, 0] == pytest.approx(1e11 - t * 1e6)


def test_bunch_lengths_are_one_sigma_in_metres(fill: MakeFill) -> None:
    bunches = run(fill(BEAMS)).bunches[2, "noncoll"]
    assert bunches.length_m == pytest.approx(1e-9 / 4 * C_M_S)


def test_a_bunch_without_any_length_is_nan_and_the_others_are_not(fill: MakeFill) -> None:
    def length(t: np.ndarray, slot: int) -> np.ndarray:
        return np.full(t.shape, np.nan if slot == 10 else 1e-9)

    beams = {b: measured_beam(b, [10, 20], length=length) for b in (1, 2)}
    bunches = run(fill(beams)).bunches[1, "coll"]
    assert np.isnan(bunches.length_m[:, 0]).all()
    assert np.isfinite(bunches.length_m[:, 1]).all()
    assert np.isnan(bunches.fits["bl"].full.tau_s[0])


def test_the_last_measurement_holds_after_it(fill: MakeFill) -> None:
    beams = {b: measured_beam(b, [20], until=1001.0, intensity=decaying) for b in (1, 2)}
    intensity = run(fill(beams)).bunches[1, "coll"].intensity_ppb[:, 0]
    assert len(set(intensity[4:10])) == 1
    assert intensity[4] == pytest.approx(decaying(np.array([1000.0]), 20)[0])
    assert np.isnan(intensity[10:]).all()  # from 1000 + 1800 s on
    held = run(fill(beams, max_gap_s=0)).bunches[1, "coll"].intensity_ppb[:, 0]
    assert len(set(held[4:])) == 1


def test_the_intensity_lifetime_is_that_of_the_decay(fill: MakeFill) -> None:
    beams = {
        b: measured_beam(b, [20], intensity=lambda t, s: 1e11 * np.exp(-t / 36_000)) for b in (1, 2)
    }
    lifetime = run(fill(beams)).intensity_lifetime_s[1]
    assert lifetime == pytest.approx(300 / (1 - np.exp(-300 / 36_000)))


def test_the_fits_find_the_decay(fill: MakeFill) -> None:
    beams = {
        b: measured_beam(b, [20], intensity=lambda t, s: 1e11 * np.exp(-t / 36_000)) for b in (1, 2)
    }
    fits = run(fill(beams)).bunches[1, "coll"].fits["inten"]
    assert fits.short.tau_s == pytest.approx([-36_000])
    assert fits.full.init == pytest.approx([1e11])


# --- instruments that stop


def notes_of(ctx: FillContext, kind: str) -> list[Note]:
    """Run the step, and return its notes of a kind."""
    ctx.begin(StepInProgress("sb", lambda _: Made(FILL, "sb", 1, "0"), lambda *_: None))
    run(ctx)
    assert ctx._step is not None
    return [note for note in ctx._step.notes if note.kind == kind]


def stopped(beam: BeamMeasurements, what: str, after_s: float) -> BeamMeasurements:
    """Return measurements of which one instrument has no sample after a time."""
    if what == "emittance":
        return replace(beam, scans=beam.scans.select(beam.scans.time_s <= T0 + after_s))
    name = {"bunch intensity": "intensity_ppb", "bunch length": "length_4s_s"}[what]
    samples = getattr(beam, name)
    early = samples.time_s <= T0 + after_s
    return replace(beam, **{name: BunchSamples(samples.time_s[early], samples.values[early])})


OF = {
    "emittance": ("emit_h_um", "emit_v_um", "emit_h_raw_um", "emit_v_raw_um"),
    "bunch intensity": ("intensity_ppb",),
    "bunch length": ("length_m",),
}


@pytest.mark.parametrize("what", list(OF))
def test_an_instrument_that_stops_is_held_for_a_while_with_a_warning_and_then_nan(
    fill: MakeFill, what: str, caplog: pytest.LogCaptureFixture
) -> None:
    ctx = fill({1: stopped(BEAMS[1], what, 3000), 2: BEAMS[2]})
    (note,) = notes_of(ctx, "gap")
    record = ctx.load(ctx.paths.sb, StableBeams)
    t = record.time_s - T0
    for name in (name for of in OF.values() for name in of):
        lacking = t > 3000 + 1800 if name in OF[what] else np.zeros(t.size, bool)
        for family in ("coll", "noncoll"):
            found = getattr(record.bunches[1, family], name)
            assert np.array_equal(np.isnan(found), np.repeat(lacking[:, None], 1, axis=1)), name
            assert np.isfinite(getattr(record.bunches[2, family], name)).all()
    assert (note.quantity, note.beam) == (what, 1)
    assert note.span_s == (T0 + 3000, T0 + 6900)
    assert note.numbers == {"minutes": 65, "from": T0 + 3000, "to": T0 + 6900}
    (line,) = [r.getMessage() for r in caplog.records if what in r.getMessage()]
    assert "no measurement for 65 min of stable beams" in line
    assert line.endswith("held for 30 min, then NaN (max_gap_s)")


def test_bunches_that_are_scanned_one_after_the_other_have_one_gap(fill: MakeFill) -> None:
    slots = list(range(10, 50))
    beam = measured_beam(1, slots)
    late = np.repeat(np.arange(len(slots)), np.diff(beam.scans.start)) * 10.0
    scans = replace(beam.scans, time_s=beam.scans.time_s + late)
    one = replace(beam, scans=scans.select(scans.time_s <= T0 + 3000))
    (note,) = notes_of(fill({1: one, 2: measured_beam(2, slots)}), "gap")
    assert note.span_s == (T0 + 3000, T0 + 6900)


def test_an_instrument_that_pauses_is_nan_while_its_last_measurement_is_too_old(
    fill: MakeFill,
) -> None:
    beam = BEAMS[1]
    t = beam.intensity_ppb.time_s - T0
    there = (t <= 1000) | (t >= 4000)
    paused = replace(
        beam,
        intensity_ppb=BunchSamples(
            beam.intensity_ppb.time_s[there], beam.intensity_ppb.values[there]
        ),
    )
    record = run(fill({1: paused, 2: BEAMS[2]}))
    found = np.isnan(record.bunches[1, "coll"].intensity_ppb[:, 0])
    assert (record.time_s[found] - T0).tolist() == [3000, 3300, 3600, 3900]


def test_an_instrument_may_end_shortly_before_the_fill_without_a_warning(
    fill: MakeFill, caplog: pytest.LogCaptureFixture
) -> None:
    ctx = fill({1: stopped(BEAMS[1], "emittance", 5500), 2: BEAMS[2]})
    (note,) = notes_of(ctx, "gap")
    assert note.quiet
    assert np.isfinite(ctx.load(ctx.paths.sb, StableBeams).bunches[1, "coll"].emit_h_um).all()
    assert "no measurement" not in caplog.text


def test_what_was_measured_is_kept_but_not_told(
    fill: MakeFill, caplog: pytest.LogCaptureFixture
) -> None:
    notes = notes_of(fill(BEAMS), "samples")
    kept = {(note.quantity, note.beam): note.numbers for note in notes}
    names = ("horizontal emittance", "vertical emittance", "bunch intensity", "bunch length")
    assert set(kept) == {(name, beam) for name in names for beam in (1, 2)}
    assert kept["horizontal emittance", 1] == {
        "samples": 140,  # of two bunches, each 100 s from 0 to 6900 s
        "longest_gap_s": 100.0,
        "dropped": 0,
        "lowest": 2.1,
        "highest": 2.2,
    }
    assert "samples" not in caplog.text


def injected(beam: BeamMeasurements, slot: int | None = None) -> BeamMeasurements:
    """Return measurements of which a bunch, or each, was scanned at injection only."""
    scans = beam.scans
    of = np.repeat(scans.slots, np.diff(scans.start))
    early = scans.time_s < T0 - 4000
    keep = early if slot is None else early | (of != slot)
    return replace(beam, scans=scans.select(keep), top_since_s=T0 - 3000)


@pytest.mark.parametrize("max_gap_s", [0, 1800])
def test_a_flat_top_without_calibration_is_no_data(fill: MakeFill, max_gap_s: float) -> None:
    beams = {b: replace(injected(of), highest_energy_gev=2510.0) for b, of in BEAMS.items()}
    message = "no emittance measured in stable beams: the BSRT has no calibration at 2510 GeV"
    ctx = fill(beams, max_gap_s=max_gap_s)
    with pytest.raises(NoDataError, match=message):
        sb.run(ctx)
    assert not ctx.paths.sb.exists()


def test_a_beam_without_emittance_after_the_ramp_is_no_data(fill: MakeFill) -> None:
    beams = {1: BEAMS[1], 2: injected(BEAMS[2])}
    with pytest.raises(NoDataError, match="the BSRT of beam 2 has no sample then"):
        sb.run(fill(beams))


@pytest.mark.parametrize("max_gap_s", [0, 1800])
def test_emittances_of_injection_are_never_those_of_stable_beams(
    fill: MakeFill, max_gap_s: float
) -> None:
    ctx = fill({1: injected(BEAMS[1], 10), 2: BEAMS[2]}, max_gap_s=max_gap_s)
    (note,) = notes_of(ctx, "gap")
    bunches = ctx.load(ctx.paths.sb, StableBeams).bunches
    for name in OF["emittance"]:
        assert np.isnan(getattr(bunches[1, "noncoll"], name)).all()
        assert np.isfinite(getattr(bunches[1, "coll"], name)).all()
    assert note.numbers == {"bunches": 1, "never": 1}


def test_without_any_intensity_in_stable_beams_the_fill_is_no_data(fill: MakeFill) -> None:
    beams = {1: stopped(BEAMS[1], "bunch intensity", -2000), 2: BEAMS[2]}
    with pytest.raises(NoDataError, match="beam 1: no bunch intensity measured in stable beams"):
        sb.run(fill(beams))


# --- fills in progress


@pytest.mark.parametrize("end", [20_000.0, 3200.0, np.nan])
def test_stable_beams_that_go_on_end_with_the_last_intensity(fill: MakeFill, end: float) -> None:
    modes = replace(fill_modes(stable=(0, np.nan), end=end), complete=False)
    beams = {b: measured_beam(b, [20], until=3050.0) for b in (1, 2)}
    record = run(fill(beams, modes))
    assert (record.time_s - T0).tolist() == list(range(0, 3000, 300))


def test_a_fill_that_is_over_without_any_end_is_no_data(fill: MakeFill) -> None:
    with pytest.raises(NoDataError, match="do not tell when stable beams ended"):
        sb.run(fill(BEAMS, fill_modes(stable=(0, np.nan), end=np.nan)))


# --- smoothing


def noisy(t: np.ndarray, slot: int) -> np.ndarray:
    return 2 + 0.1 * np.random.default_rng(slot).standard_normal((t.size, 2))


NOISY = {b: measured_beam(b, [10, 20], emit=noisy) for b in (1, 2)}


def test_smoothing_takes_out_the_noise(fill: MakeFill) -> None:
    bunches = run(fill(NOISY)).bunches[1, "coll"]
    assert bunches.emit_h_um.std() < 0.3 * bunches.emit_h_raw_um.std()
    assert bunches.emit_h_um.mean() == pytest.approx(2, abs=0.05)


def test_without_smoothing_emittances_are_the_raw_ones(fill: MakeFill) -> None:
    bunches = run(fill(NOISY, enable_smoothing_BSRT=False)).bunches[1, "coll"]
    assert np.array_equal(bunches.emit_h_um, bunches.emit_h_raw_um)
    assert np.array_equal(bunches.emit_v_um, bunches.emit_v_raw_um)


def test_raw_emittances_do_not_depend_on_smoothing(fill: MakeFill) -> None:
    with_it = run(fill(NOISY)).bunches[1, "coll"]
    without = run(fill(NOISY, enable_smoothing_BSRT=False)).bunches[1, "coll"]
    assert np.array_equal(with_it.emit_h_raw_um, without.emit_h_raw_um)


def step_at_squeeze(t: np.ndarray, slot: int) -> np.ndarray:
    return np.where(t <= -2000, 9.0, 2.0)[:, None] * np.ones(2)


def test_samples_before_the_squeeze_do_not_count_in_the_smoothing(fill: MakeFill) -> None:
    beams = {b: measured_beam(b, [20], emit=step_at_squeeze) for b in (1, 2)}
    bunches = run(fill(beams)).bunches[1, "coll"]
    assert bunches.emit_h_um == pytest.approx(2.0)


def test_a_sample_at_the_very_start_of_the_squeeze_is_not_smoothed() -> None:
    scans = measured_beam(1, [10, 20]).scans
    start_s = float(scans.time_s[30])
    late = smoothed(scans, Smoothing(start_s, 0.5, 0.0))
    n = int(scans.start[1]) - 31
    assert late.start.tolist() == [0, n, 2 * n]
    assert late.time_s.min() == scans.time_s[31]


def test_without_a_squeeze_all_samples_are_smoothed(fill: MakeFill) -> None:
    beams = {b: measured_beam(b, [20], emit=step_at_squeeze) for b in (1, 2)}
    record = run(fill(beams, modes=fill_modes(start_SQUEEZE=np.nan)))
    assert np.isfinite(record.bunches[1, "coll"].emit_h_um).all()


def test_a_bunch_with_no_sample_after_the_squeeze_is_nan(fill: MakeFill) -> None:
    beams = {b: measured_beam(b, [20], until=-2100.0) for b in (1, 2)}
    ctx = fill(beams, max_gap_s=0, intensity_threshold=0)
    bunches = run(ctx).bunches[1, "coll"]
    assert np.isnan(bunches.emit_h_um).all()
    assert np.isfinite(bunches.emit_h_raw_um).all()
    assert np.isnan(bunches.fits["emit_h"].full.tau_s).all()


def test_smoothing_does_not_need_the_start_of_the_next_fill(fill: MakeFill) -> None:
    bunches = run(fill(NOISY, fill_modes(end=np.nan))).bunches[1, "coll"]
    assert np.isfinite(bunches.emit_h_um).all()
    assert bunches.emit_h_um.std() < 0.3 * bunches.emit_h_raw_um.std()


# --- crossing angle


def test_measured_half_angles_become_full_angles(fill: MakeFill) -> None:
    ctx = fill(BEAMS)
    write_crossing(ctx, {1: [(0, 150.0), (600, 140.0)], 5: [(0, 160.0)]})
    record = run(ctx)
    expected = 2e-6 * np.interp(record.time_s - T0, [0, 600], [150, 140])
    assert record.xing_angle_rad[1] == pytest.approx(expected)
    assert record.xing_angle_rad[5] == pytest.approx(320e-6)


def test_without_a_file_the_configured_full_angle_holds(fill: MakeFill) -> None:
    record = run(fill(BEAMS, XingAngle={(FILL, FILL + 1): [280e-6, 290e-6]}))
    assert record.xing_angle_rad[1] == pytest.approx(280e-6)
    assert record.xing_angle_rad[5] == pytest.approx(290e-6)
    assert record.xing_angle_rad[1].shape == record.time_s.shape


def test_the_range_of_configured_angles_ends_before_its_last_fill(fill: MakeFill) -> None:
    with pytest.raises(MissingInputError, match="no crossing angle: .* no range of XingAngle"):
        sb.run(fill(BEAMS, XingAngle={(FILL - 1, FILL): [280e-6, 290e-6]}))


def test_a_file_that_lacks_an_angle_gives_way_to_the_configured_one(
    fill: MakeFill, caplog: pytest.LogCaptureFixture
) -> None:
    ctx = fill(BEAMS, XingAngle={(5000, 6000): [280e-6, 290e-6]})
    write_crossing(ctx, {1: [(0, 150.0)]})
    assert run(ctx).xing_angle_rad[1] == pytest.approx(280e-6)
    assert "lacks a crossing angle" in caplog.text


def test_the_plane_of_a_configured_angle_may_be_configured(fill: MakeFill) -> None:
    angles = {(FILL, FILL + 1): [280e-6, 290e-6]}
    assert run(fill(BEAMS, XingAngle=angles)).crossing_plane == {1: "v", 5: "h"}
    exchanged = run(fill(BEAMS, XingAngle=angles, crossing_planes={1: "h", 5: "v"}))
    assert exchanged.crossing_plane == {1: "h", 5: "v"}


@pytest.mark.parametrize(("gev", "warnings"), [(6500.0, 0), (6799.0, 2), (float("nan"), 0)])
def test_beams_of_another_energy_than_configured_are_told(
    fill: MakeFill, caplog: pytest.LogCaptureFixture, gev: float, warnings: int
) -> None:
    run(fill({beam: replace(one, highest_energy_gev=gev) for beam, one in BEAMS.items()}))
    told = [r.getMessage() for r in caplog.records if "gammaFT" in r.getMessage()]
    assert len(told) == warnings


def write_crossing(ctx: FillContext, angles: dict[int, list[tuple[float, float]]]) -> None:
    names = {1: "LHC.RUNCONFIG:IP1-XING-V-MURAD", 5: "LHC.RUNCONFIG:IP5-XING-H-MURAD"}
    text = ""
    for ip, rows in angles.items():
        text += f"VARIABLE: {names[ip]}\n\nTimestamp (UTC_TIME),Value\n"
        for t, angle in rows:
            stamp = str(np.datetime64(round((T0 + t) * 1000), "ms")).replace("T", " ")
            text += f"{stamp},{angle}\n"
        text += "\n"
    ctx.paths.crossing.parent.mkdir(parents=True, exist_ok=True)
    ctx.paths.crossing.write_text(text)


# --- the file


def test_the_file_has_the_documented_keys(golden_run: Any, fill: MakeFill) -> None:
    ctx = fill(BEAMS)
    sb.run(ctx)
    expected = load(golden_run.folder / "fill_5845.pkl.gz", StableBeams).to_dict()
    assert set(load(ctx.paths.sb, StableBeams).to_dict()) == set(expected)


@pytest.mark.slow
@pytest.mark.parametrize("factor", [1.0, 0.85])
def test_bunch_lengths_are_those_of_the_monitor_times_the_factor(
    golden_config: Any, factor: float
) -> None:
    usual = context(golden_config).beams
    analysis = replace(golden_config.analysis, bunch_length_factor=factor)
    found = context(replace(golden_config, analysis=analysis)).beams
    for beam in (1, 2):
        ratio = found[beam].length_4s_s.values / usual[beam].length_4s_s.values
        assert np.nanmax(np.abs(ratio - factor)) < 1e-12
        assert np.array_equal(
            found[beam].intensity_ppb.values, usual[beam].intensity_ppb.values, equal_nan=True
        )
