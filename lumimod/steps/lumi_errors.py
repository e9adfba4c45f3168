"""Errors of the calculated luminosity, for the step losses."""

from __future__ import annotations

import numpy as np

from lumimod.arrays import FloatArray
from lumimod.config.settings import Config
from lumimod.physics.luminosity import beam_size_m
from lumimod.physics.uncertainty import (
    TRICUBE,
    BeamErrors,
    LumiFactors,
    lumi_error,
    lumi_factors,
    noise_of_mean,
    pair_errors,
    sample_noise,
)
from lumimod.records import BEAMS, EXPERIMENTS, IP_OF, BunchFamily, LumiError, StableBeams
from lumimod.steps.context import FillContext


def calculated_lumi_errors(ctx: FillContext, sb: StableBeams) -> dict[str, LumiError]:
    """Return the errors of the calculated luminosity of each experiment.

    The statistical one follows from the noise of what is measured of each bunch, the systematic
    one from the scale errors of config.py.
    """
    betastar_m = ctx.betastar_m(sb.time_s)
    smoothed = _variance_left(ctx.cfg)
    out = {}
    for exp in EXPERIMENTS:
        ip = IP_OF[exp]
        cross = sb.crossing_plane[ip]
        factors = lumi_factors(_piwinski(sb, ip, betastar_m[ip], ctx.cfg.machine.gamma_ft))
        one, two = (_noise(sb.bunches[beam, "coll"], cross, smoothed) for beam in BEAMS)
        common = lumi_error(factors, _scale_errors(ctx.cfg))
        out[exp] = LumiError(lumi_error(factors, pair_errors(one, two)), float(np.nanmean(common)))
    return out


def _variance_left(cfg: Config) -> float | None:
    """Return which part of the variance of an emittance smoothing leaves; None: not smoothed."""
    n_samples = cfg.bsrt.smoothing_time_s / cfg.analysis.t_step_s
    return min(1.0, TRICUBE / n_samples) if cfg.bsrt.smooth else None


def _piwinski(sb: StableBeams, ip: int, betastar_m: FloatArray, gamma: float) -> FloatArray:
    """Return the Piwinski parameter of each pair, mean over the fill, (n_slots,)."""
    one, two = (sb.bunches[beam, "coll"] for beam in BEAMS)
    name = f"emit_{sb.crossing_plane[ip]}_um"
    size_m = beam_size_m(
        getattr(one, name), getattr(two, name), betastar_m=betastar_m[:, None], gamma=gamma
    )
    length_m = (one.length_m + two.length_m) / 2
    return _mean(length_m / size_m * sb.xing_angle_rad[ip][:, None] / 2)


def _noise(b: BunchFamily, cross: str, variance_left: float | None) -> BeamErrors:
    """Return the relative noise of what is measured of each bunch of a beam."""
    sep = "v" if cross == "h" else "h"
    relative = [_emittance_noise(b, plane, variance_left) for plane in (sep, cross)]
    others = [sample_noise(values) / _mean(values) for values in (b.length_m, b.intensity_ppb)]
    return BeamErrors(*relative, *others)


def _emittance_noise(b: BunchFamily, plane: str, variance_left: float | None) -> FloatArray:
    """Return the relative noise of each bunch's emittance; `variance_left` None: not smoothed."""
    raw, smooth = getattr(b, f"emit_{plane}_raw_um"), getattr(b, f"emit_{plane}_um")
    if variance_left is None:
        return sample_noise(raw) / _mean(raw)
    return noise_of_mean(raw - smooth) / _mean(smooth) * np.sqrt(variance_left)


def _scale_errors(cfg: Config) -> LumiFactors:
    of = cfg.uncertainties
    emittance = np.asarray(of.emittance)
    length, betastar = np.asarray(of.bunch_length), np.asarray(of.betastar)
    return LumiFactors(emittance, emittance, length, betastar, of.dcct, of.dcct)


def _mean(values: FloatArray) -> FloatArray:
    """Return the mean over the times that have a value, (n_slots,); NaN without any."""
    seen = np.isfinite(values)
    with np.errstate(invalid="ignore"):
        return np.where(seen, values, 0.0).sum(axis=0) / seen.sum(axis=0)
