"""Texts and paths."""

from __future__ import annotations

import logging
import os
import re
import shlex
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from lumimod.config.kinds.base import Kind, NotAllowedError, kind, require, without_numpy
from lumimod.config.kinds.numbers import flag


@kind("a path, as text; a ~ must be of a user that exists")
def path(value: Any) -> Path:
    """Accept a path; empty: the current folder."""
    value = without_numpy(value)
    require(isinstance(value, (str, os.PathLike)))
    return _with_home(value)


def _with_home(value: Any) -> Path:
    """Return the path with the home folder in place of ~."""
    try:
        return Path(value).expanduser()
    except RuntimeError as exc:
        raise ValueError from exc


@kind(f"{path.allowed}; or None")
def optional_path(value: Any) -> Path | None:
    """Accept a path, or None."""
    return None if value is None else path(value)


@kind("text that is not empty")
def text(value: Any) -> str:
    """Accept text, or a path; a leading ~ is the home folder."""
    value = os.fspath(value) if isinstance(value, os.PathLike) else without_numpy(value)
    require(isinstance(value, str) and value != "")
    return str(_with_home(value)) if value.startswith("~") else value


def template(mark: str) -> Kind[str]:
    """Return the kind of texts that hold `mark`."""

    @kind(f"text with {mark} in it")
    def convert(value: Any) -> str:
        result = text(value)
        require(mark in result)
        return result

    return convert


@kind("text, a command with its arguments; empty: none")
def command_line(value: Any) -> str:
    """Accept a command line whose quotes are closed."""
    value = without_numpy(value)
    require(isinstance(value, str))
    shlex.split(value)
    return str(value)


def _same_path(a: str, b: str) -> bool:
    return Path(a) == Path(b)


path_text = replace(text, same=_same_path)
fill_template = replace(template("<FILLNUMBER>"), same=_same_path)
"""A file or folder of each fill."""


@kind("text without slashes and blanks")
def file_tag(value: Any) -> str:
    """Accept text that can be a part of a file name; it may be empty."""
    value = without_numpy(value)
    require(isinstance(value, str) and not re.search(r"[/\\\s]", value))
    return str(value)


def choice(*names: str) -> Kind[str]:
    """Return the kind of texts that are one of `names`."""

    @kind(f"one of {', '.join(map(repr, names))}")
    def convert(value: Any) -> str:
        result = text(value)
        require(result in names)
        return result

    return convert


PARQUET = "parquet"


@kind(f"True, False or {PARQUET!r}")
def frame_form(value: Any) -> bool | str:
    """Accept a flag, or the word for frames in Parquet."""
    if value != PARQUET:
        return flag(value)
    if find_spec("pyarrow") is None:
        raise NotAllowedError(
            "needs pyarrow, which is not installed: pip install 'lumimod[parquet]'; or set "
            "savePandas = True, for DataFrames in pickles"
        )
    return PARQUET


PLOT_FORMATS = (".png", ".pdf", ".svg")


@kind(choice(*PLOT_FORMATS).allowed)
def plot_format(value: Any) -> str:
    """Accept the extension of a picture's file, with or without its dot."""
    extension = "." + text(value).lower().lstrip(".")
    require(extension in PLOT_FORMATS)
    return extension


@kind("a format of logging, such as '%(levelname)s : %(message)s'")
def log_format(value: Any) -> str:
    """Accept a format of log lines; it is tried on an empty record."""
    try:
        logging.Formatter(text(value)).format(logging.makeLogRecord({}))
    except TypeError as exc:
        raise ValueError from exc
    return str(value)
