"""The diary of a fill: a small file beside its results, `made.json`.

It holds what differs between equal runs (when, where, how long), and remembers what is costly to
find out again: digests of inputs and the `made` of results, each with size and time of the file
that it was taken from. Nothing is lost if it is deleted.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import stat
from collections.abc import Collection, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from lumimod.atomic import replacing
from lumimod.errors import BadInputError, MissingInputError, OutputError
from lumimod.readers.json_file import load_json
from lumimod.readers.locate import opened
from lumimod.readers.variables import files_of
from lumimod.records.made import Made

log = logging.getLogger(__name__)

NAME = "made.json"
_BLOCK_BYTES = 1 << 20


class Diary:
    """What is remembered of one fill. Changes are written by `save` alone."""

    def __init__(self, folder: Path, *, at_once: bool = False) -> None:
        """Open it; with `at_once` for as long as files do not change: each is looked at once."""
        self._path = folder / NAME
        self._stamp_of, self._stamp_if_there = stamp_of, _stamp_if_there
        if at_once:
            self._stamp_of, self._stamp_if_there = cache(stamp_of), cache(_stamp_if_there)
        self._data = _read(self._path)
        self._changed = False
        self._made: dict[str, tuple[Mapping[str, Any], Made | None]] = {}
        """By name of a result, what was taken from an entry, and that entry."""

    # --- inputs

    def digest(self, path: Path) -> dict[str, Any]:
        """Return size and digest of an input's content, remembered while the file is the same.

        A folder, the tree of a fill, counts with all its files.

        Raises
        ------
        MissingInputError
            It cannot be read.
        """
        stamp = self._stamp_of(path)
        known = self._data["inputs"].get(str(path))
        if not isinstance(known, dict) or known.get("stamp") != stamp or "digest" not in known:
            known = {"stamp": stamp, **_content(path)}
            self._data["inputs"][str(path)] = known
            self._changed = True
        return {"size": known.get("size"), "digest": known["digest"]}

    # --- results

    def made(self, path: Path) -> Made | None:
        """Return what a result was made from, None if it does not say.

        The result itself is read only if the diary does not know this version of it.
        """
        known = self._known(path)
        if known is None:
            return None
        taken_from, made = self._made.get(path.name, (None, None))
        if taken_from is not known:
            made = Made.from_dict(known.get("made"))
            self._made[path.name] = known, made
        return made

    def is_whole(self, path: Path) -> bool:
        """Tell whether a result is there and not damaged; it is read as for `made`."""
        known = self._known(path)
        return known is not None and not known.get("damaged")

    def _known(self, path: Path) -> Mapping[str, Any] | None:
        """Return what is known of this version of a result, None if there is none."""
        stamp = self._stamp_if_there(path)
        if stamp is None:
            return None
        known = self._data["results"].get(path.name)
        if isinstance(known, dict) and known.get("stamp") == stamp:
            return known
        found = {"stamp": stamp, **_look_into(path)}
        self._data["results"][path.name] = found
        self._changed = True
        return found

    def enter(self, path: Path, made: Made, **circumstances: Any) -> None:
        """Remember a result that was just written, and when, where and how long it took."""
        self._data["results"][path.name] = {
            "stamp": stamp_of(path),
            "made": made.to_dict(),
            **circumstances,
        }
        self._changed = True

    def look_again(self, path: Path) -> None:
        """Read a result that could not be used, whatever is known of it.

        A disk may lose its content without a change of size or time.
        """
        stamp = _stamp_if_there(path)
        found = {} if stamp is None else _look_into(path)
        if found.get("damaged"):
            self._data["results"][path.name] = {"stamp": stamp, **found}
            self._changed = True

    def circumstances(self, path: Path) -> Mapping[str, Any]:
        """Return when, where and how a result was made, as far as that is known."""
        known = self._data["results"].get(path.name, {})
        return {k: v for k, v in known.items() if k not in ("stamp", "made")}

    def identity(self, path: Path, apart_from: Collection[str] = ()) -> str | None:
        """Return the identity of a result, whatever the settings that are left out of account.

        It is that of its content if it does not say what it is made from; None if it is not there.

        Raises
        ------
        MissingInputError
            It cannot be read.
        """
        made = self.made(path)
        if made is None:
            return str(self.digest(path)["digest"]) if path.is_file() else None
        if not apart_from:
            return made.key
        kept = {name: value for name, value in made.settings.items() if name not in apart_from}
        return replace(made, settings=kept).key

    # --- pictures

    def drawn_from(self, name: str) -> Mapping[str, Any] | None:
        """Return what a picture was drawn from, None if that is not known."""
        found = self._data["pictures"].get(name)
        return found if isinstance(found, dict) else None

    def enter_picture(self, name: str, drawn_from: Mapping[str, Any]) -> None:
        """Remember what a picture was drawn from."""
        self._data["pictures"][name] = dict(drawn_from)
        self._changed = True

    def save(self) -> None:
        """Write the diary if it has changed; where that is not possible nothing is lost."""
        if not self._changed or not self._path.parent.is_dir():
            return
        try:
            with replacing(self._path) as file:
                file.write(_as_json(self._data).encode())
        except OutputError as exc:
            log.debug("%s", exc)
            return
        self._changed = False


def _as_json(data: Mapping[str, Mapping[str, Any]]) -> str:
    """Return a diary as JSON, a line an entry: with indents Python takes eight times as long."""
    parts = []
    for part, entries in sorted(data.items()):
        lines = (f"{json.dumps(k)}: {_entry(of)}" for k, of in sorted(entries.items()))
        parts.append(f"{json.dumps(part)}: {{\n" + ",\n".join(lines) + "\n}")
    return "{\n" + ",\n".join(parts) + "\n}\n"


def _entry(of: Any) -> str:
    return json.dumps(of, sort_keys=True, default=str)


def stamp_of(path: Path) -> list[Any]:
    """Return what tells that a file is still the same one: inode, size and time of each file.

    Raises
    ------
    MissingInputError
        It is not there.
    """
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            return [_stamp(file.stat()) for file in files_of(path)]
    except OSError as exc:
        raise MissingInputError(f"{path}: cannot be read ({exc.strerror})") from exc
    return [_stamp(status)]


def _stamp_if_there(path: Path) -> list[Any] | None:
    """Return the stamp of a plain file; opening a pipe would wait for someone to write."""
    try:
        status = path.stat()
    except OSError:
        return None
    return [_stamp(status)] if stat.S_ISREG(status.st_mode) else None


def _stamp(status: os.stat_result) -> list[int]:
    return [status.st_ino, status.st_size, status.st_mtime_ns]


def _content(path: Path) -> dict[str, Any]:
    """Return size and digest of a file, or of all files of a folder."""
    total, whole = 0, hashlib.sha256()
    files = files_of(path)
    for file in files:
        if not file.is_file():
            raise MissingInputError(f"{file} is not a plain file")
        try:
            size, digest = _file_content(file)
        except OSError as exc:
            raise MissingInputError(f"{file}: cannot be read ({exc.strerror})") from exc
        if len(files) == 1 and not path.is_dir():
            return {"size": size, "digest": f"sha256:{digest}"}
        total += size
        whole.update(f"{file.relative_to(path)} {digest}\n".encode())
    return {"size": total, "digest": f"sha256:{whole.hexdigest()}"}


def _file_content(path: Path) -> tuple[int, str]:
    size, digest = 0, hashlib.sha256()
    with opened(path) as file:
        while block := file.read(_BLOCK_BYTES):
            size += len(block)
            digest.update(block)
    return size, digest.hexdigest()


def _look_into(path: Path) -> dict[str, Any]:
    """Return what a result was made from, and whether it is damaged."""
    from lumimod.records.store import load_made

    try:
        made = load_made(path)
    except BadInputError as exc:
        log.warning("%s", exc)
        return {"made": None, "damaged": True}
    except MissingInputError as exc:
        log.debug("%s", exc)
        return {"made": None}
    return {"made": None if made is None else made.to_dict()}


@cache
def _warn(message: str) -> None:
    """Say something once; a run looks into the diary of a fill several times."""
    log.warning("%s", message)


def _read(path: Path) -> dict[str, dict[str, Any]]:
    """Return the parts of a diary; without one, or where it is damaged, they are empty."""
    data: Any = {}
    try:
        data = load_json(path)
    except FileNotFoundError:
        pass
    except BadInputError as exc:
        _warn(f"{exc}; until then every run reads all results and data again")
    except OSError as exc:
        why = f"{path}: cannot be read ({exc.strerror}); remove it"
        _warn(f"{why}; until then every run reads all results and data again")
    except ValueError as exc:
        _warn(f"{path}: damaged ({exc}); results and data are read again")
    parts = data if isinstance(data, dict) else {}
    found = {part: parts.get(part) for part in ("results", "inputs", "pictures")}
    return {part: dict(of) if isinstance(of, dict) else {} for part, of in found.items()}
