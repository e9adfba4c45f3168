"""The machine: slots of the ring, experiments, interaction points."""

from __future__ import annotations

N_SLOTS = 3564
"""25 ns slots of the ring, numbered from 0."""

EXPERIMENTS = ("ATLAS", "CMS")
IP_OF = {"ATLAS": 1, "CMS": 5}
"""Interaction point of each experiment."""

PLANES = ("h", "v")
"""Horizontal and vertical, as in the names of quantities."""
