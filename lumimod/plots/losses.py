"""Pictures of lifetimes against time and of the effective cross-section of losses."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lumimod.arrays import FloatArray
from lumimod.plots.about import BY_FBCT, NOTHING_KNOWN, About, without_gaps
from lumimod.plots.axes import hour_axis, hours_since, set_value_axis, slot_axis
from lumimod.plots.families import Picture
from lumimod.plots.layout import Margins, figure_without, legend_above, note_missing, panels, title
from lumimod.plots.lifetime_axis import (
    median_text,
    per_hour,
    set_lifetime_axis,
    share_lifetimes,
)
from lumimod.plots.marks import shade_gaps
from lumimod.plots.numbers import finite, minus, quantiles_of_rows, spread_text
from lumimod.plots.panels import draw_band, draw_line, draw_slots, shown_slots
from lumimod.plots.quantities import MB_PER_M2
from lumimod.plots.sb_results import SbResults
from lumimod.plots.style import BEAM, DEFAULT_STYLE, Look, Style, drawing, new_figure
from lumimod.records import BEAMS, FillLosses, Lifetime, StableBeams

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@drawing
def draw_intensity_lifetime(
    sb: StableBeams,
    lifetime: Lifetime | None,
    fill: int,
    *,
    about: About = NOTHING_KNOWN,
    style: Style = DEFAULT_STYLE,
) -> Figure:
    """Draw the intensity lifetimes of colliding bunches, as measured and beyond burn-off."""
    what = (
        "Intensity lifetimes of colliding bunches: median, middle 68 % and 95 %, and the whole "
        "beam; axes are linear in 1/lifetime, ∞: no loss, negative: growth"
    )
    if lifetime is None:
        why = "the lifetimes were not calculated"
        return figure_without(style, fill, sb.time_s[0], what, why, about)
    figure = new_figure(style)
    title(figure, style, fill, sb.time_s[0], what, about)
    margins = Margins(top=5.4, between_rows=3.8, left=5.6, between_columns=5.8)
    rows = panels(figure, style, 2, 2, margins=margins)
    for row, beam in zip(rows, BEAMS):
        record = lifetime.beams[beam]
        halves = (
            (record.tau_s, record.total_tau_s, "as measured"),
            (record.tau_boff_corrected_s, record.total_tau_boff_corrected_s, "beyond burn-off"),
        )
        for ax, (tau_s, total_s, words) in zip(row, halves):
            if tau_s is None:
                set_lifetime_axis(ax, lifetime_label(beam))
                note_missing(ax, "no luminosity measured: burn-off unknown")
            else:
                gaps = about.gaps_of((BY_FBCT,), (beam,))
                known, of_all = (
                    None if of is None else without_gaps(of, lifetime.time_s, gaps)
                    for of in (tau_s, total_s)
                )
                assert known is not None
                lifetime_panel(ax, lifetime.time_s, known, of_all, beam, words)
            hour_axis(ax, sb.time_s, label=beam == BEAMS[-1])
            shade_gaps(ax, sb.time_s, about.gaps_of((BY_FBCT,), (beam,)))
    for column in zip(*rows):
        share_lifetimes([ax for ax in column if ax.lines])
    return figure


def lifetime_label(beam: int) -> str:
    """Return the label of y."""
    return f"Beam {beam}\nlifetime [h]"


def why_nothing(beam: int, values: FloatArray) -> str:
    """Return why values (n_times - 1, n_slots) of a beam hold nothing to draw."""
    n_changes, n_slots = values.shape
    if not n_slots:
        return f"beam {beam}: no colliding bunches"
    return f"beam {beam}: no data" if n_changes else f"beam {beam}: one time tells no loss"


def lifetime_panel(
    ax: Axes,
    time_s: FloatArray,
    tau_s: FloatArray,
    total_s: FloatArray | None,
    beam: int,
    words: str,
) -> None:
    """Draw median and quantiles of the lifetimes of bunches, and the lifetime of their sum."""
    rates, look = per_hour(tau_s), BEAM[beam]
    hours = hours_since(time_s)[: len(rates)]
    bands = quantiles_of_rows(rates, (0.025, 0.16, 0.5, 0.84, 0.975))
    if not np.isfinite(rates).any():
        set_lifetime_axis(ax, lifetime_label(beam))
        note_missing(ax, why_nothing(beam, rates))
        return
    draw_band(ax, hours, bands[0], bands[4], look.color, alpha=0.13)
    draw_band(ax, hours, bands[1], bands[3], look.color, alpha=0.28)
    text = f"{words}: {median_text(rates)}"
    draw_line(ax, hours, bands[2], look, linestyle="-", label=text)
    shown = [bands]
    if total_s is not None:
        all_together = per_hour(total_s)
        draw_line(ax, hours, all_together, Look("black", ":", "D"), label="whole beam")
        shown.append(all_together)
    set_lifetime_axis(ax, lifetime_label(beam), *shown, in_time=True)
    legend_above(ax, widest=1.0)


@drawing
def draw_bunch_losses(
    sb: StableBeams,
    losses: FillLosses | None,
    sigma_boff_m2: float,
    fill: int,
    *,
    about: About = NOTHING_KNOWN,
    style: Style = DEFAULT_STYLE,
) -> Figure:
    """Draw the effective cross-section of the losses of colliding bunches: in windows, and of each.

    Parameters
    ----------
    sb
        Stable beams of the fill.
    losses
        What step losses saved; None if it did not run.
    sigma_boff_m2
        Burn-off cross-section of config.py, drawn as a line.
    fill
        Its number, for the title.
    about
        Facts and gaps of the fill.
    style
        Sizes.
    """
    what = "Effective cross-section of all losses of colliding bunches, −dN/dt per luminosity"
    if losses is None:
        why = "the effective cross-section was not calculated"
        return figure_without(style, fill, sb.time_s[0], what, why, about)
    figure = new_figure(style)
    what += f" ({losses.lumi}): beam in windows with its error, and each bunch over the fill"
    title(figure, style, fill, sb.time_s[0], what, about)
    margins = Margins(top=6.4, left=5.6, between_columns=5.0)
    [[left, right]] = panels(figure, style, 1, 2, margins=margins)
    burn_off_mb = sigma_boff_m2 * MB_PER_M2
    windows_panel(left, sb.time_s, losses, burn_off_mb)
    each_bunch_sigma_panel(right, losses, burn_off_mb)
    shade_gaps(left, sb.time_s, about.gaps_of((BY_FBCT,)))
    hour_axis(left, sb.time_s)
    for ax in (left, right):
        ax.axhline(
            burn_off_mb, color="black", linestyle="--", linewidth=1.3, zorder=4,
            label=f"burn-off {burn_off_mb:g} mb" if ax is left else None,
        )  # fmt: skip
        legend_above(ax, 1)
    return figure


SIGMA_LABEL = "effective cross-section {} [mb]"


def windows_panel(ax: Axes, time_s: FloatArray, losses: FillLosses, burn_off_mb: float) -> None:
    """Draw the effective cross-section of both beams in windows, with standard errors, in mb."""
    hours = (losses.window_time_s - time_s[0]) / 3600
    shown: list[FloatArray] = []
    for beam, of in losses.beams.items():
        sigma, error = of.total_sigma_m2 * MB_PER_M2, of.total_error_m2 * MB_PER_M2
        fill_mb, error_mb = (
            value * MB_PER_M2 for value in (of.total_fill_sigma_m2, of.total_fill_error_m2)
        )
        text = f"beam {beam}: {with_error(fill_mb, error_mb)} mb over the fill"
        ax.errorbar(
            hours, sigma, error, color=BEAM[beam].color, marker=BEAM[beam].marker, markersize=6,
            linestyle="none", capsize=3, label=text,
        )  # fmt: skip
        shown += [sigma - error, sigma + error]
    set_value_axis(ax, SIGMA_LABEL.format("in windows"), *shown, include=burn_off_mb)
    if not finite(*shown).size:
        note_missing(ax, "no window with losses and luminosity")


def with_error(value: float, error: float) -> str:
    """Return a value and its standard error, with two digits of the error; 'no data' for NaN."""
    if not np.isfinite(value):
        return "no data"
    if not np.isfinite(error) or error <= 0:
        return minus(f"{value:.4g}")
    decimals = min(max(1 - int(np.floor(np.log10(error))), 0), 6)
    return minus(f"{value:.{decimals}f} ± {error:.{decimals}f}")


def each_bunch_sigma_panel(ax: Axes, losses: FillLosses, burn_off_mb: float) -> None:
    """Draw the effective cross-section of each bunch of both beams over the fill, in mb."""
    shown: list[FloatArray] = []
    for beam, of in losses.beams.items():
        sigma = of.fill_sigma_m2 * MB_PER_M2
        look = BEAM[beam]
        text = f"beam {beam}, {of.slots.size:,} colliding: median {spread_text(sigma, 'mb')}"
        draw_slots(ax, of.slots, sigma, look, text)
        shown += shown_slots(of.slots, sigma)
    set_value_axis(ax, SIGMA_LABEL.format("over the fill"), *shown, include=burn_off_mb)
    slot_axis(ax, *(of.slots for of in losses.beams.values()))
    if not finite(*shown).size:
        note_missing(ax, "no bunch with losses and luminosity")


def _no_losses(losses: FillLosses | None) -> str:
    if losses is None:
        return "effective cross-section not calculated"
    known = finite(*(of.fill_sigma_m2 for of in losses.beams.values()))
    return "" if known.size else "no bunch with losses and luminosity"


LOSS_PICTURES: tuple[Picture[SbResults], ...] = (
    Picture(
        "bbbLifetime",
        "intensity lifetime against time, as measured and beyond burn-off",
        lambda r, style: draw_intensity_lifetime(
            r.sb, r.lifetime, r.fill, about=r.about, style=style
        ),
        lambda r: "lifetimes not calculated" if r.lifetime is None else "",
    ),
    Picture(
        "bbbLosses",
        "effective cross-section of the losses of colliding bunches beside burn-off: of each beam "
        "in windows with its error, and of each bunch over the fill",
        lambda r, style: draw_bunch_losses(
            r.sb, r.losses, r.sigma_boff_m2, r.fill, about=r.about, style=style
        ),
        lambda r: _no_losses(r.losses),
    ),
)
