"""The Massi database: which version of each archive has been read.

A YAML file {year: {experiment: {archive name: modification time}}}, as the original wrote it:
times are naive and local; here always those of Europe/Zurich.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import yaml

from lumimod.errors import BadInputError
from lumimod.store import replacing

log = logging.getLogger(__name__)

ZURICH = ZoneInfo("Europe/Zurich")
_TOLERANCE_S = 1.0  # some file systems keep whole seconds only
_SUFFIXES = (".tgz", ".tar.gz", ".zip")
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_Dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)

Database = dict[int, dict[str, dict[str, datetime]]]


class Archive(NamedTuple):
    """An archive as it was when it was looked at."""

    name: str
    modified: datetime
    """Naive, Europe/Zurich."""

    @classmethod
    def at(cls, path: Path) -> Archive:
        """Return name and time of an existing file."""
        stamp = datetime.fromtimestamp(path.stat().st_mtime, ZURICH)
        return cls(path.name, stamp.replace(tzinfo=None))


def load(path: Path) -> Database:
    """Return the database at `path`.

    Raises
    ------
    BadInputError
        It is not a database.
    """
    try:
        data = yaml.load(path.read_text(), Loader=_Loader)  # noqa: S506 - a safe loader
    except (OSError, ValueError, yaml.YAMLError) as exc:  # ValueError: not UTF-8, or no such date
        reason = " ".join(str(exc).split())
        raise BadInputError(
            f"Massi database {path} cannot be read ({reason}); remove it, it is made again"
        ) from exc
    if not _is_database(data):
        raise BadInputError(
            f"{path} is no Massi database (year: experiment: archive: time); remove it, "
            "it is made again"
        )
    return data


def _is_database(data: Any) -> bool:
    return isinstance(data, dict) and all(
        isinstance(year, dict) and all(isinstance(e, (dict, type(None))) for e in year.values())
        for year in data.values()
    )


def create(year: int, folders: Mapping[str, Path]) -> Database:
    """Return a database of all archives that are in the experiments' folders now."""
    out: Database = {year: {}}
    for experiment, folder in folders.items():
        if not folder.is_dir():
            log.warning("no Massi folder %s", folder)
        archives = (
            Archive.at(path)
            for path in sorted(folder.glob("*"))
            if path.name.endswith(_SUFFIXES) and path.name.split(".")[0].isdigit()
        )
        out[year][experiment] = {a.name: a.modified for a in archives}
    return out


def is_current(database: Database, year: int, experiment: str, archive: Archive) -> bool:
    """Return whether the database holds this version of an archive."""
    known = ((database.get(year) or {}).get(experiment) or {}).get(archive.name)
    if not isinstance(known, datetime):
        return False
    if known.tzinfo is not None:
        known = known.astimezone(ZURICH).replace(tzinfo=None)
    return abs((known - archive.modified).total_seconds()) <= _TOLERANCE_S


def record(path: Path, year: int, read: Iterable[tuple[str, Archive]]) -> None:
    """Add archives to the database at `path`, read again so that no other entry is lost."""
    database = load(path) if path.exists() else {}
    for experiment, archive in read:
        of_year = database.setdefault(year, {})
        if of_year.get(experiment) is None:
            of_year[experiment] = {}
        of_year[experiment][archive.name] = archive.modified
    save(path, database)


def save(path: Path, database: Database) -> None:
    """Write the database, atomically."""
    text: Any = yaml.dump(database, Dumper=_Dumper, default_flow_style=False)
    with replacing(path) as file:
        file.write(text.encode())
