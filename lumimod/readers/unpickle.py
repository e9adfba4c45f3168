"""Pickles, read without running code in them, and without taking more than they hold.

Files of Python 2 or 3, NumPy 1 or 2 and pandas 1.5 to 3 are read.
"""

from __future__ import annotations

import pickle
from io import BufferedReader
from pathlib import Path
from typing import Any

from lumimod.errors import BadInputError, MissingInputError
from lumimod.readers.admitted import ALLOWED, Refused
from lumimod.readers.compressed import decompressed, ends_with
from lumimod.readers.damage import PARSER_ERRORS
from lumimod.readers.locate import unreadable
from lumimod.readers.pickle_steps import SafeUnpickler

__all__ = ["ALLOWED", "load_pickle"]

_DAMAGE: tuple[type[Exception], ...] = (*PARSER_ERRORS, pickle.PickleError)


def load_pickle(path: Path) -> Any:
    """Return the contents of a pickle, plain or gzip (told by its first bytes, not by its name).

    Raises
    ------
    MissingInputError
        The file is missing or cannot be read.
    BadInputError
        It is truncated or damaged, not a pickle, needs a name that is not in ALLOWED, or asks for
        more than a data file needs.
    """
    try:
        with decompressed(path) as unpacked:
            stream = BufferedReader(unpacked)  # single bytes faster than gzip
            data = SafeUnpickler(stream, path.stat().st_size).load()
            # Reading on also checks the end of a gzip file.
            if stream.read(1) or not ends_with(path, stream.tell()):
                raise pickle.UnpicklingError("something follows its end")
            _check_columns(data)
            return data
    except FileNotFoundError as exc:
        raise MissingInputError(f"{path}: no such file; {_how_to_get(path)}") from exc
    except Refused as exc:
        raise BadInputError(
            f"{path}: contains {exc}, which no data file needs;"
            " not loaded, get the file from its source again"
        ) from exc
    except _DAMAGE as exc:
        reason = " ".join(f"{type(exc).__name__}: {exc}".split())[:100]
        raise BadInputError(
            f"{path}: truncated, not a pickle, or of another pandas ({reason}); get it again"
        ) from exc
    except OSError as exc:
        raise MissingInputError(unreadable(path, exc)) from exc


def _how_to_get(path: Path) -> str:
    if path.name.endswith("_df.pkl.gz"):
        return "set savePandas = True in config.py and run lumimod"
    return "check the folders in config.py"


def _check_columns(data: Any) -> None:
    """Refuse a table whose columns have other names than text and numbers: no program wrote it."""
    names = getattr(data, "columns", ())
    # Not isinstance: a damaged index may hold scalars that pass for what they are not.
    if not all(issubclass(type(name), (str, int)) for name in names):
        raise pickle.UnpicklingError("columns of a table have odd names")
