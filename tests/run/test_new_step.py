"""A step that is added: plan, run, report, help and --status follow without a change elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import lumimod
from lumimod.cli import parser
from lumimod.records import CalculatedLumi
from lumimod.records.store import load
from lumimod.run.plan import missing_steps
from lumimod.steps import TITLES
from lumimod.steps.registry import STEPS
from tests.run.pileup import SIGMA_INELASTIC_M2, STEP, Pileup

if TYPE_CHECKING:
    from tests.run.conftest import Outcome, Site

FILL, OTHER = 5845, 5848
BEFORE = list(TITLES)


@pytest.fixture(autouse=True)
def added(monkeypatch: pytest.MonkeyPatch) -> None:
    """Add the step: its line in the list, which names its module."""
    monkeypatch.setitem(TITLES, "mu", "pile-up of each bunch")  # type: ignore[arg-type]
    monkeypatch.setitem(STEPS, "mu", STEP)  # type: ignore[arg-type]


def status_of(outcome: Outcome, fill: int) -> dict[str, str]:
    return dict(zip(TITLES, outcome.rows()[fill]))


def test_help_has_the_new_step_and_its_title() -> None:
    assert "mu (pile-up of each bunch)" in " ".join(parser().format_help().split())
    assert parser().parse_args(["--force", "mu"]).force == ["mu"]


def test_dry_run_has_a_column_for_the_new_step(finished: Site) -> None:
    statuses = status_of(finished.run("--dry-run"), FILL)
    assert statuses == {**dict.fromkeys(BEFORE, "present"), "mu": "to-do"}


def test_finished_fills_get_the_new_result_and_nothing_else(finished: Site) -> None:
    before = finished.contents()
    outcome = finished.run()
    path = finished.paths().result("mu")
    assert outcome.status == 0
    assert outcome.rows()[FILL][0] == "mu"
    assert outcome.lines("INFO", f"fill {FILL}: mu: {path} (missing) in ")
    after = finished.contents()
    assert after.keys() - before.keys() == {f"fill_{f}_mu.pkl.gz" for f in (FILL, OTHER)}
    assert {name: after[name] for name in before} == before
    lumi = load(finished.paths().lumi_calc, CalculatedLumi).bunch_lumi["ATLAS"]
    expected = lumi * SIGMA_INELASTIC_M2 / finished.cfg.machine.f_rev_hz
    assert load(path, Pileup).atlas == pytest.approx(expected)
    assert finished.run().out == "2 fills: nothing to do\n"


def test_new_step_runs_with_all_others(site: Site) -> None:
    assert missing_steps(FILL, site.cfg) == (*BEFORE, "mu")
    assert site.run("--fill", FILL).status == 0
    assert missing_steps(FILL, site.cfg) == ()


def test_new_step_is_blocked_by_what_it_needs(site: Site) -> None:
    site.paths().basic_data.unlink()
    outcome = site.run("--fill", FILL)
    assert f"fill {FILL}: mu: blocked by sb, lumi\n" in outcome.out
    assert status_of(site.run("--dry-run"), FILL)["mu"] == "blocked"


@pytest.mark.parametrize("options", [["--doOnly", "mu"], ["--force", "lumi", "--cascade"]])
def test_new_step_can_be_asked_for_and_follows_what_it_needs(
    finished: Site, options: list[str]
) -> None:
    finished.run()
    outcome = finished.run("--fill", FILL, *options)
    assert outcome.lines("INFO", f"fill {FILL}: mu: ")


def test_new_step_is_stale_after_a_newer_input(finished: Site) -> None:
    finished.run()
    finished.configure(betastar_m=0.4)
    finished.run("--fill", FILL, "--force", "lumi")
    finished.configure()
    assert status_of(finished.run("--dry-run"), FILL)["mu"] == "stale"


def test_new_record_has_a_data_frame(site: Site) -> None:
    site.configure(savePandas=True)
    site.run("--fill", FILL)
    path = site.paths().folder / f"fill_{FILL}_mu_df.pkl.gz"
    assert list(lumimod.load(path)) == ["fill", "experiment", "time_s", "slot", "pileup"]
