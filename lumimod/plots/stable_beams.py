"""Pictures of stable beams: the family, and those that show every bunch against time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lumimod.arrays import FloatArray, IntArray
from lumimod.paths import FillPaths
from lumimod.plots.axes import hour_axis, hours_since, set_value_axis, slot_axis
from lumimod.plots.families import Picture, PictureSet
from lumimod.plots.layout import Margins, legend_above, note_missing, panels, title
from lumimod.plots.lifetimes import FIT_PICTURES
from lumimod.plots.losses import LOSS_PICTURES
from lumimod.plots.numbers import count_text, mean_and_spread, spread_text
from lumimod.plots.panels import draw_bunches, draw_evolution, draw_gaps, hours_bar
from lumimod.plots.quantities import E11, HZ_PER_UB, NS_OF_4_SIGMA
from lumimod.plots.sb_results import SbResults, files_of_lumi
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
from lumimod.plots.totals import TOTAL_PICTURES
from lumimod.records import BEAMS, EXPERIMENTS, CalculatedLumi, MeasuredLumi, StableBeams

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WITH_BAR = Margins(right=5.5)


# --- bunch by bunch


class BunchSeries(NamedTuple):
    """A quantity of some bunches, (n_times, n_slots), in the unit shown."""

    name: str
    look: Look
    slots: IntArray
    values: FloatArray


@drawing
def draw_emittances(
    sb: StableBeams, beam: int, fill: int, *, raw: bool = False, style: Style = DEFAULT_STYLE
) -> Figure:
    """Draw the emittances of one beam: evolution on the left, bunch by bunch on the right.

    Parameters
    ----------
    sb
        Stable beams of a fill.
    beam
        1 or 2.
    fill
        Its number, for the title.
    raw
        The measured emittances instead of the smoothed ones.
    style
        Sizes.
    """
    kind = "measured, not smoothed" if raw else "smoothed"
    what = f"Beam {beam}: normalised emittances, {kind}; mean ± 1σ over bunches, and each bunch"
    suffix = "_raw_um" if raw else "_um"
    rows = {
        rf"$\varepsilon_{plane.upper()}$ [µm]": families(sb, beam, f"emit_{plane}{suffix}")
        for plane in ("h", "v")
    }
    return bunch_figure(sb.time_s, rows, "µm", what, "emittance measured", fill, style)


@drawing
def draw_intensities(sb: StableBeams, fill: int, *, style: Style = DEFAULT_STYLE) -> Figure:
    """Draw the bunch intensities of both beams: evolution, and bunch by bunch."""
    what = "Bunch intensities; mean ± 1σ over bunches, and each bunch"
    rows = {f"Beam {b} [10¹¹ p]": families(sb, b, "intensity_ppb", E11) for b in BEAMS}
    return bunch_figure(sb.time_s, rows, "10¹¹ p", what, "intensity measured", fill, style)


@drawing
def draw_bunch_lengths(sb: StableBeams, fill: int, *, style: Style = DEFAULT_STYLE) -> Figure:
    """Draw the bunch lengths of both beams: evolution, and bunch by bunch."""
    what = "Bunch lengths, 4σ; mean ± 1σ over bunches, and each bunch"
    rows = {f"Beam {b}: 4σ [ns]": families(sb, b, "length_m", NS_OF_4_SIGMA) for b in BEAMS}
    return bunch_figure(sb.time_s, rows, "ns", what, "bunch length measured", fill, style)


@drawing
def draw_bunch_lumi(
    sb: StableBeams,
    lumi: CalculatedLumi | MeasuredLumi | None,
    kind: str,
    fill: int,
    *,
    style: Style = DEFAULT_STYLE,
) -> Figure:
    """Draw the luminosity of each bunch pair at ATLAS and CMS.

    Parameters
    ----------
    sb
        Stable beams of the fill.
    lumi
        Calculated or measured, on the times of `sb`; None if there is none.
    kind
        "calculated" or "measured".
    fill
        Its number, for the title.
    style
        Sizes.
    """
    what = (
        f"Luminosity of each bunch pair, {kind}; mean ± 1σ over pairs, and each pair "
        "(1 Hz/µb = 10³⁰ cm⁻² s⁻¹)"
    )
    slots = sb.bunches[1, "coll"].slots
    nothing = np.full((sb.time_s.size, slots.size), np.nan)
    rows = {}
    for experiment in EXPERIMENTS:
        values = nothing if lumi is None else lumi.bunch_lumi[experiment] * HZ_PER_UB
        series = BunchSeries("bunch pairs", EXPERIMENT[experiment], slots, values)
        rows[f"{experiment} [Hz/µb]"] = [series]
    return bunch_figure(sb.time_s, rows, "Hz/µb", what, f"luminosity {kind}", fill, style)


def families(sb: StableBeams, beam: int, name: str, scale: float = 1.0) -> list[BunchSeries]:
    """Return a quantity of the colliding and of the non-colliding bunches of a beam."""
    looks = {"coll": ("colliding", BEAM[beam]), "noncoll": ("non-colliding", NONCOLLIDING)}
    series = []
    for family, (words, look) in looks.items():
        bunches = sb.bunches[beam, family]
        series.append(BunchSeries(words, look, bunches.slots, getattr(bunches, name) * scale))
    return series


def bunch_figure(
    time_s: FloatArray,
    rows: Mapping[str, Sequence[BunchSeries]],
    unit: str,
    what: str,
    missing: str,
    fill: int,
    style: Style,
) -> Figure:
    """Return a figure with a row for each quantity: against time, and bunch by bunch.

    Parameters
    ----------
    time_s
        Times of stable beams, Unix seconds.
    rows
        What each row shows, by the label of its axis.
    unit
        Of all rows.
    what
        Second line of the title.
    missing
        What a row without any value says that there is none of.
    fill
        Number of the fill.
    style
        Sizes.
    """
    figure = new_figure(style)
    title(figure, style, fill, time_s[0], what)
    axes = panels(figure, style, len(rows), 2, margins=WITH_BAR)
    for (left, right), (label, series) in zip(axes, rows.items()):
        bunch_row(left, right, time_s, series, label, unit, missing, style)
    for ax in axes[-1]:
        ax.xaxis.label.set_visible(True)
    hours_bar(figure, [row[1] for row in axes], hours_since(time_s), style)
    return figure


def bunch_row(
    left: Axes,
    right: Axes,
    time_s: FloatArray,
    series: Sequence[BunchSeries],
    label: str,
    unit: str,
    missing: str,
    style: Style,
) -> None:
    """Draw a quantity against time and bunch by bunch. The labels of x are hidden."""
    hours = hours_since(time_s)
    there = [s for s in series if np.isfinite(s.values).any()]
    for s in series:
        if np.isfinite(s.values).any():
            draw_evolution(left, hours, s.values, s.look, legend_text(s, unit))
        else:
            left.plot([], [], " ", label=legend_text(s, unit))
    draw_gaps(left, hours, [s.values for s in there])
    each = [s.values for s in there]
    # One absurd bunch of 2,500 may pull the mean away from all others: the mean stays in view.
    means = [mean_and_spread(values)[0] for values in each]
    set_value_axis(left, label, *means, beside=each)
    set_value_axis(right, label, *each)
    if not there:
        for ax in (left, right):
            note_missing(ax, f"no {missing}")
    hour_axis(left, time_s)
    slot_axis(right, *(s.slots for s in series))
    for ax in (left, right):
        ax.xaxis.label.set_visible(False)
    for s in there:
        draw_bunches(right, s.slots, s.values, hours, style)
    legend_above(left)


def legend_text(series: BunchSeries, unit: str) -> str:
    """Return the number of bunches, and mean and spread at start and end."""
    n_bunches = series.slots.size
    if not n_bunches:
        return f"no {series.name}{'' if series.name.endswith('s') else ' bunches'}"
    if not np.isfinite(series.values).any():
        return f"{n_bunches:,} {series.name}: no data"
    ends = (spread_text(series.values[i], "") for i in (0, -1))
    return f"{count_text(series.values)} {series.name}: {' to '.join(ends)} {unit}"


# --- pictures

BUNCH_PICTURES: tuple[Picture[SbResults], ...] = (
    Picture(
        "b1Emittances",
        "horizontal and vertical emittance of beam 1, smoothed: evolution, and bunch by bunch",
        lambda r, style: draw_emittances(r.sb, 1, r.fill, style=style),
    ),
    Picture(
        "b2Emittances",
        "horizontal and vertical emittance of beam 2, smoothed",
        lambda r, style: draw_emittances(r.sb, 2, r.fill, style=style),
    ),
    Picture(
        "b1RawEmittances",
        "horizontal and vertical emittance of beam 1 as measured",
        lambda r, style: draw_emittances(r.sb, 1, r.fill, raw=True, style=style),
    ),
    Picture(
        "b2RawEmittances",
        "horizontal and vertical emittance of beam 2 as measured",
        lambda r, style: draw_emittances(r.sb, 2, r.fill, raw=True, style=style),
    ),
    Picture(
        "bunchIntensity",
        "bunch intensities of both beams: evolution, and bunch by bunch",
        lambda r, style: draw_intensities(r.sb, r.fill, style=style),
    ),
    Picture(
        "bunchLength",
        "bunch lengths (4 sigma) of both beams",
        lambda r, style: draw_bunch_lengths(r.sb, r.fill, style=style),
    ),
    Picture(
        "calcLumi",
        "calculated luminosity of each bunch pair at ATLAS and CMS",
        lambda r, style: draw_bunch_lumi(r.sb, r.lumi_calc, "calculated", r.fill, style=style),
    ),
    Picture(
        "measLumi",
        "measured luminosity of each bunch pair",
        lambda r, style: draw_bunch_lumi(r.sb, r.lumi_meas, "measured", r.fill, style=style),
    ),
)

SB_PICTURES = (
    *TOTAL_PICTURES,
    *BUNCH_PICTURES,
    *FIT_PICTURES,
    *LOSS_PICTURES,
)


def sb_sets(paths: FillPaths) -> list[PictureSet[SbResults]]:
    """Return the pictures of stable beams."""
    uses = (*files_of_lumi(paths), paths.fits, paths.lifetime)
    return [PictureSet(SB_PICTURES, partial(SbResults.load, paths), needs=(paths.sb,), uses=uses)]
