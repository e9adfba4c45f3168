"""Mutations: files with some bytes changed, cut, repeated, moved or put in, from fixed seeds.

Each is either refused by name, or accepted: then the content is that of the whole file, or
something says what is different, or other numbers stand there that might have been measured.
"""

from __future__ import annotations

import dataclasses
import gzip
import hashlib
import io
import json
import logging
import pickle
import random
import re
import signal
import tarfile
import traceback
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from lumimod.arrays import Series
from lumimod.errors import LumimodError
from lumimod.parallel import process_context
from lumimod.readers.bmodes import read_bmodes
from lumimod.readers.checksums import changed_since
from lumimod.readers.massi import read_massi
from lumimod.readers.unpickle import load_pickle
from lumimod.readers.variables import read_variables
from lumimod.records import store
from lumimod.sources.base import series_from_rows
from lumimod.writers.variables import write_variables

LONGEST_S = 30
MOST_MB = 2048
LONGEST_MESSAGE = 700

OUTCOMES = {
    "refused": "refused by name",
    "equal": "accepted, equal",
    "noted": "accepted with a note",
    "told": "told by its checksum alone",
    "other": "accepted, other numbers",
    "traceback": "traceback",
    "hung": f"over {LONGEST_S} s",
    "large": f"over {MOST_MB >> 10} GB",
}
"""What may become of a mutation, and how the table calls it."""
FAULTS = ("traceback", "hung", "large")


# --- mutations

_NUMBERS = [
    *(bytes(n) for n in (1, 4, 8)),
    *(b"\xff" * n for n in (1, 4, 8)),
    *(n.to_bytes(8, "little") for n in (1 << 30, 1 << 31, 1 << 40, (1 << 63) - 1)),
    b"\x7f\xff\xff\xff",
]
_WORDS = [
    *b"nan inf -1 1e400 99999999999999999999 VARIABLE: # ' \" { [[[[[[ null true".split(),
    *(b"\xef\xbb\xbf", b"\n", b"\r", b",", b"\0", b" ", b"O8", b"|V1000000000", b"M8[", b"2("),
    *(b"1_0", b"\xc3\x28", " \u0665".encode(), b"LOCAL_TIME", b"2017-06-30 05:20:00.000"),
]


def mutated(content: bytes, rng: random.Random) -> bytes:
    """Return a content with one to eight changes."""
    changed = bytearray(content)
    for _ in range(rng.choice([1, 1, 1, 2, 3, 8])):
        if changed:
            _change(changed, rng)
    return bytes(changed)


def _change(content: bytearray, rng: random.Random) -> None:
    at = rng.randrange(len(content))
    until = min(len(content), at + rng.choice([1, 2, 4, 8, 64, 512]))
    other = rng.randrange(len(content))
    kind = rng.randrange(10)
    if kind == 0:
        content[at] ^= 1 << rng.randrange(8)
    elif kind == 1:
        del content[at:until]
    elif kind == 2:
        content[at:at] = content[at:until]
    elif kind == 3:
        content[at:until] = bytes(until - at)
    elif kind == 4:
        del content[at:]
    elif kind == 5:
        content[at:until] = content[other : other + until - at]
    elif kind == 6:
        content[at:until] = rng.randbytes(until - at)
    elif kind == 7:
        number = rng.choice(_NUMBERS)
        content[at : at + len(number)] = number
    else:
        word = rng.choice(_WORDS)
        content[at : at + (len(word) if kind == 8 else 0)] = word


# --- formats


@dataclass(frozen=True)
class Format:
    """How files of a format are read, and which changes are to be noticed."""

    name: str
    """Of the file."""
    read: Callable[[Path], Any]
    has_checksum: bool = False
    """Whether no change of a value may go unnoticed."""
    packed: bool = False
    """Whether what is inside of the gzip file is changed, and packed again."""
    is_result: bool = False
    """Whether it is no fetched file: the list of checksums does not have it."""


VARIABLES = ("S", "A", "B:C")
SLOTS = np.arange(5)
SPAN_S = (1.49e9, 1.51e9)


def _variables(path: Path) -> Any:
    return read_variables(path, VARIABLES)


def _massi(path: Path) -> Any:
    return read_massi(path, 1, "ATLAS", SLOTS, span_s=SPAN_S)


FORMATS: dict[str, Format] = {
    "Timber CSV": Format("x.csv", _variables),
    "Timber CSV, packed": Format("x.csv.gz", _variables, has_checksum=True),
    "Timber CSV, inside": Format("x.csv.gz", _variables, packed=True),
    "Timber CSV, grouped": Format("g.csv", lambda path: read_variables(path, ["S", "T"])),
    "HDF5": Format("x.h5", _variables),
    "Parquet": Format("x.parquet", _variables),
    "Massi .tgz": Format("1.tgz", _massi, has_checksum=True),
    "Massi .tgz, inside": Format("1.tgz", _massi, packed=True),
    "Massi .zip": Format("1.zip", _massi),
    "beam modes": Format("modes.pkl", read_bmodes),
    "beam modes, JSON": Format("modes.json", read_bmodes),
    "result": Format("result.pkl.gz", load_pickle, has_checksum=True),
    "result, inside": Format("result.pkl.gz", load_pickle, packed=True, is_result=True),
    "table of pandas, inside": Format("table.pkl.gz", load_pickle, packed=True, is_result=True),
    "result of the original": Format("original.pkl", load_pickle, is_result=True),
}


def write_whole_files(folder: Path) -> None:
    """Write a small whole file of each format."""
    _write_variables(folder)
    _write_massi(folder)
    _write_pickles(folder)


def _write_variables(folder: Path) -> None:
    time_s = 1.4988e9 + np.arange(8) * 10.0
    rows = {
        "S": [np.array([float(i)]) for i in range(8)],
        "A": [np.arange(6.0) * i + 0.5 for i in range(8)],
        "B:C": [np.arange(n + 1.0) for n in range(3)],
    }
    series = {n: series_from_rows(n, "x", time_s[: len(r)], r) for n, r in rows.items()}
    for suffix in (".csv", ".csv.gz", ".h5", ".parquet"):
        write_variables(folder / f"x{suffix}", series)
    table = (f"2017-06-30 05:20:{i:02}.000,{i},{'' if i % 2 else 1.5 * i}\n" for i in range(8))
    (folder / "g.csv").write_text("Timestamp (UTC_TIME),S,T\n" + "".join(table))


def _write_massi(folder: Path) -> None:
    rows = "".join(f"{1498800000 + 60 * i} 1 {0.1 * i:.3f} 0.01 5 0.1\n" for i in range(6))
    members = {f"1/1_lumi_{10 * slot + 1}_ATLAS.txt": rows.encode() for slot in SLOTS}
    with tarfile.open(folder / "1.tgz", "w:gz") as archive:
        for name, text in members.items():
            about = tarfile.TarInfo(name)
            about.size, about.pax_headers = len(text), {"comment": "x", "mtime": "1.5"}
            archive.addfile(about, io.BytesIO(text))
    with zipfile.ZipFile(folder / "1.zip", "w", zipfile.ZIP_DEFLATED) as bundle:
        for name, text in members.items():
            bundle.writestr(zipfile.ZipInfo(name), text, zipfile.ZIP_DEFLATED)


def _write_pickles(folder: Path) -> None:
    numbers = np.random.default_rng(1).random((4, 5))
    result = {"made": {"fill": 1, "x": [1, 2.5, None]}, 1: {"a": numbers, "s": np.arange(3)}}
    store.save_object(folder / "result.pkl.gz", {**result, "t": (1, 2, "x")})
    with pd.option_context("mode.string_storage", "python"):
        table = pd.DataFrame({"m": ["a", "b"] * 3, "v": np.arange(6.0)})
        table["t"] = pd.to_datetime(np.arange(6), unit="s")
        table["o"] = [None, [1], "x", 2, 3, 4]
        table.attrs["made"] = {"a": 1}
        store.save_object(folder / "table.pkl.gz", table)
    of_python2 = {"b1": {"x": np.arange(4.0), "y": np.array(["a"]), "z": np.float64(2), "q": [1]}}
    (folder / "original.pkl").write_bytes(pickle.dumps(of_python2, 2))
    times = {"t_startfill": 1.4e9, "t_endfill": 1.5e9, "flag_complete": True}
    modes = {fill: {**times, "t_start_STABLE": 1.41e9} for fill in range(5000, 5004)}
    (folder / "modes.pkl").write_bytes(pickle.dumps(modes, 2))
    (folder / "modes.json").write_text(json.dumps({str(n): of for n, of in modes.items()}))


# --- one mutation


@dataclass
class Bench:
    """Whole files, and what they hold."""

    folder: Path
    whole: dict[str, bytes] = field(default_factory=dict)
    good: dict[str, tuple[Any, Any]] = field(default_factory=dict)

    @classmethod
    def make(cls, folder: Path) -> Bench:
        """Write the files and read them."""
        write_whole_files(folder)
        bench = cls(folder)
        for kind, of in FORMATS.items():
            bench.whole[kind] = (folder / of.name).read_bytes()
            with heard() as said:
                bench.good[kind] = _content_and_notes(of.read(folder / of.name), said)
        return bench

    def try_one(self, kind: str, seed: int) -> tuple[str, str]:
        """Read one mutated file; return its outcome, and why if it is a fault."""
        of, rng = FORMATS[kind], random.Random(f"{kind} {seed}")
        whole = self.whole[kind]
        if of.packed:
            content = gzip.compress(mutated(gzip.decompress(whole), rng), 1)
        else:
            content = mutated(whole, rng)
        path = self.folder / of.name
        path.write_bytes(content)
        try:
            with heard() as said, within(LONGEST_S):
                found = _content_and_notes(of.read(path), said)
        except LumimodError as exc:
            return _judged(str(exc), path)
        except TookTooLongError:
            return "hung", ""
        except Exception:  # noqa: BLE001 - what is looked for
            return "traceback", traceback.format_exc()
        finally:
            path.write_bytes(whole)
        if found[0] == self.good[kind][0]:
            return "equal", ""
        if found[1] != self.good[kind][1]:
            return "noted", ""
        if of.is_result and not of.has_checksum:
            return "other", ""
        # What is in valid form only the list of checksums tells, which a run compares with.
        sums = {of.name: hashlib.sha256(whole).hexdigest()}
        now = hashlib.sha256(content).hexdigest()
        if of.has_checksum or not changed_since(sums, self.folder, path, now):
            return "traceback", "a changed value went unnoticed"
        return "told", ""


def _judged(message: str, path: Path) -> tuple[str, str]:
    """Return the outcome of an error: it names its file, in one line that is not too long."""
    is_named = path.name in message and "\n" not in message
    if is_named and len(message) - len(str(path)) < LONGEST_MESSAGE:
        return "refused", ""
    return "traceback", f"not named in one line: {message[:LONGEST_MESSAGE]}"


def _content_and_notes(found: Any, said: list[str]) -> tuple[Any, Any]:
    """Return what was read in a form that can be compared, and what says that it is not all."""
    notes: list[Any] = [*said]
    if isinstance(found, dict):
        notes += [one.n_dropped for one in found.values() if isinstance(one, Series)]
        notes += [getattr(found, "faults", {})]
    else:
        notes += [getattr(found, "notes", ()), str(getattr(found, "missing", ""))]
    return content(found), notes


def content(value: Any) -> Any:
    """Return any data as nested tuples that compare equal if all their bytes are."""
    if isinstance(value, np.ndarray):
        items = tuple(map(content, value.tolist())) if value.dtype.hasobject else value.tobytes()
        return value.shape, str(value.dtype), items
    if isinstance(value, pd.DataFrame):
        return content({str(name): value[name].to_numpy() for name in value})
    if dataclasses.is_dataclass(value):
        return content(vars(value))
    if isinstance(value, Mapping):
        return tuple((str(key), content(of)) for key, of in value.items())
    if isinstance(value, (list, tuple)):
        return tuple(map(content, value))
    return type(value).__name__, repr(value)


# --- what watches


class TookTooLongError(BaseException):
    """Raised where the time is over; no one but the trial catches it."""


@contextmanager
def within(seconds: int) -> Iterator[None]:
    """End the block with an error after some seconds."""

    def end(*_: object) -> None:
        raise TookTooLongError

    before = signal.signal(signal.SIGALRM, end)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


@contextmanager
def heard() -> Iterator[list[str]]:
    """Collect the warnings that are logged."""
    said: list[str] = []

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            said.append(record.getMessage())

    listener, log = Listener(logging.WARNING), logging.getLogger("lumimod")
    log.addHandler(listener)
    propagates, log.propagate = log.propagate, False
    try:
        yield said
    finally:
        log.removeHandler(listener)
        log.propagate = propagates


# --- many mutations, in a process that may die


def try_many(kind: str, folder: Path, seeds: range) -> Iterator[tuple[int, str, str]]:
    """Read many mutated files of one format; yield seed, outcome and, of faults, the reason."""
    results = folder / "outcomes"
    left = seeds
    while left:
        results.write_text("")
        process: Any = process_context().Process(  # type: ignore[attr-defined]
            target=_try_all, args=(kind, folder, left, results)
        )
        process.start()
        _wait(process, results)
        done = [line.split("\t", 2) for line in results.read_text().splitlines()]
        for seed, outcome, why in done:
            yield int(seed), outcome, why.replace("\\n", "\n")
        left = left[len(done) :]
        if left and process.exitcode:
            why = f"the process ended with {process.exitcode}"
            yield left[0], "hung" if process.exitcode == -signal.SIGKILL else "traceback", why
            left = left[1:]


def _wait(process: Any, results: Path) -> None:
    """Wait for a process, as long as it goes on with its work."""
    while process.exitcode is None:
        size = results.stat().st_size
        process.join(2 * LONGEST_S)
        if process.exitcode is None and results.stat().st_size == size:
            process.kill()
            process.join()


def _try_all(kind: str, folder: Path, seeds: range, results: Path) -> None:
    bench = Bench.make(folder)
    with results.open("a", buffering=1) as file:
        for seed in seeds:
            before = peak_mb()
            outcome, why = bench.try_one(kind, seed)
            if peak_mb() > max(before, MOST_MB):
                outcome, why = "large", f"{peak_mb()} MB"
            escaped = why.replace("\n", "\\n").replace("\t", " ")
            file.write(f"{seed}\t{outcome}\t{escaped}\n")


def peak_mb() -> int:
    """Return the most memory that this process has had, in MB."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    found = re.search(r"VmHWM:\s*(\d+)", status)
    return int(found[1]) >> 10 if found else 0
