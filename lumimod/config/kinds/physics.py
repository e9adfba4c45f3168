"""Values of the physics of the models: by beam and plane, by phase, in time."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Callable

from lumimod.config.kinds.base import (
    FrozenMap,
    Kind,
    NotAllowedError,
    V,
    items_of,
    kind,
    map_of,
    pair_of,
    pairs_of,
    require,
)
from lumimod.config.kinds.numbers import at_least_zero, in_unit, integer, number
from lumimod.config.kinds.text import path, text

BEAM_PLANES = ("1h", "1v", "2h", "2v")
"""Beam and plane."""
PHASES = ("injection", "flat top", "stable beams")
LARGEST_GROWTH_UM_H = 10.0
ByPlane = FrozenMap[str, float]
ByPhase = FrozenMap[str, ByPlane]
InTime = FrozenMap[int, tuple[tuple[float, float], ...]]
"""By beam: (seconds since the start of stable beams, value) at some times."""


def as_physics(part: Kind[V]) -> Kind[V | None]:
    """Return the kind of a part of the physics: None stands for what `physics` says."""

    @kind(f"{part.allowed}; or None")
    def convert(value: Any) -> V | None:
        return None if value is None else part(value)

    return convert


def fraction(high: float, unit: str = "") -> Kind[float]:
    """Return the kind of numbers from 0 to below `high`."""
    return number(f"a number >= 0 and < {high:g}{in_unit(unit)}", lambda x: 0 <= x < high, unit)


def _planes(value: Any, check: Callable[[Any], float]) -> ByPlane:
    """Return the values of all four planes; one number stands for all."""
    if not isinstance(value, Mapping):
        return FrozenMap(tuple((plane, check(value)) for plane in BEAM_PLANES))
    given = {text(plane).lower(): check(of) for plane, of in pairs_of(value)}
    require(set(given) == set(BEAM_PLANES))
    return FrozenMap(tuple((plane, given[plane]) for plane in BEAM_PLANES))


def by_plane(high: float, unit: str = "") -> Kind[ByPlane]:
    """Return the kind of values from 0 to below `high`, by beam and plane."""

    @kind(
        f"a number, or {{'1h': number, '1v': .., '2h': .., '2v': ..}}, from 0 to below {high:g}"
        f"{in_unit(unit)}",
        unit,
    )
    def convert(value: Any) -> ByPlane:
        return _planes(value, fraction(high))

    return convert


@kind(
    f"{{phase: number or {{'1h': number, '1v': .., '2h': .., '2v': ..}}}}, the phases being "
    f"{', '.join(map(repr, PHASES))}, numbers between -{LARGEST_GROWTH_UM_H:g} and "
    f"{LARGEST_GROWTH_UM_H:g} [um/h]; or the path of such a file (JSON)",
    "um/h",
)
def growth_by_phase(value: Any) -> ByPhase:
    """Accept a growth of emittance by phase, for all planes or for each beam and plane.

    A path stands for what the file holds, as `Utilities/learn_growth.py` writes it.
    """
    if isinstance(value, (str, os.PathLike)):
        value = _from_json(path(value))
    growth = number("", lambda x: abs(x) < LARGEST_GROWTH_UM_H)

    def phase(name: Any) -> str:
        found = text(name).lower()
        require(found in PHASES)
        return found

    return map_of(value, phase, lambda of: _planes(of, growth))


def _from_json(file: Path) -> Any:
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as exc:
        raise NotAllowedError(f"{file} cannot be read as JSON ({exc})") from exc


def in_time(check: Kind[float]) -> Kind[InTime]:
    """Return the kind of values by beam, constant or in time."""

    def points(value: Any) -> tuple[tuple[float, float], ...]:
        if not hasattr(value, "__len__"):
            return ((0.0, check(value)),)
        pairs = [pair_of(item, lambda x: x) for item in items_of(value)]
        require(len(pairs) > 0)
        times = [at_least_zero("s")(time_s) for time_s, _ in pairs]
        require(all(a < b for a, b in zip(times, times[1:])))
        return tuple((time_s, check(of)) for time_s, (_, of) in zip(times, pairs))

    @kind(
        f"{{beam: {check.allowed}, or [(s, value), ..] at rising times since the start of stable "
        "beams}",
        check.unit,
    )
    def convert(value: Any) -> InTime:
        return map_of(value, _beam, points)

    return convert


def _beam(value: Any) -> int:
    return integer(1, 2)(value)
