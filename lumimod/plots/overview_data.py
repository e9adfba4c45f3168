"""What the overview of a fill shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from lumimod.arrays import FloatArray
from lumimod.plots.sb_results import SbResults
from lumimod.plots.totals import reached, total
from lumimod.readers.bmodes import FillModes


@dataclass(frozen=True)
class OverviewData:
    """What the overview shows; what there is not is None."""

    sb: SbResults
    model_lumi: Mapping[str, FloatArray] | None
    """Of the model that takes nothing from the data, by experiment, (n_times - 1, n_slots)."""
    facts: Mapping[str, Any]
    modes: FillModes | None

    @cached_property
    def bunch_lumi(self) -> dict[str, Mapping[str, FloatArray]]:
        """Luminosities by kind and experiment, (n_times, n_slots), in 1/(m^2 s); what there is."""
        return {
            "measured": self.sb.lumi_meas.bunch_lumi if self.sb.lumi_meas else {},
            "calculated": self._calculated(),
            "modelled": self.model_lumi or {},
        }

    @cached_property
    def total_lumi(self) -> dict[str, dict[str, FloatArray]]:
        """Their sums over bunches, (n_times,)."""
        return {
            kind: {exp: total(values) for exp, values in of.items()}
            for kind, of in self.bunch_lumi.items()
        }

    @property
    def losses_of_calculated(self) -> bool:
        """Whether cross-sections and pile-up are of the calculated luminosity."""
        return self.sb.losses is not None and self.sb.losses.lumi == "calculated"

    def _calculated(self) -> dict[str, FloatArray]:
        of = self.sb
        if of.lumi_calc is None:
            return {}
        each = of.lumi_calc.bunch_lumi.items()
        return {exp: reached(of_exp, of.sb.time_s, of.about, of.level_m2s) for exp, of_exp in each}
