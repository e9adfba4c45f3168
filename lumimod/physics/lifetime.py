"""Intensity lifetimes and losses per luminosity."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from lumimod.arrays import FloatArray


class Losses(NamedTuple):
    """Losses between successive times; every array is (n_times - 1, ...) like its input."""

    tau_s: FloatArray
    """Intensity lifetime -N/(dN/dt), in s; negative where the intensity grows."""
    tau_boff_corrected_s: FloatArray
    """Lifetime of the losses beyond burn-off, in s."""
    rate_ppb_s: FloatArray
    """|dN/dt|, in protons per second."""
    sigma_m2: FloatArray
    """|dN/dt|/L, the effective cross-section of all losses, in m^2."""


def intensity_lifetime(time_s: FloatArray, intensity_ppb: FloatArray) -> FloatArray:
    """Return -1/((N[i+1]-N[i])/dt/N[i]), in s: (n_times - 1, ...), time on the first axis.

    A constant intensity gives -inf.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        return -1 / (_slope(time_s, intensity_ppb) / intensity_ppb[:-1])


def losses(
    time_s: FloatArray, intensity_ppb: FloatArray, lumi: FloatArray, *, sigma_boff_m2: float
) -> Losses:
    """Return lifetimes and loss rates of intensities that burn off at luminosity `lumi`.

    Parameters
    ----------
    time_s
        (n_times,).
    intensity_ppb, lumi
        (n_times,) or (n_times, n_slots); `lumi` in 1/(m^2 s), summed over the experiments.
    sigma_boff_m2
        Cross-section of the burn-off: 1/tau_boff = sigma*L/N.

    Notes
    -----
    F. Antoniou et al., Can we predict luminosity?, Evian workshop 2016.
    """
    tau_s = intensity_lifetime(time_s, intensity_ppb)
    rate = np.abs(_slope(time_s, intensity_ppb))
    with np.errstate(divide="ignore", invalid="ignore"):
        tau_boff_s = intensity_ppb[:-1] / (sigma_boff_m2 * lumi[:-1])
        return Losses(tau_s, 1 / (1 / tau_s - 1 / tau_boff_s), rate, rate / lumi[:-1])


def _slope(time_s: FloatArray, values: FloatArray) -> FloatArray:
    dt_s = np.diff(time_s).reshape((-1,) + (1,) * (values.ndim - 1))
    return np.diff(values, axis=0) / dt_s
