"""CITATION.cff and CHANGELOG.md agree with the version of the package."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

import lumimod
from tests.docs.conftest import ROOT


@pytest.fixture(scope="module")
def citation() -> dict[str, Any]:
    """Return what CITATION.cff holds."""
    return yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))


def test_the_citation_has_what_its_format_demands(citation: dict[str, Any]) -> None:
    assert {"cff-version", "message", "title", "authors"} <= set(citation)
    assert citation["cff-version"] == "1.2.0"
    assert citation["authors"] == [{"name": "The lumimod developers"}]
    [original] = citation["references"]
    assert {"type", "title", "authors"} <= set(original)
    names = [author["family-names"] for author in original["authors"]]
    assert names == ["Karastathis", "Antoniou", "Iadarola"]


def test_the_citation_is_of_this_version(citation: dict[str, Any]) -> None:
    assert str(citation["version"]) == lumimod.__version__


def test_the_changelog_has_this_version_with_the_date_of_the_citation(
    citation: dict[str, Any],
) -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    titles = re.findall(r"^## \[(.+?)\](?: - (\d{4}-\d\d-\d\d))?$", text, re.M)
    assert titles[0] == ("Unreleased", "")
    assert dict(titles)[lumimod.__version__] == str(citation["date-released"])
