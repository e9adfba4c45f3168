"""Records of the step cycle."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from lumimod.arrays import FloatArray, IntArray
from lumimod.records.base import FrameRows, floats, slot_numbers
from lumimod.records.stable_beams import StableBeams
from lumimod.tables.lhc import BEAMS

INTERVALS = ("Injection", "he_before_SB")


@dataclass(frozen=True)
class Instant:
    """All bunches of a beam at the first or last measurement of an interval; (n_slots,) each."""

    time_s: FloatArray
    """Time of the measurement, Unix seconds."""
    emit_h_um: FloatArray
    """Horizontal emittance."""
    emit_v_um: FloatArray
    """Vertical emittance."""
    bl4s_s: FloatArray
    """Bunch length, 4 sigma, in time."""
    intensity_ppb: FloatArray | None = None
    """Protons in the bunch; None in a model."""
    brightness_ppb_um: FloatArray | None = None
    """Intensity/sqrt(emit_h*emit_v); None in a model."""


_INSTANT_KEYS = {
    "time_s": "time_meas",
    "emit_h_um": "emith",
    "emit_v_um": "emitv",
    "bl4s_s": "blength",
    "intensity_ppb": "intensity",
    "brightness_ppb_um": "brightness",
}


def _instant_to_dict(instant: Instant) -> dict[str, FloatArray]:
    values = {key: getattr(instant, name) for name, key in _INSTANT_KEYS.items()}
    return {key: value for key, value in values.items() if value is not None}


def _instant_from_dict(data: Mapping[str, Any]) -> Instant:
    return Instant(**{n: floats(data[k]) for n, k in _INSTANT_KEYS.items() if k in data})


@dataclass(frozen=True)
class CycleInterval:
    """One beam in one part of the cycle."""

    slots: IntArray
    """Slots of all bunches that the BSRT saw."""
    start: Instant
    """First measurement of each bunch."""
    end: Instant
    """Last measurement of each bunch."""
    t_start_s: float | None = None
    """Start of the interval; None in a model."""
    t_end_s: float | None = None
    """End of the interval; None in a model."""


@dataclass(frozen=True)
class Cycle:
    """Step cycle, measured or modelled: bunches at injection and flat top."""

    intervals: Mapping[tuple[int, str], CycleInterval]
    """By (beam, interval)."""

    def to_dict(self) -> dict[Any, Any]:
        """Return the dict of fill_N_cycle.pkl.gz and of the cycle models."""
        out: dict[Any, Any] = {}
        for (beam, name), interval in self.intervals.items():
            part: dict[str, Any] = {
                "filled_slots": interval.slots,
                "at_start": _instant_to_dict(interval.start),
                "at_end": _instant_to_dict(interval.end),
            }
            if interval.t_start_s is not None and interval.t_end_s is not None:
                part["t_start"] = float(interval.t_start_s)
                part["t_end"] = float(interval.t_end_s)
            out.setdefault(f"beam_{beam}", {})[name] = part
        return out

    @classmethod
    def from_dict(cls, data: Mapping[Any, Any]) -> Cycle:
        """Return the record of a saved dict."""
        return cls(
            {
                (beam, name): CycleInterval(
                    slot_numbers(part["filled_slots"]),
                    _instant_from_dict(part["at_start"]),
                    _instant_from_dict(part["at_end"]),
                    part.get("t_start"),
                    part.get("t_end"),
                )
                for beam in BEAMS
                for name, part in data[f"beam_{beam}"].items()
            }
        )

    def to_rows(self, sb: StableBeams | None = None) -> Iterator[FrameRows]:
        """Return the rows of its DataFrame, by beam, interval and instant."""
        for (beam, name), interval in self.intervals.items():
            for when, instant in (("start", interval.start), ("end", interval.end)):
                columns = {k: v for k, v in vars(instant).items() if v is not None}
                labels = {"beam": beam, "interval": name, "instant": when}
                yield FrameRows(labels, interval.slots, columns)
