"""The report of a run as a JSON file, rewritten after each fill.

`--report` names the file; a job on HTCondor writes `chunk_N.json` in its job folder. A run that is
killed has still reported the fills that it finished.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lumimod.atomic import replacing
from lumimod.errors import BadInputError, OutputError
from lumimod.readers.json_file import load_json
from lumimod.run.report import FillReport

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class RunReport:
    """What became of the fills of a run, up to now."""

    fills: Mapping[int, FillReport]
    """Reports of the fills that have been run, by fill number."""
    left: Mapping[int, str]
    """Fills that were left to another run, and which run that is."""

    def to_dict(self) -> dict[str, Any]:
        """Return the report as JSON has it."""
        return {
            "fills": [report.to_dict() for report in self.fills.values()],
            "left": {str(fill): run for fill, run in self.left.items()},
        }


class ReportFile:
    """Collects the reports of fills and writes them to a file; without a path it does nothing.

    A file that cannot be written is an error in the log. The run goes on: its results matter more.
    """

    def __init__(
        self, path: Path | None, reports: Iterable[FillReport], left: Mapping[int, str]
    ) -> None:
        self._path = path
        self._fills = {report.fill: report for report in reports}
        self._left = dict(left)
        self._write()

    def add(self, report: FillReport) -> None:
        """Write the file with the report of one more fill."""
        self._fills[report.fill] = report
        self._write()

    def _write(self) -> None:
        if self._path is None:
            return
        report = RunReport(self._fills, self._left)
        try:
            with replacing(self._path) as file:
                file.write(json.dumps(report.to_dict(), indent=1).encode())
        except OutputError as exc:
            log.error("report: %s", exc)


def load_report(path: Path) -> RunReport | None:
    """Return the report in a file; None if there is no such file.

    Raises
    ------
    BadInputError
        The file cannot be read or holds something else.
    """
    try:
        data = load_json(path)
        reports = [FillReport.from_dict(entry) for entry in data["fills"]]
        left = {int(fill): str(run) for fill, run in data["left"].items()}
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as exc:
        raise BadInputError(f"report {path} cannot be read ({exc!r})") from exc
    return RunReport({report.fill: report for report in reports}, left)
