"""What the logging service calls each quantity, by period of data taking: variables.json."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from functools import lru_cache
from types import MappingProxyType

from lumimod.errors import ConfigError
from lumimod.tables.packaged import packaged_table

Names = tuple[str, ...]
NO_OVERRIDES: Mapping[str, Names] = MappingProxyType({})


@dataclass(frozen=True)
class Period:
    """Period of data taking, in which the variables keep their names."""

    name: str
    first_fill: int
    start_s: float
    """Its start, Unix s."""
    crossing_plane: Mapping[int, str]
    """Crossing plane, "h" or "v", at IP 1 and 5."""
    names: Mapping[str, Names]
    """Variables of each quantity, the best first."""


@lru_cache(maxsize=1)
def periods() -> tuple[Period, ...]:
    """Return all periods, in order of time."""
    table = packaged_table("variables.json")
    return tuple(
        Period(
            p["name"],
            p["first_fill"],
            datetime.fromisoformat(p["first_day"]).replace(tzinfo=timezone.utc).timestamp(),
            {int(ip): plane for ip, plane in p["crossing_plane"].items()},
            {key: tuple(of[p["name"]]) for key, of in table["quantities"].items()},
        )
        for p in table["periods"]
    )


def period_of(fill: int, time_s: float | None = None) -> Period:
    """Return the period of a fill, by its time [Unix s] if it is given, else by its number."""
    if time_s is not None:
        return [p for p in periods() if p.start_s <= max(time_s, 0)][-1]
    return [p for p in periods() if p.first_fill <= fill][-1]


def quantities() -> Names:
    """Return the quantities of the table, such as bunch_intensity_b1."""
    return tuple(periods()[0].names)


def names_of(
    quantity: str,
    fill: int,
    overrides: Mapping[str, Names] = NO_OVERRIDES,
    *,
    time_s: float | None = None,
) -> Names:
    """Return the variables of a quantity in a fill, the best first; there may be none.

    Parameters
    ----------
    quantity
        A quantity of the table, such as bunch_intensity_b1.
    fill, time_s
        See `period_of`.
    overrides
        Variables by quantity that replace those of the table (`variable_names` of config.py).

    Raises
    ------
    ConfigError
        The quantity is not in the table.
    """
    known = period_of(fill, time_s).names
    if quantity not in known:
        raise ConfigError(f"no quantity {quantity!r} among {', '.join(known)}")
    return overrides.get(quantity, known[quantity])


@lru_cache(maxsize=1)
def extra_names() -> Names:
    """Return the extra variables of a fill (tunes, BBQ and more) by their names of Run 2."""
    return tuple(packaged_table("extra_variables.json")["names"])


def all_names(
    fill: int, overrides: Mapping[str, Names] = NO_OVERRIDES, *, time_s: float | None = None
) -> dict[str, Names]:
    """Return the variables of every quantity in a fill, see `names_of`."""
    return {q: names_of(q, fill, overrides, time_s=time_s) for q in quantities()}
