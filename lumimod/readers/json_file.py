"""JSON files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from lumimod.readers.locate import opened

MOST_BYTES = 1 << 28
"""Longest file that is read: that of the beam modes of a year has 2 MB."""


def load_json(path: Path) -> Any:
    """Return what a JSON file holds.

    Raises
    ------
    OSError
        It is missing or cannot be read.
    BadInputError
        It is not a plain file.
    ValueError
        It is not JSON, too long, or nested too deeply.
    """
    with opened(path) as file:
        text = file.read(MOST_BYTES + 1)
    if len(text) > MOST_BYTES:
        raise ValueError(f"longer than {MOST_BYTES >> 20} MB")
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None
