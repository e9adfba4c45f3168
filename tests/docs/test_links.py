"""Links of the Markdown files as they are read in the repository, and the form of all others."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from docs.generate.hook import with_generated_parts
from tests.docs.conftest import PAGES, ROOT

CODE = re.compile(r"^ *```.*?^ *```$|`[^`\n]+`", re.M | re.S)
LINK = re.compile(r"\]\(\s*([^)\s]+)\s*\)")
HEADING = re.compile(r"^#+ +(.+?) *$", re.M)
HOST = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)+")

by_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


def text_of(page: Path) -> str:
    """Return a page with its generated parts, without code."""
    return CODE.sub("", with_generated_parts(page.read_text(encoding="utf-8")))


def anchors_of(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub and MkDocs name them."""
    names = HEADING.findall(with_generated_parts(page.read_text(encoding="utf-8")))
    plain = (re.sub(r"[^\w\- ]", "", name.lower()) for name in names)
    return {name.strip().replace(" ", "-") for name in plain}


@by_page
def test_every_relative_link_leads_to_a_file_and_a_heading(page: Path) -> None:
    for link in LINK.findall(text_of(page)):
        url = urlsplit(link)
        if url.scheme:
            continue
        target = (page.parent / url.path).resolve() if url.path else page
        assert target.exists(), link
        if url.fragment:
            assert url.fragment in anchors_of(target), link


@by_page
def test_every_external_link_is_https_to_a_named_host(page: Path) -> None:
    for link in LINK.findall(text_of(page)):
        url = urlsplit(link)
        if url.scheme:
            assert url.scheme == "https", link
            assert HOST.fullmatch(url.netloc), link


def test_links_are_seen() -> None:
    links = LINK.findall(text_of(ROOT / "README.md"))
    assert "docs/getting-started.md" in links
    assert "docs/guides/day.md#the-steps" in links


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 150
