"""How well each quantity of a beam was measured in the times of an analysis."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from lumimod.arrays import FloatArray, IntArray
from lumimod.errors import Note
from lumimod.instruments.drops import BUNCH_INTENSITY, BUNCH_LENGTH, EMITTANCE
from lumimod.instruments.gaps import (
    NOTED_GAP_S,
    find_gaps,
    gap_notes,
    longest_gap_s,
    unmeasured_columns,
    unmeasured_groups,
)
from lumimod.instruments.measurements import BeamMeasurements


def what_was_measured(
    beam: BeamMeasurements, slots: IntArray, time_s: FloatArray, max_gap_s: float
) -> list[Note]:
    """Return what is to be known of the samples of a beam.

    Parameters
    ----------
    beam
        Its measurements, without those of injection.
    slots
        The bunches that are analysed, of those that were scanned.
    time_s
        Times of the analysis, (n_times,).
    max_gap_s
        A measurement is held for this long.
    """
    span = (float(time_s[0]), float(time_s[-1]))
    notes: list[Note] = []
    times = {
        EMITTANCE: beam.scans.of(slots).time_s,
        BUNCH_INTENSITY: beam.intensity_ppb.time_s,
        BUNCH_LENGTH: beam.length_4s_s.time_s,
    }
    for quantity, sampled in times.items():
        found = find_gaps(sampled, span, min(NOTED_GAP_S, max_gap_s))
        notes += gap_notes(quantity, beam.beam, found, max_gap_s)
    notes += _bunches_not_measured(beam, slots, time_s, max_gap_s)
    return [*notes, *_samples(beam, slots, span)]


def _bunches_not_measured(
    beam: BeamMeasurements, slots: IntArray, time_s: FloatArray, max_gap_s: float
) -> Iterator[Note]:
    """Yield how many bunches were not measured though others were."""
    scans, length = beam.scans.of(slots), beam.length_4s_s
    column = np.searchsorted(beam.scans.slots, slots)
    lacking = {
        EMITTANCE: unmeasured_groups(time_s, scans.start, scans.time_s, max_gap_s),
        BUNCH_LENGTH: unmeasured_columns(
            time_s, length.time_s, length.values[:, column], max_gap_s
        ),
    }
    for quantity, nan in lacking.items():
        alone_s = (nan & ~nan.all(axis=1, keepdims=True)).sum(axis=0) * (time_s[1] - time_s[0])
        # Bunches are scanned one after the other: they stop and start at times of their own.
        n_bunches = int(np.count_nonzero(alone_s > NOTED_GAP_S))
        n_never = int(nan.all(axis=0).sum())
        if n_bunches:
            never = f", {n_never} of them never" if n_never else ""
            text = (
                f"{quantity} of beam {beam.beam}: {n_bunches} of {slots.size} bunches were not "
                f"measured for more than {max_gap_s / 60:.0f} min where others were{never}: NaN"
            )
            yield Note(
                "gap",
                text,
                quantity,
                beam.beam,
                numbers={"bunches": n_bunches, "never": n_never},
            )


def _samples(
    beam: BeamMeasurements, slots: IntArray, span_s: tuple[float, float]
) -> Iterator[Note]:
    """Yield number, longest gap and range of the samples of each quantity."""
    scans = beam.scans.of(slots)
    column = np.searchsorted(beam.scans.slots, slots)
    intensity, length = beam.intensity_ppb, beam.length_4s_s
    inside = (scans.time_s >= span_s[0]) & (scans.time_s <= span_s[1])
    for plane, name in enumerate(("horizontal", "vertical")):
        values = scans.emit_um[inside, plane]
        note = _sampled(EMITTANCE, beam, scans.time_s, span_s, values)
        yield replace(note, quantity=f"{name} {EMITTANCE}", text=f"{name} {note.text}")
    for quantity, of in ((BUNCH_INTENSITY, intensity), (BUNCH_LENGTH, length)):
        inside = (of.time_s >= span_s[0]) & (of.time_s <= span_s[1])
        yield _sampled(quantity, beam, of.time_s, span_s, of.values[np.ix_(inside, column)])


def _sampled(
    quantity: str,
    beam: BeamMeasurements,
    sample_time_s: FloatArray,
    span_s: tuple[float, float],
    values: FloatArray,
) -> Note:
    finite = values[np.isfinite(values)]
    numbers: dict[str, float] = {
        "samples": finite.size,
        "longest_gap_s": longest_gap_s(sample_time_s, span_s),
        "dropped": beam.dropped.get(quantity, 0),
    }
    if finite.size:
        numbers |= {"lowest": float(finite.min()), "highest": float(finite.max())}
    text = f"{quantity} of beam {beam.beam}: {finite.size} samples in stable beams"
    return Note("samples", text, quantity, beam.beam, span_s, numbers, quiet=True)
