"""What is said of how well a beam was measured, in whole."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lumimod.errors import Note
from lumimod.instruments.bsrt import ENERGY_BANDS_GEV, is_calibrated
from lumimod.instruments.coverage import what_was_measured
from lumimod.instruments.measurements import BeamMeasurements
from tests.steps.conftest import T0, measured_beam

SLOTS = np.array([10, 20, 30])
TIME_S = T0 + 300.0 * np.arange(13)


def told(beam: BeamMeasurements, kind: str) -> list[Note]:
    return [n for n in what_was_measured(beam, SLOTS, TIME_S, 1800.0) if n.kind == kind]


def lengths_until(ends_s: dict[int, float]) -> BeamMeasurements:
    """Return a beam whose bunches have a length until a time of each slot."""
    return measured_beam(
        2, SLOTS, length=lambda t, slot: np.where(t < ends_s.get(slot, np.inf), 1e-9, np.nan)
    )


def test_a_beam_that_was_measured_has_its_samples_noted() -> None:
    beam = measured_beam(2, SLOTS)
    assert told(beam, "gap") == []
    span = (TIME_S[0], TIME_S[-1])
    numbers = {"samples": 37 * 3, "longest_gap_s": 100.0, "dropped": 0}
    ends = {
        "horizontal emittance": (2.1, 2.3), "vertical emittance": (2.1, 2.3),
        "bunch intensity": (1e11, 1e11), "bunch length": (1e-9, 1e-9),
    }  # fmt: skip
    expected = [
        Note(
            "samples",
            f"{quantity} of beam 2: 111 samples in stable beams",
            quantity,
            2,
            span,
            {**numbers, "lowest": low, "highest": high},
            quiet=True,
        )
        for quantity, (low, high) in ends.items()
    ]
    assert told(beam, "samples") == expected


def test_bunches_that_were_not_measured_are_counted() -> None:
    (note,) = told(lengths_until({20: 600.0}), "gap")
    text = (
        "bunch length of beam 2: 1 of 3 bunches were not measured for more than 30 min where "
        "others were: NaN"
    )
    assert note == Note("gap", text, "bunch length", 2, numbers={"bunches": 1, "never": 0})


def test_bunches_that_were_never_measured_are_told_apart() -> None:
    (note,) = told(lengths_until({20: 600.0, 30: -1e9}), "gap")
    text = (
        "bunch length of beam 2: 2 of 3 bunches were not measured for more than 30 min where "
        "others were, 1 of them never: NaN"
    )
    assert note == Note("gap", text, "bunch length", 2, numbers={"bunches": 2, "never": 1})


@pytest.mark.parametrize("band", ENERGY_BANDS_GEV.values())
def test_the_ends_of_a_band_of_energy_do_not_belong_to_it(band: tuple[float, float]) -> None:
    low, high = band
    assert is_calibrated((low + high) / 2)
    assert not is_calibrated(low)
    assert not is_calibrated(high)


@pytest.mark.parametrize(("end_s", "n_notes"), [(1300.0, 0), (1000.0, 1)])
def test_a_bunch_that_lacks_more_than_ten_minutes_is_told(end_s: float, n_notes: int) -> None:
    # Held for 30 min after its last sample at 1200 or 900 s, it lacks the last 2 or 3 of 300 s.
    assert len(told(lengths_until({20: end_s}), "gap")) == n_notes


def test_the_note_of_bunches_says_how_long_they_are_held() -> None:
    beam = lengths_until({30: -1e9})
    (note,) = (n for n in what_was_measured(beam, SLOTS, TIME_S, 7200.0) if n.kind == "gap")
    assert note.text == (
        "bunch length of beam 2: 1 of 3 bunches were not measured for more than 120 min where "
        "others were, 1 of them never: NaN"
    )


def test_samples_are_those_of_the_bunches_that_are_analysed() -> None:
    beam = replace(measured_beam(2, SLOTS), dropped={"emittance": 5, "bunch length": 7})
    notes = [n for n in what_was_measured(beam, SLOTS[:2], TIME_S, 1800.0) if n.kind == "samples"]
    assert [note.numbers["samples"] for note in notes] == [37 * 2] * 4
    assert [note.numbers["dropped"] for note in notes] == [5, 5, 0, 7]
