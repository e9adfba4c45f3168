"""Picture of the crossing angles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lumimod.arrays import FloatArray
from lumimod.plots.about import NOTHING_KNOWN, About
from lumimod.plots.axes import hour_axis, hours_since, set_value_axis
from lumimod.plots.families import Picture
from lumimod.plots.layout import Margins, legend_above, note_missing, panels, title
from lumimod.plots.marks import SAME_ANGLE_RAD
from lumimod.plots.numbers import finite
from lumimod.plots.panels import draw_line
from lumimod.plots.sb_results import SbResults
from lumimod.plots.style import DEFAULT_STYLE, EXPERIMENT, Style, drawing, new_figure
from lumimod.records import EXPERIMENTS, IP_OF, StableBeams

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MICRORAD = 1e6


@drawing
def draw_crossing_angle(
    sb: StableBeams, fill: int, *, about: About = NOTHING_KNOWN, style: Style = DEFAULT_STYLE
) -> Figure:
    """Draw the full crossing angle at both experiments; the right axis has its half."""
    figure = new_figure(style)
    what = "Crossing angles; half of them on the right axis"
    title(figure, style, fill, sb.time_s[0], what, about)
    ax = panels(figure, style, 1, 1, margins=Margins(right=5.5, top=5.0))[0][0]
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
    hour_axis(ax, sb.time_s)
    half = ax.secondary_yaxis("right", functions=(_half, _twice))
    half.set_ylabel("half crossing angle [µrad]")
    low, high = ax.get_ylim()
    ticks = [tick for tick in ax.get_yticks() if low <= tick <= high]
    ax.set_yticks(ticks)
    half.set_yticks([tick / 2 for tick in ticks])
    half.yaxis.set_major_formatter("{x:g}")
    half.spines["right"].set_visible(True)
    legend_above(ax)
    return figure


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


def _has_angle(sb: StableBeams) -> bool:
    return any(np.isfinite(angle).any() for angle in sb.xing_angle_rad.values())


CROSSING_PICTURES: tuple[Picture[SbResults], ...] = (
    Picture(
        "crossingAngle",
        "full crossing angle at ATLAS and CMS; the right axis has its half",
        lambda r, style: draw_crossing_angle(r.sb, r.fill, about=r.about, style=style),
        lambda r: "" if _has_angle(r.sb) else "no crossing angle",
    ),
)
