"""The clock of a data folder: data of a past moment may say in `now.txt` what time it is there.

Whatever depends on the present follows it: how long archives are waited for, since when a step
waits or fails, and which days "7 days ago" are.
"""

from __future__ import annotations

import time
from datetime import datetime, timezone
from pathlib import Path

from lumimod.errors import BadInputError
from lumimod.readers.bmodes import LATEST_S

CLOCK_FILE = "now.txt"
CLOCK_FORM = "%Y-%m-%d %H:%M:%S UTC"


def told_now_s(data_folder: Path) -> float | None:
    """Return what time it is by the clock of a data folder, Unix s; None if it has none.

    Raises
    ------
    BadInputError
        Its clock cannot be read.
    """
    path = data_folder / CLOCK_FILE
    try:
        text = path.read_text(encoding="ascii").strip()
        told_s = datetime.strptime(text, CLOCK_FORM).replace(tzinfo=timezone.utc).timestamp()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError) as exc:
        raise BadInputError(
            f"{path}: not a time such as 2017-05-14 06:00:00 UTC ({exc}); correct it, or remove it "
            "if the present is meant"
        ) from exc
    if not 0 <= told_s < LATEST_S:
        raise BadInputError(f"{path}: {text} is not between 1970 and 2100; correct it")
    return told_s


def now_s(data_folder: Path) -> float:
    """Return what time it is where data are: by their clock, or else now; Unix s.

    Raises
    ------
    BadInputError
        Their clock cannot be read.
    """
    told = told_now_s(data_folder)
    return time.time() if told is None else told
