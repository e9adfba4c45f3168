"""The season table: a row of facts for each fill, made again only where results have changed.

`season.csv` for people, `season.pkl.gz` for notebooks, `season.parquet` where pyarrow is installed.
What tells that a row is still right, names, sizes and times of the results that it was made from,
stands in `season.json` beside the facts.
"""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from lumimod import __version__
from lumimod.atomic import replacing
from lumimod.config.settings import Config, plain_values
from lumimod.errors import BadInputError, OutputError
from lumimod.paths import FillPaths
from lumimod.readers.bmodes import BeamModes, FillModes
from lumimod.readers.json_file import load_json
from lumimod.records.diary import Diary
from lumimod.steps.registry import STEPS
from lumimod.summary.columns import SEASON_COLUMNS
from lumimod.summary.facts import facts
from lumimod.summary.means import Facts
from lumimod.summary.turnaround import ends_before, turnaround_h

if TYPE_CHECKING:
    import pandas as pd

log = logging.getLogger(__name__)

SEASON_FILE = "season.json"
_COUNTED = "samples"
"""Kind of the notes that only count samples."""
_REVISION = 5
"""Raised when facts are computed in another way: all rows are made again."""
_SETTINGS = ("gammaFT", "betastar_m", "leveling", "models", "cases")
"""Settings that enter the facts besides the results."""


class Row(NamedTuple):
    """A fill of the season, and what its facts were made from."""

    facts: Facts
    made_from: Mapping[str, Any]


SeasonRows = dict[int, Row]


def update_season(cfg: Config, modes: BeamModes, fills: Iterable[int]) -> SeasonRows:
    """Bring the season table up to date and return its rows; nothing is written if it is.

    A table that cannot be written is a warning: the results matter more.
    """
    path = cfg.files.stable_beams_folder / SEASON_FILE
    known = _known(path)
    rows = season_rows(cfg, modes, fills, known)
    if rows and rows != known:
        try:
            save_season(cfg, rows)
        except OutputError as exc:
            log.warning("season table: %s", exc)
    return rows


def season_rows(
    cfg: Config, modes: BeamModes, fills: Iterable[int], known: Mapping[int, Row]
) -> SeasonRows:
    """Return the rows of fills that have results, those of `known` where nothing has changed.

    A fill whose folder cannot be read keeps its row of `known`.
    """
    settings = repr(plain_values(cfg, _SETTINGS))
    steps = [name for name, step in STEPS.items() if not step.disabled(cfg)]
    before_s = ends_before(modes)
    rows = {}
    for fill in fills:
        paths = FillPaths(cfg, fill, modes[fill].year if fill in modes else None)
        try:
            stamps = _stamps(paths)
        except OSError as exc:
            log.warning("fill %d: season table: %s; its row stays as it was", fill, exc)
            rows.update({fill: known[fill]} if fill in known else {})
            continue
        if not stamps or fill not in modes:
            continue
        made_from = {**stamps, "settings": settings, "modes": repr(modes[fill])}
        made_from |= {"before": repr(before_s.get(fill)), "steps": steps}
        if fill in known and known[fill].made_from == made_from:
            rows[fill] = known[fill]
        else:
            found = _facts(paths, modes[fill], before_s.get(fill))
            found["missing"] = ", ".join(n for n in steps if not STEPS[n].is_finished(paths))
            rows[fill] = Row(found, made_from)
    return rows


def fill_facts(cfg: Config, modes: BeamModes, fill: int) -> Facts:
    """Return the facts of one fill, from the season table if its row is up to date.

    Of a fill without results they are those of the beam modes and of config.py.

    Raises
    ------
    MissingInputError, BadInputError
        The fill is not among the beam modes, or its entry cannot be used.
    """
    of_fill = modes[fill]
    known = _known(cfg.files.stable_beams_folder / SEASON_FILE)
    row = season_rows(cfg, modes, [fill], known).get(fill)
    return facts(FillPaths(cfg, fill), of_fill)[0] if row is None else row.facts


def _facts(paths: FillPaths, modes: FillModes, before_s: float | None) -> Facts:
    found, faults = facts(paths, modes)
    for fault in faults:
        log.warning("fill %d: season table: %s", paths.fill, fault)
    if before_s is not None:
        found["turnaround_h"] = turnaround_h(modes, before_s)
    return {**found, "notes": "; ".join(_notes(paths))}


def _notes(paths: FillPaths) -> Iterable[str]:
    """Return the notes of all results of a fill, each once."""
    diary = Diary(paths.folder)
    made = [diary.made(path) for path in _results(paths)]
    notes = [note for one in made if one for note in one.notes if note.get("kind") != _COUNTED]
    return dict.fromkeys(str(note.get("text", "")) for note in notes)


def _results(paths: FillPaths) -> Sequence[Path]:
    try:
        found = sorted(path for path in paths.folder.iterdir() if path.name.endswith(".pkl.gz"))
    except (FileNotFoundError, NotADirectoryError):
        return []
    return [path for path in found if not path.name.endswith("_df.pkl.gz")]


def _stamps(paths: FillPaths) -> dict[str, Any]:
    """Return sizes and times of all results of a fill that are there.

    Raises
    ------
    OSError
        Whether they are is not known: their folder cannot be read.
    """
    stamps: dict[str, Any] = {}
    for path in _results(paths):
        try:
            status = path.stat()
        except (FileNotFoundError, NotADirectoryError):
            continue
        stamps[path.name] = [status.st_size, status.st_mtime_ns]
    return stamps


# --- files


def _known(path: Path) -> SeasonRows:
    """Return the rows of the last time, none if they cannot be read."""
    try:
        data = load_json(path)
        if (data["lumimod"], data["revision"]) != (__version__, _REVISION):
            return {}
        return {int(fill): Row(of["facts"], of["made_from"]) for fill, of in data["fills"].items()}
    except FileNotFoundError:
        return {}
    except (OSError, BadInputError, ValueError, LookupError, TypeError, AttributeError) as exc:
        log.warning("%s cannot be read (%s); the season table is made again", path, exc)
        return {}


def season_frame(rows: Mapping[int, Row]) -> pd.DataFrame:
    """Return the season as a DataFrame: a row a fill, in order, columns as in `SEASON_COLUMNS`.

    Its `attrs["units"]` has the unit of each column that has one.
    """
    import pandas as pd

    names = [column.name for column in SEASON_COLUMNS]
    ordered = [rows[fill].facts for fill in sorted(rows)]
    with pd.option_context("mode.string_storage", "python"):
        frame = pd.DataFrame(ordered, columns=names)
    frame.attrs["units"] = {column.name: column.unit for column in SEASON_COLUMNS if column.unit}
    return frame


def save_season(cfg: Config, rows: Mapping[int, Row]) -> list[Path]:
    """Write the table of a season in all its forms, each as a whole; return the files.

    Raises
    ------
    OutputError
        A file cannot be written.
    """
    folder, frame = cfg.files.stable_beams_folder, season_frame(rows)
    contents = {"season.csv": frame.to_csv(index=False, float_format="%.8g").encode()}
    packed = io.BytesIO()
    frame.to_pickle(packed, compression={"method": "gzip", "mtime": 0})
    contents["season.pkl.gz"] = packed.getvalue()
    parquet = io.BytesIO()
    try:
        frame.to_parquet(parquet, index=False)
        contents["season.parquet"] = parquet.getvalue()
    except ImportError:  # pyarrow is an extra
        pass
    fills = {str(fill): row._asdict() for fill, row in sorted(rows.items())}
    data = {"lumimod": __version__, "revision": _REVISION, "fills": fills}
    contents[SEASON_FILE] = json.dumps(data, default=_plain).encode()
    for name, content in contents.items():
        with replacing(folder / name) as file:
            file.write(content)
    return [folder / name for name in contents]


def _plain(value: Any) -> Any:
    """Return a scalar of NumPy as Python's."""
    return value.item()
