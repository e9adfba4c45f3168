"""What the user sees while fills run and at the end."""

from __future__ import annotations

import logging
import logging.handlers
import sys
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tqdm import tqdm

from lumimod.errors import OutputError
from lumimod.run.plan import PLOTS, Plan, Status
from lumimod.run.report import FillReport, local_minutes
from lumimod.steps import TITLES
from lumimod.summary.screen import aligned


class Display:
    """Log lines and, on a terminal, a progress bar. Use as a context manager.

    Without a terminal (cron, batch) there are log lines alone, from INFO on. With one the bar
    says fill, step and time left, and only warnings are logged unless a level is asked for.
    """

    def __init__(
        self, log_format: str, level: int | None = None, log_file: Path | None = None
    ) -> None:
        self._bar: tqdm[Any] | None = None
        terminal = sys.stderr.isatty()
        self._show_bar = terminal
        self._level = level or (logging.WARNING if terminal else logging.INFO)
        lines = _Lines()
        lines.setFormatter(logging.Formatter(log_format))
        lines.setLevel(self._level)
        self.handlers: tuple[logging.Handler, ...] = (lines, _Progress(self))
        if log_file is not None:
            self.handlers += (_to_file(log_file, log_format, level or logging.INFO),)
            self._level = min(self._level, level or logging.INFO)

    def __enter__(self) -> Display:
        root = logging.getLogger()
        self._before = root.handlers[:], root.level
        root.handlers = [*self.handlers]
        # The bar follows DEBUG records that mark where a step begins.
        root.setLevel(logging.DEBUG if self._show_bar else self._level)
        logging.captureWarnings(True)
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()
        for handler in self.handlers:
            handler.close()
        logging.captureWarnings(False)
        root = logging.getLogger()
        root.handlers, level = self._before
        root.setLevel(level)

    def expect(self, total: int) -> None:
        """Start the bar over a number of steps."""
        if self._show_bar and total:
            self._bar = tqdm(total=total, unit="step", leave=False, dynamic_ncols=True)

    def close(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def advance(self, fill: int, step: str, *, begins: bool) -> None:
        """Show that a step begins or has ended."""
        if self._bar is None:
            return
        self._bar.set_description(f"fill {fill} {step}")
        if not begins:
            self._bar.update()


_FILE_BYTES, _N_FILES = 10_000_000, 5
"""A log file is begun anew at this size, and so many of the older ones are kept."""


def _to_file(path: Path, log_format: str, level: int) -> logging.Handler:
    """Return what writes the log to a file as well.

    Raises
    ------
    OutputError
        It cannot be written.
    """
    try:
        handler = logging.handlers.RotatingFileHandler(
            path, maxBytes=_FILE_BYTES, backupCount=_N_FILES, encoding="utf-8"
        )
    except OSError as exc:
        raise OutputError(f"log file {path} cannot be written ({exc.strerror})") from exc
    handler.setFormatter(logging.Formatter(log_format))
    handler.setLevel(level)
    return handler


class _Lines(logging.Handler):
    """Writes lines to standard error, above the bar if there is one."""

    def emit(self, record: logging.LogRecord) -> None:
        tqdm.write(self.format(record), file=sys.stderr)


class _Progress(logging.Handler):
    """Moves the bar by the records that mark steps."""

    def __init__(self, display: Display) -> None:
        super().__init__()
        self._display = display

    def emit(self, record: logging.LogRecord) -> None:
        progress = getattr(record, "progress", None)
        if progress is not None:
            fill, step, begins = progress
            self._display.advance(fill, step, begins=begins)


# --- tables


def plan_table(plans: Mapping[int, Plan], pictures: Mapping[int, str]) -> str:
    """Return a table of fills by steps and pictures, and why steps are blocked or stale."""
    if not plans:
        return "no fill to run\n"
    rows = [["fill", *TITLES, PLOTS]]
    reasons = []
    for fill, plan in plans.items():
        statuses = (plan[name].status if name in plan else Status.OFF for name in TITLES)
        rows.append([str(fill), *(status.value for status in statuses), pictures[fill]])
        reasons += [
            _entry(fill, name, str(planned))
            for name, planned in plan.items()
            if planned.reason and planned.status is not Status.OFF
        ]
    return columns(rows) + "".join(reasons)


def report_table(reports: Sequence[FillReport], left: Mapping[int, str] | None = None) -> str:
    """Return a table of what became of each fill.

    Fills with nothing to do are only counted; those `left` to another run are named with it.
    """
    busy = [r for r in reports if r.done or r.failed]
    rows = [["fill", "done", "skipped", "failed", "seconds", ""]]
    for r in busy:
        seconds = f"{sum(r.done.values()):.1f}"
        names = [" ".join(n) or "-" for n in (r.done, r.skipped, r.failed)]
        rows.append([str(r.fill), *names, seconds, "in progress" if r.in_progress else ""])
    out = columns(rows) if busy else ""
    out += "".join(_entry(r.fill, n, _failure(r, n)) for r in busy for n in r.failed)
    out += nothing_lines(reports)
    out += "".join(
        f"fill {r.fill}: {n}: waiting: {why}\n" for r in reports for n, why in r.waiting.items()
    )
    stale = [
        f"fill {r.fill}: {n}: out of date: {why}\n" for r in reports for n, why in r.stale.items()
    ]
    out += "".join(stale) + ("to make these again: --cascade\n" if stale else "")
    left = left or {}
    out += "".join(f"fill {f}: left to another run ({owner})\n" for f, owner in left.items())
    n_idle = sum(r.is_idle for r in reports)
    if n_idle or not (reports or left):
        out += f"{n_idle} fill{'' if n_idle == 1 else 's'}: nothing to do\n"
    return out


def nothing_lines(reports: Sequence[FillReport]) -> str:
    """Return a line for each fill of which there is nothing to follow up."""
    return "".join(f"fill {r.fill}: {r.nothing}\n" for r in reports if r.nothing)


def _failure(report: FillReport, step: str) -> str:
    """Return why a step failed, and since when if the last run failed too."""
    since = report.since.get(step)
    return report.failed[step] + (f" (since {local_minutes(since)} Zurich)" if since else "")


def _entry(fill: int, step: str, why: str) -> str:
    """Return why a step failed or what is planned of it, further lines indented."""
    return textwrap.indent(f"fill {fill}: {step}: {why}\n", "  ").lstrip(" ")


def columns(rows: Sequence[Sequence[str]]) -> str:
    """Return rows as lines with aligned columns."""
    return "".join(f"{line}\n" for line in aligned(rows))
