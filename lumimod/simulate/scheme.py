"""Filling scheme: the filled slots of each beam, and the injection of each bunch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lumimod.arrays import BoolArray, IntArray
from lumimod.errors import UsageError
from lumimod.simulate.batches import batch_layout

ABORT_GAP_START = 3443
"""First slot of the abort gap, which is empty up to the end of the ring."""
FIRST_BATCH = 12
TRAIN = 48
TRAINS_PER_INJECTION = 3
TRAIN_GAP = 7
"""Empty slots between trains of an injection (rise time of the SPS injection kicker)."""
INJECTION_GAP = 32
"""Empty slots between injections (rise time of the LHC injection kicker)."""


@dataclass(frozen=True)
class BeamScheme:
    """Filled slots of one beam, in increasing order; arrays are (n_bunches,)."""

    slot: IntArray
    injection: IntArray
    """Number of the injection of the bunch, from 0."""
    position: IntArray
    """Position of the bunch in its train, from 0."""
    colliding: BoolArray
    """Whether its slot is filled in both beams."""

    @property
    def colliding_slots(self) -> IntArray:
        """Return the slots of the colliding bunches, in increasing order."""
        return self.slot[self.colliding]


@dataclass(frozen=True)
class FillingScheme:
    """Both beams; their colliding slots are the same."""

    beams: dict[int, BeamScheme]

    @property
    def n_injections(self) -> int:
        """Return the number of injections of the beam that has more of them."""
        return int(max(beam.injection.max() for beam in self.beams.values())) + 1


def filling_scheme(
    n_colliding: int, n_noncolliding: int, scheme: str | None = None
) -> FillingScheme:
    """Return a scheme with the given numbers of bunches in each beam.

    Without `scheme` as in 2017: a batch of 12, then up to three trains of 48 per injection.
    Non-colliding bunches follow, in a train of their own if there is room, alternating between
    beam 1 and beam 2.
    With a `scheme`, of `BATCHES`, its injections lie all around the ring.

    Raises
    ------
    UsageError
        So many bunches do not fit.
    """
    check_bunches(n_colliding, n_noncolliding, scheme)
    places = _places(scheme)
    start = _start_noncolliding(places, n_colliding, n_noncolliding)
    beams = {}
    for beam in (1, 2):
        own = start + (beam - 1) + 2 * np.arange(n_noncolliding)
        rows = np.concatenate([np.arange(n_colliding), own])
        rows = rows[np.argsort(places[rows, 0])]
        slot, injection, _, position = places[rows].T.copy()
        beams[beam] = BeamScheme(slot, injection, position, rows < n_colliding)
    return FillingScheme(beams)


def check_bunches(n_colliding: int, n_noncolliding: int, scheme: str | None = None) -> None:
    """Raise `UsageError` if so many bunches do not fit."""
    if n_colliding < 1 or n_noncolliding < 0:
        raise UsageError("at least one colliding bunch is needed")
    if n_colliding + 2 * n_noncolliding > n_places(scheme):
        raise UsageError(
            f"{n_colliding} colliding and twice {n_noncolliding} non-colliding bunches do not fit: "
            f"the machine has {n_places(scheme)} places outside gaps"
        )


def n_places(scheme: str | None) -> int:
    """Return the number of slots that a scheme may fill."""
    return len(_places(scheme))


def _start_noncolliding(places: IntArray, n_colliding: int, n_noncolliding: int) -> int:
    """Return the first place after the last colliding train, or just after the last bunch."""
    last_train = places[n_colliding - 1, 2]
    next_train = int(np.searchsorted(places[:, 2], last_train, side="right"))
    return next_train if next_train + 2 * n_noncolliding <= len(places) else n_colliding


def _places(scheme: str | None) -> IntArray:
    """Return all places as (slot, injection, train, position in train), in order of filling."""
    return _layout() if scheme is None else batch_layout(scheme)


def _layout() -> IntArray:
    """Return all places as (slot, injection, train, position in train), in increasing order."""
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
