"""How screens and pictures say what a beam loses beyond burn-off."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Callable

from lumimod.tables.lhc import EXPERIMENTS

NEAR_NONE = 1e-3
"""Rate in 1/h that counts as no loss: a lifetime of 1,000 h. No axis shows less than this."""
NO_NET_LOSS = "no net loss"
NEEDS_MEASURED = "it needs measured luminosity"
"""Why it is not known how much is lost beyond burn-off."""


def beyond_burn_off(facts: Mapping[str, Any], beam: int) -> str:
    """Return the lifetime of a beam by losses beyond burn-off in words, or why there is none."""
    rate_per_h = facts.get(f"b{beam}_rate_no_burnoff_per_h")
    if rate_per_h is not None:
        return f"beyond burn-off (median in time) {lifetime_words(rate_per_h, '{:.0f}'.format)}"
    measured = any(f"lumi_int_meas_{exp.lower()}_pb" in facts for exp in EXPERIMENTS)
    if f"b{beam}_bunches" in facts and not measured:
        return f"beyond burn-off: {NEEDS_MEASURED}"
    return "beyond burn-off (median in time) -"


def lifetime_words(rate_per_h: float, printed: Callable[[float], str]) -> str:
    """Return the lifetime or the growth time of a rate; above 1,000 h nothing is lost or gained.

    `printed` returns a number of hours as text.
    """
    if abs(rate_per_h) <= NEAR_NONE:
        return NO_NET_LOSS
    hours = f"{printed(abs(1 / rate_per_h))} h"
    return hours if rate_per_h > 0 else f"growth time {hours}"
