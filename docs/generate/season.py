"""The columns of the season table."""

from __future__ import annotations

from lumimod.summary.columns import SEASON_COLUMNS


def markdown() -> str:
    """Return a table of the columns: name, unit, meaning; a spread belongs to the row above."""
    lines = ["| column | unit | meaning |", "|---|---|---|"]
    for column in SEASON_COLUMNS:
        if not column.name.endswith("_rms"):
            lines.append(f"| `{column.name}` | {column.unit} | {column.words} |")
    return "\n".join(lines) + "\n"
