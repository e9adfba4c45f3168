"""The facts of a fill on one screen: `--show`."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from datetime import datetime, timezone
from math import isfinite
from typing import NamedTuple

from lumimod.config.settings import Config
from lumimod.errors import BadInputError, LumimodError, MissingInputError, UsageError
from lumimod.paths import FillPaths
from lumimod.readers.bmodes import BeamModes, FillModes, read_bmodes
from lumimod.run.choice import FillChoice, none_found
from lumimod.run.recorded import recorded_states
from lumimod.run.states import FillStates
from lumimod.summary.screen import fact_lines
from lumimod.summary.season import fill_facts

_WIDTH = 100


class Screens(NamedTuple):
    """What there is to show of fills."""

    text: str
    faults: list[LumimodError]
    """Why a fill cannot be shown: it, or what can be used of it, is not in the beam modes."""


def show_fills(cfg: Config, choice: FillChoice) -> Screens:
    """Return a screen of facts for each fill; one that cannot be shown costs no other.

    Raises
    ------
    UsageError
        No fill is asked for.
    MissingInputError, BadInputError
        The beam modes cannot be read.
    """
    modes = read_bmodes(cfg.files.bmodes)
    fills = choice.fills(modes, cfg)
    if not fills:
        raise UsageError(none_found(choice, modes, cfg))
    states = recorded_states(cfg, modes)
    screens: list[str] = []
    faults: list[LumimodError] = []
    for fill in fills:
        try:
            screens.append(_screen(cfg, modes, fill, states.get(fill)))
        except (MissingInputError, BadInputError) as exc:
            faults.append(type(exc)(f"fill {fill}: {exc}"))
    return Screens("\n".join(screens), faults)


def _screen(cfg: Config, modes: BeamModes, fill: int, states: FillStates | None) -> str:
    facts = fill_facts(cfg, modes, fill)
    of_fill = modes[fill]
    followed = isfinite(of_fill.start("STABLE"))
    standing = _states(states) if followed else _without_stable_beams(of_fill)
    lines = [*fact_lines(facts), "", *standing, *_pictures(FillPaths(cfg, fill))]
    lines += _notes(str(facts.get("notes", "")))
    return "".join(f"{line}\n" for line in lines)


def _states(states: FillStates | None) -> Sequence[str]:
    if states is None:
        return ["steps: not run yet; run lumimod with --fill"]
    by_state: dict[str, list[str]] = {}
    for name, of in states.steps.items():
        by_state.setdefault(of.state.value, []).append(f"{name} ({of.why})" if of.why else name)
    return [f"steps {state}: {', '.join(names)}" for state, names in by_state.items()]


def _without_stable_beams(of_fill: FillModes) -> list[str]:
    """Return when the fill was and which modes it had, and that there is nothing to do."""
    began, ended = (
        _utc(time_s) if isfinite(time_s) else "?"
        for time_s in (of_fill.t_startfill_s, of_fill.t_endfill_s)
    )
    starts = {mode: start for mode, start in of_fill.start_s.items() if isfinite(start)}
    modes = [f"{mode} {_utc(starts[mode])}" for mode in sorted(starts, key=starts.__getitem__)]
    if of_fill.in_progress:
        span, todo = (
            f"{began}, in progress",
            "nothing to follow up yet: it has no stable beams so far",
        )
    else:
        span, todo = f"{began} to {ended}", "nothing to follow up: steps need stable beams"
    known = f"modes: {', '.join(modes) or 'none known'}"
    return [f"fill (UTC): {span}", *textwrap.wrap(known, _WIDTH, subsequent_indent="  "), todo]


def _utc(time_s: float) -> str:
    return f"{datetime.fromtimestamp(time_s, timezone.utc):%Y-%m-%d %H:%M}"


def _pictures(paths: FillPaths) -> list[str]:
    pictures = sorted(paths.plot_folder.glob(f"*{paths.cfg.plots.format}"))
    first = [p for word in ("overview", "totalLumi", "") for p in pictures if word in p.name]
    if not first:
        return []
    others = f", and {len(pictures) - 1} more beside it" if len(pictures) > 1 else ""
    return [f"pictures: {first[0]}{others}"]


def _notes(notes: str) -> list[str]:
    lines = [textwrap.wrap(note, _WIDTH - 4) for note in notes.split("; ") if note]
    return ["notes:", *(f"  {line}" for of in lines for line in of)] if lines else []
