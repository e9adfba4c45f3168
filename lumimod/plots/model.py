"""Pictures of the stable-beams model: each model beside the data, and all models together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from lumimod.arrays import FloatArray
from lumimod.physics.constants import SPEED_OF_LIGHT_M_S
from lumimod.plots.cycle import EMIT_H, EMIT_V, INTENSITY, Quantity
from lumimod.plots.panels import (
    Margins,
    draw_evolution,
    draw_line,
    finite,
    hour_axis,
    hours_since,
    legend_above,
    mean_and_spread,
    note_missing,
    panels,
    set_value_axis,
    spread_text,
    title,
)
from lumimod.plots.results import ModelResults, Picture
from lumimod.plots.style import (
    BEAM,
    CALCULATED,
    DEFAULT_STYLE,
    EXPERIMENT,
    MODEL,
    REFERENCE,
    Look,
    Style,
    drawing,
    new_figure,
)
from lumimod.plots.totals import mark_level, ratio, total
from lumimod.records import BEAMS, EXPERIMENTS, ModelResult

FAMILY_NAMES = {"coll": "colliding", "noncoll": "non-colliding"}
TOTAL = 1e-38
"""From 1/(m^2 s) to 1e34/(cm^2 s)."""
PER_BUNCH = 1e-34
"""From 1/(m^2 s) to 1e30/(cm^2 s)."""
TOTAL_UNIT, BUNCH_UNIT = r"$10^{34}\ cm^{-2}s^{-1}$", r"$10^{30}\ cm^{-2}s^{-1}$"
OTHER_MODEL = Look("#7b3294", "--", "o")


LENGTH = Quantity("length_m", r"$4\sigma$ length", "ns", 4e9 / SPEED_OF_LIGHT_M_S)


# --- what a model is


def look_of_model(name: str) -> Look:
    """Return how a model is drawn."""
    return MODEL.get(name, OTHER_MODEL)


def takes(model: ModelResult, quantity: Quantity, family: str) -> bool:
    """Return whether a model takes a quantity from the data rather than modelling it."""
    settings = model.settings
    if quantity is INTENSITY:
        return family == "noncoll" or not settings["BOff"]
    kind: Any = settings["blengthBU"] if quantity is LENGTH else settings["emitBU"]
    return bool(kind != "Model")


def factors_of(model: ModelResult, case: str) -> dict[str, float]:
    """Return the emittance factors of a case, by "1h", "1v", "2h", "2v"; none if it is unknown."""
    cases = [str(name) for name in model.case["case"]]
    if case not in cases:
        return {}
    index = cases.index(case)
    return {of: float(model.case[f"cor_fact_{of}"][index]) for of in ("1h", "1v", "2h", "2v")}


def factor_of(model: ModelResult, case: str, beam: int, quantity: Quantity) -> float:
    """Return by what a case multiplies a quantity of the data; 1 but for emittances."""
    plane = {EMIT_H.field: "h", EMIT_V.field: "v"}.get(quantity.field, "")
    return factors_of(model, case).get(f"{beam}{plane}", 1.0)


def describe_case(model: ModelResult, case: str) -> str:
    """Return the correction factors of a case in words."""
    factors = factors_of(model, case)
    if not factors:
        return f"case {case} (factors not known)"
    if all(f == 1 for f in factors.values()):
        return f"case {case} (no emittance correction)"
    values = ", ".join(f"B{of.upper()} {f:g}" for of, f in factors.items())
    return f"case {case} (emittances × {values})"


def describe_model(model: ModelResult, family: str) -> str:
    """Return in words what a model takes from the data."""
    names = {"emittances": EMIT_H, "intensities": INTENSITY, "lengths": LENGTH}
    taken = [name for name, quantity in names.items() if takes(model, quantity, family)]
    return " and ".join(taken) + " from data" if taken else "all modelled from the first time"


# --- bunches


@drawing
def draw_emittances(
    results: ModelResults, name: str, family: str, *, style: Style = DEFAULT_STYLE
) -> Figure:
    """Draw both emittances of both beams, modelled beside measured."""
    return _bunches_figure(results, name, family, (EMIT_H, EMIT_V), style)


@drawing
def draw_intensities_and_lengths(
    results: ModelResults, name: str, family: str, *, style: Style = DEFAULT_STYLE
) -> Figure:
    """Draw intensity and length of both beams, modelled beside measured."""
    return _bunches_figure(results, name, family, (INTENSITY, LENGTH), style)


def _bunches_figure(
    results: ModelResults, name: str, family: str, quantities: Sequence[Quantity], style: Style
) -> Figure:
    figure = new_figure(style)
    _model_title(figure, style, results, name, family, f"{FAMILY_NAMES[family]} bunches")
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
            bunches_panel(ax, results, name, (beam, family), quantity)
        _share_hours(row, results, last=row is rows[-1])
    return figure


def bunches_panel(
    ax: Axes, results: ModelResults, name: str, of: tuple[int, str], quantity: Quantity
) -> None:
    """Draw mean and spread over bunches of a quantity, modelled beside measured."""
    beam, family = of
    bunches = results.sb.bunches[of]
    hours = hours_since(results.sb.time_s)
    drawn = []
    if bunches.slots.size:
        data = getattr(bunches, quantity.field) * quantity.scale
        text = f"data, {count_text(data)} bunches: {ends_text(data)}"
        draw_evolution(ax, hours, data, MODEL["data"], text)
        drawn.append(data)
        if _has(results, name):
            drawn += _model_lines(ax, results, name, of, quantity, data)
    bands = [mean_and_spread(values) for values in drawn]
    edges = [edge for mean, spread in bands for edge in (mean - spread, mean + spread)]
    set_value_axis(ax, f"Beam {beam}\n{quantity.symbol} [{quantity.unit}]", *edges)
    ax.yaxis.label.set_color(BEAM[beam].color)
    if not bunches.slots.size:
        note_missing(ax, f"beam {beam}: no {FAMILY_NAMES[family]} bunches")
    elif not any(finite(values).size for values in drawn):
        note_missing(ax, f"beam {beam}: neither data nor model has a value")
    elif not _has(results, name):
        note_missing(ax, _no_model(results, name))
    legend_above(ax, 1)


def _model_lines(
    ax: Axes,
    results: ModelResults,
    name: str,
    of: tuple[int, str],
    quantity: Quantity,
    data: FloatArray,
) -> list[FloatArray]:
    """Draw a model's line, saying where it follows the data, and the data as it starts from."""
    model = results.model.models[name]
    values = getattr(model.bunches[of], quantity.field) * quantity.scale
    hours = hours_since(model.time_s)
    factor = factor_of(model, results.case, of[0], quantity)
    start = "data" if factor == 1 else f"data × {factor:g}"
    followed = takes(model, quantity, of[1])
    there = count_text(values)
    of_them = f", {there} bunches" if " of " in there else ""
    text = f"model{of_them}: " + (f"the {start}, not modelled" if followed else ends_text(values))
    draw_evolution(ax, hours[: values.shape[0]], values, look_of_model(name), text)
    if followed or factor == 1:
        return [values]
    mean, _ = mean_and_spread(data * factor)
    label = f"{start}: where the model starts"
    draw_line(ax, hours[: mean.size], mean, Look(REFERENCE), linewidth=1.0, label=label)
    return [values, mean[:, None]]


def count_text(values: FloatArray) -> str:
    """Return how many bunches have a value at any time, of how many if not all have."""
    n_bunches = values.shape[1]
    there = int(np.count_nonzero(np.isfinite(values).any(axis=0)))
    return f"{there:,}" if there == n_bunches else f"{there:,} of {n_bunches:,}"


def ends_text(values: FloatArray) -> str:
    """Return mean and spread over bunches at the first and last time that have a value."""
    seen = np.flatnonzero(np.isfinite(values).any(axis=1))
    if not seen.size:
        return "no data"
    return " to ".join(spread_text(values[row], "") for row in (seen[0], seen[-1]))


# --- luminosity


@drawing
def draw_luminosity(results: ModelResults, name: str, *, style: Style = DEFAULT_STYLE) -> Figure:
    """Draw a model's luminosity beside the measured and the calculated one, and their ratio."""
    figure = new_figure(style)
    _model_title(figure, style, results, name, "coll", "luminosity")
    top = 7.0 if results.level_m2s is None else 8.4
    margins = Margins(left=6.6, top=top, between_rows=1.2, between_columns=7.2)
    rows = panels(figure, style, 3, 2, margins=margins, heights=(3, 3, 2))
    names = (name,) if _has(results, name) else ()
    for exp, *axes in zip(EXPERIMENTS, *rows):
        sources = sources_of(results, exp, names)
        _total_panel(axes[0], results, exp, sources)
        lacks = () if names else (_no_model(results, name),)
        _mean_bunch_panel(axes[1], results, sources, lacks)
        ratio_panel(axes[2], results, sources)
        _share_hours(axes[:-1], results, last=False)
        _share_hours(axes[-1:], results, last=True)
        legend_above(axes[0], 1)
    return figure


@drawing
def draw_comparison(results: ModelResults, *, style: Style = DEFAULT_STYLE) -> Figure:
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
        sources = sources_of(results, exp, tuple(models))
        lacks = () if models else (f"case {results.case} has no models",)
        _total_panel(upper, results, exp, sources, lacks, with_numbers=False)
        ratio_panel(lower, results, sources, with_numbers=True)
        _share_hours((upper,), results, last=False)
        _share_hours((lower,), results, last=True)
    handles, labels = rows[0][0].get_legend_handles_labels()
    if handles:
        left = rows[0][0].get_position().x0
        top = 1 - 3.2 * style.em_in / style.fig_size_in[1]
        figure.legend(handles, labels, loc="upper left", bbox_to_anchor=(left, top), ncols=4)
    return figure


class Source(NamedTuple):
    """Where a luminosity comes from: values of all bunches, (n_times, n_slots), or None."""

    name: str
    look: Look
    bunch_lumi: FloatArray | None
    """In 1/(m^2 s)."""


def sources_of(results: ModelResults, exp: str, names: Sequence[str]) -> dict[str, Source]:
    """Return measured and calculated luminosity and that of some models."""
    meas, calc = results.lumi_meas, results.lumi_calc
    found = [
        Source("measured", MODEL["data"], None if meas is None else meas.bunch_lumi[exp]),
        Source("calculated", CALCULATED, None if calc is None else calc.bunch_lumi[exp]),
    ]
    models = results.model.models
    found += [Source(name, look_of_model(name), models[name].bunch_lumi[exp]) for name in names]
    return {source.name: source for source in found}


def _total_panel(
    ax: Axes,
    results: ModelResults,
    exp: str,
    sources: Mapping[str, Source],
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
            values = total(source.bunch_lumi) * TOTAL
            label += _total_text(values, source.bunch_lumi) if with_numbers else ""
        draw_line(ax, hours[: values.size], values, source.look, label=label)
        drawn.append(values)
    mark_level(ax, results.level_m2s)
    level = [] if results.level_m2s is None else [np.array([results.level_m2s * TOTAL])]
    set_value_axis(ax, f"{exp}\n{TOTAL_UNIT}", *drawn, beside=level)
    ax.yaxis.label.set(color=EXPERIMENT[exp].color, size="small")
    _note(ax, results, lacks, drawn)


def _note(
    ax: Axes, results: ModelResults, lacks: Sequence[str], drawn: Sequence[FloatArray]
) -> None:
    """Say what a panel lacks, and whether it shows nothing at all, in one note."""
    nothing = not any(finite(values).size for values in drawn)
    words = [*lacks, _nothing(results)] if nothing else lacks
    if words:
        note_missing(ax, "\n".join(words))


def _total_text(values: FloatArray, bunch_lumi: FloatArray) -> str:
    found = finite(values)
    if not found.size:
        return ": no data"
    there = count_text(bunch_lumi)
    note = f" ({there} bunches)" if " of " in there else ""
    return f": {found[0]:.3g} to {found[-1]:.3g}{note}"


def _mean_bunch_panel(
    ax: Axes, results: ModelResults, sources: Mapping[str, Source], lacks: Sequence[str]
) -> None:
    hours = hours_since(results.sb.time_s)
    edges = []
    for source in sources.values():
        if source.bunch_lumi is not None and source.bunch_lumi.size:
            values = source.bunch_lumi * PER_BUNCH
            draw_evolution(ax, hours[: values.shape[0]], values, source.look, source.name)
            mean, spread = mean_and_spread(values)
            edges += [mean - spread, mean + spread]
    set_value_axis(ax, f"mean bunch\n{BUNCH_UNIT}", *edges)
    ax.yaxis.label.set_fontsize("small")
    _note(ax, results, lacks, edges)


def ratio_panel(
    ax: Axes,
    results: ModelResults,
    sources: Mapping[str, Source],
    *,
    with_numbers: bool = False,
) -> None:
    """Draw total luminosities over the measured one, or the calculated one if none was."""
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
    # While beams are brought into collision the ratio is far off: that is not to set the scale.
    label = f"ratio to\n{reference}" if reference else "ratio"
    set_value_axis(ax, label, *drawn, tail=0.05, include=1.0)
    ax.yaxis.label.set_fontsize("small")
    if reference is None:
        note_missing(ax, "no ratio: luminosity neither measured nor calculated")
    elif not any(finite(line).size for line in drawn):
        note_missing(ax, "no ratio: nothing to compare")
    if with_numbers:
        legend_above(ax, 2, size="x-small")


def _share_hours(axes: Sequence[Axes], results: ModelResults, *, last: bool) -> None:
    for ax in axes:
        hour_axis(ax, results.sb.time_s, label=last)
        ax.tick_params(labelbottom=last)
        ax.yaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 2.5, 5, 10]))


# --- words


def _has(results: ModelResults, name: str) -> bool:
    return name in results.model.models


def _no_model(results: ModelResults, name: str) -> str:
    return f"case {results.case} has no results of {name}"


def _nothing(results: ModelResults) -> str:
    if not results.sb.bunches[1, "coll"].slots.size:
        return "no colliding bunches"
    return "no luminosity of any bunch"


def _model_title(
    figure: Figure, style: Style, results: ModelResults, name: str, family: str, what: str
) -> None:
    second = f"{name}: {what}"
    if _has(results, name):
        model = results.model.models[name]
        case, taken = describe_case(model, results.case), describe_model(model, family)
        second = f"{name}, {case}: {what}, {taken}"
    title(figure, style, results.fill, results.sb.time_s[0], second)


# --- registry


def _luminosity(results: ModelResults, style: Style, *, name: str) -> Figure:
    return draw_luminosity(results, name, style=style)


def _emittances(results: ModelResults, style: Style, *, name: str, family: str) -> Figure:
    return draw_emittances(results, name, family, style=style)


def _intensities(results: ModelResults, style: Style, *, name: str, family: str) -> Figure:
    return draw_intensities_and_lengths(results, name, family, style=style)


def _comparison(results: ModelResults, style: Style) -> Figure:
    return draw_comparison(results, style=style)


def pictures(models: Sequence[str], case: str) -> tuple[Picture, ...]:
    """Return the pictures of one case."""
    each = (picture for name in models for picture in _pictures_of(name, case))
    return (*each, Picture(f"sbmodel_modelComp_luminosity_case{case}", _comparison))


def _pictures_of(name: str, case: str) -> list[Picture]:
    families = (("Colliding", "coll"), ("NonColliding", "noncoll"))
    kinds = (("emittance", _emittances), ("intens_blength_", _intensities))
    return [
        Picture(f"sbmodel_{name}_luminosity_case{case}", partial(_luminosity, name=name)),
        *(
            Picture(
                f"sbmodel_{name}_{kind}{word}_case{case}", partial(draw, name=name, family=family)
            )
            for kind, draw in kinds
            for word, family in families
        ),
    ]
