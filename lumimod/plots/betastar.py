"""Lines of beta* against time, of the overview and beside the crossing angles."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lumimod.arrays import FloatArray
from lumimod.plots.about import About
from lumimod.plots.axes import hours_since
from lumimod.plots.marks import SAME_BETASTAR_M
from lumimod.plots.style import EXPERIMENT, MUTED, Look
from lumimod.records import IP_OF

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_USED, _LOGGED = ":", (0, (3, 1, 1, 1))
CM_PER_M = 100.0


class BetastarLine(NamedTuple):
    """A line of beta*, (n_times,), in cm."""

    label: str
    look: Look
    values_cm: FloatArray


def betastar_lines(about: About) -> list[BetastarLine]:
    """Return beta* in use and, where it was another, the logged one.

    IP1 and IP5 are one line where they are equal all the time.
    """
    used, logged = about.betastar_m or {}, about.logged_betastar_m or {}
    other = {ip: _where_other(of, used.get(ip)) for ip, of in logged.items()}
    return [*_lines("β*", used, _USED), *_lines("β* logged", other, _LOGGED)]


def _where_other(logged_m: FloatArray, used_m: FloatArray | None) -> FloatArray:
    """Return what was logged, as NaN where it is the one in use.

    The value before each difference is kept: a line of steps goes from there to the other one.
    """
    if used_m is None:
        return logged_m
    with np.errstate(invalid="ignore"):
        differs = ~(np.abs(logged_m - used_m) <= SAME_BETASTAR_M)
    kept = differs | np.append(differs[1:], False)
    return np.where(kept, logged_m, np.nan)


def _lines(
    label: str, of_points: Mapping[int, FloatArray], dashes: str | tuple[object, ...]
) -> list[BetastarLine]:
    there = {ip: of * CM_PER_M for ip, of in of_points.items() if np.isfinite(of).any()}
    each = list(there.values())
    same = all(
        np.allclose(of, each[0], atol=SAME_BETASTAR_M * CM_PER_M, equal_nan=True) for of in each
    )
    if each and same and len(each) == len(of_points):
        return [BetastarLine(label, Look(MUTED, dashes), each[0])]  # type: ignore[arg-type]
    return [
        BetastarLine(
            f"{label} IP{ip}",
            EXPERIMENT[exp]._replace(linestyle=dashes),  # type: ignore[arg-type]
            there[ip],
        )
        for exp, ip in IP_OF.items()
        if ip in there
    ]


def draw_betastar(ax: Axes, about: About, time_s: FloatArray) -> list[BetastarLine]:
    """Draw the lines of beta* as steps, each value from its time on; return them."""
    lines = betastar_lines(about)
    for line in lines:
        ax.plot(
            hours_since(time_s), line.values_cm, color=line.look.color,
            linestyle=line.look.linestyle, drawstyle="steps-post", linewidth=2.0, label=line.label,
        )  # fmt: skip
    return lines
