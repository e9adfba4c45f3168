"""The site of a season: brought up to date, a page made again only if what it shows has changed."""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Callable
from urllib.parse import unquote

from lumimod.atomic import use_fsync, uses_fsync
from lumimod.config.settings import Config
from lumimod.parallel import available_cores
from lumimod.paths import FillPaths
from lumimod.plots.quantities import MB_PER_M2
from lumimod.plots.season import IN_BRACKETS
from lumimod.readers.bmodes import BeamModes, read_bmodes
from lumimod.report.fill_page import FillPage, origin_rows, state_word, step_rows
from lumimod.report.index import INDEX_COLUMNS, cells, points_of_fills, season_charts
from lumimod.report.ledger import (
    PageEntries,
    PageEntry,
    key_of,
    load_entries,
    save_entries,
    stamp_of_page,
)
from lumimod.report.pictures import (
    ShownPicture,
    families_shown,
    files_shown,
    first_picture,
    picture_files,
)
from lumimod.report.rendering import STATIC, link, render, write_if_new
from lumimod.report.season import draw_season_pictures
from lumimod.report.thumbs import SEASON, Thumbs
from lumimod.run.guard import guarded
from lumimod.run.recorded import recorded_states
from lumimod.run.states import FillStates, States
from lumimod.summary.facts import facts
from lumimod.summary.season import SeasonRows, update_season

log = logging.getLogger(__name__)

FOLDER = "report"


@dataclass
class SiteUpdate:
    """What became of the site."""

    folder: Path
    n_fills: int = 0
    written: list[int] = field(default_factory=list)
    """Fills whose pages were made."""
    faults: dict[int, str] = field(default_factory=dict)
    """Why those of others could not be."""
    n_thumbs: int = 0
    seconds: float = 0.0

    def __str__(self) -> str:
        if not self.n_fills:
            return f"no fill to show in {self.folder.parent}; run lumimod first"
        fills = f"{self.n_fills} fill{'s' * (self.n_fills != 1)}"
        pages = f"{len(self.written)} page{'s' * (len(self.written) != 1)} made"
        pages += f", {self.n_thumbs} small pictures" if self.n_thumbs else ""
        return f"{self.folder / 'index.html'}: {fills}, {pages} in {self.seconds:.1f} s"


def report_folder(cfg: Config) -> Path:
    """Return the folder of the site."""
    return cfg.files.stable_beams_folder / FOLDER


def update_site(cfg: Config) -> SiteUpdate:
    """Bring season table and site up to date; a fill whose page fails costs that page alone.

    Raises
    ------
    MissingInputError, BadInputError
        There are no beam modes.
    OutputError
        The index cannot be written.
    """
    began_s = time.perf_counter()
    modes = read_bmodes(cfg.files.bmodes)
    rows = update_season(cfg, modes, sorted(modes))
    states = recorded_states(cfg, modes)
    update = SiteUpdate(report_folder(cfg))
    with _without_fsync():  # all of it can be made again, and its sizes tell whether it is whole
        _Site(cfg, modes, rows, states, update).bring_up_to_date()
    update.seconds = time.perf_counter() - began_s
    return update


def update_after_run(cfg: Config) -> None:
    """Bring the site up to date; where that fails the run has still done its work."""
    why = guarded("site", lambda: log.info("%s", update_site(cfg)))
    if why:
        log.warning("site: %s", why)


@contextmanager
def _without_fsync() -> Iterator[None]:
    wanted = uses_fsync()
    use_fsync(False)
    try:
        yield
    finally:
        use_fsync(wanted)


@dataclass
class _Site:
    """The parts of a season, while its site is brought up to date."""

    cfg: Config
    modes: BeamModes
    rows: SeasonRows
    states: States
    update: SiteUpdate

    def bring_up_to_date(self) -> None:
        folder = self.update.folder
        fills = sorted({*self.rows, *self.states})
        self.update.n_fills = len(fills)
        known = load_entries(folder)
        if not (fills or known):
            return
        entries: PageEntries = {}
        with ThreadPoolExecutor(available_cores()) as pool:
            thumbs = Thumbs(pool)
            for number, fill in enumerate(fills):
                beside = (fills[number - 1] if number else None, *fills[number + 1 :][:1], None)[:2]
                work = partial(self._fill, fill, beside, known.get(fill), entries, thumbs)
                self._tried(fill, "page", work)
            pictures = self._season_pictures(thumbs)
            for fill in thumbs.owners:
                self._tried(fill, "small pictures", partial(thumbs.wait_for, fill))
            for fill in thumbs.failed & entries.keys():
                entries[fill] = replace(entries[fill], key="")  # its page is made again next time
            thumbs.wait_for(SEASON)
            self.update.n_thumbs = thumbs.n_made
        for path in sorted(STATIC.iterdir()):
            write_if_new(folder / path.name, path.read_bytes())
        write_if_new(folder / "index.html", self._index(fills, entries, pictures))
        for fill in sorted(known.keys() - {*fills}):
            self._tried(fill, "page of a fill that is no more", partial(_remove_page, folder, fill))
        if entries != known:
            save_entries(folder, entries)

    # --- pages of fills

    @cached_property
    def settings(self) -> str:
        """Settings that decide where results are, and which pictures there are of them."""
        return repr((self.cfg.files, self.cfg.model, self.cfg.plots))

    def _fill(
        self,
        fill: int,
        beside: Sequence[int | None],
        known: PageEntry | None,
        entries: PageEntries,
        thumbs: Thumbs,
    ) -> None:
        year = self.modes[fill].year if fill in self.modes else None
        paths, folder = FillPaths(self.cfg, fill, year), self.update.folder
        files = picture_files(paths)
        row, states = self.rows.get(fill), self.states.get(fill, FillStates())
        page = folder / f"fill_{fill}.html"
        key = key_of(
            {
                "row": row,
                "modes": repr(self.modes.get(fill)),
                "states": states.to_dict(),
                "pictures": files,
                "settings": self.settings,
                "diary": stamp_of_page(paths.folder / "made.json"),
                "beside": beside,
            }
        )
        if known is not None and self._is_current(known, key, page):
            entries[fill] = known
            return
        families = families_shown(paths, folder / "thumbs" / f"fill_{fill}", files)
        thumbs.make(fill, [p for f in families for p in f.pictures])
        shown = FillPage(
            fill, self._facts(paths), states, step_rows(paths, states), families, *beside
        )
        first = first_picture(families)
        write_if_new(page, _rendered(shown, first, folder))
        self.update.written.append(fill)
        picture = None if first is None else link(first.thumb, folder)
        entries[fill] = PageEntry(key, stamp_of_page(page), picture)

    def _is_current(self, known: PageEntry, key: str, page: Path) -> bool:
        """Tell whether a page is there that shows what it would now, and its small pictures."""
        has_thumbs = known.picture is None or (page.parent / unquote(known.picture)).exists()
        return known.key == key and known.stamp == stamp_of_page(page) and has_thumbs

    def _facts(self, paths: FillPaths) -> Mapping[str, Any]:
        if paths.fill in self.rows:
            return self.rows[paths.fill].facts
        if paths.fill in self.modes:
            return facts(paths, self.modes[paths.fill])[0]
        return {"fill": paths.fill}

    def _tried(self, fill: int, what: str, work: Callable[[], None]) -> None:
        """Do some work for a fill; if it fails, that is told and costs its page alone."""
        why = guarded(f"fill {fill}: {what}", work)
        if why:
            log.warning("fill %d: %s: %s", fill, what, why)
            self.update.faults[fill] = why

    # --- the season

    def _season_pictures(self, thumbs: Thumbs) -> list[ShownPicture]:
        folder = self.update.folder
        words = draw_season_pictures(self.cfg, self.rows)
        pictures = files_shown(folder / "season", words, folder / "thumbs" / "season")
        thumbs.make(SEASON, pictures)
        return pictures

    def _index(
        self, fills: Sequence[int], entries: PageEntries, pictures: Sequence[ShownPicture]
    ) -> bytes:
        facts_of = {fill: row.facts for fill, row in self.rows.items()}
        folder = self.update.folder
        lines = []
        for fill in reversed(fills):
            states = self.states.get(fill, FillStates())
            of = facts_of.get(fill, {})
            entry = entries.get(fill)
            lines.append(
                {
                    "fill": fill,
                    "page": f"fill_{fill}.html" if entry else None,
                    "picture": entry.picture if entry else None,
                    "facts": of,
                    "cells": cells(of),
                    "state": state_word(states, fill in self.rows),
                    "why": self.update.faults.get(fill, ""),
                    "failed": [n for n, s in states.steps.items() if s.state.value == "failed"],
                }
            )
        return render(
            "index.html.j2",
            lines=lines,
            columns=INDEX_COLUMNS,
            beside_names=IN_BRACKETS,
            groups=season_charts(facts_of, self.cfg.machine.sigma_boff_m2 * MB_PER_M2),
            points=points_of_fills({f: of for f, of in facts_of.items() if "start_utc" in of}),
            pictures=pictures,
            tables=[
                path
                for name in ("season.csv", "season.pkl.gz", "season.parquet")
                if (path := folder.parent / name).is_file()
            ],
            link=partial(link, folder=folder),
        )


def _remove_page(folder: Path, fill: int) -> None:
    """Remove the page of a fill that has neither results nor states any more."""
    page, thumbs = folder / f"fill_{fill}.html", folder / "thumbs" / f"fill_{fill}"
    page.unlink(missing_ok=True)
    if thumbs.is_dir():
        shutil.rmtree(thumbs)
    log.info("fill %d: %s is removed: there is nothing of this fill any more", fill, page)


def _rendered(page: FillPage, first: ShownPicture | None, folder: Path) -> bytes:
    return render(
        "fill.html.j2",
        page=page,
        first=first,
        link=partial(link, folder=folder),
        origin_rows=origin_rows,
    )
