"""From data to pages: templates in which all text is escaped."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from lumimod import __version__
from lumimod.atomic import replacing
from lumimod.report.words import title_of

if TYPE_CHECKING:
    from jinja2 import Environment

HERE = Path(__file__).parent
TEMPLATES, STATIC = HERE / "templates", HERE / "static"


def render(template: str, **shown: Any) -> bytes:
    """Return a page.

    Parameters
    ----------
    template
        Its file among the templates.
    shown
        What the template takes.
    """
    page = _environment().get_template(template).render(version=__version__, **shown)
    return page.encode("utf-8", "replace")


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["title_of"] = title_of
    return made


def link(path: Path, folder: Path) -> str:
    """Return the address of a file relative to the folder of a page."""
    return quote(Path(os.path.relpath(path, folder)).as_posix())


def write_if_new(path: Path, content: bytes) -> bool:
    """Write a file whole unless it has this content already; return whether it was written.

    Raises
    ------
    OutputError
        It cannot be written.
    """
    try:
        if path.read_bytes() == content:
            return False
    except OSError:
        pass
    with replacing(path, make_folder=True) as file:
        file.write(content)
    return True
