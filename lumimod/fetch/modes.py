"""The beam-mode file `fills_and_bmodes.pkl`, and its copy as CSV: fills of a source merged into it.

An entry is {t_startfill, t_endfill, flag_complete, t_start_MODE, t_stop_MODE}, Unix s, -1 for a
mode that did not occur or has not ended. If a mode came more than once, the entry has its first
start and its last stop, as in the original.
"""

from __future__ import annotations

import csv
import io
import json
import logging
import pickle
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import numpy as np

from lumimod.atomic import replacing
from lumimod.errors import OutputError
from lumimod.readers.bmodes import DID_NOT_OCCUR, FLAG_COMPLETE, START, STOP, load_table
from lumimod.sources.base import FillSpan, Source

log = logging.getLogger(__name__)

Entry = dict[str, Any]
Table = dict[int, Entry]

AT_ONCE_S = 10 * 86_400.0
"""The table is saved after each such span, so that a lost connection costs no more."""
MODES = (
    *("NOMODE", "SETUP", "ABORT", "INJPROT", "INJPHYS", "PRERAMP", "RAMP", "FLATTOP", "SQUEEZE"),
    *("ADJUST", "STABLE", "UNSTABLE", "BEAMDUMP", "RAMPDOWN", "CYCLING", "RECOVERY", "INJDUMP"),
    *("CIRCDUMP", "WBDUMP", "NOBEAM", "INJSTUP"),
)
"""Modes of every entry, whether they occurred or not."""


def update_by_time(
    path: Path, source: Source, start_s: float, stop_s: float, *, now_s: float
) -> list[int]:
    """Merge the fills between two times into the file, and ask again for those still incomplete.

    Returns the fills that are new or have changed.

    Raises
    ------
    SourceError
        The source does not answer; fills that it told before are in the file.
    BadInputError, OutputError
        The file cannot be read or written.
    """
    changed: dict[int, None] = {}
    stop_s = min(stop_s, now_s)
    edges = [*np.arange(start_s, stop_s, AT_ONCE_S).tolist(), stop_s]
    for first_s, last_s in zip(edges[:-1], edges[1:]):
        spans = source.fills(first_s, last_s)
        changed.update(dict.fromkeys(merge_into(path, spans, now_s=now_s)))
    incomplete = [fill for fill, entry in read_table(path).items() if not _is_complete(entry)]
    changed.update(dict.fromkeys(update_fills(path, source, incomplete, now_s=now_s)))
    return sorted(changed)


def update_fills(path: Path, source: Source, fills: Iterable[int], *, now_s: float) -> list[int]:
    """Merge the fills into the file; a fill that the source does not know is logged."""
    spans = []
    for number in fills:
        span = source.fill(number)
        if span is None:
            log.warning("fill %d: not known to %s", number, source.name)
        else:
            spans.append(span)
    return merge_into(path, spans, now_s=now_s)


def merge_into(path: Path, spans: Sequence[FillSpan], *, now_s: float) -> list[int]:
    """Merge fills into the file and its CSV; return those that are new or have changed.

    A complete fill is not replaced by an incomplete one.
    """
    table = read_table(path)
    changed = []
    for span in spans:
        entry, known = entry_of(span, now_s=now_s), table.get(span.fill)
        if known is not None and _is_complete(known) and not entry[FLAG_COMPLETE]:
            continue
        merged = {**(known or {}), **entry}
        if merged != known:
            table[span.fill] = merged
            changed.append(span.fill)
    if changed or not path.exists():
        write_table(path, table)
    elif not path.with_suffix(".csv").exists():
        _write_csv(path.with_suffix(".csv"), table)
    return changed


def entry_of(span: FillSpan, *, now_s: float) -> Entry:
    """Return a fill as an entry of the file."""
    entry: Entry = {
        "t_startfill": span.start_s,
        "t_endfill": now_s if span.stop_s is None else span.stop_s,
        FLAG_COMPLETE: span.stop_s is not None,
    }
    names = list(dict.fromkeys([*MODES, *(mode.mode for mode in span.modes)]))
    for name in names:
        mine = [mode for mode in span.modes if mode.mode == name]
        stops = [mode.stop_s for mode in mine]
        ended = bool(stops) and None not in stops
        entry[START + name] = min((mode.start_s for mode in mine), default=DID_NOT_OCCUR)
        entry[STOP + name] = max(s for s in stops if s is not None) if ended else DID_NOT_OCCUR
    return entry


def read_table(path: Path) -> Table:
    """Return the file as plain Python objects; empty if there is no file.

    Raises
    ------
    BadInputError
        It contains something else.
    """
    if not path.exists():
        return {}
    return {
        fill: {str(name): _plain(value) for name, value in entry.items()}
        for fill, entry in load_table(path, strict=True).items()
    }


def write_table(path: Path, table: Table) -> None:
    """Write the file and its CSV, each whole or not at all.

    The file is JSON if its name says so, else a pickle of plain Python objects.
    """
    ordered = {fill: table[fill] for fill in sorted(table)}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise OutputError(f"{path.parent} cannot be created: {exc.strerror or exc}") from exc
    with replacing(path) as stream:
        if path.suffix == ".json":
            stream.write(json.dumps(ordered, indent=1, default=str).encode())
        else:
            pickle.dump(ordered, stream, protocol=2)
    _write_csv(path.with_suffix(".csv"), ordered)


def _write_csv(path: Path, table: Table) -> None:
    """Write a line per fill: its start in UTC, then all times in Unix s."""
    first = ["t_startfill", "t_endfill", FLAG_COMPLETE]
    others = {name for entry in table.values() for name in entry} - set(first)
    columns = [*first, *sorted(others, key=_by_mode)]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["fill", "start_utc", *columns])
    for fill in sorted(table):
        entry = table[fill]
        cells = [_cell(entry.get(name, DID_NOT_OCCUR)) for name in columns]
        writer.writerow([fill, _utc_text(entry.get("t_startfill")), *cells])
    with replacing(path) as stream:
        stream.write(text.getvalue().encode())


def _utc_text(time_s: Any) -> str:
    """Return a time as text, nothing for what is no time."""
    try:
        return f"{datetime.fromtimestamp(time_s, timezone.utc):%Y-%m-%d %H:%M:%S}"
    except (TypeError, ValueError, OverflowError, OSError):
        return ""


def _by_mode(column: str) -> tuple[int, str, str]:
    """Return the sort key of a column: modes in the order of the cycle, start before stop."""
    mode = column[len(START) :] if column.startswith(START) else column[len(STOP) :]
    return (MODES.index(mode) if mode in MODES else len(MODES), mode, column)


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return str(int(value))
    if value is None:
        return _cell(DID_NOT_OCCUR)
    return f"{value:.3f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)


def _is_complete(entry: Mapping[str, Any]) -> bool:
    return bool(entry.get(FLAG_COMPLETE, True))


def _plain(value: Any) -> Any:
    """Return a NumPy scalar as Python value; anything else unchanged."""
    return value.item() if isinstance(value, np.generic) else value
