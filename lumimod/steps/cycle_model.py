"""Injection and flat top as the model has them, and for which times it is not made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Callable

import numpy as np

from lumimod.arrays import FloatArray
from lumimod.config.settings import Config
from lumimod.errors import Note
from lumimod.physics.constants import SPEED_OF_LIGHT_M_S
from lumimod.physics.full import advance
from lumimod.physics.ibs import INJECTION_ENERGY_GEV, Ibs, IbsSet, ibs_map_in_parts, parts_of
from lumimod.physics.sbmodel import Bunches
from lumimod.records import BEAMS, CycleInterval, Instant
from lumimod.records.made import Made
from lumimod.steps.context import FillContext
from lumimod.steps.effects import FLAT_TOP, INJECTION, Acting, note_range, physics_of
from lumimod.tables.ibs import LONGEST_IBS_STEP_S, SHORTEST_IBS_STEP_S, ibs_of

PHASE_OF: Mapping[str, str] = {"Injection": INJECTION, "he_before_SB": FLAT_TOP}
PART_OF_LONG_WAIT_S = 1800.0
Times = Mapping[tuple[int, str], CycleInterval]
End = Callable[[FloatArray, Instant, FloatArray], Instant]
"""Returns bunches after some times, from a start, with their intensities."""

_LONG = (
    f"stayed longer than an hour, where the IBS parametrisation does not hold in one step: they "
    f"are modelled in parts of at most {PART_OF_LONG_WAIT_S / 60:.0f} minutes"
)
_SHORT = (
    "stayed less than 5 minutes, where the IBS parametrisation has too little growth (in 1 minute "
    '17 % too little in emittance, 60 % in length); ibs = "rates" in config.py has no such limit'
)
_IN_ONE_STEP = "longer than an hour, where the IBS parametrisation overestimates the growth"
"""Said in results of earlier versions, which modelled long waits in one step."""


def model_of(cfg: Config) -> dict[tuple[int, str], End]:
    """Return what becomes of the bunches of each beam in each interval.

    Raises
    ------
    ConfigError
        There are no coefficients, or rates, of scattering for the energy and the voltage.
    """
    return {(beam, name): _end_of(cfg, beam, name) for name in PHASE_OF for beam in BEAMS}


def modelled(end: End, measured: CycleInterval, start: Instant) -> CycleInterval:
    """Return the interval as the model has it, from `start`, over each bunch's own time."""
    assert measured.start.intensity_ppb is not None  # noqa: S101 - measured intervals have it
    start = replace(start, intensity_ppb=None, brightness_ppb_um=None)
    duration_s = measured.end.time_s - measured.start.time_s
    after = end(duration_s, start, measured.start.intensity_ppb)
    return CycleInterval(measured.slots, start, replace(after, time_s=measured.end.time_s))


def note_times(ctx: FillContext, measured: Times) -> None:
    """Say where parametrisation or rates are not made for the bunches and their times."""
    for (beam, name), interval in measured.items():
        if ctx.cfg.physics.rates:
            start = interval.start
            note_range(ctx, name, beam, start.emit_h_um, start.emit_v_um, start.bl4s_s)
            continue
        ibs = _ibs(ctx.cfg, name)
        duration_s = interval.end.time_s - interval.start.time_s
        n_long = int((duration_s > LONGEST_IBS_STEP_S).sum())
        n_short = int(((duration_s > 0) & (duration_s < SHORTEST_IBS_STEP_S)).sum())
        if n_long and isinstance(ibs, IbsSet):
            _note_bunches(ctx, beam, name, n_long, _LONG)
        if n_short and ibs.energy_gev == INJECTION_ENERGY_GEV:
            _note_bunches(ctx, beam, name, n_short, _SHORT)


def superseded(made: Made) -> str:
    """Return why a result of an earlier version is not what it would be now, if so."""
    in_one_step = any(_IN_ONE_STEP in str(note.get("text")) for note in made.notes)
    return "waits of over an hour were modelled in one step" if in_one_step else ""


def _note_bunches(ctx: FillContext, beam: int, name: str, n_bunches: int, words: str) -> None:
    text = f"{name} of beam {beam}: {n_bunches} bunches {words}"
    ctx.note(Note("ibs", text, beam=beam, numbers={"bunches": n_bunches}))


def _ibs(cfg: Config, name: str) -> Ibs:
    m = cfg.machine
    if PHASE_OF[name] == INJECTION:
        return ibs_of(m.gamma_fb, m.v_rf_fb_v)
    return ibs_of(m.gamma_ft, m.v_rf_ft_v)


def _end_of(cfg: Config, beam: int, name: str) -> End:
    if cfg.physics.original_cycle:
        return partial(_by_map, _ibs(cfg, name))
    return partial(_by_all_effects, physics_of(cfg, PHASE_OF[name], np.array([beam])))


def _by_map(ibs: Ibs, duration_s: FloatArray, start: Instant, n_ppb: FloatArray) -> Instant:
    """Return the end as the original has it: the vertical emittance stays as it was."""
    emit_h, length = ibs_map_in_parts(
        ibs,
        duration_s,
        n_ppb,
        start.emit_h_um,
        start.bl4s_s,
        longest_s=LONGEST_IBS_STEP_S,
        part_s=PART_OF_LONG_WAIT_S,
    )
    return Instant(start.time_s, emit_h, start.emit_v_um, length)


def _by_all_effects(
    physics: Acting, duration_s: FloatArray, start: Instant, n_ppb: FloatArray
) -> Instant:
    length_m = start.bl4s_s * SPEED_OF_LIGHT_M_S / 4
    bunches = Bunches(n_ppb, start.emit_h_um, start.emit_v_um, length_m)
    n_parts = np.ones(duration_s.shape)
    if physics.parametrised is not None and isinstance(physics.parametrised.ibs, IbsSet):
        n_parts = parts_of(duration_s, LONGEST_IBS_STEP_S, PART_OF_LONG_WAIT_S)
    part_s = duration_s / n_parts
    for done in range(int(n_parts.max(initial=1.0))):
        on = n_parts > done
        later = advance(
            bunches,
            np.where(on, part_s, np.nan),
            physics.effects,
            parametrised=physics.parametrised,
        )
        bunches = Bunches(*(np.where(on, new, old) for new, old in zip(later, bunches)))
    bl4s_s = bunches.length_m * 4 / SPEED_OF_LIGHT_M_S
    return Instant(start.time_s, bunches.emit_h_um, bunches.emit_v_um, bl4s_s)
