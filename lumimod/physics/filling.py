"""What the filling pattern says of each bunch: where it collides, and its place in a train."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from lumimod.arrays import BoolArray, FloatArray, IntArray

LONG_RANGE_PER_SIDE = 15
"""Long-range encounters on each side of an interaction point, up to the separation dipole D1.

Source: LHC Design Report, CERN-2004-003-V-1, section 5.3: 30 at each point with 25 ns.
"""
LARGEST_GAP_IN_TRAIN = 5
"""Slots in a row that may be empty in a train: 4 are in 8b4e, 7 and more in gaps of a kicker."""


class BunchFamilies(NamedTuple):
    """What tells the bunches of a beam apart; (n_slots,) each."""

    slots: IntArray
    """Slots of all bunches of the beam, increasing."""
    collides_ip15: IntArray
    """1 if the bunch collides at IP 1 and 5, else 0."""
    collides_ip2: IntArray
    """1 if it collides at IP 2, else 0."""
    collides_ip8: IntArray
    """1 if it collides at IP 8, else 0."""
    n_long_range: IntArray
    """Number of its long-range encounters at the four interaction points together."""
    train: IntArray
    """Number of its train in the beam, from 0."""
    position: IntArray
    """Its place in the train, from 0."""
    train_length: IntArray
    """Number of bunches of the train."""


def bunch_families(
    own: IntArray, other: IntArray, shifts: Mapping[int, int], *, n_ring: int
) -> BunchFamilies:
    """Return the families of the bunches of a beam.

    Parameters
    ----------
    own, other
        Slots of the bunches of this beam, increasing, and of the other one.
    shifts
        By interaction point, 1, 2, 5 and 8: the slot of the other beam's bunch that a bunch
        meets, minus its own.
    n_ring
        Slots of the ring.
    """
    filled = np.zeros(n_ring, bool)
    filled[other] = True
    met = {ip: filled[(own + shift) % n_ring].astype(np.int64) for ip, shift in shifts.items()}
    train, position, length = _trains(own)
    return BunchFamilies(
        own,
        met[1],
        met[2],
        met[8],
        np.sum([_long_range(own + shift, filled) for shift in shifts.values()], axis=0),
        train,
        position,
        length,
    )


def _long_range(slots: IntArray, filled: BoolArray) -> IntArray:
    """Return how many bunches of the other beam pass near each slot, but not in it."""
    steps = np.arange(1, LONG_RANGE_PER_SIDE + 1)
    near = np.concatenate([-steps, steps])
    return filled[(slots[:, None] + near) % filled.size].sum(axis=1)


def _trains(slots: IntArray) -> tuple[IntArray, IntArray, IntArray]:
    """Return the number of the train of each bunch, its place in it, and the train's length."""
    starts = np.diff(slots, prepend=-np.inf) > LARGEST_GAP_IN_TRAIN + 1
    train = np.cumsum(starts) - 1
    position = np.arange(slots.size) - np.flatnonzero(starts)[train]
    return train, position, np.bincount(train)[train]


def pair_shares(
    own: IntArray,
    own_ppb: FloatArray,
    other: IntArray,
    other_ppb: FloatArray,
    *,
    shift: int,
    n_ring: int,
) -> FloatArray:
    """Return which part of the luminosity of an experiment is that of each bunch of a beam.

    The luminosity of a pair is taken as proportional to the product of its intensities.

    Parameters
    ----------
    own, other
        Slots of the bunches of this beam, (n_slots,), and of the other one.
    own_ppb, other_ppb
        Their intensities, (n_times, n_slots) each; NaN counts as no bunch.
    shift
        Slot of the other beam's bunch that a bunch meets, minus its own.
    n_ring
        Slots of the ring.

    Returns
    -------
    FloatArray
        (n_times, n_slots) of `own`; the sum of a row is 1, or 0 where no pair collides.
    """
    ring = np.zeros((len(other_ppb), n_ring))
    ring[:, other] = np.nan_to_num(other_ppb)
    product = np.nan_to_num(own_ppb) * ring[:, (own + shift) % n_ring]
    total = product.sum(axis=1, keepdims=True)
    return product / np.where(total > 0, total, 1.0)
