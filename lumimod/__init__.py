"""lumimod: the luminosity follow-up of the LHC, fill by fill and bunch by bunch."""

from __future__ import annotations

import os
from typing import Any

__version__ = "1.0.0"

__all__ = ["__version__", "load"]


def load(path: str | os.PathLike[str]) -> Any:
    """Return what a result file holds: the dict of arrays, or the DataFrame.

    Reads files of lumimod and of the original (Python 2) alike, and refuses any pickle that
    holds more than NumPy, pandas and plain Python containers.

    Raises
    ------
    lumimod.errors.MissingInputError
        There is no such file.
    lumimod.errors.BadInputError
        It is truncated, no pickle, or holds something else.
    """
    from pathlib import Path

    from lumimod.readers.unpickle import load_pickle

    return load_pickle(Path(path))
