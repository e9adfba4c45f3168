"""One file of one fill: what an earlier run saved, what the source answers, the file itself."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path

import numpy as np

from lumimod.arrays import Series
from lumimod.errors import BadInputError, OutputError, get_command
from lumimod.fetch.asking import NO_SAMPLE, UNKNOWN, Answers, FileRequest, ask_source
from lumimod.fetch.contents import (
    Contents,
    Load,
    after,
    both,
    is_longer,
    last_times,
    names_in,
    read_if_sound,
    read_one,
)
from lumimod.fetch.parts import Parts
from lumimod.fetch.saved import FileStamp, Saved, has_grown, is_over
from lumimod.readers.locate import existing
from lumimod.sources.base import between
from lumimod.writers.variables import append_variables, can_append, write_variables

log = logging.getLogger(__name__)

LATE_S = 3600.0
"""Of a fill that goes on, samples of the last hour are asked for again: some come late into the
logging service."""


def fetch_fill(request: FileRequest) -> Saved:
    """Fetch a file of a fill; return what it holds now.

    Variables that an earlier run fetched are not asked for again; where the fill has grown, only
    the new time is asked for, and added to the file.

    Raises
    ------
    LostError
        The source no longer answers. The file is not written; the answers so far are kept.
    BadInputError, OutputError
        The fill has no times, or the file cannot be written.
    """
    _check_times(request)
    target = existing(request.path) or request.path
    _make_folder(request.path.parent)
    parts = Parts(request.path)
    if request.force:
        parts.drop_all()
    plan = _plan(request, target)
    answers = ask_source(request, plan.asked, parts)
    file = _FileOfFill(request, target, parts, plan, answers)
    missing = file.write()
    settled = (UNKNOWN, NO_SAMPLE)
    parts.drop(n for n in plan.asked if answers.reasons.get(n, UNKNOWN) in settled)
    return _saved(request, plan, answers, missing)


# --- what to ask for


@dataclass(frozen=True)
class _Plan:
    """What is asked for of a file, and what of it is kept."""

    asked: dict[str, float]
    """Since when, Unix s, by variable."""
    kept: frozenset[str] = frozenset()
    """Variables of the file whose samples stay; more may be added to those that are asked for."""
    last_s: Mapping[str, float] = field(default_factory=dict)
    """Time of the last sample in the file of those that are added to."""


def _plan(request: FileRequest, target: Path) -> _Plan:
    start_s, saved = request.span[0], request.saved
    if request.force or saved is None:
        return _Plan(dict.fromkeys(request.names, start_s))
    there = names_in(target) & set(request.names)
    kept = frozenset(there - saved.missing.keys())
    asked = {name: start_s for name in request.names if name not in kept}
    if not has_grown(saved, request.fill):
        return _Plan(asked, kept)
    unknown = [name for name in kept if name not in saved.last_s]
    last_s = {**saved.last_s, **last_times(target, unknown)}
    before_s = start_s if np.isnan(saved.t_end_s) else max(start_s, saved.t_end_s - LATE_S)
    for name in (name for name in request.names if name in kept):
        since_s = max(before_s, last_s.get(name, start_s))
        if since_s < request.span[1]:
            asked[name] = since_s
    return _Plan({name: asked[name] for name in request.names if name in asked}, kept, last_s)


# --- the file


@dataclass(frozen=True)
class _FileOfFill:
    """Puts together what is kept and what came."""

    request: FileRequest
    target: Path
    parts: Parts
    plan: _Plan
    answers: Answers

    def write(self) -> dict[str, str]:
        """Write the file, if there is anything for it; return what is missing, with the reason."""
        new = self._new()
        old = self._old(new)
        missing = _missing(self.request, {*new, *old}, self.answers.reasons)
        order = [name for name in self.request.names if name in new or name in old]
        kept = self.plan.kept
        replaces = new.keys() & (self._there - kept) if kept else set()
        if kept and not (replaces or self._is_last) and can_append(self.target):
            if new:
                append_variables(self.target, Contents({n: new[n] for n in order if n in new}))
        elif order and (new or not kept or self._is_last):
            write_variables(self.target, Contents({n: _load(n, new, old, kept) for n in order}))
        return missing

    @cached_property
    def _there(self) -> set[str]:
        """The variables of the file as it was."""
        return names_in(self.target)

    @property
    def _is_last(self) -> bool:
        """Whether the fill is over: then the file becomes as if all had been fetched at once.

        What came from after its end, when that was not known yet, is left out.
        """
        saved = self.request.saved
        return saved is not None and not saved.complete and is_over(self.request.fill)

    def _new(self) -> dict[str, Load]:
        """Return what came, with samples: all of a variable, or what is added to it."""
        loads: dict[str, Load] = {}
        for name in self.plan.asked:
            if name in self.answers.held:
                loads[name] = partial(self.answers.held.__getitem__, name)
            elif self._counts(name):
                loads[name] = partial(self._came, name)
        return loads

    def _counts(self, name: str) -> bool:
        """Tell whether what came of a variable goes into the file."""
        if not self.answers.n_samples.get(name):
            return False
        if name not in self.plan.kept:
            return True
        # What is to be added must be whole; the next run asks for the rest.
        is_whole = name not in self.answers.reasons
        return is_whole and self.answers.last_s[name] > self.plan.last_s.get(name, -np.inf)

    def _came(self, name: str) -> Series:
        since_s, stop_s = self.plan.asked[name], self.request.span[1]
        series = self.parts.read(name, since_s, stop_s)
        if series is None:
            raise OutputError(f"{self.parts.folder}: {name} is gone; run again")
        return after(series, self.plan.last_s[name]) if name in self.plan.last_s else series

    def _kept(self, name: str) -> Series:
        return between(read_one(self.target, name), -np.inf, self.request.span[1])

    def _old(self, new: Iterable[str]) -> dict[str, Load]:
        """Return what stays of the file: what is kept, and what is longer than what came."""
        loads: dict[str, Load] = {n: partial(self._kept, n) for n in self.plan.kept}
        came = set(new)
        for name in self.plan.asked.keys() - self.plan.kept:
            failed = name in self.answers.reasons or name not in came
            if failed and name in self._there:
                series = read_if_sound(self.target, name)
                if is_longer(series, self.answers.n_samples.get(name, 0)):
                    loads[name] = partial(read_one, self.target, name)
        return loads


def _load(
    name: str, new: Mapping[str, Load], old: Mapping[str, Load], kept: frozenset[str]
) -> Load:
    if name in new and name in old and name in kept:
        return both(old[name], new[name])
    return old[name] if name in old else new[name]


def _saved(
    request: FileRequest, plan: _Plan, answers: Answers, missing: Mapping[str, str]
) -> Saved:
    """Return the record of the file as it is now."""
    grown = request.saved is not None and has_grown(request.saved, request.fill)
    again = request.saved is not None and not (request.force or grown)
    n_tries = request.saved.n_tries + 1 if again and request.saved else 1
    over = is_over(request.fill)
    last_s = {} if over else {**plan.last_s, **answers.last_s}
    file = existing(request.path)
    stamp = FileStamp.of(file) if file is not None else None
    ends = {name: last_s[name] for name in request.names if name in last_s}
    return Saved(over, request.span[1], missing, n_tries, ends, stamp)


def _check_times(request: FileRequest) -> None:
    start_s, stop_s = request.span
    if not start_s < stop_s:
        raise BadInputError(
            f"{request.label}: begins at {start_s} and ends at {stop_s} in the beam-mode file; "
            f"get that again: {get_command(request.fill.fill)}"
        )


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise OutputError(
            f"{folder} cannot be created ({exc.strerror}); check data_folder in config.py or "
            "--data-folder"
        ) from exc


def _missing(
    request: FileRequest, series: Iterable[str], reasons: Mapping[str, str]
) -> dict[str, str]:
    """Return the wanted variables that are missing, with the reason, and log them."""
    present = set(series) - reasons.keys()
    missing = {}
    for want in request.wanted:
        absent = {n: reasons.get(n, NO_SAMPLE) for n in want.names if n not in present}
        if want.every or len(absent) == len(want.names):
            missing.update(absent)
        else:
            # One of several is enough; but one that failed may be a better one.
            missing.update({n: why for n, why in absent.items() if not _is_final(why)})
            for name, why in absent.items():
                if _is_final(why):
                    log.debug("%s: %s: %s, there is another", request.label, name, why)
    for name, why in missing.items():
        if _is_final(why):  # the others were logged when they failed
            log.warning("%s: %s: %s", request.label, name, why)
    return missing


def _is_final(reason: str) -> bool:
    """Tell whether asking again would not help."""
    return reason in (UNKNOWN, NO_SAMPLE)
