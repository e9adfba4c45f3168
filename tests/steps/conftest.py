"""Fills made by hand: what the instruments measured, or stable beams, without any file of data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Callable

import numpy as np
import pytest

from lumimod.config.settings import load_config
from lumimod.instruments.bsrt import Scans
from lumimod.instruments.measurements import BeamMeasurements
from lumimod.instruments.samples import BunchSamples
from lumimod.physics.expfit import ExpFit, ExpFits
from lumimod.readers.bmodes import FillModes
from lumimod.records import BEAMS, FAMILIES, FITTED, BunchFamily, Record, StableBeams, store
from lumimod.steps.context import FillContext

FILL = 5845
T0 = 1_500_000_000.0
"""Start of stable beams of every fill made here; other times count from it."""


def fill_modes(
    stable: tuple[float, float] = (0.0, 7200.0), end: float = 20_000.0, **times: float
) -> FillModes:
    """Return beam modes; `times` such as start_RAMP=5 replace others, NaN where there was none."""
    start = {"INJPHYS": -6000, "PRERAMP": -4000, "FLATTOP": -2500, "SQUEEZE": -2000}
    stop = {"INJPHYS": -4000, "PRERAMP": -3700, "FLATTOP": -2000, "SQUEEZE": -500}
    start["STABLE"], stop["STABLE"] = stable
    for name, value in times.items():
        kind, _, mode = name.partition("_")
        (start if kind == "start" else stop)[mode] = value
    starts, stops = ({m: T0 + t for m, t in of.items()} for of in (start, stop))
    return FillModes(FILL, T0 - 8000, T0 + end, starts, stops, complete=True)


Curve = Callable[[np.ndarray, int], np.ndarray]
"""A quantity of a slot against the time since T0."""


def measured_beam(
    beam: int,
    slots: Sequence[int],
    *,
    intensity: Curve = lambda t, slot: np.full(t.shape, 1e11),
    emit: Curve = lambda t, slot: np.full((t.size, 2), 2.0) + 0.01 * slot,
    length: Curve = lambda t, slot: np.full(t.shape, 1e-9),
    since: float = -5000.0,
    until: float = 8000.0,
) -> BeamMeasurements:
    """Return measurements of the slots, each scanned every 100 s."""
    t = np.arange(since, until, 100.0)
    start = np.arange(len(slots) + 1) * t.size
    scans = Scans(
        np.array(slots, dtype=np.int64),
        start,
        T0 + np.tile(t, len(slots)),
        np.concatenate([emit(t, slot) for slot in slots]),
    )
    sampled = {
        "intensity": np.stack([intensity(t, slot) for slot in slots], axis=1),
        "length": np.stack([length(t, slot) for slot in slots], axis=1),
    }
    return BeamMeasurements(
        beam,
        scans,
        BunchSamples(T0 + t, sampled["intensity"]),
        BunchSamples(T0 + t, sampled["length"]),
    )


@pytest.fixture
def fill(write_config: Callable[..., Path], tmp_path: Path) -> Callable[..., FillContext]:
    """Return `make(beams, modes, **names)`, the context of a fill made by hand."""

    def make(
        beams: Mapping[int, BeamMeasurements] | None = None,
        modes: FillModes | None = None,
        **names: Any,
    ) -> FillContext:
        cfg = load_config(write_config(tmp_path / "data", **names))
        ctx = FillContext(FILL, cfg, modes or fill_modes())
        if beams is not None:
            ctx.__dict__["_beams"] = dict(beams)
        ctx.paths.make_folder()
        return ctx

    return make


def no_fits(n_slots: int) -> dict[str, ExpFits]:
    """Return fits that cannot be mistaken for computed ones."""
    one = ExpFit(np.full(n_slots, -111.0), np.full(n_slots, -222.0))
    return {x: ExpFits(one, one) for x in FITTED}


def stable_beams(
    n_times: int = 13,
    coll: Sequence[int] = (10, 20, 30),
    noncoll: Sequence[int] = (40,),
    *,
    step_s: float = 300.0,
    intensity: Callable[[np.ndarray], np.ndarray] = lambda t: 1.2e11 * np.exp(-t / 72_000),
    emit_um: float = 2.0,
) -> StableBeams:
    """Return a record of smooth beams; bunches differ by a few per cent."""
    t = np.arange(n_times) * step_s
    bunches = {}
    for beam in BEAMS:
        for family, slots in zip(FAMILIES, (coll, noncoll)):
            own = 1 + 0.01 * np.arange(len(slots)) + 0.02 * beam
            grown = (1 + t[:, None] / 360_000) * own
            bunches[beam, family] = BunchFamily(
                np.array(slots, dtype=np.int64),
                emit_um * grown,
                1.1 * emit_um * grown,
                emit_um * grown,
                1.1 * emit_um * grown,
                intensity(t)[:, None] * own,
                0.08 * (1 - t[:, None] / 720_000) * own,
                no_fits(len(slots)),
            )
    xing = {ip: np.full(n_times, 300e-6) for ip in (1, 5)}
    lifetime = {b: np.ones((n_times - 1, len(coll))) for b in BEAMS}
    return StableBeams(T0 + t, bunches, xing, lifetime)


def put(path: Path, record: Record) -> None:
    """Save a result as if of an earlier run."""
    store.save(path, record)
