"""Times as they are typed."""

from __future__ import annotations

import math
import re
from datetime import datetime, timedelta, timezone

from lumimod.errors import UsageError
from lumimod.readers.bmodes import LATEST_S
from lumimod.readers.stamps import ZURICH

TIME_FORMATS = ("%Y-%m-%d %H:%M:%S.%f", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d")


def parse_time(text: str, now_s: float) -> float:
    """Return the Unix time [s] of a text: local time of Europe/Zurich, unless it ends with UTC.

    In the hour that comes twice in autumn, summer time is taken.

    Raises
    ------
    UsageError
        The text is not a time, or one before 1970 or from 2100 on.
    """
    try:
        time_s = _time_s(text, now_s)
    except (OverflowError, ValueError):  # more days than there are dates
        time_s = math.nan
    if not 0 <= time_s < LATEST_S:
        raise UsageError(f"{text!r} is not between 1970 and 2100")
    return time_s


def _time_s(text: str, now_s: float) -> float:
    plain = " ".join(text.replace("_", "-").replace("T", " ").split())
    if plain.lower() == "now":
        return now_s
    if days := re.fullmatch(r"(\d+(?:\.\d+)?) days? ago", plain):
        return now_s - timedelta(days=float(days[1])).total_seconds()
    utc = re.search(r"( ?U ?C| ?Z)$", plain)  # UTC has lost its T
    zone = timezone.utc if utc else ZURICH
    plain = re.sub(r"^(\d{4}-\d\d-\d\d)-(?=\d)", r"\1 ", plain[: utc.start()] if utc else plain)
    for form in TIME_FORMATS:
        try:
            return datetime.strptime(plain.strip(), form).replace(tzinfo=zone).timestamp()
        except ValueError:
            continue
    raise UsageError(
        f"{text!r} is not a time; write YYYY-MM-DD HH:MM:SS (Europe/Zurich, or followed by UTC), "
        "'now' or '7 days ago'"
    )
