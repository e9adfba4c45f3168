"""Asking a source for the variables of one file; the answers go to the disk as they come."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from lumimod.arrays import Series
from lumimod.errors import BadInputError, LumimodError, SourceError
from lumimod.fetch.groups import Group, Wanted
from lumimod.fetch.parts import Parts
from lumimod.fetch.saved import Saved
from lumimod.readers.bmodes import FillModes
from lumimod.sources.base import Source, UnusableError, between

log = logging.getLogger(__name__)

MOST_FAILED_IN_A_ROW = 2
"""So many variables without an answer, one after the other, mean that the connection is lost."""
BUNCHES_AT_ONCE = 2
"""Variables over bunches that are in memory together: in a long fill one has 0.2 GB."""
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
    """What an earlier run fetched and is still there."""
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

    @property
    def names(self) -> list[str]:
        """Return the variables, the best of each quantity first."""
        return [name for want in self.wanted for name in want.names]


@dataclass
class Answers:
    """What came, by variable; the samples themselves are among the parts."""

    n_samples: dict[str, int] = field(default_factory=dict)
    last_s: dict[str, float] = field(default_factory=dict)
    """Time of the last sample, Unix s."""
    held: dict[str, Series] = field(default_factory=dict)
    """Values from before the fill, of variables that did not change in it."""
    reasons: dict[str, str] = field(default_factory=dict)
    """Why a variable is missing, or not complete."""
    failed: list[str] = field(default_factory=list)
    """Variables that failed in a row, up to now."""

    def add(self, name: str, series: Series) -> None:
        """Note what came of a variable."""
        self.n_samples[name] = series.time_s.size
        if series.time_s.size:
            self.last_s[name] = float(series.time_s[-1])


Asked = Mapping[str, float]
"""Variables to ask for, and since when, Unix s."""


def ask_source(request: FileRequest, asked: Asked, parts: Parts) -> Answers:
    """Return what the source answered for the variables; the samples are added to the parts.

    Raises
    ------
    LostError
        The source no longer answers.
    """
    if request.source.can_be_lost:
        answers = _one_by_one(request, asked, parts)
    else:
        answers = _many_at_once(request, asked, parts)
    _take_values_before(request, asked, answers)
    return answers


def _many_at_once(request: FileRequest, asked: Asked, parts: Parts) -> Answers:
    """Return the answers of a source that reads whole files."""
    answers = Answers()
    stop_s = request.span[1]
    names = list(asked)
    size = BUNCHES_AT_ONCE if request.group.bunches else max(len(names), 1)
    for some in (names[i : i + size] for i in range(0, len(names), size)):
        series = request.source.get(some, min(asked[name] for name in some), stop_s)
        for name in some:
            if name not in series:
                answers.reasons[name] = UNKNOWN
                continue
            parts.drop([name])  # of a run that was interrupted
            one = between(series.pop(name), asked[name], stop_s)
            parts.add(one, asked[name], stop_s)
            answers.add(name, one)
    return answers


def _one_by_one(request: FileRequest, asked: Asked, parts: Parts) -> Answers:
    """Return the answers of a source whose connection may break."""
    answers = Answers()
    parts.check(asked)
    for name, since_s in asked.items():
        try:
            series = _variable(request, name, since_s, parts)
        except UnusableError:
            raise
        except SourceError as exc:
            log.warning("%s: %s", request.label, exc)
            answers.reasons[name] = str(exc)
            answers.failed.append(name)
            if len(answers.failed) >= MOST_FAILED_IN_A_ROW or len(asked) == 1:
                raise LostError(_lost(request, list(asked), answers, exc)) from exc
        except BadInputError as exc:
            log.warning("%s: %s", request.label, exc)
            answers.reasons[name] = str(exc)
        else:
            answers.failed.clear()
            if series is None:
                answers.reasons[name] = UNKNOWN
                continue
            answers.add(name, series)
            _note_gaps(answers, request, name, since_s, parts)
    return answers


def _note_gaps(
    answers: Answers, request: FileRequest, name: str, since_s: float, parts: Parts
) -> None:
    """Note for what times nothing of a variable came."""
    if left := parts.missing(name, since_s, request.span[1], np.inf):
        answers.reasons[name] = f"no longer known to the source: no samples of {_in_words(left)}"
        log.warning("%s: %s: %s", request.label, name, answers.reasons[name])


def _variable(request: FileRequest, name: str, since_s: float, parts: Parts) -> Series | None:
    """Return a variable; only the spans that are not among the parts are asked for."""
    slice_s = min(request.group.slice_s, request.source.slice_s)
    stop_s = request.span[1]
    for first_s, last_s in parts.missing(name, since_s, stop_s, slice_s):
        answer = request.source.get([name], first_s, last_s)
        if name in answer:
            parts.add(answer[name], first_s, last_s)
            log.debug("%s: %s: %d samples", request.label, name, answer[name].time_s.size)
        elif not parts.spans(name):
            return None
    return parts.read(name, since_s, stop_s)


def _in_words(spans: Iterable[tuple[float, float]]) -> str:
    edges = [[str(np.datetime64(round(t), "s")).replace("T", " ") for t in s] for s in spans]
    return " and ".join(f"{start} to {stop} UTC" for start, stop in edges)


def _lost(request: FileRequest, names: Sequence[str], answers: Answers, error: LumimodError) -> str:
    return (
        f"{request.label}: the connection is lost after {len(answers.n_samples)} of {len(names)} "
        f"variables: {error}; {request.source.advice}"
    )


def _take_values_before(request: FileRequest, asked: Asked, answers: Answers) -> None:
    """Take the last value before the fill of variables that did not change in it."""
    start_s = request.span[0]
    for want in request.wanted:
        whole = {name for name in want.names if asked.get(name) == start_s}
        for name in whole if want.holds else ():
            failed = answers.reasons.get(name, UNKNOWN) != UNKNOWN
            if failed or answers.n_samples.get(name):
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
                answers.held[name] = replace(last, time_s=np.array([start_s]))
                answers.add(name, answers.held[name])
                answers.reasons.pop(name, None)
