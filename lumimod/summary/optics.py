"""The optics that a fill was followed up with."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from lumimod.arrays import FloatArray
from lumimod.paths import FillPaths
from lumimod.records import IP_OF, CalculatedLumi


def betastar_in_use(
    paths: FillPaths, calc: CalculatedLumi | None, time_s: FloatArray
) -> Mapping[int, FloatArray]:
    """Return beta* at IP1 and IP5, each (n_times,) in m.

    It is that of the calculated luminosity where that was logged, else what config.py says.
    Empty where it is to be taken from logged data and no luminosity was calculated with it.

    Raises
    ------
    ConfigError
        No range of betastar_m in config.py holds the fill.
    """
    if calc is not None and calc.betastar_m is not None:
        return calc.betastar_m
    machine = paths.cfg.machine
    if machine.betastar_is_measured:
        return {}
    at_points = zip(IP_OF.values(), machine.betastar(paths.fill))
    return {ip: np.full(time_s.shape, value) for ip, value in at_points}
