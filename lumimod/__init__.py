"""lumimod: the luminosity follow-up of the LHC, fill by fill and bunch by bunch."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typing import SupportsIndex

    import pandas as pd
    import xarray as xr

__version__ = "1.0.0"

__all__ = ["__version__", "dataset", "fills", "load", "season"]

# Each function imports what it needs: the command line, which imports this, is to answer at once.


def load(
    what: str | os.PathLike[str] | SupportsIndex,
    name: str = "",
    *,
    case: int | str | None = None,
    config: str | os.PathLike[str] = "config.py",
) -> Any:
    """Return what a result file holds: the dict of arrays, or the DataFrame.

    Reads files of lumimod and of the original (Python 2) alike, and refuses any pickle that
    holds more than NumPy, pandas and plain Python containers.

    Parameters
    ----------
    what
        A file; or a fill, of which `name` is the step: `load(5845, "sb")`.
    name
        Name of the step, such as "sb", "lumi", "massi", "fits" or "model".
    case
        Of step model: which case (default: the first).
    config
        The config.py that tells where results are.

    Raises
    ------
    lumimod.errors.MissingInputError
        There is no such file.
    lumimod.errors.BadInputError
        It is truncated, no pickle, or holds something else.
    lumimod.errors.UsageError
        There is no such step or case.
    """
    from pathlib import Path

    if not isinstance(what, (str, os.PathLike)):
        from operator import index

        from lumimod.run.notebook import result

        return result(index(what), name, Path(config), case)
    if Path(what).suffix == ".parquet":
        from lumimod.records.parquet_frames import load_parquet

        return load_parquet(Path(what))
    from lumimod.readers.unpickle import load_pickle

    return load_pickle(Path(what))


def fills(config: str | os.PathLike[str] = "config.py") -> pd.DataFrame:
    """Return a table of fills: start, hours, and the state of each step after the last run.

    Raises
    ------
    lumimod.errors.LumimodError
        config.py or the beam modes cannot be read.
    """
    from pathlib import Path

    from lumimod.run.notebook import fills_table

    return fills_table(Path(config))


def season(config: str | os.PathLike[str] = "config.py") -> pd.DataFrame:
    """Return the season table: a row for each fill with results, `attrs["units"]` the units.

    Rows whose results have changed are made again.

    Raises
    ------
    lumimod.errors.LumimodError
        config.py or the beam modes cannot be read.
    """
    from pathlib import Path

    from lumimod.run.notebook import season_table

    return season_table(Path(config))


def dataset(fill: int, config: str | os.PathLike[str] = "config.py") -> xr.Dataset:
    """Return stable beams and luminosities of a fill as an xarray Dataset with units.

    Coordinates are time, beam, slot, experiment and interaction point.

    Raises
    ------
    lumimod.errors.LumimodError
        xarray is not installed, or the fill has no result of step sb.
    """
    from pathlib import Path

    from lumimod.run.notebook import fill_dataset

    return fill_dataset(fill, Path(config))
