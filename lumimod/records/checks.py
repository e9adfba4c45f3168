"""Whether the parts of a record fit each other: a damaged or mixed-up file may have all its keys.

Only shapes, times and slots are looked at, no value of a bunch: it takes microseconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Callable

import numpy as np

from lumimod.arrays import FloatArray, IntArray
from lumimod.physics.expfit import ExpFits
from lumimod.records.cycle import Cycle
from lumimod.records.fits import Fits
from lumimod.records.growth import GrowthBeyond
from lumimod.records.losses import FillLosses
from lumimod.records.lumi import CalculatedLumi, MeasuredLumi
from lumimod.records.lumi_emittance import LumiEmittance
from lumimod.records.made import KEY
from lumimod.records.model import StableBeamsModel
from lumimod.records.stable_beams import Lifetime, StableBeams
from lumimod.tables.lhc import BEAMS, N_SLOTS

_Arrays = Mapping[str, Any]


def check(record: object) -> None:
    """Check that times increase, slots are slots, and arrays have the shapes that they should.

    Raises
    ------
    ValueError
        They do not; the message says which and how.
    """
    _CHECKS.get(type(record), _nothing)(record)


def kind_of(data: object) -> type[Any] | None:
    """Return which record the dict of a result file is, by its keys; None for another's."""
    if not isinstance(data, Mapping):
        return None
    for kind, keys in _KEYS.items():
        if all(key in data for key in keys):
            # A step that is added may have numbers of each experiment: not a luminosity.
            is_another = kind is MeasuredLumi and not isinstance(data[keys[0]], Mapping)
            return None if is_another else kind
    parts = [part for key, part in data.items() if key != KEY]
    is_model = parts and all(isinstance(p, Mapping) and "bunch_lumi" in p for p in parts)
    return StableBeamsModel if is_model else None


_KEYS: Mapping[type[Any], tuple[Any, ...]] = {
    StableBeams: ("time_range", "slots_filled_coll"),
    FillLosses: ("window_time", "pileup"),
    LumiEmittance: ("eh_lumi", "ev_lumi"),
    GrowthBeyond: ("time_range", "growth_beyond"),
    CalculatedLumi: ("time_range", "xing_angle", "ATLAS", "CMS"),
    Lifetime: ("time_range", 1, 2),
    Fits: ("beam_1", "ATLAS"),
    Cycle: ("beam_1", "beam_2"),
    MeasuredLumi: ("ATLAS", "CMS"),
}
"""Keys by which a record is known, the first that fits."""


# --- parts


def _nothing(_: object) -> None:
    pass


def _times(time_s: FloatArray) -> int:
    """Check times; return how many there are."""
    if time_s.ndim != 1 or not np.all(np.isfinite(time_s)) or np.any(np.diff(time_s) <= 0):
        raise ValueError("its times do not increase")
    return int(time_s.size)


def _slots(of: str, slots: IntArray) -> int:
    """Check slots; return how many there are."""
    if slots.ndim != 1 or np.any(np.diff(slots) <= 0):
        raise ValueError(f"slots of {of} are not sorted, or not each of them once")
    if slots.size and not (slots[0] >= 0 and slots[-1] < N_SLOTS):
        raise ValueError(f"slots of {of} reach from {slots[0]} to {slots[-1]}")
    return int(slots.size)


def _shape(of: str, arrays: _Arrays, shape: tuple[int, ...]) -> None:
    """Check the shape of arrays; those that are None are not there."""
    for name, array in arrays.items():
        fits = array is None or array.shape == shape or (0 in shape and array.size == 0)
        if not fits:
            raise ValueError(f"{name} of {of} has the shape {array.shape}, not {shape}")


def _fitted(of: str, fits: Mapping[Any, ExpFits], n_slots: int) -> None:
    for name, both in fits.items():
        for fit in (both.short, both.full):
            _shape(f"{name} of {of}", {"tau": fit.tau_s, "init": fit.init}, (n_slots,))


def _same_shape(of: str, arrays: _Arrays, n_times: int | None = None) -> None:
    """Check that arrays have one shape, with so many times."""
    first = next(iter(arrays.values()))
    if first.ndim != 2 or (n_times is not None and first.size and len(first) != n_times):
        wanted = "(times, slots)" if n_times is None else f"({n_times}, slots)"
        raise ValueError(f"{of} has the shape {first.shape}, not {wanted}")
    _shape(of, arrays, first.shape)


# --- records


def _stable_beams(sb: StableBeams) -> None:
    n_times = _times(sb.time_s)
    for (beam, family), bunches in sb.bunches.items():
        of = f"beam {beam} {family}"
        n_slots = _slots(of, bunches.slots)
        arrays = {name: a for name, a in vars(bunches).items() if name not in ("slots", "fits")}
        _shape(of, arrays, (n_times, n_slots))
        _fitted(of, bunches.fits, n_slots)
        if family == "coll":
            lifetime = {"intensity lifetime": sb.intensity_lifetime_s[beam]}
            _shape(of, lifetime, (max(0, n_times - 1), n_slots))
    first, second = (sb.bunches[beam, "coll"].slots for beam in BEAMS)
    if not np.array_equal(first, second):
        raise ValueError("the colliding slots of its beams differ")
    _shape(
        "all", {f"crossing angle at IP {ip}": a for ip, a in sb.xing_angle_rad.items()}, (n_times,)
    )


def _lifetime(lifetime: Lifetime) -> None:
    n_steps = max(0, _times(lifetime.time_s) - 1)
    for beam, of in lifetime.beams.items():
        n_slots = _slots(f"beam {beam}", of.slots)
        arrays = {name: array for name, array in vars(of).items() if name != "slots"}
        totals = {name: arrays.pop(name) for name in list(arrays) if name.startswith("total")}
        _shape(f"beam {beam}", arrays, (n_steps, n_slots))
        _shape(f"beam {beam}", totals, (n_steps,))


def _losses(losses: FillLosses) -> None:
    n_times, n_windows = _times(losses.time_s), _times(losses.window_time_s)
    for beam, of in losses.beams.items():
        name, n_slots = f"beam {beam}", _slots(f"beam {beam}", of.slots)
        _shape(name, {"sigma": of.sigma_m2, "error": of.error_m2}, (n_windows, n_slots))
        _shape(name, {"sigma": of.fill_sigma_m2, "error": of.fill_error_m2}, (n_slots,))
        _shape(name, {"sigma": of.total_sigma_m2, "error": of.total_error_m2}, (n_windows,))
        _shape(name, of.families._asdict(), (_slots(name, of.families.slots),))
    _same_shape("pile-up", losses.pileup, n_times)
    n_pairs = losses.beams[1].slots.size
    errors = {exp: error.statistical for exp, error in losses.lumi_calc_error.items()}
    _shape("errors of the luminosity", errors, (n_pairs,))


def _lumi_emittance(found: LumiEmittance) -> None:
    n_times, n_slots = _times(found.time_s), _slots("beams", found.slots)
    of = "emittance from luminosity"
    _shape(of, {"h": found.emit_h_um, "v": found.emit_v_um}, (n_times, n_slots))
    _shape(of, {"noise h": found.noise_h_um, "noise v": found.noise_v_um}, (n_slots,))
    _shape(of, {"ratio h": found.ratio_h, "ratio v": found.ratio_v}, (n_times,))
    _shape("separation", found.separation_m, (n_times,))


def _growth(growth: GrowthBeyond) -> None:
    n_times = _times(growth.time_s)
    for case, of_case in growth.cases.items():
        for (beam, family), of in of_case.items():
            name = f"beam {beam} {family}, case {case}"
            n_slots = _slots(name, of.slots)
            for plane, one in of.planes.items():
                arrays = dict(vars(one))
                _shape(f"{name} {plane}", {"sum": arrays.pop("summed_um")}, (n_times - 1,))
                _shape(f"{name} {plane}", arrays, (n_slots,))


def _calculated_lumi(lumi: CalculatedLumi) -> None:
    n_times = _times(lumi.time_s)
    _same_shape("luminosity", lumi.bunch_lumi, n_times)
    for of, at_ip in (("crossing angle", lumi.xing_angle_rad), ("beta*", lumi.betastar_m or {})):
        _shape(of, {f"IP {ip}": array for ip, array in at_ip.items()}, (n_times,))


def _measured_lumi(lumi: MeasuredLumi) -> None:
    _same_shape("luminosity", lumi.bunch_lumi)


def _fits(fits: Fits) -> None:
    groups: Iterable[tuple[str, Mapping[Any, ExpFits]]] = (
        *((f"beam {beam} {family}", of) for (beam, family), of in fits.beams.items()),
        *((" ".join(key), {"luminosity": both}) for key, both in fits.lumi.items()),
    )
    for of, group in groups:
        _fitted(of, group, next(iter(group.values())).short.tau_s.size)
    for key, errors in fits.beam_errors.items():
        for x, both in errors.items():
            n_slots = fits.beams[key][x].short.tau_s.size
            for one in both:
                _shape(f"{x} of beam {key[0]} {key[1]}", one._asdict(), (n_slots,))
    for exp_and_kind, both in fits.lumi_errors.items():
        for one in both:
            n_slots = fits.lumi[exp_and_kind].short.tau_s.size
            _shape(" ".join(exp_and_kind), one._asdict(), (n_slots,))


def _cycle(cycle: Cycle) -> None:
    for (beam, name), interval in cycle.intervals.items():
        of = f"beam {beam} {name}"
        n_slots = _slots(of, interval.slots)
        for instant in (interval.start, interval.end):
            _shape(of, vars(instant), (n_slots,))


def _model(model: StableBeamsModel) -> None:
    for name, one in model.models.items():
        n_steps = max(0, _times(one.time_s) - 1)
        for (beam, family), bunches in one.bunches.items():
            _same_shape(f"{name}, beam {beam} {family}", vars(bunches), n_steps)
        _same_shape(f"{name}, luminosity", one.bunch_lumi, n_steps)


_CHECKS: Mapping[type[Any], Callable[[Any], None]] = {
    StableBeams: _stable_beams,
    Lifetime: _lifetime,
    FillLosses: _losses,
    LumiEmittance: _lumi_emittance,
    GrowthBeyond: _growth,
    CalculatedLumi: _calculated_lumi,
    MeasuredLumi: _measured_lumi,
    Fits: _fits,
    Cycle: _cycle,
    StableBeamsModel: _model,
}
