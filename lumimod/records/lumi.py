"""Records of the steps lumi and massi."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from lumimod.arrays import FloatArray
from lumimod.records.base import FrameRows, floats
from lumimod.records.stable_beams import StableBeams, required
from lumimod.tables.lhc import EXPERIMENTS


def _lumi_to_dict(per_experiment: Mapping[str, FloatArray]) -> dict[str, Any]:
    return {exp: {"bunch_lumi": lumi} for exp, lumi in per_experiment.items()}


def _lumi_from_dict(data: Mapping[Any, Any]) -> dict[str, FloatArray]:
    return {exp: floats(data[exp]["bunch_lumi"]) for exp in EXPERIMENTS}


def _lumi_rows(per_experiment: Mapping[str, FloatArray], sb: StableBeams) -> Iterator[FrameRows]:
    slots = sb.bunches[1, "coll"].slots
    for exp, lumi in per_experiment.items():
        yield FrameRows({"experiment": exp}, slots, {"bunch_lumi_m2s": lumi}, sb.time_s)


@dataclass(frozen=True)
class CalculatedLumi:
    """Step lumi: luminosity from the measured beams."""

    time_s: FloatArray
    """Times of stable beams, (n_times,), Unix seconds."""
    bunch_lumi: Mapping[str, FloatArray]
    """Luminosity of each colliding pair by experiment, in 1/(m^2 s)."""
    xing_angle_rad: Mapping[int, FloatArray]
    """Full crossing angle at IP 1 and 5, (n_times,)."""
    betastar_m: Mapping[int, FloatArray] | None = None
    """beta* at IP 1 and 5, (n_times,), if it was measured; None if it is that of config.py."""

    def to_dict(self) -> dict[Any, Any]:
        """Return the dict of fill_N_lumi_calc.pkl.gz."""
        out = {
            **_lumi_to_dict(self.bunch_lumi),
            "time_range": self.time_s,
            "xing_angle": dict(self.xing_angle_rad),
        }
        return out if self.betastar_m is None else {**out, "betastar": dict(self.betastar_m)}

    @classmethod
    def from_dict(cls, data: Mapping[Any, Any]) -> CalculatedLumi:
        """Return the record of a saved dict."""
        return cls(
            floats(data["time_range"]),
            _lumi_from_dict(data),
            {ip: floats(data["xing_angle"][ip]) for ip in (1, 5)},
            {ip: floats(data["betastar"][ip]) for ip in (1, 5)} if "betastar" in data else None,
        )

    def to_rows(self, sb: StableBeams | None) -> Iterator[FrameRows]:
        """Return the rows of its DataFrame, by experiment."""
        return _lumi_rows(self.bunch_lumi, required(sb, self))


@dataclass(frozen=True)
class MeasuredLumi:
    """Step massi: luminosity that the experiments measured, on the times of stable beams."""

    bunch_lumi: Mapping[str, FloatArray]
    """Luminosity of each colliding pair by experiment, in 1/(m^2 s)."""

    def to_dict(self) -> dict[Any, Any]:
        """Return the dict of fill_N_lumi_meas.pkl.gz."""
        return _lumi_to_dict(self.bunch_lumi)

    @classmethod
    def from_dict(cls, data: Mapping[Any, Any]) -> MeasuredLumi:
        """Return the record of a saved dict."""
        return cls(_lumi_from_dict(data))

    def to_rows(self, sb: StableBeams | None) -> Iterator[FrameRows]:
        """Return the rows of its DataFrame, by experiment."""
        return _lumi_rows(self.bunch_lumi, required(sb, self))

    @property
    def total(self) -> FloatArray:
        """Sum of the experiments, (n_times, n_slots), in 1/(m^2 s)."""
        return self.bunch_lumi["ATLAS"] + self.bunch_lumi["CMS"]
