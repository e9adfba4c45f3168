"""Results of the steps: frozen records in memory, plain dicts of arrays on disk.

In: the arrays that a step computed, or a result file.
Out: the result file, or the record; its keys are spelled here and nowhere else.
May import: errors, arrays, atomic, config, paths, physics, readers, tables.
To add a result: a record with `to_dict`, `from_dict` and `to_rows` in a module here; its file is
`FillPaths.result` of a name.

Arrays are (n_times, n_slots) unless said otherwise, NaN where there is no value. Beams are 1 and
2; a family is "coll" (slots filled in both beams) or "noncoll".
"""

from lumimod.records.base import FAMILIES, FITTED, FrameRows
from lumimod.records.cycle import INTERVALS, Cycle, CycleInterval, Instant
from lumimod.records.fits import Fits
from lumimod.records.growth import FamilyGrowth, GrowthBeyond, PlaneGrowth
from lumimod.records.losses import BeamLosses, FillLosses, LumiError
from lumimod.records.lumi import CalculatedLumi, MeasuredLumi
from lumimod.records.lumi_emittance import LumiEmittance
from lumimod.records.model import ModelFamily, ModelResult, StableBeamsModel
from lumimod.records.record import R, Record, parse
from lumimod.records.stable_beams import BeamLifetime, BunchFamily, Lifetime, StableBeams
from lumimod.tables.lhc import BEAMS, EXPERIMENTS, IP_OF

__all__ = [
    "BEAMS",
    "EXPERIMENTS",
    "FAMILIES",
    "FITTED",
    "INTERVALS",
    "IP_OF",
    "BeamLifetime",
    "BeamLosses",
    "BunchFamily",
    "CalculatedLumi",
    "Cycle",
    "CycleInterval",
    "Fits",
    "GrowthBeyond",
    "Instant",
    "Lifetime",
    "FamilyGrowth",
    "FillLosses",
    "LumiEmittance",
    "LumiError",
    "MeasuredLumi",
    "ModelFamily",
    "ModelResult",
    "PlaneGrowth",
    "R",
    "Record",
    "FrameRows",
    "StableBeams",
    "StableBeamsModel",
    "parse",
]
