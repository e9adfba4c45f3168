"""Charts of a season: points where their values are, and words for those who do not see them."""

from __future__ import annotations

import re
from typing import Any

import pytest

from lumimod.plots.season_panels import SeasonData, season_panels
from lumimod.report.charts import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, day_charts
from lumimod.report.index import points_of_fills, season_charts

ROWS: dict[int, dict[str, Any]] = {
    5000: {"start_utc": "2017-06-01 00:00:00", "hours": 10.0, "lumi_int_meas_atlas_pb": 100.0},
    5001: {"start_utc": "2017-06-01 20:00:00", "hours": 2.0, "lumi_int_meas_atlas_pb": 40.0},
    5002: {"start_utc": "2017-06-03 00:00:00", "hours": 6.0},
}
for _fill, _ppb in ((5000, 1.0e11), (5001, 1.1e11), (5002, 1.2e11)):
    ROWS[_fill]["b1_intensity_sb_start_ppb"] = _ppb
    ROWS[_fill]["b1_intensity_sb_start_ppb_rms"] = 0.05e11


def charts() -> dict[str, Any]:
    return {chart.name: chart for _, of in season_charts(ROWS, 80.0) for chart in of}


def marks(path: str) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in re.findall(r"M([\d.]+) ([\d.]+)", path)]


def test_points_stand_at_their_dates_and_values() -> None:
    chart = charts()["intensity"]
    (first, second, third) = marks(chart.curves[0].marks)
    assert LEFT < first[0] < second[0] < third[0] < WIDTH - RIGHT
    assert (second[0] - first[0]) / (third[0] - first[0]) == pytest.approx(20 / 48, abs=2e-3)
    assert HEIGHT - BOTTOM > first[1] > second[1] > third[1] > TOP
    assert (first[1] - second[1]) / (first[1] - third[1]) == pytest.approx(0.5, abs=2e-3)


def test_ticks_stand_at_their_values() -> None:
    chart = charts()["intensity"]
    at = {float(tick.words): tick.at for tick in chart.y_ticks}
    points = {1.0: marks(chart.curves[0].marks)[0][1], 1.2: marks(chart.curves[0].marks)[2][1]}
    slope = (points[1.2] - points[1.0]) / 0.2
    for value, y in at.items():
        assert y == pytest.approx(points[1.0] + slope * (value - 1.0), abs=0.2)


def test_each_number_of_a_fill_stands_at_its_own_point() -> None:
    chart = charts()["intensity"]
    at = [x for x, _ in marks(chart.curves[0].marks)]
    assert [(t.words, t.at) for t in chart.fills] == list(zip(("5000", "5001", "5002"), at))
    assert [t.words for t in chart.x_ticks] == [f"{day:02d} Jun 00:00" for day in (1, 2, 3)]
    assert [t.words for t in charts()["accumulated"].fills] == ["5000", "5001", "5002"]
    assert charts()["hours"].fills == ()


def test_hovering_tells_fill_and_value() -> None:
    about = charts()["intensity"].points
    assert about["series"][0]["value"] == ["1", "1.1", "1.2"]
    assert about["x"] == [x for x, _ in marks(charts()["intensity"].curves[0].marks)]
    shared = points_of_fills(ROWS)
    assert shared["names"][1] == "Fill 5001, 2017-06-01 20:00 UTC"
    assert shared["fills"] == [5000, 5001, 5002]


def test_a_fill_in_progress_is_not_among_the_lengths() -> None:
    rows = {fill: dict(of) for fill, of in ROWS.items()}
    rows[5002]["ended"] = "in progress"
    shown = dict(season_charts(rows, 80.0))["Times"][0].points["series"][0]
    assert sum(float(n) for n in shown["value"] if n) == 2


def test_medians_are_told_and_drawn() -> None:
    (curve, _) = charts()["intensity"].curves
    assert curve.label == "B1: 1.100"
    assert curve.median == marks(curve.marks)[1][1]
    assert "B1: 1.100; " in charts()["intensity"].words
    assert "median of fills (of 5 or more, in brackets: middle 68 %)" in charts()["intensity"].words
    assert "3 fills, fills 5000 to 5002" in charts()["intensity"].words


def test_luminosity_counts_on_the_day_on_which_stable_beams_began() -> None:
    days = charts()["days"].points
    assert days["names"] == ["01 Jun 2017", "03 Jun 2017"]
    assert days["series"][0]["value"] == ["140", "0"]
    assert charts()["accumulated"].points["series"][0]["value"] == ["0.1", "0.14", "0.14"]


def test_a_distribution_counts_every_fill_once() -> None:
    chart = charts()["hours"]
    counts = [float(value) for value in chart.points["series"][0]["value"]]
    assert sum(counts) == 3
    assert chart.curves[0].label.startswith("median 6.0 h")


def test_a_chart_that_would_show_nothing_is_left_out() -> None:
    assert "emit_h" not in charts()
    assert "turnaround" not in charts()
    assert season_charts({5000: {"fill": 5000}}, 80.0) == []


def test_every_series_has_a_colour_of_the_style_sheet() -> None:
    from lumimod.report.rendering import STATIC

    sheet = (STATIC / "site.css").read_text()
    labels = {s.label for of in season_panels().values() for panel in of for s in panel.series}
    for label in labels:
        assert f".{label.lower().replace(' ', '-')} {{ --own: var(--" in sheet


def test_data_of_a_season_are_in_the_order_of_their_dates() -> None:
    data = SeasonData({2: ROWS[5002], 9: ROWS[5000]})
    assert list(data.fills) == [9, 2]


def test_a_season_without_luminosity_has_no_charts_of_days() -> None:
    assert "days" in charts()
    assert day_charts(SeasonData({5002: ROWS[5002]})) == []
