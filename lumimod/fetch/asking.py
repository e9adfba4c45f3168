"""Asking a source for the variables of one file, and saving the answers as they come."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from lumimod.arrays import Series
from lumimod.errors import BadInputError, LumimodError, SourceError
from lumimod.fetch.groups import Group, Wanted
from lumimod.fetch.parts import Parts
from lumimod.fetch.saved import Saved
from lumimod.readers.bmodes import FillModes
from lumimod.sources.base import Source, UnusableError

log = logging.getLogger(__name__)

MOST_FAILED_IN_A_ROW = 2
"""So many variables without an answer, one after the other, mean that the connection is lost."""
UNKNOWN = "not known to the source"
NO_SAMPLE = "no sample in this fill"


class LostError(SourceError):
    """The source no longer answers; its answers so far are kept for the next run."""


@dataclass(frozen=True)
class FileRequest:
    """One file of one fill to fetch."""

    source: Source
    group: Group
    fill: FillModes
    path: Path
    wanted: tuple[Wanted, ...]
    saved: Saved | None = None
    """What an earlier run fetched."""
    force: bool = False
    """Fetch everything again."""

    @property
    def label(self) -> str:
        """Return the start of log lines and messages."""
        return f"fill {self.fill.fill}: {self.group.name}"

    @property
    def span(self) -> tuple[float, float]:
        """Return start and end of the fill, Unix s."""
        return self.fill.t_startfill_s, self.fill.t_endfill_s


@dataclass
class Answers:
    """The answers so far, by variable."""

    series: dict[str, Series] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)
    """Why a variable is missing, or not complete."""
    failed: list[str] = field(default_factory=list)
    """Variables that failed in a row, up to now."""


def ask_source(request: FileRequest, names: Sequence[str], parts: Parts) -> Answers:
    """Return the answers of the source for the variables `names`.

    Raises
    ------
    LostError
        The source no longer answers.
    """
    if request.source.can_be_lost:
        answers = _one_by_one(request, names, parts)
    else:
        answers = _all_at_once(request, names)
    _take_values_before(request, names, answers)
    return answers


def _all_at_once(request: FileRequest, names: Sequence[str]) -> Answers:
    series = request.source.get(names, *request.span)
    return Answers(series, {name: UNKNOWN for name in names if name not in series})


def _one_by_one(request: FileRequest, names: Sequence[str], parts: Parts) -> Answers:
    """Return the answers of a source whose connection may break."""
    answers = Answers()
    parts.check(names)
    for name in names:
        try:
            series = _variable(request, name, parts)
        except UnusableError:
            raise
        except SourceError as exc:
            log.warning("%s: %s", request.label, exc)
            answers.reasons[name] = str(exc)
            answers.failed.append(name)
            if len(answers.failed) >= MOST_FAILED_IN_A_ROW or len(names) == 1:
                raise LostError(_lost(request, names, answers, exc)) from exc
        except BadInputError as exc:
            log.warning("%s: %s", request.label, exc)
            answers.reasons[name] = str(exc)
        else:
            answers.failed.clear()
            _add(answers, request, name, series, parts)
    return answers


def _add(
    answers: Answers, request: FileRequest, name: str, series: Series | None, parts: Parts
) -> None:
    """Add the answer for a variable, and what of it is missing."""
    if series is None:
        answers.reasons[name] = UNKNOWN
        return
    answers.series[name] = series
    if left := parts.missing(name, *request.span, np.inf):
        answers.reasons[name] = f"no longer known to the source: no samples of {_in_words(left)}"
        log.warning("%s: %s: %s", request.label, name, answers.reasons[name])


def _variable(request: FileRequest, name: str, parts: Parts) -> Series | None:
    """Return a variable; only the spans that are not among the parts are asked for."""
    slice_s = min(request.group.slice_s, request.source.slice_s)
    for start_s, stop_s in parts.missing(name, *request.span, slice_s):
        answer = request.source.get([name], start_s, stop_s)
        if name in answer:
            parts.add(answer[name], start_s, stop_s)
            log.debug("%s: %s: %d samples", request.label, name, answer[name].time_s.size)
        elif not parts.spans(name):
            return None
    return parts.read(name, *request.span)


def _in_words(spans: Iterable[tuple[float, float]]) -> str:
    edges = [[str(np.datetime64(round(t), "s")).replace("T", " ") for t in s] for s in spans]
    return " and ".join(f"{start} to {stop} UTC" for start, stop in edges)


def _lost(request: FileRequest, names: Sequence[str], answers: Answers, error: LumimodError) -> str:
    return (
        f"{request.label}: the connection is lost after {len(answers.series)} of {len(names)} "
        f"variables: {error}; {request.source.advice}"
    )


def _take_values_before(request: FileRequest, names: Sequence[str], answers: Answers) -> None:
    """Take the last value before the fill of variables that did not change in it."""
    start_s = request.span[0]
    for want in request.wanted:
        for name in set(want.names) & set(names) if want.holds else ():
            series = answers.series.get(name)
            failed = answers.reasons.get(name, UNKNOWN) != UNKNOWN
            if failed or (series is not None and series.time_s.size):
                continue
            try:
                last = request.source.last(name, start_s)
            except (SourceError, BadInputError) as exc:
                answers.reasons[name] = str(exc)
                continue
            if last is not None and last.time_s.size:
                log.info(
                    "%s: %s: not logged in this fill, its last value before is taken",
                    request.label, name,
                )  # fmt: skip
                answers.series[name] = replace(last, time_s=np.array([start_s]))
                answers.reasons.pop(name, None)
