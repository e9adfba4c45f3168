"""Chosen fills as one PDF for a meeting: title, season, and the pages of each fill."""

from __future__ import annotations

import io
import logging
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lumimod.atomic import replacing
from lumimod.config.settings import Config
from lumimod.errors import BadInputError, UsageError
from lumimod.paths import FillPaths
from lumimod.plots.families import PICTURE_FAMILIES
from lumimod.plots.layout import write_title
from lumimod.plots.quantities import MB_PER_M2
from lumimod.plots.season import IN_BRACKETS, draw_season
from lumimod.plots.season_panels import SeasonData, season_panels
from lumimod.plots.style import MUTED, Style, look_of, new_figure
from lumimod.readers.bmodes import BeamModes, read_bmodes
from lumimod.report.index import INDEX_COLUMNS, cells
from lumimod.report.pictures import (
    SHRINKABLE,
    ShownFamily,
    ShownPicture,
    families_shown,
    read_picture,
)
from lumimod.report.words import printed, title_of
from lumimod.run.choice import FillChoice, none_found
from lumimod.run.guard import guarded
from lumimod.run.recorded import recorded_states
from lumimod.run.states import States, states_table
from lumimod.summary.screen import aligned, fact_lines
from lumimod.summary.season import fill_facts, update_season

if TYPE_CHECKING:
    from matplotlib.figure import Figure

log = logging.getLogger(__name__)

PAGE_IN = (13.333, 7.5)
"""Of a slide."""
_STYLE = Style(fig_size_in=PAGE_IN, dpi=150, font_size=12.0)
_ROWS, _COLUMNS = 2, 2
"""Of pictures on a page."""
_PICTURE_PX = 1200
_LINES = 30
"""Lines of text on a page."""
_WIDTH = 128
"""Letters in a line."""
_ON_THE_TITLE = ("Length", "Colliding", "β*", "Intensity", "ε H", "ε V", "Peak", "∫ ATLAS", "∫ CMS")
"""Columns of the index that the table of the first page has."""


@dataclass
class PdfReport:
    """What became of a PDF."""

    path: Path
    fills: Sequence[int]
    n_pages: int = 0
    faults: dict[int, str] = field(default_factory=dict)
    """Why the pages of a fill are missing."""

    def __str__(self) -> str:
        fills = f"{len(self.fills)} fill{'s' * (len(self.fills) != 1)}"
        return f"{self.path}: {fills}, {self.n_pages} pages"


def write_pdf(cfg: Config, choice: FillChoice, path: Path) -> PdfReport:
    """Write a PDF of fills; one whose pages fail has a page that says why.

    Raises
    ------
    UsageError
        There is no such fill.
    OutputError
        The file cannot be written.
    """
    from matplotlib.backends.backend_pdf import PdfPages

    modes = read_bmodes(cfg.files.bmodes)
    fills = choice.fills(modes, cfg)
    if not fills:
        raise UsageError(none_found(choice, modes, cfg))
    rows = {fill: row.facts for fill, row in update_season(cfg, modes, sorted(modes)).items()}
    states = recorded_states(cfg, modes)
    report, buffer = PdfReport(path, fills), io.BytesIO()
    about = {"Title": f"Luminosity follow-up: {_span(fills)}", "CreationDate": None}
    with look_of(_STYLE), _quiet_fonts(), PdfPages(buffer, metadata=about) as pdf:
        _add(pdf, _title_page(fills, rows))
        if any("start_utc" in of for of in rows.values()):
            _add(pdf, _season_page(cfg, rows))
        for fill in fills:
            why = guarded(f"fill {fill}: PDF", partial(_fill_pages, pdf, cfg, modes, states, fill))
            if why:
                log.warning("fill %d: PDF: %s", fill, why)
                report.faults[fill] = why
                _add(pdf, _text_page(f"Fill {fill}", "No pages", [why]))
        report.n_pages = pdf.get_pagecount()
    with replacing(path) as file:
        file.write(buffer.getvalue())
    return report


@contextmanager
def _quiet_fonts() -> Iterator[None]:
    """Leave out of the log what the library of fonts says of every letter."""
    fonts = logging.getLogger("fontTools")
    before = fonts.level
    fonts.setLevel(logging.WARNING)
    try:
        yield
    finally:
        fonts.setLevel(before)


def _add(pdf: Any, figure: Figure) -> None:
    pdf.savefig(figure)
    figure.clear()


def _span(fills: Sequence[int]) -> str:
    if len(fills) == 1:
        return f"fill {fills[0]}"
    return f"{len(fills)} fills, {fills[0]} to {fills[-1]}"


# --- pages


def _title_page(fills: Sequence[int], rows: Mapping[int, Mapping[str, Any]]) -> Figure:
    figure = new_figure(_STYLE)
    starts = [str(rows[fill].get("start_utc", ""))[:10] for fill in fills if fill in rows]
    days = sorted(filter(None, starts))
    parts = [title_of(_span(fills)), " to ".join(dict.fromkeys([*days[:1], *days[-1:]]))]
    figure.text(0.02, 0.93, "LHC luminosity follow-up", va="top", size=28, weight="bold")
    figure.text(0.02, 0.85, ", ".join(filter(None, parts)), va="top", size=14, color=MUTED)
    _write_lines(figure, _table_of_fills(fills, rows), 0.77)
    return figure


def _table_of_fills(fills: Sequence[int], rows: Mapping[int, Mapping[str, Any]]) -> list[str]:
    columns = [column for column in INDEX_COLUMNS if column.heading in _ON_THE_TITLE]
    heads = [f"{c.heading} {c.unit}".strip() for c in columns]
    table = [["fill", "stable beams, UTC", *heads, "ended"]]
    for fill in fills:
        facts = rows.get(fill, {})
        start = str(facts.get("start_utc", "no results"))[:16]
        shown = [cell.text for cell in cells(facts, columns)]
        table.append([str(fill), start, *shown, str(facts.get("ended", ""))])
    lines = aligned(table)
    if len(lines) > _LINES:
        lines = [*lines[: _LINES - 1], f"and {len(lines) - _LINES + 1} more fills"]
    return lines


def _season_page(cfg: Config, rows: Mapping[int, Mapping[str, Any]]) -> Figure:
    every = season_panels(cfg.machine.sigma_boff_m2 * MB_PER_M2)
    named = {panel.name: panel for panels in every.values() for panel in panels}
    shown = [named[name] for name in ("intensity", "integrated", "ratio", "cross_section")]
    words = f"Intensity, luminosity and losses; legends: {IN_BRACKETS}"
    return draw_season(SeasonData(rows), shown, words, style=_STYLE)


def _fill_pages(pdf: Any, cfg: Config, modes: BeamModes, states: States, fill: int) -> None:
    paths = FillPaths(cfg, fill)
    facts = fill_facts(cfg, modes, fill)
    lines = fact_lines(facts, printed) + ["", *_states_and_notes(states, fill, facts)]
    fitting = _fitting(lines)
    for first in range(0, len(fitting), _LINES):
        _add(pdf, _text_page(f"Fill {fill}", "Facts", fitting[first : first + _LINES]))
    families = families_shown(paths, cfg.files.stable_beams_folder)
    overview = _overview(paths)
    if overview is not None:
        _add(pdf, overview)
    for family in families:
        if family.name != "overview":
            for page in _family_pages(fill, family):
                _add(pdf, page)


def _fitting(lines: Sequence[str]) -> list[str]:
    """Return lines that fit the page; only those that are too long are broken."""
    return [
        part
        for line in lines
        for part in ([line] if len(line) <= _WIDTH else textwrap.wrap(line, _WIDTH))
    ]


def _states_and_notes(states: States, fill: int, facts: Mapping[str, Any]) -> list[str]:
    lines = states_table({fill: states[fill]}).splitlines()[1:] if fill in states else []
    notes = [note for note in str(facts.get("notes") or "").split("; ") if note]
    return lines + [f"note: {note}" for note in notes]


def _overview(paths: FillPaths) -> Figure | None:
    """Return the overview, drawn anew: lines stay sharp; None without results."""
    (pictures,) = PICTURE_FAMILIES["overview"].sets(paths)
    if not all(path.exists() for path in pictures.needs):
        return None
    figure: Figure = pictures.pictures[0].draw(pictures.load(), _STYLE)
    return figure


def _family_pages(fill: int, family: ShownFamily) -> Iterator[Figure]:
    images = [one for one in family.pictures if one.path.suffix == SHRINKABLE]
    others = [one.path.name for one in family.pictures if one not in images]
    each = _ROWS * _COLUMNS
    for first in range(0, len(images), each):
        yield _picture_page(fill, family, images[first : first + each])
    if others:
        lines = [f"{name} is not a PNG: set plotFormat = '.png' to have it here" for name in others]
        yield _text_page(f"Fill {fill}", title_of(family.title), _fitting(lines))


def _picture_page(fill: int, family: ShownFamily, pictures: Sequence[ShownPicture]) -> Figure:
    figure = new_figure(_STYLE)
    write_title(figure, _STYLE, f"Fill {fill}", title_of(family.title))
    n_columns = min(len(pictures), _COLUMNS)
    n_rows = -(-len(pictures) // n_columns)
    width, height = 0.98 / n_columns, 0.88 / n_rows
    for number, picture in enumerate(pictures):
        row, column = divmod(number, n_columns)
        place = (0.01 + column * width, 0.01 + (n_rows - 1 - row) * height, width, height)
        ax = figure.add_axes((place[0], place[1], 0.99 * width, 0.93 * height))
        ax.set_axis_off()
        ax.set_title(picture.name, size=9, loc="left", pad=2)
        try:
            ax.imshow(read_picture(picture.path, _PICTURE_PX), interpolation="none")
        except BadInputError as exc:
            log.warning("%s", exc)
            ax.text(0.5, 0.5, "cannot be read", ha="center", transform=ax.transAxes)
    return figure


def _text_page(first: str, second: str, lines: Sequence[str]) -> Figure:
    figure = new_figure(_STYLE)
    write_title(figure, _STYLE, first, second)
    _write_lines(figure, lines, 0.885)
    return figure


def _write_lines(figure: Figure, lines: Sequence[str], top: float) -> None:
    longest = max([1, *map(len, lines)])
    # A letter of the typewriter face is 0.602 of its size wide.
    fitting = PAGE_IN[0] * 0.96 * 72 / (0.602 * longest)
    size = min(13.0, fitting, PAGE_IN[1] * (top - 0.02) * 72 / (1.25 * max(1, len(lines))))
    text = "\n".join(line.replace("$", r"\$") for line in lines)
    figure.text(0.02, top, text, va="top", family="monospace", size=size, linespacing=1.25)
