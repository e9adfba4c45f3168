"""The web site: built without a warning, complete, and readable without a network."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from tests.docs.conftest import DOCS

pytestmark = pytest.mark.slow

LOADING = {"script": "src", "link": "href", "img": "src", "iframe": "src", "source": "src"}
"""What a browser fetches by itself."""


@dataclass
class Page(HTMLParser):
    """Links, anchors and what is loaded of one page."""

    path: Path
    links: list[str] = field(default_factory=list)
    anchors: set[str] = field(default_factory=set)
    loaded: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()
        self.feed(self.path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if values.get("id"):
            self.anchors.add(str(values["id"]))
        if tag == "a" and values.get("href"):
            self.links.append(str(values["href"]))
        if values.get(LOADING.get(tag, "")):
            self.loaded.append(str(values[LOADING[tag]]))


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, Page]:
    """Return every page by its file."""
    return {path: Page(path) for path in site.rglob("*.html") if path.name != "404.html"}


def test_every_page_of_the_documentation_is_built(pages: dict[Path, Page], site: Path) -> None:
    sources = {path.relative_to(DOCS).with_suffix(".html") for path in DOCS.rglob("*.md")}
    assert {path.relative_to(site) for path in pages} == sources


def test_every_link_and_anchor_within_the_site_leads_somewhere(pages: dict[Path, Page]) -> None:
    for page in pages.values():
        for link in page.links:
            url = urlsplit(link)
            if url.scheme or link == ".":
                continue
            target = (page.path.parent / unquote(url.path)).resolve() if url.path else page.path
            assert target.is_file(), f"{page.path.name}: {link}"
            if url.fragment and target in pages:
                anchors = pages[target].anchors
                assert unquote(url.fragment) in anchors, f"{page.path.name}: {link}"


def test_no_page_loads_anything_from_elsewhere(pages: dict[Path, Page]) -> None:
    for page in pages.values():
        assert page.loaded
        for source in page.loaded:
            assert not urlsplit(source).netloc, f"{page.path.name}: {source}"
            assert (page.path.parent / urlsplit(source).path).is_file(), source


def test_no_mark_of_a_generated_part_and_no_formula_is_left_as_text(site: Path) -> None:
    for path in site.rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        assert "<!-- generated" not in text, path.name
        assert "\\mathrm" not in text.replace("aria-label", "\n").split("\n")[0], path.name
