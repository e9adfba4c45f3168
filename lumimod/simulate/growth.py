"""One step of all bunches in the simple truth, by the formulas of the pipeline.

IBS, radiation damping, elastic scattering, growth and burn-off. The
full truth shares none of these formulas. In stable beams burn-off is the only loss, unless extra
losses are asked for.
"""

from __future__ import annotations

import numpy as np

from lumimod.arrays import FloatArray
from lumimod.physics.constants import SPEED_OF_LIGHT_M_S
from lumimod.physics.ibs import ibs_map
from lumimod.physics.luminosity import beam_size_m, level, pair_luminosity
from lumimod.simulate import machine
from lumimod.simulate.bunches import BunchState, Growth, ramped
from lumimod.simulate.scheme import FillingScheme
from lumimod.simulate.settings import STEP_S, FillSettings
from lumimod.simulate.timeline import Timeline
from lumimod.tables.ibs import ibs_of
from lumimod.tables.lhc import EXPERIMENTS

IBS_STEP_S = 300.0
"""Step from which IBS rates are taken: its fit holds for minutes to hours."""


class Stepper:
    """One step of both beams; keeps the IBS rates between their updates."""

    def __init__(
        self,
        scheme: FillingScheme,
        times: Timeline,
        settings: FillSettings,
        growth: dict[int, Growth],
        arrival_s: dict[int, FloatArray],
    ) -> None:
        self.colliding = {beam: scheme.beams[beam].colliding for beam in (1, 2)}
        self.times = times
        self.settings = settings
        self.run = machine.RUNS[settings.run]
        self.growth = growth
        self.arrival_s = arrival_s
        self.ibs: dict[int, tuple[FloatArray, FloatArray]] = {}

    def luminosity(self, state: dict[int, BunchState], now_s: float) -> dict[str, FloatArray]:
        """Return the luminosity of each colliding pair at each experiment, in 1/(m^2 s)."""
        one, two = (
            BunchState(*(values[self.colliding[beam]] for values in state[beam])) for beam in (1, 2)
        )
        overlap = float(self.times.overlap(np.array(now_s)))
        if overlap == 0:
            return {name: np.zeros_like(one.n_ppb) for name in EXPERIMENTS}
        betastar_m = self._betastar_m(now_s)
        size_h_m, size_v_m = (
            beam_size_m(a, b, betastar_m=betastar_m, gamma=self.run.gamma)
            for a, b in ((one.emit_h_um, two.emit_h_um), (one.emit_v_um, two.emit_v_um))
        )
        length_m = (one.bl4s_s + two.bl4s_s) / 2 / 4 * SPEED_OF_LIGHT_M_S
        angle_rad = float(self.times.half_crossing_rad(np.array(now_s)))
        planes = [(size_v_m, size_h_m), (size_h_m, size_v_m)]
        if self.settings.ip1_plane == "h":
            planes.reverse()
        sizes = dict(zip(EXPERIMENTS, planes))
        lumi = {
            name: overlap
            * pair_luminosity(
                one.n_ppb, two.n_ppb, *sizes[name], length_m,
                f_rev_hz=machine.F_REV_HZ, half_crossing_rad=angle_rad,
            )
            for name in EXPERIMENTS
        }  # fmt: skip
        if self.settings.level_total is None:
            return lumi
        return {name: level(values, self.settings.level_total) for name, values in lumi.items()}

    def advance(
        self, state: dict[int, BunchState], lumi: dict[str, FloatArray], now_s: float
    ) -> dict[int, BunchState]:
        """Return the state one step later."""
        if now_s < self.times.modes["RAMP"][0]:
            return {beam: self._inject(beam, state[beam], now_s) for beam in (1, 2)}
        if now_s < self.times.modes["RAMP"][1]:
            return {b: ramped(state[b], now_s, self.times, self.settings) for b in (1, 2)}
        grown = {beam: self._top(beam, state[beam], lumi, now_s) for beam in (1, 2)}
        return self._burn(grown, lumi, now_s)

    def _inject(self, beam: int, state: BunchState, now_s: float) -> BunchState:
        rate_h, rate_l = self._ibs_rates(
            beam, state, now_s, machine.GAMMA_INJECTION, machine.V_RF_INJECTION_V
        )
        here = self.arrival_s[beam] <= now_s
        return state._replace(
            emit_h_um=state.emit_h_um * np.where(here, rate_h, 1.0),
            bl4s_s=state.bl4s_s * np.where(here, rate_l, 1.0),
        )

    def _top(
        self, beam: int, state: BunchState, lumi: dict[str, FloatArray], now_s: float
    ) -> BunchState:
        rate_h, rate_l = self._ibs_rates(beam, state, now_s, self.run.gamma, machine.V_RF_TOP_V)
        damping = np.exp(-2 * STEP_S / self.run.tau_sr_s)
        scattering_um = self._scattering_um(beam, state, lumi, now_s)
        hours = STEP_S / 3600
        grown_h = self.growth[beam].h_um_per_h * hours + scattering_um
        grown_v = self.growth[beam].v_um_per_h * hours + scattering_um
        return state._replace(
            emit_h_um=state.emit_h_um * rate_h + grown_h,
            emit_v_um=state.emit_v_um * damping + grown_v,
            bl4s_s=state.bl4s_s * rate_l,
        )

    def _ibs_rates(
        self, beam: int, state: BunchState, now_s: float, gamma: float, v_rf_v: float
    ) -> tuple[FloatArray, FloatArray]:
        """Return the growth factors of horizontal emittance and bunch length in one step."""
        fresh = now_s in (self.times.modes["INJPHYS"][0], self.times.modes["RAMP"][1])
        if fresh or (now_s - self.times.stable_s) % IBS_STEP_S == 0:
            coefficients = ibs_of(gamma, v_rf_v)
            later = ibs_map(coefficients, IBS_STEP_S, state.n_ppb, state.emit_h_um, state.bl4s_s)
            part = STEP_S / IBS_STEP_S
            self.ibs[beam] = (
                (later[0] / state.emit_h_um) ** part,
                (later[1] / state.bl4s_s) ** part,
            )
        return self.ibs[beam]

    def _betastar_m(self, now_s: float) -> float:
        return float(self.times.betastar_m(np.array(now_s)))

    def _scattering_um(
        self, beam: int, state: BunchState, lumi: dict[str, FloatArray], now_s: float
    ) -> FloatArray:
        """Return the growth of each emittance in a step by elastic scattering at both IPs."""
        colliding = self.colliding[beam]
        rate = self.settings.sigma_el_m2 * _both(lumi) / state.n_ppb[colliding]
        action_m = self.run.gamma * self._betastar_m(now_s) * self.run.elastic_angle2_rad2 / 2
        growth = np.zeros_like(state.n_ppb)
        growth[colliding] = 0.5 * rate * action_m * STEP_S * 1e6
        return growth

    def _burn(
        self, grown: dict[int, BunchState], lumi: dict[str, FloatArray], now_s: float
    ) -> dict[int, BunchState]:
        """Return the state after burn-off, by the mean luminosity of the step, and extra losses."""
        start = _both(lumi)
        guess = {beam: self._lose(beam, grown[beam], start) for beam in (1, 2)}
        stop = _both(self.luminosity(guess, now_s))
        survival = self._extra_survival(now_s)
        burnt = {beam: self._lose(beam, grown[beam], (start + stop) / 2) for beam in (1, 2)}
        return {beam: one._replace(n_ppb=one.n_ppb * survival) for beam, one in burnt.items()}

    def _lose(self, beam: int, state: BunchState, lumi: FloatArray) -> BunchState:
        n_ppb = state.n_ppb.copy()
        n_ppb[self.colliding[beam]] -= self.settings.sigma_boff_m2 * lumi * STEP_S
        return state._replace(n_ppb=np.maximum(n_ppb, 1.0))

    def _extra_survival(self, now_s: float) -> float:
        tau_s = self.settings.extra_loss_tau_h * 3600
        since_s = np.maximum(np.array([now_s, now_s + STEP_S]) - self.times.stable_s, 0.0)
        left = 1 - self.settings.extra_loss * (1 - np.exp(-since_s / tau_s))
        return float(left[1] / left[0])


def _both(lumi: dict[str, FloatArray]) -> FloatArray:
    """Return the sum over the experiments."""
    return lumi["ATLAS"] + lumi["CMS"]
