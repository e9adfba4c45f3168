"""Intra-beam scattering and synchrotron radiation, as a map over a finite time.

The parametrisation follows F. Antoniou, G. Arduini, Y. Papaphilippou et al., Building a
luminosity model for the LHC and HL-LHC, IPAC15, TUPTY020: horizontal emittance and bunch length
after a time t are closed expressions of intensity, emittance and length at its beginning, whose
coefficients are sums of powers of t. Where it has no coefficients, growth rates from first
principles are integrated. The vertical emittance is not touched by either.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Union

import numpy as np

from lumimod.arrays import FloatArray

Terms = tuple[tuple[float, float], ...]
"""Pairs (c, e) of the sum c*t**e, t in minutes."""

INJECTION_ENERGY_GEV = 450.0
LONGEST_PART_H = 0.5
"""Rates are integrated in parts of at most this: exact to 1e-7 for bunches of the LHC."""


@dataclass(frozen=True)
class IbsSet:
    """Coefficients for one energy and RF voltage."""

    energy_gev: float
    v_rf_mv: float
    terms: tuple[tuple[str, Terms], ...]

    def at(self, dt_s: FloatArray | float) -> dict[str, FloatArray]:
        """Return every coefficient for a step of `dt_s`; NaN for steps that are not positive."""
        minutes = np.where(np.asarray(dt_s) > 0, dt_s, np.nan) / 60.0
        return {
            name: np.asarray(sum(c * minutes**e for c, e in terms)) for name, terms in self.terms
        }


LogPolynomial = tuple[float, float, float, float, float, float]
"""Coefficients of 1, u, w, u^2, u*w, w^2; u, w: logarithms of emittance [um], length [ns]."""


@dataclass(frozen=True)
class IbsRates:
    """Growth rates and radiation damping at one energy and RF voltage."""

    energy_gev: float
    v_rf_mv: float
    emit_h: LogPolynomial
    """Logarithm of the relative growth rate of the horizontal emittance [1/h] at 1e11 protons."""
    bl4s: LogPolynomial
    """The same of the bunch length."""
    damping_time_xy_h: float
    """Of the transverse amplitudes by radiation: the emittance damps in half of it."""
    damping_time_l_h: float
    """Of the bunch length."""


Ibs = Union[IbsSet, IbsRates]


class BunchShape(NamedTuple):
    """What the map changes; arrays of any one shape."""

    emit_h_um: FloatArray
    bl4s_s: FloatArray


def ibs_map(
    ibs: Ibs,
    dt_s: FloatArray | float,
    n_ppb: FloatArray,
    emit_h_um: FloatArray,
    bl4s_s: FloatArray,
) -> BunchShape:
    """Return horizontal emittance and bunch length after `dt_s`.

    Parameters
    ----------
    ibs
        Coefficients of the energy and voltage.
    dt_s
        Length of the step; a number, or one per bunch. The parametrisation is not defined for a
        step of zero length: NaN, with rates too.
    n_ppb, emit_h_um, bl4s_s
        Intensity, normalised horizontal emittance and bunch length (4 sigma, in time) at the
        beginning; shapes broadcast. NaN in, NaN out.
    """
    if isinstance(ibs, IbsRates):
        return _integrated(ibs, np.asarray(dt_s), n_ppb, emit_h_um, bl4s_s)
    c = ibs.at(dt_s)
    step = _at_injection if ibs.energy_gev == INJECTION_ENERGY_GEV else _at_top_energy
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        emit, length_ns = step(c, n_ppb / 1e11, emit_h_um, bl4s_s * 1e9)
    return BunchShape(emit, length_ns / 1e9)


def parts_of(dt_s: FloatArray, longest_s: float, part_s: float) -> FloatArray:
    """Return into how many parts times are divided: 1 for those up to `longest_s`, and for NaN."""
    is_long = dt_s > longest_s
    return np.where(is_long, np.ceil(dt_s / part_s), 1.0)


def ibs_map_in_parts(
    ibs: Ibs,
    dt_s: FloatArray,
    n_ppb: FloatArray,
    emit_h_um: FloatArray,
    bl4s_s: FloatArray,
    *,
    longest_s: float,
    part_s: float,
) -> BunchShape:
    """Return what `ibs_map` does, with the parametrisation in parts for times above `longest_s`.

    Parts are equal and at most `part_s` long; each one begins where the one before it ended.
    Arguments are arrays of one shape, (n_bunches,): each bunch has its own time. Rates hold for
    any time, and are integrated as they are.
    """
    is_map = isinstance(ibs, IbsSet)
    n_parts = parts_of(dt_s, longest_s, part_s) if is_map else np.ones_like(dt_s)
    emit, bl4s = ibs_map(ibs, dt_s / n_parts, n_ppb, emit_h_um, bl4s_s)
    for done in range(1, int(n_parts.max(initial=1.0))):
        on = n_parts > done
        emit[on], bl4s[on] = ibs_map(ibs, (dt_s / n_parts)[on], n_ppb[on], emit[on], bl4s[on])
    return BunchShape(emit, bl4s)


def _at_injection(
    c: dict[str, FloatArray], n: FloatArray, x: FloatArray, z: FloatArray
) -> tuple[FloatArray, FloatArray]:
    ln_x, ln_z, ln_n = np.log(x), np.log(z), np.log(n)

    def power(scale: str, exponent: str, log: FloatArray) -> FloatArray:
        return c[scale] * np.exp(c[exponent] * log)

    growth_x = power("a00", "a01", ln_z) * np.exp(power("a10", "a11", ln_z) * ln_n)
    growth_z = power("a00l", "a01l", ln_x) * np.exp(power("a10l", "a11l", ln_x) * ln_n)
    return x * (1 + growth_x / x**2), z * (1 + growth_z / z**3)


def _at_top_energy(
    c: dict[str, FloatArray], n: FloatArray, x: FloatArray, z: FloatArray
) -> tuple[FloatArray, FloatArray]:
    # One logarithm each and exponentials from there: a general power costs several times more.
    ln_x, ln_z = np.log(x), np.log(z)

    def power(name: str, log: FloatArray) -> FloatArray:
        return c[name + "0"] * np.exp(c[name + "1"] * log)

    def shifted_power(name: str) -> FloatArray:
        return c[name + "0l"] * np.exp(c[name + "1l"] * ln_x) + c[name + "2l"]

    quadratic = (power("b0", ln_z) * n + power("b1", ln_z)) * n + power("b2", ln_z)
    linear = power("a1", ln_z) * n + power("a0", ln_z)
    p, q, r, s = (shifted_power(name) for name in ("a0", "a1", "b0", "b1"))
    length = (q * n + p) * np.exp(-3.3 * ln_z) + r * n + s
    return x * (quadratic + linear / x**2), z * length


def _integrated(
    ibs: IbsRates, dt_s: FloatArray, n_ppb: FloatArray, emit_h_um: FloatArray, bl4s_s: FloatArray
) -> BunchShape:
    """Integrate the rates by the Runge-Kutta method of fourth order, in logarithms."""
    hours = np.where(dt_s > 0, dt_s, np.nan) / 3600.0
    longest = np.max(hours, initial=0.0, where=np.isfinite(hours))
    n_parts = max(1, int(np.ceil(longest / LONGEST_PART_H)))
    part = hours / n_parts
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        ln_n = np.log(n_ppb / 1e11)
        start = (np.log(emit_h_um), np.log(bl4s_s * 1e9), ln_n, hours)
        state = np.stack(np.broadcast_arrays(*start)[:2])
        for _ in range(n_parts):
            k1 = _log_slopes(ibs, ln_n, state)
            k2 = _log_slopes(ibs, ln_n, state + part / 2 * k1)
            k3 = _log_slopes(ibs, ln_n, state + part / 2 * k2)
            k4 = _log_slopes(ibs, ln_n, state + part * k3)
            state = state + part / 6 * (k1 + 2 * (k2 + k3) + k4)
        return BunchShape(np.exp(state[0]), np.exp(state[1]) / 1e9)


def _log_slopes(ibs: IbsRates, ln_n: FloatArray, state: FloatArray) -> FloatArray:
    """Return the slopes of ln(emittance) and ln(length) in 1/h; growth is linear in intensity."""
    u, w = state

    def growth(c: LogPolynomial) -> FloatArray:
        return np.exp(ln_n + c[0] + u * (c[1] + c[3] * u + c[4] * w) + w * (c[2] + c[5] * w))

    by_emittance = growth(ibs.emit_h) - 2 / ibs.damping_time_xy_h
    return np.stack([by_emittance, growth(ibs.bl4s) - 1 / ibs.damping_time_l_h])
