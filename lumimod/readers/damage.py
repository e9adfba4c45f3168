"""What libraries raise on damaged files: they promise nothing, so this is what was met."""

from __future__ import annotations

import lzma
import struct
import tarfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lumimod.errors import BadInputError, MissingInputError
from lumimod.readers.compressed import GZIP_DAMAGE
from lumimod.readers.locate import unreadable

PARSER_ERRORS: tuple[type[Exception], ...] = (
    *GZIP_DAMAGE,
    ArithmeticError,
    AssertionError,
    AttributeError,
    BufferError,
    ImportError,
    LookupError,
    MemoryError,
    NameError,
    RuntimeError,
    SyntaxError,
    SystemError,
    TypeError,
    ValueError,
    lzma.LZMAError,
    struct.error,
    tarfile.TarError,
    zipfile.BadZipFile,
)
"""Errors of damaged files, those of mutated lengths and names among them."""


@contextmanager
def damage_named(path: Path, fault: str, advice: str, *more: type[Exception]) -> Iterator[None]:
    """Turn what a library raises on a damaged file into an error that names the file and the fault.

    Raises
    ------
    MissingInputError
        The file cannot be read.
    BadInputError
        It is damaged; `more` are errors of the library's own.
    """
    try:
        yield
    except (*PARSER_ERRORS, *more) as exc:
        raise BadInputError(_damaged(path, fault, advice, exc)) from exc
    except OSError as exc:
        if exc.errno is None:  # not of the system, but how some libraries tell damage
            raise BadInputError(_damaged(path, fault, advice, exc)) from exc
        raise MissingInputError(unreadable(path, exc)) from exc


def _damaged(path: Path, fault: str, advice: str, exc: Exception) -> str:
    if isinstance(exc, MemoryError):
        return f"{path}: needs more memory than there is, as damaged files may; {advice}"
    why = " ".join(str(exc).split())[:100] or type(exc).__name__
    return f"{path}: {fault} ({why}); {advice}"
