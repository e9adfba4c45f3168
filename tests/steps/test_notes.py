"""What steps note, in whole: kind, words, quantity, beam and numbers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from lumimod.errors import Note
from lumimod.physics.expfit import ExpFit, ExpFits
from lumimod.records import CycleInterval, Instant, MeasuredLumi
from lumimod.steps import cycle_model, emittance, fits, losses, lumi, massi, model, sb
from lumimod.steps.context import FillContext
from lumimod.steps.effects import note_range
from lumimod.steps.smoothing import Smoothing
from tests.steps.conftest import T0, fill_modes, measured_beam, put, stable_beams

MakeFill = Callable[..., FillContext]


@pytest.fixture
def notes(monkeypatch: pytest.MonkeyPatch) -> list[Note]:
    """Return all that is noted."""
    found: list[Note] = []
    monkeypatch.setattr(FillContext, "note", lambda _, note: found.append(note))
    return found


def test_the_energy_of_each_beam_is_noted_with_its_number(
    fill: MakeFill, notes: list[Note]
) -> None:
    beams = {b: replace(measured_beam(b, [10]), highest_energy_gev=6000.0 + b) for b in (1, 2)}
    sb._check_energy(fill(beams))
    assert notes == [
        Note(
            "energy",
            f"beam {beam} reached {6000 + beam} GeV, but gammaFT in config.py stands for 6500 GeV: "
            "correct it, the luminosity is proportional to it",
            beam=beam,
        )
        for beam in (1, 2)
    ]


def test_a_step_for_which_the_map_was_not_made_is_noted(fill: MakeFill, notes: list[Note]) -> None:
    model._note_step(fill(t_step_sec=60))
    text = (
        "the IBS parametrisation holds for steps of 5 min to 1 h, not for t_step_sec = 60: do not "
        "trust the modelled growth (in steps of 1 min the emittance grows 2.2 times as fast as in "
        'steps of 5 min); ibs = "rates" in config.py does not depend on the step'
    )
    assert notes == [Note("model", text)]


def test_bunches_outside_of_what_was_fitted_are_noted_with_their_number(
    fill: MakeFill, notes: list[Note]
) -> None:
    ctx = fill(ibs="rates")
    one = np.ones(3)
    note_range(ctx, "injection", 2, np.array([2.0, 50.0, 60.0]), 2 * one, 1e-9 * one)
    (note,) = notes
    assert (note.kind, note.beam, note.numbers) == ("ibs", 2, {"bunches": 2})
    assert note.text.startswith("injection of beam 2: 2 bunches begin outside of ")
    assert note.text.endswith(
        " ns, to which the rates of scattering were fitted: their growth is extrapolated"
    )
    note_range(ctx, "injection", 2, 2 * one, 2 * one, 1e-9 * one)
    note_range(fill(), "injection", 2, 50 * one, 2 * one, 1e-9 * one)
    assert notes == [note]


@pytest.mark.parametrize(
    ("duration_s", "name", "text"),
    [
        (
            [3601.0, 7200.0, 3600.0],
            "he_before_SB",
            "he_before_SB of beam 2: 2 bunches stayed longer than an hour, where the IBS "
            "parametrisation does not hold in one step: they are modelled in parts of at most 30 "
            "minutes",
        ),
        (
            [300.0, 0.5, 0.0],
            "Injection",
            "Injection of beam 2: 1 bunches stayed less than 5 minutes, where the IBS "
            "parametrisation has too little growth (in 1 minute 17 % too little in emittance, "
            '60 % in length); ibs = "rates" in config.py has no such limit',
        ),
    ],
)
def test_bunches_that_stay_too_long_or_too_short_for_the_map_are_noted_with_their_number(
    fill: MakeFill, notes: list[Note], duration_s: list[float], name: str, text: str
) -> None:
    one = np.ones(3)
    start, end = (Instant(T0 + t, one, one, one) for t in (0 * one, np.array(duration_s)))
    interval = CycleInterval(np.array([10, 20, 30]), start, end)
    cycle_model.note_times(fill(), {(2, name): interval})
    n_bunches = sum(t > 3600 or 0 < t < 300 for t in duration_s)
    assert notes == [Note("ibs", text, beam=2, numbers={"bunches": n_bunches})]


def test_no_emittance_at_all_is_noted(fill: MakeFill, notes: list[Note]) -> None:
    nothing = np.full((2, 2), np.nan)
    beams = replace(stable_beams(), crossing_plane={1: "h", 5: "h"})
    emittance._note_nothing(fill(), beams, nothing)
    emittance._note_nothing(fill(), stable_beams(), nothing)
    emittance._note_nothing(fill(), stable_beams(), np.array([[np.nan, 1.0]]))
    head = "no emittance from luminosity: "
    assert notes == [
        Note("missing", f"{head}the beams cross in plane H at both experiments", "emittance"),
        Note("missing", f"{head}the measured luminosities are those of no emittances", "emittance"),
    ]


def test_losses_of_the_calculated_luminosity_are_noted(fill: MakeFill, notes: list[Note]) -> None:
    ctx, beams = fill(), stable_beams()
    put(ctx.paths.sb, beams)
    lumi.run(ctx)
    notes.clear()
    assert losses._luminosity(ctx, beams)[0] == "calculated"
    text = "no measured luminosity: cross-sections and pile-up are of the calculated one"
    assert notes == [Note("fallback", text, "luminosity")]
    shape = beams.bunches[1, "coll"].intensity_ppb.shape
    put(ctx.paths.lumi_meas, MeasuredLumi({e: np.ones(shape) for e in ("ATLAS", "CMS")}))
    assert losses._luminosity(ctx, beams)[0] == "measured"
    assert len(notes) == 1


def test_luminosity_of_the_logging_service_is_noted(fill: MakeFill, notes: list[Note]) -> None:
    ctx = fill()
    put(ctx.paths.sb, stable_beams(coll=(1,)))
    rows = "".join(f"2017-07-14 0{hour}:00:00.000,0,2,0\n" for hour in (2, 4))
    head = "Timestamp (UTC_TIME),Array Values\n"
    names = (f"{exp}:BUNCH_LUMI_INST" for exp in ("ATLAS", "CMS"))
    ctx.paths.bbb_lumi.parent.mkdir(parents=True)
    ctx.paths.bbb_lumi.write_text("".join(f"VARIABLE: {n}\n\n{head}{rows}\n" for n in names))
    massi.run(ctx)
    text = f"no Massi archive; taking {ctx.paths.bbb_lumi.name}"
    assert notes == [Note("fallback", text, "luminosity")]


def test_a_logged_beta_star_that_is_not_the_one_in_use_or_is_none_is_noted(
    fill: MakeFill, notes: list[Note], monkeypatch: pytest.MonkeyPatch
) -> None:
    beams, logged_m = stable_beams(), {ip: np.full(13, 0.3) for ip in (1, 5)}
    unused = Note("unused", "no logged beta* to compare with", "beta*")

    def logged(*of: Any) -> dict[int, Any]:
        of[-1](unused)
        return logged_m

    monkeypatch.setattr(losses, "logged_betastar", logged)
    assert losses._logged_betastar(fill(betastar_m=0.4), beams) is logged_m
    text = (
        "calculated with beta* 0.40 m of config.py, but 0.30 m was logged; "
        'betastar_m = "measured" takes the logged one'
    )
    assert notes == [unused, Note("beta*", text, "beta*")]


def test_a_crossing_angle_of_config_py_is_noted(fill: MakeFill, notes: list[Note]) -> None:
    ctx = fill(XingAngle={(5000, 6000): [280e-6, 290e-6]})
    found = sb._crossing(ctx, T0 + np.array([0.0, 300.0]))
    assert {ip: of.full_rad.tolist() for ip, of in found.items()} == {
        1: [280e-6, 280e-6],
        5: [290e-6, 290e-6],
    }
    text = f"{ctx.paths.crossing} is not there: taking XingAngle of config.py"
    assert notes == [Note("fallback", text, "crossing angle")]


def test_the_range_of_rates_is_looked_at_at_the_start_of_stable_beams(
    fill: MakeFill, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []
    monkeypatch.setattr(model, "note_range", lambda *of: asked.append(of))
    ctx, beams = fill(ibs="rates"), stable_beams()
    model._note_range(ctx, beams)
    for (beam, family), of in zip(beams.bunches, asked):
        b = beams.bunches[beam, family]
        assert of[:3] == (ctx, "stable beams", beam)
        assert np.array_equal(of[3], b.emit_h_um[0])
        assert np.array_equal(of[4], b.emit_v_um[0])
        assert of[5] == pytest.approx(b.length_m[0] * 4 / 299_792_458, rel=1e-12, abs=0)
    assert len(asked) == 4


def test_fits_that_failed_are_noted_with_their_number(fill: MakeFill, notes: list[Note]) -> None:
    of = {
        name: ExpFit(np.array(tau_s), np.ones(3))
        for name, tau_s in (("good", [1.0, 2.0, 3.0]), ("bad", [1.0, np.nan, np.nan]))
    }
    fits._note_failures(fill(), [ExpFits(of["good"], of["good"])])
    fits._note_failures(fill(), [ExpFits(of["good"], of["bad"]), ExpFits(of["bad"], of["good"])])
    assert notes == [Note("failed", "4 of 12 fits failed and are NaN")]


# --- ends of the fill


def test_two_times_will_do() -> None:
    assert (sb.time_range(fill_modes(stable=(0, 301)), 300) - T0).tolist() == [0, 300]


@pytest.mark.parametrize(
    ("modes", "span_s"),
    [
        ({"stable": (0, 7200), "end": 10_000}, 10_000),
        ({"stable": (0, 7200), "end": np.nan}, 7200),
        ({"stable": (0, np.nan), "end": np.nan}, 600),
    ],
)
def test_smoothing_counts_to_the_end_of_the_fill_of_stable_beams_or_of_the_data(
    fill: MakeFill, modes: dict[str, Any], span_s: float
) -> None:
    of = fill_modes(**modes)
    if np.isnan(modes["stable"][1]):
        of = replace(of, complete=False)
    ctx = fill(None, of)
    found = Smoothing.of(ctx, T0 + np.array([0.0, 300.0, 600.0]))
    expected = min(1.0, ctx.cfg.bsrt.smoothing_time_s / span_s)
    assert found.frac == pytest.approx(expected)
    assert found.delta_s == pytest.approx(0.01 * span_s)
    assert found.after_s == T0 - 2000
