"""Picture of the crossing angles and of beta*."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lumimod.arrays import FloatArray
from lumimod.plots.about import NOTHING_KNOWN, About
from lumimod.plots.axes import ROUND_STEPS, few_ticks, hour_axis, hours_since, set_value_axis
from lumimod.plots.betastar import betastar_lines, draw_betastar
from lumimod.plots.families import Picture
from lumimod.plots.layout import Margins, legend_above, note_missing, panels, title
from lumimod.plots.marks import SAME_ANGLE_RAD, mark_steps, steps_of_both
from lumimod.plots.numbers import finite
from lumimod.plots.panels import draw_line
from lumimod.plots.sb_results import SbResults
from lumimod.plots.style import DEFAULT_STYLE, EXPERIMENT, Style, drawing, new_figure
from lumimod.records import EXPERIMENTS, IP_OF, StableBeams

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MICRORAD = 1e6


@drawing
def draw_crossing_angle(
    sb: StableBeams, fill: int, *, about: About = NOTHING_KNOWN, style: Style = DEFAULT_STYLE
) -> Figure:
    """Draw the full crossing angle at both experiments, and beta* below where it is known.

    The right axis has half of the angle.
    """
    figure = new_figure(style)
    with_betastar = bool(betastar_lines(about))
    what = f"Crossing angles{' and β*' if with_betastar else ''}; half of angles on the right axis"
    if about.betastar:
        what += f"; calculated with {about.betastar}"
    title(figure, style, fill, sb.time_s[0], what, about)
    margins = Margins(right=5.5, top=5.0, between_rows=2.4)
    rows = panels(
        figure, style, 1 + with_betastar, 1, margins=margins,
        heights=(1.5, 1.0) if with_betastar else None,
    )  # fmt: skip
    angles_panel(rows[0][0], sb)
    if with_betastar:
        betastar_panel(rows[1][0], sb, about)
        mark_steps([row[0] for row in rows], sb.time_s, steps_of_both(sb, about), words=False)
    for (ax,) in rows:
        hour_axis(ax, sb.time_s, label=ax is rows[-1][0])
        ax.tick_params(labelbottom=ax is rows[-1][0])
    return figure


def betastar_panel(ax: Axes, sb: StableBeams, about: About) -> None:
    """Draw beta* in use and, where it was another, the logged one."""
    lines = draw_betastar(ax, about, sb.time_s)
    set_value_axis(ax, "β* [cm]", *(line.values_cm for line in lines), tail=0.0)
    few_ticks(ax.yaxis, 5, steps=ROUND_STEPS)
    legend_above(ax, 4)


def angles_panel(ax: Axes, sb: StableBeams) -> None:
    """Draw the full crossing angle at both experiments; the right axis has its half."""
    hours = hours_since(sb.time_s)
    # Both angles are mostly equal: a broad pale line shows below the narrow one.
    for experiment, width, alpha in zip(EXPERIMENTS, (8.0, 2.2), (0.45, 1.0)):
        angle = sb.xing_angle_rad[IP_OF[experiment]] * MICRORAD
        look = EXPERIMENT[experiment]
        text = f"IP{IP_OF[experiment]} ({experiment}): {angle_text(angle)}"
        draw_line(
            ax, hours, angle, look, linewidth=width, label=text, drawstyle="steps-post",
            alpha=alpha, markersize=2.5 * width,
        )  # fmt: skip
    angles = tuple(sb.xing_angle_rad[ip] * MICRORAD for ip in IP_OF.values())
    if not any(np.isfinite(angle).any() for angle in angles):
        note_missing(ax, "no crossing angle")
    # Even a step shortly before the end is to be in view: no value counts as an outlier.
    set_value_axis(ax, "full crossing angle [µrad]", *angles, tail=0.0)
    half = ax.secondary_yaxis("right", functions=(_half, _twice))
    half.set_ylabel("half crossing angle [µrad]")
    low, high = ax.get_ylim()
    ticks = [tick for tick in ax.get_yticks() if low <= tick <= high]
    ax.set_yticks(ticks)
    half.set_yticks([tick / 2 for tick in ticks])
    half.yaxis.set_major_formatter("{x:g}")
    half.spines["right"].set_visible(True)
    legend_above(ax)


def _half(angle: Any) -> Any:
    return angle / 2


def _twice(angle: Any) -> Any:
    return angle * 2


def angle_text(angle: FloatArray) -> str:
    """Return the angles of a fill in words; `angle` is in microradians."""
    known = finite(angle)
    if not known.size:
        return "no data"
    if np.ptp(known) < SAME_ANGLE_RAD * MICRORAD:
        return f"{known[0]:.5g} µrad, constant"
    ends = sorted((known[0], known[-1]))
    text = f"{known[0]:.5g} to {known[-1]:.5g} µrad"
    if known.min() < ends[0] or known.max() > ends[1]:
        text += f" (between {known.min():.5g} and {known.max():.5g})"
    return text


def _nothing_of(r: SbResults) -> str:
    there = any(np.isfinite(angle).any() for angle in r.sb.xing_angle_rad.values())
    return "" if there or betastar_lines(r.about) else "no crossing angle, no β*"


CROSSING_PICTURES: tuple[Picture[SbResults], ...] = (
    Picture(
        "crossingAngle",
        "full crossing angle at ATLAS and CMS, the right axis has its half; beta* below",
        lambda r, style: draw_crossing_angle(r.sb, r.fill, about=r.about, style=style),
        _nothing_of,
    ),
)
