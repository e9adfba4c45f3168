"""Pictures of the effective cross-section of losses: by time, bunch and family."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from lumimod.arrays import FloatArray, IntArray
from lumimod.plots.axes import few_ticks, hour_axis, set_value_axis, slot_axis
from lumimod.plots.layout import Margins, figure_without, legend_above, note_missing, panels, title
from lumimod.plots.panels import draw_slots
from lumimod.plots.quantities import MB_PER_M2
from lumimod.plots.style import BEAM, DEFAULT_STYLE, REFERENCE, Style, drawing, new_figure
from lumimod.records import BEAMS, BeamLosses, FillLosses, StableBeams

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@drawing
def draw_cross_sections(
    sb: StableBeams,
    losses: FillLosses | None,
    fill: int,
    sigma_boff_m2: float,
    *,
    style: Style = DEFAULT_STYLE,
) -> Figure:
    """Draw the effective cross-section of both beams in windows, and of each bunch over the fill.

    Parameters
    ----------
    sb, losses
        Results of the fill.
    fill
        Its number.
    sigma_boff_m2
        Burn-off cross-section, to compare with.
    style
        Look of the picture.
    """
    if losses is None:
        what = "Effective cross-section of losses"
        return figure_without(style, fill, sb.time_s[0], what, "step losses was not run")
    what = (
        f"Effective cross-section of losses, from {losses.lumi} luminosity of "
        f"{', '.join(losses.experiments)}; all have ±{100 * losses.systematic:.1f} % in common"
    )
    figure = new_figure(style)
    title(figure, style, fill, sb.time_s[0], what)
    ((left, right),) = panels(figure, style, 1, 2, margins=Margins(top=5.4), widths=(1.2, 1))
    _through_time(left, sb, losses, sigma_boff_m2)
    _bunch_by_bunch(right, losses, sigma_boff_m2)
    return figure


def _through_time(ax: Axes, sb: StableBeams, losses: FillLosses, sigma_boff_m2: float) -> None:
    hours = (losses.window_time_s - sb.time_s[0]) / 3600
    drawn = []
    for beam, of in losses.beams.items():
        sigma, error = of.total_sigma_m2 * MB_PER_M2, of.total_error_m2 * MB_PER_M2
        fill_sigma, fill_error = (
            value * MB_PER_M2 for value in (of.total_fill_sigma_m2, of.total_fill_error_m2)
        )
        look = BEAM[beam]
        ax.errorbar(
            hours, sigma, error, color=look.color, marker=look.marker, linestyle="none",
            markersize=7, capsize=3, label=f"B{beam}: {fill_sigma:.1f} ± {fill_error:.1f} mb",
        )  # fmt: skip
        drawn += [sigma - error, sigma + error]
    set_value_axis(ax, "effective cross-section [mb]", *drawn, include=sigma_boff_m2 * MB_PER_M2)
    _burn_off(ax, sigma_boff_m2)
    hour_axis(ax, sb.time_s)
    legend_above(ax, 3)
    if not any(np.isfinite(values).any() for values in drawn):
        note_missing(ax, "no window with enough data")


def _burn_off(ax: Axes, sigma_boff_m2: float) -> None:
    mb = sigma_boff_m2 * MB_PER_M2
    ax.axhline(mb, color=REFERENCE, linestyle="--", label=f"burn-off, {mb:g} mb", zorder=1)


def _bunch_by_bunch(ax: Axes, losses: FillLosses, sigma_boff_m2: float) -> None:
    drawn = []
    for beam, of in losses.beams.items():
        sigma = of.fill_sigma_m2 * MB_PER_M2
        known = sigma[np.isfinite(sigma)]
        low, middle, high = np.quantile(known, [0.16, 0.5, 0.84]) if known.size else [np.nan] * 3
        label = f"B{beam}: median {middle:.1f} mb, 68 % in {low:.1f} to {high:.1f}"
        draw_slots(ax, of.slots, sigma, BEAM[beam], label)
        drawn.append(sigma)
    set_value_axis(
        ax, "of each bunch over the fill [mb]", *drawn, include=sigma_boff_m2 * MB_PER_M2
    )
    ax.axhline(sigma_boff_m2 * MB_PER_M2, color=REFERENCE, linestyle="--", zorder=1)
    slot_axis(ax, *(of.slots for of in losses.beams.values()))
    legend_above(ax, 1, marker_size=6.0)


# --- by family


@drawing
def draw_families(
    sb: StableBeams, losses: FillLosses | None, fill: int, *, style: Style = DEFAULT_STYLE
) -> Figure:
    """Draw losses and growth of emittances by position in the train and long-range encounters."""
    what = "Colliding bunches by place in the train and long-range encounters: mean ± error"
    if losses is None:
        return figure_without(style, fill, sb.time_s[0], what, "step losses was not run")
    figure = new_figure(style)
    title(figure, style, fill, sb.time_s[0], what)
    rows = panels(figure, style, 2, 2, margins=Margins(top=5.0))
    for beam in BEAMS:
        of = losses.beams[beam]
        bunch = sb.bunches[beam, "coll"]
        position, long_range = (_of_colliding(of, n) for n in ("position", "n_long_range"))
        quantities = (of.fill_sigma_m2 * MB_PER_M2, _growth_um(bunch.emit_h_um))
        for row, values in zip(rows, quantities):
            for ax, group in zip(row, (position, long_range)):
                _grouped(ax, group, values, beam)
    for row, label in zip(rows, ("cross-section [mb]", "growth of εH [µm]")):
        row[0].set_ylabel(label)
        row[1].set_ylabel(label)
    for ax, label in zip(rows[1], ("place in the train, from 0", "long-range encounters")):
        ax.set_xlabel(label)
    for ax in (ax for row in rows for ax in row):
        few_ticks(ax.xaxis, 8, integer=True)
    legend_above(rows[0][0], 2)
    return figure


def _of_colliding(of: BeamLosses, name: str) -> IntArray:
    """Return a property of the families of the colliding bunches."""
    families = of.families
    places = np.searchsorted(families.slots, of.slots)
    values: IntArray = getattr(families, name)[places]
    return values


def _growth_um(emit_um: FloatArray) -> FloatArray:
    """Return what each bunch gained between the first and the last time that have a value."""
    rows = np.flatnonzero(np.isfinite(emit_um).any(axis=1))
    if not rows.size:
        return np.full(emit_um.shape[1], np.nan)
    return np.asarray(emit_um[rows[-1]] - emit_um[rows[0]])


def _grouped(ax: Axes, group: IntArray, values: FloatArray, beam: int) -> None:
    """Draw mean and standard error of the values of each group."""
    there = np.isfinite(values)
    names = np.unique(group[there])
    parts: Sequence[FloatArray] = [values[there & (group == name)] for name in names]
    mean = np.array([part.mean() for part in parts])
    error = np.array([part.std() / np.sqrt(part.size) for part in parts])
    look = BEAM[beam]
    ax.errorbar(
        names, mean, error, color=look.color, marker=look.marker, markersize=5, capsize=2,
        linestyle="-", linewidth=1.0, label=f"B{beam}",
    )  # fmt: skip
