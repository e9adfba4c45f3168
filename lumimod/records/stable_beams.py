"""Records of the steps sb and lifetime."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lumimod.arrays import FloatArray, IntArray
from lumimod.physics.expfit import ExpFit, ExpFits
from lumimod.physics.luminosity import CROSSING_PLANE
from lumimod.records.base import ALL_BUNCHES, FAMILIES, FITTED, FrameRows, floats, slot_numbers
from lumimod.tables.lhc import BEAMS, IP_OF


@dataclass(frozen=True)
class BunchFamily:
    """The bunches of one beam that collide, or those that do not, through stable beams."""

    slots: IntArray
    """Slots of the bunches, (n_slots,), 0 to 3563."""
    emit_h_um: FloatArray
    """Horizontal emittance, smoothed."""
    emit_v_um: FloatArray
    """Vertical emittance, smoothed."""
    emit_h_raw_um: FloatArray
    """Horizontal emittance as measured, interpolated."""
    emit_v_raw_um: FloatArray
    """Vertical emittance as measured, interpolated."""
    intensity_ppb: FloatArray
    """Protons in the bunch."""
    length_m: FloatArray
    """Bunch length, 1 sigma."""
    fits: Mapping[str, ExpFits] = field(default_factory=dict)
    """Exponential fits, one for each of FITTED."""


_FAMILY_KEYS = {
    "slots": "slots_filled_",
    "emit_h_um": "eh_interp_",
    "emit_v_um": "ev_interp_",
    "emit_h_raw_um": "eh_interp_raw_",
    "emit_v_raw_um": "ev_interp_raw_",
    "intensity_ppb": "b_inten_interp_",
    "length_m": "bl_interp_m_",
}


USUAL_PLANE: Mapping[int, str] = {IP_OF[exp]: plane for exp, plane in CROSSING_PLANE.items()}
"""Plane of the crossing angle at IP 1 and 5, of files that do not say."""


@dataclass(frozen=True)
class StableBeams:
    """Step sb: what was measured of each bunch, on one time base."""

    time_s: FloatArray
    """Times, (n_times,), Unix seconds."""
    bunches: Mapping[tuple[int, str], BunchFamily]
    """Bunches by (beam, family)."""
    xing_angle_rad: Mapping[int, FloatArray]
    """Full crossing angle at IP 1 and 5, (n_times,)."""
    intensity_lifetime_s: Mapping[int, FloatArray]
    """Intensity lifetime of the colliding bunches of each beam, (n_times - 1, n_slots)."""
    crossing_plane: Mapping[int, str] = field(default_factory=lambda: USUAL_PLANE)
    """Plane of the crossing angle, "h" or "v", at IP 1 and 5."""

    def to_dict(self) -> dict[Any, Any]:
        """Return the dict of fill_N.pkl.gz."""
        out: dict[Any, Any] = {
            "time_range": self.time_s,
            "xing_angle": dict(self.xing_angle_rad),
            "intensity_lifetime": dict(self.intensity_lifetime_s),
        }
        if self.crossing_plane != USUAL_PLANE:  # files of Run 2 stay as the original's
            out["crossing_plane"] = dict(self.crossing_plane)
        for family in FAMILIES:
            of = {beam: self.bunches[beam, family] for beam in BEAMS}
            for name, key in _FAMILY_KEYS.items():
                out[key + family] = {beam: getattr(of[beam], name) for beam in BEAMS}
            for x in FITTED:
                for suffix, span in (("", "short"), ("_full", "full")):
                    fits = {beam: getattr(of[beam].fits[x], span) for beam in BEAMS}
                    out[f"tau_{x}_{family}{suffix}"] = {b: f.tau_s for b, f in fits.items()}
                    out[f"init_{x}_{family}{suffix}"] = {b: f.init for b, f in fits.items()}
        return out

    @classmethod
    def from_dict(cls, data: Mapping[Any, Any]) -> StableBeams:
        """Return the record of a saved dict."""
        return cls(
            floats(data["time_range"]),
            {(b, f): cls._family(data, b, f) for b in BEAMS for f in FAMILIES},
            {ip: floats(data["xing_angle"][ip]) for ip in (1, 5)},
            {b: floats(data["intensity_lifetime"][b]) for b in BEAMS},
            dict(data.get("crossing_plane", USUAL_PLANE)),
        )

    def to_rows(self, sb: StableBeams | None = None) -> Iterator[FrameRows]:
        """Return the rows of its DataFrame, by beam and family."""
        for (beam, family), b in self.bunches.items():
            columns = {name: getattr(b, name) for name in _FAMILY_KEYS if name != "slots"}
            if family == "coll":
                columns["intensity_lifetime_s"] = self.intensity_lifetime_s[beam]
            yield FrameRows({"beam": beam, "family": family}, b.slots, columns, self.time_s)

    @staticmethod
    def _family(data: Mapping[Any, Any], beam: int, family: str) -> BunchFamily:
        arrays = {name: data[key + family][beam] for name, key in _FAMILY_KEYS.items()}
        fits = {}
        for x in FITTED:
            short, full = (
                ExpFit(
                    floats(data[f"tau_{x}_{family}{suffix}"][beam]),
                    floats(data[f"init_{x}_{family}{suffix}"][beam]),
                )
                for suffix in ("", "_full")
            )
            fits[x] = ExpFits(short, full)
        slots = slot_numbers(arrays.pop("slots"))
        return BunchFamily(slots=slots, fits=fits, **{n: floats(a) for n, a in arrays.items()})


def required(sb: StableBeams | None, record: object) -> StableBeams:
    """Return the stable beams, which a record needs to name its slots.

    Raises
    ------
    TypeError
        There are none.
    """
    if sb is None:
        raise TypeError(f"{type(record).__name__} needs the stable beams to name its slots")
    return sb


@dataclass(frozen=True)
class BeamLifetime:
    """Losses of the colliding bunches of one beam; times are all but the last of the fill."""

    slots: IntArray
    """Slots of the bunches."""
    tau_s: FloatArray
    """Intensity lifetime -N/(dN/dt) of each bunch, (n_times - 1, n_slots)."""
    rate_ppb_s: FloatArray
    """Loss rate |dN/dt| of each bunch."""
    total_tau_s: FloatArray
    """Lifetime of the sum of all intensities, (n_times - 1,)."""
    tau_boff_corrected_s: FloatArray | None = None
    """Lifetime of each bunch due to losses beyond burn-off; None without measured luminosity."""
    sigma_m2: FloatArray | None = None
    """Losses per luminosity, |dN/dt|/L, of each bunch; None without measured luminosity."""
    total_tau_boff_corrected_s: FloatArray | None = None
    """Lifetime of the sum due to losses beyond burn-off; None without measured luminosity."""


_LIFETIME_KEYS = {
    "slots": ("slots",),
    "tau_s": ("tau_Np_bbb", "life_time_bbb"),
    "rate_ppb_s": ("dndt_bbb",),
    "total_tau_s": ("tau_Np_tot", "life_time_tot"),
    "tau_boff_corrected_s": ("life_time_Boff_bbb",),
    "sigma_m2": ("losses_dndtL_bbb",),
    "total_tau_boff_corrected_s": ("life_time_Boff_tot",),
}


@dataclass(frozen=True)
class Lifetime:
    """Step lifetime: lifetimes and losses of the colliding bunches."""

    time_s: FloatArray
    """Times of stable beams, (n_times,), Unix seconds."""
    beams: Mapping[int, BeamLifetime]
    """Lifetimes and losses of each beam."""

    def to_dict(self) -> dict[Any, Any]:
        """Return the dict of fill_N_lifetime.pkl.gz."""
        out: dict[Any, Any] = {"time_range": self.time_s}
        for beam, record in self.beams.items():
            values = {n: getattr(record, n) for n in _LIFETIME_KEYS}
            out[beam] = {
                key: values[name]
                for name, keys in _LIFETIME_KEYS.items()
                for key in keys
                if values[name] is not None
            }
        return out

    @classmethod
    def from_dict(cls, data: Mapping[Any, Any]) -> Lifetime:
        """Return the record of a saved dict."""
        beams = {}
        for beam in BEAMS:
            part = data[beam]
            values = {n: part[k[0]] for n, k in _LIFETIME_KEYS.items() if k[0] in part}
            slots = slot_numbers(values.pop("slots"))
            beams[beam] = BeamLifetime(slots=slots, **{n: floats(v) for n, v in values.items()})
        return cls(floats(data["time_range"]), beams)

    def to_rows(self, sb: StableBeams | None = None) -> Iterator[FrameRows]:
        """Return the rows of its DataFrame, by beam: those of the bunches, then of their sum."""
        for beam, of in self.beams.items():
            each = {
                "tau_s": of.tau_s,
                "tau_boff_corrected_s": of.tau_boff_corrected_s,
                "rate_ppb_s": of.rate_ppb_s,
                "sigma_m2": of.sigma_m2,
            }
            total = {
                "tau_s": of.total_tau_s,
                "tau_boff_corrected_s": of.total_tau_boff_corrected_s,
            }
            labels, time_s = {"beam": beam}, self.time_s[:-1]
            there = {name: bunch for name, bunch in each.items() if bunch is not None}
            yield FrameRows(labels, of.slots, there, time_s)
            summed = {name: values[:, None] for name, values in total.items() if values is not None}
            yield FrameRows(labels, np.array([ALL_BUNCHES]), summed, time_s)
