"""One page of a fill, for the wall screen: what it was, how it went, and what limited it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lumimod.errors import LumimodError
from lumimod.paths import FillPaths
from lumimod.plots.about import length_text
from lumimod.plots.axes import hour_axis
from lumimod.plots.families import Picture, PictureSet
from lumimod.plots.layout import Margins, first_line, legend_above, panels, write_title
from lumimod.plots.modes import name_strip, shades
from lumimod.plots.overview_data import OverviewData
from lumimod.plots.overview_facts import fact_rows
from lumimod.plots.overview_panels import (
    cross_sections_panel,
    emittances_panel,
    integrated_panel,
    intensities_panel,
    lengths_panel,
    lifetimes_panel,
    luminosity_panel,
    optics_panel,
    ratios_panel,
)
from lumimod.plots.sb_results import SbResults
from lumimod.plots.style import DEFAULT_STYLE, MUTED, Style, drawing, new_figure
from lumimod.readers.bmodes import FillModes, read_bmodes
from lumimod.records import store
from lumimod.records.store import Loader
from lumimod.summary.facts import facts
from lumimod.summary.model_facts import free_model
from lumimod.summary.turnaround import ends_before, turnaround_h

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SIZE_IN = (19.2, 10.8)
"""A wall screen of 1920 x 1080 at 100 dots/inch."""
_FONT_SIZE = 12.0
_LEGEND_COLUMNS = {luminosity_panel: 3, ratios_panel: 2}
"""Columns of legends that have two lines."""
_FACTS_EM = 23.0
"""Width of the block of facts, in units of the font size."""


def overview_sets(paths: FillPaths) -> Sequence[PictureSet[OverviewData]]:
    """Return the overview of a fill."""
    results = (paths.lumi_calc, paths.lumi_meas, paths.lumi_meas_timber, paths.lifetime)
    others = (paths.result("losses"), paths.cycle, paths.cycle_model, paths.fits)
    uses: tuple[Path, ...] = (*results, *others, *paths.models[:1])
    return [PictureSet(OVERVIEW_PICTURES, lambda: load_overview(paths), (paths.sb,), uses)]


def load_overview(paths: FillPaths) -> OverviewData:
    """Return what the overview of a fill shows."""
    load = store.each_once()
    sb = SbResults.load(paths, load)
    model = free_model(paths, sb.sb, load)
    modes, known = _known(paths, load)
    return OverviewData(sb, None if model is None else model.bunch_lumi, known, modes)


def _known(paths: FillPaths, load: Loader) -> tuple[FillModes | None, dict[str, Any]]:
    """Return the beam modes of a fill and its facts, as far as they are known."""
    try:
        every = read_bmodes(paths.cfg.files.bmodes)
    except LumimodError:
        return None, {}
    modes, before_s = every.get(paths.fill), ends_before(every).get(paths.fill)
    known = {} if modes is None else facts(paths, modes, load)[0]
    if modes is not None and before_s is not None:
        known["turnaround_h"] = turnaround_h(modes, before_s)
    return modes, known


# --- the page


def draw_overview(data: OverviewData, *, style: Style = DEFAULT_STYLE) -> Figure:
    """Draw the page: beam modes above, nine panels, and a block of facts.

    Its size and font are those of a wall screen, whatever the style says.
    """
    return _draw_page(data, style=replace(style, fig_size_in=SIZE_IN, font_size=_FONT_SIZE))


@drawing
def _draw_page(data: OverviewData, *, style: Style = DEFAULT_STYLE) -> Figure:
    figure = new_figure(style)
    _title(figure, style, data)
    margins = Margins(left=6.4, right=_FACTS_EM, top=12.0, bottom=4.6, between_columns=8.0)
    grid = panels(figure, style, 3, 3, margins=replace(margins, between_rows=4.2))
    drawers = (
        (luminosity_panel, ratios_panel, integrated_panel),
        (intensities_panel, emittances_panel, lengths_panel),
        (lifetimes_panel, cross_sections_panel, optics_panel),
    )
    for row, (axes, of_row) in enumerate(zip(grid, drawers)):
        for ax, draw in zip(axes, of_row):
            draw(ax, data)
            hour_axis(ax, data.sb.sb.time_s, label=row == 2)
            legend_above(ax, _LEGEND_COLUMNS.get(draw, 4))
    _mode_strip(figure, style, data)
    _fact_block(figure, style, fact_rows(data.facts, of_calculated=data.losses_of_calculated))
    return figure


def _title(figure: Figure, style: Style, data: OverviewData) -> None:
    known, sb = data.facts, data.sb
    parts = [f"length {length_text(3600 * known['hours'])}"] if "hours" in known else []
    parts += [str(known["ended"])] if "ended" in known else []
    first = first_line(sb.fill, sb.sb.time_s[0], in_progress=sb.about.in_progress)
    write_title(figure, style, first, ", ".join(["Overview of stable beams", *parts]))


def _mode_strip(figure: Figure, style: Style, data: OverviewData) -> None:
    if data.modes is None:
        return
    width, height = (size / style.em_in for size in style.fig_size_in)
    strip_em = width - 6.0 - _FACTS_EM
    ax = figure.add_axes((6.0 / width, 1 - 8.4 / height, strip_em / width, 5.0 / height))
    spans = [one for one in shades(data.modes) if np.isfinite(one.stop)]
    hours = max((one.stop for one in spans), default=1.0)
    name_strip(ax, spans, hours, strip_em)


def _fact_block(figure: Figure, style: Style, lines: Sequence[tuple[str, str]]) -> None:
    width, height = (size / style.em_in for size in style.fig_size_in)
    left = 1 - 17.5 / width
    for number, (name, value) in enumerate(lines):
        at = 1 - (4.0 + 1.55 * number) / height
        heading = not value
        figure.text(
            left, at, name, va="top", size=style.font_size * (1.0 if heading else 0.92),
            weight="bold" if heading else "normal", color="black" if heading else MUTED,
        )  # fmt: skip
        figure.text(1 - 0.6 / width, at, value, va="top", ha="right", size=style.font_size * 0.92)


OVERVIEW_PICTURES: tuple[Picture[OverviewData], ...] = (
    Picture(
        "overview",
        "one page for the wall screen: beam modes, luminosities measured, calculated and "
        "modelled with ratio, integral and pile-up, intensities, emittances, bunch lengths, "
        "lifetime beyond burn-off, effective cross-section, crossing angle and beta*, and facts",
        lambda data, style: draw_overview(data, style=style),
    ),
)
