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
    broken: Callable[..., str]
    """Takes the values of `names`; returns what is wrong with the last, or nothing."""


def _unless(holds: Callable[..., bool], allowed: str) -> Callable[..., str]:
    """Return what says `allowed` where a condition does not hold."""
    return lambda *values: "" if holds(*values) else allowed


def _unknown_periods(
    known: Mapping[str, Any], rescale: bool, pairs: tuple[tuple[str, str], ...]
) -> str:
    named = dict.fromkeys(name for pair in pairs for name in pair)
    unknown = ", ".join(repr(name) for name in named if name not in known)
    return f"{unknown} is not in `periods`" if rescale and unknown else ""


_RESULTS = tuple(name for name in BY_NAME if name.endswith("_filename"))

RULES: tuple[Rule, ...] = (
    Rule(
        ("first_fill", "last_fill"),
        _unless(lambda first, last: first <= last, "must not be below first_fill"),
    ),
    Rule(
        ("periods", "doRescale", "resc_period"),
        _unknown_periods,
    ),
    Rule(
        ("saveDict", "savePandas"),
        _unless(
            lambda as_dict, as_frame: as_dict or as_frame,
            "must be True where saveDict is False, or nothing is saved",
        ),
    ),
    *(
        Rule(
            ("cases", f"correction_factor_{plane}"),
            _unless(
                lambda names, values: len(names) <= len(values),
                "must hold a factor for each of `cases`, by position",
            ),
        )
        for plane in ("1h", "1v", "2h", "2v")
    ),
    *(
        Rule(
            (a, b),
            _unless(lambda x, y: x != y, f"must differ from {a}, or one overwrites the other"),
        )
        for i, a in enumerate(_RESULTS)
        for b in _RESULTS[i + 1 :]
    ),
)
