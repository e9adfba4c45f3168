"""Results that are replaced and stay, under their date."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from io import BufferedWriter
from pathlib import Path

from lumimod.atomic import replacing

_FRAME = "_df"  # names of DataFrames end so


@contextmanager
def replacing_result(path: Path, *, keep_old: bool) -> Iterator[BufferedWriter]:
    """Open what replaces a result, as `replacing` does; with `keep_old` the old one is copied."""
    with replacing(path) as file:
        yield file
        if keep_old:
            file.flush()
            keep_dated_copy(path, Path(file.name))


def keep_dated_copy(path: Path, new: Path) -> None:
    """Copy a result that is replaced to NAME_YYYYMMDD.pkl.gz, today's date.

    A DataFrame is copied to NAME_YYYYMMDD_df. Nothing is copied if the new one is the same, or a
    dated copy is: a run that is killed and begins again keeps one copy. No older copy is replaced.
    """
    if not path.is_file():
        return
    old = path.read_bytes()
    stem, dot, suffixes = path.name.partition(".")
    end = f"{_FRAME}{dot}{suffixes}" if stem.endswith(_FRAME) else f"{dot}{suffixes}"
    stem = stem.removesuffix(_FRAME)
    kept = path.parent.glob(f"{stem}_[0-9]*{end}")
    if any(_holds(copy, old) for copy in (new, *kept)):
        return
    dated = f"{stem}_{datetime.now():%Y%m%d}"
    names = (f"{dated}{tag}{end}" for tag in ("", *(f"_{n}" for n in range(2, 1000))))
    copy = next(c for c in map(path.with_name, names) if not c.exists())
    with replacing(copy) as file:
        file.write(old)


def _holds(path: Path, content: bytes) -> bool:
    return path.stat().st_size == len(content) and path.read_bytes() == content
