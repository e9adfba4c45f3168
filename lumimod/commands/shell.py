"""How every command meets the shell: its parser, the form of its errors, its exit status."""

from __future__ import annotations

import argparse
import re
import shutil
import signal
import sys
import textwrap
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Callable, NoReturn

from lumimod.config.kinds.base import nearest
from lumimod.errors import ConfigError, LumimodError, UsageError

EXIT_DONE, EXIT_FAILED, EXIT_USAGE, EXIT_INTERRUPTED, EXIT_TERMINATED = 0, 1, 2, 130, 143


_WIDTH = 100


class Help(argparse.HelpFormatter):
    """Help as wide as the terminal, up to 100 columns; an empty line ends a paragraph."""

    def __init__(self, prog: str) -> None:
        width = min(shutil.get_terminal_size().columns, _WIDTH) - 2
        super().__init__(prog, width=width)

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        return "\n\n".join(
            textwrap.indent("\n".join(self._split_lines(paragraph, width)), indent)
            for paragraph in text.split("\n\n")
        )

    def _split_lines(self, text: str, width: int) -> list[str]:
        # Options, dates and ranges of fills are not broken.
        return textwrap.wrap(" ".join(text.split()), width, break_on_hyphens=False)


class Parser(argparse.ArgumentParser):
    """A parser that tells an error in one line, in the form of all errors."""

    def __init__(self, **options: Any) -> None:
        # An option is what it is called: the beginning of another's name is no option.
        super().__init__(**{"formatter_class": Help, "allow_abbrev": False, **options})

    def error(self, message: str) -> NoReturn:
        """Tell the error and end with the exit status of wrong usage."""
        unknown = re.match(r"unrecognized arguments: (--?\w[\w-]*)", message)
        meant = self._meant(unknown[1]) if unknown else ""
        print_error(
            self.prog, f"{message}; " + (f"did you mean {meant}?" if meant else "see --help")
        )
        sys.exit(EXIT_USAGE)

    def _meant(self, text: str) -> str:
        """Return the options that begin with a text, or else the one that is most like it."""
        known = self._option_string_actions
        begun = [name for name in known if name.startswith(text)] if len(text) > len("--") else []
        return " or ".join(begun) or nearest(text, known) or ""


class Terminated(KeyboardInterrupt):
    """The system asks the process to end, as HTCondor does before it kills a job."""


def add_config(parser: argparse.ArgumentParser | argparse._ArgumentGroup) -> None:
    """Add the option --config."""
    parser.add_argument(
        "--config", type=Path, default=Path("config.py"), metavar="PATH",
        help="configuration file (default ./config.py)",
    )  # fmt: skip


def print_error(program: str, message: object) -> None:
    """Write an error to standard error, with the name of the command before it."""
    sys.stderr.write(f"{program}: error: {message}\n")


def status_of(error: LumimodError) -> int:
    """Return the exit status of an error: of wrong usage, or of a failure."""
    return EXIT_USAGE if isinstance(error, (UsageError, ConfigError)) else EXIT_FAILED


def exit_status(program: str, work: Callable[[], bool], *, kept: str) -> int:
    """Do the work of a command; return its exit status, errors written to standard error.

    Parameters
    ----------
    program
        Name of the command, for messages.
    work
        Does everything; returns whether all went well.
    kept
        What is not lost if the command is interrupted, for the message.
    """
    try:
        with _terminable():
            return EXIT_DONE if work() else EXIT_FAILED
    except LumimodError as exc:
        print_error(program, exc)
        return status_of(exc)
    except Terminated:
        sys.stderr.write(f"{program}: terminated; {kept}\n")
        return EXIT_TERMINATED
    except KeyboardInterrupt:
        sys.stderr.write(f"{program}: interrupted; {kept}\n")
        return EXIT_INTERRUPTED


@contextmanager
def _terminable() -> Iterator[None]:
    """End on SIGTERM as on Ctrl-C: what is half written is removed."""

    def end(*_: object) -> None:
        raise Terminated

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
