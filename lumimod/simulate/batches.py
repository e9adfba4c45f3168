"""Injections of the schemes since 2016, placed so that bunches meet at LHCb, too."""

from __future__ import annotations

from functools import cache

import numpy as np

from lumimod.arrays import IntArray

_TRAIN_GAP = 7
"""Empty slots for the injection kicker of the SPS."""
_INJECTION_GAP = 32
"""Empty slots for the injection kicker of the LHC."""
_TO_LHCB = 894
"""Slots from a bunch of beam 2 to that of beam 1 which it meets at LHCb."""
_ABORT_GAP_START = 3443


def _trains(n_bunches: int, n_trains: int) -> IntArray:
    """Return slots and number of the train of an injection, (n_bunches * n_trains, 2)."""
    own = np.arange(n_bunches)
    starts = (n_bunches + _TRAIN_GAP) * np.arange(n_trains)
    slots = (starts[:, None] + own).ravel()
    return np.stack([slots, np.repeat(np.arange(n_trains), n_bunches)], axis=1)


def _eight_four() -> IntArray:
    """Return the slots of 8b4e: seven times eight bunches and four empty slots, in one train."""
    slots = (12 * np.arange(7)[:, None] + np.arange(8)).ravel()
    return np.stack([slots, np.zeros_like(slots)], axis=1)


BATCHES = {
    "12b": _trains(12, 1),
    "48b": _trains(48, 1),
    "144b": _trains(48, 3),
    "8b4e": _eight_four(),
}
"""Slots of an injection from its first, and the number of the train: (n_bunches, 2)."""


@cache
def batch_layout(scheme: str) -> IntArray:
    """Return all places as (slot, injection, train, position in train), in order of filling.

    Injections go to four places in turn, 894 slots apart: bunches of one meet those of the next
    at LHCb.
    """
    batch = BATCHES[scheme]
    length = int(batch[-1, 0]) + 1
    places, train = [], 0
    bases = range(0, _TO_LHCB - length - _INJECTION_GAP + 1, length + _INJECTION_GAP)
    starts = [base + quarter * _TO_LHCB for base in bases for quarter in range(4)]
    for injection, start in enumerate(s for s in starts if s + length <= _ABORT_GAP_START):
        position = np.concatenate([np.arange((batch[:, 1] == t).sum()) for t in set(batch[:, 1])])
        same = np.full(len(batch), injection)
        places.append(np.stack([start + batch[:, 0], same, train + batch[:, 1], position], axis=1))
        train += int(batch[-1, 1]) + 1
    return np.concatenate(places)
