"""Record of the step losses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from lumimod.arrays import FloatArray, IntArray
from lumimod.physics.filling import BunchFamilies
from lumimod.records.base import ALL_BUNCHES, FrameRows, floats, slot_numbers
from lumimod.records.stable_beams import StableBeams
from lumimod.tables.lhc import BEAMS, EXPERIMENTS


@dataclass(frozen=True)
class BeamLosses:
    """Effective cross-section of the losses of one beam, and the families of its bunches."""

    slots: IntArray
    """Slots of the colliding bunches, (n_slots,)."""
    sigma_m2: FloatArray
    """Effective cross-section of each bunch in each window, (n_windows, n_slots)."""
    error_m2: FloatArray
    """Its standard error."""
    fill_sigma_m2: FloatArray
    """Effective cross-section of each bunch over the fill, (n_slots,)."""
    fill_error_m2: FloatArray
    """Its standard error."""
    total_sigma_m2: FloatArray
    """Effective cross-section of the beam in each window, (n_windows,)."""
    total_error_m2: FloatArray
    """Its standard error."""
    total_fill_sigma_m2: float
    """Effective cross-section of the beam over the fill."""
    total_fill_error_m2: float
    """Its standard error."""
    families: BunchFamilies
    """Of all bunches of the beam."""


_BEAM_KEYS = {
    "sigma_m2": "sigma_eff_bbb",
    "error_m2": "sigma_eff_bbb_err",
    "fill_sigma_m2": "sigma_eff_bbb_fill",
    "fill_error_m2": "sigma_eff_bbb_fill_err",
    "total_sigma_m2": "sigma_eff_tot",
    "total_error_m2": "sigma_eff_tot_err",
    "total_fill_sigma_m2": "sigma_eff_tot_fill",
    "total_fill_error_m2": "sigma_eff_tot_fill_err",
}


@dataclass(frozen=True)
class LumiError:
    """Relative error of the calculated luminosity of an experiment."""

    statistical: FloatArray
    """Statistical error of each pair's luminosity at one time, relative, (n_slots,)."""
    systematic: float
    """Error common to all pairs and times, relative."""


@dataclass(frozen=True)
class FillLosses:
    """Step losses: effective cross-section, pile-up, and the families of the bunches."""

    time_s: FloatArray
    """Times of stable beams, (n_times,), Unix seconds."""
    window_time_s: FloatArray
    """Middle of each window, (n_windows,), Unix seconds."""
    lumi: str
    """Which luminosity was integrated: "measured", or "calculated" for want of it."""
    experiments: list[str]
    """Experiments whose luminosity is in the sum."""
    systematic: float
    """Relative error that all cross-sections have in common."""
    lumi_calc_error: Mapping[str, LumiError]
    """Errors of the calculated luminosity by experiment."""
    pileup: Mapping[str, FloatArray]
    """Inelastic collisions at each crossing of a pair, by experiment, (n_times, n_slots)."""
    beams: Mapping[int, BeamLosses]
    """Cross-sections and families of each beam."""
    betastar_logged_m: Mapping[int, FloatArray] | None = None
    """Logged beta* at IP 1 and 5, (n_times,), where the calculated luminosity is with another."""

    def to_dict(self) -> dict[Any, Any]:
        """Return the dict of fill_N_losses.pkl.gz."""
        out: dict[Any, Any] = {
            "time_range": self.time_s,
            "window_time": self.window_time_s,
            "lumi": self.lumi,
            "experiments": self.experiments,
            "systematic": self.systematic,
            "lumi_calc_error": {exp: dict(vars(e)) for exp, e in self.lumi_calc_error.items()},
            "pileup": dict(self.pileup),
        }
        if self.betastar_logged_m is not None:
            out["betastar_logged"] = dict(self.betastar_logged_m)
        for beam, of in self.beams.items():
            values = {key: getattr(of, name) for name, key in _BEAM_KEYS.items()}
            out[beam] = {"slots": of.slots, **values, "families": of.families._asdict()}
        return out

    @classmethod
    def from_dict(cls, data: Mapping[Any, Any]) -> FillLosses:
        """Return the record of a saved dict."""
        return cls(
            floats(data["time_range"]),
            floats(data["window_time"]),
            str(data["lumi"]),
            [str(name) for name in data["experiments"]],
            float(data["systematic"]),
            {
                exp: LumiError(floats(part["statistical"]), float(part["systematic"]))
                for exp, part in data["lumi_calc_error"].items()
            },
            {exp: floats(data["pileup"][exp]) for exp in EXPERIMENTS},
            {beam: _beam(data[beam]) for beam in BEAMS},
            {ip: floats(data["betastar_logged"][ip]) for ip in (1, 5)}
            if "betastar_logged" in data
            else None,
        )

    def to_rows(self, _: StableBeams | None = None) -> Iterator[FrameRows]:
        """Return the rows of its DataFrame: cross-sections, families and pile-up."""
        for beam, of in self.beams.items():
            yield from _beam_rows(beam, of, self.window_time_s)
        slots = self.beams[1].slots
        for exp, pileup in self.pileup.items():
            errors = np.broadcast_to(self.lumi_calc_error[exp].statistical, pileup.shape)
            columns = {"pileup": pileup, "lumi_calc_error": errors}
            yield FrameRows({"part": "pileup", "experiment": exp}, slots, columns, self.time_s)


def _beam(data: Mapping[str, Any]) -> BeamLosses:
    values: dict[str, Any] = {name: data[key] for name, key in _BEAM_KEYS.items()}
    values = {n: float(v) if n.startswith("total_fill") else floats(v) for n, v in values.items()}
    families = {name: slot_numbers(data["families"][name]) for name in BunchFamilies._fields}
    slots = slot_numbers(data["slots"])
    return BeamLosses(slots=slots, families=BunchFamilies(**families), **values)


def _beam_rows(beam: int, of: BeamLosses, window_time_s: FloatArray) -> Iterator[FrameRows]:
    window, fill = ({"part": part, "beam": beam} for part in ("window", "fill"))
    all_of = np.array([ALL_BUNCHES])
    each = {"sigma_m2": of.sigma_m2, "error_m2": of.error_m2}
    total = {"sigma_m2": of.total_sigma_m2[:, None], "error_m2": of.total_error_m2[:, None]}
    yield FrameRows(window, of.slots, each, window_time_s)
    yield FrameRows(window, all_of, total, window_time_s)
    yield FrameRows(fill, of.slots, {"sigma_m2": of.fill_sigma_m2, "error_m2": of.fill_error_m2})
    whole = {"sigma_m2": of.total_fill_sigma_m2, "error_m2": of.total_fill_error_m2}
    yield FrameRows(fill, all_of, {name: np.array([value]) for name, value in whole.items()})
    families = of.families._asdict()
    yield FrameRows({"part": "families", "beam": beam}, families.pop("slots"), families)
