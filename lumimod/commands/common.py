"""What the commands have in common: options, and the exit status of an error."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Callable

from lumimod.errors import ConfigError, LumimodError, UsageError

EXIT_DONE, EXIT_FAILED, EXIT_USAGE, EXIT_INTERRUPTED = 0, 1, 2, 130


def add_config(parser: argparse.ArgumentParser) -> None:
    """Add the option --config."""
    parser.add_argument(
        "--config", type=Path, default=Path("config.py"), metavar="PATH",
        help="configuration file (default ./config.py)",
    )  # fmt: skip


def exit_status(program: str, work: Callable[[], bool]) -> int:
    """Do the work of a command; return its exit status, the errors told on standard error."""
    try:
        return EXIT_DONE if work() else EXIT_FAILED
    except (UsageError, ConfigError) as exc:
        sys.stderr.write(f"{program}: {exc}\n")
        return EXIT_USAGE
    except LumimodError as exc:
        sys.stderr.write(f"{program}: {exc}\n")
        return EXIT_FAILED
