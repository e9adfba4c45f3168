"""The models against the real LHC and against first principles: model, measured, difference.

python benchmarks/real_machine.py
python benchmarks/real_machine.py --markdown     # the tables of docs/real-machine.md

"original" and "full" are the two choices of `physics` in config.py. The data, with their sources,
are in benchmarks/data. Emittances, voltages and damper of the measured fills are not known: what
was assumed is said with each table. Nothing is fitted.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

CHECKOUT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(CHECKOUT))

from benchmarks.first_principles import overlap, scattering  # noqa: E402
from benchmarks.machine_data import (  # noqa: E402 - from the checkout
    MB,
    NS_TO_M,
    PHYSICS,
    PROTON_GEV,
    Row,
    Table,
    configured,
    data,
    later,
)
from lumimod.arrays import FloatArray  # noqa: E402
from lumimod.physics.effects import Collisions  # noqa: E402
from lumimod.physics.sbmodel import Bunches  # noqa: E402
from lumimod.steps.effects import INJECTION, STABLE, physics_of  # noqa: E402

# --- bunch lengths of 2016


def lengths_2016() -> Table:
    """Return by how much bunches got shorter in stable beams, medians over fills."""
    hourly = data("lhc_2016_fills_hourly.csv")
    counts = hourly.groupby("fill").hours.transform("max")
    bunches = hourly[["n_bunches_b1", "n_bunches_b2"]].min(axis=1)
    chosen = hourly[(counts >= 6) & (bunches >= 300) & (hourly.hours <= 10)]
    rows = []
    for volts_mv, more_um in ((12, 0.0), (10, 0.0), (12, 0.5)):
        found = {p: dict(_length_changes(chosen, p, volts_mv, more_um)) for p in PHYSICS}
        for hours in (1, 3, 6, 10) if not more_um else (6,):
            measured, original = np.median(found["original"][hours], axis=1)
            full = np.median(found["full"][hours], axis=1)[1]
            n_beams = found["full"][hours].shape[1]
            words = f"after {hours} h, {volts_mv} MV" + (", +0.5 µm" if more_um else "")
            rows.append(Row(f"{words} ({n_beams} beams)", measured, original, full))
    return Table(
        "Change of the bunch length in stable beams, 2016",
        "ps, 4 sigma",
        "measured",
        "Medians over fills. Start and hourly intensities as measured; emittances at the start "
        "2.2 µm (48 or 96 bunches an injection) or 3.0 µm, both planes; the RF voltage is not "
        "known: both that may be. β* 0.4 m, half crossing angle 140 µrad, 5e34/(m² s) a pair.",
        rows,
    )


def _length_changes(
    chosen: pd.DataFrame, physics: str, volts_mv: float, more_um: float
) -> Iterator[tuple[int, FloatArray]]:
    """Yield hours, and measured and modelled changes of all fills and beams, (2, n) in ps."""
    acting = physics_of(configured(physics, VRF_FT=volts_mv * 1e6), STABLE, np.array([1]))
    table = {
        (beam, name): chosen.pivot(index="fill", columns="hours", values=f"{name}_b{beam}")
        for beam in (1, 2)
        for name in ("intensity", "n_bunches", "blength_4s_ns")
    }
    small = chosen.groupby("fill").filling_scheme.first().str.contains("48bpi|96bpi")
    emit_um = np.tile(np.where(small, 2.2, 3.0), 2) + more_um
    length_ns, n_ppb = (
        np.concatenate([values(beam).to_numpy() for beam in (1, 2)])
        for values in (
            lambda b: table[b, "blength_4s_ns"],
            lambda b: table[b, "intensity"] / table[b, "n_bunches"],
        )
    )
    now = Bunches(n_ppb[:, 0], emit_um, emit_um, length_ns[:, 0] * NS_TO_M)
    collisions = _levelled(6500 / PROTON_GEV, emit_um, 5e34, betastar_m=0.4, half_rad=140e-6)
    for hour in range(1, 11):
        mean_ppb = (n_ppb[:, hour - 1] + n_ppb[:, hour]) / 2
        now = later(acting, now._replace(intensity_ppb=mean_ppb), 1.0, collisions)
        modelled = now.length_m / NS_TO_M - length_ns[:, 0]
        both = np.stack([length_ns[:, hour] - length_ns[:, 0], modelled]) * 1e3
        yield hour, both[:, np.isfinite(both).all(axis=0)]


# --- growth of emittances


def growth() -> Table:
    """Return the growth of emittances at injection and in stable beams."""
    measured = data("lhc_measured_growth.csv")
    rows = []
    for _, m in measured.iterrows():
        values = [_modelled_growth(m, physics) for physics in PHYSICS]
        what = f"{m.year}, beam {m.beam} {m.plane.upper()}, {_PHASES[m.phase]}"
        rows.append(Row(what, m.measured_um_per_h, *values))
    return Table(
        "Growth of emittances",
        "µm/h",
        "measured",
        "Injection: 1.15e11 protons, 1.5 µm, 1.2 ns, 6 MV over half an hour. Stable beams of "
        "2025: 1.5e11 protons, 2.0 µm, 1.25 ns, 6.8 TeV, 12 MV, 2e34/(cm² s) with 2448 "
        "pairs, β* 0.6 m, half crossing angle 145 µrad; noise as of 2018.",
        rows,
    )


_PHASES = {
    "injection": "injection",
    "stable_1h": "first hour of stable beams",
    "stable_2h": "first 2 h",
    "stable_4h": "first 4 h",
    "stable_to_betastar_min": "until the smallest β* (6 h)",
}
_HOURS = {"injection": 0.5, "stable_1h": 1.0, "stable_2h": 2.0, "stable_4h": 4.0,
          "stable_to_betastar_min": 6.0}  # fmt: skip


def _modelled_growth(m: Any, physics: str) -> float:
    """Return the growth that the model has for a row of the table, in um/h."""
    hours = _HOURS[m.phase]
    one = np.ones(1)
    if m.phase == "injection":
        acting = physics_of(configured(physics), INJECTION, np.array([m.beam]))
        start = Bunches(1.15e11 * one, 1.5 * one, 1.5 * one, 1.2 * NS_TO_M * one)
        # The original's cycle model leaves the vertical emittance as it was.
        end = later(acting, start, hours, None)
    else:
        gamma = 6800.0 / PROTON_GEV
        cfg = configured(physics, gammaFT=gamma, VRF_FT=12e6, tauSRxy_FT=56.5 * 3600,
                         tauSRl_FT=28.25 * 3600)  # fmt: skip
        acting = physics_of(cfg, STABLE, np.array([m.beam]))
        start = Bunches(1.5e11 * one, 2.0 * one, 2.0 * one, 1.25 * NS_TO_M * one)
        met = _levelled(gamma, 2.0 * one, 2e38 / 2448, betastar_m=0.6, half_rad=145e-6)
        end = later(acting, start, hours, met)
    name = f"emit_{m.plane}_um"
    return float((getattr(end, name) - getattr(start, name))[0] / hours)


def _levelled(
    gamma: float, emit_um: FloatArray, lumi_m2s: float, *, betastar_m: float, half_rad: float
) -> Collisions:
    """Return collisions of a constant luminosity of each pair."""
    piwinski = 1.15 * NS_TO_M / np.sqrt(emit_um * 1e-6 / gamma * betastar_m) * half_rad
    both = np.stack([piwinski, piwinski])
    lumi = np.full_like(both, lumi_m2s)
    return Collisions(lumi, both, ("v", "h"), np.array([betastar_m, betastar_m]))


# --- losses


def cross_section() -> Table:
    """Return the effective cross-section of fill 7056."""
    measured = data("lhc_fill7056_effective_cross_section.csv")
    modelled = [configured(physics).machine.sigma_boff_m2 / MB for physics in PHYSICS]
    means = (measured.sigma_b1_mb + measured.sigma_b2_mb) / 2
    parts = [("first 10 minutes", measured.seconds <= 600),
             ("minutes 15 to 20", (measured.seconds > 600) & (measured.seconds <= 1200)),
             ("minutes 25 to 45", (measured.seconds > 1200) & (measured.seconds < 9e4)),
             ("after 26 h", measured.seconds > 9e4)]  # fmt: skip
    return Table(
        "Effective cross-section of losses, fill 7056 (2018)",
        "mb",
        "measured",
        "ATLAS and CMS; ± 10 mb. What is lost beyond burn-off is in no model unless it is given "
        "(`extra_cross_section`) or learned from other fills.",
        [Row(words, float(means[rows].mean()), *modelled) for words, rows in parts],
    )


# --- output


def tables() -> list[Table]:
    """Return all comparisons."""
    return [lengths_2016(), growth(), cross_section(), overlap(), scattering()]


def markdown(table: Table) -> str:
    """Return a table in Markdown."""
    unit = f" [{table.unit}]" if table.unit else ""
    out = [
        f"## {table.title}{unit}\n",
        f"{table.assumed}\n",
        f"| | {table.reference} | original | difference | full | difference |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for row in table.rows:
        cells = [row.reference, row.original, row.original - row.reference]
        cells += [row.full, row.full - row.reference]
        out.append(f"| {row.what} | " + " | ".join(f"{v:.{_decimals(row)}f}" for v in cells) + " |")
    return "\n".join(out) + "\n"


def _decimals(row: Row) -> int:
    largest = max(abs(row.reference), abs(row.original), abs(row.full))
    return 1 if largest >= 10 else 3 if largest >= 0.1 else 4


def main() -> int:
    """Print all comparisons."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--markdown", action="store_true", help="as tables of the documentation")
    args = parser.parse_args()
    for table in tables():
        if args.markdown:
            print(markdown(table))
            continue
        print(f"\n{table.title}" + (f" [{table.unit}]" if table.unit else ""))
        print(table.assumed)
        print(f"{'':48}{table.reference:>10}{'original':>10}{'diff.':>9}{'full':>10}{'diff.':>9}")
        for row in table.rows:
            n = _decimals(row)
            print(
                f"{row.what:48}{row.reference:10.{n}f}{row.original:10.{n}f}"
                f"{row.original - row.reference:+9.{n}f}{row.full:10.{n}f}"
                f"{row.full - row.reference:+9.{n}f}"
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
