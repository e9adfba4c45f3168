"""Values that hold for one fill or for a range of fills, and values at the interaction points.

A range is (first fill, first fill after it), as in config.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Real
from typing import Any, Callable, Union

from lumimod.config.kinds.base import (
    FrozenMap,
    NotAllowedError,
    kind,
    pair_of,
    pairs_of,
    require,
    without_numpy,
)
from lumimod.config.kinds.numbers import fill_number, number, positive
from lumimod.config.kinds.text import file_tag, text

FillRange = tuple[int, int]
AtPoints = tuple[float, float]
"""Values at IP1 and IP5."""
MEASURED = "measured"
Betastar = Union[float, str, FrozenMap[FillRange, AtPoints]]
"""A number in m for all fills, `MEASURED`, or beta* at IP1 and IP5 by range of fills."""

_LARGEST_ANGLE_RAD = 0.01
_crossing_angle = number("", lambda x: 0 < x < _LARGEST_ANGLE_RAD)


def _fill_range(value: Any) -> FillRange:
    first, end = pair_of(value, fill_number)
    require(first <= end)
    return first, end


def _at_points(value: Any, check: Callable[[Any], float]) -> AtPoints:
    """Return the values at IP1 and IP5; one number stands for both."""
    if isinstance(without_numpy(value), Real):
        return check(value), check(value)
    return pair_of(value, check)


def _by_range(
    value: Any, check: Callable[[Any], float], what: str
) -> FrozenMap[FillRange, AtPoints]:
    """Return the values at IP1 and IP5 by range; ranges with other values must not overlap."""
    pairs = tuple((_fill_range(fills), _at_points(v, check)) for fills, v in pairs_of(value))
    ordered = sorted(pairs)
    for ((_, end), values), ((first, _), next_values) in zip(ordered, ordered[1:]):
        if first < end and values != next_values:
            raise NotAllowedError(
                f"has two {what} for fill {first}; a range ends before its second number"
            )
    return FrozenMap(pairs)


@kind(
    "{(first fill, last fill + 1): [IP1, IP5]}, "
    f"full angles above 0 and below {_LARGEST_ANGLE_RAD} [rad]",
    "rad",
)
def crossing_ranges(value: Any) -> FrozenMap[FillRange, AtPoints]:
    """Accept angles by range of fills; one angle stands for both points."""
    return _by_range(value, _crossing_angle, "angles")


@kind("a number > 0 [m], {(first fill, last fill + 1): number or [IP1, IP5]}, or 'measured'", "m")
def betastar(value: Any) -> Betastar:
    """Accept a number, "measured", or beta* by range of fills."""
    if isinstance(value, str):
        require(value == MEASURED)
        return MEASURED
    if isinstance(value, Mapping):
        return _by_range(value, positive(), "beta*")
    return positive()(value)


@kind("{1: 'v', 5: 'h'}: 'h' or 'v' for interaction points 1 and 5")
def crossing_planes(value: Any) -> FrozenMap[int, str]:
    """Accept the crossing plane at the points where it is known."""
    pairs = tuple((fill_number(ip), text(plane).lower()) for ip, plane in pairs_of(value))
    require(all(ip in (1, 5) and plane in ("h", "v") for ip, plane in pairs))
    return FrozenMap(pairs)


@kind("{'name': (first fill, last fill + 1)}, the first number not above the second")
def fill_periods(value: Any) -> FrozenMap[str, FillRange]:
    """Accept the fills of each period."""
    return FrozenMap(tuple((file_tag(k), _fill_range(v)) for k, v in pairs_of(value)))


@kind("{fill: luminosity}, luminosities > 0 [1/(m^2 s)]", "1/(m^2 s)")
def leveling(value: Any) -> FrozenMap[int, float]:
    """Accept the luminosity of each levelled fill."""
    return FrozenMap(tuple((fill_number(k), positive()(v)) for k, v in pairs_of(value)))
