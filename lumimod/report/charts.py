"""Charts of a season as drawings in the page: geometry alone, colours are those of the page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any, NamedTuple

import numpy as np

from lumimod.arrays import FloatArray
from lumimod.plots.axes import limits_of_each, robust_limits
from lumimod.plots.season import IN_BRACKETS, date_ticks, hours_label, series_label
from lumimod.plots.season_panels import (
    ONE_DAY_S,
    PER_DAY,
    TIME_PANELS,
    Panel,
    SeasonData,
    median_of,
)

WIDTH, HEIGHT = 640, 250
LEFT, RIGHT, TOP, BOTTOM = 62, 12, 10, 46
"""Room around the drawing, in units of the chart."""
_N_BINS = 24


class Tick(NamedTuple):
    """A line of the grid and its words."""

    at: float
    words: str


@dataclass(frozen=True)
class Curve:
    """What one series looks like; paths are those of SVG."""

    look: str
    """Class of the style sheet, such as b1."""
    label: str
    marks: str
    bars: str = ""
    """Spreads, or columns of a distribution."""
    bar_width: float = 0.0
    """Of columns, in units of the chart; 0: that of the style sheet."""
    line: str = ""
    median: float | None = None
    """Where its median is drawn."""


@dataclass(frozen=True)
class Chart:
    """One chart."""

    name: str
    title: str
    unit: str
    words: str
    """What it shows, for those who do not see it."""
    x_ticks: Sequence[Tick]
    y_ticks: Sequence[Tick]
    curves: Sequence[Curve]
    reference: float | None = None
    points: dict[str, Any] = field(default_factory=dict)
    """Where the points are and what they say, for the script of the page."""
    fills: Sequence[Tick] = ()
    """Numbers of fills below the dates, each at its own point."""


class _Axes:
    """From values to places in a chart."""

    def __init__(self, x: tuple[float, float], y: tuple[float, float]) -> None:
        self._x, self._y = x, y

    def x(self, values: Any) -> FloatArray:
        low, high = self._x
        share = (np.asarray(values, float) - low) / ((high - low) or 1.0)
        return np.round(LEFT + share * (WIDTH - LEFT - RIGHT), 1)

    def y(self, values: Any) -> FloatArray:
        low, high = self._y
        share = np.clip((np.asarray(values, float) - low) / ((high - low) or 1.0), 0.0, 1.0)
        return np.round(HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM), 1)

    def y_ticks(self) -> list[Tick]:
        from matplotlib.ticker import MaxNLocator

        values = MaxNLocator(5, steps=[1, 2, 5, 10]).tick_values(*self._y)
        inside = [v for v in values if self._y[0] <= v <= self._y[1]]
        return [Tick(float(self.y(v)), f"{v:.6g}") for v in inside]


def panel_chart(data: SeasonData, panel: Panel) -> Chart | None:
    """Return the chart of a panel against the date; None if no fill has any of it."""
    shown = [data.shown(panel, series) for series in panel.series]
    if not any(np.isfinite(values).any() for values, _ in shown):
        return None
    ends = [end for series in panel.series for end in data.ends(panel, series)]
    low, high = limits_of_each(*(values for values, _ in shown), *ends)
    if panel.reference is not None:
        low, high = min(low, panel.reference), max(high, panel.reference)
    axes = _Axes(_date_limits(data), (low, high))
    at = axes.x(data.start_s)
    curves, points = [], []
    for series, (values, spread) in zip(panel.series, shown):
        middle = median_of(values)
        curves.append(
            Curve(
                _look(series.label),
                series_label(values, series.label),
                _marks(at, axes.y(values), np.isfinite(values)),
                _bars(at, axes.y(values - spread), axes.y(values + spread), np.isfinite(spread)),
                median=float(axes.y(middle)) if np.isfinite(middle) else None,
            )
        )
        points.append(_points(series.label, axes.y(values), values))
    reference = None if panel.reference is None else float(axes.y(panel.reference))
    words = _words(panel, [curve.label for curve in curves], data) + f" Numbers: {IN_BRACKETS}."
    x_ticks, y_ticks = _date_ticks(data, axes), axes.y_ticks()
    about = {"x": at.tolist(), "unit": panel.unit, "series": points}
    return Chart(
        panel.name, panel.words, panel.unit, words, x_ticks, y_ticks, curves, reference, about,
        _fill_ticks(data, axes),
    )  # fmt: skip


def day_charts(data: SeasonData) -> list[Chart]:
    """Return the charts of integrated luminosity per day, and of what it adds up to."""
    if not any(np.isfinite(data.values(s.column)).any() for s in PER_DAY.series):
        return []
    sums = [data.per_day(series.column) for series in PER_DAY.series]
    totals = [np.cumsum(np.nan_to_num(data.values(s.column))) / 1000 for s in PER_DAY.series]
    day_s = sums[0][0]
    names = [f"{_utc(t):%d %b %Y}" for t in day_s]
    low, high = _date_limits(data)
    limits = min(low, day_s[0]), max(high, day_s[-1] + ONE_DAY_S)
    per_day = _Axes(limits, (0.0, max(float(of.max()) for _, of in sums) * 1.05 or 1.0))
    middle = per_day.x(day_s + ONE_DAY_S / 2)
    width = _day_width(limits)
    accumulated = _Axes(_date_limits(data), (0.0, max(float(t[-1]) for t in totals) * 1.05 or 1.0))
    at = accumulated.x(data.start_s)
    bottom = np.full(middle.shape, float(per_day.y(0.0)))
    curves, lines, of_days, of_fills = [], [], [], []
    for number, (series, (_, of_day), total) in enumerate(zip(PER_DAY.series, sums, totals)):
        look, label = _look(series.label), f"{series.label}: {total[-1]:.4g} 1/fb in all"
        x = np.round(middle + width / 2 * (2 * number - 1), 1)
        bars = _bars(x, bottom, per_day.y(of_day), of_day > 0)
        curves.append(Curve(look, label, "", bars, width))
        line = "M" + "L".join(f"{x:g} {y:g}" for x, y in zip(at, accumulated.y(total)))
        lines.append(Curve(look, label, "", line=line))
        of_days.append(_points(series.label, per_day.y(of_day), of_day))
        of_fills.append(_points(series.label, accumulated.y(total), total))
    labels = [curve.label for curve in curves]
    days = {"x": middle.tolist(), "names": names, "unit": "1/pb", "series": of_days}
    fills = {"x": at.tolist(), "unit": "1/fb", "series": of_fills}
    each, in_all = (
        PER_DAY._replace(words=words)
        for words in ("Integrated luminosity per day, measured", "Integrated luminosity, measured")
    )
    return [
        Chart(
            "days", each.words, "1/pb", _words(each, labels, data), _date_ticks(data, per_day),
            per_day.y_ticks(), curves, None, days, _fill_ticks(data, per_day),
        ),
        Chart(
            "accumulated", in_all.words, "1/fb", _words(in_all, labels, data),
            _date_ticks(data, accumulated), accumulated.y_ticks(), lines, None, fills,
            _fill_ticks(data, accumulated),
        ),
    ]  # fmt: skip


def length_charts(data: SeasonData) -> list[Chart]:
    """Return the distributions of lengths of stable beams and of turn-around."""
    found = []
    for panel in TIME_PANELS:
        known = data.of_fills_over(panel.series[0].column)
        if known.size:
            found.append(_distribution(panel, known, data))
    return found


def _distribution(panel: Panel, known: FloatArray, data: SeasonData) -> Chart:
    high = max(robust_limits(known)[1], 1.0)
    counts, edges = np.histogram(known, _N_BINS, (0.0, high))
    axes = _Axes((0.0, high), (0.0, float(counts.max()) * 1.08 or 1.0))
    middle = (edges[1:] + edges[:-1]) / 2
    label = hours_label(known)
    at, top = axes.x(middle), axes.y(counts)
    bars = _bars(at, np.full(at.shape, float(axes.y(0.0))), top, counts > 0)
    names = [f"{low:.1f} to {up:.1f} h" for low, up in zip(edges[:-1], edges[1:])]
    points = {
        "x": at.tolist(),
        "names": names,
        "unit": "",
        "series": [_points("fills", top, counts.astype(float))],
    }
    step = max(1, round(high / 8))
    ticks = [Tick(float(axes.x(t)), f"{t} h") for t in range(0, int(high) + 1, step)]
    words = _words(panel, [label], data)
    curve = Curve("columns", label, "", bars)
    return Chart(
        panel.name, panel.words, "fills", words, ticks, axes.y_ticks(), [curve], None, points
    )


# --- parts


def _day_width(limits: tuple[float, float]) -> float:
    """Return how wide a column of one of two experiments is: a third of its day."""
    days = (limits[1] - limits[0]) / ONE_DAY_S
    return float(np.clip(round((WIDTH - LEFT - RIGHT) / days / 3, 1), 1.5, 20.0))


def _look(label: str) -> str:
    return label.lower().replace(" ", "-")


def _marks(x: FloatArray, y: FloatArray, there: Any) -> str:
    """Return a path of points: lines without length, which the style sheet gives round ends."""
    return "".join(f"M{a:g} {b:g}h0" for a, b in zip(x[there], y[there]))


def _bars(x: FloatArray, low: FloatArray, high: FloatArray, there: Any) -> str:
    return "".join(f"M{a:g} {b:g}V{c:g}" for a, b, c in zip(x[there], low[there], high[there]))


def _points(label: str, y: FloatArray, values: FloatArray) -> dict[str, Any]:
    known = np.isfinite(values)
    return {
        "label": label,
        "y": [float(v) if k else None for v, k in zip(y, known)],
        "value": [f"{v:.4g}" if k else "" for v, k in zip(values, known)],
    }


def _date_limits(data: SeasonData) -> tuple[float, float]:
    first, last = data.start_s[[0, -1]]
    room = max(0.02 * (last - first), ONE_DAY_S / 24)
    return float(first - room), float(last + room)


def _date_ticks(data: SeasonData, axes: _Axes) -> list[Tick]:
    """Return ticks at round dates."""
    first, last = data.start_s[[0, -1]]
    at = date_ticks(float(first), float(last))
    form = "%d %b" if last - first > 2 * ONE_DAY_S else "%d %b %H:%M"
    return [Tick(float(axes.x(t)), f"{_utc(t):{form}}") for t in at]


def _fill_ticks(data: SeasonData, axes: _Axes) -> list[Tick]:
    """Return the numbers of fills at their points, of as many as there is room for."""
    named = data.spaced()
    return [
        Tick(float(at), str(fill))
        for at, fill in zip(axes.x(data.start_s[named]), data.fills[named])
    ]


def _words(panel: Panel, labels: Sequence[str], data: SeasonData) -> str:
    span = f"fills {data.fills[0]} to {data.fills[-1]}"
    return f"{panel.words} of {data.fills.size} fills, {span}. {'; '.join(labels)}."


def _utc(time_s: float) -> datetime:
    return datetime.fromtimestamp(time_s, timezone.utc)
