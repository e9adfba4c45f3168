"""What became of a fill, and its form in a file."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from lumimod.run.report import FillReport

REPORT = FillReport(
    5845, {"sb": 1.5, "lumi": 0.25}, ("cycle",), {"massi": "a\nfill 5848: sb: two lines"}
)


def test_a_report_comes_back_from_json() -> None:
    assert FillReport.from_dict(json.loads(json.dumps(REPORT.to_dict()))) == REPORT


def test_a_fill_in_progress_stays_one_in_json() -> None:
    open_fill = replace(REPORT, in_progress=True)
    assert FillReport.from_dict(json.loads(json.dumps(open_fill.to_dict()))) == open_fill


def test_the_json_form_of_a_report_is_plain() -> None:
    assert REPORT.to_dict() == {
        "fill": 5845,
        "done": {"sb": 1.5, "lumi": 0.25},
        "skipped": ["cycle"],
        "failed": {"massi": "a\nfill 5848: sb: two lines"},
        "stale": {},
        "waiting": {},
        "since": {},
        "in_progress": False,
        "nothing": "",
    }


@pytest.mark.parametrize(
    "data", [{}, {"fill": 5845}, {**REPORT.to_dict(), "done": 5}, {**REPORT.to_dict(), "fill": "a"}]
)
def test_what_is_no_report_is_refused(data: dict[str, object]) -> None:
    with pytest.raises((KeyError, TypeError, ValueError)):
        FillReport.from_dict(data)
