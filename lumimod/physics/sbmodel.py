"""Evolution of bunches in stable beams: IBS, radiation damping, elastic scattering, burn-off.

Source: F. Antoniou, G. Arduini, Y. Papaphilippou et al., Building a luminosity model for the LHC
and HL-LHC, IPAC15, TUPTY020. Several models run side by side as rows of one array: they differ
only in which quantities follow the data.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Callable, NamedTuple

import numpy as np

from lumimod.arrays import BoolArray, FloatArray, IntArray
from lumimod.physics.constants import SPEED_OF_LIGHT_M_S
from lumimod.physics.ibs import Ibs, ibs_map

N_IP = 2
"""High-luminosity interaction points."""
ELASTIC_SLOPE_GEV2 = 19.9
"""Slope of the elastic cross-section: mean square angle 1/(19.9 * E^2)."""


class Bunches(NamedTuple):
    """State of bunches; all four arrays of one shape, the last axis the bunches."""

    intensity_ppb: FloatArray
    emit_h_um: FloatArray
    emit_v_um: FloatArray
    length_m: FloatArray

    def at(self, index: int) -> Bunches:
        """Return one time of arrays whose first axis is time."""
        return Bunches(*(values[index] for values in self))


class FromData(NamedTuple):
    """Which quantities follow the data, one per model: (n_models, 1) each."""

    intensity: BoolArray
    emittance: BoolArray
    length: BoolArray


class ModelMachine(NamedTuple):
    """Parameters of the machine that the model needs."""

    ibs: Ibs
    gamma: float
    betastar_m: FloatArray | float
    """One for all, or (n_experiments, n_times)."""
    tau_sr_s: float
    """Damping time of the transverse emittance's amplitude."""
    sigma_boff_m2: float
    sigma_el_m2: float


class Evolution(NamedTuple):
    """Models of a beam through time: (n_models, n_times - 1, n_bunches) each.

    If only what is modelled was kept, the others are 0: state and data are the same where a model
    follows the data, state and modelled step elsewhere.
    """

    bunches: Bunches
    emit_h_step_um: FloatArray
    emit_v_step_um: FloatArray
    """Emittances one modelled step after the previous state, whatever the state then takes."""
    lumi: FloatArray
    """(n_experiments, n_models, n_times - 1, n_pairs), in 1/(m^2 s); the same for both beams."""


Luminosity = Callable[[Bunches, int], FloatArray]
"""Of the bunches at a time index: (n_experiments, n_models, n_pairs), in 1/(m^2 s)."""


Advance = Callable[[Bunches, Bunches, int, float], Bunches]
"""Returns every quantity modelled a step later: of the state, the measured bunches at the end of
the step, the index of the time at its beginning, and its length in s."""


def evolve(
    time_s: FloatArray,
    beams: Sequence[Bunches],
    from_data: FromData,
    machine: ModelMachine | Advance,
    luminosity: Luminosity | None = None,
    *,
    only_modelled: bool = False,
) -> list[Evolution]:
    """Return the evolution of each beam's bunches from their measured state at the first time.

    Parameters
    ----------
    time_s
        (n_times,). The models have all but the last.
    beams
        Measured bunches of each beam, (n_times, n_bunches).
    from_data
        What each model takes from the data.
    machine
        Machine parameters, for the step of the original; or what makes a step with all effects.
    luminosity
        Of colliding bunches, those of beam 1, then those of beam 2, in the same order. None for
        bunches that do not collide.
    only_modelled
        Keep nothing twice, and nothing of the data: half of the memory.
    """
    n_models, n_steps = from_data.intensity.shape[0], time_s.size - 1
    data = Bunches(*(np.concatenate(of_beams, axis=1) for of_beams in zip(*beams)))
    n_bunches = [beam.intensity_ppb.shape[1] for beam in beams]
    last = np.cumsum(n_bunches)
    columns = [slice(end - n, end) for n, end in zip(n_bunches, last)]
    # Zeros take no memory until they are written to.
    kept = [[np.zeros((n_models, n_steps, n)) for _ in range(6)] for n in n_bunches]
    rows = _rows_kept(from_data) if only_modelled else [np.arange(n_models)] * 6
    stored = [  # by model and quantity, and where in the state it is
        (arrays[k][model], k, (model, own))
        for arrays, own in zip(kept, columns)
        for k, models in enumerate(rows)
        for model in models
    ]
    n_pairs = int(last[-1]) // 2 if luminosity else 0
    lumi_out = np.empty((0 if luminosity is None else 2, n_models, n_steps, n_pairs))
    state = Bunches(*(np.repeat(v[:1], n_models, axis=0) for v in data))
    modelled = state
    for i in range(n_steps):
        now = (*state, modelled.emit_h_um, modelled.emit_v_um)
        for values, k, place in stored:
            values[i] = now[k][place]
        if luminosity is not None:
            lumi_out[:, :, i] = luminosity(state, i)
        dt_s = time_s[i + 1] - time_s[i]
        if isinstance(machine, ModelMachine):
            collisions = _collisions(lumi_out[:, :, i], machine, i) if luminosity else None
            modelled = _step(state, dt_s, collisions, machine)
        else:
            modelled = machine(state, data.at(i + 1), i, dt_s)
        state = _choose(from_data, data.at(i + 1), modelled)
    return [Evolution(Bunches(*out), h, v, lumi_out) for *out, h, v in kept]


def _rows_kept(from_data: FromData) -> list[IntArray]:
    """Return the models whose state is modelled, by quantity, and whose steps are not the state."""
    intensity, emittance, length = (np.flatnonzero(~follows) for follows in from_data)
    steps = np.flatnonzero(from_data.emittance)
    return [intensity, emittance, emittance, length, steps, steps]


class _Collisions(NamedTuple):
    """Mean of the experiments, for the bunches of both beams, (n_models, n_bunches)."""

    lumi: FloatArray
    lumi_scattering: FloatArray
    """Weighted by beta*, to which the growth by a scattering is proportional."""
    betastar_m: float
    """Mean of the experiments."""


def _collisions(lumi: FloatArray, machine: ModelMachine, index: int) -> _Collisions:
    """Return what the step needs, given the luminosity of each experiment at a time."""
    of_time = np.asarray(machine.betastar_m)
    betastar_m = np.broadcast_to(of_time[..., index] if of_time.ndim else of_time, (2,))
    mean_m = betastar_m.mean()
    weight = (betastar_m / mean_m)[:, None, None]  # 1 exactly where all beta* are the same
    both, scattering = (np.tile(values.mean(axis=0), 2) for values in (lumi, lumi * weight))
    return _Collisions(both, scattering, mean_m)


def _step(
    state: Bunches, dt_s: float, collisions: _Collisions | None, machine: ModelMachine
) -> Bunches:
    """Return every quantity modelled a step later."""
    emit_h, bl4s_s = ibs_map(
        machine.ibs,
        dt_s,
        state.intensity_ppb,
        state.emit_h_um,
        state.length_m * (4 / SPEED_OF_LIGHT_M_S),
    )
    emit_v = state.emit_v_um * np.exp(-2 * dt_s / machine.tau_sr_s)
    intensity = state.intensity_ppb
    if collisions is not None:
        growth_um = dt_s * elastic_growth_um_s(
            intensity,
            collisions.lumi_scattering,
            machine._replace(betastar_m=collisions.betastar_m),
        )
        emit_h, emit_v = emit_h + growth_um, emit_v + growth_um
        with np.errstate(divide="ignore", invalid="ignore"):
            loss = dt_s * machine.sigma_boff_m2 * N_IP * collisions.lumi / intensity
        intensity = intensity / (1 + loss)
    return Bunches(intensity, emit_h, emit_v, bl4s_s * (SPEED_OF_LIGHT_M_S / 4))


def elastic_growth_um_s(
    intensity_ppb: FloatArray, lumi: FloatArray, machine: ModelMachine
) -> FloatArray:
    """Return the emittance growth by elastic scattering at the IPs, in um/s, in each plane.

    `lumi` in 1/(m^2 s) is that of one interaction point. Half of the mean square angle goes to
    each plane, and half of the rms growth of action is emittance.
    """
    mean_square_angle = 1 / (ELASTIC_SLOPE_GEV2 * machine.ibs.energy_gev**2)
    with np.errstate(divide="ignore", invalid="ignore"):
        rate_hz = N_IP * lumi * machine.sigma_el_m2 / intensity_ppb
    growth_m_s = 0.5 * machine.gamma * machine.betastar_m * mean_square_angle / 2 * rate_hz
    return growth_m_s * 1e6


def _choose(from_data: FromData, data: Bunches, modelled: Bunches) -> Bunches:
    return Bunches(
        np.where(from_data.intensity, data.intensity_ppb, modelled.intensity_ppb),
        np.where(from_data.emittance, data.emit_h_um, modelled.emit_h_um),
        np.where(from_data.emittance, data.emit_v_um, modelled.emit_v_um),
        np.where(from_data.length, data.length_m, modelled.length_m),
    )
