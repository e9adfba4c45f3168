"""Massi archives `FILL.tgz`, `FILL.zip`: the luminosity of each bunch that an experiment measured.

An archive has thousands of small text files, `FILL/FILL_lumi_BUCKET_EXP.txt`. They are read from
the archive one after the other; nothing is unpacked to disk.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lumimod.arrays import FloatArray, IntArray
from lumimod.errors import BadInputError, Note
from lumimod.readers.archives import archive_members
from lumimod.readers.massi_rows import GET_AGAIN, MemberRows, RowFilter, parse_members

_Samples = tuple[FloatArray, FloatArray]  # time in Unix s, luminosity in Hz/ub
_NO_SAMPLES: _Samples = (np.zeros(0), np.zeros(0))

ARCHIVE_SUFFIXES = (".tgz", ".tar.gz", ".zip")
BATCH_BYTES = 2 << 20


@dataclass(frozen=True)
class BunchLumi:
    """Luminosity of each slot that was asked for, as one experiment measured it."""

    slots: IntArray
    """(n_slots,)."""
    time_s: tuple[FloatArray, ...]
    """For each slot its times, Unix s, increasing; empty without data."""
    lumi_hz_ub: tuple[FloatArray, ...]
    """For each slot its luminosity at these times."""
    missing: IntArray
    """Slots without data."""
    notes: tuple[Note, ...] = ()
    """Rows and bunches that were left out."""

    def interpolate(self, time_s: FloatArray) -> FloatArray:
        """Return the luminosity at `time_s` (n_times,), as (n_times, n_slots) in Hz/ub.

        Linear between samples, end values held; NaN for slots without data.
        """
        result = np.full((time_s.size, self.slots.size), np.nan)
        for column, (known_s, lumi) in enumerate(zip(self.time_s, self.lumi_hz_ub)):
            if known_s.size:
                result[:, column] = np.interp(time_s, known_s, lumi)
        return result


def find_archive(folder: Path, fill: int) -> Path | None:
    """Return the archive of a fill in `folder`, None if there is none."""
    candidates = (folder / f"{fill}{suffix}" for suffix in ARCHIVE_SUFFIXES)
    return next((path for path in candidates if path.is_file()), None)


def find_archives(folders: Mapping[str, Path], fill: int) -> dict[str, Path]:
    """Return the archives of a fill that are there, by the names of the `folders` they are in.

    Raises
    ------
    BadInputError
        A folder cannot be read: whether it has an archive is not known.
    """
    try:
        found = {name: find_archive(folder, fill) for name, folder in folders.items()}
    except OSError as exc:
        raise BadInputError(
            f"Massi archive {exc.filename} cannot be looked at ({exc.strerror}); check its access"
        ) from exc
    return {name: archive for name, archive in found.items() if archive is not None}


def read_massi(
    archive: Path,
    fill: int,
    experiment: str,
    slots: IntArray,
    *,
    span_s: tuple[float, float] = (-np.inf, np.inf),
    fewest_rows: int = 1,
) -> BunchLumi:
    """Return the luminosity of the bunches in `slots`, within and outside stable beams.

    Parameters
    ----------
    archive, fill, experiment, slots
        What is read.
    span_s
        From when to when the fill was, Unix s: rows outside are left out, with a note.
    fewest_rows
        A bunch with fewer rows counts as one without data, with a note.

    Raises
    ------
    MissingInputError
        The archive is missing or cannot be read.
    BadInputError
        It is damaged, a row is malformed, none can be right, or it has none of the slots.
    """
    slots = np.asarray(slots, np.int64)
    names = [f"{fill}_lumi_{10 * slot + 1}_{experiment}.txt" for slot in slots.tolist()]
    rows = RowFilter(span_s)
    members: dict[str, _Samples] = {}
    for batch in _batches(archive_members(archive, frozenset(names), GET_AGAIN)):
        members.update(_samples(parse_members(batch, archive), rows))
    if rows.n_rows and rows.n_dropped == rows.n_rows:
        raise BadInputError(
            f"{archive}: none of its {rows.n_rows} rows can be used ({rows.reasons()}): damaged "
            f"or of another fill; {GET_AGAIN}"
        )
    samples = [members.get(name, _NO_SAMPLES) for name in names]
    n_rows = np.array([time_s.size for time_s, _ in samples], np.int64)
    few = (n_rows > 0) & (n_rows < fewest_rows)
    samples = [_NO_SAMPLES if is_few else one for one, is_few in zip(samples, few)]
    missing = slots[few | (n_rows == 0)]
    if slots.size and missing.size == slots.size:
        raise BadInputError(
            f"{archive}: no data of the {slots.size} bunches asked for, expected members like"
            f" {fill}/{names[0]}; {GET_AGAIN} or check massi_exp_folders"
        )
    times, lumis = tuple(time_s for time_s, _ in samples), tuple(lumi for _, lumi in samples)
    notes = (*rows.notes(archive), *_few_rows(archive, slots[few], fewest_rows))
    return BunchLumi(slots, times, lumis, missing, notes)


def _few_rows(archive: Path, slots: IntArray, fewest: int) -> Iterator[Note]:
    if slots.size:
        yield Note(
            "dropped",
            f"{archive.name}: {slots.size} bunches, that in slot {slots[0]} the first, have fewer "
            f"than {fewest} rows and count as not measured; {GET_AGAIN}",
            "luminosity",
            numbers={"slots": slots.size},
        )


def _batches(members: Iterator[tuple[str, bytes]]) -> Iterator[dict[str, bytes]]:
    """Yield the members in batches of about BATCH_BYTES, as parsing one alone is slow.

    Each text ends in a newline.
    """
    batch: dict[str, bytes] = {}
    n_bytes = 0
    for name, text in members:
        batch[name] = text if text.endswith(b"\n") or not text else text + b"\n"
        n_bytes += len(text)
        if n_bytes >= BATCH_BYTES:
            yield batch
            batch, n_bytes = {}, 0
    if batch:
        yield batch


def _samples(table: MemberRows, rows: RowFilter) -> dict[str, _Samples]:
    """Return time and luminosity of each member, of the rows that are taken."""
    kept = rows.keep(table)
    edges = np.concatenate([[0], np.cumsum(table.counts)])
    members = [(name, slice(*of)) for name, *of in zip(table.names, edges, edges[1:])]
    time_s, lumi = table.time_s, table.lumi_hz_ub
    if kept.all() and _all_in_order(time_s, edges):
        return {name: (time_s[of], lumi[of]) for name, of in members}
    return {name: _in_order(time_s[of][kept[of]], lumi[of][kept[of]]) for name, of in members}


def _all_in_order(time_s: FloatArray, edges: IntArray) -> bool:
    """Tell whether the samples between any two edges are in the order of time."""
    back = np.flatnonzero(np.diff(time_s) < 0) + 1
    return bool(np.isin(back, edges).all())


def _in_order(time_s: FloatArray, lumi: FloatArray) -> _Samples:
    """Return samples sorted by time, stably."""
    if np.all(np.diff(time_s) >= 0):
        return time_s, lumi
    order = np.argsort(time_s, kind="stable")
    return time_s[order], lumi[order]
