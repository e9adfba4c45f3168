"""Pictures of a season: what is drawn is what the season table has."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lumimod.plots.season import hours_label, season_pictures, series_label
from lumimod.plots.season_panels import (
    ONE_DAY_S,
    TIME_PANELS,
    SeasonData,
    median_of,
    season_panels,
)
from lumimod.plots.style import Style

N = 7
STYLE = Style(dpi=50)
PANELS = [
    (picture, number, panel)
    for picture, of in season_panels(80.0).items()
    for number, panel in enumerate(of)
]


def season() -> dict[int, dict[str, Any]]:
    """Return a season in which every column of a panel has numbers of its own."""
    rng = np.random.default_rng(5)
    panels = [panel for of in season_panels().values() for panel in of] + list(TIME_PANELS)
    columns = {c for panel in panels for s in panel.series for c in (s.column, s.spread) if c}
    rows = {}
    for number in range(N):
        day, hour = divmod(number, 2)
        start = f"2017-07-{day + 1:02d} {hour * 12:02d}:30:00"
        facts = {name: float(rng.uniform(0.5, 1.5)) for name in sorted(columns)}
        rows[5000 + number] = {"fill": 5000 + number, "start_utc": start, **facts}
    return rows


@pytest.fixture(scope="module")
def rows() -> dict[int, dict[str, Any]]:
    return season()


@pytest.fixture(scope="module")
def figures(rows: dict[int, dict[str, Any]]) -> dict[str, Figure]:
    data = SeasonData(rows)
    return {name: draw(data, STYLE) for name, draw in season_pictures(80.0).items()}


def points(ax: Axes, name: str) -> tuple[Any, Any]:
    (line,) = [one for one in ax.get_lines() if str(one.get_label()).startswith(f"{name}: ")]
    return np.asarray(line.get_xdata()), np.asarray(line.get_ydata())


@pytest.mark.parametrize(("picture", "number", "panel"), PANELS)
def test_points_are_those_of_the_table(
    figures: dict[str, Figure], rows: Any, picture: str, number: int, panel: Any
) -> None:
    ax = figures[picture].axes[number]
    assert [text.get_text() for text in ax.texts][0] == panel.words
    for series in panel.series:
        x, y = points(ax, series.label)
        expected = [of[series.column] * panel.scale for of in rows.values()]
        assert y == pytest.approx(expected, rel=1e-6, abs=0)
        assert np.diff(x) == pytest.approx(ONE_DAY_S / 2)


def _label(line: Any) -> str:
    return str(line.get_label())


@pytest.mark.parametrize(("picture", "number", "panel"), PANELS)
def test_medians_are_drawn_and_told(
    figures: dict[str, Figure], rows: Any, picture: str, number: int, panel: Any
) -> None:
    ax = figures[picture].axes[number]
    levels = [line.get_ydata()[0] for line in ax.get_lines() if len(line.get_ydata()) == 2]
    for series in panel.series:
        median = np.median([of[series.column] * panel.scale for of in rows.values()])
        assert min(abs(np.array(levels) - median)) == pytest.approx(0.0, abs=1e-12)
        (told,) = (
            found
            for line in ax.get_lines()
            if (found := re.match(rf"{series.label}: (\S+) \((\S+) to (\S+)\)$", _label(line)))
        )
        value, low, high = (float(text.replace("\u2212", "-")) for text in told.groups())
        values = [of[series.column] * panel.scale for of in rows.values()]
        expected = np.quantile(values, [0.5, 0.16, 0.84])
        assert [value, low, high] == pytest.approx(expected, abs=max((high - low) / 20, 1e-6))
    assert any("in brackets: middle 68 %" in text.get_text() for text in figures[picture].texts)
    if panel.reference is not None:
        assert panel.reference in levels


@pytest.mark.parametrize(
    ("picture", "number", "panel"), [one for one in PANELS if one[2].series[0].spread]
)
def test_bars_are_the_spreads_of_the_table(
    figures: dict[str, Figure], rows: Any, picture: str, number: int, panel: Any
) -> None:
    bars = figures[picture].axes[number].collections
    for series, of_series in zip(panel.series, bars):
        ends = np.array([segment[:, 1] for segment in of_series.get_segments()])
        half = (ends[:, 1] - ends[:, 0]) / 2
        expected = [of[series.spread] * panel.scale for of in rows.values()]
        assert half == pytest.approx(expected, rel=1e-6, abs=0)


def test_every_bar_is_within_its_panel(figures: dict[str, Figure]) -> None:
    ax = figures["beams"].axes[0]
    low, high = ax.get_ylim()
    ends = [segment[:, 1] for bars in ax.collections for segment in bars.get_segments()]
    assert low < np.min(ends)
    assert np.max(ends) < high


def test_the_middle_of_the_fills_stands_in_brackets_beside_the_median() -> None:
    values = np.array([120.0, 120.0, 415.0, 900.0, 900.0, np.nan])
    assert series_label(values, "B1") == "B1: 415 (120 to 900)"
    assert series_label(np.linspace(1.09, 1.11, 101), "B2") == "B2: 1.1000 (1.0932 to 1.1068)"
    assert series_label(np.full(6, 2.5), "B2") == "B2: 2.500"


def test_below_five_fills_there_is_a_median_alone() -> None:
    assert series_label(np.array([100.0, 484.0, 1400.0, np.nan]), "B2") == "B2: 484"
    assert hours_label(np.array([1.0, 2.0, 3.0, 9.0])) == "median 2.5 h"
    assert hours_label(np.arange(101.0)) == "median 50.0 h, middle 68 % 16.0 to 84.0 h"


def test_a_series_without_values_has_none() -> None:
    assert series_label(np.array([np.nan]), "B2") == "B2: none"


def test_ticks_are_dates_and_each_number_of_a_fill_stands_at_its_own_point(
    figures: dict[str, Figure], rows: Any
) -> None:
    for ax in (figures["beams"].axes[0], *figures["days"].axes):
        dates = [t.get_text() for t in ax.get_xticklabels()]
        assert "02 Jul" in dates
        assert all(re.fullmatch(r"\d\d Jul", date) for date in dates)
        numbers = [t.get_text() for t in ax.get_xticklabels(minor=True)]
        assert numbers == [f"\n{fill}" for fill in rows]
        assert ax.get_xticks(minor=True).tolist() == SeasonData(rows).start_s.tolist()


def test_two_fills_have_their_own_numbers(rows: Any) -> None:
    two = {fill: rows[fill] for fill in (5001, 5004)}
    ax = season_pictures()["beams"](SeasonData(two), STYLE).axes[0]
    assert [t.get_text() for t in ax.get_xticklabels(minor=True)] == ["\n5001", "\n5004"]


def test_a_fill_at_the_time_of_a_tick_keeps_its_number(rows: Any) -> None:
    times = {5000: "2017-07-01 00:00:00", 5001: "2017-07-05 00:00:00"}
    at_midnight = {fill: {**rows[fill], "start_utc": time} for fill, time in times.items()}
    ax = season_pictures()["beams"](SeasonData(at_midnight), STYLE).axes[0]
    assert set(ax.get_xticks(minor=True)) <= set(ax.get_xticks())
    assert [t.get_text() for t in ax.get_xticklabels(minor=True)] == ["\n5000", "\n5001"]


def test_dates_with_time_of_day_have_room_beside_each_other(rows: Any) -> None:
    ax = season_pictures()["beams"](SeasonData({5001: rows[5001], 5004: rows[5004]}), STYLE).axes[0]
    dates = [t.get_text() for t in ax.get_xticklabels()]
    assert 2 <= len(dates) <= 4
    assert all(re.fullmatch(r"0\d Jul \d\d:00", date) for date in dates)


def test_of_many_fills_some_that_are_apart_are_named() -> None:
    many = {n: {"start_utc": f"2017-07-{n // 24 + 1:02d} {n % 24:02d}:00:00"} for n in range(480)}
    data = SeasonData(many)
    named = data.spaced()
    assert 6 <= named.size <= 8
    assert named[0] == 0
    span_s = data.start_s[-1] - data.start_s[0]
    assert np.diff(data.start_s[named]).min() >= span_s / 7
    assert SeasonData({}).spaced().size == 0


def test_bars_of_days_are_sums_of_their_fills(figures: dict[str, Figure], rows: Any) -> None:
    upper, lower = figures["days"].axes
    atlas, cms = upper.patches
    for bars, name, first in ((atlas, "atlas", 0.22), (cms, "cms", 0.5)):
        values = [of[f"lumi_int_meas_{name}_pb"] for of in rows.values()]
        by_day = [sum(values[i : i + 2]) for i in range(0, N, 2)]
        heights, edges, _ = bars.get_data()
        assert heights[::2] == pytest.approx(by_day)
        assert np.isnan(heights[1::2]).all()
        assert edges[::2] % ONE_DAY_S == pytest.approx(first * ONE_DAY_S)
        assert np.diff(edges)[::2] == pytest.approx(0.28 * ONE_DAY_S)
    total = np.cumsum([of["lumi_int_meas_atlas_pb"] for of in rows.values()]) / 1000
    assert lower.get_lines()[0].get_ydata() == pytest.approx(total)


def test_distributions_count_every_fill(figures: dict[str, Figure], rows: Any) -> None:
    for ax, column in zip(figures["lengths"].axes, ("hours", "turnaround_h")):
        assert sum(bar.get_height() for bar in ax.patches) == N
        median = np.median([of[column] for of in rows.values()])
        assert ax.get_lines()[0].get_xdata()[0] == pytest.approx(median)


def test_what_no_fill_has_is_said(rows: Any) -> None:
    bare = {fill: {"start_utc": of["start_utc"]} for fill, of in rows.items()}
    for name, draw in season_pictures().items():
        figure = draw(SeasonData(bare), STYLE)
        if name != "days":
            assert [t.get_text() for ax in figure.axes for t in ax.texts].count(
                "no fill has it"
            ) == len(figure.axes)


def test_one_fill_alone_is_drawn(rows: Any) -> None:
    for draw in season_pictures(80.0).values():
        assert draw(SeasonData({5000: rows[5000]}), STYLE).axes


def test_the_median_is_that_of_known_values() -> None:
    assert median_of(np.append(np.arange(101.0), np.nan)) == pytest.approx(50.0)
    assert np.isnan(median_of(np.array([np.nan])))
    assert series_label(np.array([np.nan]), "B1") == "B1: none"


def test_a_season_without_a_fill_says_so() -> None:
    for draw in season_pictures(80.0).values():
        figure = draw(SeasonData({}), STYLE)
        said = [text.get_text() for text in figure.texts]
        assert any(text.startswith("Season: 0 fills with stable beams") for text in said)
