"""Measured luminosity of every colliding pair, from the experiments' Massi archives."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np

from lumimod.arrays import FloatArray, IntArray
from lumimod.errors import BadInputError, MissingInputError
from lumimod.physics.interpolation import interp_columns
from lumimod.readers.massi import find_archive, read_massi
from lumimod.readers.variables import read_first
from lumimod.records import EXPERIMENTS, MeasuredLumi, StableBeams
from lumimod.records.store import keep_dated_copy
from lumimod.steps.context import FillContext
from lumimod.steps.massi_db import Archive

log = logging.getLogger(__name__)

NAME = "massi"
NEEDS = ("sb",)
WRITES = ("lumi_meas",)


def run(ctx: FillContext) -> None:
    """Make fill_N_lumi_meas.pkl.gz, or fill_N_lumi_timber_meas.pkl.gz without archives."""
    sb = ctx.load(ctx.paths.sb, StableBeams)
    slots = sb.bunches[1, "coll"].slots
    scale = ctx.cfg.massi.bunch_lumi_scale
    archives = {exp: find_archive(ctx.cfg.massi.folder(exp), ctx.fill) for exp in EXPERIMENTS}
    found = {exp: path for exp, path in archives.items() if path is not None}
    if len(found) == len(EXPERIMENTS):
        # Looked at before reading: a version that arrives meanwhile is seen the next time.
        ctx.massi_archives = {exp: Archive.at(path) for exp, path in found.items()}
        calls = [(path, ctx.fill, exp, slots, sb.time_s) for exp, path in found.items()]
        both = ctx.workers_for(*found.values()).starmap(_from_archive, calls)
        for (exp, path), (_, missing) in zip(found.items(), both):
            _warn_missing(ctx.fill, exp, path, missing)
        lumi = {exp: hz_ub * scale for exp, (hz_ub, _) in zip(found, both)}
        if ctx.archive_changed:
            keep_dated_copy(ctx.paths.lumi_meas)
        ctx.save(ctx.paths.lumi_meas, MeasuredLumi(lumi))
    elif ctx.paths.bbb_lumi.exists():
        log.info("fill %d: no Massi archive; taking %s", ctx.fill, ctx.paths.bbb_lumi)
        hz_ub = _from_logging(ctx, slots, sb.time_s)
        lumi = {exp: values * scale for exp, values in hz_ub.items()}
        ctx.save(ctx.paths.lumi_meas_timber, MeasuredLumi(lumi))
    else:
        absent = ", ".join(
            str(ctx.cfg.massi.folder(exp) / f"{ctx.fill}.tgz")
            for exp in EXPERIMENTS
            if exp not in found
        )
        raise MissingInputError(
            f"no Massi archive {absent} (nor .zip) and no {ctx.paths.bbb_lumi}: check "
            "massi_afs_path and massi_year in config.py, or wait until it is posted"
        )


def _from_archive(
    archive: Path, fill: int, experiment: str, slots: IntArray, time_s: FloatArray
) -> tuple[FloatArray, IntArray]:
    """Return the luminosities, (n_times, n_slots) in Hz/ub, and the slots without any."""
    measured = read_massi(archive, fill, experiment, slots)
    return measured.interpolate(time_s), measured.missing


def _warn_missing(fill: int, experiment: str, archive: Path, missing: IntArray) -> None:
    if missing.size:
        some = ", ".join(str(s) for s in missing[:8]) + (", ..." if missing.size > 8 else "")
        log.warning(
            "fill %d: massi: %s has no %s luminosity of %d colliding slots (%s): NaN for these; "
            "get the archive again if it should have them",
            fill, archive, experiment, missing.size, some,
        )  # fmt: skip


def _from_logging(ctx: FillContext, slots: IntArray, time_s: FloatArray) -> dict[str, FloatArray]:
    """Return the luminosities of the logging service, (n_times, n_slots), in Hz/ub."""
    names = {exp: ctx.names[f"bunch_lumi_{exp.lower()}"] for exp in EXPERIMENTS}
    out = {}
    for exp, series in read_first(ctx.paths.bbb_lumi, names).items():
        values = series.matrix()
        if not len(values) or values.shape[1] <= slots.max():
            raise BadInputError(
                f"{series.name} in {series.origin} has {values.shape[1]} columns and {len(values)} "
                f"rows, too few for slot {slots.max()}; download it again"
            )
        out[exp] = interp_columns(time_s, series.time_s, np.asarray(values[:, slots]))
    return out
