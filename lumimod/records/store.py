"""Saving and loading of results: gzip pickles, written whole or not at all."""

from __future__ import annotations

import io
import pickle
import zlib
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from lumimod.atomic import replacing
from lumimod.errors import BadInputError, MissingInputError, MissingStepError
from lumimod.readers.unpickle import load_pickle
from lumimod.records import R, Record, parse

_BLOCK_BYTES = 2 << 20
_SAMPLE_BYTES = 1 << 15
_WORTH_PACKING = 0.85


def save(path: Path, record: Record) -> None:
    """Save a record as the gzip pickle of its dict, atomically.

    Raises
    ------
    OutputError
        The file cannot be written; what was there before stays.
    """
    save_object(path, record.to_dict())


def save_object(path: Path, data: Any) -> None:
    """Save any picklable object as a gzip pickle, atomically."""
    with replacing(path) as file, _ParallelGzip(file) as stream:
        _Pickler(stream, protocol=5).dump(data)


def load(path: Path, kind: type[R]) -> R:
    """Return the record saved at `path`.

    Raises
    ------
    MissingStepError
        The file is missing, cannot be read, or holds something else.
    """
    try:
        data = load_pickle(path)
    except MissingInputError as exc:
        raise MissingStepError(f"{path} is missing; run the step that makes it") from exc
    except BadInputError as exc:
        raise MissingStepError(f"{exc}; force the step that makes it") from exc
    return parse(kind, data, str(path))


def load_if_there(path: Path, kind: type[R]) -> R | None:
    """Return the record saved at `path`, None if there is no such file; errors as of `load`."""
    return load(path, kind) if path.exists() else None


def keep_dated_copy(path: Path) -> None:
    """Copy a result to NAME_YYYYMMDD.pkl.gz, today's date, without replacing an older copy."""
    if not path.exists():
        return
    stem, dot, suffixes = path.name.partition(".")
    dated = f"{stem}_{datetime.now():%Y%m%d}"
    names = (f"{dated}{tag}{dot}{suffixes}" for tag in ("", *(f"_{n}" for n in range(2, 1000))))
    copy = next(c for c in map(path.with_name, names) if not c.exists())
    with replacing(copy) as file:
        file.write(path.read_bytes())


class _Pickler(pickle.Pickler):
    """Writes arrays as `numpy.ndarray(shape, dtype, buffer)`.

    The default form names a private module of NumPy that was renamed in version 2; this one
    names only `numpy.ndarray` and so loads with every NumPy, and needs no copy of the data.
    """

    def reducer_override(self, obj: Any) -> Any:
        if type(obj) is np.ndarray and obj.dtype.kind in "fiub":
            data: Any = np.ascontiguousarray(obj)
            if not data.flags.writeable:
                data = data.copy()  # a read-only buffer would give a read-only array
            return np.ndarray, (obj.shape, obj.dtype.str, pickle.PickleBuffer(data))
        return NotImplemented


class _ParallelGzip(io.RawIOBase):
    """A gzip stream of independent members, packed by threads."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._threads = ThreadPoolExecutor(max_workers=2)
        self._pending: deque[Future[bytes]] = deque()
        self._small = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        view = memoryview(data).cast("B")
        if len(self._small) + len(view) < _BLOCK_BYTES:
            self._small += view
            return len(view)
        self._submit(bytes(self._small))
        self._small.clear()
        for start in range(0, len(view), _BLOCK_BYTES):
            self._submit(bytes(view[start : start + _BLOCK_BYTES]))
        return len(view)

    def _submit(self, block: bytes) -> None:
        if block:
            self._pending.append(self._threads.submit(_gzip_member, block))
        while len(self._pending) > 4:
            self._file.write(self._pending.popleft().result())

    def close(self) -> None:
        if not self.closed:
            try:
                self._submit(bytes(self._small))
                while self._pending:
                    self._file.write(self._pending.popleft().result())
            finally:
                self._threads.shutdown()
                super().close()


def _gzip_member(block: bytes) -> bytes:
    """Return a block as a gzip stream of its own.

    Huffman coding alone: on arrays of measured numbers it is within 3 % of what the search for
    repeats would reach, in half the time. Where even that would save little, the bytes are
    stored as they are: packing every model of a fill to 92 % costs as much time as computing it.
    """
    middle = max(0, (len(block) - _SAMPLE_BYTES) // 2)
    sample = block[middle : middle + _SAMPLE_BYTES]
    level = 1 if len(_deflated(sample, 1)) < _WORTH_PACKING * len(sample) else 0
    return _deflated(block, level)


def _deflated(block: bytes, level: int) -> bytes:
    packer = zlib.compressobj(level, zlib.DEFLATED, 31, 9, zlib.Z_HUFFMAN_ONLY)
    return packer.compress(block) + packer.flush()
