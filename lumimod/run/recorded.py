"""What is recorded of the fills that there are: status.json beside the beam modes."""

from __future__ import annotations

import logging
import os

from lumimod.config.settings import Config
from lumimod.errors import LumimodError
from lumimod.paths import FillPaths
from lumimod.readers.bmodes import BeamModes, read_bmodes
from lumimod.run.choice import without_stable_beams
from lumimod.run.states import NO_STABLE_BEAMS, States, load_states, states_file
from lumimod.steps.registry import STEPS

log = logging.getLogger(__name__)


def is_recorded(fill: int, modes: BeamModes) -> bool:
    """Return whether what becomes of a fill is recorded: the beam modes have it.

    One whose entry cannot be used counts: the entry is to be put right.
    """
    return fill in modes or fill in modes.faults


def of_known_fills(states: States, cfg: Config, modes: BeamModes) -> States:
    """Return the states of fills that there are, by now.

    A fill that the beam modes do not have and that has no result is left out. One that is over and
    had no stable beams is in that state, whatever a run said before.
    """
    out = {}
    for fill, of in states.items():
        if fill in modes and without_stable_beams(modes[fill]):
            out[fill] = NO_STABLE_BEAMS
        elif is_recorded(fill, modes) or _has_results(FillPaths(cfg, fill)):
            out[fill] = of
    return out


def recorded_states(cfg: Config, modes: BeamModes) -> States:
    """Return what status.json has of the fills that there are."""
    return of_known_fills(load_states(states_file(cfg)), cfg, modes)


def states_to_show(cfg: Config) -> States:
    """Return the recorded states; where the beam modes cannot be read, all, with a warning."""
    try:
        modes = read_bmodes(cfg.files.bmodes)
    except LumimodError as exc:
        log.warning("%s; all fills of status.json are shown", exc)
        return load_states(states_file(cfg))
    return recorded_states(cfg, modes)


def _has_results(paths: FillPaths) -> bool:
    files = (path for step in STEPS.values() for path in step.results(paths))
    return any(os.path.lexists(path) for path in files)
