"""Optics at the interaction points against time: crossing angles and beta*."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from lumimod.arrays import FloatArray, Series
from lumimod.errors import BadInputError
from lumimod.readers.variables import read_first
from lumimod.tables.lhc import PLANES
from lumimod.tables.variables import Names

log = logging.getLogger(__name__)

POINTS = (1, 5)
"""Interaction points of ATLAS and CMS."""


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
) -> Mapping[int, Crossing] | None:
    """Return the measured crossing at IP 1 and 5, None without any.

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
    """
    if path is None:
        return None
    found = _read_angles(path, names, planes)
    out = {}
    for ip in POINTS:
        angles = {p: _interpolated(s, time_s) for (i, p), s in found.items() if i == ip}
        if not angles:
            log.warning("%s lacks a crossing angle; taking XingAngle of config.py", path)
            return None
        plane = max(angles, key=lambda p: float(np.median(np.abs(angles[p]))))
        if plane != usual[ip] and ip not in planes:
            log.warning("%s: the beams cross in plane %s at IP%d", path, plane.upper(), ip)
        out[ip] = Crossing(plane, angles[plane])
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


def _interpolated(half_urad: Series, time_s: FloatArray) -> FloatArray:
    """Return the full angle in rad, linear between samples."""
    return np.interp(time_s, half_urad.time_s, half_urad.scalar()) * 2e-6


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
