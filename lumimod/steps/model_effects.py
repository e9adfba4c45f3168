"""Luminosity of the stable-beams models, and their steps with all effects."""

from __future__ import annotations

import numpy as np

from lumimod.arrays import FloatArray
from lumimod.config.settings import Config
from lumimod.physics.effects import Collisions, Effects
from lumimod.physics.full import Collide, steps_of
from lumimod.physics.luminosity import experiment_luminosity, level, piwinski
from lumimod.physics.sbmodel import Advance, Bunches, FromData, Luminosity
from lumimod.records import BEAMS, EXPERIMENTS, IP_OF, StableBeams
from lumimod.steps.effects import STABLE, extra_losses, physics_of


def steps_with_all_effects(
    sb: StableBeams,
    cfg: Config,
    family: str,
    from_data: FromData,
    collide: Collide | None,
) -> Advance:
    """Return the steps of the models with all effects that config.py asks for."""
    beams = np.concatenate([np.full(sb.bunches[b, family].slots.size, b) for b in BEAMS])
    physics = physics_of(cfg, STABLE, beams)
    middle_s = (sb.time_s[:-1] + sb.time_s[1:]) / 2 - sb.time_s[0]
    per_h, cross_section_m2 = extra_losses(cfg, middle_s, beams)

    def effects(index: int) -> Effects:
        return physics.effects._replace(
            extra_loss_per_h=per_h[index], extra_loss_m2=cross_section_m2[index]
        )

    return steps_of(effects, from_data, parametrised=physics.parametrised, collide=collide)


def luminosity_of(
    sb: StableBeams, cfg: Config, betastar_m: dict[int, FloatArray], fill: int
) -> Luminosity:
    """Return the luminosity of both experiments as a function of the bunches and the time."""
    machine = cfg.machine
    level_m2s = cfg.model.leveling.get(fill)

    def luminosity(state: Bunches, index: int) -> FloatArray:
        n, emit_h, emit_v, length = (np.split(values, 2, axis=-1) for values in state)
        out = [
            experiment_luminosity(
                sb.crossing_plane[IP_OF[exp]],
                (n[0], n[1]),
                (emit_h[0], emit_h[1]),
                (emit_v[0], emit_v[1]),
                (length[0], length[1]),
                sb.xing_angle_rad[IP_OF[exp]][index],
                betastar_m=betastar_m[IP_OF[exp]][index],
                gamma=machine.gamma_ft,
                f_rev_hz=machine.f_rev_hz,
            )
            for exp in EXPERIMENTS
        ]
        return np.stack([o if level_m2s is None else level(o, level_m2s) for o in out])

    return luminosity


def collisions_of(
    sb: StableBeams, cfg: Config, betastar_m: dict[int, FloatArray], luminosity: Luminosity
) -> Collide:
    """Return the collisions of both experiments as a function of the bunches and the time."""
    ips = [IP_OF[exp] for exp in EXPERIMENTS]
    planes = tuple(sb.crossing_plane[ip] for ip in ips)

    def phi(state: Bunches, index: int, ip: int, plane: str) -> FloatArray:
        one, two = np.split(state.emit_h_um if plane == "h" else state.emit_v_um, 2, axis=-1)
        lengths = np.split(state.length_m, 2, axis=-1)
        return piwinski(
            one,
            two,
            (lengths[0] + lengths[1]) / 2,
            sb.xing_angle_rad[ip][index],
            betastar_m=betastar_m[ip][index],
            gamma=cfg.machine.gamma_ft,
        )

    def collide(state: Bunches, index: int) -> Collisions:
        lumi = luminosity(state, index)
        parameters = np.stack([phi(state, index, ip, plane) for ip, plane in zip(ips, planes)])
        return Collisions(
            np.concatenate([lumi, lumi], axis=-1),
            np.concatenate([parameters, parameters], axis=-1),
            planes,
            np.array([betastar_m[ip][index] for ip in ips]),
        )

    return collide
