"""Facts of the part of a fill before stable beams."""

from __future__ import annotations

import numpy as np

from lumimod.paths import FillPaths
from lumimod.records import BEAMS, Cycle
from lumimod.records.cycle import CycleInterval, Instant
from lumimod.records.store import Loader, load_if_there
from lumimod.summary.means import Facts, put_mean

_INJECTION, _FLAT_TOP = "Injection", "he_before_SB"
_PART_OF = {_INJECTION: "injection", _FLAT_TOP: "flat_top"}


def cycle_facts(paths: FillPaths, load: Loader = load_if_there) -> Facts:
    """Return means of all bunches at injection and both ends of the ramp, and how they grew."""
    out: Facts = {}
    measured = load(paths.cycle, Cycle)
    if measured is None:
        return out
    for beam in BEAMS:
        injection = measured.intervals.get((beam, _INJECTION))
        flat_top = measured.intervals.get((beam, _FLAT_TOP))
        if injection is not None:
            _instant(out, f"b{beam}", "inj", injection.start)
            _instant(out, f"b{beam}", "ramp_start", injection.end)
        if flat_top is not None:
            _instant(out, f"b{beam}", "ramp_end", flat_top.start)
        if injection is not None and flat_top is not None:
            _ramp(out, beam, injection, flat_top)
    _growth(out, measured, "um")
    modelled = load(paths.cycle_model, Cycle)
    if modelled is not None:
        _growth(out, modelled, "model_um")
        _beyond(out, measured, modelled)
    return out


def _instant(out: Facts, beam: str, when: str, at: Instant) -> None:
    put_mean(out, f"{beam}_emit_h_{when}_um", at.emit_h_um)
    put_mean(out, f"{beam}_emit_v_{when}_um", at.emit_v_um)
    put_mean(out, f"{beam}_length_{when}_ns", at.bl4s_s * 1e9)
    if at.intensity_ppb is not None:
        put_mean(out, f"{beam}_intensity_{when}_ppb", at.intensity_ppb)
    if at.brightness_ppb_um is not None:
        put_mean(out, f"{beam}_brightness_{when}_ppb_um", at.brightness_ppb_um)


def _growth(out: Facts, cycle: Cycle, unit: str) -> None:
    for (beam, name), of in cycle.intervals.items():
        part = _PART_OF[name]
        for plane in ("h", "v"):
            grown_um = getattr(of.end, f"emit_{plane}_um") - getattr(of.start, f"emit_{plane}_um")
            put_mean(out, f"b{beam}_growth_{plane}_{part}_{unit}", grown_um, spread=False)


def _ramp(out: Facts, beam: int, injection: CycleInterval, flat_top: CycleInterval) -> None:
    """Put the growth of the bunches that were measured on both sides of the ramp."""
    _, before, after = np.intersect1d(injection.slots, flat_top.slots, return_indices=True)
    for plane in ("h", "v"):
        end_um = getattr(flat_top.start, f"emit_{plane}_um")[after]
        start_um = getattr(injection.end, f"emit_{plane}_um")[before]
        put_mean(out, f"b{beam}_growth_{plane}_ramp_um", end_um - start_um, spread=False)


def _beyond(out: Facts, measured: Cycle, modelled: Cycle) -> None:
    """Put the growth per hour beyond the model: all bunches together, by time waited."""
    for (beam, name), of in measured.intervals.items():
        model = modelled.intervals.get((beam, name))
        if model is None or not np.array_equal(model.slots, of.slots):
            continue
        hours = (of.end.time_s - of.start.time_s) / 3600
        for plane in ("h", "v"):
            end_um, modelled_um = (getattr(at.end, f"emit_{plane}_um") for at in (of, model))
            known = np.isfinite(end_um - modelled_um) & (hours > 0)
            if known.any():
                gained_um = float((end_um - modelled_um)[known].sum())
                rate = gained_um / float(hours[known].sum())
                out[f"b{beam}_beyond_{plane}_{_PART_OF[name]}_um_h"] = rate
