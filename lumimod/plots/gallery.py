"""Which pictures of a fill are to be made, and making them."""

from __future__ import annotations

import gc
import io
import logging
import tarfile
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from lumimod.atomic import replacing
from lumimod.config.settings import Config, PlotSettings, plain_values
from lumimod.errors import MissingStepError
from lumimod.parallel import Workers
from lumimod.paths import FillPaths
from lumimod.plots.families import PICTURE_FAMILIES, PictureSet
from lumimod.plots.save import save_figure
from lumimod.plots.style import Style, look_of
from lumimod.records.diary import Diary
from lumimod.records.made import same

log = logging.getLogger(__name__)

NOTHING = "nothing"
"""Key of the diary under which it stands why a picture would show nothing."""
LOOK = ("fig_tuple", "plotDpi", "myfontsize", "n_skip", "sigmaBOff_m2")
"""Settings that the look of every picture follows from."""


_LARGE_BYTES = 10_000_000
"""Of stable beams: some 600 bunches for 8 h."""
_FEW_PICTURES, _MANY_PICTURES = 2, 60


class PictureJob(NamedTuple):
    """Pictures of a fill that one process makes, all of the same `PictureSet`."""

    family: str
    names: tuple[str, ...]


class Drawn(NamedTuple):
    """What became of pictures, by their names."""

    seconds: dict[str, float]
    """How long each took that was made."""
    nothing: dict[str, str]
    """Why each was not made that would show nothing."""


def families_of(plots: PlotSettings) -> frozenset[str]:
    """Return the families that config.py asks for."""
    if not plots.save:
        return frozenset()
    every = PICTURE_FAMILIES.values()
    return frozenset(family.name for family in every if plots.do_all or family.asked_for(plots))


# --- planning


def plan(
    paths: FillPaths,
    families: Collection[str],
    diary: Diary,
    *,
    force: bool = False,
    strict: bool = False,
) -> list[PictureJob]:
    """Return the pictures that are missing, or that show other results than there are now.

    Parameters
    ----------
    paths
        File names of the fill.
    families
        Names among PICTURE_FAMILIES.
    diary
        Of the fill: it knows from what each picture was drawn. Pictures that it does not know are
        judged by the times of files.
    force
        Make all of them again.
    strict
        Also return pictures whose results are missing: drawing them raises an error. Otherwise
        they are left out.
    """
    jobs = []
    for family in (family for name, family in PICTURE_FAMILIES.items() if name in families):
        for pictures in family.sets(paths):
            names = _to_make(paths, pictures, diary, force=force, strict=strict)
            if names:
                jobs.append(PictureJob(family.name, names))
    return jobs


def _to_make(
    paths: FillPaths, pictures: PictureSet[Any], diary: Diary, *, force: bool, strict: bool
) -> tuple[str, ...]:
    names = tuple(picture.name for picture in pictures.pictures)
    if not all(path.exists() for path in pictures.needs):
        return names if strict else ()
    newest = max(_modified(path) for path in (*pictures.needs, *pictures.uses))
    now = _shown(paths, pictures, diary)

    def due(name: str) -> bool:
        path = picture_path(paths, name)
        then = dict(diary.drawn_from(path.name) or {})
        empty = bool(then.pop(NOTHING, ""))
        if not then or not (empty or path.exists()):
            return _modified(path) < newest
        return not same(then, now)

    return tuple(name for name in names if force or due(name))


def _shown(paths: FillPaths, pictures: PictureSet[Any], diary: Diary) -> dict[str, Any]:
    """Return what pictures show: the identity of each result that is there, and their look."""
    there = [path for path in (*pictures.needs, *pictures.uses) if path.is_file()]
    return {
        "results": {path.name: diary.identity(path) for path in there},
        "look": plain_values(paths.cfg, LOOK),
    }


def enter(
    paths: FillPaths, jobs: Sequence[PictureJob], nothing: Mapping[str, str], diary: Diary
) -> None:
    """Remember from what the pictures of these jobs were drawn, or why one would show nothing."""
    for job in jobs:
        now = _shown(paths, _set_of(paths, job), diary)
        for name in job.names:
            why = {NOTHING: nothing[name]} if name in nothing else {}
            diary.enter_picture(picture_path(paths, name).name, {**now, **why})


def _set_of(paths: FillPaths, job: PictureJob) -> PictureSet[Any]:
    return next(
        one_set
        for one_set in PICTURE_FAMILIES[job.family].sets(paths)
        if job.names[0] in [picture.name for picture in one_set.pictures]
    )


def _modified(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except (FileNotFoundError, NotADirectoryError):
        return 0.0


def picture_path(paths: FillPaths, name: str, folder: Path | None = None) -> Path:
    """Return the file of a picture, with the others of its fill or in another folder."""
    return (folder or paths.plot_folder) / f"fill_{paths.fill}_{name}{paths.cfg.plots.format}"


# --- drawing


def draw(paths: FillPaths, jobs: Sequence[PictureJob], workers: Workers) -> dict[str, str]:
    """Make the pictures, side by side in processes where there are many.

    A picture that would show nothing is not made, and its file of an earlier run is removed.
    Return why, by the names of such pictures.

    Raises
    ------
    MissingStepError
        A result that a picture cannot do without is missing or cannot be read.
    OutputError
        A picture cannot be written.
    """
    paths.make_plot_folder()
    workers = workers if _worth_processes(paths, jobs) else Workers(1)
    calls = [(paths.cfg, paths.fill, part) for job in jobs for part in _parts(job, jobs, workers)]
    nothing: dict[str, str] = {}
    for drawn in workers.starmap(draw_job, calls):
        nothing |= drawn.nothing
    for why in dict.fromkeys(nothing.values()):
        names = ", ".join(name for name, its in nothing.items() if its == why)
        log.info("fill %d: no picture of what is not there: %s (%s)", paths.fill, why, names)
    if paths.cfg.plots.tarball:
        _pack(paths)
    return nothing


def _worth_processes(paths: FillPaths, jobs: Sequence[PictureJob]) -> bool:
    """Return whether processes save more time than it takes to start them.

    All pictures of a fill of 40 bunches take as long as four processes take to start.
    """
    n_pictures = sum(len(job.names) for job in jobs)
    large = paths.sb.is_file() and paths.sb.stat().st_size > _LARGE_BYTES
    return n_pictures > (_FEW_PICTURES if large else _MANY_PICTURES)


def _parts(job: PictureJob, jobs: Sequence[PictureJob], workers: Workers) -> Iterator[PictureJob]:
    """Yield parts of a job such that all jobs together keep every process busy."""
    n_pictures = sum(len(one.names) for one in jobs)
    n_parts = max(1, round(workers.n_cores * len(job.names) / n_pictures))
    for first in range(n_parts):
        yield job._replace(names=job.names[first::n_parts])


def draw_job(cfg: Config, fill: int, job: PictureJob) -> Drawn:
    """Make the pictures of one job; return what became of each. Errors as of `draw`."""
    from lumimod.plots.rendering.loading import load_matplotlib

    load_matplotlib()
    paths = FillPaths(cfg, fill)
    pictures = _set_of(paths, job)
    for path in pictures.needs:
        if not path.exists():
            raise MissingStepError(f"{path} is missing; run its step before its pictures")
    results = pictures.load()
    style = Style.of_config(cfg.plots)
    drawn = Drawn({}, {})
    with look_of(style), seldom_collected() as collect:
        for picture in pictures.pictures:
            if picture.name in job.names:
                started = time.perf_counter()
                path = picture_path(paths, picture.name)
                why = picture.nothing(results)
                if why:
                    path.unlink(missing_ok=True)
                    drawn.nothing[picture.name] = why
                    continue
                save_figure(picture.draw(results, style), path, style)
                collect()
                drawn.seconds[picture.name] = time.perf_counter() - started
    return drawn


@contextmanager
def seldom_collected() -> Iterator[Callable[[], object]]:
    """Pause the search for garbage; it is made when the function that this yields is called.

    A figure is thousands of objects in circles: Python would go through all of them many times
    while they are made.
    """
    was_on = gc.isenabled()
    gc.disable()
    gc.freeze()
    try:
        yield gc.collect
    finally:
        gc.unfreeze()
        if was_on:
            gc.enable()


def _pack(paths: FillPaths) -> None:
    """Pack all pictures of a fill into one archive beside them, atomically."""
    pictures = sorted(paths.plot_folder.glob(f"fill_{paths.fill}_*{paths.cfg.plots.format}"))
    with replacing(paths.plot_folder / f"fill_{paths.fill}_plots.tar.gz") as file:
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
            for path in pictures:
                archive.add(path, arcname=f"fill_{paths.fill}/{path.name}")
        file.write(buffer.getvalue())
