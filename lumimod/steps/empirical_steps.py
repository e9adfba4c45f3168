"""Modelled steps from the measured emittances: what the step growth needs of the models."""

from __future__ import annotations

from typing import NamedTuple

from lumimod.arrays import FloatArray
from lumimod.records import ModelFamily, StableBeamsModel

MEASURED_EMITTANCES = ("EmpiricalBlowupLosses", "EmpiricalBlowupBOff")
"""Models that start each step from the measured emittances, the best first."""


class StepEmittances(NamedTuple):
    """Emittances of one model's bunches of one beam and family, in um."""

    emit_h_um: FloatArray
    emit_v_um: FloatArray
    emit_h_step_um: FloatArray
    emit_v_step_um: FloatArray

    @classmethod
    def of(cls, bunches: ModelFamily) -> StepEmittances:
        """Return those of a part of the record."""
        return cls(*(getattr(bunches, name) for name in cls._fields))


class EmpiricalSteps(dict[str, dict[tuple[int, str], StepEmittances]]):
    """What the step growth needs of a result: by model of MEASURED_EMITTANCES, beam and family."""

    @classmethod
    def of(cls, result: StableBeamsModel) -> EmpiricalSteps:
        """Return those of one case."""
        found = {name: result.models[name] for name in MEASURED_EMITTANCES if name in result.models}
        return cls(
            (name, {key: StepEmittances.of(bunches) for key, bunches in model.bunches.items()})
            for name, model in found.items()
        )
