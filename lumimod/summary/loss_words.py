"""How screens and pictures say what a beam loses beyond burn-off."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

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
        return f"beyond burn-off (median in time) {_lifetime(rate_per_h)}"
    measured = any(f"lumi_int_meas_{exp.lower()}_pb" in facts for exp in EXPERIMENTS)
    if f"b{beam}_bunches" in facts and not measured:
        return f"beyond burn-off: {NEEDS_MEASURED}"
    return "beyond burn-off (median in time) -"


def _lifetime(rate_per_h: float) -> str:
    if abs(rate_per_h) <= NEAR_NONE:
        return NO_NET_LOSS
    hours = f"{abs(1 / rate_per_h):.0f} h"
    return hours if rate_per_h > 0 else f"growth time {hours}"
