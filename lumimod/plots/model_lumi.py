"""Pictures of modelled luminosity beside the measured and the calculated one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lumimod.arrays import FloatArray
from lumimod.plots.axes import hours_since, set_value_axis
from lumimod.plots.families import Picture
from lumimod.plots.layout import Margins, legend_above, note_missing, panels, title
from lumimod.plots.model_results import (
    ModelResults,
    describe_case,
    has_model,
    look_of_model,
    model_title,
    no_model,
    share_hours,
)
from lumimod.plots.numbers import count_text, finite, mean_and_spread
from lumimod.plots.panels import draw_evolution, draw_line
from lumimod.plots.quantities import E34_PER_CM2_S, HZ_PER_UB
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
from lumimod.plots.totals import mark_level, ratio, total
from lumimod.records import EXPERIMENTS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TOTAL_UNIT, BUNCH_UNIT = r"$10^{34}\ cm^{-2}s^{-1}$", r"$10^{30}\ cm^{-2}s^{-1}$"


@drawing
def draw_sbmodel_luminosity(
    results: ModelResults, name: str, *, style: Style = DEFAULT_STYLE
) -> Figure:
    """Draw the luminosity of a model beside the measured and the calculated one, and the ratios."""
    figure = new_figure(style)
    model_title(figure, style, results, name, "coll", "luminosity")
    top = 7.0 if results.level_m2s is None else 8.4
    margins = Margins(left=6.6, top=top, between_rows=1.2, between_columns=7.2)
    rows = panels(figure, style, 3, 2, margins=margins, heights=(3, 3, 2))
    names = (name,) if has_model(results, name) else ()
    for exp, *axes in zip(EXPERIMENTS, *rows):
        sources = lumi_series_of(results, exp, names)
        _total_panel(axes[0], results, exp, sources)
        lacks = () if names else (no_model(results, name),)
        _mean_bunch_panel(axes[1], results, sources, lacks)
        model_ratio_panel(axes[2], results, sources)
        share_hours(axes[:-1], results, last=False)
        share_hours(axes[-1:], results, last=True)
        legend_above(axes[0], 1)
    return figure


@drawing
def draw_sbmodel_comparison(results: ModelResults, *, style: Style = DEFAULT_STYLE) -> Figure:
    """Draw the luminosity of all models beside the measured and the calculated one."""
    figure = new_figure(style)
    models = results.model.models
    case = f"case {results.case}"
    if models:
        case = describe_case(next(iter(models.values())), results.case)
    what = f"All models beside measured and calculated luminosity; medians of the ratios; {case}"
    title(figure, style, results.fill, results.sb.time_s[0], what)
    margins = Margins(left=6.6, top=6.2, between_rows=3.9, between_columns=7.2)
    rows = panels(figure, style, 2, 2, margins=margins, heights=(1, 1))
    for exp, upper, lower in zip(EXPERIMENTS, *rows):
        sources = lumi_series_of(results, exp, tuple(models))
        lacks = () if models else (f"case {results.case} has no models",)
        _total_panel(upper, results, exp, sources, lacks, with_numbers=False)
        model_ratio_panel(lower, results, sources, with_numbers=True)
        share_hours((upper,), results, last=False)
        share_hours((lower,), results, last=True)
    handles, labels = rows[0][0].get_legend_handles_labels()
    if handles:
        left = rows[0][0].get_position().x0
        top = 1 - 3.2 * style.em_in / style.fig_size_in[1]
        figure.legend(handles, labels, loc="upper left", bbox_to_anchor=(left, top), ncols=4)
    return figure


class LumiSeries(NamedTuple):
    """A luminosity of all bunch pairs, measured, calculated or modelled."""

    name: str
    look: Look
    bunch_lumi: FloatArray | None
    """(n_times, n_slots) in 1/(m^2 s); None if there is none."""


def lumi_series_of(results: ModelResults, exp: str, names: Sequence[str]) -> dict[str, LumiSeries]:
    """Return measured and calculated luminosity, and that of the models `names`."""
    meas, calc = results.lumi_meas, results.lumi_calc
    every = [
        LumiSeries("measured", MODEL["data"], None if meas is None else meas.bunch_lumi[exp]),
        LumiSeries("calculated", CALCULATED, None if calc is None else calc.bunch_lumi[exp]),
    ]
    models = results.model.models
    every += [LumiSeries(name, look_of_model(name), models[name].bunch_lumi[exp]) for name in names]
    return {source.name: source for source in every}


def _total_panel(
    ax: Axes,
    results: ModelResults,
    exp: str,
    sources: Mapping[str, LumiSeries],
    lacks: Sequence[str] = (),
    *,
    with_numbers: bool = True,
) -> None:
    hours = hours_since(results.sb.time_s)
    drawn = []
    for source in sources.values():
        label = source.name
        if source.bunch_lumi is None:
            label += ": not available"
            values = np.full(hours.size, np.nan)
        else:
            values = total(source.bunch_lumi) * E34_PER_CM2_S
            label += _total_text(values, source.bunch_lumi) if with_numbers else ""
        draw_line(ax, hours[: values.size], values, source.look, label=label)
        drawn.append(values)
    mark_level(ax, results.level_m2s)
    level = [] if results.level_m2s is None else [np.array([results.level_m2s * E34_PER_CM2_S])]
    set_value_axis(ax, f"{exp}\n{TOTAL_UNIT}", *drawn, beside=level)
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
    return f": {known[0]:.3g} to {known[-1]:.3g}{note}"


def _mean_bunch_panel(
    ax: Axes, results: ModelResults, sources: Mapping[str, LumiSeries], lacks: Sequence[str]
) -> None:
    hours = hours_since(results.sb.time_s)
    edges = []
    for source in sources.values():
        if source.bunch_lumi is not None and source.bunch_lumi.size:
            values = source.bunch_lumi * HZ_PER_UB
            draw_evolution(ax, hours[: values.shape[0]], values, source.look, source.name)
            mean, spread = mean_and_spread(values)
            edges += [mean - spread, mean + spread]
    set_value_axis(ax, f"mean bunch\n{BUNCH_UNIT}", *edges)
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
        ax.axhline(1, color=MODEL["data"].color, linewidth=1.0, zorder=1.5)
        for name, values in there.items():
            if name != reference:
                line = ratio(values, there[reference])
                median = f"{np.median(finite(line)):.3f}" if finite(line).size else "no data"
                label = f"{name} {median}" if with_numbers else "_"
                draw_line(ax, hours[: line.size], line, sources[name].look, label=label)
                drawn.append(line)
    # While beams are brought into collision the ratio is far from 1: this does not set the scale.
    label = f"ratio to\n{reference}" if reference else "ratio"
    set_value_axis(ax, label, *drawn, tail=0.05, include=1.0)
    ax.yaxis.label.set_fontsize("small")
    if reference is None:
        note_missing(ax, "no ratio: luminosity neither measured nor calculated")
    elif not any(finite(line).size for line in drawn):
        note_missing(ax, "no ratio: nothing to compare")
    if with_numbers:
        legend_above(ax, 2, size="x-small")


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
        )
    ]


def comparison_pictures(case: str) -> list[Picture[ModelResults]]:
    """Return the pictures of all models of one case together."""
    return [
        Picture(
            f"sbmodel_modelComp_luminosity_case{case}",
            "luminosity of all models, measured and calculated, and their ratios",
            lambda r, style: draw_sbmodel_comparison(r, style=style),
        )
    ]
