"""The machine: slots of the ring, experiments, interaction points."""

from __future__ import annotations

N_SLOTS = 3564
"""25 ns slots of the ring, numbered from 0."""

BEAMS = (1, 2)

EXPERIMENTS = ("ATLAS", "CMS")
IP_OF = {"ATLAS": 1, "CMS": 5}
"""Interaction point of each experiment."""

OTHER_EXPERIMENTS = {"LHCb": 8, "ALICE": 2}
"""Experiments of lower luminosity and their interaction points."""

MEETING_SHIFT = {1: 0, 2: 891, 5: 0, 8: 2670}
"""At each interaction point: slot of the bunch of beam 2 that meets one of beam 1, minus its slot.

Point 2 is an eighth of the ring behind point 1: 2 * 3564/8 = 891. Point 8 is an eighth before it,
and 11.22 m off the middle, which is three slots: 3564 - 891 - 3.
"""

PLANES = ("h", "v")
"""Horizontal and vertical, as in the names of quantities."""
