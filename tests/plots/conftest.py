"""Records of stable beams made by hand, small enough to be drawn in a moment."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import strategies as st
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from lumimod.arrays import FloatArray
from lumimod.config.settings import load_config
from lumimod.paths import FillPaths
from lumimod.physics.expfit import ExpFit, ExpFits
from lumimod.physics.filling import BunchFamilies
from lumimod.plots.sb_results import SbResults
from lumimod.plots.style import Style
from lumimod.records import (
    BEAMS,
    EXPERIMENTS,
    FAMILIES,
    FITTED,
    BeamLifetime,
    BunchFamily,
    CalculatedLumi,
    FillLosses,
    Fits,
    Lifetime,
    MeasuredLumi,
    StableBeams,
)
from lumimod.records.losses import BeamLosses
from lumimod.simulate import simulate_fills
from tests.conftest import TINY

FILL = 6024
T0 = 1_499_000_000.0  # Sunday 2 July 2017, 14:53:20 in Zurich
SIGMA_BOFF_M2 = 80e-31
NAN = np.nan
FINITE = st.floats(-1e6, 1e6, allow_subnormal=False)
MAYBE = st.one_of(FINITE, st.just(NAN))


def values(n_times: int, n_slots: int, start: float, end: float) -> FloatArray:
    """Return values that go from start to end in time, one per cent apart over the bunches."""
    rise = np.linspace(start, end, n_times)[:, None]
    return rise * (1 + 0.01 * np.arange(n_slots)[None, :])


def make_family(slots: list[int], n_times: int) -> BunchFamily:
    shape = (n_times, len(slots))
    return BunchFamily(
        slots=np.array(slots, dtype=np.int64),
        emit_h_um=values(*shape, 2.0, 2.6),
        emit_v_um=values(*shape, 1.8, 2.0),
        emit_h_raw_um=values(*shape, 2.1, 2.7),
        emit_v_raw_um=values(*shape, 1.9, 2.1),
        intensity_ppb=values(*shape, 1.1e11, 0.8e11),
        length_m=values(*shape, 0.080, 0.075),
    )


def make_fit(n_slots: int, short_h: float, full_h: float) -> ExpFits:
    """Return decays with lifetimes in hours, one per cent apart over the bunches."""
    spread = -3600.0 * (1 + 0.01 * np.arange(n_slots))
    ones = np.ones(n_slots)
    return ExpFits(ExpFit(short_h * spread, ones), ExpFit(full_h * spread, ones))


def make_results(
    *, n_coll: int = 6, n_noncoll: int = 2, n_times: int = 13, step_s: float = 600.0
) -> SbResults:
    """Return all results of a fill whose crossing angle goes from 300 to 280 urad half-way."""
    time_s = T0 + step_s * np.arange(n_times)
    coll, noncoll = list(range(10, 10 + n_coll)), list(range(100, 100 + n_noncoll))
    bunches = {
        (beam, family): make_family(slots, n_times)
        for beam in BEAMS
        for family, slots in zip(FAMILIES, (coll, noncoll))
    }
    angle = np.where(np.arange(n_times) < n_times // 2, 300e-6, 280e-6)
    angles = {1: angle, 5: angle.copy()}
    shape = (n_times - 1, n_coll)
    sb = StableBeams(time_s, bunches, angles, {b: values(*shape, 8e4, 1e5) for b in BEAMS})
    calc = {exp: values(n_times, n_coll, 8e34, 4e34) for exp in EXPERIMENTS}
    meas = {exp: 1.02 * lumi for exp, lumi in calc.items()}
    lifetimes = {
        beam: BeamLifetime(
            slots=bunches[beam, "coll"].slots,
            tau_s=values(*shape, 20 * 3600.0, 30 * 3600.0),
            rate_ppb_s=values(*shape, 1e6, 5e5),
            total_tau_s=np.linspace(20 * 3600.0, 30 * 3600.0, n_times - 1),
            tau_boff_corrected_s=np.where(np.arange(n_coll) % 2 == 0, 1.0, -1.0)
            * values(*shape, 90 * 3600.0, 100 * 3600.0),
            sigma_m2=values(*shape, 82e-31, 85e-31),
            total_tau_boff_corrected_s=np.full(n_times - 1, -np.inf),
        )
        for beam in BEAMS
    }
    fits = Fits(
        {
            (beam, family): {x: make_fit(n, 25.0, 30.0) for x in FITTED}
            for beam in BEAMS
            for family, n in zip(FAMILIES, (n_coll, n_noncoll))
        },
        {
            (exp, kind): make_fit(n_coll, short, short + 3.0)
            for exp in EXPERIMENTS
            for kind, short in (("calc", 10.0), ("meas", 11.0))
        },
    )
    return SbResults(
        FILL, sb, CalculatedLumi(time_s, calc, angles), MeasuredLumi(meas), fits,
        Lifetime(time_s, lifetimes), SIGMA_BOFF_M2, losses=make_losses(sb),
    )  # fmt: skip


def make_losses(sb: StableBeams, n_windows: int = 4) -> FillLosses:
    """Return effective cross-sections near that of burn-off, two mb less in beam 2."""
    windows = sb.time_s[0] + 1200.0 * (0.5 + np.arange(n_windows))
    beams = {}
    for beam in BEAMS:
        slots = sb.bunches[beam, "coll"].slots
        each = (84e-31 - 2e-31 * beam) * (1 + 0.01 * np.arange(slots.size))
        beams[beam] = BeamLosses(
            slots=slots,
            sigma_m2=np.tile(each, (n_windows, 1)),
            error_m2=np.full((n_windows, slots.size), 1e-31),
            fill_sigma_m2=each,
            fill_error_m2=np.full(slots.size, 0.5e-31),
            total_sigma_m2=(84e-31 - 2e-31 * beam) * (1 + 0.01 * np.arange(n_windows)),
            total_error_m2=np.full(n_windows, 0.3e-31),
            total_fill_sigma_m2=84e-31 - 2e-31 * beam,
            total_fill_error_m2=0.12e-31,
            families=BunchFamilies(slots, *[np.zeros_like(slots)] * 7),
        )
    shape = (sb.time_s.size, sb.bunches[1, "coll"].slots.size)
    pileup = {exp: np.full(shape, 30.0) for exp in EXPERIMENTS}
    return FillLosses(sb.time_s, windows, "measured", list(EXPERIMENTS), 0.02, {}, pileup, beams)


def without_measured(r: SbResults) -> SbResults:
    """Return results of a fill whose luminosity was not measured, as the steps leave them."""
    assert r.fits is not None
    assert r.lifetime is not None
    calc = {key: fit for key, fit in r.fits.lumi.items() if key[1] == "calc"}
    unknown = {
        "tau_boff_corrected_s": None,
        "sigma_m2": None,
        "total_tau_boff_corrected_s": None,
    }
    beams = {b: dataclasses.replace(p, **unknown) for b, p in r.lifetime.beams.items()}
    return dataclasses.replace(
        r,
        lumi_meas=None,
        fits=Fits(r.fits.beams, calc),
        lifetime=Lifetime(r.lifetime.time_s, beams),
        losses=None,
    )


def only_stable_beams(r: SbResults) -> SbResults:
    """Return results of a fill for which only step sb ran."""
    return dataclasses.replace(
        r, lumi_calc=None, lumi_meas=None, fits=None, lifetime=None, losses=None
    )


def nothing_in_beam_2(r: SbResults) -> SbResults:
    """Return results with NaN in all of beam 2, and in all that needs both beams."""
    assert r.lumi_calc is not None
    assert r.fits is not None
    assert r.lifetime is not None
    bunches = {key: family if key[0] == 1 else _nan(family) for key, family in r.sb.bunches.items()}
    calc = {exp: np.full_like(lumi, np.nan) for exp, lumi in r.lumi_calc.bunch_lumi.items()}
    fits = {
        key: {x: f if key[0] == 1 else _failed(f) for x, f in of.items()}
        for key, of in r.fits.beams.items()
    }
    lumi = {key: f if key[1] == "meas" else _failed(f) for key, f in r.fits.lumi.items()}
    lifetimes = {b: part if b == 1 else _nan(part) for b, part in r.lifetime.beams.items()}
    assert r.losses is not None
    losses = {b: part if b == 1 else _nan(part) for b, part in r.losses.beams.items()}
    return dataclasses.replace(
        r,
        sb=dataclasses.replace(r.sb, bunches=bunches),
        lumi_calc=dataclasses.replace(r.lumi_calc, bunch_lumi=calc),
        fits=Fits(fits, lumi),
        lifetime=Lifetime(r.lifetime.time_s, lifetimes),
        losses=dataclasses.replace(r.losses, beams=losses),
    )


def all_fits_failed(r: SbResults) -> SbResults:
    assert r.fits is not None
    beams = {key: {x: _failed(f) for x, f in of.items()} for key, of in r.fits.beams.items()}
    return dataclasses.replace(
        r, fits=Fits(beams, {key: _failed(fit) for key, fit in r.fits.lumi.items()})
    )


def _nan(record):
    """Return a record with NaN in all arrays of numbers but its slots."""
    return dataclasses.replace(
        record,
        **{
            f.name: np.full_like(value, np.nan)
            for f in dataclasses.fields(record)
            if isinstance(value := getattr(record, f.name), np.ndarray) and f.name != "slots"
        },
    )


def _failed(fits: ExpFits) -> ExpFits:
    nothing = ExpFit(np.full(fits.full.tau_s.shape, np.nan), np.full(fits.full.tau_s.shape, np.nan))
    return ExpFits(nothing, nothing)


POOR: dict[str, Callable[[], SbResults]] = {
    "complete": make_results,
    "no luminosity measured": lambda: without_measured(make_results()),
    "only step sb": lambda: only_stable_beams(make_results()),
    "no non-colliding bunch": lambda: make_results(n_noncoll=0),
    "no colliding bunch": lambda: make_results(n_coll=0),
    "no bunch": lambda: make_results(n_coll=0, n_noncoll=0),
    "one bunch": lambda: make_results(n_coll=1, n_noncoll=0),
    "one time": lambda: make_results(n_times=1),
    "two times": lambda: make_results(n_times=2),
    "NaN in beam 2": lambda: nothing_in_beam_2(make_results()),
    "all fits failed": lambda: all_fits_failed(make_results()),
}


STYLE = Style(dpi=50)


@pytest.fixture
def style() -> Style:
    return STYLE


def a_panel() -> Axes:
    """Return a panel; hypothesis draws on many, where a fixture would give one."""
    return Figure(figsize=(4, 3), dpi=50).add_axes((0.2, 0.2, 0.7, 0.7))


@pytest.fixture
def ax() -> Axes:
    return a_panel()


def texts(figure: Figure) -> str:
    """Return all that is written in a figure, line by line, but for ticks."""
    found = [text.get_text() for text in figure.texts]
    found += [text.get_text() for legend in figure.legends for text in legend.get_texts()]
    for ax in figure.axes:
        found += [ax.get_xlabel(), ax.get_ylabel(), ax.get_title(), ax.get_title("right")]
        found += [text.get_text() for text in ax.texts]
        found += legend_of(ax)
    return "\n".join(found)


def legend_of(ax: Axes) -> list[str]:
    legend = ax.get_legend()
    return [] if legend is None else [text.get_text() for text in legend.get_texts()]


def line(ax: Axes, label: str) -> tuple[FloatArray, FloatArray]:
    """Return x and y of the line whose legend begins so."""
    (found,) = (one for one in ax.lines if str(one.get_label()).startswith(label))
    return np.asarray(found.get_xdata()), np.asarray(found.get_ydata())


def drawn_lines(ax: Axes) -> list[Line2D]:
    """Return the lines of a panel that have a point to show, but for those across all of it."""
    return [
        one
        for one in ax.lines
        if one.get_transform() == ax.transData
        and np.isfinite(np.asarray(one.get_ydata(), float)).any()
    ]


def notes(ax: Axes) -> list[str]:
    """Return what a panel says that it cannot show: written in its middle."""
    return [t.get_text() for t in ax.texts if t.get_position() == (0.5, 0.5)]


def outside_note(ax: Axes) -> str:
    """Return what a panel says of points outside; empty if it says nothing."""
    return "".join(t.get_text() for t in ax.texts if "outside" in t.get_text())


def panels_of(figure: Figure) -> list[Axes]:
    """Return the panels of a figure without its colour bars."""
    return [ax for ax in figure.axes if ax.get_ylabel() != "hours of stable beams"]


def silent_panels(figure: Figure) -> list[str]:
    """Return the panels that neither show something nor say in one note why not."""
    return [ax.get_ylabel() for ax in panels_of(figure) if not _shows_or_says(ax)]


def _shows_or_says(ax: Axes) -> bool:
    points = [one for one in ax.collections if np.isfinite(one.get_offsets()).all(axis=1).any()]
    shown = bool(drawn_lines(ax) or points or ax.images)
    return len(notes(ax)) == 1 or (shown and not notes(ax))


class Seen(NamedTuple):
    """What a figure says, without the figure: thousands of objects that others may share."""

    silent: list[str]
    notes: list[str]
    legends: list[str]


def seen(figure: Figure) -> Seen:
    """Return what the panels of a figure say."""
    return Seen(
        silent_panels(figure),
        [note for ax in figure.axes for note in notes(ax)],
        [text for ax in figure.axes for text in legend_of(ax)],
    )


RUN_FILL = 5845


@pytest.fixture(scope="session")
def run_fill(tmp_path_factory: pytest.TempPathFactory) -> FillPaths:
    """Return a small simulated fill with the results of all steps: do not change it."""
    return make_run_fill(tmp_path_factory.mktemp("run_fill"))


def make_run_fill(root: Path) -> FillPaths:
    """Simulate a small fill in a folder and run all steps on it."""
    from lumimod.cli import main

    simulate_fills(root / "data", [RUN_FILL], TINY, seed=3)
    config = root / "config.py"
    config.write_text(f"input_folder = working_folder = {str(root)!r} + '/'\ndoSBModel = True\n")
    assert main(["--config", str(config)]) == 0
    return FillPaths(load_config(config), RUN_FILL)
