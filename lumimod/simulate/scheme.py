"""Filling scheme: which slots of each beam hold a bunch, and which injection brings it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lumimod.arrays import BoolArray, IntArray
from lumimod.errors import UsageError

ABORT_GAP_START = 3443
"""First slot of the abort gap, which reaches to the end of the ring and stays empty."""
FIRST_BATCH = 12
TRAIN = 48
TRAINS_PER_INJECTION = 3
TRAIN_GAP = 7
"""Empty slots between trains of an injection: rise time of the injection kicker of the SPS."""
INJECTION_GAP = 32
"""Empty slots between injections: rise time of the injection kicker of the LHC."""


@dataclass(frozen=True)
class BeamScheme:
    """Filled slots of one beam, in rising order; every array is (n_bunches,)."""

    slot: IntArray
    injection: IntArray
    """Number of the injection that brings the bunch, from 0."""
    position: IntArray
    """Place of the bunch in its train, from 0."""
    colliding: BoolArray


@dataclass(frozen=True)
class FillingScheme:
    """Both beams; the colliding slots are the same in each."""

    beams: dict[int, BeamScheme]

    @property
    def n_injections(self) -> int:
        """Number of injections of the beam that has more of them."""
        return int(max(beam.injection.max() for beam in self.beams.values())) + 1

    @property
    def colliding_slots(self) -> IntArray:
        """Slots filled in both beams, in rising order."""
        return self.beams[1].slot[self.beams[1].colliding]


def filling_scheme(n_colliding: int, n_noncolliding: int) -> FillingScheme:
    """Return a scheme with that many bunches in each beam.

    A batch of 12, then up to three trains of 48 with each injection, as in 2017. Bunches without
    partner follow, in a train of their own where there is room: even places in beam 1, odd ones
    in beam 2.

    Raises
    ------
    UsageError
        If the machine has not got that many places.
    """
    check_bunches(n_colliding, n_noncolliding)
    places = _layout()
    start = _start_noncolliding(places, n_colliding, n_noncolliding)
    beams = {}
    for beam in (1, 2):
        own = start + (beam - 1) + 2 * np.arange(n_noncolliding)
        rows = np.concatenate([np.arange(n_colliding), own])
        slot, injection, _, position = places[rows].T.copy()
        beams[beam] = BeamScheme(slot, injection, position, rows < n_colliding)
    return FillingScheme(beams)


def check_bunches(n_colliding: int, n_noncolliding: int) -> None:
    """Raise `UsageError` if the machine has not got that many places."""
    if n_colliding < 1 or n_noncolliding < 0:
        raise UsageError("at least one colliding bunch is needed")
    n_places = len(_layout())
    if n_colliding + 2 * n_noncolliding > n_places:
        raise UsageError(
            f"{n_colliding} colliding and twice {n_noncolliding} non-colliding bunches do not fit: "
            f"the machine has {n_places} places outside gaps"
        )


def _start_noncolliding(places: IntArray, n_colliding: int, n_noncolliding: int) -> int:
    """Return the first place after the last colliding train, or just after the last bunch."""
    last_train = places[n_colliding - 1, 2]
    next_train = int(np.searchsorted(places[:, 2], last_train, side="right"))
    return next_train if next_train + 2 * n_noncolliding <= len(places) else n_colliding


def _layout() -> IntArray:
    """Return every place as (slot, injection, train, position in the train), in rising order."""
    places: list[IntArray] = [_train(0, FIRST_BATCH, 0, 0)]
    slot, injection, train = FIRST_BATCH + INJECTION_GAP, 1, 1
    while slot + TRAIN <= ABORT_GAP_START:
        for _ in range(TRAINS_PER_INJECTION):
            if slot + TRAIN <= ABORT_GAP_START:
                places.append(_train(slot, TRAIN, injection, train))
                slot, train = slot + TRAIN + TRAIN_GAP, train + 1
        slot, injection = slot - TRAIN_GAP + INJECTION_GAP, injection + 1
    return np.concatenate(places)


def _train(slot: int, length: int, injection: int, train: int) -> IntArray:
    position = np.arange(length)
    same = np.ones_like(position)
    return np.stack([slot + position, injection * same, train * same, position], axis=1)
