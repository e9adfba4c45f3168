"""The libraries that lumimod is installed with: a Python without them is told at once."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.util import find_spec

LIBRARIES = (
    "numpy", "scipy", "pandas", "matplotlib", "PIL", "jinja2", "yaml", "tqdm", "shtab",
)  # fmt: skip
"""Modules of the dependencies in pyproject.toml that are needed on every machine."""


def check_libraries(names: Sequence[str] = LIBRARIES) -> None:
    """End the program if this Python lacks a library, as where .venv was not activated.

    Raises
    ------
    SystemExit
        A library is missing: the exit status is that of wrong usage, 2.
    """
    missing = [name for name in names if find_spec(name) is None]
    if missing:
        sys.stderr.write(
            f"lumimod: error: {sys.executable} has no {', '.join(missing)}: lumimod is not "
            "installed for this Python; activate its environment (after `make run`: "
            "`. .venv/bin/activate` in the clone), or install it: `pip install .` there\n"
        )
        raise SystemExit(2)
