"""Which fills a run is about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite

from lumimod.config.settings import Config
from lumimod.readers.bmodes import GET_FILLS, BeamModes, FillModes
from lumimod.run.span import FillsBetween


@dataclass(frozen=True)
class FillChoice:
    """The fills that the command line asks for.

    Numbers are taken as they are. Of everything else the fills are those that have stable beams
    of at least `min_time_SB`, in a fill in progress until it was recorded.
    """

    named: tuple[int | FillsBetween, ...] = ()
    """Numbers and ranges; none: first_fill to last_fill of config.py."""
    last: int | None = None
    """Of these only the last so many."""
    since_s: float | None = None
    """Only those whose stable beams began then or later, Unix s."""
    until_s: float | None = None
    """Only those whose stable beams began before, Unix s."""

    @classmethod
    def of(cls, fills: Sequence[int] | FillChoice | None) -> FillChoice:
        """Return the choice of these numbers; None: that of config.py."""
        if isinstance(fills, FillChoice):
            return fills
        return cls(tuple(fills or ()))

    @property
    def is_by_number(self) -> bool:
        """Whether each fill is asked for by its number."""
        return bool(self.named) and all(isinstance(one, int) for one in self.named)

    def fills(self, modes: BeamModes, cfg: Config) -> list[int]:
        """Return the fills, numbers as they were given, ranges in order.

        With them those of which the beam modes cannot tell: they fail, with the reason.
        """
        spans = self.named or (FillsBetween(cfg.fills.first_fill, cfg.fills.last_fill),)
        there = self._analysable(modes, cfg)
        found: list[int] = []
        for one in spans:
            if isinstance(one, int):
                found.append(one)
            else:
                found += [fill for fill in there if one.first <= fill <= one.last]
        found = list(dict.fromkeys(found))
        return found[-self.last :] if self.last else found

    def __str__(self) -> str:
        words = [", ".join(map(str, self.named)) or "first_fill to last_fill of config.py"]
        words += [f"the last {self.last}"] if self.last else []
        words += ["since a date"] if self.since_s is not None else []
        words += ["until a date"] if self.until_s is not None else []
        return ", ".join(words)

    def _analysable(self, modes: BeamModes, cfg: Config) -> list[int]:
        """Return the fills with long enough stable beams in the time asked for, in order."""
        since_s = float("-inf") if self.since_s is None else self.since_s
        until_s = float("inf") if self.until_s is None else self.until_s
        good = [
            fill
            for fill, m in modes.items()
            if m.stable_s >= cfg.fills.min_time_sb_s and since_s <= m.start("STABLE") < until_s
        ]
        return sorted([*good, *modes.faults])


def without_stable_beams(modes: FillModes) -> bool:
    """Return whether a fill is over and had no stable beams: there is nothing to follow up.

    False where the beam modes do not tell yet, as of a fill in progress.
    """
    is_over = modes.complete or (modes.complete is None and isfinite(modes.t_endfill_s))
    return is_over and not (isfinite(modes.start("STABLE")) or isfinite(modes.stop("STABLE")))


def none_found(choice: FillChoice, modes: BeamModes, cfg: Config) -> str:
    """Return why there is no fill to run, and what to do, in one line."""
    if not modes:
        return f"no fills in {modes.path}; {GET_FILLS}"
    long_enough = FillChoice((FillsBetween(0, max(modes)),)).fills(modes, cfg)
    if not long_enough:
        return (
            f"none of the {len(modes)} fills of {modes.path} has stable beams of "
            f"{cfg.fills.min_time_sb_s:g} s (min_time_SB)"
        )
    first, last = long_enough[0], long_enough[-1]
    n = len(long_enough)
    what = (
        f"data of {n} fills with stable beams, {first} to {last}"
        if n > 1
        else f"data of fill {first} alone"
    )
    if choice == FillChoice():
        first, last = cfg.fills.first_fill, cfg.fills.last_fill
        return f"there is {what}, but none in first_fill = {first} to last_fill = {last}"
    return f"there is {what}, but none of those asked for ({choice})"
