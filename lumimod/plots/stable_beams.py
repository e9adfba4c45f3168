"""Pictures of stable beams: the family, and those that show every bunch against time."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from lumimod.paths import FillPaths
from lumimod.plots.about import BY_BQM, BY_BSRT, BY_FBCT, NOTHING_KNOWN, OF_CALCULATED, About
from lumimod.plots.bunch_figure import BunchRows, BunchSeries, bunch_figure
from lumimod.plots.crossing import CROSSING_PICTURES
from lumimod.plots.families import Picture, PictureSet
from lumimod.plots.lifetimes import FIT_PICTURES
from lumimod.plots.losses import LOSS_PICTURES
from lumimod.plots.marks import optics_steps
from lumimod.plots.numbers import power_of
from lumimod.plots.quantities import E11, HZ_PER_UB, NS_OF_4_SIGMA, PER_CM2_S
from lumimod.plots.sb_results import SbResults, files_of_lumi
from lumimod.plots.style import (
    BEAM,
    DEFAULT_STYLE,
    EXPERIMENT,
    NONCOLLIDING,
    Style,
    drawing,
)
from lumimod.plots.totals import TOTAL_PICTURES
from lumimod.records import BEAMS, EXPERIMENTS, CalculatedLumi, MeasuredLumi, StableBeams

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@drawing
def draw_emittances(
    sb: StableBeams,
    beam: int,
    fill: int,
    *,
    raw: bool = False,
    about: About = NOTHING_KNOWN,
    style: Style = DEFAULT_STYLE,
) -> Figure:
    """Draw the emittances of one beam: evolution on the left, bunch by bunch on the right.

    Parameters
    ----------
    sb
        Stable beams of a fill.
    beam
        1 or 2.
    fill
        Its number, for the title.
    raw
        The measured emittances instead of the smoothed ones.
    about
        Facts and gaps of the fill.
    style
        Sizes.
    """
    kind = "measured, not smoothed" if raw else "smoothed"
    what = f"Beam {beam}: normalised emittances, {kind}"
    suffix = "_raw_um" if raw else "_um"
    rows = {
        f"ε{plane.upper()} [µm]": families(sb, beam, f"emit_{plane}{suffix}")
        for plane in ("h", "v")
    }
    gaps = about.gaps_of((BY_BSRT,), (beam,))
    every = BunchRows(rows, "µm", "emittance measured", [gaps, gaps])
    return bunch_figure(sb.time_s, every, what, fill, about, style)


@drawing
def draw_intensities(
    sb: StableBeams, fill: int, *, about: About = NOTHING_KNOWN, style: Style = DEFAULT_STYLE
) -> Figure:
    """Draw the bunch intensities of both beams: evolution, and bunch by bunch."""
    rows = {f"Beam {b} [10¹¹ p]": families(sb, b, "intensity_ppb", E11) for b in BEAMS}
    gaps = [about.gaps_of((BY_FBCT,), (b,)) for b in BEAMS]
    every = BunchRows(rows, "10¹¹ p", "intensity measured", gaps, shared=True)
    return bunch_figure(sb.time_s, every, "Bunch intensities", fill, about, style)


@drawing
def draw_bunch_lengths(
    sb: StableBeams, fill: int, *, about: About = NOTHING_KNOWN, style: Style = DEFAULT_STYLE
) -> Figure:
    """Draw the bunch lengths of both beams: evolution, and bunch by bunch."""
    rows = {f"Beam {b}: 4σ [ns]": families(sb, b, "length_m", NS_OF_4_SIGMA) for b in BEAMS}
    gaps = [about.gaps_of((BY_BQM,), (b,)) for b in BEAMS]
    every = BunchRows(rows, "ns", "bunch length measured", gaps, shared=True)
    return bunch_figure(sb.time_s, every, "Bunch lengths, 4σ", fill, about, style)


@drawing
def draw_bunch_lumi(
    sb: StableBeams,
    lumi: CalculatedLumi | MeasuredLumi | None,
    kind: str,
    fill: int,
    *,
    level_m2s: float | None = None,
    about: About = NOTHING_KNOWN,
    style: Style = DEFAULT_STYLE,
) -> Figure:
    """Draw the luminosity of each bunch pair at ATLAS and CMS.

    Parameters
    ----------
    sb
        Stable beams of the fill.
    lumi
        Calculated or measured, on the times of `sb`; None if there is none.
    kind
        "calculated" or "measured".
    fill
        Its number, for the title.
    level_m2s
        Luminosity of all pairs at which the fill was levelled, in 1/(m^2 s).
    about
        Facts, gaps and optics of the fill.
    style
        Sizes.
    """
    origin = about.betastar if kind == "calculated" else about.measured_by
    said = f" ({origin})" if origin else ""
    if kind == "calculated" and level_m2s is not None:
        scale, power = power_of(np.array([level_m2s * PER_CM2_S]))
        level = f"{level_m2s * PER_CM2_S * scale:.3g} · {power} cm⁻² s⁻¹"
        said += f", unlevelled potential (the fill was levelled at {level})"
    what = f"Luminosity of each bunch pair, {kind}{said}"
    if level_m2s is None:
        what += "; 1 Hz/µb = 10³⁰ cm⁻² s⁻¹"
    slots = sb.bunches[1, "coll"].slots
    nothing = np.full((sb.time_s.size, slots.size), np.nan)
    rows = {}
    for experiment in EXPERIMENTS:
        values = nothing if lumi is None else lumi.bunch_lumi[experiment] * HZ_PER_UB
        series = BunchSeries("bunch pairs", EXPERIMENT[experiment], slots, values)
        rows[f"{experiment} luminosity\n[Hz/µb]"] = [series]
    gaps = about.gaps_of(OF_CALCULATED) if kind == "calculated" else []
    calc = lumi if isinstance(lumi, CalculatedLumi) else None
    steps = [optics_steps(sb, calc, experiment, about) for experiment in EXPERIMENTS]
    every = BunchRows(rows, "Hz/µb", f"luminosity {kind}", [gaps, gaps], True, steps)
    return bunch_figure(sb.time_s, every, what, fill, about, style)


def families(sb: StableBeams, beam: int, name: str, scale: float = 1.0) -> list[BunchSeries]:
    """Return a quantity of the colliding and of the non-colliding bunches of a beam."""
    looks = {"coll": ("colliding", BEAM[beam]), "noncoll": ("non-colliding", NONCOLLIDING)}
    series = []
    for family, (words, look) in looks.items():
        bunches = sb.bunches[beam, family]
        series.append(BunchSeries(words, look, bunches.slots, getattr(bunches, name) * scale))
    return series


# --- pictures

BUNCH_PICTURES: tuple[Picture[SbResults], ...] = (
    Picture(
        "b1Emittances",
        "horizontal and vertical emittance of beam 1, smoothed: evolution, and bunch by bunch",
        lambda r, style: draw_emittances(r.sb, 1, r.fill, about=r.about, style=style),
    ),
    Picture(
        "b2Emittances",
        "horizontal and vertical emittance of beam 2, smoothed",
        lambda r, style: draw_emittances(r.sb, 2, r.fill, about=r.about, style=style),
    ),
    Picture(
        "b1RawEmittances",
        "horizontal and vertical emittance of beam 1 as measured",
        lambda r, style: draw_emittances(r.sb, 1, r.fill, raw=True, about=r.about, style=style),
    ),
    Picture(
        "b2RawEmittances",
        "horizontal and vertical emittance of beam 2 as measured",
        lambda r, style: draw_emittances(r.sb, 2, r.fill, raw=True, about=r.about, style=style),
    ),
    Picture(
        "bunchIntensity",
        "bunch intensities of both beams: evolution, and bunch by bunch",
        lambda r, style: draw_intensities(r.sb, r.fill, about=r.about, style=style),
    ),
    Picture(
        "bunchLength",
        "bunch lengths (4 sigma) of both beams",
        lambda r, style: draw_bunch_lengths(r.sb, r.fill, about=r.about, style=style),
    ),
    Picture(
        "calcLumi",
        "calculated luminosity of each bunch pair at ATLAS and CMS",
        lambda r, style: draw_bunch_lumi(
            r.sb,
            r.lumi_calc,
            "calculated",
            r.fill,
            level_m2s=r.level_m2s,
            about=r.about,
            style=style,
        ),
        lambda r: "no luminosity calculated" if r.lumi_calc is None else "",
    ),
    Picture(
        "measLumi",
        "measured luminosity of each bunch pair",
        lambda r, style: draw_bunch_lumi(
            r.sb, r.lumi_meas, "measured", r.fill, about=r.about, style=style
        ),
        lambda r: "no luminosity measured" if r.lumi_meas is None else "",
    ),
)

SB_PICTURES = (
    *CROSSING_PICTURES,
    *TOTAL_PICTURES,
    *BUNCH_PICTURES,
    *FIT_PICTURES,
    *LOSS_PICTURES,
)


def sb_sets(paths: FillPaths) -> list[PictureSet[SbResults]]:
    """Return the pictures of stable beams."""
    uses = (*files_of_lumi(paths), paths.fits, paths.lifetime, paths.result("losses"))
    return [PictureSet(SB_PICTURES, partial(SbResults.load, paths), needs=(paths.sb,), uses=uses)]
