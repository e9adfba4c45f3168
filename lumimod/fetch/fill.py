"""One file of one fill: ask for its variables, keep what comes, write what is whole."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from lumimod.arrays import Series
from lumimod.errors import BadInputError, LumimodError, OutputError, SourceError
from lumimod.fetch.groups import Group, Wanted
from lumimod.fetch.parts import Parts
from lumimod.fetch.saved import Saved, has_grown, is_over
from lumimod.readers.bmodes import FillModes
from lumimod.readers.locate import existing
from lumimod.readers.variables import read_variables
from lumimod.sources.base import Source, UnusableError
from lumimod.writers.variables import write_variables

log = logging.getLogger(__name__)

IN_A_ROW = 2
"""So many variables without an answer, one after the other, mean that the connection is lost."""
UNKNOWN = "not known to the source"
NO_SAMPLE = "no sample in this fill"


class LostError(SourceError):
    """The source answers no more; what it told is kept for the next run."""


@dataclass(frozen=True)
class FileRequest:
    """What is to be fetched."""

    source: Source
    group: Group
    fill: FillModes
    path: Path
    wanted: tuple[Wanted, ...]
    saved: Saved | None = None
    """What an earlier run fetched."""
    force: bool = False

    @property
    def label(self) -> str:
        """Return what lines of the log begin with."""
        return f"fill {self.fill.fill}: {self.group.name}"

    @property
    def span(self) -> tuple[float, float]:
        """Return start and end of the fill, Unix s."""
        return self.fill.t_startfill_s, self.fill.t_endfill_s


@dataclass
class _Answers:
    """What came so far."""

    series: dict[str, Series] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)
    """Why there is nothing of a variable."""
    broken: list[str] = field(default_factory=list)
    """Variables without an answer since the last one that had one."""


def fetch_fill(request: FileRequest) -> Saved:
    """Fetch a file of a fill and return what it holds now.

    Variables that an earlier run got are not asked for again, unless the fill has grown.

    Raises
    ------
    LostError
        The source gives no answer any more. No file is written, what came is kept.
    BadInputError, OutputError
        The fill has no times, or the file cannot be written.
    """
    start_s, stop_s = request.span
    if not start_s < stop_s:
        raise BadInputError(
            f"{request.label}: begins at {start_s} and ends at {stop_s} in the beam-mode file; "
            "get that again with Utilities/000_get_fills.py"
        )
    target = existing(request.path) or request.path
    anew = request.force or request.saved is None or has_grown(request.saved, request.fill)
    names = [name for want in request.wanted for name in want.names]
    before = {} if anew else _in_file(target, names)
    again = request.saved.missing if request.saved is not None else {}
    asked = [name for name in names if name not in before or name in again]
    _make_folder(request.path.parent)
    parts = Parts(request.path)
    if request.force:
        parts.drop_all()
    answers = (
        _ask(request, asked, parts) if request.source.can_be_lost else _ask_local(request, asked)
    )
    _hold(request, asked, answers)
    series = {n: s for n, s in {**before, **answers.series}.items() if s.time_s.size}
    missing = _missing(request, series, answers.reasons)
    if anew and missing:
        old = _in_file(target, missing, damaged=True)
        series.update({n: s for n, s in old.items() if _is_more(s, series.get(n))})
    if series:
        write_variables(target, {name: series[name] for name in names if name in series})
    parts.drop(n for n in asked if answers.reasons.get(n, UNKNOWN) in (UNKNOWN, NO_SAMPLE))
    n_tries = 1 if anew or request.saved is None else request.saved.n_tries + 1
    return Saved(is_over(request.fill), stop_s, missing, n_tries)


def _is_more(one: Series, other: Series | None) -> bool:
    return other is None or one.time_s.size > other.time_s.size


def _in_file(path: Path, names: Iterable[str], *, damaged: bool = False) -> dict[str, Series]:
    """Return those of the variables that an earlier run fetched; `damaged` files may hold none.

    Raises
    ------
    BadInputError
        The file is damaged, and may not be.
    """
    if not path.exists():
        return {}
    try:
        return read_variables(path, [], optional=list(names))
    except BadInputError as exc:
        if not damaged:
            raise
        log.warning("%s", exc)
        return {}


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise OutputError(
            f"{folder} cannot be created ({exc.strerror}); check data_folder in config.py or "
            "--data-folder"
        ) from exc


# --- asking


def _ask_local(request: FileRequest, names: Sequence[str]) -> _Answers:
    """Return the answers of a source that is always there: all variables at once."""
    found = request.source.get(names, *request.span)
    reasons = {name: UNKNOWN for name in names if name not in found}
    return _Answers(found, reasons)


def _ask(request: FileRequest, names: Sequence[str], parts: Parts) -> _Answers:
    """Return the answers of a source whose connection may break, a variable after the other."""
    answers = _Answers()
    parts.check(names)
    for name in names:
        try:
            series = _variable(request, name, parts)
        except UnusableError:
            raise
        except SourceError as exc:
            log.warning("%s: %s", request.label, exc)
            answers.reasons[name] = str(exc)
            answers.broken.append(name)
            if len(answers.broken) >= IN_A_ROW or len(names) == 1:
                raise LostError(_lost(request, names, answers, exc)) from exc
        except BadInputError as exc:
            log.warning("%s: %s", request.label, exc)
            answers.reasons[name] = str(exc)
        else:
            answers.broken.clear()
            if series is None:
                answers.reasons[name] = UNKNOWN
            else:
                answers.series[name] = series
                if left := parts.missing(name, *request.span, np.inf):
                    answers.reasons[name] = f"vanished: nothing of {_in_words(left)}"
                    log.warning("%s: %s: %s", request.label, name, answers.reasons[name])
    return answers


def _variable(request: FileRequest, name: str, parts: Parts) -> Series | None:
    """Return one variable, of which only the times are asked for that are not among the parts."""
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


def _lost(request: FileRequest, names: Sequence[str], answers: _Answers, exc: LumimodError) -> str:
    return (
        f"{request.label}: the connection is lost after {len(answers.series)} of {len(names)} "
        f"variables: {exc}; {request.source.advice}"
    )


def _hold(request: FileRequest, names: Sequence[str], answers: _Answers) -> None:
    """Take the last value before the fill where a variable did not change in it."""
    for want in request.wanted:
        for name in set(want.names) & set(names) if want.holds else ():
            series = answers.series.get(name)
            broken = answers.reasons.get(name, UNKNOWN) != UNKNOWN
            if broken or (series is not None and series.time_s.size):
                continue
            try:
                last = request.source.last(name, request.span[0])
            except (SourceError, BadInputError) as exc:
                answers.reasons[name] = str(exc)
                continue
            if last is not None and last.time_s.size:
                log.info(
                    "%s: %s: not logged in this fill, the value before holds", request.label, name
                )
                answers.series[name] = replace(last, time_s=np.array([request.span[0]]))
                answers.reasons.pop(name, None)


# --- what is missing


def _missing(
    request: FileRequest, series: Iterable[str], reasons: Mapping[str, str]
) -> dict[str, str]:
    """Return the variables that are wanted and not there, with the reason; log the others."""
    there = set(series) - reasons.keys()
    out = {}
    for want in request.wanted:
        absent = [name for name in want.names if name not in there]
        reason = {name: reasons.get(name, NO_SAMPLE) for name in absent}
        if want.every or len(absent) == len(want.names):
            out.update(reason)
        else:
            # One of several is enough, but one that broke off may be the better one.
            failed = {n: why for n, why in reason.items() if why not in (UNKNOWN, NO_SAMPLE)}
            out.update(failed)
            for name in absent:
                if name not in failed:
                    log.debug("%s: %s: %s, there is another", request.label, name, reason[name])
    for name, why in out.items():
        if why in (UNKNOWN, NO_SAMPLE):  # the others were logged when they failed
            log.warning("%s: %s: %s", request.label, name, why)
    return out
