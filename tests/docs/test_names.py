"""Files, modules and settings that the documentation names are there."""

from __future__ import annotations

import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from lumimod.config.record import ALL_SETTINGS
from tests.docs.conftest import PAGES, ROOT

BLOCK = re.compile(r"^ *```.*?^ *```$", re.M | re.S)
SPAN = re.compile(r"`([^`\n]+)`")
FILE = re.compile(r"(?:lumimod|tests|docs|Utilities|benchmarks)/[\w./-]*")
SCRIPT = re.compile(r"\w+\.py")
DOTTED = re.compile(r"lumimod(?:\.\w+)+")
NO_MODULE = {"lumimod.py", "lumimod.sub", "lumimod.log"}
SETTINGS_TABLE = re.compile(r"^\| setting .*\n\|[-|]+\n((?:\|.*\n)+)", re.M)

by_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


def spans(page: Path) -> list[str]:
    """Return the pieces of code in the text of a page."""
    return SPAN.findall(BLOCK.sub("", page.read_text(encoding="utf-8")))


def settings_in_tables(page: Path) -> Iterator[str]:
    """Yield what stands in the first column of tables of settings."""
    for rows in SETTINGS_TABLE.findall(page.read_text(encoding="utf-8")):
        for row in rows.splitlines():
            yield from SPAN.findall(row.split("|")[1])


@by_page
def test_every_file_that_a_page_names_is_there(page: Path) -> None:
    for span in filter(FILE.fullmatch, spans(page)):
        assert (ROOT / span).exists(), span
    for span in filter(SCRIPT.fullmatch, spans(page)):
        places = (ROOT, ROOT / "lumimod", ROOT / "Utilities", ROOT / "benchmarks")
        assert any((place / span).is_file() for place in places), span


@by_page
def test_every_module_and_function_that_a_page_names_is_there(page: Path) -> None:
    for span in filter(DOTTED.fullmatch, spans(page)):
        if span not in NO_MODULE:
            pkgutil.resolve_name(span)


@by_page
def test_every_setting_in_a_table_of_settings_exists(page: Path) -> None:
    assert set(settings_in_tables(page)) <= {setting.name for setting in ALL_SETTINGS}


def test_names_are_seen() -> None:
    seen = {span for page in PAGES for span in spans(page)}
    assert "lumimod/tables/variables.json" in seen
    assert "lumimod.plots.save.save_figure" in seen
    assert "condor_folder" in {name for page in PAGES for name in settings_in_tables(page)}
