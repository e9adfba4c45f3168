"""Saving and loading of results: gzip pickles, written whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Protocol

from lumimod.errors import BadInputError, MissingInputError, MissingStepError
from lumimod.readers.compressed import gzip_writer
from lumimod.readers.unpickle import load_pickle
from lumimod.records import R, Record, parse
from lumimod.records.dated import replacing_result
from lumimod.records.made import KEY, Made
from lumimod.records.parquet_frames import parquet_attrs
from lumimod.records.pickler import Pickler
from lumimod.records.record import fault_of


def save(path: Path, record: Record, made: Made | None = None, *, keep_old: bool = False) -> None:
    """Save a record as the gzip pickle of its dict, and what it was made from, atomically.

    With `keep_old` another result that was there stays, under its date.

    Raises
    ------
    OutputError
        The file cannot be written; what was there before stays.
    """
    about = {} if made is None else {KEY: made.to_dict()}
    save_object(path, {**about, **record.to_dict()}, keep_old=keep_old)


def save_object(path: Path, data: Any, *, pack: bool = False, keep_old: bool = False) -> None:
    """Save any picklable object as a gzip pickle, atomically; `keep_old` as of `save`.

    With `pack` it is compressed. Arrays of measured numbers become 9 % smaller and are then read
    and written at a fraction of the speed; tables with columns of slots and names, half as large.
    """
    level = 1 if pack else 0
    with replacing_result(path, keep_old=keep_old) as file, gzip_writer(file, level) as stream:
        Pickler(stream, differences=not pack).dump(data)


def load(path: str | os.PathLike[str], kind: type[R]) -> R:
    """Return the record saved at `path`.

    Raises
    ------
    MissingStepError
        The file is missing, cannot be read, or holds something else.
    """
    try:
        data = load_pickle(Path(path))
    except MissingInputError as exc:
        raise MissingStepError(f"{path} is missing; run the step that makes it") from exc
    except BadInputError as exc:
        raise MissingStepError(f"{exc}; force the step that makes it") from exc
    return parse(kind, data, str(path))


def load_made(path: Path) -> Made | None:
    """Return what the result at `path` was made from, None if it does not say.

    Raises
    ------
    MissingInputError, BadInputError
        It is missing, or cannot be read, or its parts do not fit each other.
    """
    if path.suffix == ".parquet":
        return Made.from_dict(parquet_attrs(path).get(KEY))
    data = load_pickle(path)
    about = data if isinstance(data, Mapping) else getattr(data, "attrs", {})  # of a DataFrame
    made = Made.from_dict(about.get(KEY))
    fault = fault_of(data)
    if fault:
        raise BadInputError(f"{path}: {fault}; force the step that makes it")
    return made


def load_if_there(path: Path, kind: type[R]) -> R | None:
    """Return the record saved at `path`, None if there is no such file; errors as of `load`."""
    return load(path, kind) if path.exists() else None


class Loader(Protocol):
    """What loads the records of files."""

    def __call__(self, path: Path, kind: type[R], /) -> R | None:
        """Return the record saved at `path`, as `load_if_there` does."""


def each_once() -> Loader:
    """Return what loads as `load_if_there`, each file once however often it is asked for."""
    return cache(load_if_there)
