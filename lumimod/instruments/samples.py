"""Samples of a quantity of all bunches of one beam."""

from __future__ import annotations

from dataclasses import dataclass

from lumimod.arrays import FloatArray


@dataclass(frozen=True)
class BunchSamples:
    """A quantity of every bunch, sampled for all bunches at the same times."""

    time_s: FloatArray
    """(n_samples,), Unix s."""
    values: FloatArray
    """(n_samples, n_slots), NaN where a slot was not measured."""
