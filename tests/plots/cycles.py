"""Records of the cycle made by hand, whole and with parts missing."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping

import numpy as np

from lumimod.arrays import FloatArray
from lumimod.plots.cycle import CycleResults
from lumimod.plots.cycle_model import CycleModelResults
from lumimod.records import BEAMS, INTERVALS, Cycle, CycleInterval, Instant
from tests.plots.conftest import FILL, T0

DECLARED = T0 + 3600.0
"""When the cycle ends and stable beams begin."""

AT = {
    ("Injection", "start"): (1.5, 1.2e11, 1.25e-9, 0.0),
    ("Injection", "end"): (1.7, 1.18e11, 1.20e-9, 1800.0),
    ("he_before_SB", "start"): (2.0, 1.15e11, 1.10e-9, 3000.0),
    ("he_before_SB", "end"): (2.2, 1.13e11, 1.05e-9, 3540.0),
}
"""Emittance [um], intensity, length [s] and time [s] of the first bunch at each instant."""


def make_instant(
    interval: str, at: str, n_slots: int, *, factor: float = 1.0, modelled: bool = False
) -> Instant:
    """Return bunches one per cent apart; vertical emittances are 0.9 of the horizontal ones."""
    emit_um, intensity, length_s, time_s = AT[interval, at]
    spread = 1 + 0.01 * np.arange(n_slots)
    emit_h_um, emit_v_um = factor * emit_um * spread, factor * 0.9 * emit_um * spread
    measured: Mapping[str, FloatArray] = {
        "intensity_ppb": intensity * spread,
        "brightness_ppb_um": intensity * spread / np.sqrt(emit_h_um * emit_v_um),
    }
    return Instant(
        T0 + time_s + 10.0 * np.arange(n_slots), emit_h_um, emit_v_um, factor * length_s * spread,
        **({} if modelled else measured),
    )  # fmt: skip


def make_cycle(n_slots: int = 6, *, factor: float = 1.0, modelled: bool = False) -> Cycle:
    """Return a cycle; `factor` multiplies emittances and lengths where it is modelled."""
    return Cycle(
        {
            (beam, interval): CycleInterval(
                np.arange(20, 20 + n_slots),
                make_instant(interval, "start", n_slots, factor=beam, modelled=modelled),
                make_instant(interval, "end", n_slots, factor=beam * factor, modelled=modelled),
                *((None, None) if modelled else (T0, DECLARED)),
            )
            for beam in BEAMS
            for interval in INTERVALS
        }
    )


def lacking(cycle: Cycle, *parts: tuple[int, str]) -> Cycle:
    """Return a cycle without some beams and intervals."""
    return Cycle({key: part for key, part in cycle.intervals.items() if key not in parts})


def with_slots(cycle: Cycle, key: tuple[int, str], columns: slice) -> Cycle:
    """Return a cycle with only some of the bunches of one beam and interval."""
    part = cycle.intervals[key]
    cut = dataclasses.replace(
        part,
        slots=part.slots[columns],
        **{at: _each(getattr(part, at), lambda v: v[columns]) for at in ("start", "end")},
    )
    return Cycle({**cycle.intervals, key: cut})


def unmeasured(cycle: Cycle, key: tuple[int, str], n_first: int | None = None) -> Cycle:
    """Return a cycle with NaN for the first bunches, or all, of one beam and interval."""

    def lose(values: FloatArray) -> FloatArray:
        out = values.copy()
        out[:n_first] = np.nan
        return out

    part = cycle.intervals[key]
    cut = dataclasses.replace(part, start=_each(part.start, lose), end=_each(part.end, lose))
    return Cycle({**cycle.intervals, key: cut})


def _each(instant: Instant, change: Callable[[FloatArray], FloatArray]) -> Instant:
    fields = {f.name: getattr(instant, f.name) for f in dataclasses.fields(instant)}
    return Instant(**{name: None if v is None else change(v) for name, v in fields.items()})


def results_of(cycle: Cycle) -> CycleResults:
    return CycleResults(FILL, cycle)


def model_results(
    cycle: Cycle | None = None, model: Cycle | None = None, chained: Cycle | None = None
) -> CycleModelResults:
    """Return a cycle beside models that give 0.98 and 0.95 of what was measured."""
    return CycleModelResults(
        FILL,
        cycle or make_cycle(),
        model or make_cycle(factor=0.98, modelled=True),
        chained or make_cycle(factor=0.95, modelled=True),
    )


ALL_OF_2 = tuple((2, interval) for interval in INTERVALS)

POOR_CYCLES: dict[str, Callable[[], Cycle]] = {
    "complete": make_cycle,
    "one bunch": lambda: make_cycle(1),
    "no bunch": lambda: make_cycle(0),
    "beam 2 not in the file": lambda: lacking(make_cycle(), *ALL_OF_2),
    "no flat top": lambda: lacking(make_cycle(), *((b, "he_before_SB") for b in BEAMS)),
    "nothing at all": lambda: Cycle({}),
    "NaN in beam 2": lambda: unmeasured(unmeasured(make_cycle(), ALL_OF_2[0]), ALL_OF_2[1]),
    "two bunches unmeasured": lambda: unmeasured(make_cycle(), (1, "Injection"), 2),
    "a bunch lost in the ramp": lambda: with_slots(make_cycle(), (1, "he_before_SB"), slice(1, 6)),
}

POOR_CYCLE_MODELS: dict[str, Callable[[], CycleModelResults]] = {
    **{name: lambda make=make: model_results(make()) for name, make in POOR_CYCLES.items()},
    "model empty": lambda: model_results(model=Cycle({})),
    "no chain of beam 1": lambda: model_results(
        chained=lacking(make_cycle(factor=0.95, modelled=True), (1, "he_before_SB"))
    ),
    "model failed": lambda: model_results(
        model=unmeasured(make_cycle(factor=0.98, modelled=True), (1, "he_before_SB"))
    ),
}
