"""What pictures are drawn from: the results of a fill, and the registry's entry of a picture."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple, Union

from matplotlib.figure import Figure

from lumimod.plots.style import Style
from lumimod.records import (
    CalculatedLumi,
    Cycle,
    Fits,
    Lifetime,
    MeasuredLumi,
    StableBeams,
    StableBeamsModel,
)


@dataclass(frozen=True)
class SbResults:
    """Stable beams; what is None was not made."""

    fill: int
    sb: StableBeams
    lumi_calc: CalculatedLumi | None
    lumi_meas: MeasuredLumi | None
    fits: Fits | None
    lifetime: Lifetime | None
    sigma_boff_m2: float
    """Burn-off cross-section, a reference line among the losses."""
    level_m2s: float | None = None
    """Luminosity at which config.py says the fill was levelled, in 1/(m^2 s)."""


@dataclass(frozen=True)
class CycleResults:
    """The measured cycle."""

    fill: int
    cycle: Cycle


@dataclass(frozen=True)
class CycleModelResults:
    """The cycle, measured and as the IBS model has it."""

    fill: int
    cycle: Cycle
    model: Cycle
    """Each interval from its measured start."""
    chained: Cycle
    """Flat top from the modelled end of injection."""


@dataclass(frozen=True)
class ModelResults:
    """Stable beams beside all models of one case; what is None was not made."""

    fill: int
    case: str
    sb: StableBeams
    model: StableBeamsModel
    lumi_calc: CalculatedLumi | None
    lumi_meas: MeasuredLumi | None
    level_m2s: float | None = None
    """As of `SbResults`: no model goes above it."""


Results = Union[SbResults, CycleResults, CycleModelResults, ModelResults]


class Picture(NamedTuple):
    """A picture by the name of its file, without fill and format."""

    name: str
    draw: Callable[[Any, Style], Figure]
    """From the `Results` of its family; Any, as each family's function takes its own kind."""
