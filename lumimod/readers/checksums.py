"""Checksums of fetched data: `SHA256SUMS` in the data folder, which `sha256sum -c` reads too.

The scripts that fetch data enter what they write. A file that has changed since holds numbers that
nobody has measured, and may still look like any other.
"""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from lumimod.atomic import replacing
from lumimod.readers.locate import opened

log = logging.getLogger(__name__)

SUMS_FILE = "SHA256SUMS"
_LINE = re.compile(r"([0-9a-f]{64}) [ *](.+)")
_BLOCK_BYTES = 1 << 20


def read_sums(folder: Path) -> dict[str, str]:
    """Return the checksums of the files of a data folder, by path below it; none without a list.

    Lines that are not checksums are left out, with a warning.
    """
    path = folder / SUMS_FILE
    try:
        with opened(path) as file:
            lines = file.read().decode(errors="replace").splitlines()
    except FileNotFoundError:
        return {}
    except OSError as exc:
        log.warning("%s cannot be read (%s): data are not checked by it", path, exc.strerror)
        return {}
    found = [_LINE.fullmatch(line) for line in lines]
    odd = sum(match is None for match in found)
    if odd:
        log.warning("%s: %d lines are not checksums and are left out", path, odd)
    return {match[2]: match[1] for match in found if match is not None}


def checksum_of(path: Path) -> str:
    """Return the SHA-256 of a file's content, 64 hexadecimal digits; OSError as of `open`."""
    whole = hashlib.sha256()
    with opened(path) as file:
        while block := file.read(_BLOCK_BYTES):
            whole.update(block)
    return whole.hexdigest()


def enter_sums(folder: Path, files: Iterable[Path]) -> None:
    """Enter the checksums of files as they are now; what is gone or outside is left out.

    Raises
    ------
    OutputError
        The list cannot be written.
    """
    sums = read_sums(folder)
    for path in files:
        name = name_below(folder, path)
        if name is not None and path.is_file():
            sums[name] = checksum_of(path)
    if sums:
        with replacing(folder / SUMS_FILE) as file:
            file.write("".join(f"{sums[name]}  {name}\n" for name in sorted(sums)).encode())


def name_below(folder: Path, path: Path) -> str | None:
    """Return a path as it stands in the list, None if it is not below the folder."""
    try:
        return path.absolute().relative_to(folder.absolute()).as_posix()
    except ValueError:
        return None


def changed_since(sums: Mapping[str, str], folder: Path, path: Path, checksum: str) -> str:
    """Return in words that a file is another one than was fetched, or nothing."""
    name = name_below(folder, path)
    if name is None or sums.get(name, checksum) == checksum:
        return ""
    return (
        f"{path.name} has changed since it was fetched: it differs from {SUMS_FILE} in {folder}; "
        "fetch it again, or remove its line there if it was changed on purpose"
    )
