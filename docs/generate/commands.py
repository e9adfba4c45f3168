"""What every command says of itself with --help."""

from __future__ import annotations

import contextlib
import io
import os
import runpy
import sys
from pathlib import Path
from unittest.mock import patch

ROOT = Path(__file__).parents[2]
SCRIPTS = ("lumimod.py", *sorted(f"Utilities/{p.name}" for p in (ROOT / "Utilities").glob("*.py")))
ALIKE = ("001b", "001c", "001d", "001e")
"""Scripts that take the options of 001a."""


def markdown() -> str:
    """Return a section for each command with its help."""
    return "\n".join(_section(script) for script in SCRIPTS if not _is_alike(script))


def _is_alike(script: str) -> bool:
    return Path(script).name.startswith(ALIKE)


def _section(script: str) -> str:
    others = filter(_is_alike, SCRIPTS) if "/001a" in script else ()
    also = ", ".join(f"`{other}`" for other in others)
    words = f"The same options have {also}.\n\n" if also else ""
    return f"## {script}\n\n{words}```text\n{help_of(script)}```\n"


def help_of(script: str) -> str:
    """Return what `python SCRIPT --help` prints."""
    said = io.StringIO()
    with contextlib.ExitStack() as stack:
        stack.enter_context(patch.object(sys, "argv", [script, "--help"]))
        stack.enter_context(patch.dict(os.environ, COLUMNS="90", NO_COLOR="1"))
        stack.enter_context(contextlib.redirect_stdout(said))
        stack.enter_context(contextlib.suppress(SystemExit))
        runpy.run_path(str(ROOT / script), run_name="__main__")
    return said.getvalue()
