"""Which pictures a fill has, which of them are to be made, and making them."""

from __future__ import annotations

import io
import logging
import tarfile
import time
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from lumimod.atomic import replacing
from lumimod.config.settings import Case, Config, PlotSettings
from lumimod.errors import MissingStepError
from lumimod.parallel import Workers
from lumimod.paths import FillPaths
from lumimod.records import store
from lumimod.records.measured import measured_lumi

if TYPE_CHECKING:  # matplotlib is slow to import: only when something is drawn
    from lumimod.plots.results import Picture, Results

log = logging.getLogger(__name__)

FAMILIES = ("sb", "cycle", "cycle_model", "model")

SB = (
    "crossingAngle", "b1Emittances", "b2Emittances", "b1RawEmittances", "b2RawEmittances",
    "bunchIntensity", "bunchLength", "calcLumi", "measLumi", "totalLumi", "bbbIntensityTau",
    "bbbLifetime", "bbbLosses", "TotalLumiLifetime", "FitLumiLifetime",
)  # fmt: skip
CYCLE = (
    "cycle_emittancesbbb_b1", "cycle_emittancesbbb_b2", "cycle_intensitiesbbb",
    "cycle_brightnessbbb", "cycle_blengthbbb", "cycle_timebbb", "cycle_histos",
)  # fmt: skip
CYCLE_MODEL = tuple(
    f"cycle_model_{what}_{tag}"
    for tag in ("INJ", "FT")
    for what in ("emittances_b1", "emittances_b2", "bunchLength")
)
OF_A_MODEL = (
    "luminosity", "emittanceColliding", "emittanceNonColliding",
    "intens_blength_Colliding", "intens_blength_NonColliding",
)  # fmt: skip


class Batch(NamedTuple):
    """Pictures of a fill that are made from the same files, in one process."""

    family: str
    names: tuple[str, ...]
    needs: tuple[Path, ...]
    uses: tuple[Path, ...] = ()
    """Files that the pictures show if they are there."""
    case: Case | None = None


def families_of(plots: PlotSettings) -> frozenset[str]:
    """Return the families that config.py asks for."""
    if not plots.save:
        return frozenset()
    flags = (plots.do_sb, plots.do_cycle, plots.do_cycle_model, plots.do_sb_model)
    return frozenset(f for f, on in zip(FAMILIES, flags) if on or plots.do_all)


# --- planning


def plan(
    paths: FillPaths, families: Iterable[str], *, force: bool = False, strict: bool = False
) -> list[Batch]:
    """Return the pictures that are missing or older than a result that they show.

    Parameters
    ----------
    paths
        Of the fill.
    families
        Among FAMILIES.
    force
        Make all of them again.
    strict
        Also pictures of results that are not there: drawing them is an error. Otherwise they
        are left out.
    """
    batches = [b for family in FAMILIES if family in families for b in _all_of(family, paths)]
    out = []
    for batch in batches:
        there = all(path.exists() for path in batch.needs)
        if not (there or strict):
            continue
        newest = max((_modified(p) for p in (*batch.needs, *batch.uses)), default=0.0)
        names = tuple(
            name
            for name in batch.names
            if force or not there or _modified(picture_path(paths, name)) < newest
        )
        if names:
            out.append(batch._replace(names=names))
    return out


def _modified(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except (FileNotFoundError, NotADirectoryError):
        return 0.0


def _all_of(family: str, paths: FillPaths) -> list[Batch]:
    measured = (paths.lumi_meas, paths.lumi_meas_timber)
    if family == "sb":
        uses = (paths.lumi_calc, *measured, paths.fits, paths.lifetime)
        return [Batch(family, names, (paths.sb,), uses) for names in (SB[:7], SB[7:])]
    if family == "cycle":
        return [Batch(family, CYCLE, (paths.cycle,))]
    if family == "cycle_model":
        needs = (paths.cycle, paths.cycle_model, paths.cycle_model_inj2sb)
        return [Batch(family, CYCLE_MODEL, needs)]
    return [
        Batch(
            family,
            model_names(paths.cfg.model.models, case),
            (paths.sb, paths.model(case)),
            (paths.lumi_calc, *measured),
            case,
        )
        for case in paths.cfg.model.cases
    ]


def model_names(models: Sequence[str], case: Case) -> tuple[str, ...]:
    """Return the pictures of one case of the stable-beams model."""
    each = (f"sbmodel_{model}_{what}_case{case.name}" for model in models for what in OF_A_MODEL)
    return (*each, f"sbmodel_modelComp_luminosity_case{case.name}")


def picture_path(paths: FillPaths, name: str) -> Path:
    """Return the file of a picture."""
    return paths.plot_folder / f"fill_{paths.fill}_{name}{paths.cfg.plots.format}"


# --- drawing


def draw(paths: FillPaths, batches: Sequence[Batch], workers: Workers) -> None:
    """Make the pictures, side by side in processes where there are many.

    Raises
    ------
    MissingStepError
        A result that a picture cannot do without is missing or cannot be read.
    OutputError
        A picture cannot be written.
    """
    paths.make_plot_folder()
    calls = [(paths.cfg, paths.fill, batch) for batch in batches]
    n_pictures = sum(len(batch.names) for batch in batches)
    (workers if n_pictures > 2 else Workers(1)).starmap(draw_batch, calls)
    if paths.cfg.plots.tarball:
        _pack(paths)


def draw_batch(cfg: Config, fill: int, batch: Batch) -> dict[str, float]:
    """Make pictures of one batch; return the seconds that each took."""
    from lumimod.plots.save import save_figure
    from lumimod.plots.style import Style

    paths = FillPaths(cfg, fill)
    p = cfg.plots
    style = Style(p.fig_size, p.dpi, p.font_size, p.n_skip)
    results, pictures = _load(paths, batch)
    seconds = {}
    for picture in pictures:
        if picture.name in batch.names:
            started = time.perf_counter()
            figure = picture.draw(results, style)
            save_figure(figure, picture_path(paths, picture.name), style)
            seconds[picture.name] = time.perf_counter() - started
    return seconds


def _load(paths: FillPaths, batch: Batch) -> tuple[Results, Sequence[Picture]]:
    """Return the results of a batch and the pictures of its family."""
    from lumimod.plots import cycle, cycle_model, model, stable_beams
    from lumimod.plots.results import CycleModelResults, CycleResults, ModelResults, SbResults
    from lumimod.records import (
        CalculatedLumi,
        Cycle,
        Fits,
        Lifetime,
        MeasuredLumi,
        StableBeams,
        StableBeamsModel,
    )

    for path in batch.needs:
        if not path.exists():
            raise MissingStepError(f"{path} is missing; run its step before its pictures")
    fill = paths.fill
    if batch.family == "cycle":
        return CycleResults(fill, store.load(paths.cycle, Cycle)), cycle.PICTURES
    if batch.family == "cycle_model":
        three = (store.load(path, Cycle) for path in batch.needs)
        return CycleModelResults(fill, *three), cycle_model.PICTURES
    sb = store.load(paths.sb, StableBeams)
    calc = store.load_if_there(paths.lumi_calc, CalculatedLumi)
    meas = measured_lumi(paths, sb, partial(store.load_if_there, kind=MeasuredLumi))
    level = paths.cfg.model.leveling.get(fill)
    if batch.case is None:
        fits = store.load_if_there(paths.fits, Fits)
        lifetime = store.load_if_there(paths.lifetime, Lifetime)
        sigma = paths.cfg.machine.sigma_boff_m2
        results = SbResults(fill, sb, calc, meas, fits, lifetime, sigma, level)
        return results, stable_beams.PICTURES
    name = str(batch.case.name)
    record = store.load(paths.model(batch.case), StableBeamsModel)
    pictures = model.pictures(paths.cfg.model.models, name)
    return ModelResults(fill, name, sb, record, calc, meas, level), pictures


def _pack(paths: FillPaths) -> None:
    """Pack a fill's pictures into one archive beside them, atomically."""
    pictures = sorted(paths.plot_folder.glob(f"fill_{paths.fill}_*{paths.cfg.plots.format}"))
    with replacing(paths.plot_folder / f"fill_{paths.fill}_plots.tar.gz") as file:
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
            for path in pictures:
                archive.add(path, arcname=f"fill_{paths.fill}/{path.name}")
        file.write(buffer.getvalue())
