"""One step of all bunches in the full truth, by formulas of its own.

Scattering in both emittances, radiation, collisions with hourglass effect, burn-off of the core,
elastic scattering, noise and damper, coupling, the growth at injection as it was measured, losses
at the start of collisions, LHCb and ALICE, electron cloud along trains. The step is the midpoint
rule in the quantities themselves.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.random import Generator

from lumimod.arrays import FloatArray, IntArray
from lumimod.physics.constants import SPEED_OF_LIGHT_M_S
from lumimod.simulate import machine
from lumimod.simulate.bunches import BunchState, Growth, ramped
from lumimod.simulate.collider import Collider
from lumimod.simulate.full_settings import FullPhysics
from lumimod.simulate.noise import beam_beam_spread, left_by_damper, undamped_growth
from lumimod.simulate.overlap import Overlap
from lumimod.simulate.scattering import Rates, damping_time_s, scattering_rates
from lumimod.simulate.scheme import BeamScheme, FillingScheme
from lumimod.simulate.settings import STEP_S, FillSettings
from lumimod.simulate.timeline import Timeline
from lumimod.tables.lhc import EXPERIMENTS, OTHER_EXPERIMENTS, PLANES

Both = dict[int, BunchState]
Told = dict[str, FloatArray]

MEASURED_AT_INJECTION_UM_H = {(1, "h"): 0.855, (1, "v"): 0.728, (2, "h"): 0.849, (2, "v"): 0.674}
"""Growth at 450 GeV by beam and plane, means of about 100 fills of 2018.

Source: github.com/nkarast/ABPLegacyNotebooks, emittances/summaryViolins.ipynb.
"""
CLOUD_LENGTH = 15.0
"""Bunches of a train after which the electron cloud has built up."""
LOSS_WITHOUT_COLLISIONS = 0.1
"""Losses beyond burn-off of bunches that do not collide, over those of the mean of the others."""
H = 3600.0


def cloud_pattern(position: IntArray, strength: float) -> FloatArray:
    """Return growth or losses of bunches by their place in the train, over their mean."""
    pattern = 1 - strength * np.expm1(-position / CLOUD_LENGTH)
    return np.asarray(pattern / pattern.mean())


def growth_at_injection(scheme: BeamScheme, beam: int, settings: FillSettings) -> Growth:
    """Return the growth at injection besides scattering: what was measured, less scattering."""
    full = settings.full
    if full is None or not full.injection_growth:
        return Growth(np.zeros(scheme.slot.size), np.zeros(scheme.slot.size))
    mean = BunchState(
        np.array([settings.intensity_ppb]),
        np.array([settings.emit_h_um]),
        np.array([settings.emit_v_um]),
        np.array([settings.bl_injected_s]),
    )
    scattered = float(_at_injection(mean).emit_h[0]) * settings.emit_h_um * H
    pattern = cloud_pattern(scheme.position, full.cloud)
    h, v = (MEASURED_AT_INJECTION_UM_H[beam, plane] for plane in PLANES)
    return Growth((h - scattered) * pattern, v * pattern)


def _at_injection(state: BunchState) -> Rates:
    return scattering_rates(450.0, machine.V_RF_INJECTION_V / 1e6, *state)


class FullStepper:
    """One step of both beams with everything at work."""

    def __init__(
        self,
        scheme: FillingScheme,
        times: Timeline,
        settings: FillSettings,
        full: FullPhysics,
        growth: dict[int, Growth],
        arrival_s: dict[int, FloatArray],
        rng: Generator,
    ) -> None:
        self.collider = Collider(scheme, times, settings, full, rng)
        self.times, self.settings, self.full = times, settings, full
        self.run = machine.RUNS[settings.run]
        self.growth, self.arrival_s = growth, arrival_s
        self.at_injection = {b: growth_at_injection(scheme.beams[b], b, settings) for b in (1, 2)}
        self.cloud = {b: cloud_pattern(scheme.beams[b].position, full.cloud) for b in (1, 2)}
        self.bsrt_scale = {
            (beam, plane): 1 + rng.uniform(-full.bsrt_scale_error, full.bsrt_scale_error)
            for beam in (1, 2)
            for plane in PLANES
        }
        self.told: dict[str, list[FloatArray]] = {}

    def luminosity(self, state: Both, now_s: float) -> dict[str, FloatArray]:
        """Return the luminosity of each colliding pair at each experiment, in 1/(m^2 s)."""
        return {name: met.lumi for name, met in self.collider.meet(state, now_s).items()}

    def advance(self, state: Both, lumi: Mapping[str, FloatArray], now_s: float) -> Both:
        """Return the state one step later, and keep what is to be told of this one."""
        first, told = self._slopes(state, now_s)
        told |= {f"{n}_lumi": np.array(self.collider.total(n, now_s)) for n in OTHER_EXPERIMENTS}
        for name, values in told.items():
            self.told.setdefault(name, []).append(values)
        if self.times.modes["RAMP"][0] <= now_s < self.times.modes["RAMP"][1]:
            return {b: ramped(state[b], now_s, self.times, self.settings) for b in (1, 2)}
        half = {b: _moved(state[b], first[b], STEP_S / 2) for b in (1, 2)}
        middle, _ = self._slopes(half, now_s + STEP_S / 2)
        return {b: _moved(state[b], middle[b], STEP_S) for b in (1, 2)}

    def _slopes(self, state: Both, now_s: float) -> tuple[Both, Told]:
        """Return the change of both beams a second, and what is to be told."""
        if now_s >= self.times.modes["RAMP"][0]:
            return self._top(state, now_s)
        slopes, told = {}, {}
        for beam in (1, 2):
            slopes[beam] = self._bottom(beam, state[beam], now_s)
            n_pairs = int(self.collider.colliding[beam].sum())
            told[f"b{beam}_sigma_eff_m2"] = np.full(n_pairs, np.nan)
            for plane in PLANES:
                told[f"b{beam}_noise_{plane}_um_per_h"] = np.zeros(state[beam].n_ppb.size)
        return slopes, told

    def _bottom(self, beam: int, state: BunchState, now_s: float) -> BunchState:
        here = (self.arrival_s[beam] <= now_s).astype(float)
        rates, extra = _at_injection(state), self.at_injection[beam]
        return BunchState(
            np.zeros_like(state.n_ppb),
            here * (state.emit_h_um * rates.emit_h + extra.h_um_per_h / H),
            here * extra.v_um_per_h / H,
            here * state.bl4s_s * rates.length,
        )

    def _top(self, state: Both, now_s: float) -> tuple[Both, Told]:
        met = self.collider.meet(state, now_s)
        elsewhere = self.collider.elsewhere(state, now_s)
        slopes, told = {}, {}
        for beam in (1, 2):
            one, colliding = state[beam], self.collider.colliding[beam]
            burnt = self._burnt(beam, one, met, elsewhere[beam])
            lost = burnt + self._lost(beam, one, met, now_s)
            core = self._core(beam, one, met)
            noise = self._noise(beam, state, met, now_s)
            slopes[beam] = self._grown(beam, one, met, core, noise, now_s)._replace(n_ppb=-lost)
            total = sum(of.lumi for of in met.values()) + elsewhere[beam][colliding]
            with np.errstate(invalid="ignore", divide="ignore"):
                sigma_m2 = np.where(total > 0, lost[colliding] / total, np.nan)
            told[f"b{beam}_sigma_eff_m2"] = sigma_m2
            for plane in PLANES:
                told[f"b{beam}_noise_{plane}_um_per_h"] = noise[plane] * H
        return slopes, told

    def _burnt(
        self, beam: int, one: BunchState, met: Mapping[str, Overlap], elsewhere: FloatArray
    ) -> FloatArray:
        """Return the protons that burn off a second."""
        lumi = elsewhere.copy()
        lumi[self.collider.colliding[beam]] += sum(of.lumi for of in met.values())
        return self.settings.sigma_boff_m2 * lumi

    def _lost(
        self, beam: int, one: BunchState, met: Mapping[str, Overlap], now_s: float
    ) -> FloatArray:
        """Return the protons that are lost otherwise a second."""
        full, hours = self.full, (now_s - self.times.stable_s) / H
        if hours < 0:
            return np.zeros_like(one.n_ppb)
        sigma_m2 = full.early_loss_m2 * np.exp(-hours / full.early_loss_h)
        sigma_m2 += full.later_loss_m2 * np.exp(-hours / full.later_loss_h)
        sigma_m2 *= full.loss_ratio_b2 if beam == 2 else 1.0
        lumi = sum(of.lumi for of in met.values())
        colliding = self.collider.colliding[beam]
        part = np.full(one.n_ppb.size, LOSS_WITHOUT_COLLISIONS)
        part *= np.mean(lumi / one.n_ppb[colliding]) * sigma_m2
        part[colliding] = sigma_m2 * lumi / one.n_ppb[colliding]
        return part * one.n_ppb * self.cloud[beam]

    def _core(
        self, beam: int, one: BunchState, met: Mapping[str, Overlap]
    ) -> dict[str, FloatArray]:
        """Return the relative growth by plane a second of what burn-off at ATLAS and CMS leaves."""
        colliding = self.collider.colliding[beam]
        out = {plane: np.zeros_like(one.n_ppb) for plane in PLANES}
        for of in met.values():
            rate = self.settings.sigma_boff_m2 * of.lumi / one.n_ppb[colliding]
            for plane in PLANES:
                out[plane][colliding] += rate * (1 - of.lost_action[beam, plane])
        return out

    def _noise(
        self, beam: int, state: Both, met: Mapping[str, Overlap], now_s: float
    ) -> dict[str, FloatArray]:
        """Return the growth by noise, by plane, in um/s."""
        full, one = self.full, state[beam]
        spread = np.full(one.n_ppb.size, full.tune_spread)
        if any(of.lumi.any() for of in met.values()):
            colliding = self.collider.colliding[beam]
            spread[colliding] = np.hypot(full.tune_spread, self._beam_beam(state, 3 - beam, now_s))
        left = full.noise * left_by_damper(full.damper_gain, spread)
        return {
            plane: left * undamped_growth(beam, plane, full.damper_gain, one.n_ppb)
            for plane in PLANES
        }

    def _beam_beam(self, state: Both, other: int, now_s: float) -> FloatArray:
        """Return the tune spread by the other beam at ATLAS and CMS."""
        two = BunchState(*(values[self.collider.colliding[other]] for values in state[other]))
        total = np.zeros_like(two.n_ppb)
        for name in EXPERIMENTS:
            at = self.collider.crossing(name, now_s)
            cross_um = getattr(two, f"emit_{at.plane}_um")
            sep_um = two.emit_v_um if at.plane == "h" else two.emit_h_um
            size_m = np.sqrt(cross_um * 1e-6 / at.gamma * at.betastar_m)
            wide = two.bl4s_s * SPEED_OF_LIGHT_M_S / 4 * at.half_angle_rad / size_m
            total += beam_beam_spread(two.n_ppb, cross_um, sep_um, wide)
        return total

    def _grown(
        self,
        beam: int,
        one: BunchState,
        met: Mapping[str, Overlap],
        core: Mapping[str, FloatArray],
        noise: Mapping[str, FloatArray],
        now_s: float,
    ) -> BunchState:
        """Return the change of emittances and length a second."""
        rates = scattering_rates(self.run.energy_gev, machine.V_RF_TOP_V / 1e6, *one)
        tau_s = damping_time_s(self.run.gamma)
        elastic = self._elastic(beam, one, met, now_s)
        own_h = noise["h"] + elastic + one.emit_h_um * (rates.emit_h + core["h"])
        own_v = noise["v"] + elastic + one.emit_v_um * core["v"]
        own_h, own_v = coupled(own_h, own_v, self.full)
        extra = self.growth[beam]
        return BunchState(
            np.zeros_like(one.n_ppb),
            own_h + extra.h_um_per_h / H - 2 * one.emit_h_um / tau_s,
            own_v + extra.v_um_per_h / H - 2 * one.emit_v_um / tau_s,
            one.bl4s_s * (rates.length - 2 / tau_s),
        )

    def _elastic(
        self, beam: int, one: BunchState, met: Mapping[str, Overlap], now_s: float
    ) -> FloatArray:
        """Return the growth by elastic scattering in each plane, in um/s.

        A proton scattered by the angle t in one plane gains beta* t^2/2 of action; the mean
        square of t in a plane is half of 1/(B p^2), B the slope.
        """
        colliding = self.collider.colliding[beam]
        square = self.run.elastic_angle2_rad2 / 2
        out = np.zeros_like(one.n_ppb)
        for name, of in met.items():
            at = self.collider.crossing(name, now_s)
            rate = self.settings.sigma_el_m2 * of.lumi / one.n_ppb[colliding]
            out[colliding] += rate * at.gamma * at.betastar_m * square / 2 * 1e6
        return out


def coupled(
    own_h: FloatArray, own_v: FloatArray, full: FullPhysics
) -> tuple[FloatArray, FloatArray]:
    """Return the growth in both planes when the eigenmodes are turned by an angle.

    A kick in x goes to the modes as cos^2 and sin^2; each mode is seen in x and y in the same way.
    """
    angle = np.arctan2(full.c_minus, full.tune_split) / 2
    cos2, sin2 = np.cos(angle) ** 2, np.sin(angle) ** 2
    mode_1, mode_2 = cos2 * own_h + sin2 * own_v, sin2 * own_h + cos2 * own_v
    return cos2 * mode_1 + sin2 * mode_2, sin2 * mode_1 + cos2 * mode_2


def _moved(state: BunchState, slopes: BunchState, seconds: float) -> BunchState:
    return BunchState(*(now + slope * seconds for now, slope in zip(state, slopes)))
