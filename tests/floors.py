"""The floors of the package: which room may import which.

`test_layers.py` checks them, the documentation shows them as a table (`markdown_table`).
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

import lumimod

PACKAGE = Path(lumimod.__file__).parent

FLOORS: tuple[tuple[str, ...], ...] = (
    ("errors",),
    ("arrays", "atomic", "parallel"),
    ("physics", "readers"),
    ("tables", "writers"),
    ("config", "instruments", "simulate"),
    ("paths", "sources"),
    ("records", "fetch"),
    ("steps",),
    ("summary",),
    ("plots",),
    ("run",),
    ("report",),
    ("condor",),
    ("commands",),
    ("cli",),
    ("__main__",),
)
"""From the ground up: a room may import rooms of the floors below its own, and no others."""

FLOOR = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
EVERYTHING = "everything below"
PARTS = "In:|Out:|May import:|To add an? [^:]+:"
"""How the lines of a room's docstring begin, below its title."""


def docstring(room: str) -> str:
    """Return the docstring of a room: of its __init__.py, or of the module."""
    path = PACKAGE / room / "__init__.py"
    source = path if path.is_file() else PACKAGE / f"{room}.py"
    return ast.get_docstring(ast.parse(source.read_text(encoding="utf-8"))) or ""


def part(room: str, start: str) -> str:
    """Return what follows `start` in a room's docstring, up to the next part or blank line."""
    found = re.search(rf"^{start}(.*?)(?=\n\n|\n(?:{PARTS})|\Z)", docstring(room), re.M | re.S)
    return "" if found is None else " ".join(found[1].split())


def below(room: str) -> set[str]:
    """Return the rooms of the floors below."""
    return {other for other, floor in FLOOR.items() if floor < FLOOR[room]}


def may_import(room: str) -> set[str]:
    """Return the rooms that a room's docstring lists as those that it may import."""
    listed = part(room, "May import:").rstrip(".")
    return below(room) if listed == EVERYTHING else set(filter(None, listed.split(", ")))


def is_package(room: str) -> bool:
    return (PACKAGE / room).is_dir()


def markdown_table() -> str:
    """Return the rooms from the top floor down, as a table in Markdown."""
    lines = ["| Floor | Room | What it is | May import |", "| ---: | --- | --- | --- |"]
    for floor, rooms in reversed(list(enumerate(FLOORS))):
        for room in rooms:
            title = docstring(room).partition("\n")[0]
            allowed = part(room, "May import:").rstrip(".") or EVERYTHING
            lines.append(f"| {floor} | `{room}` | {title} | {allowed if floor else 'nothing'} |")
    return "\n".join(lines) + "\n"
