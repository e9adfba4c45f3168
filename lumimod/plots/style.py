"""How pictures look: sizes, colours, line styles and markers."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar, cast

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from lumimod.config.settings import PlotSettings

_SHEET = Path(__file__).parent / "lumimod.mplstyle"


@dataclass(frozen=True)
class Style:
    """What a user may set, in config.py or in a notebook."""

    fig_size_in: tuple[float, float] = (15.0, 7.0)
    dpi: int = 150
    font_size: float = 16.0
    n_skip: int = 1
    """Panels bunch by bunch show every n-th time."""

    @classmethod
    def of_config(cls, plots: PlotSettings) -> Style:
        """Return what config.py says."""
        return cls(plots.fig_size, plots.dpi, plots.font_size, plots.n_skip)

    @property
    def em_in(self) -> float:
        """Return the font size in inches."""
        return self.font_size / 72.0


DEFAULT_STYLE = Style()


class Look(NamedTuple):
    """How a curve or points are drawn: line style and marker tell them apart without colour too."""

    color: str
    linestyle: str = "-"
    marker: str = "o"


# Blue and red as in the control room. Most others are those of M. Okabe and K. Ito, which
# colour-blind readers can tell apart. Of two, one is darker: they are told apart in grey too.
BEAM = {1: Look("#0a4593", "-", "o"), 2: Look("#d62839", "--", "s")}
NONCOLLIDING = Look("#7f7f7f", ":", "^")
EXPERIMENT = {"ATLAS": Look("#006d4e", "-", "o"), "CMS": Look("#d97706", "--", "s")}
MODEL = {
    "data": Look("#000000", "-", "o"),
    "EmpiricalBlowupLosses": Look("#0072b2", "--", "o"),
    "EmpiricalBlowupBOff": Look("#56b4e9", "-.", "s"),
    "IBSBOff": Look("#d55e00", ":", "^"),
    "IBSLosses": Look("#e69f00", (0, (5, 1)), "v"),  # type: ignore[arg-type]
    "EmpiricalblengthLosses": Look("#882255", (0, (3, 1, 1, 1)), "D"),  # type: ignore[arg-type]
}
CALCULATED = Look("#9a9a9a", "--", "s")
"""Calculated luminosity beside the measured one and those of models."""
INSTANT = (
    Look("#440154", "-", "o"),
    Look("#31688e", "--", "s"),
    Look("#35b779", "-.", "^"),
    Look("#d8a200", ":", "D"),
)
"""Start and end of injection, start and end of flat top: lighter as time goes on."""
PART = {
    "injection": Look("#440154", "-", "o"),
    "ramp": Look("#cc5f00", "--", "s"),
    "flat top": Look("#35b779", "-.", "^"),
}
"""Parts of the cycle."""
CYCLE_MODEL = {
    "measured": Look("#000000", "-", "o"),
    "model": Look("#d55e00", "--", "s"),
    "chain": Look("#56b4e9", "-.", "^"),
}
TIME_MAP = "viridis"
"""Colour map of time."""
CHANGE_MAP = "cividis"
"""Colour map of changes of both signs: grey is none, dark blue less, pale yellow more.

Its lightness rises all the way, so that the signs are told apart in grey too.
"""
GROWTH_MAP, LOSS_MAP = "Reds", "Blues_r"
"""Colour maps of changes of one sign: white is none."""
MUTED = "#5f5f5f"
"""Colour of notes."""
REFERENCE = "#7f7f7f"
"""Colour of lines to compare with."""

F = TypeVar("F", bound="Callable[..., Figure]")
_IN_FORCE: ContextVar[float | None] = ContextVar("font size of the look in force", default=None)


@contextmanager
def look_of(style: Style) -> Iterator[None]:
    """Apply the style sheet and the font size while figures are drawn or saved.

    Where they are in force already nothing is done: reading them takes as long as a small panel.
    """
    if _IN_FORCE.get() == style.font_size:
        yield
        return
    import matplotlib.style

    sizes = {"font.size": style.font_size}
    before = _IN_FORCE.set(style.font_size)
    try:
        with matplotlib.style.context(["default", _SHEET, sizes]):
            yield
    finally:
        _IN_FORCE.reset(before)


def drawing(function: F) -> F:
    """Decorate a `draw_...(..., style=DEFAULT_STYLE)` to draw in the style that it is given."""

    @functools.wraps(function)
    def styled(*args: Any, style: Style = DEFAULT_STYLE, **options: Any) -> Figure:
        with look_of(style):
            return function(*args, style=style, **options)

    return cast(F, styled)


def new_figure(style: Style) -> Figure:
    """Return an empty figure, without pyplot and its windows."""
    from matplotlib.figure import Figure

    from lumimod.plots.rendering.canvas import PictureCanvas

    figure = Figure(figsize=style.fig_size_in, dpi=style.dpi)
    PictureCanvas(figure)
    return figure
