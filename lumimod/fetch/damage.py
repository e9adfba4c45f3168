"""Whether the file of a fill that counts as fetched is still there and whole."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from lumimod.fetch.contents import fault_in
from lumimod.fetch.saved import FileStamp, Saved
from lumimod.readers.locate import existing


def file_fault(saved: Saved, path: Path, names: Collection[str], *, read_all: bool) -> str:
    """Return why a file must be fetched again; empty if it need not be.

    A file that is as it was written is taken for whole; one that is not is read to its end. A file
    in another format counts as well as that of `path`.

    Parameters
    ----------
    saved
        What was recorded when it was fetched.
    path
        The file as config.py names it.
    names
        The variables that it may have; where all of them were missing there is no file.
    read_all
        Read the file to its end in any case.
    """
    file = existing(path)
    if file is None:
        return "" if set(names) <= saved.missing.keys() else f"{path} is missing"
    if file.is_dir():
        return ""
    now = FileStamp.of(file)
    if not now.n_bytes:
        return f"{file}: the file is empty"
    if saved.file == now and not read_all:
        return ""
    if saved.file is None and not read_all:
        return ""  # not written by this version: it would have to be read in every run
    if saved.file is not None and saved.file.name == now.name and now.n_bytes < saved.file.n_bytes:
        return f"{file} has {now.n_bytes} of the {saved.file.n_bytes} bytes that were written"
    return fault_in(file)
