"""Record of the step fits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lumimod.arrays import FloatArray, IntArray
from lumimod.physics.expfit import ExpFit, ExpFits
from lumimod.records.base import BEAMS, FAMILIES, FITTED, FrameRows, floats
from lumimod.records.stable_beams import StableBeams, required
from lumimod.tables.lhc import EXPERIMENTS

_FIT_NAMES = {"emit_h": "emith", "emit_v": "emitv", "bl": "bl", "inten": "inten"}


@dataclass(frozen=True)
class Fits:
    """Step fits: exponential fits of every bunch."""

    beams: Mapping[tuple[int, str], Mapping[str, ExpFits]]
    """Fits by (beam, family), then by each of FITTED."""
    lumi: Mapping[tuple[str, str], ExpFits] = field(default_factory=dict)
    """Fits by (experiment, "meas" or "calc"); "meas" is absent without measured luminosity."""

    def to_dict(self) -> dict[Any, Any]:
        """Return the dict of fill_N_fits.pkl.gz."""
        out: dict[Any, Any] = {f"beam_{beam}": {} for beam in BEAMS}
        out.update({exp: {} for exp in EXPERIMENTS})
        for (beam, family), fits in self.beams.items():
            for x, fit in fits.items():
                _put_fits(out[f"beam_{beam}"], f"{_FIT_NAMES[x]}_{family}", fit)
        for (exp, kind), fit in self.lumi.items():
            _put_fits(out[exp], f"lumi_{kind}_coll", fit)
            nothing = ExpFit(np.empty(0), np.empty(0))
            _put_fits(out[exp], f"lumi_{kind}_noncoll", ExpFits(nothing, nothing))
        return out

    @classmethod
    def from_dict(cls, data: Mapping[Any, Any]) -> Fits:
        """Return the record of a saved dict."""
        return cls(
            {
                (beam, family): {
                    x: _get_fits(data[f"beam_{beam}"], f"{_FIT_NAMES[x]}_{family}") for x in FITTED
                }
                for beam in BEAMS
                for family in FAMILIES
            },
            {
                (exp, kind): _get_fits(data[exp], f"lumi_{kind}_coll")
                for exp in EXPERIMENTS
                for kind in ("meas", "calc")
                if f"tau_lumi_{kind}_coll" in data[exp]
            },
        )

    def to_rows(self, sb: StableBeams | None) -> Iterator[FrameRows]:
        """Return the rows of its DataFrame, by beam or experiment, family and quantity."""
        bunches = required(sb, self).bunches
        for (beam, family), by_quantity in self.beams.items():
            for quantity, both in by_quantity.items():
                labels = {"beam": beam, "family": family, "quantity": quantity}
                yield from _rows(labels, bunches[beam, family].slots, both)
        for (exp, kind), both in self.lumi.items():
            labels = {"experiment": exp, "family": "coll", "quantity": f"lumi_{kind}"}
            yield from _rows(labels, bunches[1, "coll"].slots, both)


def _rows(labels: Mapping[str, Any], slots: IntArray, fits: ExpFits) -> Iterator[FrameRows]:
    for span, fit in (("short", fits.short), ("full", fits.full)):
        yield FrameRows({**labels, "span": span}, slots, {"tau_s": fit.tau_s, "init": fit.init})


def _put_fits(out: dict[str, FloatArray], name: str, fits: ExpFits) -> None:
    for suffix, fit in (("", fits.short), ("_full", fits.full)):
        out[f"tau_{name}{suffix}"] = fit.tau_s
        out[f"init_{name}{suffix}"] = fit.init


def _get_fits(data: Mapping[str, Any], name: str) -> ExpFits:
    tau, tau_full = floats(data[f"tau_{name}"]), floats(data[f"tau_{name}_full"])
    # Files of the original have no init of the long luminosity fits.
    init_full = floats(data.get(f"init_{name}_full", np.full(tau_full.shape, np.nan)))
    return ExpFits(ExpFit(tau, floats(data[f"init_{name}"])), ExpFit(tau_full, init_full))
