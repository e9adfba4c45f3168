"""A season of fills as different as those of the LHC.

Lengths, ends, turn-around, ramp of the number of bunches, schemes, intensities, emittances and
archives are drawn for each fill.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.random import Generator

from lumimod.errors import UsageError
from lumimod.simulate.full_settings import FullPhysics
from lumimod.simulate.machine import RUNS
from lumimod.simulate.place import FillPlace
from lumimod.simulate.settings import STEP_S, FillSettings
from lumimod.simulate.timeline import BEFORE_STABLE_S, Timeline, timeline

RAMP_UP = (0.05, 0.1, 0.2, 0.4, 0.6, 0.8)
"""Number of bunches of the first fills, as parts of the full number."""
MEAN_TO_FAULT_H = 14.0
PLANNED_H = (12.0, 3.0)
"""Mean and spread of the length after which operators dump."""
SHORTEST_H = 0.25
FIRST_OF_SEASON = 5700
"""Number of the first fill; those of config.py begin at 5695."""
REPLACED_FACTOR = 1.04
"""Luminosity of an archive that is to be replaced, over that of the better one."""
_DAY_S = 86_400.0


class _Scheme(NamedTuple):
    name: str
    intensity_ppb: float
    emit_um: float


SCHEMES_OF_THE_SEASON = (
    _Scheme("48b", 1.10e11, 1.4),
    _Scheme("144b", 1.15e11, 1.5),
    _Scheme("8b4e", 1.22e11, 1.6),
)
"""One after the other, each for a third of the season."""


class PostedArchive(NamedTuple):
    """When the archives of a fill are there, in days after its end."""

    posted: float
    replaced: float
    """When better ones take their place; 0: the first are final."""


class SeasonFill(NamedTuple):
    """A fill of a season, as it is when all is over."""

    number: int
    settings: FillSettings
    """With `massi` and `bbb_lumi` as asked for, whatever the fill had."""
    times: Timeline
    archive: PostedArchive

    @property
    def place(self) -> FillPlace:
        """Where it lies in the season."""
        assert self.settings.place is not None  # noqa: S101 - it was drawn
        return self.settings.place

    @property
    def had_stable_beams(self) -> bool:
        """Whether it came to stable beams."""
        return self.place.last_mode == "STABLE"

    def final(self) -> FillSettings:
        """Return its settings when all is over; archives that never come are missing."""
        return self.at(None)

    def at(self, now_s: float | None) -> FillSettings:
        """Return its settings as it is at a time, Unix s: archives posted or not, over or not."""
        settings, place = self.settings, self.place
        days = np.inf if now_s is None else (now_s - self.times.end_s) / _DAY_S
        had_beams = self.had_stable_beams and (
            now_s is None or now_s > place.start_s + sum(BEFORE_STABLE_S.values()) + 600
        )
        factor, posted_s = self.archives_at(np.inf if now_s is None else now_s)
        return replace(
            settings,
            massi=bool(settings.massi and had_beams and factor is not None),
            bbb_lumi=bool(settings.bbb_lumi and had_beams),
            place=replace(
                place,
                now_s=now_s if days < 0 else None,
                posted_s=None if factor is None else posted_s,
                massi_factor=factor or 1.0,
            ),
        )

    def archives_at(self, now_s: float) -> tuple[float | None, float]:
        """Return the factor on the archives that are there, None without any, and since when."""
        archive, end_s = self.archive, self.times.end_s
        days = (now_s - end_s) / _DAY_S
        if not (self.had_stable_beams and days >= archive.posted and np.isfinite(archive.posted)):
            return None, 0.0
        if days < archive.replaced:
            return REPLACED_FACTOR, end_s + archive.posted * _DAY_S
        return 1.0, end_s + (archive.replaced or archive.posted) * _DAY_S


def whole_season(n_fills: int, base: FillSettings, seed: int) -> Iterator[SeasonFill]:
    """Yield each fill of a season; parameters and errors are those of `season_fills`."""
    if n_fills < 1:
        raise UsageError("a season has at least one fill")
    start_s = RUNS[base.run].first_start_s
    for index in range(n_fills):
        number = FIRST_OF_SEASON + index
        rng = np.random.default_rng([seed, number, 1])
        settings = _drawn(index, index / n_fills, base, start_s, rng)
        times = timeline(number, settings)
        yield SeasonFill(number, settings, times, _archive(rng))
        start_s = times.end_s


def season_fills(
    n_fills: int, base: FillSettings, seed: int, now_s: float | None = None
) -> Iterator[tuple[int, FillSettings]]:
    """Yield number and settings of each fill of a season that has begun by `now_s`.

    Parameters
    ----------
    n_fills
        Fills of the whole season, the first being FIRST_OF_SEASON.
    base
        What all fills have in common; `n_colliding` is the full number of bunches.
    seed
        Of what is drawn here.
    now_s
        The present, Unix s. The fill in progress ends there; archives that are not posted yet are
        missing. None: all is over.

    Raises
    ------
    UsageError
        A season has at least one fill.
    """
    for fill in whole_season(n_fills, base, seed):
        if now_s is not None and now_s < fill.times.modes["PRERAMP"][0]:
            return
        yield fill.number, fill.at(now_s)


def _drawn(
    index: int, part: float, base: FillSettings, start_s: float, rng: Generator
) -> FillSettings:
    """Return the settings of a fill, at a part of the season."""
    scheme = SCHEMES_OF_THE_SEASON[int(part * len(SCHEMES_OF_THE_SEASON))]
    hours, place = _end(index, start_s, rng)
    bunches = RAMP_UP[index] if index < len(RAMP_UP) else 1.0
    short_test = place.last_mode != "STABLE" and not place.fault
    if short_test:
        bunches = min(bunches, 0.1)
    n_colliding = max(4, round(base.n_colliding * bunches))
    emit_um = scheme.emit_um * (1 + 0.08 * rng.standard_normal(2)).clip(0.8, 1.3)
    turn_around_s = 2400 + 3600 * rng.lognormal(0.0, 0.9)
    full = replace(
        base.full or FullPhysics(),
        scheme=scheme.name,
        bsrt_scale_error=0.08,
        betastar_error=0.02,
        emit_ratio_b2=float(1 + 0.05 * rng.standard_normal()),
        intensity_ratio_b2=float(1 + 0.01 * rng.standard_normal()),
        later_loss_m2=22e-31 * rng.lognormal(0.0, 0.3),
        early_loss_m2=40e-31 * rng.lognormal(0.0, 0.3),
    )
    return replace(
        base,
        full=full,
        place=place,
        n_colliding=n_colliding,
        n_noncolliding=min(base.n_noncolliding, n_colliding),
        hours=hours,
        to_next_fill_s=round(turn_around_s / STEP_S) * STEP_S,
        intensity_ppb=scheme.intensity_ppb * (0.9 + 0.1 * min(4 * part, 1.0))
        * (1 + 0.03 * rng.standard_normal()),
        emit_h_um=float(emit_um[0]),
        emit_v_um=float(emit_um[1]),
        growth_h_um_per_h=base.growth_h_um_per_h * rng.lognormal(0.0, 0.3),
        growth_v_um_per_h=base.growth_v_um_per_h * rng.lognormal(0.0, 0.3),
        betastar_m=0.40 if part < 0.5 else 0.30,
        crossing_steps=((2.0, 140.0), (4.0, 130.0)) if index % 3 == 2 else (),
        massi_scale_error=0.03,
    )  # fmt: skip


def _end(index: int, start_s: float, rng: Generator) -> tuple[float, FillPlace]:
    """Return the length of stable beams in h, and how the fill ends."""
    chance, to_fault_h = rng.random(), rng.exponential(MEAN_TO_FAULT_H)
    planned_h = max(rng.normal(*PLANNED_H), 4.0)
    hours = max(min(to_fault_h, planned_h), SHORTEST_H)
    # Steps of the analysis end 3 minutes before: the last measurement is not of the dump.
    hours = (hours * 12 // 1 * 300 + 180) / 3600
    if index and chance < 0.06:  # machine development
        return hours, FillPlace(start_s, "FLATTOP")
    if index and chance < 0.14:
        lost_in = ("INJPHYS", "RAMP", "ADJUST")[int(rng.integers(3))]
        return hours, FillPlace(start_s, lost_in, fault=True)
    return hours, FillPlace(start_s, fault=to_fault_h < planned_h)


def _archive(rng: Generator) -> PostedArchive:
    chance, days = rng.random(2)
    if chance < 0.04:
        return PostedArchive(np.inf, 0.0)
    if chance < 0.14:
        return PostedArchive(2 + 3 * days, 0.0)
    if chance < 0.20:
        return PostedArchive(0.3, 5 + 5 * days)
    return PostedArchive(0.3, 0.0)
