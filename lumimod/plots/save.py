"""Saving figures to files."""

from __future__ import annotations

from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from lumimod.atomic import replacing
from lumimod.plots.style import Style, look_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_WITHOUT_DATE: dict[str, dict[str, Any]] = {
    "pdf": {"metadata": {"CreationDate": None}},
    "svg": {"metadata": {"Date": None}},
}


def save_figure(figure: Figure, path: Path, style: Style) -> None:
    """Write a figure in the format of its suffix (.png, .pdf, .svg), atomically.

    The same figure gives the same bytes: the file has no date.

    Raises
    ------
    OutputError
        The file cannot be written.
    """
    kind = path.suffix.lstrip(".")
    with replacing(path) as file, look_of(style):
        if kind == "png":
            _save_png(figure, file, style)
        else:
            figure.savefig(file, format=kind, dpi=style.dpi, **_WITHOUT_DATE[kind])


def _save_png(figure: Figure, file: IO[bytes], style: Style) -> None:
    from lumimod.plots.rendering.canvas import drawn
    from lumimod.plots.rendering.png import write_png

    write_png(file, drawn(figure, style.dpi), style.dpi)
