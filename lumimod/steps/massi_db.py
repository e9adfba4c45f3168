"""The Massi database: which version of each archive has been read.

It belongs to the step massi, which alone asks and fills it; `createYamlDB.py` and `readYamlDB.py`
make and show it. A YAML file {year: {experiment: {archive name: modification time}}}, as the
original wrote it: times are naive and local; here always those of Europe/Zurich.

Many jobs write at once, on file systems where locks cannot be trusted. So what a run read goes
into a file of its own for each fill, in a folder beside the YAML file (`fill_db.d/2017_5845.yaml`),
which has one writer at a time and is replaced as a whole. These entries stay and count before
those of the YAML file. That one is brought up to date from them after each run, for people and
other programs; whichever of two runs writes it last, no entry is lost. It ends with a checksum:
where that is not right someone has edited it or made it anew, and then it counts before older
entries.
"""

from __future__ import annotations

import hashlib
import logging
import stat
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from lumimod.atomic import remove_abandoned, replacing, replacing_nothing
from lumimod.errors import BadInputError, OutputError
from lumimod.readers.stamps import ZURICH

log = logging.getLogger(__name__)

_TOLERANCE_S = 1.0  # some file systems keep whole seconds only
_SUFFIXES = (".tgz", ".tar.gz", ".zip")
_MARK = b"# written by lumimod "
_NO_DATABASE = (ValueError, ArithmeticError, LookupError, TypeError, AttributeError, RecursionError)
"""What PyYAML raises besides its own errors: dates, tags and numbers that there are not."""
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_Dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)

Database = dict[int, dict[str, dict[str, datetime]]]
"""By year, experiment and name of the archive: its time, naive, Europe/Zurich."""


class Archive(NamedTuple):
    """An archive as it was when it was looked at."""

    name: str
    modified: datetime
    """Naive, Europe/Zurich."""

    @classmethod
    def at(cls, path: Path) -> Archive:
        """Return name and time of an existing file.

        Raises
        ------
        BadInputError
            It is no longer there, is not a plain file, or its time is not a date.
        """
        try:
            status = path.stat()
            if not stat.S_ISREG(status.st_mode):
                raise BadInputError(f"Massi archive {path} is not a plain file; remove it")
            stamp = datetime.fromtimestamp(status.st_mtime, ZURICH)
        except (OSError, ValueError, OverflowError) as exc:
            raise BadInputError(
                f"Massi archive {path} cannot be looked at ({_reason(exc)}); copy it again"
            ) from exc
        return cls(path.name, stamp.replace(tzinfo=None))


def load_database(path: Path) -> Database:
    """Return the database at `path`, with the entries beside it.

    Raises
    ------
    BadInputError
        It is not a database, or cannot be read.
    """
    try:
        only_entries = not path.exists() and _folder(path).is_dir()
    except OSError as exc:
        raise _unreadable(path, exc) from exc
    if only_entries:
        return entries(path)
    data, edited_at = _read_main(path)
    return merged(data, entries(path, edited_at))


def entries(path: Path, after: float = 0.0) -> Database:
    """Return what runs have entered beside the database at `path`, later than a time.

    A broken entry is left out.
    """
    out: Database = {}
    for file in sorted(_folder(path).glob("*.yaml")):
        try:
            if file.stat().st_mtime > after:
                out = merged(out, _parse(file, _content(file)))
        except FileNotFoundError:
            continue
        except (BadInputError, OSError) as exc:
            log.warning("%s: its fill is read again", exc)
    return out


def _folder(path: Path) -> Path:
    """Return the folder of the entries: fill_db.d beside fill_db.yaml."""
    return path.with_suffix(".d")


def merged(old: Database, new: Database) -> Database:
    """Return both databases in one; where they differ the second counts."""
    both: Database = {year: dict(of_year) for year, of_year in old.items()}
    for year, of_year in new.items():
        for experiment, archives in of_year.items():
            before = both.setdefault(year, {}).get(experiment, {})
            both[year][experiment] = {**before, **archives}
    return both


def _read_main(path: Path) -> tuple[Database, float]:
    """Return the YAML file, and when others have written it, 0 if lumimod has."""
    try:
        text = _content(path)
        modified = path.stat().st_mtime
    except OSError as exc:
        raise _unreadable(path, exc) from exc
    body, mark, checksum = text.rpartition(_MARK)
    ours = bool(mark) and checksum.strip() == _checksum(body)
    return _parse(path, text), 0.0 if ours else modified


def _content(path: Path) -> bytes:
    """Return what is in a plain file: to read from a named pipe would be to wait for ever."""
    if not stat.S_ISREG(path.stat().st_mode):
        raise BadInputError(
            f"Massi database {path} is not a plain file; remove it, it is made again"
        )
    return path.read_bytes()


def _parse(path: Path, text: bytes) -> Database:
    try:
        data = yaml.load(text.decode(), Loader=_Loader)  # noqa: S506 - a safe loader
    except (*_NO_DATABASE, yaml.YAMLError) as exc:
        raise _unreadable(path, exc) from exc
    try:
        return {int(year): _experiments(of_year, path) for year, of_year in data.items()}
    except _NO_DATABASE as exc:  # no dict of dicts, or no year
        raise BadInputError(
            f"{path} is not a Massi database (year: experiment: archive: time); remove it, "
            "it is made again"
        ) from exc


def _experiments(of_year: Any, path: Path) -> dict[str, dict[str, datetime]]:
    """Return the archives of a year, by experiment; none where the file has an empty part."""
    return {
        str(experiment): {
            str(name): time
            for name, value in (archives or {}).items()
            if (time := _naive(value, f"{path}: {experiment}: {name}")) is not None
        }
        for experiment, archives in of_year.items()
    }


def _naive(value: Any, of: str) -> datetime | None:
    """Return a time as the clocks of Zurich show it; naive times are theirs already.

    None, with a warning, if it is not a time.
    """
    if isinstance(value, datetime):
        if value.tzinfo is None:
            return value
        with suppress(OverflowError):  # the first hours of the year 1
            return value.astimezone(ZURICH).replace(tzinfo=None)
    log.warning("%s: %.40r is not a time: the archive is read again", of, value)
    return None


def _unreadable(path: Path, exc: Exception) -> BadInputError:
    return BadInputError(
        f"Massi database {path} cannot be read ({_reason(exc)}); remove it, it is made again"
    )


def _reason(exc: Exception) -> str:
    """Return what an error says, in one line."""
    said = exc.strerror if isinstance(exc, OSError) and exc.strerror else str(exc)
    return " ".join(said.split()) or type(exc).__name__


def create(folders: Mapping[int, Mapping[str, Path]]) -> Database:
    """Return a database of all archives that are in the experiments' folders of each year now.

    An archive that cannot be looked at is left out with a warning.
    """
    out: Database = {}
    for year, of_year in folders.items():
        out[year] = {}
        for experiment, folder in of_year.items():
            archives = (_archive_at(path) for path in _listed(folder))
            out[year][experiment] = {a.name: a.modified for a in archives if a is not None}
    return out


def _listed(folder: Path) -> list[Path]:
    """Return what is in a folder under the name of an archive."""
    try:
        names = sorted(path.name for path in folder.iterdir())
    except FileNotFoundError:
        log.warning("no Massi folder %s", folder)
        return []
    except OSError as exc:
        log.warning("Massi folder %s cannot be read (%s); check its access", folder, _reason(exc))
        return []
    are_archives = (n.endswith(_SUFFIXES) and n.split(".")[0].isdigit() for n in names)
    return [folder / name for name, is_archive in zip(names, are_archives) if is_archive]


def _archive_at(path: Path) -> Archive | None:
    try:
        return Archive.at(path)
    except BadInputError as exc:
        log.warning("%s; left out of the database", exc)
        return None


def is_current(database: Database, year: int, experiment: str, archive: Archive) -> bool:
    """Return whether the database holds this version of an archive."""
    known = database.get(year, {}).get(experiment, {}).get(archive.name)
    if known is None:
        return False
    return abs((known - archive.modified).total_seconds()) <= _TOLERANCE_S


def record(path: Path, year: int, read: Iterable[tuple[str, Archive]]) -> None:
    """Enter archives that were read beside the database at `path`, a file for each fill."""
    of_fill: dict[str, Database] = {}
    for experiment, archive in read:
        entry = of_fill.setdefault(archive.name.split(".")[0], {year: {}})
        entry[year].setdefault(experiment, {})[archive.name] = archive.modified
    folder = _folder(path)
    for fill, entry in of_fill.items():
        try:
            folder.mkdir(exist_ok=True)
        except OSError as exc:
            raise OutputError(f"{folder} cannot be created ({exc.strerror})") from exc
        save_database(folder / f"{year}_{fill}.yaml", entry)


def publish(path: Path) -> None:
    """Bring the YAML file up to date with the entries beside it, if it is not.

    Raises
    ------
    BadInputError
        The file is there but is not a database.
    OutputError
        It cannot be written.
    """
    for folder in (path.parent, _folder(path)):
        remove_abandoned(folder)
    if not path.exists():
        return
    before, edited_at = _read_main(path)
    after = merged(before, entries(path, edited_at))
    for entry in _folder(path).glob("*.yaml"):
        _forget(entry, edited_at)
    if edited_at or after != before:
        with replacing(path) as file:
            file.write(_marked(after))


def _forget(entry: Path, edited_at: float) -> None:
    """Remove an entry that is older than what someone else wrote into the YAML file."""
    with suppress(OSError):  # gone, or not ours: it is older and counts for nothing
        if entry.stat().st_mtime <= edited_at:
            entry.unlink()


def save_database(path: Path, database: Database) -> None:
    """Write a database that counts before all that was entered so far, atomically."""
    with replacing(path) as file:
        file.write(_body(database))


def save_new(path: Path, database: Database) -> None:
    """Write a database, atomically, unless there is one by now.

    Raises
    ------
    OutputError
        It cannot be written.
    """
    with replacing_nothing(path) as file:
        file.write(_marked(database))


def _body(database: Database) -> bytes:
    text: Any = yaml.dump(database, Dumper=_Dumper)
    return bytes(text.encode())


def _marked(database: Database) -> bytes:
    body = _body(database)
    return body + _MARK + _checksum(body) + b"\n"


def _checksum(body: bytes) -> bytes:
    return hashlib.sha256(body).hexdigest()[:16].encode()
