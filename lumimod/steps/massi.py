"""Measured luminosity of every colliding pair, from the experiments' Massi archives.

The experiments post an archive again when they have calibrated better. A database
(`massi_db`) therefore knows which version of each archive was read; another one is read anew, the
old result is kept under its date, and what uses the luminosity follows. The database has an
archive only when the steps of its fill have ended, and those that use the luminosity well: where
one fails, or the run is killed before, the next run does them again.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import numpy as np

from lumimod.arrays import FloatArray, IntArray
from lumimod.config.settings import Config
from lumimod.errors import (
    BadInputError,
    ConfigError,
    LumimodError,
    MissingInputError,
    Note,
    OutputError,
)
from lumimod.paths import FillPaths
from lumimod.physics.interpolation import interp_columns
from lumimod.readers.bmodes import FillModes
from lumimod.readers.massi import find_archives, read_massi
from lumimod.readers.variables import read_first
from lumimod.records import EXPERIMENTS, MeasuredLumi, StableBeams
from lumimod.steps import massi_db
from lumimod.steps.context import FillContext
from lumimod.steps.massi_db import Archive, Database
from lumimod.steps.sb import STEP as SB
from lumimod.steps.step import Afterwards, Outdated, Step

log = logging.getLogger(__name__)

NEW_ARCHIVE = "new archive"
_DAY_S = 86_400.0


def run(ctx: FillContext) -> Afterwards | None:
    """Make fill_N_lumi_meas.pkl.gz, or fill_N_lumi_timber_meas.pkl.gz without archives."""
    return _make(ctx, keep_old=False)


def renew(ctx: FillContext) -> Afterwards | None:
    """Make it of another version of an archive; the result of the old one stays, under its date."""
    return _make(ctx, keep_old=True)


# --- files


def _archives(paths: FillPaths) -> dict[str, Path]:
    """Return the archives of a fill by experiment, none unless every experiment has one.

    Raises
    ------
    BadInputError
        A folder cannot be read: whether there are archives is not known.
    """
    there = find_archives({exp: paths.massi_folder(exp) for exp in EXPERIMENTS}, paths.fill)
    return there if len(there) == len(EXPERIMENTS) else {}


def _is_logged(paths: FillPaths) -> bool:
    """Return whether the result is of the logging service, for want of archives."""
    return paths.lumi_meas_timber.exists() and not _archives_if_known(paths)


def _archives_if_known(paths: FillPaths) -> dict[str, Path]:
    """Return the archives, none also where their folders cannot be read: the step says so.

    Nor are any known of a fill whose year is not.
    """
    try:
        return _archives(paths)
    except (BadInputError, ConfigError):
        return {}


def _takes_logged(paths: FillPaths) -> bool:
    """Return whether the result is, or is going to be, of the logging service."""
    return not paths.lumi_meas.exists() and not _archives_if_known(paths)


def _lacks(paths: FillPaths) -> str:
    try:
        if _archives(paths) or paths.bbb_lumi.exists():
            return ""
    except BadInputError as exc:
        return str(exc)
    return f"no Massi archive of fill {paths.fill}"


# --- making the result


def _make(ctx: FillContext, *, keep_old: bool) -> Afterwards | None:
    sb = ctx.load(ctx.paths.sb, StableBeams)
    archives = _archives(ctx.paths)
    if archives:
        return _from_archives(ctx, sb, archives, keep_old=keep_old)
    if not ctx.paths.bbb_lumi.exists():
        raise _no_luminosity(ctx.paths)
    logged = _logged(ctx, sb.bunches[1, "coll"].slots, sb.time_s)
    ctx.note(Note("fallback", f"no Massi archive; taking {ctx.paths.bbb_lumi.name}", "luminosity"))
    _save(ctx, ctx.paths.lumi_meas_timber, logged)
    return None


def _no_luminosity(paths: FillPaths) -> MissingInputError:
    folders = {exp: paths.massi_folder(exp) for exp in EXPERIMENTS}
    there = find_archives(folders, paths.fill)
    absent = [folder for exp, folder in folders.items() if exp not in there]
    names = ", ".join(str(folder / f"{paths.fill}.tgz") for folder in absent)
    return MissingInputError(
        f"no Massi archive {names} (nor .zip) and no {paths.bbb_lumi}: check "
        "massi_afs_path and massi_year in config.py, or wait until it is posted"
    )


def _from_archives(
    ctx: FillContext, sb: StableBeams, archives: Mapping[str, Path], *, keep_old: bool
) -> Afterwards:
    """Make the result; return what enters the archives in the database."""
    slots = sb.bunches[1, "coll"].slots
    # Looked at before reading: a version that arrives meanwhile is seen the next time.
    versions = [(exp, Archive.at(path)) for exp, path in archives.items()]
    span_s = _span_s(ctx.modes)
    calls = [(path, ctx.fill, exp, slots, sb.time_s, span_s) for exp, path in archives.items()]
    both = ctx.workers_for(*archives.values()).threads(_from_archive, calls)
    for (exp, path), (_, missing, notes) in zip(archives.items(), both):
        for note in notes:
            ctx.note(note)
        _note_missing(ctx, exp, path, missing)
    lumi_hz_ub = {exp: hz_ub for exp, (hz_ub, _, _) in zip(archives, both)}
    _save(ctx, ctx.paths.lumi_meas, lumi_hz_ub, keep_old=keep_old)
    return partial(massi_db.record, ctx.cfg.massi.database, ctx.paths.massi_year, versions)


def _save(
    ctx: FillContext, path: Path, lumi_hz_ub: Mapping[str, FloatArray], *, keep_old: bool = False
) -> None:
    scale = ctx.cfg.massi.bunch_lumi_scale
    measured = MeasuredLumi({exp: values * scale for exp, values in lumi_hz_ub.items()})
    ctx.save(path, measured, keep_old=keep_old)


def _span_s(modes: FillModes) -> tuple[float, float]:
    """Return from when to when the fill was, as far as that is known, Unix s."""
    begin_s, end_s = modes.t_startfill_s, modes.t_endfill_s
    is_over = np.isfinite(end_s) and not modes.in_progress
    return (begin_s if np.isfinite(begin_s) else -np.inf), (end_s if is_over else np.inf)


def _from_archive(
    archive: Path,
    fill: int,
    experiment: str,
    slots: IntArray,
    time_s: FloatArray,
    span_s: tuple[float, float],
) -> tuple[FloatArray, IntArray, tuple[Note, ...]]:
    """Return the luminosities, (n_times, n_slots) in Hz/ub, the slots without any, and notes.

    One row of a bunch is none: it would be its luminosity for the whole fill.
    """
    measured = read_massi(archive, fill, experiment, slots, span_s=span_s, fewest_rows=2)
    return measured.interpolate(time_s), measured.missing, measured.notes


def _note_missing(ctx: FillContext, experiment: str, archive: Path, missing: IntArray) -> None:
    if missing.size:
        some = ", ".join(str(s) for s in missing[:8]) + (", ..." if missing.size > 8 else "")
        ctx.note(
            Note(
                "missing",
                f"{archive.name} has no {experiment} luminosity of {missing.size} colliding slots "
                f"({some}): NaN for these; get the archive again if it should have them",
                "luminosity",
                numbers={"slots": missing.size},
            )
        )


def _logged(ctx: FillContext, slots: IntArray, time_s: FloatArray) -> dict[str, FloatArray]:
    """Return the luminosities of the logging service, (n_times, n_slots), in Hz/ub."""
    names = {exp: ctx.names[f"bunch_lumi_{exp.lower()}"] for exp in EXPERIMENTS}
    lumi = {}
    for exp, series in read_first(ctx.paths.bbb_lumi, names).items():
        values = series.matrix()
        if not len(values) or values.shape[1] <= slots.max():
            raise BadInputError(
                f"{series.name} in {series.origin} has {values.shape[1]} columns and {len(values)} "
                f"rows, too few for slot {slots.max()}; download it again"
            )
        lumi[exp] = interp_columns(time_s, series.time_s, np.asarray(values[:, slots]))
    return lumi


# --- the database


def _begin_run(cfg: Config, write: bool) -> Outdated:
    try:
        return partial(_outdated, _database(cfg, write=write))
    except (BadInputError, OSError) as exc:
        raise BadInputError(
            f"{exc}; until then archives that are posted again go unnoticed"
        ) from exc


def _outdated(database: Database, paths: FillPaths) -> str:
    """Return why the archives must be read again, if they must."""
    try:
        current = all(
            massi_db.is_current(database, paths.massi_year, exp, Archive.at(path))
            for exp, path in _archives(paths).items()
        )
    except BadInputError as exc:  # it has just gone: what was made of it stays
        log.warning("fill %d: massi: %s; its result is kept", paths.fill, exc)
        return ""
    return "" if current else NEW_ARCHIVE


def _database(cfg: Config, *, write: bool) -> Database:
    """Return the database; without one, make it from the archives that are there now."""
    path = cfg.massi.database
    if path.exists():
        return massi_db.load_database(path)
    database = massi_db.create(cfg.massi.folders())
    if write:
        log.info("no Massi database yet: making %s", path)
        try:
            _make_parent(path, cfg)
            massi_db.save_new(path, database)
            return massi_db.load_database(path)
        except OutputError as exc:  # the fills go on: those that read an archive say so again
            log.warning("Massi database: %s", exc)
    return massi_db.merged(database, massi_db.entries(path))


def _make_parent(path: Path, cfg: Config) -> None:
    if not cfg.files.makedirs:
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise OutputError(
            f"{path.parent} cannot be created ({exc.strerror}); check massi_file_database and "
            "stableBeams_folder in config.py"
        ) from exc


def _end_run(cfg: Config) -> None:
    """Bring the YAML file of the database up to date with what was read."""
    try:
        massi_db.publish(cfg.massi.database)
    except (LumimodError, OSError) as exc:
        log.warning("%s; the entries beside it count", exc)


STEP = Step(
    name="massi",
    run=run,
    writes=lambda paths: [paths.lumi_meas, paths.lumi_meas_timber],
    optional=lambda paths: [paths.bbb_lumi] if _takes_logged(paths) else [],
    needs=(SB,),
    watches=lambda paths: [*_archives_if_known(paths).values()],
    settings=("massi_bunch_lumi_scale", "variable_names"),
    lacks=_lacks,
    grace_s=lambda cfg: cfg.massi.grace_days * _DAY_S,
    expects=lambda paths: [paths.lumi_meas_timber if _is_logged(paths) else paths.lumi_meas],
    begin_run=_begin_run,
    renew=renew,
    news="new measured luminosity",
    end_run=_end_run,
)
