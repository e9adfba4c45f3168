"""What pictures of a season show: panels of columns of the season table, against date and fill."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from typing import Any, NamedTuple

import numpy as np

from lumimod.arrays import FloatArray, IntArray
from lumimod.plots.numbers import finite
from lumimod.plots.style import BEAM, EXPERIMENT, Look
from lumimod.summary.columns import GOES_ON, PARTS

ONE_DAY_S = 86_400.0


class PanelSeries(NamedTuple):
    """One column of the season table in a panel."""

    column: str
    label: str
    look: Look
    spread: str = ""
    """Column of the spread over bunches or of the standard error, if there is one."""


class Panel(NamedTuple):
    """One panel of a season: columns of one kind."""

    name: str
    words: str
    """What it shows."""
    unit: str
    series: tuple[PanelSeries, ...]
    scale: float = 1.0
    """From the unit of the table to the one shown."""
    reference: float | None = None
    """A value to compare with, in the unit shown."""


class SeasonData:
    """The season as arrays, a value for each fill whose stable beams have a start, by date."""

    def __init__(self, rows: Mapping[int, Mapping[str, Any]]) -> None:
        dated = [(_start_s(facts), fill) for fill, facts in rows.items() if "start_utc" in facts]
        dated.sort()
        self.fills: IntArray = np.array([fill for _, fill in dated], np.int64)
        self.start_s: FloatArray = np.array([start_s for start_s, _ in dated], float)
        """Start of stable beams, Unix s."""
        self._rows = [rows[fill] for _, fill in dated]

    def values(self, column: str) -> FloatArray:
        """Return a column, (n_fills,), in its unit; NaN where it is not known."""
        found = (row.get(column) for row in self._rows)
        return np.array([np.nan if value is None else value for value in found], float)

    def spaced(self, most: int = 7) -> IntArray:
        """Return the places of fills whose numbers fit below an axis, about `most` at most.

        The first fill is among them, and then each that is far enough from the one before.
        """
        if not self.fills.size:
            return np.array([], np.int64)
        room_s = (self.start_s[-1] - self.start_s[0]) / most
        chosen = [0]
        for place, start_s in enumerate(self.start_s):
            if start_s - self.start_s[chosen[-1]] >= max(room_s, 1.0):
                chosen.append(place)
        return np.array(chosen, np.int64)

    def of_fills_over(self, column: str) -> FloatArray:
        """Return the known values of a column, without those of fills in progress."""
        over = np.array([row.get("ended") != GOES_ON for row in self._rows], bool)
        values = self.values(column)
        return values[over & np.isfinite(values)]

    def shown(self, panel: Panel, series: PanelSeries) -> tuple[FloatArray, FloatArray]:
        """Return the values of a series and their spread, in the unit of the panel."""
        values = self.values(series.column) * panel.scale
        if not series.spread:
            return values, np.full(values.shape, np.nan)
        return values, self.values(series.spread) * panel.scale

    def ends(self, panel: Panel, series: PanelSeries) -> tuple[FloatArray, FloatArray]:
        """Return both ends of the bars of a series, in the unit of the panel."""
        values, spread = self.shown(panel, series)
        return values - spread, values + spread

    def per_day(self, column: str) -> tuple[FloatArray, FloatArray]:
        """Return the first second of each day with fills, UTC, and the sum of a column on it.

        A fill counts on the day on which its stable beams began. Both are (n_days,).
        """
        days, which = np.unique(np.floor(self.start_s / ONE_DAY_S), return_inverse=True)
        sums = np.zeros(days.size)
        np.add.at(sums, which, np.nan_to_num(self.values(column)))
        return days * ONE_DAY_S, sums


def median_of(values: FloatArray) -> float:
    """Return the median of the finite values; NaN without any."""
    known = finite(values)
    return float(np.median(known)) if known.size else np.nan


def _start_s(facts: Mapping[str, Any]) -> float:
    """Return the start of stable beams, Unix s."""
    when = datetime.fromisoformat(str(facts["start_utc"]))
    return (when if when.tzinfo else when.replace(tzinfo=timezone.utc)).timestamp()


# --- the panels


def _beams(column: str, spread: str = "_rms") -> tuple[PanelSeries, ...]:
    return tuple(
        PanelSeries(column.format(b), f"B{b}", BEAM[b], column.format(b) + spread if spread else "")
        for b in BEAM
    )


def _experiments(column: str) -> tuple[PanelSeries, ...]:
    return tuple(
        PanelSeries(column.format(name.lower()), name, look) for name, look in EXPERIMENT.items()
    )


_PART_LOOKS = (
    Look("#7a4bb5", "-", "o"),
    Look("#cc5f00", "--", "s"),
    Look("#0b8f6a", "-.", "^"),
    Look("#0b5cad", ":", "D"),
)


def _growth(beam: int, plane: str) -> Panel:
    series = tuple(
        PanelSeries(f"b{beam}_growth_{plane}_{part}_um", part.replace("_", " "), look)
        for part, look in zip(PARTS, _PART_LOOKS)
    )
    words = f"Growth of emittance {plane.upper()}, B{beam}"
    return Panel(f"growth_{plane}_b{beam}", words, "µm", series)


def _errors(column: str) -> tuple[PanelSeries, ...]:
    return tuple(
        PanelSeries(
            column.format(b), f"B{b}", BEAM[b], column.format(b).replace("_mb", "_error_mb")
        )
        for b in BEAM
    )


def season_panels(inelastic_mb: float | None = None) -> Mapping[str, Sequence[Panel]]:
    """Return the panels of a season by picture; `inelastic_mb` is the cross-section of burn-off."""
    beams = [
        Panel(
            "intensity",
            "Bunch intensity, start of stable beams",
            "10¹¹ p",
            _beams("b{}_intensity_sb_start_ppb"),
            1e-11,
        ),
        Panel(
            "emit_h",
            "Emittance H, start of stable beams",
            "µm",
            _beams("b{}_emit_h_sb_start_um"),
        ),
        Panel(
            "emit_v",
            "Emittance V, start of stable beams",
            "µm",
            _beams("b{}_emit_v_sb_start_um"),
        ),
        Panel(
            "length",
            "Bunch length (4 σ), start of stable beams",
            "ns",
            _beams("b{}_length_sb_start_ns"),
        ),
    ]
    luminosity = [
        Panel(
            "peak",
            "Peak luminosity, measured",
            "10³⁴ cm⁻² s⁻¹",
            _experiments("lumi_peak_meas_{}_e34"),
        ),
        Panel(
            "integrated",
            "Integrated luminosity of a fill",
            "1/pb",
            _experiments("lumi_int_meas_{}_pb"),
        ),
        Panel("pileup", "Pile-up at the start", "", _experiments("pileup_start_{}")),
        Panel(
            "ratio",
            "Measured over calculated luminosity",
            "",
            _experiments("ratio_meas_calc_{}"),
            reference=1.0,
        ),
    ]
    losses = [
        Panel(
            "cross_section",
            "Effective cross-section",
            "mb",
            _errors("b{}_sigma_eff_mb"),
            reference=inelastic_mb,
        ),
        Panel(
            "tau_rest",
            "Lifetime beyond burn-off, median in time",
            "h",
            _beams("b{}_tau_no_burnoff_h", ""),
        ),
        Panel(
            "tau_intensity",
            "Intensity lifetime, whole fill",
            "h",
            _beams("b{}_tau_intensity_full_h", ""),
        ),
        Panel(
            "tau_lumi",
            "Luminosity lifetime, whole fill",
            "h",
            _experiments("tau_lumi_meas_full_{}_h"),
        ),
    ]
    growth = [_growth(beam, plane) for plane in ("h", "v") for beam in (1, 2)]
    return {"beams": beams, "luminosity": luminosity, "growth": growth, "losses": losses}


TIME_PANELS = (
    Panel(
        "hours",
        "Length of stable beams",
        "h",
        (PanelSeries("hours", "fills", Look("#0b5cad", "-", "o")),),
    ),
    Panel(
        "turnaround",
        "Turn-around",
        "h",
        (PanelSeries("turnaround_h", "fills", Look("#cc5f00", "-", "o")),),
    ),
)
"""Of which distributions are shown."""
PER_DAY = Panel(
    "days", "Integrated luminosity, measured", "1/pb", _experiments("lumi_int_meas_{}_pb")
)
