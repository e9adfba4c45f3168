"""The clock of a data folder is set, or taken away."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path

from lumimod.atomic import replacing
from lumimod.errors import OutputError
from lumimod.readers.clock import CLOCK_FILE, CLOCK_FORM


def set_clock(data_folder: Path, now_s: float | None) -> None:
    """Let it be some time, Unix s, in a data folder; None: it has no clock of its own.

    Raises
    ------
    OutputError
        The file cannot be written or removed.
    """
    path = data_folder / CLOCK_FILE
    if now_s is not None:
        when = datetime.fromtimestamp(now_s, timezone.utc)
        with replacing(path, make_folder=True) as file:
            file.write(f"{when:{CLOCK_FORM}}\n".encode("ascii"))
        return
    try:
        path.unlink(missing_ok=True)
    except NotADirectoryError:
        return
    except OSError as exc:
        raise OutputError(f"{path} cannot be removed ({exc.strerror})") from exc
