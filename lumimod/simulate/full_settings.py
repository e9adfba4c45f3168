"""What acts in a simulated machine that shares no formula with the models."""

from __future__ import annotations

import math
from dataclasses import dataclass

from lumimod.errors import UsageError
from lumimod.simulate.batches import BATCHES


@dataclass(frozen=True)
class FullPhysics:
    """Effects, losses and errors of the full truth; growth at top energy is in `FillSettings`."""

    scheme: str = "48b"
    """An injection: "12b", "48b", "144b" or "8b4e"; injections lie all around the ring."""
    c_minus: float = 0.002
    """|C-| of the coupling."""
    tune_split: float = 0.01
    """Distance of the tunes without coupling."""
    noise: float = 1.0
    """Growth by noise at top energy, over that of 2018."""
    damper_gain: float = 0.025
    """Part of the position that the damper takes out a turn."""
    tune_spread: float = 1e-4
    """RMS tune spread of bunches that do not collide."""
    cloud: float = 0.3
    """Growth and losses at the end of a train beyond those at its start, by the electron cloud."""
    early_loss_m2: float = 40e-31
    """Losses of beam 1 beyond burn-off, as a cross-section, that fade within minutes [m^2]."""
    early_loss_h: float = 0.2
    """Time constant of these losses [h]."""
    later_loss_m2: float = 22e-31
    """Losses of beam 1 beyond burn-off that fade within hours [m^2]."""
    later_loss_h: float = 2.5
    """Time constant of these losses [h]."""
    loss_ratio_b2: float = 1.1
    """Losses beyond burn-off of beam 2 over those of beam 1."""
    emit_ratio_b2: float = 1.0
    """Emittances of beam 2 at injection over those of beam 1."""
    intensity_ratio_b2: float = 1.0
    """Intensity of beam 2 at injection over that of beam 1."""
    injection_growth: bool = True
    """Whether emittances grow at injection as was measured; else by scattering alone."""
    betastar_ratio_cms: float = 1.0
    """beta* at CMS over that at ATLAS, as it is logged."""
    betastar_error: float = 0.0
    """Largest relative error of the logged beta*, of each experiment; uniform."""
    bsrt_scale_error: float = 0.05
    """Largest relative error of emittances of the BSRT, of each beam and plane; uniform."""

    def __post_init__(self) -> None:
        if self.scheme not in BATCHES:
            raise UsageError(f"scheme = {self.scheme!r}: must be one of {', '.join(BATCHES)}")
        for name, value in vars(self).items():
            if name != "scheme" and not (math.isfinite(value) and value >= 0):
                raise UsageError(f"{name} = {value}: must be a number that is not negative")
        if min(self.early_loss_h, self.later_loss_h, self.tune_spread) == 0:
            raise UsageError("early_loss_h, later_loss_h and tune_spread must be above 0")
        if max(self.betastar_error, self.bsrt_scale_error) >= 1:
            raise UsageError("relative errors must be below 1")
        ratios = (self.betastar_ratio_cms, self.emit_ratio_b2, self.intensity_ratio_b2)
        if min(ratios) == 0:
            raise UsageError("ratios of the beams and of beta* must be above 0")
