"""Kinds of value in config.py: each check returns the value as Config holds it.

For anything else a check raises `ValueError` with what is allowed. Numpy scalars and arrays do
as well as Python's numbers and lists.
"""

from __future__ import annotations

import functools
import logging
import math
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from pathlib import Path
from typing import Any, Callable, Generic, NamedTuple, TypeVar, Union

from lumimod.tables.lhc import EXPERIMENTS
from lumimod.tables.variables import quantities

Check = Callable[[Any], Any]
K = TypeVar("K")
V = TypeVar("V")

MODELS = (
    "EmpiricalBlowupLosses",
    "EmpiricalBlowupBOff",
    "IBSBOff",
    "IBSLosses",
    "EmpiricalblengthLosses",
)
SOURCES = ("pytimber", "folder", "simulated")
PLOT_FORMATS = (".png", ".pdf", ".svg")
MAX_CROSSING_RAD = 0.01


@dataclass(frozen=True, eq=False)
class FrozenMap(Mapping[K, V], Generic[K, V]):
    """A small mapping that cannot be changed; it can be hashed and pickled."""

    pairs: tuple[tuple[K, V], ...]

    def __getitem__(self, key: K) -> V:
        for known, value in self.pairs:
            if known == key:
                return value
        raise KeyError(key)

    def __iter__(self) -> Iterator[K]:
        return (key for key, _ in self.pairs)

    def __len__(self) -> int:
        return len(self.pairs)

    def __hash__(self) -> int:
        return hash(frozenset(self.pairs))


def _allow(allowed: str) -> Callable[[Callable[[Any], V]], Callable[[Any], V]]:
    """Make every `ValueError` of a check say what is allowed."""

    def decorate(check: Callable[[Any], V]) -> Callable[[Any], V]:
        @functools.wraps(check)
        def wrapped(value: Any) -> V:
            try:
                return check(value)
            except ValueError as exc:
                raise ValueError(f"must be {allowed}") from exc

        return wrapped

    return decorate


def _require(condition: bool) -> None:
    if not condition:
        raise ValueError


def _plain(value: Any) -> Any:
    """Return the Python value of a numpy scalar or array; anything else as it is."""
    convert = getattr(value, "tolist", None)
    return convert() if callable(convert) else value


# --- numbers


@_allow("True or False")
def flag(value: Any) -> bool:
    """Accept True, False, 1 and 0."""
    value = _plain(value)
    _require(isinstance(value, Integral) and value in (0, 1))
    return bool(value)


def _real(value: Any) -> float:
    """Return the value of a number, NaN for anything else."""
    value = _plain(value)
    if isinstance(value, bool) or not isinstance(value, Real):
        return math.nan
    try:
        return float(value)
    except OverflowError:
        return math.nan


def integer(low: int, high: float = math.inf) -> Check:
    """Return a check for whole numbers, bounds included."""
    bounds = f"of at least {low}" if high == math.inf else f"from {low} to {high}"

    @_allow(f"a whole number {bounds}")
    def check(value: Any) -> int:
        number = _real(value)
        _require(low <= number <= high and number.is_integer())
        return int(number)

    return check


def _number(allowed: str, holds: Callable[[float], bool]) -> Callable[[Any], float]:
    @_allow(allowed)
    def check(value: Any) -> float:
        number = _real(value)
        _require(holds(number))
        return number

    return check


def _unit(unit: str) -> str:
    return f" [{unit}]" if unit else ""


def positive(unit: str = "") -> Check:
    """Return a check for finite numbers above zero."""
    return _number(f"a number > 0{_unit(unit)}", lambda x: 0 < x < math.inf)


def positive_or_inf(unit: str = "") -> Check:
    """Return a check for numbers above zero, infinity included."""
    return _number(f"a number > 0{_unit(unit)}, or float('inf')", lambda x: x > 0)


def at_least_zero(unit: str = "") -> Check:
    """Return a check for finite numbers that are not negative."""
    return _number(f"a number >= 0{_unit(unit)}", lambda x: 0 <= x < math.inf)


gamma = _number("a number > 1", lambda x: 1 < x < math.inf)
_fill = integer(0)
_positive = positive()
_angle = _number("", lambda x: 0 < x < MAX_CROSSING_RAD)


# --- text and paths


@_allow("a path, as text; a ~ must be of a user that exists")
def path(value: Any) -> Path:
    """Accept a path; empty: the current folder."""
    value = _plain(value)
    _require(isinstance(value, (str, os.PathLike)))
    return _home(value)


def _home(value: Any) -> Path:
    """Return the path with ~ put in."""
    try:
        return Path(value).expanduser()
    except RuntimeError as exc:
        raise ValueError from exc


def optional_path(value: Any) -> Path | None:
    """Accept a path, or None."""
    return None if value is None else path(value)


@_allow("text that is not empty")
def text(value: Any) -> str:
    """Accept text, or a path; a leading ~ is the home folder."""
    value = os.fspath(value) if isinstance(value, os.PathLike) else _plain(value)
    _require(isinstance(value, str) and value != "")
    return str(_home(value)) if value.startswith("~") else value


def template(mark: str) -> Check:
    """Return a check for text that holds `mark`."""

    @_allow(f"text with {mark} in it")
    def check(value: Any) -> str:
        result = text(value)
        _require(mark in result)
        return result

    return check


@_allow("text without slashes and blanks")
def file_tag(value: Any) -> str:
    """Accept text that can be a part of a file name; it may be empty."""
    value = _plain(value)
    _require(isinstance(value, str) and not re.search(r"[/\\\s]", value))
    return str(value)


@_allow(f"one of {', '.join(PLOT_FORMATS)}")
def plot_format(value: Any) -> str:
    """Accept the extension of a plot's file, with or without its dot."""
    extension = "." + text(value).lower().lstrip(".")
    _require(extension in PLOT_FORMATS)
    return extension


@_allow(f"one of {', '.join(SOURCES)}")
def data_source(value: Any) -> str:
    """Accept the name of a source of data."""
    name = text(value)
    _require(name in SOURCES)
    return name


@_allow("a format of logging, such as '%(levelname)s : %(message)s'")
def log_format(value: Any) -> str:
    """Accept a format of log lines; it is tried on an empty record."""
    try:
        logging.Formatter(text(value)).format(logging.makeLogRecord({}))
    except TypeError as exc:
        raise ValueError from exc
    return str(value)


# --- lists


def _items(value: Any) -> tuple[Any, ...]:
    value = _plain(value)
    _require(isinstance(value, Sequence) and not isinstance(value, (str, bytes)))
    return tuple(value)


def _different(items: Sequence[Any]) -> None:
    _require(len(set(items)) == len(items))


def _pair(value: Any, check: Callable[[Any], V]) -> tuple[V, V]:
    items = _items(value)
    _require(len(items) == 2)
    return check(items[0]), check(items[1])


@_allow("(width, height), both > 0 [inch]")
def figure_size(value: Any) -> tuple[float, float]:
    """Accept width and height."""
    return _pair(value, _positive)


@_allow(f"a list of different models out of {', '.join(MODELS)}")
def models(value: Any) -> tuple[str, ...]:
    """Accept models of stable beams, each once."""
    names = tuple(text(item) for item in _items(value))
    _require(set(names) <= set(MODELS))
    _different(names)
    return names


@_allow("a list of different whole numbers or words, such as [1, 2]")
def cases(value: Any) -> tuple[int | str, ...]:
    """Accept names of cases, each giving a file name of its own."""
    names = tuple(_case(item) for item in _items(value))
    _different([str(name) for name in names])
    return names


def _case(value: Any) -> int | str:
    if isinstance(value, str):
        _require(re.fullmatch(r"[\w.+-]+", value) is not None)
        return str(value)
    number: int = _fill(value)
    return number


@_allow("a list of numbers > 0, one for each of `cases`")
def factors(value: Any) -> tuple[float, ...]:
    """Accept a list of numbers above zero."""
    return tuple(_positive(item) for item in _items(value))


@_allow("a list of two folders, one that names ATLAS and one that names CMS")
def exp_folders(value: Any) -> tuple[str, ...]:
    """Accept a folder of each experiment."""
    folders = tuple(text(item) for item in _items(value))
    named = sorted(experiments_in(folder) for folder in folders)
    _require(named == [(experiment,) for experiment in EXPERIMENTS])
    return folders


def experiments_in(folder: str) -> tuple[str, ...]:
    """Return the experiments that a folder's name holds."""
    return tuple(name for name in EXPERIMENTS if name in folder.upper())


@_allow("a list of (from, to), names of periods, each `from` once")
def rescale_periods(value: Any) -> tuple[tuple[str, str], ...]:
    """Accept pairs of periods."""
    pairs = tuple(_pair(item, file_tag) for item in _items(value))
    _different([source for source, _ in pairs])
    return pairs


# --- mappings


def _pairs(value: Any) -> tuple[tuple[Any, Any], ...]:
    _require(isinstance(value, Mapping))
    return tuple(value.items())


def _fill_range(value: Any) -> tuple[int, int]:
    low, high = _pair(value, _fill)
    _require(low <= high)
    return low, high


@_allow("{'name': (first fill, last fill + 1)}, the first number not above the second")
def periods(value: Any) -> FrozenMap[str, tuple[int, int]]:
    """Accept the fills of each period."""
    return FrozenMap(tuple((file_tag(k), _fill_range(v)) for k, v in _pairs(value)))


@_allow("{fill: luminosity}, luminosities > 0 [1/(m^2 s)]")
def leveling(value: Any) -> FrozenMap[int, float]:
    """Accept the luminosity of each levelled fill."""
    return FrozenMap(tuple((_fill(k), _positive(v)) for k, v in _pairs(value)))


CrossingRange = tuple[int, int, float, float]


def crossing_ranges(value: Any) -> tuple[CrossingRange, ...]:
    """Accept {(first fill, end): [IP1, IP5]}; one angle stands for both points."""
    ranges = _crossing_ranges(value)
    _check_overlap(ranges, "angles")
    return ranges


def _check_overlap(ranges: Sequence[tuple[int, int, float, float]], what: str) -> None:
    """Refuse ranges of fills that overlap with different values."""
    ordered = sorted(ranges)
    for (_, end, *values), (start, _, *next_values) in zip(ordered, ordered[1:]):
        if start < end and values != next_values:
            raise ValueError(
                f"has two {what} for fill {start}; a range ends before its second number"
            )


@_allow(
    "{(first fill, last fill + 1): [IP1, IP5]}, "
    f"full angles above 0 and below {MAX_CROSSING_RAD} [rad]"
)
def _crossing_ranges(value: Any) -> tuple[CrossingRange, ...]:
    return tuple(
        (*_fill_range(fills), *_of_points(angles, _angle)) for fills, angles in _pairs(value)
    )


def _of_points(value: Any, check: Callable[[Any], float]) -> tuple[float, float]:
    """Return the values at IP1 and IP5; one number stands for both points."""
    if isinstance(_plain(value), Real):
        return check(value), check(value)
    return _pair(value, check)


class BetastarRange(NamedTuple):
    """Beta* of first_fill <= fill < end_fill."""

    first_fill: int
    end_fill: int
    ip1_m: float
    ip5_m: float


MEASURED = "measured"
Betastar = Union[float, str, tuple[BetastarRange, ...]]
"""A number in m for all fills, `MEASURED`, or ranges of fills."""


def betastar(value: Any) -> Betastar:
    """Accept a number, "measured", or {(first fill, end): beta* or [IP1, IP5]}."""
    ranges = _betastar(value)
    if isinstance(ranges, tuple):
        _check_overlap(ranges, "beta*")
    return ranges


@_allow("a number > 0 [m], {(first fill, last fill + 1): number or [IP1, IP5]}, or 'measured'")
def _betastar(value: Any) -> Betastar:
    if isinstance(value, str):
        _require(value == MEASURED)
        return MEASURED
    if isinstance(value, Mapping):
        return tuple(
            BetastarRange(*_fill_range(fills), *_of_points(numbers, _positive))
            for fills, numbers in _pairs(value)
        )
    number: float = _positive(value)
    return number


@_allow("{1: 'v', 5: 'h'}: 'h' or 'v' for interaction points 1 and 5")
def crossing_planes(value: Any) -> FrozenMap[int, str]:
    """Accept the crossing plane at the points where it is known."""
    pairs = tuple((_fill(ip), text(plane).lower()) for ip, plane in _pairs(value))
    _require(all(ip in (1, 5) and plane in ("h", "v") for ip, plane in pairs))
    return FrozenMap(pairs)


@_allow(
    "{quantity: name or [names]}, the quantities being those of lumimod/tables/variables.json, "
    "such as bunch_intensity_b1"
)
def variable_names(value: Any) -> FrozenMap[str, tuple[str, ...]]:
    """Accept names of variables, the best one first."""
    pairs = tuple((text(quantity), _names(names)) for quantity, names in _pairs(value))
    _require({quantity for quantity, _ in pairs} <= set(quantities()))
    return FrozenMap(pairs)


def _names(value: Any) -> tuple[str, ...]:
    return (text(value),) if isinstance(value, str) else tuple(text(item) for item in _items(value))
