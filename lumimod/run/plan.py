"""What is to happen to the steps of a fill, and why."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from functools import partial
from typing import NamedTuple

import numpy as np

from lumimod.config.settings import Config
from lumimod.paths import FillPaths
from lumimod.readers.bmodes import FillModes
from lumimod.readers.clock import now_s
from lumimod.records.diary import Diary
from lumimod.records.made import Made
from lumimod.run.guard import guarded
from lumimod.steps.provenance import changes_since
from lumimod.steps.registry import STEPS
from lumimod.steps.step import Outdated, Step

log = logging.getLogger(__name__)

FOLLOWS = " is out of date"
"""How the reason ends of a result that is out of date because that of another step is."""
PLOTS = "plots"
"""What reports and logs call the pictures, which are made after the steps."""


@dataclass(frozen=True)
class Selection:
    """Which steps the command line asks for."""

    force: frozenset[str] = frozenset()
    only: frozenset[str] = frozenset()
    """If any: these run, whatever there is, and nothing else."""
    cascade: bool = False
    """Also run what depends on a step that runs, and what is stale."""

    @property
    def named(self) -> frozenset[str]:
        """Steps that are asked for by name: these run though their results are there."""
        return self.force | self.only


@dataclass(frozen=True)
class Pictures:
    """Which pictures the command line and config.py ask for."""

    families: frozenset[str] = frozenset()
    only: bool = False
    """No step runs; pictures of results that are missing are an error."""
    force: bool = False


class Status(Enum):
    """What a plan says of a step."""

    PRESENT = "present"
    STALE = "stale"
    TO_DO = "to do"
    FORCED = "forced"
    BLOCKED = "blocked"
    WAITING = "waiting"
    OFF = "off"

    @property
    def runs(self) -> bool:
        """Whether a step of this status is run."""
        return self in (Status.TO_DO, Status.FORCED)


_NOT_ASKED_FOR = "not asked for"


@dataclass(frozen=True)
class Planned:
    """What is to happen to one step of a fill, and why."""

    status: Status
    reason: str = ""
    renews: bool = False
    """By the step's own account its result is out of date, and runs to be replaced."""
    spreads: bool = False
    """What depends on it runs again as well, unasked."""

    @property
    def is_not_asked_for(self) -> bool:
        """Whether the command line leaves the step out."""
        return self.status is Status.OFF and self.reason == _NOT_ASKED_FOR

    def __str__(self) -> str:
        return f"{self.status.value} ({self.reason})" if self.reason else self.status.value


Plan = Mapping[str, Planned]
"""What is to happen to each step, in the order in which they run."""


@dataclass(frozen=True)
class Watch:
    """What steps look at once for all fills."""

    outdated: Mapping[str, Outdated]
    """What tells, for a step, why a result that is there is out of date for reasons of its own."""
    now_s: float
    """What time it is where the data are, Unix s."""
    faults: Mapping[str, str] = field(default_factory=dict)
    """Why a step could not look: it runs all the same."""

    def of(self, name: str) -> Outdated:
        """Return what tells that results of a step are out of date."""
        return self.outdated.get(name, lambda _: "")


def begin_run(cfg: Config, *, write: bool) -> Watch:
    """Let every step look at what it watches, once for all fills; `write` nothing if False.

    Raises
    ------
    BadInputError
        The data have a clock that cannot be read.
    """
    outdated: dict[str, Outdated] = {}
    faults = {}

    def look(step: Step) -> None:
        outdated[step.name] = step.begin_run(cfg, write)

    for name, step in STEPS.items():
        why = guarded(f"{name}: beginning of the run", partial(look, step))
        if why:
            log.error("%s: %s", name, why)
            faults[name] = why
    return Watch(outdated, now_s(cfg.files.data_folder), faults)


def plan_fill(
    modes: FillModes, cfg: Config, ask: Selection, watch: Watch, *, write: bool = False
) -> Plan:
    """Return what is to happen to every step of a fill.

    With `write` the diary of the fill remembers what had to be read again to tell.
    """
    paths = FillPaths(cfg, modes.fill, modes.year)
    state = _FillState(paths, modes, Diary(paths.folder, at_once=True), watch.now_s)
    plan: dict[str, Planned] = {}
    for name, step in STEPS.items():
        plan[name] = _plan_step(step, state, ask, watch.of(name), plan)
    if write:
        state.diary.save()
    return plan


def results_made(step: Step, paths: FillPaths, diary: Diary) -> list[Made]:
    """Return what each result of a finished step was made from; none if one does not say."""
    made = [diary.made(path) for path in step.results(paths)]
    known = [one for one in made if one is not None]
    return known if len(known) == len(made) else []


def missing_steps(fill: int, cfg: Config, only: frozenset[str] = frozenset()) -> tuple[str, ...]:
    """Return the steps of a fill, or those among `only`, whose results are not all there."""
    paths = FillPaths(cfg, fill)
    wanted = only or frozenset(name for name, step in STEPS.items() if not step.disabled(cfg))
    return tuple(
        name for name, step in STEPS.items() if name in wanted and not step.is_finished(paths)
    )


# --- one step, given the plan of those before it


class _FillState(NamedTuple):
    """What there is of a fill when it is planned."""

    paths: FillPaths
    modes: FillModes
    diary: Diary
    now_s: float


def _plan_step(
    step: Step, state: _FillState, ask: Selection, outdated: Outdated, plan: Plan
) -> Planned:
    paths = state.paths
    if ask.only and step.name not in ask.only:
        return Planned(Status.OFF, _NOT_ASKED_FOR)
    disabled = step.disabled(paths.cfg)
    if disabled and step.name not in ask.named:
        return Planned(Status.OFF, disabled)
    wanted = _wanted(step, state, ask, outdated, plan)
    lacking = _lacking(step, paths, plan) if wanted.status.runs else ""
    if not lacking:
        return wanted
    waits = _waits(step, state, plan)
    return Planned(Status.WAITING if waits else Status.BLOCKED, lacking)


def _waits(step: Step, state: _FillState, plan: Plan) -> bool:
    """Return whether what a step lacks may still come by itself."""
    if state.modes.in_progress or any(plan[n.name].status is Status.WAITING for n in step.needs):
        return True
    over_s = state.modes.over_s
    return np.isfinite(over_s) and state.now_s - over_s < step.grace_s(state.paths.cfg)


def _wanted(
    step: Step, state: _FillState, ask: Selection, outdated: Outdated, plan: Plan
) -> Planned:
    """Return whether a step should run, leaving aside whether it can."""
    forced = step.name in ask.named
    there = step.is_finished(state.paths, state.diary.is_whole)
    why = outdated(state.paths) if there else ""
    if why:
        return Planned(Status.FORCED if forced else Status.TO_DO, why, renews=True)
    if forced:
        return Planned(Status.FORCED)
    if not there:
        return Planned(Status.TO_DO, step.broken(state.paths, state.diary.is_whole))
    return _finished(step, state, ask, plan)


def _finished(step: Step, state: _FillState, ask: Selection, plan: Plan) -> Planned:
    """Return whether a step whose results are there runs for what it was made from."""
    made = results_made(step, state.paths, state.diary)
    if any(one.in_progress for one in made) and not state.modes.in_progress:
        return Planned(Status.TO_DO, "the fill is over now", spreads=True)
    for other in step.depends_on:
        if plan[other.name].spreads:
            return Planned(Status.TO_DO, f"after {other.name}", spreads=True)
    for other in step.depends_on:
        planned = plan[other.name]
        if other.news and (planned.status is Status.TO_DO or planned.renews):
            return Planned(Status.TO_DO, other.news)
    running = [other.name for other in step.depends_on if plan[other.name].status.runs]
    if ask.cascade and running:
        return Planned(Status.TO_DO, f"after {', '.join(running)}")
    why = _out_of_date(step, made, state, plan)
    if not why:
        return Planned(Status.PRESENT)
    if any(one.in_progress for one in made):
        return Planned(Status.TO_DO, f"the fill goes on: {why}", spreads=True)
    return Planned(Status.TO_DO if ask.cascade else Status.STALE, why)


def _out_of_date(step: Step, made: Sequence[Made], state: _FillState, plan: Plan) -> str:
    """Return why a result is not what would be made now, or nothing.

    Results that do not say what they were made from, the original's, are judged by the times of
    files.
    """
    others = [o.name for o in step.depends_on if plan[o.name].status is Status.STALE]
    reasons = [f"{name}{FOLLOWS}" for name in others]
    if made:
        for one in made:
            reasons += changes_since(step, one, state.paths, state.modes, state.diary)
    else:
        newer = step.newer_input(state.paths)
        reasons += [f"older than {newer}"] if newer else []
    return "; ".join(dict.fromkeys(reasons))


def _lacking(step: Step, paths: FillPaths, plan: Plan) -> str:
    """Return what a step lacks: an input file, or a result that nothing is going to make."""
    for path in step.inputs(paths):
        if not path.exists():
            return f"{path} is missing"
    lacks = step.lacks(paths)
    if lacks:
        return lacks
    for need in step.needs:
        there = all(path.exists() for path in need.expected(paths))
        if not there and not plan[need.name].status.runs:
            return need.name
    return ""
