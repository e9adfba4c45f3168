"""Sources of data: the logging service, a folder of files, the simulated LHC or a season of it.

In: names of variables and a span of time, Unix s UTC.
Out: a `Series` for each variable that the source knows, and when the fills were.
May import: errors, arrays, readers, simulate.
To add a source: a subclass of `Source` in a module here, and its name in `open_source`.
"""

from __future__ import annotations

import math
from pathlib import Path

from lumimod.sources.base import Source

__all__ = ["Source", "open_source"]


def open_source(name: str, folder: Path, now_s: float = math.inf) -> Source:
    """Return the source of that name.

    Parameters
    ----------
    name
        One of `data_source` in config.py.
    folder
        That of the source "folder".
    now_s
        The present of the source "season", Unix s; by default the season is over.

    Raises
    ------
    SourceError
        The folder does not exist.
    """
    # Imported here: a source needs neither pytimber nor the simulation unless it is that one.
    if name == "folder":
        from lumimod.sources.folder import Folder

        return Folder(folder)
    if name == "simulated":
        from lumimod.sources.simulated import Simulated

        return Simulated()
    if name == "season":
        from lumimod.sources.season import SimulatedSeason

        return SimulatedSeason(now_s)
    from lumimod.sources.logging_service import LoggingService

    return LoggingService()
