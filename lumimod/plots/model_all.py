"""Pictures of all models side by side: emittances, intensities and lengths."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from lumimod.plots.about import without_gaps
from lumimod.plots.axes import hours_since, set_value_axis, share_values
from lumimod.plots.ends import label_ends, legend_of_figure
from lumimod.plots.families import Picture
from lumimod.plots.layout import Margins, note_missing, panels, title
from lumimod.plots.marks import shade_gaps
from lumimod.plots.model_bunches import FAMILY_WORDS, data_of, gaps_of, no_bunches
from lumimod.plots.model_results import (
    ModelResults,
    case_of,
    factor_of,
    look_of_model,
    share_hours,
    takes,
)
from lumimod.plots.numbers import finite, quantiles_of_rows
from lumimod.plots.panels import draw_evolution, draw_line
from lumimod.plots.quantities import EMIT_H, EMIT_V, INTENSITY, SB_LENGTH, Quantity
from lumimod.plots.style import BEAM, DEFAULT_STYLE, MODEL, Style, drawing, new_figure
from lumimod.records import BEAMS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@drawing
def draw_all_models(
    results: ModelResults,
    family: str,
    quantities: Sequence[Quantity],
    *,
    style: Style = DEFAULT_STYLE,
) -> Figure:
    """Draw two quantities of both beams: measured, and as each model has them.

    A model that takes a quantity from the data has no line of its own.

    Parameters
    ----------
    results
        Stable beams and models of one case.
    family
        "coll" or "noncoll".
    quantities
        One for each row.
    style
        Sizes.
    """
    figure = new_figure(style)
    what = f"{FAMILY_WORDS[family]} bunches, measured (median, middle 68 %) and modelled (medians)"
    second = f"{what[0].upper()}{what[1:]}; {case_of(results)}"
    title(figure, style, results.fill, results.sb.time_s[0], second, results.about)
    margins = Margins(left=6.2, top=6.2, between_rows=1.6, between_columns=7.0, right=10.5)
    rows = panels(figure, style, len(quantities), 2, margins=margins)
    labels = _labels(results, family, quantities)
    for row, quantity in zip(rows, quantities):
        for ax, beam in zip(row, BEAMS):
            all_models_panel(ax, results, (beam, family), quantity, labels)
        share_values(row)
        share_hours(row, results, last=row is rows[-1])
        label_ends(row[1])
    legend_of_figure(figure, rows[0][0], style)
    return figure


def _labels(results: ModelResults, family: str, quantities: Sequence[Quantity]) -> dict[str, str]:
    """Return the words for each model in the legend of the figure."""
    everything = [(beam, quantity) for beam in BEAMS for quantity in quantities]
    labels = {}
    for name, model in results.model.models.items():
        follows = all(
            takes(model, quantity, family) and factor_of(model, results.case, beam, quantity) == 1
            for beam, quantity in everything
        )
        labels[name] = f"{name}: as measured" if follows else name
    return labels


def all_models_panel(
    ax: Axes,
    results: ModelResults,
    of: tuple[int, str],
    quantity: Quantity,
    labels: Mapping[str, str],
) -> None:
    """Draw a quantity of a family of bunches: measured, and each model that has its own."""
    beam, family = of
    hours = hours_since(results.sb.time_s)
    data = data_of(results, of, quantity)
    drawn = []
    if data.shape[1]:
        drawn += draw_evolution(ax, hours, data, MODEL["data"], "measured")
        for name, model in results.model.models.items():
            followed = takes(model, quantity, family)
            if followed and factor_of(model, results.case, beam, quantity) == 1:
                # Its line is that of the data: the legend names it, no more.
                nothing = np.full(2, np.nan)
                draw_line(ax, nothing, nothing, look_of_model(name), label=labels[name])
                continue
            values = getattr(model.bunches[of], quantity.field) * quantity.scale
            if followed:
                gaps = gaps_of(results, beam, quantity)
                values = without_gaps(values, results.sb.time_s, gaps)
            [centre] = quantiles_of_rows(values, (0.5,))
            draw_line(ax, hours[: centre.size], centre, look_of_model(name), label=name)
            drawn.append(centre)
    shade_gaps(ax, results.sb.time_s, gaps_of(results, beam, quantity))
    set_value_axis(ax, f"Beam {beam}\n{quantity.symbol} [{quantity.unit}]", *drawn)
    ax.yaxis.label.set_color(BEAM[beam].color)
    if not data.shape[1]:
        note_missing(ax, f"beam {beam}: no {FAMILY_WORDS[family]} bunches")
    elif not finite(*drawn).size:
        note_missing(ax, f"beam {beam}: neither data nor model has a value")


def _picture(
    name: str, shows: str, family: str, quantities: Sequence[Quantity]
) -> Picture[ModelResults]:
    return Picture(
        name,
        f"{shows} of {FAMILY_WORDS[family]} bunches, measured and of all models",
        lambda r, style: draw_all_models(r, family, quantities, style=style),
        lambda r: no_bunches(r, family),
    )


def pictures_of_all_models(case: str) -> list[Picture[ModelResults]]:
    """Return the pictures of the bunches of all models in one case."""
    pictures = []
    for family, tag in (("coll", "Colliding"), ("noncoll", "NonColliding")):
        pictures += [
            _picture(f"sbmodel_emittance{tag}_case{case}", "emittances", family, (EMIT_H, EMIT_V)),
            _picture(
                f"sbmodel_intens_blength_{tag}_case{case}",
                "intensity and length",
                family,
                (INTENSITY, SB_LENGTH),
            ),
        ]
    return pictures
