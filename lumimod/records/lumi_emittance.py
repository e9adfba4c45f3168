"""Record of the step emittance."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lumimod.arrays import FloatArray, IntArray
from lumimod.records.base import ALL_BUNCHES, FrameRows, floats, slot_numbers
from lumimod.records.stable_beams import StableBeams


@dataclass(frozen=True)
class LumiEmittance:
    """Step emittance: what the measured luminosities say of the beams."""

    time_s: FloatArray
    """Times of stable beams, (n_times,), Unix seconds."""
    slots: IntArray
    """Slots of the colliding bunches, (n_slots,)."""
    emit_h_um: FloatArray
    """Horizontal emittance, mean of both beams, (n_times, n_slots)."""
    emit_v_um: FloatArray
    """Vertical emittance, mean of both beams, (n_times, n_slots)."""
    noise_h_um: FloatArray
    """Standard error of a horizontal emittance at one time, by the scatter, (n_slots,)."""
    noise_v_um: FloatArray
    """Standard error of a vertical emittance at one time, by the scatter, (n_slots,)."""
    scale_error_h: float
    """Relative error that all horizontal emittances have in common."""
    scale_error_v: float
    """Relative error that all vertical emittances have in common."""
    ratio_h: FloatArray
    """Horizontal emittance over that of the BSRT, median of the bunches, (n_times,)."""
    ratio_v: FloatArray
    """Vertical emittance over that of the BSRT, median of the bunches, (n_times,)."""
    separation_m: Mapping[str, FloatArray] = field(default_factory=dict)
    """Separation of the beams by experiment, (n_times,), of a fill in `leveling`; else none."""

    def to_dict(self) -> dict[Any, Any]:
        """Return the dict of fill_N_lumi_emittance.pkl.gz."""
        out: dict[Any, Any] = {key: getattr(self, name) for name, key in _KEYS.items()}
        out |= {name: getattr(self, name) for name in _NUMBERS}
        return {**out, "separation": dict(self.separation_m)} if self.separation_m else out

    @classmethod
    def from_dict(cls, data: Mapping[Any, Any]) -> LumiEmittance:
        """Return the record of a saved dict."""
        values: dict[str, Any] = {name: floats(data[key]) for name, key in _KEYS.items()}
        values |= {name: float(data[name]) for name in _NUMBERS}
        values["slots"] = slot_numbers(data["slots"])
        separation = {exp: floats(d) for exp, d in data.get("separation", {}).items()}
        return cls(separation_m=separation, **values)

    def to_rows(self, _: StableBeams | None = None) -> Iterator[FrameRows]:
        """Return the rows of its DataFrame: those of the bunches, then of all together."""
        shape = self.emit_h_um.shape
        columns = {"emit_h_um": self.emit_h_um, "emit_v_um": self.emit_v_um}
        columns["noise_h_um"] = np.broadcast_to(self.noise_h_um, shape)
        columns["noise_v_um"] = np.broadcast_to(self.noise_v_um, shape)
        yield FrameRows({}, self.slots, columns, self.time_s)
        whole = {"ratio_h": self.ratio_h, "ratio_v": self.ratio_v}
        whole |= {f"separation_{exp}_m": values for exp, values in self.separation_m.items()}
        columns = {name: values[:, None] for name, values in whole.items()}
        yield FrameRows({}, np.array([ALL_BUNCHES]), columns, self.time_s)


_NUMBERS = ("scale_error_h", "scale_error_v")
_KEYS = {
    "time_s": "time_range",
    "slots": "slots",
    "emit_h_um": "eh_lumi",
    "emit_v_um": "ev_lumi",
    "noise_h_um": "eh_lumi_err",
    "noise_v_um": "ev_lumi_err",
    "ratio_h": "ratio_h",
    "ratio_v": "ratio_v",
}
