"""Pictures of lifetimes against time and of losses per luminosity."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from lumimod.arrays import FloatArray
from lumimod.plots.about import BY_FBCT, NOTHING_KNOWN, About
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
from lumimod.plots.numbers import spread_text
from lumimod.plots.panels import (
    draw_band,
    draw_bunches,
    draw_evolution,
    draw_line,
    hours_bar,
    shown_range,
)
from lumimod.plots.quantities import MB_PER_M2
from lumimod.plots.sb_results import SbResults
from lumimod.plots.style import BEAM, DEFAULT_STYLE, Look, Style, drawing, new_figure
from lumimod.records import BEAMS, BeamLifetime, Lifetime, StableBeams

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
                lifetime_panel(ax, lifetime.time_s, tau_s, total_s, beam, words)
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
    set_lifetime_axis(ax, lifetime_label(beam), *shown)
    legend_above(ax)


def quantiles_of_rows(values: FloatArray, quantiles: Sequence[float]) -> FloatArray:
    """Return quantiles of the finite values of each row, (n_quantiles, n_times)."""
    rows = (row[np.isfinite(row)] for row in values)
    nothing = np.full(len(quantiles), np.nan)
    columns = [np.quantile(row, quantiles) if row.size else nothing for row in rows]
    return np.array(columns).reshape(-1, len(quantiles)).T


@drawing
def draw_bunch_losses(
    sb: StableBeams,
    lifetime: Lifetime | None,
    sigma_boff_m2: float,
    fill: int,
    *,
    about: About = NOTHING_KNOWN,
    style: Style = DEFAULT_STYLE,
) -> Figure:
    """Draw losses per luminosity of colliding bunches: evolution, and bunch by bunch.

    Parameters
    ----------
    sb
        Stable beams of the fill.
    lifetime
        Its lifetimes and losses; None if there are none.
    sigma_boff_m2
        Burn-off cross-section of config.py, drawn as a line.
    fill
        Its number, for the title.
    style
        Sizes.
    """
    what = "Losses of colliding bunches per luminosity of ATLAS and CMS, |dN/dt|/L"
    if lifetime is None:
        why = "the losses were not calculated"
        return figure_without(style, fill, sb.time_s[0], what, why, about)
    if all(lifetime.beams[beam].sigma_m2 is None for beam in BEAMS):
        return figure_without(style, fill, sb.time_s[0], what, "no luminosity measured", about)
    figure = new_figure(style)
    title(
        figure, style, fill, sb.time_s[0], f"{what}: median and middle 68 %, and each bunch", about
    )
    rows = panels(figure, style, 2, 2, margins=Margins(right=5.5, left=5.6))
    for row, beam in zip(rows, BEAMS):
        losses_row(row, sb.time_s, lifetime.beams[beam], beam, sigma_boff_m2 * MB_PER_M2, style)
        for ax in row:
            ax.xaxis.label.set_visible(beam == BEAMS[-1])
    hours_bar(figure, [row[1] for row in rows], hours_since(sb.time_s), style)
    return figure


def losses_row(
    row: Sequence[Axes],
    time_s: FloatArray,
    record: BeamLifetime,
    beam: int,
    burn_off_mb: float,
    style: Style,
) -> None:
    """Draw the effective cross-section of the losses of one beam, in mb."""
    left, right = row
    nothing = np.full(record.tau_s.shape, np.nan)
    sigma = nothing if record.sigma_m2 is None else record.sigma_m2 * MB_PER_M2
    sigma = np.where(np.isfinite(sigma), sigma, np.nan)  # no luminosity: infinite
    there = np.isfinite(sigma).any()
    line = np.array([burn_off_mb])
    set_value_axis(left, f"Beam {beam}\n|dN/dt|/L [mb]", *shown_range(sigma), line)
    set_value_axis(right, f"Beam {beam}\n|dN/dt|/L [mb]", sigma, line)
    hour_axis(left, time_s)
    slot_axis(right, record.slots)
    if there:
        hours = hours_since(time_s)
        text = f"{record.slots.size:,} colliding: median {spread_text(sigma, 'mb')}"
        draw_evolution(left, hours[: len(sigma)], sigma, BEAM[beam], text)
        draw_bunches(right, record.slots, sigma, hours, style)
        means = [column[np.isfinite(column)] for column in sigma.T]
        right.plot(
            record.slots, [m.mean() if m.size else np.nan for m in means], "o", color="black",
            markersize=2.5, label="mean over time of each bunch",
        )  # fmt: skip
    for ax in row:
        ax.axhline(
            burn_off_mb, color="black", linestyle="--", linewidth=1.3, zorder=4,
            label=f"burn-off {burn_off_mb:g} mb" if ax is left else None,
        )  # fmt: skip
        if not there:
            note_missing(ax, why_nothing(beam, sigma))
        legend_above(ax)


def _no_losses(lifetime: Lifetime | None) -> str:
    if lifetime is None:
        return "losses not calculated"
    measured = any(of.sigma_m2 is not None for of in lifetime.beams.values())
    return "" if measured else "no luminosity measured"


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
        "losses per luminosity (effective cross-section) of colliding bunches",
        lambda r, style: draw_bunch_losses(
            r.sb, r.lifetime, r.sigma_boff_m2, r.fill, about=r.about, style=style
        ),
        lambda r: _no_losses(r.lifetime),
    ),
)
