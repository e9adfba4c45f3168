"""Standard errors of the exponential fits, for the step fits."""

from __future__ import annotations

from collections.abc import Mapping

from lumimod.arrays import FloatArray
from lumimod.physics.expfit import ExpFit, ExpFits
from lumimod.physics.uncertainty import (
    ErrorsOfFits,
    FitErrors,
    errors_of_correlated,
    exponential_fit_errors,
    sample_noise,
)
from lumimod.records import BunchFamily, StableBeams
from lumimod.steps.context import FillContext

BeamFits = Mapping[tuple[int, str], Mapping[str, ExpFits]]
LumiFits = Mapping[tuple[str, str], ExpFits]

_SAMPLED, _INTERPOLATED, _SMOOTH = "sampled", "interpolated", "smooth"
_KIND = {
    "emit_h": _INTERPOLATED,
    "emit_v": _INTERPOLATED,
    "bl": _SAMPLED,
    "inten": _SAMPLED,
    "meas": _SAMPLED,
    "calc": _SMOOTH,
}
"""How the samples of a quantity come about."""


def fit_errors(
    ctx: FillContext,
    sb: StableBeams,
    beams: BeamFits,
    lumi: LumiFits,
    luminosities: Mapping[tuple[str, str], FloatArray],
) -> tuple[dict[tuple[int, str], dict[str, ErrorsOfFits]], dict[tuple[str, str], ErrorsOfFits]]:
    """Return the errors of the fits of all bunches, and of those of their luminosities.

    Those of emittances are from the scatter of the raw ones, which are interpolated; those of the
    calculated luminosity, which is made of smoothed emittances, from fewer independent samples.
    """
    length_s = ctx.cfg.analysis.t_fit_length_s
    keys = [(key, x) for key, fits in beams.items() for x in fits]
    calls = [
        (sb.time_s, _samples(sb.bunches[key])[x], beams[key][x], length_s, _KIND[x])
        for key, x in keys
    ]
    found = iter(ctx.workers.threads(_errors, calls))
    of_beams: dict[tuple[int, str], dict[str, ErrorsOfFits]] = {key: {} for key in beams}
    for (key, x), errors in zip(keys, found):
        of_beams[key][x] = errors
    calls = [(sb.time_s, luminosities[k], lumi[k], length_s, _KIND[k[1]]) for k in lumi]
    return of_beams, dict(zip(lumi, ctx.workers.threads(_errors, calls)))


def _samples(b: BunchFamily) -> dict[str, FloatArray]:
    """Return the raw samples of what is fitted, (n_times, n_slots)."""
    return {
        "emit_h": b.emit_h_raw_um,
        "emit_v": b.emit_v_raw_um,
        "bl": b.length_m,
        "inten": b.intensity_ppb,
    }


def _errors(
    time_s: FloatArray, values: FloatArray, fits: ExpFits, length_s: float, kind: str
) -> ErrorsOfFits:
    """Return the errors of both fits of a quantity."""
    first = time_s - time_s[0] < length_s
    noise = None if kind == _SMOOTH else sample_noise(values)
    return ErrorsOfFits(
        _of_span(time_s[first], values[first], fits.short, noise, kind),
        _of_span(time_s, values, fits.full, noise, kind),
    )


def _of_span(
    time_s: FloatArray, values: FloatArray, fit: ExpFit, noise: FloatArray | None, kind: str
) -> FitErrors:
    found = exponential_fit_errors(
        time_s, values, fit.init, fit.tau_s, interpolated=kind == _INTERPOLATED, noise=noise
    )
    return errors_of_correlated(found) if kind == _SMOOTH else found
