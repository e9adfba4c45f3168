"""Groups of variables: each is one file of a fill, fetched by one script of Utilities/."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from lumimod.tables.variables import NO_OVERRIDES, Names, extra_names, names_of, quantities

HOUR_S = 3600.0


@dataclass(frozen=True)
class Wanted:
    """A quantity, and the variables in which it is logged, the best first."""

    quantity: str
    names: Names
    every: bool = False
    """Whether all of them are wanted, not only the first that is there."""
    holds: bool = False
    """Whether it is logged only when it changes: the last value before the fill may hold."""


@dataclass(frozen=True)
class Group:
    """The variables of one file."""

    name: str
    title: str
    template: str
    """Field of the settings of files with the name of its file."""
    slice_s: float
    """Longest span of one query [s]: shorter for arrays of 3564 values."""
    bunches: bool = False
    """Whether it is data of every bunch, which matter in fills with stable beams."""


GROUPS: Mapping[str, Group] = {
    group.name: group
    for group in (
        Group("basic", "energy and beam intensities", "basic_data", 12 * HOUR_S),
        Group("bbb_lumi", "luminosity bunch by bunch", "bbb_lumi", 3 * HOUR_S, True),
        Group("bbb", "FBCT, BQM and BSRT, bunch by bunch", "bbb_data", 3 * HOUR_S, True),
        Group("extra", "tunes, total luminosities, beta* and more", "extra_data", 12 * HOUR_S),
        Group("crossing", "crossing angles", "crossing", 12 * HOUR_S),
    )
}
"""In the order of the scripts 001a to 001e."""

PREFIXES = {
    "basic": ("energy_", "beam_intensity_"),
    "bbb_lumi": ("bunch_lumi_",),
    "bbb": ("bunch_intensity_", "filled_buckets_", "bunch_lengths_", "bsrt_"),
    "crossing": ("crossing_",),
}
EVERY = "bunch_intensity_"
HOLD = ("crossing_", "betastar_")


def wanted(
    group: str, fill: int, *, time_s: float | None, overrides: Mapping[str, Names] = NO_OVERRIDES
) -> tuple[Wanted, ...]:
    """Return the variables of a group, for a fill that began at `time_s` [Unix s]."""

    def names(quantity: str) -> Names:
        return names_of(quantity, fill, overrides, time_s=time_s)

    if group == "extra":
        return tuple(
            Wanted(name, (name,)) if quantity is None else _wanted(quantity, names(quantity))
            for name, quantity in _extra().items()
        )
    mine = [quantity for quantity in quantities() if quantity.startswith(PREFIXES[group])]
    return tuple(_wanted(quantity, names(quantity)) for quantity in mine if names(quantity))


def extra_choices(
    fill: int, *, time_s: float | None, overrides: Mapping[str, Names] = NO_OVERRIDES
) -> dict[str, Names]:
    """Return the names of each extra variable in a fill, the best first, by its name of Run 2."""
    wants = wanted("extra", fill, time_s=time_s, overrides=overrides)
    return {name: want.names for name, want in zip(extra_names(), wants)}


def _wanted(quantity: str, names: Names) -> Wanted:
    return Wanted(
        quantity, names, every=quantity.startswith(EVERY), holds=quantity.startswith(HOLD)
    )


@lru_cache(maxsize=1)
def _extra() -> Mapping[str, str | None]:
    """Return the extra variables, each with its quantity; None if the table has none for it."""
    known = {
        names_of(quantity, 0)[0]: quantity for quantity in quantities() if names_of(quantity, 0)
    }
    return {name: known.get(name) for name in extra_names()}
