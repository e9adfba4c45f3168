"""What the pages of the site were made from, kept in `report/site.json` beside them."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from lumimod import __version__
from lumimod.atomic import replacing
from lumimod.errors import BadInputError
from lumimod.readers.json_file import load_json
from lumimod.records.made import canonical
from lumimod.report.rendering import HERE

log = logging.getLogger(__name__)

LEDGER_FILE = "site.json"


@dataclass(frozen=True)
class PageEntry:
    """A page as it was last made."""

    key: str
    """Of all that it shows."""
    stamp: list[int]
    """Size and time of its file."""
    picture: str | None
    """Address of the small picture that stands for the fill, if there is one."""


PageEntries = dict[int, PageEntry]


def key_of(shown: Any) -> str:
    """Return what is equal for equal pages: of what they show, and of the code that makes them."""
    return hashlib.sha256((_code() + canonical(shown)).encode()).hexdigest()[:24]


@cache
def _code() -> str:
    """Return what differs between versions of this room, with its templates."""
    files = sorted(path for path in HERE.rglob("*") if path.is_file() and path.suffix != ".pyc")
    whole = hashlib.sha256(__version__.encode())
    for path in files:
        whole.update(path.read_bytes())
    return whole.hexdigest()


def stamp_of_page(path: Path) -> list[int]:
    """Return size and time of a page; empty without one."""
    try:
        status = path.stat()
    except OSError:
        return []
    return [status.st_size, status.st_mtime_ns]


def load_entries(folder: Path) -> PageEntries:
    """Return what is known of the pages of a site; nothing if that cannot be read."""
    path = folder / LEDGER_FILE
    try:
        data = load_json(path)
        return {int(fill): _entry(of) for fill, of in data["pages"].items()}
    except FileNotFoundError:
        return {}
    except (OSError, BadInputError, ValueError, LookupError, TypeError, AttributeError) as exc:
        log.warning("%s cannot be read (%s); all pages are made again", path, exc)
        return {}


def _entry(data: Mapping[str, Any]) -> PageEntry:
    picture = data["picture"]
    return PageEntry(
        str(data["key"]), list(data["stamp"]), None if picture is None else str(picture)
    )


def save_entries(folder: Path, entries: PageEntries) -> None:
    """Keep what is known of the pages.

    Raises
    ------
    OutputError
        It cannot be written.
    """
    pages = {str(fill): vars(entry) for fill, entry in sorted(entries.items())}
    with replacing(folder / LEDGER_FILE) as file:
        file.write(json.dumps({"lumimod": __version__, "pages": pages}).encode())
