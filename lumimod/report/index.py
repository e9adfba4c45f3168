"""What the index of the site shows: the columns of its table, and the charts of the season."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from lumimod.plots.overview_facts import NOT_KNOWN
from lumimod.plots.season_panels import SeasonData, season_panels
from lumimod.report.charts import Chart, day_charts, length_charts, panel_chart

_HEADINGS = {
    "beams": "Beams",
    "luminosity": "Luminosity",
    "growth": "Emittance growth",
    "losses": "Losses",
}


class IndexColumn(NamedTuple):
    """A column of the index: the mean of columns of the season table."""

    heading: str
    words: str
    """What it is, in full."""
    columns: tuple[str, ...]
    form: str = "{}"
    unit: str = ""
    scale: float = 1.0

    def value(self, facts: Mapping[str, Any]) -> float | None:
        """Return the mean of those that are known, None without any."""
        known = [facts[name] for name in self.columns if facts.get(name) is not None]
        return float(np.mean(known)) * self.scale if known else None


class Cell(NamedTuple):
    """What a cell shows, and the number by which it is sorted."""

    text: str
    value: float | None


def _both(name: str) -> tuple[str, ...]:
    return (name.format(1), name.format(2))


INDEX_COLUMNS: tuple[IndexColumn, ...] = (
    IndexColumn("Length", "length of stable beams", ("hours",), "{:.1f}", "h"),
    IndexColumn("Turn-around", "since the stable beams before", ("turnaround_h",), "{:.1f}", "h"),
    IndexColumn("Bunches", "bunches of beam 1", ("b1_bunches",), "{:.0f}"),
    IndexColumn("Colliding", "bunches colliding at IP1 and 5", ("colliding_ip15",), "{:.0f}"),
    IndexColumn("β*", "beta* at IP1", ("betastar_ip1_m",), "{:.2f}", "m"),
    IndexColumn(
        "Intensity", "bunch intensity at the start, mean of both beams",
        _both("b{}_intensity_sb_start_ppb"), "{:.3f}", "10¹¹", 1e-11,
    ),
    IndexColumn(
        "ε H", "horizontal emittance at the start, mean of both beams",
        _both("b{}_emit_h_sb_start_um"), "{:.2f}", "µm",
    ),
    IndexColumn(
        "ε V", "vertical emittance at the start, mean of both beams",
        _both("b{}_emit_v_sb_start_um"), "{:.2f}", "µm",
    ),
    IndexColumn(
        "Peak", "peak luminosity measured by ATLAS", ("lumi_peak_meas_atlas_e34",), "{:.3g}", "10³⁴"
    ),
    IndexColumn(
        "∫ ATLAS", "integrated luminosity measured by ATLAS", ("lumi_int_meas_atlas_pb",),
        "{:.4g}", "1/pb",
    ),
    IndexColumn(
        "∫ CMS", "integrated luminosity measured by CMS", ("lumi_int_meas_cms_pb",),
        "{:.4g}", "1/pb",
    ),
    IndexColumn(
        "Meas./calc.", "measured over calculated luminosity, mean of ATLAS and CMS",
        ("ratio_meas_calc_atlas", "ratio_meas_calc_cms"), "{:.3f}",
    ),
    IndexColumn(
        "τ", "luminosity lifetime of the whole fill, ATLAS", ("tau_lumi_meas_full_atlas_h",),
        "{:.1f}", "h",
    ),
    IndexColumn("σ B1", "effective cross-section of beam 1", ("b1_sigma_eff_mb",), "{:.0f}", "mb"),
    IndexColumn("σ B2", "effective cross-section of beam 2", ("b2_sigma_eff_mb",), "{:.0f}", "mb"),
)  # fmt: skip
"""Between the fill with its start and how it ended. A new column is one entry."""


def cells(facts: Mapping[str, Any], columns: Sequence[IndexColumn] = INDEX_COLUMNS) -> list[Cell]:
    """Return the cells of a fill, in the order of the columns."""
    found = []
    for column in columns:
        value = column.value(facts)
        text = NOT_KNOWN if value is None else column.form.format(value)
        found.append(Cell(text, value))
    return found


def season_charts(
    rows: Mapping[int, Mapping[str, Any]], inelastic_mb: float
) -> list[tuple[str, Sequence[Chart]]]:
    """Return the charts of a season under their headings, those that show something."""
    data = SeasonData(rows)
    if not data.fills.size:
        return []
    groups: list[tuple[str, Sequence[Chart]]] = [
        ("Integrated luminosity", day_charts(data)),
        *(
            (_HEADINGS[name], [c for c in (panel_chart(data, p) for p in panels) if c])
            for name, panels in season_panels(inelastic_mb).items()
        ),
        ("Times", length_charts(data)),
    ]
    return [(heading, charts) for heading, charts in groups if charts]


def points_of_fills(rows: Mapping[int, Mapping[str, Any]]) -> dict[str, Any]:
    """Return the names of the points of charts against the date, and which fills they are."""
    data = SeasonData(rows)
    starts = [str(rows[int(fill)]["start_utc"])[:16] for fill in data.fills]
    names = [f"Fill {fill}, {start} UTC" for fill, start in zip(data.fills, starts)]
    return {"names": names, "fills": [int(fill) for fill in data.fills]}
