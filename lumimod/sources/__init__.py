"""Sources of data: the logging service, a folder of files, or the simulated LHC.

In: names of variables and a span of time, Unix s UTC.
Out: a `Series` for each variable that the source knows, and when the fills were.
May import: errors, arrays, readers, simulate.
To add a source: a subclass of `Source` in a module here, and its name in `open_source`.
"""

from __future__ import annotations

from pathlib import Path

from lumimod.sources.base import Source

__all__ = ["Source", "open_source"]


def open_source(name: str, folder: Path) -> Source:
    """Return the source of that name; `folder` is that of the source "folder".

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
    from lumimod.sources.logging_service import LoggingService

    return LoggingService()
