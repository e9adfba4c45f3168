"""Two runs at once on the same results, and what a dead one leaves."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import pytest

from lumimod.run.claims import CLAIMS_FOLDER, Claims
from tests import forks
from tests.run.conftest import holding

if TYPE_CHECKING:
    from tests.run.conftest import Site

pytestmark = pytest.mark.slow  # whole runs, together many seconds

FILL, OTHER = 5845, 5848


@pytest.fixture
def first(finished: Site) -> Iterator[forks.Fork]:
    """Return a run of fill 5845 that is in the middle of step lumi."""
    held, environment = holding(finished.root, [finished.paths().sb.name])
    options = ["--config", finished.config, "--verbose", "--fill", FILL, "--force", "lumi"]
    with forks.start(*options, env=environment) as run:
        while "lumi: begins" not in run.stderr.readline():
            assert run.poll() is None
        yield run
        run.kill()
        held.write_text("")


def test_second_run_says_so_and_ends_with_0(finished: Site, first: forks.Fork) -> None:
    before = finished.paths().lumi_calc.stat()
    outcome = finished.run("--fill", FILL, "--force", "lumi")
    assert outcome.status == 0
    assert outcome.out.startswith(f"fill {FILL}: left to another run (process {first.pid} on ")
    assert outcome.out.count("\n") == 1
    assert outcome.lines("WARNING", f"fill {FILL}: left to another run")
    assert finished.paths().lumi_calc.stat() == before


def test_second_run_does_the_fills_that_the_first_has_not(
    finished: Site, first: forks.Fork, good_results: Mapping[str, bytes]
) -> None:
    finished.remove("sb", "fits", fill=OTHER)
    outcome = finished.run("--force", "lumi")
    assert outcome.status == 0
    assert outcome.rows()[OTHER][:3] == ["sb", "lumi", "fits"]
    assert f"fill {FILL}: left to another run" in outcome.out
    assert finished.contents(OTHER) == good_results


def test_run_that_was_killed_blocks_nobody(finished: Site, first: forks.Fork) -> None:
    first.kill()
    first.wait()
    leftover = finished.paths().folder / ".fill_5845_lumi_calc.pkl.gz.0123.tmp"
    leftover.write_bytes(b"half of it")
    outcome = finished.run("--fill", FILL, "--force", "lumi")
    assert outcome.status == 0
    assert outcome.rows()[FILL][0] == "lumi"
    assert finished.leftovers() == []


def test_run_that_is_terminated_gives_back_its_fills_and_says_so(
    finished: Site, first: forks.Fork
) -> None:
    time.sleep(0.2)  # from saying so to the waiting
    first.send_signal(signal.SIGTERM)
    _, said = first.communicate(timeout=30)
    assert first.returncode == 143
    assert said.endswith("lumimod: terminated; finished results are kept\n")
    assert finished.leftovers() == []


def test_run_with_nothing_to_do_claims_nothing(
    finished: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen, plain = list[int](), Claims.take

    def noting(claims: Claims, fills: Iterable[int]) -> Any:
        wanted = list(fills)
        seen.extend(wanted)
        return plain(claims, wanted)

    monkeypatch.setattr(Claims, "take", noting)
    assert finished.run().status == 0
    assert seen == []
    assert not (finished.results / CLAIMS_FOLDER).exists()


def test_a_folder_that_cannot_be_written_costs_no_run_that_has_nothing_to_do(
    finished: Site,
) -> None:
    finished.results.chmod(0o555)
    try:
        assert finished.run().status == 0
    finally:
        finished.results.chmod(0o755)
