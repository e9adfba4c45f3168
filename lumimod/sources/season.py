"""A simulated season as a source: fills as different as those of the LHC, up to the present.

A fill is simulated when it is first asked for, and always the same; what lies after the present is
not logged yet. Massi archives come late, are replaced by better ones, or never come.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from lumimod.arrays import Series
from lumimod.simulate import FillFiles, FillSettings, FullPhysics, simulate_fills
from lumimod.simulate.season import SeasonFill, whole_season
from lumimod.simulate.timeline import timeline
from lumimod.sources.base import FillSpan, ModeSpan
from lumimod.sources.simulated import SEED, Simulated, copied

N_FILLS = 300
"""From May to October 2017."""
SEASON_SETTINGS = FillSettings(
    full=FullPhysics(), n_colliding=48, massi_s=120.0, bsrt_period_s=30.0,
    bbb_lumi=True, extra_data=True,
)  # fmt: skip
_N_ARCHIVES = 2
"""Of a fill: ATLAS and CMS."""
_MOST_KEPT = 4
"""Fills whose files are kept for the next query."""


class SimulatedSeason(Simulated):
    """A season of the simulated LHC, as it is at a time."""

    name = "season"
    has_late_archives = True

    def __init__(
        self, now_s: float, settings: FillSettings = SEASON_SETTINGS, n_fills: int = N_FILLS
    ) -> None:
        super().__init__(settings, SEED)
        self._now_s = now_s
        season = whole_season(n_fills, settings, SEED)
        self._season = {fill.number: fill for fill in season if fill.times.start_s < now_s}

    def fills(self, start_s: float, stop_s: float) -> list[FillSpan]:
        """Return the fills that overlap the span and have begun."""
        return [
            _span(fill, self._now_s)
            for fill in self._season.values()
            if fill.times.start_s < stop_s and fill.times.end_s > start_s
        ]

    def fill(self, number: int) -> FillSpan | None:
        """Return a fill; None if it has not begun."""
        fill = self._season.get(number)
        return None if fill is None else _span(fill, self._now_s)

    def get(self, names: Sequence[str], start_s: float, stop_s: float) -> dict[str, Series]:
        """Return what the instruments have logged until now."""
        return super().get(names, start_s, min(stop_s, self._now_s))

    def copy_archives(self, fill: int, folder: Path) -> list[Path]:
        """Copy what is new: Massi archives as they are posted now, and the truth about the fill.

        An archive has the time at which it was posted.
        """
        of = self._season.get(fill)
        if of is None or self._now_s < of.times.end_s:
            return []
        factor, posted_s = of.archives_at(self._now_s)
        truth = folder / "truth" / f"truth_fill_{fill}.npz"
        if truth.exists() and (factor is None or _is_newest(of, folder, posted_s)):
            return []
        is_final = factor in (None, 1.0)
        files = self._files(fill) if is_final else self._as_now(of)
        archives = files.massi if factor is not None else ()
        return [copied(path, files.bmodes.parent, folder) for path in (files.truth, *archives)]

    def _files(self, fill: int) -> FillFiles:
        """Return the files of a fill as they are when all is over."""
        if fill not in self._made:
            while len(self._made) >= _MOST_KEPT:
                oldest = next(iter(self._made))
                shutil.rmtree(self._made.pop(oldest).bmodes.parent, ignore_errors=True)
            folder, settings = self._folder_of(f"fill_{fill}"), self._season[fill].final()
            self._made[fill] = simulate_fills(folder, [fill], settings, self._seed)[0]
        return self._made[fill]

    def _as_now(self, of: SeasonFill) -> FillFiles:
        """Return the files of a fill with archives that will be replaced."""
        folder = self._folder_of(f"first_{of.number}")
        return simulate_fills(folder, [of.number], of.at(self._now_s), self._seed)[0]


def _span(fill: SeasonFill, now_s: float) -> FillSpan:
    times = fill.times
    if now_s < times.end_s:
        times = timeline(fill.number, fill.at(now_s))
    told = times.modes if times.told is None else times.told
    modes = (ModeSpan(mode, a, b if b > 0 else None) for mode, (a, b) in told.items())
    return FillSpan(
        fill.number, times.start_s, times.end_s if times.complete else None, tuple(modes)
    )


def _is_newest(fill: SeasonFill, folder: Path, posted_s: float) -> bool:
    """Tell whether the archives in a folder are those that were posted at a time."""
    try:
        found = [
            path.stat().st_mtime for path in folder.glob(f"massi/*/*/*/lumi/{fill.number}.tgz")
        ]
    except OSError:
        return False
    return len(found) == _N_ARCHIVES and all(abs(time_s - posted_s) < 1 for time_s in found)
