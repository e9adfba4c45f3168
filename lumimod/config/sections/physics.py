"""The physics of the models."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from lumimod.config.entries import entry
from lumimod.config.kinds.numbers import flag, positive, positive_or_inf
from lumimod.config.kinds.physics import (
    ByPhase,
    ByPlane,
    InTime,
    as_physics,
    by_plane,
    fraction,
    growth_by_phase,
    in_time,
)
from lumimod.config.kinds.text import choice, optional_path

_NONE = "None: as physics"
_KICKS = {"1h": 3.8e-5, "1v": 5.3e-5, "2h": 4.4e-5, "2v": 5.6e-5}
_MONITORS = {"1h": 2.2e-3, "1v": 2.5e-3, "2h": 1.9e-3, "2v": 2.1e-3}


@dataclass(frozen=True)
class Physics:
    """Physics of the models (cycle and stable beams)."""

    level: str = entry(
        "physics",
        choice("original", "full"),
        "original",
        "'original': as the original; 'full': every effect below",
    )
    ibs: str | None = entry(
        "ibs",
        as_physics(choice("parametrised", "rates")),
        None,
        "growth by intra-beam scattering: 'parametrised' or 'rates' from first principles; "
        f"{_NONE}",
    )
    core_burnoff_given: bool | None = entry(
        "core_burnoff", as_physics(flag), None, f"burn-off of the core widens the beams; {_NONE}"
    )
    coupling_given: bool | None = entry(
        "coupling",
        as_physics(flag),
        None,
        f"linear coupling shares the growth of the planes; {_NONE}",
    )
    noise_given: bool | None = entry(
        "noise", as_physics(flag), None, f"noise and the transverse damper widen the beams; {_NONE}"
    )
    damping_given: bool | None = entry(
        "damping",
        as_physics(flag),
        None,
        f"radiation damps both planes of the cycle model, by tauSR*; {_NONE}",
    )
    ibs_rates_file: Path | None = entry(
        "ibs_rates_file",
        optional_path,
        None,
        "rates made by Utilities/build_ibs_rates.py (JSON), taken before those of lumimod",
    )
    c_minus_fb: float = entry(
        "c_minus_FB", fraction(0.1), 0.0015, "|C-| of the coupling, flat bottom"
    )
    c_minus_ft: float = entry("c_minus_FT", fraction(0.1), 0.0015, "|C-| of the coupling, flat top")
    tune_split_fb: float = entry(
        "tune_split_FB", fraction(0.5), 0.025, "distance of the tunes without coupling, flat bottom"
    )
    tune_split_ft: float = entry(
        "tune_split_FT", fraction(0.5), 0.01, "distance of the tunes without coupling, flat top"
    )
    damper_gain_fb: float = entry(
        "damper_gain_FB",
        fraction(1),
        0.1,
        "gain of the damper, flat bottom: part of the position a turn",
    )
    damper_gain_ft: float = entry(
        "damper_gain_FT", fraction(1), 0.025, "gain of the damper, flat top"
    )
    kick_noise: ByPlane = entry(
        "kick_noise",
        by_plane(1e-2),
        _KICKS,
        "rms kick a turn, over the divergence of a beam of noise_emittance",
    )
    bpm_noise: ByPlane = entry(
        "bpm_noise",
        by_plane(1),
        _MONITORS,
        "rms noise of the damper's monitors at 1.2e11 protons, over the size of a beam of "
        "noise_emittance at flat top",
    )
    noise_emittance_um: float = entry(
        "noise_emittance", positive("um"), 1.9, "emittance for which the noises are given"
    )
    tune_spread_fb: float = entry(
        "tune_spread_FB", fraction(0.1), 0.025, "rms tune spread, flat bottom"
    )
    tune_spread_ft: float = entry(
        "tune_spread_FT",
        fraction(0.1),
        9.3e-5,
        "rms tune spread, flat top; that of collisions is added",
    )
    extra_growth: ByPhase = entry(
        "extra_growth", growth_by_phase, {}, "further growth of emittances, as measured"
    )
    extra_lifetime: InTime = entry(
        "extra_lifetime",
        in_time(positive_or_inf("s")),
        {},
        "lifetime of losses beyond burn-off, colliding bunches",
    )
    extra_cross_section: InTime = entry(
        "extra_cross_section",
        in_time(fraction(1e-28, "m^2")),
        {},
        "cross section of losses beyond burn-off, colliding bunches",
    )

    def _on(self, given: bool | None) -> bool:
        return self.level == "full" if given is None else given

    @property
    def rates(self) -> bool:
        """Whether intra-beam scattering is by rates from first principles."""
        return self._on(None if self.ibs is None else self.ibs == "rates")

    @property
    def core_burnoff(self) -> bool:
        """Whether burn-off of the core widens the beams."""
        return self._on(self.core_burnoff_given)

    @property
    def coupling(self) -> bool:
        """Whether coupling shares the growth of the planes."""
        return self._on(self.coupling_given)

    @property
    def noise(self) -> bool:
        """Whether noise and the damper widen the beams."""
        return self._on(self.noise_given)

    @property
    def damping(self) -> bool:
        """Whether radiation damps both planes of the cycle model."""
        return self._on(self.damping_given)

    @property
    def original_cycle(self) -> bool:
        """Whether the cycle model is that of the original."""
        cycle = {"injection", "flat top"} & set(self.extra_growth)
        return not (self.rates or self.coupling or self.noise or self.damping or cycle)

    @property
    def original_stable_beams(self) -> bool:
        """Whether the models of stable beams are those of the original."""
        losses = bool(self.extra_lifetime or self.extra_cross_section)
        growth = "stable beams" in self.extra_growth
        effects = self.rates or self.core_burnoff or self.coupling or self.noise
        return not (effects or growth or losses)
