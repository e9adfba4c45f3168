"""Optics at the interaction points: crossing angles and beta* against time."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Callable, NamedTuple

import numpy as np

from lumimod.arrays import FloatArray, Series
from lumimod.errors import BadInputError, MissingInputError, Note
from lumimod.instruments.gaps import NOTED_GAP_S, find_gaps, gap_notes, unmeasured
from lumimod.readers.variables import read_first
from lumimod.tables.lhc import PLANES
from lumimod.tables.variables import Names

POINTS = (1, 5)
"""Interaction points of ATLAS and CMS."""
ON_CHANGE_S = 600.0
"""Samples of a crossing angle further apart than this were logged on change: the angle stays until
the next one. Between closer samples it is interpolated linearly."""
CROSSING = "crossing angle"
"""What notes call it."""
BETASTAR = "beta*"
"""What notes call it."""
AS_LOGGED_M = 1e-3
"""Smaller differences of beta* do not count."""
ALL_ZERO = "has crossing angles that are all 0"


class Crossing(NamedTuple):
    """Crossing of the beams at an interaction point."""

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
    """Return the measured crossing at IP 1 and 5; None if that of one cannot be used.

    Parameters
    ----------
    path
        Data file with the half crossing angles in microrad; None if there is none.
    names
        Variables of each quantity, the best first.
    planes
        Crossing plane, "h" or "v", by IP, if it is known. Otherwise, if the file has both planes,
        it is the one with the larger angle.
    usual
        Crossing plane by IP in this period; another one is noted.
    time_s
        Times at which to return the angles, (n_times,).
    since_s
        Start of the fill: a file without a sample from then to the end of `time_s` is of another
        fill.
    max_gap_s
        If angles are logged at regular times and then no more, the last one is held for this long,
        then the angle is NaN. Angles that are logged on change have no gaps.
    note
        Called with what the user should know.
    """
    if path is None:
        return None
    half_urad = _read_angles(path, names, planes)
    crossings = {}
    for ip in POINTS:
        logged = {plane: one for (point, plane), one in half_urad.items() if point == ip}
        why = _unusable(logged, since_s, float(time_s[-1]))
        if why == ALL_ZERO and ip in planes:  # the plane was chosen in config.py
            note(Note("zero", f"{path} {why} at IP{ip}, in the plane of crossing_planes", CROSSING))
        elif why:
            text = f"{path} {why} at IP{ip}; taking XingAngle of config.py"
            note(Note("fallback", text, CROSSING))
            return None
        angles = {plane: _full_rad(one, time_s) for plane, one in logged.items()}
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
        crossings[ip] = Crossing(plane, full_rad)
    return crossings


def _read_angles(
    path: Path, names: Mapping[str, Names], planes: Mapping[int, str]
) -> dict[tuple[int, str], Series]:
    """Return the half angles by IP and plane, those that have samples."""
    keys = [(ip, plane) for ip in POINTS for plane in PLANES if planes.get(ip, plane) == plane]
    quantities = {f"crossing_{plane}_ip{ip}": (ip, plane) for ip, plane in keys}
    wanted = {quantity: names[quantity] for quantity in quantities}
    series = read_first(path, wanted, optional=wanted)
    logged = {quantity: one for quantity, one in series.items() if one.time_s.size}
    return {key: logged[quantity] for quantity, key in quantities.items() if quantity in logged}


def _unusable(logged: Mapping[str, Series], start_s: float, end_s: float) -> str:
    """Return why the angles of an IP, by plane, cannot be used; "" if they can."""
    if not logged:
        return "lacks a crossing angle"
    if not any(((s.time_s >= start_s) & (s.time_s <= end_s)).any() for s in logged.values()):
        return "has crossing angles of other times than the fill's: is it that of this fill?"
    if not any(s.scalar().any() for s in logged.values()):
        return ALL_ZERO
    return ""


def _full_rad(half_urad: Series, time_s: FloatArray) -> FloatArray:
    """Return the full angle in rad: interpolated between close samples, else the last one."""
    times, values = half_urad.time_s, half_urad.scalar()
    linear = np.interp(time_s, times, values)
    newest = np.maximum(np.searchsorted(times, time_s, side="right") - 1, 0)
    following = np.minimum(newest + 1, times.size - 1)
    on_change = times[following] - times[newest] > ON_CHANGE_S
    return np.where(on_change, values[newest], linear) * 2e-6


def _is_regular(series: Series) -> bool:
    """Return whether samples are logged at regular times, not when the value changes.

    Then most of them repeat the one before, and most of the time is between close ones.
    """
    steps_s, values = np.diff(series.time_s), series.scalar()
    if steps_s.size < 2:
        return False
    repeated = np.count_nonzero(values[1:] == values[:-1]) > steps_s.size / 2
    return bool(repeated and steps_s[steps_s <= ON_CHANGE_S].sum() > steps_s.sum() / 2)


def measured_betastar(
    path: Path, names: Mapping[str, Names], time_s: FloatArray
) -> dict[int, FloatArray]:
    """Return the measured beta* at IP 1 and 5, each (n_times,) in m.

    A logged value, in cm, holds until the next one; before the first one, the first is taken.

    Raises
    ------
    MissingInputError
        The file or a variable is missing.
    BadInputError
        There is no sample, or none up to the last time, or a value is not positive.
    """
    return _at_points(read_first(path, _betastar_names(names)), time_s)


def logged_betastar(
    path: Path | None,
    names: Mapping[str, Names],
    time_s: FloatArray,
    note: Callable[[Note], None],
) -> dict[int, FloatArray] | None:
    """Return beta* as `measured_betastar` does, to compare with; None where it is not logged.

    `note` is called where it is logged but cannot be used.
    """
    if path is None:
        return None
    wanted = _betastar_names(names)
    try:
        series = read_first(path, wanted, optional=wanted)
        return _at_points(series, time_s) if len(series) == len(wanted) else None
    except (BadInputError, MissingInputError) as exc:  # nothing is calculated with it
        note(Note("unused", f"no logged beta* to compare with: {exc}", BETASTAR))
        return None


def betastar_differs(used_m: Mapping[int, FloatArray], logged_m: Mapping[int, FloatArray]) -> str:
    """Return in words how a constant beta* differs from the logged one; empty if it does not."""
    if all(np.all(np.abs(logged_m[ip] - used_m[ip]) <= AS_LOGGED_M) for ip in POINTS):
        return ""
    used = " / ".join(dict.fromkeys(f"{used_m[ip][0]:.2f}" for ip in POINTS))
    ends = dict.fromkeys((f"{logged_m[ip][0]:.2f}", f"{logged_m[ip][-1]:.2f}") for ip in POINTS)
    logged = " / ".join(first if first == last else f"{first} to {last}" for first, last in ends)
    return (
        f"calculated with beta* {used} m of config.py, but {logged} m was logged; "
        'betastar_m = "measured" takes the logged one'
    )


def _betastar_names(names: Mapping[str, Names]) -> dict[str, Names]:
    return {f"{ip}": names[f"betastar_ip{ip}"] for ip in POINTS}


def _at_points(series: Mapping[str, Series], time_s: FloatArray) -> dict[int, FloatArray]:
    return {ip: _held(series[f"{ip}"], time_s) for ip in POINTS}


def _held(betastar_cm: Series, time_s: FloatArray) -> FloatArray:
    values = betastar_cm.scalar()
    if not values.size:
        raise BadInputError(
            f"{betastar_cm.name} in {betastar_cm.origin} has no row; set betastar_m in config.py "
            "to a number"
        )
    if betastar_cm.time_s[0] > time_s[-1]:
        raise BadInputError(
            f"{betastar_cm.name} in {betastar_cm.origin} is of times after the fill's: is it that "
            "of this fill? Get it again, or set betastar_m in config.py to a number"
        )
    newest = np.searchsorted(betastar_cm.time_s, time_s, side="right") - 1
    betastar_m = values[np.maximum(newest, 0)] / 100
    if not np.all(betastar_m > 0):
        raise BadInputError(
            f"{betastar_cm.name} in {betastar_cm.origin}: {betastar_m.min() * 100:g} cm is not "
            "a beta* in stable beams; set betastar_m in config.py to a number"
        )
    return betastar_m
