"""Where settings that came later are in force: elsewhere a step works as it did before them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Callable

from lumimod.config.sections.physics import Physics
from lumimod.config.settings import Config

_OF_PHYSICS: Mapping[str, Callable[[Physics], bool]] = {
    "ibs": lambda physics: physics.rates,
    "core_burnoff": lambda physics: physics.core_burnoff,
    "coupling": lambda physics: physics.coupling,
    "noise": lambda physics: physics.noise,
    "damping": lambda physics: physics.damping,
    "tauSRxy_FB": lambda physics: physics.damping,
    "tauSRl_FT": lambda physics: physics.rates,
    **dict.fromkeys(
        ("c_minus_FB", "c_minus_FT", "tune_split_FB", "tune_split_FT"),
        lambda physics: physics.coupling,
    ),
    **dict.fromkeys(
        (
            "damper_gain_FB",
            "damper_gain_FT",
            "kick_noise",
            "bpm_noise",
            "noise_emittance",
            "tune_spread_FB",
            "tune_spread_FT",
        ),
        lambda physics: physics.noise,
    ),
    "extra_growth": lambda physics: bool(physics.extra_growth),
    "extra_lifetime": lambda physics: bool(physics.extra_lifetime),
    "extra_cross_section": lambda physics: bool(physics.extra_cross_section),
}
"""Settings of the physics, and where they are in force: not with that of the original."""

_IN_STEPS: Mapping[tuple[str, str], Callable[[Physics], bool]] = {
    ("cycle", "tauSRxy_FT"): lambda physics: not physics.original_cycle,
}
"""The same for settings that were always in other steps."""

_OTHERS: Mapping[str, Callable[[Config], bool]] = {
    "bunch_length_factor": lambda cfg: cfg.analysis.bunch_length_factor != 1,
}
"""The same for settings of other sections: not where they change nothing."""


def in_force(step: str, name: str) -> Callable[[Config], bool] | None:
    """Return what tells with which configurations a setting enters a step; None: with all."""
    of_physics = _OF_PHYSICS.get(name) or _IN_STEPS.get((step, name))
    if of_physics is None:
        return _OTHERS.get(name)
    return lambda cfg: of_physics(cfg.physics)
