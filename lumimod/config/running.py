"""Running config.py."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lumimod.errors import BadInputError, ConfigError
from lumimod.readers.locate import opened


def run_config(path: Path) -> dict[str, Any]:
    """Return the names that config.py sets.

    It may import modules of its own folder.

    Raises
    ------
    ConfigError
        It cannot be read or run.
    """
    namespace: dict[str, Any] = {"__file__": str(path), "__name__": path.stem}
    source = _source(path)
    try:
        with _importable(path.parent):
            exec(compile(source, str(path), "exec", dont_inherit=True), namespace)
    except (Exception, SystemExit) as exc:
        raise ConfigError(_failure(path, exc)) from exc
    return namespace


def _source(path: Path) -> bytes:
    try:
        with opened(path) as file:
            return file.read()
    except BadInputError as exc:
        raise ConfigError(str(exc)) from exc
    except FileNotFoundError as exc:
        raise ConfigError(f"{path} not found; run in the folder that holds it") from exc
    except OSError as exc:
        raise ConfigError(f"{path} cannot be read ({exc.strerror})") from exc


@contextmanager
def _importable(folder: Path) -> Iterator[None]:
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        if str(folder) in sys.path:
            sys.path.remove(str(folder))


def _failure(path: Path, exc: BaseException) -> str:
    """Return where and why running config.py stopped."""
    what = f"{type(exc).__name__}: {exc.msg if isinstance(exc, SyntaxError) else exc}"
    if isinstance(exc, SyntaxError) and exc.lineno is not None:
        return f"{exc.filename}, line {exc.lineno}: {what}"
    lines = [
        frame.lineno
        for frame in traceback.extract_tb(exc.__traceback__)
        if frame.filename == str(path)
    ]
    return f"{path}, line {lines[-1]}: {what}" if lines else f"{path}: {what}"
