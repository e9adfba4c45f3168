"""Pictures of modelled bunches beside the data: emittances, intensities and lengths."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from lumimod.arrays import FloatArray
from lumimod.plots.about import BY_BQM, BY_BSRT, BY_FBCT, Unmeasured, without_gaps
from lumimod.plots.axes import hours_since, set_value_axis, share_values
from lumimod.plots.families import Picture
from lumimod.plots.layout import Margins, legend_above, note_missing, panels
from lumimod.plots.marks import shade_gaps
from lumimod.plots.model_results import (
    ModelResults,
    factor_of,
    has_model,
    look_of_model,
    model_title,
    no_model,
    share_hours,
    takes,
)
from lumimod.plots.numbers import count_text, ends_text, finite, quantiles_of_rows
from lumimod.plots.panels import draw_evolution, draw_line
from lumimod.plots.quantities import EMIT_H, EMIT_V, INTENSITY, SB_LENGTH, Quantity
from lumimod.plots.style import (
    BEAM,
    DEFAULT_STYLE,
    MODEL,
    REFERENCE,
    Look,
    Style,
    drawing,
    new_figure,
)
from lumimod.records import BEAMS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FAMILY_WORDS = {"coll": "colliding", "noncoll": "non-colliding"}


@drawing
def draw_sbmodel_emittances(
    results: ModelResults, name: str, family: str, *, style: Style = DEFAULT_STYLE
) -> Figure:
    """Draw both emittances of both beams, modelled beside measured."""
    return _bunches_figure(results, name, family, (EMIT_H, EMIT_V), style)


@drawing
def draw_sbmodel_intensities_and_lengths(
    results: ModelResults, name: str, family: str, *, style: Style = DEFAULT_STYLE
) -> Figure:
    """Draw intensity and length of both beams, modelled beside measured."""
    return _bunches_figure(results, name, family, (INTENSITY, SB_LENGTH), style)


def _bunches_figure(
    results: ModelResults, name: str, family: str, quantities: Sequence[Quantity], style: Style
) -> Figure:
    figure = new_figure(style)
    model_title(figure, style, results, name, family, f"{FAMILY_WORDS[family]} bunches")
    model = results.model.models.get(name)
    corrected = model is not None and any(
        not takes(model, quantity, family) and factor_of(model, results.case, beam, quantity) != 1
        for beam in BEAMS
        for quantity in quantities
    )
    legend = 3.6 if corrected else 2.5
    margins = Margins(left=6.2, top=3.4 + legend, between_rows=legend + 0.9, between_columns=7.0)
    rows = panels(figure, style, 2, 2, margins=margins)
    for row, quantity in zip(rows, quantities):
        for ax, beam in zip(row, BEAMS):
            model_panel(ax, results, name, (beam, family), quantity)
        share_values(row)
        share_hours(row, results, last=row is rows[-1])
    return figure


def model_panel(
    ax: Axes, results: ModelResults, name: str, of: tuple[int, str], quantity: Quantity
) -> None:
    """Draw mean and spread of a quantity over bunches, modelled beside measured."""
    beam, family = of
    bunches = results.sb.bunches[of]
    hours = hours_since(results.sb.time_s)
    edges = []
    if bunches.slots.size:
        data = data_of(results, of, quantity)
        text = f"data, {count_text(data)} bunches: {ends_text(data)}"
        edges += draw_evolution(ax, hours, data, MODEL["data"], text)
        if has_model(results, name):
            edges += _model_lines(ax, results, name, of, quantity, data)
    shade_gaps(ax, results.sb.time_s, gaps_of(results, beam, quantity))
    set_value_axis(ax, f"Beam {beam}\n{quantity.symbol} [{quantity.unit}]", *edges)
    ax.yaxis.label.set_color(BEAM[beam].color)
    if not bunches.slots.size:
        note_missing(ax, f"beam {beam}: no {FAMILY_WORDS[family]} bunches")
    elif not finite(*edges).size:
        note_missing(ax, f"beam {beam}: neither data nor model has a value")
    elif not has_model(results, name):
        note_missing(ax, no_model(results, name))
    legend_above(ax, 1)


def _model_lines(
    ax: Axes,
    results: ModelResults,
    name: str,
    of: tuple[int, str],
    quantity: Quantity,
    data: FloatArray,
) -> list[FloatArray]:
    """Draw the line of a model and, for corrected emittances, the data that it starts from.

    Return what was drawn. The legend says if the model takes the quantity from the data.
    """
    model = results.model.models[name]
    values = getattr(model.bunches[of], quantity.field) * quantity.scale
    hours = hours_since(model.time_s)
    factor = factor_of(model, results.case, of[0], quantity)
    start = "data" if factor == 1 else f"data × {factor:g}"
    followed = takes(model, quantity, of[1])
    if followed:
        values = without_gaps(values, results.sb.time_s, gaps_of(results, of[0], quantity))
    there = count_text(values)
    of_them = f", {there} bunches" if " of " in there else ""
    text = f"model{of_them}: " + (f"the {start}, not modelled" if followed else ends_text(values))
    edges = draw_evolution(ax, hours[: values.shape[0]], values, look_of_model(name), text)
    if followed or factor == 1:
        return edges
    [centre] = quantiles_of_rows(data * factor, (0.5,))
    label = f"{start}: where the model starts"
    draw_line(ax, hours[: centre.size], centre, Look(REFERENCE), linewidth=1.0, label=label)
    return [*edges, centre]


def data_of(results: ModelResults, of: tuple[int, str], quantity: Quantity) -> FloatArray:
    """Return a quantity of a family of bunches as measured, in the unit shown; NaN in gaps."""
    data = getattr(results.sb.bunches[of], quantity.field) * quantity.scale
    return without_gaps(data, results.sb.time_s, gaps_of(results, of[0], quantity))


def gaps_of(results: ModelResults, beam: int, quantity: Quantity) -> list[Unmeasured]:
    """Return the gaps of what measures a quantity."""
    measured = {INTENSITY: BY_FBCT, SB_LENGTH: BY_BQM}.get(quantity, BY_BSRT)
    return results.about.gaps_of((measured,), (beam,))


def no_bunches(results: ModelResults, family: str) -> str:
    """Return why pictures of a family would show nothing; empty if it has bunches."""
    there = any(results.sb.bunches[beam, family].slots.size for beam in BEAMS)
    return "" if there else f"no {FAMILY_WORDS[family]} bunches"


def _nothing_of(results: ModelResults, name: str, family: str) -> str:
    missing = "" if has_model(results, name) else no_model(results, name)
    return missing or no_bunches(results, family)


def _emittances_of(name: str, case: str, family: str, tag: str) -> Picture[ModelResults]:
    return Picture(
        f"sbmodel_{name}_emittance{tag}_case{case}",
        f"emittances of {FAMILY_WORDS[family]} bunches, modelled and measured",
        lambda r, style: draw_sbmodel_emittances(r, name, family, style=style),
        lambda r: _nothing_of(r, name, family),
    )


def _intensities_of(name: str, case: str, family: str, tag: str) -> Picture[ModelResults]:
    return Picture(
        f"sbmodel_{name}_intens_blength_{tag}_case{case}",
        f"intensity and length of {FAMILY_WORDS[family]} bunches, modelled and measured",
        lambda r, style: draw_sbmodel_intensities_and_lengths(r, name, family, style=style),
        lambda r: _nothing_of(r, name, family),
    )


def bunch_pictures(name: str, case: str) -> list[Picture[ModelResults]]:
    """Return the pictures of the bunches of one model in one case."""
    kinds = (("coll", "Colliding"), ("noncoll", "NonColliding"))
    return [of(name, case, *kind) for of in (_emittances_of, _intensities_of) for kind in kinds]
