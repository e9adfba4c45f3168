"""Record of the step growth."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from lumimod.arrays import FloatArray, IntArray
from lumimod.records.base import ALL_BUNCHES, FAMILIES, FrameRows, floats, slot_numbers
from lumimod.records.stable_beams import StableBeams
from lumimod.tables.lhc import BEAMS, PLANES


@dataclass(frozen=True)
class PlaneGrowth:
    """Residual growth of the bunches of a family in one plane."""

    growth_um_h: FloatArray
    """Growth of each bunch beyond that of the model, (n_slots,)."""
    error_um_h: FloatArray
    """Its standard error, (n_slots,)."""
    of_ends_um_h: FloatArray
    """The same from the first and last emittance alone, (n_slots,)."""
    summed_um: FloatArray
    """What each time had gained beyond the model, mean of the bunches, (n_times - 1,)."""


@dataclass(frozen=True)
class FamilyGrowth:
    """Residual growth of one beam's colliding or non-colliding bunches."""

    slots: IntArray
    """Slots of the bunches, (n_slots,)."""
    planes: Mapping[str, PlaneGrowth]
    """By plane, "h" and "v"."""


@dataclass(frozen=True)
class GrowthBeyond:
    """Step growth: emittance growth in stable beams beyond that of the model."""

    time_s: FloatArray
    """Times of stable beams, (n_times,), Unix seconds."""
    model: str
    """The model whose steps were subtracted."""
    cases: Mapping[str, Mapping[tuple[int, str], FamilyGrowth]]
    """By case of the model, then by (beam, family)."""

    def to_dict(self) -> dict[Any, Any]:
        """Return the dict of fill_N_growth.pkl.gz."""
        out: dict[Any, Any] = {"time_range": self.time_s, "growth_beyond": self.model}
        for case, of_case in self.cases.items():
            part: dict[str, Any] = {f"beam_{beam}": {} for beam in BEAMS}
            for (beam, family), of in of_case.items():
                part[f"beam_{beam}"][family] = _to_dict(of)
            out[f"case_{case}"] = part
        return out

    @classmethod
    def from_dict(cls, data: Mapping[Any, Any]) -> GrowthBeyond:
        """Return the record of a saved dict."""
        cases = {
            key[len("case_") :]: {
                (beam, family): _from_dict(part[f"beam_{beam}"][family])
                for beam in BEAMS
                for family in FAMILIES
            }
            for key, part in data.items()
            if key.startswith("case_")
        }
        return cls(floats(data["time_range"]), str(data["growth_beyond"]), cases)

    def to_rows(self, _: StableBeams | None = None) -> Iterator[FrameRows]:
        """Return the rows of its DataFrame: of each bunch, and by time of all together."""
        for case, of_case in self.cases.items():
            for (beam, family), of in of_case.items():
                labels = {"case": case, "beam": beam, "family": family}
                each = {
                    f"{name}_{plane}_um_h": getattr(one, f"{name}_um_h")
                    for plane, one in of.planes.items()
                    for name in ("growth", "error", "of_ends")
                }
                yield FrameRows(labels, of.slots, each)
                mean = {f"summed_{p}_um": one.summed_um[:, None] for p, one in of.planes.items()}
                yield FrameRows(labels, np.array([ALL_BUNCHES]), mean, self.time_s[:-1])


_KEYS = {
    "growth_um_h": "growth_{}",
    "error_um_h": "growth_{}_err",
    "of_ends_um_h": "growth_{}_ends",
    "summed_um": "summed_{}",
}


def _to_dict(of: FamilyGrowth) -> dict[str, Any]:
    values = {
        key.format(plane): getattr(one, name)
        for plane, one in of.planes.items()
        for name, key in _KEYS.items()
    }
    return {"slots": of.slots, **values}


def _from_dict(data: Mapping[str, Any]) -> FamilyGrowth:
    planes = {
        plane: PlaneGrowth(**{name: floats(data[key.format(plane)]) for name, key in _KEYS.items()})
        for plane in PLANES
    }
    return FamilyGrowth(slot_numbers(data["slots"]), planes)
