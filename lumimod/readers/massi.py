"""Massi archives `FILL.tgz`, `FILL.zip`: the luminosity of each bunch that an experiment measured.

An archive has thousands of small text files, `FILL/FILL_lumi_BUCKET_EXP.txt`. They are read from
the archive one after the other; nothing is unpacked to disk.
"""

from __future__ import annotations

import io
import logging
import tarfile
import zipfile
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
import numpy.typing as npt
import pandas as pd

from lumimod.arrays import FloatArray, IntArray
from lumimod.errors import BadInputError, MissingInputError
from lumimod.readers.compressed import GZIP_DAMAGE, decompressed
from lumimod.readers.locate import opened, unreadable

_Samples = tuple[FloatArray, FloatArray]  # time in Unix s, luminosity in Hz/ub
_NO_SAMPLES: _Samples = (np.zeros(0), np.zeros(0))
_DAMAGE: tuple[type[Exception], ...] = (tarfile.TarError, zipfile.BadZipFile, *GZIP_DAMAGE)

ARCHIVE_SUFFIXES = (".tgz", ".tar.gz", ".zip")
BATCH_BYTES = 1 << 20
GET_AGAIN = "copy the archive again from the experiment's Massi folder"

# 2008 to 2100. Files from before 2012 count seconds from 2010, which is outside.
ERA_START_S, ERA_STOP_S = 1_199_145_600.0, 4_102_444_800.0

log = logging.getLogger(__name__)


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


def read_massi(archive: Path, fill: int, experiment: str, slots: IntArray) -> BunchLumi:
    """Return the luminosity of the bunches in `slots`, within and outside stable beams.

    Raises
    ------
    MissingInputError
        The archive is missing or cannot be read.
    BadInputError
        It is damaged, a row is malformed, or it has none of the slots.
    """
    slots = np.asarray(slots, np.int64)
    names = [f"{fill}_lumi_{10 * slot + 1}_{experiment}.txt" for slot in slots.tolist()]
    members: dict[str, _Samples] = {}
    for batch in _batches(_members(archive, frozenset(names))):
        members.update(_parse_together(batch) or _parse_one_by_one(batch, archive))
    samples = [members.get(name, _NO_SAMPLES) for name in names]
    missing = slots[[time_s.size == 0 for time_s, _ in samples]] if slots.size else slots
    if slots.size and missing.size == slots.size:
        raise BadInputError(
            f"{archive}: no data of the {slots.size} bunches asked for, expected members like"
            f" {fill}/{names[0]}; {GET_AGAIN} or check massi_exp_folders"
        )
    times, lumis = tuple(time_s for time_s, _ in samples), tuple(lumi for _, lumi in samples)
    log.debug("%s: %d of %d bunches have no data", archive, missing.size, slots.size)
    return BunchLumi(slots, times, lumis, missing)


# ----- archive to members -----


def _members(archive: Path, wanted: Collection[str]) -> Iterator[tuple[str, bytes]]:
    """Yield name and contents of the wanted members, in the order of the archive."""
    read = _zip_members if archive.suffix == ".zip" else _tar_members
    try:
        yield from read(archive, wanted)
    except FileNotFoundError as exc:
        raise MissingInputError(f"{archive}: no such file; check massi_afs_path") from exc
    except _DAMAGE as exc:
        raise BadInputError(f"{archive}: truncated or damaged ({exc}); {GET_AGAIN}") from exc
    except OSError as exc:
        raise MissingInputError(unreadable(archive, exc)) from exc


def _tar_members(archive: Path, wanted: Collection[str]) -> Iterator[tuple[str, bytes]]:
    # The gzip module checks end and checksum, which the streams of tarfile do not.
    with (
        decompressed(archive) as plain,
        tarfile.open(fileobj=plain, mode="r|", bufsize=1 << 16) as tar,
    ):
        for member in tar:
            name = PurePosixPath(member.name).name
            stream = tar.extractfile(member) if name in wanted else None
            if stream is not None:
                yield name, stream.read()
        while plain.read(1 << 16):
            pass


def _zip_members(archive: Path, wanted: Collection[str]) -> Iterator[tuple[str, bytes]]:
    with opened(archive) as file, zipfile.ZipFile(file) as bundle:
        for info in bundle.infolist():
            name = PurePosixPath(info.filename).name
            if name in wanted:
                yield name, bundle.read(info)


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


# ----- members to samples -----


def _parse_together(batch: Mapping[str, bytes]) -> dict[str, _Samples] | None:
    """Return time and luminosity of each member; None if a line is a comment or not valid."""
    counts = [text.count(b"\n") for text in batch.values()]
    try:
        table = pd.read_csv(
            io.BytesIO(b"".join(batch.values())),
            sep=r"\s+",
            header=None,
            usecols=[0, 2],
            dtype=np.float64,
            engine="c",
            na_filter=False,
            low_memory=False,
        )
    except ValueError:  # pandas' own errors and UnicodeDecodeError are ValueErrors
        return None
    time_s, lumi = table.to_numpy().T
    if time_s.size != sum(counts) or not np.all(_is_valid(time_s, lumi)):
        return None
    cuts = np.cumsum(counts)[:-1]
    return {
        name: _in_order(*samples)
        for name, *samples in zip(batch, np.split(time_s, cuts), np.split(lumi, cuts))
    }


def _parse_one_by_one(batch: Mapping[str, bytes], archive: Path) -> dict[str, _Samples]:
    """Return time and luminosity of each member, slowly: skips comments, and names a bad row."""
    return {name: _parse_member(text, f"{archive}: {name}") for name, text in batch.items()}


def _parse_member(text: bytes, where: str) -> _Samples:
    rows = []
    for number, line in enumerate(text.splitlines(), start=1):
        fields = line.split()
        if not fields or fields[0].startswith(b"#"):
            continue
        try:
            row = float(fields[0]), float(fields[2])
        except (IndexError, ValueError):
            row = (np.nan, np.nan)
        if not _is_valid(*row):
            raise BadInputError(
                f"{where}: row {number} {line[:60].decode('ascii', 'backslashreplace')!r} is not"
                f" Unix time, flag, luminosity; {GET_AGAIN}"
            )
        rows.append(row)
    return _in_order(*np.array(rows).reshape(-1, 2).T)


def _is_valid(time_s: FloatArray | float, lumi: FloatArray | float) -> npt.NDArray[np.bool_]:
    """Tell which rows have a time from 2008 on and a finite luminosity."""
    in_era = (time_s >= ERA_START_S) & (time_s < ERA_STOP_S)  # False for NaN
    return np.asarray(in_era & np.isfinite(lumi))


def _in_order(time_s: FloatArray, lumi: FloatArray) -> _Samples:
    """Return copies sorted by time; slices would keep the whole batch in memory."""
    if np.all(np.diff(time_s) >= 0):
        return time_s.copy(), lumi.copy()
    order = np.argsort(time_s, kind="stable")
    return time_s[order], lumi[order]
