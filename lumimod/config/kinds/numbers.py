"""Flags and numbers."""

from __future__ import annotations

import math
from numbers import Integral, Real
from typing import Any, Callable

from lumimod.config.kinds.base import Kind, kind, pair_of, require, without_numpy


@kind("True or False")
def flag(value: Any) -> bool:
    """Accept True, False, 1 and 0."""
    value = without_numpy(value)
    require(isinstance(value, Integral) and value in (0, 1))
    return bool(value)


def real(value: Any) -> float:
    """Return the value of a number, NaN for anything else."""
    value = without_numpy(value)
    if isinstance(value, bool) or not isinstance(value, Real):
        return math.nan
    try:
        return float(value)
    except OverflowError:
        return math.nan


def integer(low: int, high: float = math.inf, unit: str = "") -> Kind[int]:
    """Return the kind of whole numbers from `low` to `high`, bounds included."""
    bounds = f"of at least {low}" if high == math.inf else f"from {low} to {high}"

    @kind(f"a whole number {bounds}{in_unit(unit)}", unit)
    def convert(value: Any) -> int:
        number = real(value)
        require(low <= number <= high and number.is_integer())
        return int(number)

    return convert


def number(allowed: str, holds: Callable[[float], bool], unit: str = "") -> Kind[float]:
    """Return the kind of numbers for which `holds` is true; it must be false for NaN."""

    @kind(allowed, unit)
    def convert(value: Any) -> float:
        result = real(value)
        require(holds(result))
        return result

    return convert


def in_unit(unit: str) -> str:
    """Return a unit as it stands behind a quantity, such as " [s]"."""
    return f" [{unit}]" if unit else ""


def positive(unit: str = "") -> Kind[float]:
    """Return the kind of finite numbers above zero."""
    return number(f"a number > 0{in_unit(unit)}", lambda x: 0 < x < math.inf, unit)


def within(low: float, high: float, unit: str = "") -> Kind[float]:
    """Return the kind of numbers that are possible in the LHC: from `low` to `high`."""
    return number(
        f"a number from {low:g} to {high:g}{in_unit(unit)}", lambda x: low <= x <= high, unit
    )


def positive_or_inf(unit: str = "") -> Kind[float]:
    """Return the kind of numbers above zero, infinity included."""
    return number(f"a number > 0{in_unit(unit)}, or float('inf')", lambda x: x > 0, unit)


def at_least_zero(unit: str = "") -> Kind[float]:
    """Return the kind of finite numbers that are not negative."""
    return number(f"a number >= 0{in_unit(unit)}", lambda x: 0 <= x < math.inf, unit)


fill_number = integer(0)


@kind("(width, height), both > 0 [inch]", "inch")
def figure_size(value: Any) -> tuple[float, float]:
    """Accept width and height."""
    return pair_of(value, positive())
