"""Records of the step model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from lumimod.arrays import FloatArray
from lumimod.records.base import FAMILIES, FrameRows, floats
from lumimod.records.stable_beams import StableBeams, required
from lumimod.tables.lhc import BEAMS, EXPERIMENTS


@dataclass(frozen=True)
class ModelFamily:
    """One model's colliding or non-colliding bunches of one beam, (n_times - 1, n_slots)."""

    emit_h_um: FloatArray
    """Horizontal emittance."""
    emit_v_um: FloatArray
    """Vertical emittance."""
    emit_h_step_um: FloatArray
    """Horizontal emittance one modelled step after the state before; `emit_h_um` if modelled."""
    emit_v_step_um: FloatArray
    """Vertical emittance one modelled step after the state before; `emit_v_um` if modelled."""
    intensity_ppb: FloatArray
    """Protons in the bunch."""
    length_m: FloatArray
    """Bunch length, 1 sigma."""


_MODEL_KEYS = {
    "emit_h_um": "eh_interp_{}",
    "emit_v_um": "ev_interp_{}",
    "emit_h_step_um": "eh_interp_{}_IBScorr",
    "emit_v_step_um": "ev_interp_{}_IBScorr",
    "intensity_ppb": "b_inten_interp_{}",
    "length_m": "bl_interp_m_{}",
}


@dataclass(frozen=True)
class ModelResult:
    """One model of stable beams."""

    time_s: FloatArray
    """Times of the data, (n_times,), Unix seconds; the model lacks the last one."""
    bunches: Mapping[tuple[int, str], ModelFamily]
    """Bunches by (beam, family)."""
    bunch_lumi: Mapping[str, FloatArray]
    """Luminosity of each colliding pair by experiment, (n_times - 1, n_slots), in 1/(m^2 s)."""
    settings: Mapping[str, Any]
    """What is modelled and what follows the data."""
    case: Mapping[str, Any]
    """Names of all cases and their correction factors."""


@dataclass(frozen=True)
class StableBeamsModel:
    """Step model: all models of one case."""

    models: Mapping[str, ModelResult]
    """Results by the name of the model."""

    def to_dict(self) -> dict[Any, Any]:
        """Return the dict of fill_N_sbmodel_caseC.pkl.gz."""
        return {name: _model_to_dict(model) for name, model in self.models.items()}

    @classmethod
    def from_dict(cls, data: Mapping[Any, Any]) -> StableBeamsModel:
        """Return the record of a saved dict."""
        return cls({name: _model_from_dict(part) for name, part in data.items()})

    def to_rows(self, sb: StableBeams | None) -> Iterator[FrameRows]:
        """Return the rows of its DataFrame, by model, beam and family."""
        measured = required(sb, self).bunches
        for name, model in self.models.items():
            for (beam, family), b in model.bunches.items():
                columns = dict(vars(b))
                if family == "coll":
                    columns |= {f"lumi_{exp}_m2s": v for exp, v in model.bunch_lumi.items()}
                labels = {"model": name, "beam": beam, "family": family}
                yield FrameRows(labels, measured[beam, family].slots, columns, model.time_s[:-1])


def _model_to_dict(model: ModelResult) -> dict[str, Any]:
    out: dict[str, Any] = {
        "settings": dict(model.settings),
        "case": dict(model.case),
        "time_range": model.time_s,
        "bunch_lumi": dict(model.bunch_lumi),
    }
    for family in FAMILIES:
        for name, key in _MODEL_KEYS.items():
            out[key.format(family)] = {b: getattr(model.bunches[b, family], name) for b in BEAMS}
    return out


def _model_from_dict(data: Mapping[str, Any]) -> ModelResult:
    bunches = {
        (beam, family): ModelFamily(
            **{n: floats(data[k.format(family)][beam]) for n, k in _MODEL_KEYS.items()}
        )
        for beam in BEAMS
        for family in FAMILIES
    }
    lumi = {exp: floats(data["bunch_lumi"][exp]) for exp in EXPERIMENTS}
    return ModelResult(floats(data["time_range"]), bunches, lumi, data["settings"], data["case"])
