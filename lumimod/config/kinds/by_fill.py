"""Values that hold for one fill or for a range of fills, and values at the interaction points.

A range is (first fill, first fill after it), as in config.py.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from numbers import Real
from typing import Any, Callable, Union

from lumimod.config.kinds.base import (
    FrozenMap,
    NotAllowedError,
    kind,
    map_of,
    pair_of,
    require,
    without_numpy,
)
from lumimod.config.kinds.numbers import fill_number, integer, number, real, within
from lumimod.config.kinds.text import file_tag, text

FillRange = tuple[float, float]
"""Whole numbers, or infinite; none is in a range whose second number is not above the first."""
AtPoints = tuple[float, float]
"""Values at IP1 and IP5."""
MEASURED = "measured"
Betastar = Union[float, str, FrozenMap[FillRange, AtPoints]]
"""A number in m for all fills, `MEASURED`, or beta* at IP1 and IP5 by range of fills."""

_LARGEST_ANGLE_RAD = 0.01
_crossing_angle = number("", lambda x: 0 < x < _LARGEST_ANGLE_RAD)


def _fill_range(value: Any) -> FillRange:
    return pair_of(value, _fill_limit)


def _fill_limit(value: Any) -> float:
    """Return a fill number, or the infinity that stands for no limit."""
    limit = real(value)
    return limit if math.isinf(limit) else fill_number(value)


def _empty_ranges(value: Any) -> Iterator[str]:
    """Yield a remark for each range that no fill lies in: the original took no notice of it."""
    if isinstance(value, Mapping):
        for first, end in (fills for fills in value if isinstance(fills, tuple)):
            if first >= end:
                yield f"the range ({first}, {end}) holds no fill, so it never counts"


def _empty_periods(value: Mapping[str, FillRange]) -> Iterator[str]:
    for name, (first, end) in value.items():
        if first >= end:
            yield f"period {name!r} = ({first}, {end}) holds no fill, so it never counts"


def _at_points(value: Any, check: Callable[[Any], float]) -> AtPoints:
    """Return the values at IP1 and IP5; one number stands for both."""
    if isinstance(without_numpy(value), Real):
        return check(value), check(value)
    return pair_of(value, check)


def _by_range(
    value: Any, check: Callable[[Any], float], what: str
) -> FrozenMap[FillRange, AtPoints]:
    """Return the values at IP1 and IP5 by range; ranges with other values must not overlap."""
    by_range = map_of(value, _fill_range, lambda values: _at_points(values, check))
    ordered = sorted(pair for pair in by_range.pairs if pair[0][0] < pair[0][1])
    for ((_, end), values), ((first, _), next_values) in zip(ordered, ordered[1:]):
        if first < end and values != next_values:
            fill = "every fill" if math.isinf(first) else f"fill {first}"
            raise NotAllowedError(
                f"has two {what} for {fill}; a range ends before its second number"
            )
    return by_range


@kind(
    "{(first fill, last fill + 1): [IP1, IP5]}, "
    f"full angles above 0 and below {_LARGEST_ANGLE_RAD} [rad]",
    "rad",
    _empty_ranges,
)
def crossing_ranges(value: Any) -> FrozenMap[FillRange, AtPoints]:
    """Accept angles by range of fills; one angle stands for both points."""
    return _by_range(value, _crossing_angle, "angles")


_SMALLEST_BETASTAR_M, _LARGEST_BETASTAR_M = 0.05, 25.0
"""At IP1 and IP5 the LHC collided from 0.25 m to the 24 m of van der Meer scans; beyond are
the runs of forward physics, of which this luminosity model knows nothing."""
_betastar_m = within(_SMALLEST_BETASTAR_M, _LARGEST_BETASTAR_M)


@kind(
    f"a number from {_SMALLEST_BETASTAR_M:g} to {_LARGEST_BETASTAR_M:g} [m], "
    "{(first fill, last fill + 1): number or [IP1, IP5]}, or 'measured'",
    "m",
    _empty_ranges,
)
def betastar(value: Any) -> Betastar:
    """Accept a number, "measured", or beta* by range of fills."""
    if isinstance(value, str):
        require(value == MEASURED)
        return MEASURED
    if isinstance(value, Mapping):
        return _by_range(value, _betastar_m, "beta*")
    return _betastar_m(value)


@kind("{1: 'v', 5: 'h'}: 'h' or 'v' for interaction points 1 and 5")
def crossing_planes(value: Any) -> FrozenMap[int, str]:
    """Accept the crossing plane at the points where it is known."""
    return map_of(value, _crossing_point, _plane)


def _crossing_point(value: Any) -> int:
    ip = fill_number(value)
    require(ip in (1, 5))
    return ip


def _plane(value: Any) -> str:
    plane = text(value).lower()
    require(plane in ("h", "v"))
    return plane


@kind("{'name': (first fill, last fill + 1)}", remarks=_empty_periods)
def fill_periods(value: Any) -> FrozenMap[str, FillRange]:
    """Accept the fills of each period."""
    return map_of(value, file_tag, _fill_range)


OF_THE_FILL = "fill"
Year = Union[int, str]
FIRST_YEAR, _LAST_YEAR = 2008, 2099
_year = integer(FIRST_YEAR, _LAST_YEAR)


@kind(f"{OF_THE_FILL!r} or {_year.allowed}")
def year(value: Any) -> Year:
    """Accept a year of the LHC, or the word for the year of the fill."""
    return OF_THE_FILL if value == OF_THE_FILL else _year(value)


_LUMINOSITIES = 1e30, 1e40
"""In 1/(m^2 s): 1e26 to 1e36 in 1/(cm^2 s)."""


@kind(
    "{{fill: luminosity}}, luminosities from {:g} to {:g} [1/(m^2 s)]".format(*_LUMINOSITIES),
    "1/(m^2 s)",
)
def leveling(value: Any) -> FrozenMap[int, float]:
    """Accept the luminosity of each levelled fill."""
    return map_of(value, fill_number, within(*_LUMINOSITIES))
