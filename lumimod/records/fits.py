"""Record of the step fits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lumimod.arrays import FloatArray, IntArray
from lumimod.physics.expfit import ExpFit, ExpFits
from lumimod.physics.uncertainty import ErrorsOfFits, FitErrors
from lumimod.records.base import FAMILIES, FITTED, FrameRows, floats
from lumimod.records.stable_beams import StableBeams, required
from lumimod.tables.lhc import BEAMS, EXPERIMENTS

SPANS = ("short", "full")
_ERROR_KEYS = {"tau_s": "err_tau", "init": "err_init", "chi2_dof": "chi2", "lag1": "lag1"}
_FIT_NAMES = {"emit_h": "emith", "emit_v": "emitv", "bl": "bl", "inten": "inten"}


@dataclass(frozen=True)
class Fits:
    """Step fits: exponential fits of every bunch."""

    beams: Mapping[tuple[int, str], Mapping[str, ExpFits]]
    """Fits by (beam, family), then by each of FITTED."""
    lumi: Mapping[tuple[str, str], ExpFits] = field(default_factory=dict)
    """Fits by (experiment, "meas" or "calc"); "meas" is absent without measured luminosity."""
    beam_errors: Mapping[tuple[int, str], Mapping[str, ErrorsOfFits]] = field(default_factory=dict)
    """Errors of `beams`; files of earlier versions have none."""
    lumi_errors: Mapping[tuple[str, str], ErrorsOfFits] = field(default_factory=dict)
    """Errors of `lumi`; files of earlier versions have none."""

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
        for (beam, family), errors in self.beam_errors.items():
            for x, both in errors.items():
                _put_errors(out[f"beam_{beam}"], f"{_FIT_NAMES[x]}_{family}", both)
        for (exp, kind), both in self.lumi_errors.items():
            _put_errors(out[exp], f"lumi_{kind}_coll", both)
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
            {
                (beam, family): {
                    x: _get_errors(data[f"beam_{beam}"], f"{_FIT_NAMES[x]}_{family}")
                    for x in FITTED
                }
                for beam in BEAMS
                for family in FAMILIES
                if f"err_tau_emith_{family}" in data[f"beam_{beam}"]
            },
            {
                (exp, kind): _get_errors(data[exp], f"lumi_{kind}_coll")
                for exp in EXPERIMENTS
                for kind in ("meas", "calc")
                if f"err_tau_lumi_{kind}_coll" in data[exp]
            },
        )

    def to_rows(self, sb: StableBeams | None) -> Iterator[FrameRows]:
        """Return the rows of its DataFrame, by beam or experiment, family and quantity."""
        bunches = required(sb, self).bunches
        for (beam, family), by_quantity in self.beams.items():
            for quantity, both in by_quantity.items():
                labels = {"beam": beam, "family": family, "quantity": quantity}
                errors = self.beam_errors.get((beam, family), {}).get(quantity)
                yield from _rows(labels, bunches[beam, family].slots, both, errors)
        for (exp, kind), both in self.lumi.items():
            labels = {"experiment": exp, "family": "coll", "quantity": f"lumi_{kind}"}
            errors = self.lumi_errors.get((exp, kind))
            yield from _rows(labels, bunches[1, "coll"].slots, both, errors)


def _rows(
    labels: Mapping[str, Any], slots: IntArray, fits: ExpFits, errors: ErrorsOfFits | None
) -> Iterator[FrameRows]:
    for span in SPANS:
        fit = getattr(fits, span)
        columns = {"tau_s": fit.tau_s, "init": fit.init}
        if errors is not None:
            of = getattr(errors, span)
            columns |= {"tau_error_s": of.tau_s, "init_error": of.init}
            columns |= {"chi2_dof": of.chi2_dof, "lag1": of.lag1}
        yield FrameRows({**labels, "span": span}, slots, columns)


def _put_fits(out: dict[str, FloatArray], name: str, fits: ExpFits) -> None:
    for suffix, fit in (("", fits.short), ("_full", fits.full)):
        out[f"tau_{name}{suffix}"] = fit.tau_s
        out[f"init_{name}{suffix}"] = fit.init


def _put_errors(out: dict[str, FloatArray], name: str, errors: ErrorsOfFits) -> None:
    for suffix, of in (("", errors.short), ("_full", errors.full)):
        for field_name, key in _ERROR_KEYS.items():
            out[f"{key}_{name}{suffix}"] = getattr(of, field_name)


def _get_errors(data: Mapping[str, Any], name: str) -> ErrorsOfFits:
    short, full = (
        FitErrors(**{n: floats(data[f"{key}_{name}{suffix}"]) for n, key in _ERROR_KEYS.items()})
        for suffix in ("", "_full")
    )
    return ErrorsOfFits(short, full)


def _get_fits(data: Mapping[str, Any], name: str) -> ExpFits:
    tau, tau_full = floats(data[f"tau_{name}"]), floats(data[f"tau_{name}_full"])
    # Files of the original have no init of the long luminosity fits.
    init_full = floats(data.get(f"init_{name}_full", np.full(tau_full.shape, np.nan)))
    return ExpFits(ExpFit(tau, floats(data[f"init_{name}"])), ExpFit(tau_full, init_full))
