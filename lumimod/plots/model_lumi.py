"""Pictures of modelled luminosity beside the measured and the calculated one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lumimod.arrays import FloatArray
from lumimod.plots.about import OF_CALCULATED, without_gaps
from lumimod.plots.axes import hours_since, ratio_axis, set_value_axis, share_values
from lumimod.plots.ends import label_ends, legend_of_figure
from lumimod.plots.families import Picture
from lumimod.plots.layout import Margins, legend_above, note_missing, panels, title
from lumimod.plots.marks import mark_steps, optics_steps, shade_gaps
from lumimod.plots.model_bunches import gaps_of
from lumimod.plots.model_results import (
    ModelResults,
    case_of,
    has_model,
    look_of_model,
    model_title,
    no_model,
    share_hours,
    takes,
)
from lumimod.plots.numbers import count_text, finite, power_of, significant
from lumimod.plots.panels import draw_evolution, draw_line
from lumimod.plots.quantities import EMIT_H, HZ_PER_UB, INTENSITY, PER_CM2_S, SB_LENGTH
from lumimod.plots.style import (
    CALCULATED,
    DEFAULT_STYLE,
    EXPERIMENT,
    MODEL,
    Look,
    Style,
    drawing,
    new_figure,
)
from lumimod.plots.totals import mark_level, ratio, reached, total
from lumimod.records import BEAMS, EXPERIMENTS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BUNCH_UNIT = "10³⁰ cm⁻² s⁻¹"


@drawing
def draw_sbmodel_luminosity(
    results: ModelResults, name: str, *, style: Style = DEFAULT_STYLE
) -> Figure:
    """Draw the luminosity of a model beside the measured and the calculated one, and the ratios."""
    figure = new_figure(style)
    model_title(figure, style, results, name, "coll", "luminosity")
    top = 7.2 if results.level_m2s is None else 8.6
    margins = Margins(left=6.6, top=top, between_rows=1.2, between_columns=7.2)
    rows = panels(figure, style, 3, 2, margins=margins, heights=(3, 3, 2))
    names = (name,) if has_model(results, name) else ()
    scale = power_of_total(results, names)
    for exp, *axes in zip(EXPERIMENTS, *rows):
        sources = lumi_series_of(results, exp, names)
        lacks = () if names else (no_model(results, name),)
        _total_panel(axes[0], results, exp, sources, scale)
        _median_pair_panel(axes[1], results, sources, lacks)
        model_ratio_panel(axes[2], results, sources)
        share_hours(axes[:-1], results, last=False)
        share_hours(axes[-1:], results, last=True)
        legend_above(axes[0], 1)
        _mark(axes, results, exp)
    for row in rows:
        share_values(row)
    return figure


@drawing
def draw_sbmodel_comparison(results: ModelResults, *, style: Style = DEFAULT_STYLE) -> Figure:
    """Draw the luminosity of all models beside the measured and the calculated one."""
    figure = new_figure(style)
    models = results.model.models
    what = "Luminosity of all models, measured and calculated; medians of the ratios"
    what += f"; {case_of(results)}"
    title(figure, style, results.fill, results.sb.time_s[0], what, results.about)
    margins = Margins(left=6.6, top=6.2, between_rows=4.0, between_columns=7.2, right=10.5)
    rows = panels(figure, style, 2, 2, margins=margins, heights=(1, 1))
    scale = power_of_total(results, tuple(models))
    for exp, upper, lower in zip(EXPERIMENTS, *rows):
        sources = lumi_series_of(results, exp, tuple(models))
        lacks = () if models else (f"case {results.case} has no models",)
        _total_panel(upper, results, exp, sources, scale, lacks, with_numbers=False)
        model_ratio_panel(lower, results, sources, with_numbers=True)
        share_hours((upper,), results, last=False)
        share_hours((lower,), results, last=True)
        _mark((upper, lower), results, exp)
    for row in rows:
        share_values(row)
        label_ends(row[1])
    legend_of_figure(figure, rows[0][0], style)
    return figure


def power_of_total(results: ModelResults, names: Sequence[str]) -> tuple[float, str]:
    """Return the factor from 1/(m^2 s), and the power of ten, of all that a picture shows."""
    sums = []
    for exp in EXPERIMENTS:
        for source in lumi_series_of(results, exp, names).values():
            if source.bunch_lumi is not None and source.name != "calculated":
                sums.append(total(source.bunch_lumi) * PER_CM2_S)
    scale, power = power_of(*sums)
    return scale * PER_CM2_S, power


def _mark(axes: Sequence[Axes], results: ModelResults, exp: str) -> None:
    """Mark gaps of the instruments and steps of the optics."""
    gaps = results.about.gaps_of(OF_CALCULATED)
    for ax in axes:
        shade_gaps(ax, results.sb.time_s, gaps, words=ax is axes[0])
    steps = optics_steps(results.sb, results.lumi_calc, exp, results.about)
    mark_steps(axes, results.sb.time_s, steps)


class LumiSeries(NamedTuple):
    """A luminosity of all bunch pairs, measured, calculated or modelled."""

    name: str
    look: Look
    bunch_lumi: FloatArray | None
    """(n_times, n_slots) in 1/(m^2 s); None if there is none."""


def lumi_series_of(results: ModelResults, exp: str, names: Sequence[str]) -> dict[str, LumiSeries]:
    """Return measured and calculated luminosity, and that of the models `names`.

    What is calculated is left out where an instrument did not measure, and where the luminosity
    was levelled below it.
    """
    meas, calc = results.lumi_meas, results.lumi_calc
    calculated = None
    if calc is not None:
        of_exp, level_m2s = calc.bunch_lumi[exp], results.level_m2s
        calculated = reached(of_exp, results.sb.time_s, results.about, level_m2s)
    every = [
        LumiSeries("measured", MODEL["data"], None if meas is None else meas.bunch_lumi[exp]),
        LumiSeries("calculated", CALCULATED, calculated),
    ]
    every += [
        LumiSeries(name, look_of_model(name), _modelled(results, name, exp)) for name in names
    ]
    return {source.name: source for source in every}


def _modelled(results: ModelResults, name: str, exp: str) -> FloatArray:
    """Return the luminosity of a model, as NaN where what it takes from the data has a gap."""
    model, gaps = results.model.models[name], []
    for quantity in (EMIT_H, INTENSITY, SB_LENGTH):
        if takes(model, quantity, "coll"):
            gaps += [gap for beam in BEAMS for gap in gaps_of(results, beam, quantity)]
    return without_gaps(model.bunch_lumi[exp], results.sb.time_s, gaps)


def _total_panel(
    ax: Axes,
    results: ModelResults,
    exp: str,
    sources: Mapping[str, LumiSeries],
    scale: tuple[float, str],
    lacks: Sequence[str] = (),
    *,
    with_numbers: bool = True,
) -> None:
    hours = hours_since(results.sb.time_s)
    factor, power = scale
    drawn = []
    for source in sources.values():
        label = source.name
        if source.bunch_lumi is None:
            label += ": not available"
            values = np.full(hours.size, np.nan)
        else:
            values = total(source.bunch_lumi) * factor
            label += _total_text(values, source.bunch_lumi) if with_numbers else ""
        draw_line(ax, hours[: values.size], values, source.look, label=label)
        drawn.append(values)
    level = None if results.level_m2s is None else results.level_m2s * factor
    mark_level(ax, level, power)
    beside = [] if level is None else [np.array([level])]
    unit = f"{power} cm⁻² s⁻¹".strip()
    set_value_axis(ax, f"{exp} luminosity\n[{unit}]", *drawn, beside=beside)
    ax.yaxis.label.set(color=EXPERIMENT[exp].color, size="small")
    _note(ax, results, lacks, drawn)


def _note(
    ax: Axes, results: ModelResults, lacks: Sequence[str], drawn: Sequence[FloatArray]
) -> None:
    """Note in a panel what is missing, and why if it shows nothing at all."""
    nothing = not any(finite(values).size for values in drawn)
    words = [*lacks, _nothing(results)] if nothing else lacks
    if words:
        note_missing(ax, "\n".join(words))


def _total_text(values: FloatArray, bunch_lumi: FloatArray) -> str:
    known = finite(values)
    if not known.size:
        return ": no data"
    there = count_text(bunch_lumi)
    note = f" ({there} bunches)" if " of " in there else ""
    return f": {significant(known[0])} to {significant(known[-1])}{note}"


def _median_pair_panel(
    ax: Axes, results: ModelResults, sources: Mapping[str, LumiSeries], lacks: Sequence[str]
) -> None:
    hours = hours_since(results.sb.time_s)
    edges = []
    for source in sources.values():
        if source.bunch_lumi is not None and source.bunch_lumi.size:
            values = source.bunch_lumi * HZ_PER_UB
            of = hours[: values.shape[0]]
            edges += draw_evolution(ax, of, values, source.look, source.name)
    set_value_axis(ax, f"median pair\n[{BUNCH_UNIT}]", *edges)
    ax.yaxis.label.set_fontsize("small")
    _note(ax, results, lacks, edges)


def model_ratio_panel(
    ax: Axes,
    results: ModelResults,
    sources: Mapping[str, LumiSeries],
    *,
    with_numbers: bool = False,
) -> None:
    """Draw ratios of total luminosities to the measured one, or else to the calculated one."""
    hours = hours_since(results.sb.time_s)
    there = {n: s.bunch_lumi for n, s in sources.items() if s.bunch_lumi is not None}
    usable = (n for n in ("measured", "calculated") if n in there and finite(there[n]).size)
    reference = next(usable, None)
    drawn = []
    if reference is not None:
        for name, values in there.items():
            if name != reference:
                line = ratio(values, there[reference])
                median = f"{np.median(finite(line)):.3f}" if finite(line).size else "no data"
                label = f"{name} {median}" if with_numbers else f"_{name}"
                draw_line(ax, hours[: line.size], line, sources[name].look, label=label)
                drawn.append(line)
    # While beams are brought into collision the ratio is far from 1: this does not set the scale.
    ratio_axis(ax, f"ratio to\n{reference}" if reference else "ratio", *drawn)
    ax.yaxis.label.set_fontsize("small")
    if reference is None:
        note_missing(ax, "no ratio: luminosity neither measured nor calculated")
    elif not any(finite(line).size for line in drawn):
        note_missing(ax, "no ratio: nothing to compare")
    if with_numbers:
        legend_above(ax, 2, size="x-small", widest=0.98)  # names of the lines stand beside it


def _nothing(results: ModelResults) -> str:
    if not results.sb.bunches[1, "coll"].slots.size:
        return "no colliding bunches"
    return "no luminosity of any bunch"


def lumi_pictures(name: str, case: str) -> list[Picture[ModelResults]]:
    """Return the pictures of the luminosity of one model in one case."""
    return [
        Picture(
            f"sbmodel_{name}_luminosity_case{case}",
            "luminosity of the model, measured and calculated, and their ratios",
            lambda r, style: draw_sbmodel_luminosity(r, name, style=style),
            lambda r: "" if has_model(r, name) else no_model(r, name),
        )
    ]


def comparison_picture(name: str) -> Picture[ModelResults]:
    """Return the picture of the luminosity of all models of one case together."""
    return Picture(
        name,
        "luminosity of all models, measured and calculated, and their ratios",
        lambda r, style: draw_sbmodel_comparison(r, style=style),
    )
