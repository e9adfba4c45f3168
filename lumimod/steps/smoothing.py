"""Smoothing of the emittances in time, for the step sb."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from lumimod.arrays import FloatArray
from lumimod.instruments.bsrt import Scans
from lumimod.physics.lowess import lowess_groups
from lumimod.steps.context import FillContext

ROBUST_ITERATIONS = 10
DELTA_FRACTION = 0.01


class Smoothing(NamedTuple):
    """Parameters of the smoothing of emittances."""

    after_s: float
    """Samples before this time, the start of the squeeze, are left out."""
    frac: float
    delta_s: float

    @classmethod
    def of(cls, ctx: FillContext, time_s: FloatArray) -> Smoothing:
        """Return the parameters of a fill that is analysed at these times, (n_times,)."""
        end_s = ctx.modes.t_endfill_s
        if not np.isfinite(end_s):  # the fill goes on, or its end was not logged
            end_s = ctx.modes.stop("STABLE")
        if ctx.modes.in_progress:
            end_s = float(time_s[-1])
        span_s = end_s - ctx.modes.start("STABLE")
        frac = min(1.0, ctx.cfg.bsrt.smoothing_time_s / span_s)
        return cls(ctx.modes.start("SQUEEZE"), frac, DELTA_FRACTION * span_s)


def smoothed(scans: Scans, smoothing: Smoothing) -> Scans:
    """Return the late scans, smoothed by LOWESS."""
    early = np.isfinite(smoothing.after_s) & (scans.time_s <= smoothing.after_s)
    late = scans.select(~early)
    smooth = lowess_groups(
        late.time_s,
        late.start,
        late.emit_um,
        frac=smoothing.frac,
        delta_s=smoothing.delta_s,
        n_iter=ROBUST_ITERATIONS,
    )
    return replace(late, emit_um=smooth)
