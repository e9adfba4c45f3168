"""Exception classes: one base, one class per kind of fault.

A message is one line that names the fill, the file and the quantity, and what to do. The loop over
fills catches `LumimodError`, reports it with fill and step, and goes on with the next fill.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import Any


class LumimodError(Exception):
    """Base of every error that a user can put right."""


class ConfigError(LumimodError):
    """config.py is missing, cannot be run, or sets a value that is not allowed."""


class UsageError(LumimodError):
    """The command line asks for something that cannot be done."""


class MissingInputError(LumimodError):
    """An input file, or a variable in it, is missing."""


class BadInputError(LumimodError):
    """An input file is truncated, damaged, malformed or of another format."""


class MissingStepError(LumimodError):
    """The result of another step is missing, or cannot be read."""


class NoDataError(LumimodError):
    """The fill has nothing to analyse: no stable beams, no bunch above threshold."""


class OutputError(LumimodError):
    """A result cannot be written: disk full, folder missing or not writable."""


class SourceError(LumimodError):
    """A source of data cannot be used, or does not answer, even when asked again."""


class CondorError(LumimodError):
    """HTCondor is not installed or refuses, or a job folder cannot be used."""


_AGAIN = "download it again"


def download(path: object) -> str:
    """Return what to do about a file of logged data that is missing or damaged."""
    numbers = re.findall(r"\d{4,}", PurePath(str(path)).name.partition(".")[0])
    return f"{_AGAIN}: {get_command(int(numbers[-1]) if numbers else None)}"


def without_download(fault: str) -> str:
    """Return what a message says of a file, without the advice of `download`, which ends it."""
    return fault.partition(f"; {_AGAIN}")[0]


def get_command(fill: int | None = None) -> str:
    """Return the command that gets beam modes and data, of a fill if one is given.

    It is the script in Utilities/ where lumimod runs from a checkout, with the path from the
    current folder, else the command that is installed; with --config as lumimod was given it.
    """
    script = Path(__file__).resolve().parents[1] / "Utilities" / "getData.py"
    words = ["lumimod-get"]
    if script.is_file():
        words = ["python", os.path.relpath(script)]
    words += [] if fill is None else ["--fill", str(fill)]
    if _Called.config:
        words += ["--config", _Called.config]
    return shlex.join(words)


class _Called:
    """How this process was called."""

    config = ""


def called_with_config(config: Path) -> None:
    """Note the config.py of this process, for the commands in messages."""
    _Called.config = "" if config == Path("config.py") else str(config)


@dataclass(frozen=True)
class Note:
    """What to know before a result is believed: said once in the log, and kept in the result."""

    kind: str
    """What happened, such as "gap", "dropped", "held", "replaced" or "in progress"."""
    text: str
    """One sentence with the quantity, the file, how much, and the way out."""
    quantity: str = ""
    """Of what, such as "emittance", if it is of one."""
    beam: int | None = None
    span_s: tuple[float, float] | None = None
    """From when to when, Unix s, if it is of a part of the fill."""
    numbers: Mapping[str, float] = field(default_factory=dict)
    quiet: bool = False
    """It is kept in the result, but not worth a line of the log."""

    def to_dict(self) -> dict[str, Any]:
        """Return it as it stands in a result: what is empty is left out."""
        data: dict[str, Any] = {"kind": self.kind, "text": self.text}
        if self.quantity:
            data["quantity"] = self.quantity
        if self.beam is not None:
            data["beam"] = self.beam
        if self.span_s is not None:
            data["span_s"] = list(self.span_s)
        return {**data, **({"numbers": dict(self.numbers)} if self.numbers else {})}
