"""Luminosity of the experiments at IP 8 and 2, for the step losses."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from lumimod.arrays import FloatArray
from lumimod.errors import BadInputError, ConfigError
from lumimod.paths import FillPaths
from lumimod.readers.locate import existing
from lumimod.readers.massi import find_archives, read_massi
from lumimod.readers.variables import read_first
from lumimod.steps.bunch_fits import LUMI_UNIT_M2S
from lumimod.steps.context import FillContext
from lumimod.tables.lhc import N_SLOTS, OTHER_EXPERIMENTS


def other_archives(paths: FillPaths) -> dict[str, Path]:
    """Return the Massi archives of LHCb and ALICE, of those that config.py names and that exist.

    None where their folders cannot be read: the step says so.
    """
    try:
        return _archives(paths)
    except (BadInputError, ConfigError):
        return {}


def _archives(paths: FillPaths) -> dict[str, Path]:
    massi = paths.cfg.massi
    named = [exp for exp in OTHER_EXPERIMENTS if massi.folder_if_named(exp, 0) is not None]
    return find_archives({exp: paths.massi_folder(exp) for exp in named}, paths.fill)


def other_luminosities(ctx: FillContext, time_s: FloatArray) -> dict[str, FloatArray]:
    """Return the luminosity of LHCb and ALICE where it is known, (n_times,) in 1/(m^2 s).

    That of a Massi archive counts before the one that is logged.

    Raises
    ------
    BadInputError
        An archive is damaged or cannot be read.
    """
    archives = _archives(ctx.paths)
    known = _logged(ctx, [exp for exp in OTHER_EXPERIMENTS if exp not in archives], time_s)
    for experiment, archive in archives.items():
        measured = read_massi(archive, ctx.fill, experiment, np.arange(N_SLOTS))
        for note in measured.notes:
            ctx.note(note)
        total = np.nansum(measured.interpolate(time_s), axis=1)
        known[experiment] = total * ctx.cfg.massi.bunch_lumi_scale
    return {exp: known[exp] for exp in OTHER_EXPERIMENTS if exp in known and known[exp].any()}


def _logged(
    ctx: FillContext, experiments: Sequence[str], time_s: FloatArray
) -> dict[str, FloatArray]:
    """Return what the logging service has of them, (n_times,) in 1/(m^2 s)."""
    path = existing(ctx.paths.extra_data)
    if path is None or not experiments:
        return {}
    quantities = {f"total_lumi_{exp.lower()}": exp for exp in experiments}
    wanted = {quantity: ctx.names[quantity] for quantity in quantities}
    found = {}
    for quantity, series in read_first(path, wanted, optional=wanted).items():
        values = series.scalar()
        good = np.isfinite(values)
        if good.any():
            values = np.maximum(values[good], 0.0)  # noise about 0 before collisions
            lumi_hz_ub = np.interp(time_s, series.time_s[good], values)
            found[quantities[quantity]] = lumi_hz_ub * LUMI_UNIT_M2S
    return found
