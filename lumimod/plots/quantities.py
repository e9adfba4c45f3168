"""Quantities of bunches: field of the record, symbol and unit; units that pictures use."""

from __future__ import annotations

from typing import NamedTuple

from lumimod.arrays import FloatArray
from lumimod.physics.constants import SPEED_OF_LIGHT_M_S
from lumimod.plots.numbers import spread_of_bunches

E11 = 1e-11
"""From protons to 1e11 protons."""
NS_OF_4_SIGMA = 4e9 / SPEED_OF_LIGHT_M_S
"""From 1 sigma in m to 4 sigma in ns, as the beam quality monitor gives it."""
HZ_PER_UB = 1e-34
"""From 1/(m^2 s) to Hz/ub, which is 1e30/(cm^2 s)."""
PER_CM2_S = 1e-4
"""From 1/(m^2 s) to 1/(cm^2 s)."""
MB_PER_M2 = 1e31
"""From m^2 to mb."""


class Quantity(NamedTuple):
    """A field of the records and how it is shown."""

    field: str
    symbol: str
    unit: str
    scale: float = 1.0
    """From the record's unit to the one shown."""

    @property
    def label(self) -> str:
        """Label of its axis."""
        return f"{self.symbol} [{self.unit}]"

    def numbers(self, values: FloatArray) -> str:
        """Return mean and spread for a legend, without a unit that is a power of ten."""
        return spread_of_bunches(values, "" if self.unit.startswith("10") else self.unit)


EMIT_H = Quantity("emit_h_um", "εH", "µm")
EMIT_V = Quantity("emit_v_um", "εV", "µm")
INTENSITY = Quantity("intensity_ppb", "N", "10¹¹", E11)
BRIGHTNESS = Quantity("brightness_ppb_um", "N/ε", "10¹¹/µm", E11)
CYCLE_LENGTH = Quantity("bl4s_s", "4σ length", "ns", 1e9)
SB_LENGTH = Quantity("length_m", "4σ length", "ns", NS_OF_4_SIGMA)
