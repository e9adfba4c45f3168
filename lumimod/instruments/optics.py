"""Optics at the interaction points against time: crossing angles and beta*."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Callable, NamedTuple

import numpy as np

from lumimod.arrays import FloatArray, Series
from lumimod.errors import BadInputError, Note
from lumimod.instruments.gaps import NOTED_GAP_S, find_gaps, gap_notes, unmeasured
from lumimod.readers.variables import read_first
from lumimod.tables.lhc import PLANES
from lumimod.tables.variables import Names

POINTS = (1, 5)
"""Interaction points of ATLAS and CMS."""
ON_CHANGE_S = 600.0
"""Samples of a crossing angle further apart than this are taken as logged on change: the angle
stays until the next one. Closer ones are taken as sampled: it is linear in between."""


CROSSING = "crossing angle"


class Crossing(NamedTuple):
    """Crossing at one interaction point."""

    plane: str
    """"h" or "v"."""
    full_rad: FloatArray
    """Full crossing angle, (n_times,)."""


def crossing_angles(
    path: Path | None,
    names: Mapping[str, Names],
    planes: Mapping[int, str],
    usual: Mapping[int, str],
    time_s: FloatArray,
    *,
    since_s: float,
    max_gap_s: float,
    note: Callable[[Note], None],
) -> Mapping[int, Crossing] | None:
    """Return the measured crossing at IP 1 and 5, None without any that can be used.

    Parameters
    ----------
    path
        File of the half crossing angles in microrad; None: there is none.
    names
        Of the variables, by quantity.
    planes
        Plane of the crossing at a point, "h" or "v", where it is known. Otherwise, if the file
        has both planes, it is the one with the larger angle.
    usual
        Plane at every point in this period, for the log.
    time_s
        Times of the answer, (n_times,).
    since_s
        Start of the fill: without a sample from then to the last of the times the file is one of
        another fill.
    max_gap_s
        Where angles are logged at regular times and cease to be, the last one is held for this
        long; then the angle is NaN. What is logged on change has no gaps.
    note
        Told of what is worth knowing.
    """
    if path is None:
        return None
    found = _read_angles(path, names, planes)
    out = {}
    for ip in POINTS:
        logged = {p: s for (i, p), s in found.items() if i == ip}
        why = _unusable(logged, since_s, float(time_s[-1]))
        if why:
            text = f"{path} {why} at IP{ip}; taking XingAngle of config.py"
            note(Note("fallback", text, CROSSING))
            return None
        angles = {p: _interpolated(s, time_s) for p, s in logged.items()}
        plane = max(angles, key=lambda p: float(np.median(np.abs(angles[p]))))
        if plane != usual[ip] and ip not in planes:
            text = f"{path}: the beams cross in plane {plane.upper()} at IP{ip}"
            note(Note("crossing plane", text, CROSSING))
        full_rad = angles[plane]
        if _is_regular(logged[plane]):
            times = logged[plane].time_s
            span = (float(time_s[0]), float(time_s[-1]))
            name = f"{CROSSING} at IP{ip}"
            for one in gap_notes(name, None, find_gaps(times, span, NOTED_GAP_S), max_gap_s):
                note(one)
            full_rad = np.where(unmeasured(time_s, times, max_gap_s), np.nan, full_rad)
        out[ip] = Crossing(plane, full_rad)
    return out


def _read_angles(
    path: Path, names: Mapping[str, Names], planes: Mapping[int, str]
) -> dict[tuple[int, str], Series]:
    """Return the half angles of every point and plane that have a sample."""
    wanted = {
        (ip, plane): names[f"crossing_{plane}_ip{ip}"]
        for ip in POINTS
        for plane in PLANES
        if planes.get(ip, plane) == plane
    }
    by_key = {f"{ip}{plane}": of for (ip, plane), of in wanted.items()}
    found = read_first(path, by_key, optional=by_key)
    return {
        (ip, plane): found[f"{ip}{plane}"]
        for ip, plane in wanted
        if f"{ip}{plane}" in found and found[f"{ip}{plane}"].time_s.size
    }


def _unusable(logged: Mapping[str, Series], start_s: float, end_s: float) -> str:
    """Return why the angles of a point, by plane, are not to be used, or nothing."""
    if not logged:
        return "lacks a crossing angle"
    if not any(((s.time_s >= start_s) & (s.time_s <= end_s)).any() for s in logged.values()):
        return "has crossing angles of other times than the fill's: is it that of this fill?"
    if not any(s.scalar().any() for s in logged.values()):
        return "has crossing angles that are all 0"
    return ""


def _interpolated(half_urad: Series, time_s: FloatArray) -> FloatArray:
    """Return the full angle in rad: linear between close samples, else that of the last one."""
    times, values = half_urad.time_s, half_urad.scalar()
    linear = np.interp(time_s, times, values)
    newest = np.clip(np.searchsorted(times, time_s, side="right") - 1, 0, times.size - 1)
    following = np.minimum(newest + 1, times.size - 1)
    on_change = (times[following] - times[newest] > ON_CHANGE_S) & (time_s >= times[newest])
    return np.where(on_change, values[newest], linear) * 2e-6


def _is_regular(series: Series) -> bool:
    """Return whether samples come at regular times, and not when the value changes.

    Then most of them repeat the one before, and most of the time is covered by close ones.
    """
    steps_s, values = np.diff(series.time_s), series.scalar()
    if steps_s.size < 2:
        return False
    repeated = np.count_nonzero(values[1:] == values[:-1]) > steps_s.size / 2
    return bool(repeated and steps_s[steps_s <= ON_CHANGE_S].sum() > steps_s.sum() / 2)


def measured_betastar(
    path: Path, names: Mapping[str, Names], time_s: FloatArray
) -> dict[int, FloatArray]:
    """Return beta* at IP 1 and 5, each (n_times,) in m, from the logged values in cm.

    A value holds until the next one; before the first one, that is taken.

    Raises
    ------
    MissingInputError
        The file or a variable is missing.
    BadInputError
        There is no sample, or one that is no length.
    """
    series = read_first(path, {f"{ip}": names[f"betastar_ip{ip}"] for ip in POINTS})
    return {ip: _held(series[f"{ip}"], time_s) for ip in POINTS}


def _held(betastar_cm: Series, time_s: FloatArray) -> FloatArray:
    values = betastar_cm.scalar()
    if not values.size:
        raise BadInputError(
            f"{betastar_cm.name} in {betastar_cm.origin} has no row; set betastar_m in config.py "
            "to a number"
        )
    newest = np.searchsorted(betastar_cm.time_s, time_s, side="right") - 1
    out = values[np.maximum(newest, 0)] / 100
    if not np.all(out > 0):
        raise BadInputError(
            f"{betastar_cm.name} in {betastar_cm.origin}: {out.min() * 100:g} cm is no beta* in "
            "stable beams; set betastar_m in config.py to a number"
        )
    return out
