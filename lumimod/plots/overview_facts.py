"""The block of facts of the overview."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from lumimod.arrays import FloatArray
from lumimod.plots.numbers import power_of
from lumimod.records import BEAMS

NOT_KNOWN = "–"


def fact_rows(known: Mapping[str, Any], *, of_calculated: bool = False) -> list[tuple[str, str]]:
    """Return names and values of the block of facts; a heading has no value.

    Pile-up and cross-sections are marked if they are `of_calculated` luminosity.
    """
    rows = [("Machine", "")]
    rows += [("energy", _number(known, "energy_gev", "{:.0f} GeV"))]
    rows += [("β* IP1 / IP5", _pair(known, "betastar_ip{}_m", "{:.2f}", (1, 5), " m"))]
    rows += [("full angle, start", _pair(known, "xing_ip{}_start_urad", "{:.0f}", (1, 5), " µrad"))]
    rows += [("bunches B1 / B2", _pair(known, "b{}_bunches", "{}", (1, 2), ""))]
    rows += [("colliding IP1/5", _number(known, "colliding_ip15", "{}"))]
    rows += [("colliding IP2 / IP8", _pair(known, "colliding_ip{}", "{}", (2, 8), ""))]
    rows += [("turn-around", _number(known, "turnaround_h", "{:.1f} h")), ("", "")]
    rows += [("Start of stable beams", "")]
    for words, name, form, scale in (
        ("εH B1 / B2", "b{}_emit_h_sb_start_um", "{:.2f}", 1.0),
        ("εV B1 / B2", "b{}_emit_v_sb_start_um", "{:.2f}", 1.0),
        ("N B1 / B2 [10¹¹]", "b{}_intensity_sb_start_ppb", "{:.3f}", 1e-11),
        ("4 σ length B1 / B2", "b{}_length_sb_start_ns", "{:.3f}", 1.0),
    ):
        unit = " µm" if "emit" in name else " ns" if "length" in name else ""
        rows += [(words, _pair(known, name, form, (1, 2), unit, scale))]
    words = "pile-up" + " (calculated)" * of_calculated
    rows += [(words, _pair(known, "pileup_start_{}", "{:.1f}", ("atlas", "cms"), "")), ("", "")]
    rows += [("ATLAS / CMS", "")]
    both = ("atlas", "cms")
    scale, power = power_of(_peaks(known, both) * 1e34)
    form = f"peak [{power} cm⁻² s⁻¹]".replace("[ ", "[")
    rows += [(form, _pair(known, "lumi_peak_meas_{}_e34", "{:#.3g}", both, "", 1e34 * scale))]
    rows += [("integrated [1/pb]", _pair(known, "lumi_int_meas_{}_pb", "{:#.4g}", both, ""))]
    rows += [("lifetime", _pair(known, "tau_lumi_meas_full_{}_h", "{:.1f}", both, " h"))]
    rows += [("measured / calculated", _pair(known, "ratio_meas_calc_{}", "{:.3f}", both, ""))]
    rows += [("IBSBOff / measured", _pair(known, "ratio_model_meas_{}", "{:.3f}", both, ""))]
    rows += [("", ""), ("Losses", "")]
    rows += [
        ("intensity lifetime", _pair(known, "b{}_tau_intensity_full_h", "{:.1f}", (1, 2), " h"))
    ]
    if of_calculated:
        rows += [("luminosity used", "calculated")]
    for beam in BEAMS:
        sigma, error = (known.get(f"b{beam}_sigma_eff{e}_mb") for e in ("", "_error"))
        text = NOT_KNOWN if sigma is None or error is None else f"{sigma:.2f} ± {error:.2f} mb"
        rows.append((f"cross-section B{beam}", text))
    return rows


def _peaks(known: Mapping[str, Any], experiments: Sequence[str]) -> FloatArray:
    """Return the peak luminosities in 1e34/(cm^2 s), NaN where one is not known."""
    return np.array([known.get(f"lumi_peak_meas_{exp}_e34", np.nan) for exp in experiments])


def _number(known: Mapping[str, Any], name: str, form: str) -> str:
    value = known.get(name)
    return NOT_KNOWN if value is None else form.format(value)


def _pair(
    known: Mapping[str, Any],
    name: str,
    form: str,
    of: Sequence[Any],
    unit: str,
    scale: float = 1.0,
) -> str:
    values = [known.get(name.format(one)) for one in of]
    shown = [v if v is None or scale == 1.0 else v * scale for v in values]
    words = [NOT_KNOWN if v is None else form.format(v).rstrip(".") for v in shown]
    return " / ".join(words) + unit
