"""Pictures of fitted lifetimes, bunch by bunch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lumimod.arrays import FloatArray, IntArray
from lumimod.physics.expfit import ExpFits
from lumimod.physics.uncertainty import ErrorsOfFits
from lumimod.plots.about import NOTHING_KNOWN, About
from lumimod.plots.axes import few_ticks, set_ticks, slot_axis
from lumimod.plots.families import Picture
from lumimod.plots.layout import (
    Margins,
    figure_without,
    legend_above,
    note_missing,
    panels,
    title,
)
from lumimod.plots.lifetime_axis import (
    median_text,
    per_hour,
    set_lifetime_axis,
    share_lifetimes,
)
from lumimod.plots.numbers import finite
from lumimod.plots.panels import draw_slots
from lumimod.plots.sb_results import SbResults
from lumimod.plots.style import (
    BEAM,
    DEFAULT_STYLE,
    EXPERIMENT,
    NONCOLLIDING,
    Look,
    Style,
    drawing,
    new_figure,
)
from lumimod.records import BEAMS, EXPERIMENTS, Fits, StableBeams

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

HOW = "median ± error of one (middle 68 %); linear in 1/lifetime, ∞: no loss, negative: growth"


def span_words(span: str, about: About) -> str:
    """Return in words what a fit is of: "full" or "short"."""
    if span == "full":
        return "all of stable beams"
    if about.fit_length_s is None:
        return "the first hours"
    hours = about.fit_length_s / 3600
    return f"the first {hours:g} h" if hours >= 1 else f"the first {60 * hours:g} min"


class FitSeries(NamedTuple):
    """Fitted rates of some bunches, (n_slots,), in 1/h; NaN where the fit failed."""

    name: str
    look: Look
    slots: IntArray
    rate_per_h: FloatArray
    error_h: float = np.nan
    """Standard error of the lifetime of one bunch, the median of all; NaN if it is not known."""


@drawing
def draw_intensity_fits(
    sb: StableBeams,
    fits: Fits | None,
    fill: int,
    *,
    about: About = NOTHING_KNOWN,
    style: Style = DEFAULT_STYLE,
) -> Figure:
    """Draw the fitted intensity lifetime of each bunch, of the long and of the short fit."""
    what = (
        "Fitted intensity lifetimes of bunches: all of stable beams (full), "
        f"{span_words('short', about)} (short); {HOW}"
    )
    if fits is None:
        return figure_without(style, fill, sb.time_s[0], what, "the fits were not made", about)
    rows = {
        f"Beam {beam}\nlifetime [h]": (
            _of_bunches(sb, fits, beam, "coll", "colliding"),
            _of_bunches(sb, fits, beam, "noncoll", "non-colliding"),
        )
        for beam in BEAMS
    }
    return _fits_figure(sb, rows, fill, what, about, style)


def _of_bunches(sb: StableBeams, fits: Fits, beam: int, family: str, words: str) -> list[FitSeries]:
    fit, slots = fits.beams[beam, family]["inten"], sb.bunches[beam, family].slots
    dark, light = ("#404040", "#9a9a9a") if family == "noncoll" else (BEAM[beam].color, "#e69f00")
    markers = (NONCOLLIDING.marker, "v") if family == "noncoll" else ("o", "D")
    return [
        FitSeries(
            f"{words}, {span}",
            Look(color, "-", marker),
            slots,
            _decay(fit, span),
            _error_h(fits.beam_errors.get((beam, family), {}).get("inten"), span),
        )
        for span, color, marker in zip(("full", "short"), (dark, light), markers)
    ]


@drawing
def draw_lumi_fits(
    sb: StableBeams,
    fits: Fits | None,
    span: str,
    fill: int,
    *,
    about: About = NOTHING_KNOWN,
    style: Style = DEFAULT_STYLE,
) -> Figure:
    """Draw the fitted luminosity lifetime of each bunch pair, measured and calculated.

    Parameters
    ----------
    sb
        Stable beams of the fill.
    fits
        Its fits; None if there are none.
    span
        "full" or "short".
    fill
        Its number, for the title.
    style
        Sizes.
    """
    what = f"Fitted luminosity lifetimes of bunch pairs: {span_words(span, about)}; {HOW}"
    if fits is None:
        return figure_without(style, fill, sb.time_s[0], what, "the fits were not made", about)
    slots = sb.bunches[1, "coll"].slots
    nothing = np.full(slots.size, np.nan)
    rows = {}
    for experiment in EXPERIMENTS:
        looks = (Look("#000000", "-", "D"), EXPERIMENT[experiment])
        series = [
            FitSeries(
                name, look, slots,
                _decay(fits.lumi[experiment, kind], span)
                if (experiment, kind) in fits.lumi else nothing,
                _error_h(fits.lumi_errors.get((experiment, kind)), span),
            )
            for (kind, name), look in zip((("calc", "calculated"), ("meas", "measured")), looks)
        ]  # fmt: skip
        rows[f"{experiment}\nlifetime [h]"] = (series,)
    return _fits_figure(sb, rows, fill, what, about, style)


def _decay(fits: ExpFits, span: str) -> FloatArray:
    """Return fitted rates of decay in 1/h; tau of a fit is negative for a decay."""
    return per_hour(-(fits.full if span == "full" else fits.short).tau_s)


def _error_h(errors: ErrorsOfFits | None, span: str) -> float:
    """Return the median of the standard errors of lifetimes in h, NaN if there is none."""
    if errors is None:
        return np.nan
    known = finite((errors.full if span == "full" else errors.short).tau_s)
    return float(np.median(known)) / 3600 if known.size else np.nan


def _fits_figure(
    sb: StableBeams,
    rows: Mapping[str, Sequence[Sequence[FitSeries]]],
    fill: int,
    what: str,
    about: About,
    style: Style,
) -> Figure:
    """Return a figure of rows, by the label of y: main bunches, their histogram, the others."""
    figure = new_figure(style)
    title(figure, style, fill, sb.time_s[0], what, about)
    rows = {label: _with_bunches(groups) for label, groups in rows.items()}
    lines = max(len(groups) for groups in rows.values())
    margins = Margins(
        left=6.2, right=4.5 if lines > 1 else 1.5, top=3.4 + 1.5 * lines,
        between_rows=2.0 + 1.5 * lines, between_columns=1.6,
    )  # fmt: skip
    widths = (5.0, 1.0, 1.2)[: lines + 1]
    axes = panels(figure, style, len(rows), len(widths), margins=margins, widths=widths)
    for row, (label, groups) in zip(axes, rows.items()):
        wide = row[0]
        last = row is axes[-1]
        fits_panel(wide, groups[0], label, last)
        # Non-colliding bunches may live so much longer that they need a panel of their own.
        for ax in row[1 + len(groups) :]:
            ax.remove()  # the other beam has non-colliding bunches
        for ax, group in zip(row[2:], groups[1:]):
            fits_panel(ax, group, "", last)
            ax.yaxis.tick_right()
            few_ticks(ax.xaxis, 3, integer=True)
            ax.set_title("non-colliding", size="small", loc="right", pad=4.0)
        for series in [s for group in groups[1:] for s in group]:
            wide.plot([], [], series.look.marker, color=series.look.color, label=fit_text(series))
        legend_above(wide, 2, marker_size=7.0)
    share_lifetimes([row[0] for row in axes if row[0].lines])
    for row, groups in zip(axes, rows.values()):
        rates_histogram(row[1], row[0], groups[0], row is axes[-1])
    return figure


def _with_bunches(groups: Sequence[Sequence[FitSeries]]) -> list[Sequence[FitSeries]]:
    """Return the first group, and those of the others that have bunches."""
    return [groups[0], *(group for group in groups[1:] if any(s.slots.size for s in group))]


def fits_panel(ax: Axes, group: Sequence[FitSeries], label: str, last: bool) -> None:
    """Draw fitted lifetimes against slot."""
    there = [s for s in group if np.isfinite(s.rate_per_h).any()]
    for s in group:
        draw_slots(ax, s.slots, s.rate_per_h, s.look, fit_text(s))
    set_lifetime_axis(ax, label, *(s.rate_per_h for s in there))
    slot_axis(ax, *(s.slots for s in group), label=last)
    if not there:
        note_missing(ax, "no fit\nsucceeded" if any(s.slots.size for s in group) else "no bunches")


def rates_histogram(ax: Axes, beside: Axes, group: Sequence[FitSeries], last: bool) -> None:
    """Draw histograms of lifetimes along the axis of the panel beside."""
    high, low = beside.get_ylim()
    for s in group:
        known = finite(s.rate_per_h)
        edges = np.linspace(low, high, int(np.clip(2 * np.sqrt(known.size), 20, 60)) + 1)
        counts, _ = np.histogram(known, edges)
        ax.plot(
            np.concatenate([[0], np.repeat(counts, 2), [0]]), np.repeat(edges, 2),
            color=s.look.color, linewidth=1.5,
        )  # fmt: skip
    ax.set_ylim(high, low)
    set_ticks(ax.yaxis, beside.get_yticks().tolist())
    ax.tick_params(labelleft=False)
    ax.set_xlim(left=0)
    few_ticks(ax.xaxis, 3, integer=True)
    ax.set_xlabel("bunches" if last else "")


def fit_text(series: FitSeries) -> str:
    """Return median and spread of lifetimes, and how many fits failed."""
    rates = series.rate_per_h
    n_failed = int(np.count_nonzero(~np.isfinite(rates)))
    if not rates.size:
        return f"{series.name}: no bunches"
    if n_failed == rates.size:
        return f"{series.name}: no data"
    failed = f", {n_failed:,} of {rates.size:,} failed" if n_failed else ""
    return f"{series.name}: {median_text(rates, series.error_h)}{failed}"


def _no_fits(results: SbResults) -> str:
    return "" if results.fits is not None else "fits not made"


FIT_PICTURES: tuple[Picture[SbResults], ...] = (
    Picture(
        "bbbIntensityTau",
        "fitted intensity lifetime of each bunch, from the long and the short fit",
        lambda r, style: draw_intensity_fits(r.sb, r.fits, r.fill, about=r.about, style=style),
        _no_fits,
    ),
    Picture(
        "TotalLumiLifetime",
        "fitted luminosity lifetime of each bunch pair, over all stable beams",
        lambda r, style: draw_lumi_fits(r.sb, r.fits, "full", r.fill, about=r.about, style=style),
        _no_fits,
    ),
    Picture(
        "FitLumiLifetime",
        "fitted luminosity lifetime of each bunch pair, over the first `t_fit_length`",
        lambda r, style: draw_lumi_fits(r.sb, r.fits, "short", r.fill, about=r.about, style=style),
        _no_fits,
    ),
)
