"""The JSON files beside these modules."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def packaged_path(name: str) -> Path:
    """Return where a file that comes with the package is."""
    return Path(__file__).with_name(name)


def packaged_table(name: str) -> Any:
    """Return what a JSON file that comes with the package holds."""
    return json.loads(packaged_path(name).read_text(encoding="utf-8"))
