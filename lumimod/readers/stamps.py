"""Time stamps of Timber files: text to Unix time, whole arrays at once."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import numpy as np

from lumimod.arrays import ByteArray, IntArray

STAMP = np.frombuffer(b"0000-00-00 00:00:00.000000000", np.uint8)  # 0 stands for any digit
MALFORMED = np.iinfo(np.int64).min
ZURICH = ZoneInfo("Europe/Zurich")
HOUR_US = 3_600_000_000


def stamps_us(raw: ByteArray, starts: IntArray, ends: IntArray) -> IntArray:
    """Return the time stamps raw[start:end] in us since 1970, time zone ignored; else MALFORMED."""
    time_us = np.full(starts.size, MALFORMED)
    widths = ends - starts
    for width in np.unique(widths):
        if width == 19 or 21 <= width <= STAMP.size:
            rows = np.flatnonzero(widths == width)
            time_us[rows] = _fixed_width_us(raw[starts[rows, None] + np.arange(width)])
    return time_us


def _fixed_width_us(chars: ByteArray) -> IntArray:
    """Return the time stamp in each row of `chars` (n, width) in us; finer digits are cut off."""
    form = STAMP[: chars.shape[1]]
    digits = chars.astype(np.int64) - ord("0")
    is_digit = (digits >= 0) & (digits <= 9)
    valid = np.all(np.where(form == ord("0"), is_digit, chars == form), axis=1)

    def number(start: int, stop: int) -> IntArray:
        power = 10 ** np.arange(stop - start)[::-1]
        return np.where(valid, digits[:, start:stop] @ power, 1)

    year, month, day = number(0, 4), number(5, 7), number(8, 10)
    hour, minute, second = number(11, 13), number(14, 16), number(17, 19)
    valid &= (year >= 1970) & (year < 2100) & (month >= 1) & (month <= 12)
    valid &= (hour < 24) & (minute < 60) & (second < 60)
    months = np.where(valid, (year - 1970) * 12 + month - 1, 0).astype("datetime64[M]")
    month_start, month_end = (
        m.astype("datetime64[D]").astype(np.int64) for m in (months, months + 1)
    )
    valid &= (day >= 1) & (day <= month_end - month_start)
    seconds = (((month_start + day - 1) * 24 + hour) * 60 + minute) * 60 + second
    stop = min(form.size, 26)
    fraction_us = number(20, stop) * 10 ** (26 - stop) if stop > 20 else 0
    return np.where(valid, seconds * 1_000_000 + fraction_us, MALFORMED)


def zurich_to_utc_us(local_us: IntArray) -> IntArray:
    """Return local times of Europe/Zurich, in the order of a block, as Unix time in us.

    In October one hour comes twice. The times of a block increase, so where they step back into
    that hour winter time begins; without such a step summer time is taken. A time in the hour that
    is skipped in March is taken as winter time, as zoneinfo does with fold=0.
    """
    if not local_us.size:
        return local_us
    first, changes = _zurich_offsets_us(int(local_us.min()), int(local_us.max()))
    offset = np.full(local_us.size, first)
    for at_us, before, after in changes:
        offset[local_us >= at_us + max(before, after)] = after
        repeated = (local_us >= at_us + after) & (local_us < at_us + before)
        back = repeated[1:] & (np.diff(local_us) < 0)
        if back.any():
            repeated[: np.argmax(back) + 1] = False
            offset[repeated] = after
    utc_us: IntArray = local_us - offset
    return utc_us


def _zurich_offsets_us(first_us: int, last_us: int) -> tuple[int, list[tuple[int, int, int]]]:
    """Return the first offset from UTC, and its changes (time UTC, before, after), all in us."""
    days = range(first_us // (24 * HOUR_US) - 1, last_us // (24 * HOUR_US) + 3)
    offset = _offset_us(days[0] * 24)
    start, changes = offset, []
    for day in days:
        if _offset_us(day * 24 + 24) != offset:
            # In this zone all changes since 1970 are at a full hour UTC.
            hours = range(day * 24, day * 24 + 25)
            hour = next(hour for hour in hours if _offset_us(hour) != offset)
            changes.append((hour * HOUR_US, offset, _offset_us(hour)))
            offset = _offset_us(hour)
    return start, changes


def _offset_us(hour: int) -> int:
    """Return how far Zurich is ahead of UTC, in us, `hour` hours after the start of 1970."""
    moment = datetime.fromtimestamp(hour * 3600, timezone.utc).astimezone(ZURICH)
    return (moment.replace(tzinfo=timezone.utc) - moment) // timedelta(microseconds=1)
