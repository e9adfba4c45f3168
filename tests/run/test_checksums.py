"""Data that changed after they were fetched are told, and the results keep it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lumimod.readers.checksums import enter_sums
from lumimod.readers.unpickle import load_pickle

if TYPE_CHECKING:
    from tests.run.conftest import Site

FILL, OTHER = 5845, 5848


def notes(site: Site, step: str) -> list[str]:
    made = load_pickle(site.written(step)[0])["made"]
    return [note["text"] for note in made["notes"] if note["kind"] == "changed"]


@pytest.fixture
def fetched(site: Site) -> Site:
    """Return the site with the checksums that fetching its data would have left."""
    enter_sums(site.data, [path for path in site.data.rglob("*") if path.is_file()])
    return site


def test_data_as_they_were_fetched_have_no_note(fetched: Site) -> None:
    outcome = fetched.run("--fill", FILL, "--doOnly", "sb")
    assert "since it was fetched" not in outcome.err
    assert notes(fetched, "sb") == []


def test_a_digit_that_changed_is_told_in_the_log_and_in_the_result(fetched: Site) -> None:
    path = fetched.paths().bbb_data
    content = bytearray(path.read_bytes())
    place = content.rindex(b".", 0, len(content) // 2) + 1  # behind a decimal point
    content[place : place + 1] = b"1" if content[place : place + 1] != b"1" else b"2"
    path.write_bytes(content)
    outcome = fetched.run("--fill", FILL, "--doOnly", "sb")
    assert outcome.lines("WARNING", f"{path.name} has changed since it was fetched")
    assert notes(fetched, "sb")[0].startswith(f"{path.name} has changed since it was fetched")


def test_beam_modes_that_changed_are_told_once(fetched: Site) -> None:
    fetched.edit_modes(t_stop_STABLE=fetched.modes()[FILL]["t_stop_STABLE"] - 60)
    outcome = fetched.run("--fill", FILL, OTHER, "--dry-run")
    assert len(outcome.lines("WARNING", "fills_and_bmodes.pkl has changed since")) == 1


def test_data_without_checksums_are_not_checked(site: Site) -> None:
    site.paths().bbb_data.write_bytes(site.paths().bbb_data.read_bytes() + b"\n")
    assert "since it was fetched" not in site.run("--fill", FILL, "--doOnly", "sb").err
