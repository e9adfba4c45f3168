"""The report of a run as a file: what it holds, and when."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from lumimod.errors import BadInputError
from lumimod.run.report import FillReport
from lumimod.run.report_file import ReportFile, RunReport, load_report
from lumimod.steps.registry import STEPS

if TYPE_CHECKING:
    from tests.run.conftest import ReplaceRun, Site

FILL, OTHER = 5845, 5848


def read(path: Path) -> RunReport:
    report = load_report(path)
    assert report is not None
    return report


def test_report_says_of_each_fill_what_was_done_and_why_it_failed(site: Site) -> None:
    site.paths(OTHER).basic_data.unlink()
    path = site.root / "report.json"
    assert site.run("--report", path, "--fill", FILL, OTHER, 1234).status == 1
    fills = read(path).fills
    assert list(fills[FILL].done) == list(STEPS)
    assert all(seconds > 0 for seconds in fills[FILL].done.values())
    assert fills[FILL].failed == {}
    assert "no such file" in fills[OTHER].failed["sb"]
    assert "not in the beam modes" in fills[1234].failed["all"]


def test_fill_with_nothing_to_do_is_reported_as_skipped(finished: Site) -> None:
    path = finished.root / "report.json"
    finished.run("--report", path)
    assert read(path).fills == {f: FillReport(f, skipped=tuple(STEPS)) for f in (FILL, OTHER)}


def test_report_is_complete_after_each_fill(site: Site, replace_run: ReplaceRun) -> None:
    path = site.root / "report.json"
    path.write_text("of an earlier run")
    seen = []
    run = STEPS["sb"].run

    def spy(ctx: Any) -> None:
        seen.append(list(read(path).fills))
        run(ctx)

    replace_run("sb", spy)
    site.run("--report", path)
    assert seen == [[], [FILL]]
    assert list(read(path).fills) == [FILL, OTHER]


def test_report_comes_back_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    file = ReportFile(path, [FillReport(1, failed={"all": "no\nluck"})], {3: "process 7"})
    file.add(FillReport(2, {"sb": 0.125}, ("lumi",), {"massi": "\u00e9"}))
    assert read(path) == RunReport(
        {
            1: FillReport(1, failed={"all": "no\nluck"}),
            2: FillReport(2, {"sb": 0.125}, ("lumi",), {"massi": "\u00e9"}),
        },
        {3: "process 7"},
    )
    assert [p.name for p in tmp_path.iterdir()] == ["report.json"]


def test_report_that_cannot_be_written_is_an_error_in_the_log_and_the_run_goes_on(
    site: Site,
) -> None:
    path = site.root / "no" / "report.json"
    outcome = site.run("--report", path, "--fill", FILL)
    assert outcome.status == 0
    assert site.made() == list(STEPS)
    assert outcome.lines("ERROR", "report: ", str(path), "cannot be written")


def test_without_a_path_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.chdir(tmp_path)
    with caplog.at_level(logging.DEBUG):
        ReportFile(None, [FillReport(1)], {}).add(FillReport(2))
    assert list(tmp_path.iterdir()) == []
    assert caplog.records == []


def test_report_that_is_not_there_is_none(tmp_path: Path) -> None:
    assert load_report(tmp_path / "report.json") is None


@pytest.mark.parametrize(
    "data", [7, [], {}, {"fills": {}}, {"fills": [{}], "left": {}}, {"fills": [], "left": []}]
)
def test_file_that_is_no_report_is_refused(tmp_path: Path, data: Any) -> None:
    path = tmp_path / "report.json"
    path.write_text(json.dumps(data))
    with pytest.raises(BadInputError, match=r"report .*report\.json cannot be read"):
        load_report(path)
