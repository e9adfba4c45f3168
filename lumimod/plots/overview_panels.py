"""The panels of the overview."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from lumimod.arrays import FloatArray
from lumimod.plots.about import BY_BQM, BY_BSRT, BY_FBCT, OF_CALCULATED, Unmeasured, without_gaps
from lumimod.plots.axes import few_ticks, hours_since, ratio_axis, set_value_axis
from lumimod.plots.betastar import betastar_lines, draw_betastar
from lumimod.plots.layout import note_missing
from lumimod.plots.lifetime_axis import hours_text, per_hour, set_lifetime_axis
from lumimod.plots.marks import mark_steps, shade_gaps, steps_of_both
from lumimod.plots.numbers import centre_and_band, finite, power_of, significant
from lumimod.plots.overview_data import OverviewData
from lumimod.plots.panels import draw_band, draw_line
from lumimod.plots.quantities import MB_PER_M2, NS_OF_4_SIGMA, PER_CM2_S
from lumimod.plots.style import BEAM, EXPERIMENT, MUTED, REFERENCE, Look
from lumimod.plots.totals import ratio, total
from lumimod.records import BEAMS, EXPERIMENTS
from lumimod.summary.integrated import PER_PB_IN_PER_M2
from lumimod.summary.loss_words import NEEDS_MEASURED
from lumimod.summary.means import integral
from lumimod.summary.model_facts import FREE_MODEL

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FB_IN_PER_M2 = 1e43
"""1/fb in 1/m^2."""


def _hours(data: OverviewData) -> FloatArray:
    return hours_since(data.sb.sb.time_s)


def _gaps(data: OverviewData, quantity: str, *beams: int) -> list[Unmeasured]:
    return data.sb.about.gaps_of((quantity,), beams)


_KIND_LOOKS = {
    "measured": {exp: EXPERIMENT[exp]._replace(linestyle="-") for exp in EXPERIMENTS},
    "calculated": {exp: Look("black", ls, "") for exp, ls in zip(EXPERIMENTS, ("--", ":"))},
    "modelled": {exp: EXPERIMENT[exp]._replace(linestyle="-.") for exp in EXPERIMENTS},
}
_KIND_WORDS = {"measured": "{}", "calculated": "{} calc.", "modelled": "{} model"}


def luminosity_panel(ax: Axes, data: OverviewData) -> None:
    """Draw the luminosities of both experiments, with the mean pile-up on the right axis."""
    drawn, sb = [], data.sb.sb
    scale, unit = _unit([v for of in data.total_lumi.values() for v in of.values()])
    for kind, of in data.total_lumi.items():
        for exp, values_m2s in of.items():
            values = values_m2s * scale
            label = _KIND_WORDS[kind].format(exp)
            width = 3.0 if kind == "measured" else 1.4
            look = _KIND_LOOKS[kind][exp]
            draw_line(ax, _hours(data)[: values.size], values, look, linewidth=width, label=label)
            drawn.append(values)
    if not drawn:
        note_missing(ax, "no luminosity")
        return
    _shade_gaps_of_calculated(ax, data)
    mark_steps([ax], sb.time_s, steps_of_both(sb, data.sb.about), words=False)
    set_value_axis(ax, f"luminosity [{unit}]", *drawn, in_time=True)
    _pileup_axis(ax, data, scale)


def _shade_gaps_of_calculated(ax: Axes, data: OverviewData) -> None:
    """Hatch where nothing is calculated; panels of what did not measure say it in words."""
    gaps = data.sb.about.gaps_of(OF_CALCULATED)
    shade_gaps(ax, data.sb.sb.time_s, gaps, words=False)


def _unit(lumis_m2s: Sequence[FloatArray]) -> tuple[float, str]:
    """Return the factor from 1/(m^2 s) to the unit that suits the luminosities, and that unit."""
    factor, power = power_of(*(lumi * PER_CM2_S for lumi in lumis_m2s))
    return factor * PER_CM2_S, f"{power} cm⁻² s⁻¹".strip()


def _pileup_axis(ax: Axes, data: OverviewData, scale: float) -> None:
    """Give the mean pile-up of a crossing on the right axis: the luminosity times a constant."""
    if data.sb.losses is None:
        return
    sums = data.total_lumi["measured"] or data.total_lumi["calculated"]
    mean = np.nan_to_num(data.sb.losses.pileup["ATLAS"]).mean(axis=1)
    luminosity = sums["ATLAS"] * scale
    good = np.isfinite(luminosity) & (luminosity > 0) & (mean > 0)
    if not good.any():
        return
    factor = float(np.median(mean[good] / luminosity[good]))
    right = ax.secondary_yaxis("right", functions=_times(factor))
    right.set_ylabel("mean pile-up" + " (calculated)" * data.losses_of_calculated)
    few_ticks(right.yaxis, 5)


def _times(factor: float) -> tuple[Any, Any]:
    """Return what multiplies by a factor, and what divides by it."""
    return partial(np.multiply, factor), partial(np.multiply, 1 / factor)


def ratios_panel(ax: Axes, data: OverviewData) -> None:
    """Draw measured over calculated and modelled over measured luminosity."""
    meas, calc = data.bunch_lumi["measured"], data.bunch_lumi["calculated"]
    drawn = []
    for exp in EXPERIMENTS:
        if exp in calc and exp in meas:
            line = ratio(meas[exp], calc[exp])
            look = EXPERIMENT[exp]._replace(linestyle="-")
            draw_line(ax, _hours(data), line, look, label=f"{exp} meas./calc.")
            drawn.append(line)
        if data.model_lumi is not None and exp in meas:
            line = ratio(data.model_lumi[exp], meas[exp])
            look = EXPERIMENT[exp]._replace(linestyle=":")
            label = f"{exp} {FREE_MODEL}/meas."
            draw_line(ax, _hours(data)[: line.size], line, look, linewidth=1.4, label=label)
            drawn.append(line)
    _shade_gaps_of_calculated(ax, data)
    ratio_axis(ax, "ratio of luminosities", *drawn)
    if not drawn:
        note_missing(ax, "no ratio: it needs measured and calculated luminosity")


def integrated_panel(ax: Axes, data: OverviewData) -> None:
    """Draw the integrated luminosities."""
    drawn, scale, unit = [], *_integral_unit(data)
    for kind, of in data.total_lumi.items():
        for exp, values in of.items():
            time_s = data.sb.sb.time_s[: values.size]
            if kind == "calculated" and not np.isfinite(values).all():
                continue  # of a part of the fill: not to be compared with the others
            sums = integral(time_s, values) * scale
            known_pb = data.facts.get(f"lumi_int_meas_{exp.lower()}_pb")
            # To the end of stable beams, as in the block of facts: up to a step more than the line.
            whole = sums[-1] if known_pb is None else known_pb * PER_PB_IN_PER_M2 * scale
            label = f"{exp} {significant(whole)} {unit}" if kind == "measured" else None
            width = 3.0 if kind == "measured" else 1.4
            look = _KIND_LOOKS[kind][exp]
            draw_line(ax, _hours(data)[: sums.size], sums, look, linewidth=width, label=label)
            drawn.append(sums)
    if not drawn:
        note_missing(ax, "no luminosity")
    set_value_axis(ax, f"integrated luminosity [{unit}]", *drawn, tail=0.0)


def _integral_unit(data: OverviewData) -> tuple[float, str]:
    """Return the factor from 1/m^2 to the unit that suits the fill, and that unit."""
    lumis = list((data.total_lumi["measured"] or data.total_lumi["calculated"]).values())
    span_s = data.sb.sb.time_s[-1] - data.sb.sb.time_s[0]
    most = finite(*lumis).max(initial=0.0) * span_s
    return (1 / FB_IN_PER_M2, "fb⁻¹") if most > 0.1 * FB_IN_PER_M2 else (1e-40, "pb⁻¹")


def intensities_panel(ax: Axes, data: OverviewData) -> None:
    """Draw the intensity of both beams."""
    drawn = []
    for beam in BEAMS:
        coll, other = (data.sb.sb.bunches[beam, f].intensity_ppb for f in ("coll", "noncoll"))
        sums = total(coll) + np.nan_to_num(total(other))
        drawn.append(without_gaps(sums, data.sb.sb.time_s, _gaps(data, BY_FBCT, beam)))
    known = finite(*drawn)
    many = known.size and np.median(known) >= 1e13  # not of a spike
    scale, unit = (1e-14, "10¹⁴") if many else (1e-11, "10¹¹")
    for beam, values in zip(BEAMS, drawn):
        draw_line(ax, _hours(data), values * scale, BEAM[beam], label=f"B{beam}")
    shade_gaps(ax, data.sb.sb.time_s, _gaps(data, BY_FBCT, *BEAMS))
    set_value_axis(
        ax, f"beam intensity [{unit} p]", *(values * scale for values in drawn), in_time=True
    )


def emittances_panel(ax: Axes, data: OverviewData) -> None:
    """Draw median and middle 68 % of the emittances of colliding bunches."""
    drawn, time_s = [], data.sb.sb.time_s
    for beam in BEAMS:
        b = data.sb.sb.bunches[beam, "coll"]
        for plane, values, line in (("H", b.emit_h_um, "-"), ("V", b.emit_v_um, "--")):
            known = without_gaps(values, time_s, _gaps(data, BY_BSRT, beam))
            centre, low, high = centre_and_band(known)
            draw_band(ax, _hours(data), low, high, BEAM[beam].color, alpha=0.12)
            look = BEAM[beam]._replace(linestyle=line)
            draw_line(ax, _hours(data), centre, look, label=f"B{beam} {plane}")
            drawn += [low, high]
    shade_gaps(ax, time_s, _gaps(data, BY_BSRT, *BEAMS))
    set_value_axis(ax, "emittance [µm]", *drawn)


def lengths_panel(ax: Axes, data: OverviewData) -> None:
    """Draw median and middle 68 % of the lengths of colliding bunches."""
    drawn, time_s = [], data.sb.sb.time_s
    for beam in BEAMS:
        lengths = data.sb.sb.bunches[beam, "coll"].length_m * NS_OF_4_SIGMA
        known = without_gaps(lengths, time_s, _gaps(data, BY_BQM, beam))
        centre, low, high = centre_and_band(known)
        draw_band(ax, _hours(data), low, high, BEAM[beam].color, alpha=0.12)
        draw_line(ax, _hours(data), centre, BEAM[beam], label=f"B{beam}")
        drawn += [low, high]
    shade_gaps(ax, time_s, _gaps(data, BY_BQM, *BEAMS))
    set_value_axis(ax, "bunch length, 4 σ [ns]", *drawn)


def lifetimes_panel(ax: Axes, data: OverviewData) -> None:
    """Draw the lifetime by losses beyond burn-off, linear in its inverse."""
    rates = {}
    if data.sb.lifetime is not None:
        for beam, of in data.sb.lifetime.beams.items():
            tau_s = of.total_tau_boff_corrected_s
            if tau_s is not None:
                gaps = _gaps(data, BY_FBCT, beam)
                rates[beam] = without_gaps(per_hour(tau_s), data.sb.sb.time_s, gaps)
    for beam, rate in rates.items():
        known = finite(rate)
        median = f", median: {hours_text(float(np.median(known)))}" if known.size else ""
        label = f"B{beam}{median}"
        draw_line(ax, _hours(data)[: rate.size], rate, BEAM[beam], label=label)
    if not rates:
        note_missing(ax, f"no lifetime beyond burn-off: {NEEDS_MEASURED}")
        ax.set_ylabel("lifetime beyond\nburn-off [h]")
        return
    shade_gaps(ax, data.sb.sb.time_s, _gaps(data, BY_FBCT, *BEAMS))
    label = "lifetime beyond burn-off\n[h], linear in 1/lifetime"
    set_lifetime_axis(ax, label, *rates.values(), in_time=True)


def cross_sections_panel(ax: Axes, data: OverviewData) -> None:
    """Draw the effective cross-section of both beams in windows, with its errors."""
    burn_off_mb = data.sb.sigma_boff_m2 * MB_PER_M2
    ax.axhline(burn_off_mb, color=REFERENCE, linestyle="--", label="burn-off")
    drawn = [np.array([burn_off_mb])]
    if data.sb.losses is not None:
        hours = (data.sb.losses.window_time_s - data.sb.sb.time_s[0]) / 3600
        for beam, of in data.sb.losses.beams.items():
            sigma, error = of.total_sigma_m2 * MB_PER_M2, of.total_error_m2 * MB_PER_M2
            look = BEAM[beam]
            ax.errorbar(
                hours, sigma, error, color=look.color, marker=look.marker, markersize=5,
                linestyle="none", capsize=2, label=f"B{beam}",
            )  # fmt: skip
            drawn += [sigma - error, sigma + error]
    if not any(np.isfinite(values).any() for values in drawn[1:]):
        note_missing(ax, "no effective cross-section: it needs step losses")
    of_calculated = "\n(calculated luminosity)" * data.losses_of_calculated
    set_value_axis(ax, f"effective cross-section [mb]{of_calculated}", *drawn)


def optics_panel(ax: Axes, data: OverviewData) -> None:
    """Draw crossing angles and beta*."""
    sb = data.sb.sb
    for exp, ip in (("ATLAS", 1), ("CMS", 5)):
        angle = sb.xing_angle_rad[ip] * 1e6
        draw_line(
            ax, _hours(data), angle, EXPERIMENT[exp], drawstyle="steps-post", label=f"IP{ip} angle",
            linewidth=3.0 if exp == "ATLAS" else 1.5,
        )  # fmt: skip
    angles = [angle * 1e6 for angle in sb.xing_angle_rad.values()]
    set_value_axis(ax, "full crossing angle [µrad]", *angles, tail=0.0)
    if betastar_lines(data.sb.about):
        _betastar_axis(ax, data)


def _betastar_axis(ax: Axes, data: OverviewData) -> None:
    """Draw beta* on the right axis: the one in use, and the one that was logged if other.

    Its limits are such that equal parts of both axes do not lie on each other.
    """
    right = ax.twinx()
    lines = draw_betastar(right, data.sb.about, data.sb.sb.time_s)
    for line in lines:  # the legend is that of the panel
        ax.plot([], [], color=line.look.color, linestyle=line.look.linestyle, label=line.label)
    every = finite(*(line.values_cm for line in lines))
    low, high = every.min(), every.max()
    right.set_ylim(low - max(2.0, 0.1 * low), high + max(8.0, 0.4 * high))
    right.set_ylabel("β* [cm]", color=MUTED)
    right.spines["right"].set_visible(True)
    right.grid(visible=False)
