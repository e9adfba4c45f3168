"""What a picture and a family of pictures are, and which families there are.

Importing this loads neither NumPy nor matplotlib: the command line needs the names for --help.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from lumimod.config.settings import PlotSettings
    from lumimod.paths import FillPaths
    from lumimod.plots.style import Style

D = TypeVar("D")
"""The results that the pictures of a family are drawn from."""


def _something(_: object) -> str:
    return ""


@dataclass(frozen=True)
class Picture(Generic[D]):
    """One picture of a fill."""

    name: str
    """The file is fill_N_NAME with the suffix of the format."""
    shows: str
    """What it shows, for the documentation."""
    draw: Callable[[D, Style], Figure]
    """Return its figure."""
    nothing: Callable[[D], str] = _something
    """Return why there is nothing to show; empty if there is something."""


@dataclass(frozen=True)
class PictureSet(Generic[D]):
    """Pictures drawn from the same results, which one process loads once."""

    pictures: tuple[Picture[D], ...]
    load: Callable[[], D]
    """Return the results; MissingStepError if one cannot be read."""
    needs: tuple[Path, ...]
    """Files without which there are no such pictures."""
    uses: tuple[Path, ...] = ()
    """Files that the pictures show if they are there."""


@dataclass(frozen=True)
class Family:
    """Pictures that are asked for together, by config.py and by --plots."""

    name: str
    title: str
    """In a few words, for --help and the documentation."""
    asked_for: Callable[[PlotSettings], bool]
    """Whether its own setting in config.py is on, whatever doAllPlots and savePlots say."""
    function: str
    """Where the function is that returns its sets for a fill: MODULE:NAME, imported when called."""
    in_common: str = ""
    """What all its pictures have in common, for the documentation."""

    def sets(self, paths: FillPaths) -> Sequence[PictureSet[Any]]:
        """Return the pictures of a fill."""
        found: Sequence[PictureSet[Any]] = pkgutil.resolve_name(self.function)(paths)
        return found


_ALL = (
    Family(
        "overview",
        "one page of a fill",
        lambda p: p.do_overview,
        "lumimod.plots.overview:overview_sets",
    ),
    Family("sb", "stable beams", lambda p: p.do_sb, "lumimod.plots.stable_beams:sb_sets"),
    Family(
        "cycle",
        "injection and flat top",
        lambda p: p.do_cycle,
        "lumimod.plots.cycle:cycle_sets",
        "Four instants: the first and the last measurement at injection and at flat top.",
    ),
    Family(
        "cycle_model",
        "injection and flat top beside the IBS model",
        lambda p: p.do_cycle_model,
        "lumimod.plots.cycle_model:cycle_model_sets",
        "`INJ` is injection, `FT` flat top. Measured and modelled values at the end of the "
        "interval, and their difference.",
    ),
    Family(
        "limits",
        "what limits the machine",
        lambda p: p.do_limits,
        "lumimod.plots.limits:limit_sets",
    ),
    Family(
        "model",
        "stable-beams model",
        lambda p: p.do_sb_model,
        "lumimod.plots.model:model_sets",
        "For each case C; those of a model M by itself with `pictures_per_model = True`.",
    ),
)

PICTURE_FAMILIES: Mapping[str, Family] = {family.name: family for family in _ALL}
"""By name, in the order in which they are drawn. A new family is one entry above."""
