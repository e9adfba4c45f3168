"""What acts on bunches at injection, at flat top and in stable beams, as config.py says."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from lumimod.arrays import FloatArray, IntArray
from lumimod.config.settings import Config
from lumimod.errors import Note
from lumimod.physics.effects import S_PER_H, DampingTimes, Effects, Noise
from lumimod.physics.full import InMap, Parametrised
from lumimod.physics.growth import coupling_share, kick_growth_um_h
from lumimod.physics.ibs import INJECTION_ENERGY_GEV, Ibs, IbsRates, IbsSet
from lumimod.physics.ibs_rates import FITTED_NS, FITTED_UM, is_outside
from lumimod.steps.context import FillContext
from lumimod.tables.ibs import ibs_of
from lumimod.tables.ibs_rates_xy import growth_rates_of

INJECTION, FLAT_TOP, STABLE = "injection", "flat top", "stable beams"
MAP_DAMPING_H = InMap(64.7, 32.35)
"""Of amplitudes and of the length at 6.5 TeV, in the parametrisation."""


class Acting(NamedTuple):
    """All that acts in one part of the cycle."""

    effects: Effects
    parametrised: Parametrised | None
    """None where scattering is by rates."""


def physics_of(cfg: Config, phase: str, beams: IntArray) -> Acting:
    """Return what acts on bunches of these beams, (n_bunches,), without their collisions.

    Raises
    ------
    ConfigError
        Neither coefficients nor rates of scattering are there for the energy and the voltage.
    """
    bottom = phase == INJECTION
    machine = cfg.machine
    gamma = machine.gamma_fb if bottom else machine.gamma_ft
    v_rf_v = machine.v_rf_fb_v if bottom else machine.v_rf_ft_v
    by_rates = cfg.physics.rates
    rates = growth_rates_of(gamma, v_rf_v, cfg.physics.ibs_rates_file) if by_rates else None
    ibs = None if by_rates else ibs_of(gamma, v_rf_v)
    effects = Effects(
        gamma=gamma,
        energy_gev=(rates or ibs_of(gamma, v_rf_v)).energy_gev,
        ibs=rates,
        damping=_damping(cfg, phase),
        coupling_share=_share(cfg, bottom),
        noise=_noise(cfg, bottom, beams) if cfg.physics.noise else None,
        extra_um_h=_extra_growth(cfg, phase, beams),
        f_rev_hz=machine.f_rev_hz,
        sigma_boff_m2=machine.sigma_boff_m2,
        sigma_el_m2=machine.sigma_el_m2,
        core_burnoff=cfg.physics.core_burnoff,
    )
    return Acting(effects, None if ibs is None else Parametrised(ibs, _in_map(ibs)))


def note_range(
    ctx: FillContext,
    where: str,
    beam: int,
    emit_h_um: FloatArray,
    emit_v_um: FloatArray,
    bl4s_s: FloatArray,
) -> None:
    """Say how many bunches begin where the rates of scattering are extrapolated."""
    n_outside = int(is_outside(emit_h_um, emit_v_um, bl4s_s).sum())
    if ctx.cfg.physics.rates and n_outside:
        um, ns = (f"{low:g} to {high:g}" for low, high in (FITTED_UM, FITTED_NS))
        text = (
            f"{where} of beam {beam}: {n_outside} bunches begin outside of {um} um and {ns} ns, to "
            "which the rates of scattering were fitted: their growth is extrapolated"
        )
        ctx.note(Note("ibs", text, beam=beam, numbers={"bunches": n_outside}))


def extra_losses(
    cfg: Config, since_stable_s: FloatArray, beams: IntArray
) -> tuple[FloatArray, FloatArray]:
    """Return losses beyond burn-off at some times, (n_times, n_bunches) each.

    The first are the inverse of a lifetime per hour, the second a cross section in m^2; between
    the times that config.py gives they go along straight lines.
    """
    rate, sigma = np.zeros((2, since_stable_s.size, beams.size))
    for beam, points in cfg.physics.extra_lifetime.items():
        time_s, lifetime_s = np.array(points).T
        now = np.interp(since_stable_s, time_s, S_PER_H / lifetime_s)
        rate[:, beams == beam] = now[:, None]
    for beam, points in cfg.physics.extra_cross_section.items():
        time_s, cross_section_m2 = np.array(points).T
        now = np.interp(since_stable_s, time_s, cross_section_m2)
        sigma[:, beams == beam] = now[:, None]
    return rate, sigma


def _damping(cfg: Config, phase: str) -> DampingTimes:
    """Return damping times; the vertical plane of the cycle is damped only if asked for."""
    machine, both = cfg.machine, cfg.physics.damping
    if phase == INJECTION:
        tau_h = machine.tau_sr_xy_fb_s / S_PER_H if both else np.inf
        return DampingTimes(tau_h, tau_h, np.inf)
    tau_h, tau_l_h = machine.tau_sr_xy_ft_s / S_PER_H, machine.tau_sr_l_ft_s / S_PER_H
    return DampingTimes(tau_h, tau_h if both or phase == STABLE else np.inf, tau_l_h)


def _in_map(ibs: Ibs) -> InMap:
    """Return the damping that the parametrisation contains; at 450 GeV there is none."""
    if isinstance(ibs, IbsRates):
        return InMap(ibs.damping_time_xy_h, ibs.damping_time_l_h)
    if isinstance(ibs, IbsSet) and ibs.energy_gev == INJECTION_ENERGY_GEV:
        return InMap(np.inf, np.inf)
    return MAP_DAMPING_H


def _share(cfg: Config, bottom: bool) -> float:
    physics = cfg.physics
    if not physics.coupling:
        return 0.0
    if bottom:
        return coupling_share(physics.c_minus_fb, physics.tune_split_fb)
    return coupling_share(physics.c_minus_ft, physics.tune_split_ft)


def _noise(cfg: Config, bottom: bool, beams: IntArray) -> Noise:
    """Return the noise in both planes of each bunch.

    Kicks are given relative to the divergence, as is their growth at any energy. The noise of the
    monitors is a length, so that it counts less for the larger beam of injection.
    """
    physics, machine = cfg.physics, cfg.machine
    gain = physics.damper_gain_fb if bottom else physics.damper_gain_ft
    at_energy = machine.gamma_fb / machine.gamma_ft if bottom else 1.0

    def growth(noise: float) -> float:
        return kick_growth_um_h(noise, physics.noise_emittance_um, machine.f_rev_hz)

    kicks = [[growth(physics.kick_noise[f"{b}{p}"]) for b in beams] for p in ("h", "v")]
    monitors = [[growth(gain * physics.bpm_noise[f"{b}{p}"]) for b in beams] for p in ("h", "v")]
    spread = physics.tune_spread_fb if bottom else physics.tune_spread_ft
    return Noise(np.array(kicks), np.array(monitors) * at_energy, gain, spread)


def _extra_growth(cfg: Config, phase: str, beams: IntArray) -> FloatArray:
    given = cfg.physics.extra_growth.get(phase)
    if given is None:
        return np.zeros((2, beams.size))
    return np.array([[given[f"{beam}{plane}"] for beam in beams] for plane in ("h", "v")])
