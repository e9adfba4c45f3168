"""Conditions on several settings at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Callable

from lumimod.config.record import BY_NAME


@dataclass(frozen=True)
class Rule:
    """A condition on several settings; it is tried only if each of them is good by itself."""

    names: tuple[str, ...]
    """The last one is blamed."""
    holds: Callable[..., bool]
    """Takes the values of `names`."""
    allowed: str


def _periods_are_known(
    known: Mapping[str, Any], rescale: bool, pairs: tuple[tuple[str, str], ...]
) -> bool:
    return not rescale or {name for pair in pairs for name in pair} <= set(known)


_RESULTS = tuple(name for name in BY_NAME if name.endswith("_filename"))

RULES: tuple[Rule, ...] = (
    Rule(
        ("first_fill", "last_fill"),
        lambda first, last: first <= last,
        "must not be below first_fill",
    ),
    Rule(
        ("periods", "doRescale", "resc_period"),
        _periods_are_known,
        "must name only periods that are in `periods`",
    ),
    Rule(
        ("saveDict", "savePandas"),
        lambda as_dict, as_frame: as_dict or as_frame,
        "must be True where saveDict is False, or nothing is saved",
    ),
    *(
        Rule(
            ("cases", f"correction_factor_{plane}"),
            lambda names, values: len(names) == len(values),
            "must hold one factor for each of `cases`",
        )
        for plane in ("1h", "1v", "2h", "2v")
    ),
    *(
        Rule((a, b), lambda x, y: x != y, f"must differ from {a}, or one overwrites the other")
        for i, a in enumerate(_RESULTS)
        for b in _RESULTS[i + 1 :]
    ),
)
