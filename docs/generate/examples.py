"""A small example of each record, in which every dimension has a size of its own."""

from __future__ import annotations

from itertools import product

import numpy as np

from lumimod.arrays import FloatArray, IntArray
from lumimod.physics.expfit import ExpFit, ExpFits
from lumimod.physics.filling import BunchFamilies
from lumimod.physics.uncertainty import ErrorsOfFits, FitErrors
from lumimod.records import (
    BEAMS,
    EXPERIMENTS,
    FAMILIES,
    FITTED,
    INTERVALS,
    BeamLifetime,
    BeamLosses,
    BunchFamily,
    CalculatedLumi,
    Cycle,
    CycleInterval,
    FamilyGrowth,
    FillLosses,
    Fits,
    GrowthBeyond,
    Instant,
    Lifetime,
    LumiEmittance,
    LumiError,
    MeasuredLumi,
    ModelFamily,
    ModelResult,
    PlaneGrowth,
    StableBeams,
    StableBeamsModel,
)

N_TIMES, N_COLL, N_NONCOLL, N_WINDOWS = 7, 3, 2, 4
N_SLOTS = dict(zip(FAMILIES, (N_COLL, N_NONCOLL)))
POINTS = (1, 5)
KINDS = ("calc", "meas")
MODEL = "IBSBOff"


def _array(*shape: int) -> FloatArray:
    return np.zeros(shape)


def _slots(n: int) -> IntArray:
    return np.arange(n)


def _per_experiment(n_times: int = N_TIMES) -> dict[str, FloatArray]:
    return {experiment: _array(n_times, N_COLL) for experiment in EXPERIMENTS}


def _per_point() -> dict[int, FloatArray]:
    return {ip: _array(N_TIMES) for ip in POINTS}


def _fits(n: int) -> ExpFits:
    return ExpFits(ExpFit(_array(n), _array(n)), ExpFit(_array(n), _array(n)))


def _errors(n: int) -> ErrorsOfFits:
    short, full = (FitErrors(*(_array(n) for _ in range(4))) for _ in range(2))
    return ErrorsOfFits(short, full)


def _family(n: int) -> BunchFamily:
    fits = {x: _fits(n) for x in FITTED}
    return BunchFamily(_slots(n), *(_array(N_TIMES, n) for _ in range(6)), fits)


def stable_beams() -> StableBeams:
    """Return the record of step sb, with crossing planes that are saved."""
    return StableBeams(
        _array(N_TIMES),
        {(beam, family): _family(N_SLOTS[family]) for beam, family in product(BEAMS, FAMILIES)},
        _per_point(),
        {beam: _array(N_TIMES - 1, N_COLL) for beam in BEAMS},
        {1: "h", 5: "v"},
    )


def _instant(*, measured: bool) -> Instant:
    return Instant(*(_array(N_COLL) for _ in range(6 if measured else 4)))


def cycle(*, measured: bool = True) -> Cycle:
    """Return the record of step cycle, measured or modelled."""
    limits = (0.0, 1.0) if measured else (None, None)
    return Cycle(
        {
            (beam, interval): CycleInterval(
                _slots(N_COLL), _instant(measured=measured), _instant(measured=measured), *limits
            )
            for beam, interval in product(BEAMS, INTERVALS)
        }
    )


def calculated_lumi() -> CalculatedLumi:
    """Return the record of step lumi."""
    return CalculatedLumi(_array(N_TIMES), _per_experiment(), _per_point(), _per_point())


def measured_lumi() -> MeasuredLumi:
    """Return the record of step massi."""
    return MeasuredLumi(_per_experiment())


def fits() -> Fits:
    """Return the record of step fits."""
    return Fits(
        {
            (beam, family): {x: _fits(N_SLOTS[family]) for x in FITTED}
            for beam, family in product(BEAMS, FAMILIES)
        },
        {key: _fits(N_COLL) for key in product(EXPERIMENTS, KINDS)},
        {
            (beam, family): {x: _errors(N_SLOTS[family]) for x in FITTED}
            for beam, family in product(BEAMS, FAMILIES)
        },
        {key: _errors(N_COLL) for key in product(EXPERIMENTS, KINDS)},
    )


def lifetime() -> Lifetime:
    """Return the record of step lifetime."""
    n = N_TIMES - 1
    return Lifetime(
        _array(N_TIMES),
        {
            beam: BeamLifetime(
                _slots(N_COLL),
                tau_s=_array(n, N_COLL),
                rate_ppb_s=_array(n, N_COLL),
                total_tau_s=_array(n),
                tau_boff_corrected_s=_array(n, N_COLL),
                sigma_m2=_array(n, N_COLL),
                total_tau_boff_corrected_s=_array(n),
            )
            for beam in BEAMS
        },
    )


def losses() -> FillLosses:
    """Return the record of step losses."""
    n = N_COLL + N_NONCOLL
    number = iter(np.linspace(0.1, 0.9, 9).tolist())  # told apart by being other objects
    beams = {
        beam: BeamLosses(
            _slots(N_COLL),
            _array(N_WINDOWS, N_COLL),
            _array(N_WINDOWS, N_COLL),
            _array(N_COLL),
            _array(N_COLL),
            _array(N_WINDOWS),
            _array(N_WINDOWS),
            next(number),
            next(number),
            BunchFamilies(*(_slots(n) for _ in BunchFamilies._fields)),
        )
        for beam in BEAMS
    }
    return FillLosses(
        _array(N_TIMES),
        _array(N_WINDOWS),
        "measured",
        list(EXPERIMENTS),
        next(number),
        {exp: LumiError(_array(N_COLL), next(number)) for exp in EXPERIMENTS},
        _per_experiment(),
        beams,
    )


def lumi_emittance() -> LumiEmittance:
    """Return the record of step emittance, of a levelled fill."""
    return LumiEmittance(
        _array(N_TIMES),
        _slots(N_COLL),
        _array(N_TIMES, N_COLL),
        _array(N_TIMES, N_COLL),
        _array(N_COLL),
        _array(N_COLL),
        float("0.25"),
        float("0.5"),
        _array(N_TIMES),
        _array(N_TIMES),
        {exp: _array(N_TIMES) for exp in EXPERIMENTS},
    )


def growth() -> GrowthBeyond:
    """Return the record of step growth, of one case."""
    families = {
        (beam, family): FamilyGrowth(
            _slots(n),
            {p: PlaneGrowth(*(_array(n) for _ in range(3)), _array(N_TIMES - 1)) for p in "hv"},
        )
        for beam, (family, n) in product(BEAMS, N_SLOTS.items())
    }
    return GrowthBeyond(_array(N_TIMES), "EmpiricalBlowupLosses", {"1": families})


def model() -> StableBeamsModel:
    """Return the record of step model, of one model."""
    n = N_TIMES - 1
    bunches = {
        (beam, family): ModelFamily(*(_array(n, N_SLOTS[family]) for _ in range(6)))
        for beam, family in product(BEAMS, FAMILIES)
    }
    settings = {"BOff": 1, "emitBU": "Model", "blengthBU": "Model"}
    settings |= {
        f"tau_empirical_{plane}{beam}_{family}": _array(N_SLOTS[family])
        for plane, beam, family in product("hv", BEAMS, FAMILIES)
    }
    case = {"case": [1]} | {f"cor_fact_{beam}{plane}": [1.0] for beam in BEAMS for plane in "hv"}
    result = ModelResult(_array(N_TIMES), bunches, _per_experiment(n), settings, case)
    return StableBeamsModel({MODEL: result})
