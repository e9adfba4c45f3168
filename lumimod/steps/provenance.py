"""What a result was made from, and in what that differs from how things are now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Callable

from lumimod import __version__
from lumimod.config.settings import Case, Config, plain, plain_values
from lumimod.errors import ConfigError
from lumimod.paths import FillPaths, rescale_target
from lumimod.readers.bmodes import FillModes
from lumimod.records.diary import Diary
from lumimod.records.made import MODES_INPUT, Made, same
from lumimod.steps.in_force import in_force
from lumimod.steps.step import Step

RESCALING = "resc_period"
"""The setting in which results of two rescalings of the BSRT differ."""
LONGEST_VALUE = 60


# --- what a step is made from, as things are now


def settings_for(step: Step, cfg: Config, fill: int) -> dict[str, Any]:
    """Return the settings that enter a step, with the values that hold for the fill.

    Those that are not `in_force` are left out, where the step works as it did before they were
    there: old results, which lack them, are still right.
    """
    usual = _OF_STEPS.settings(step, cfg)
    return {n: _FOR_A_FILL[n](cfg, fill) if n in _FOR_A_FILL else v for n, v in usual.items()}


class _OfSteps:
    """What holds for all fills, of the configuration last asked for: a run has one."""

    _cfg: Config | None = None
    _settings: dict[str, dict[str, Any]]
    _for_all: dict[str, bool]

    def _take(self, cfg: Config) -> None:
        if cfg is not self._cfg:
            self._cfg, self._settings, self._for_all = cfg, {}, {}

    def serves_all_rescalings(self, step: Step, paths: FillPaths) -> bool:
        """Return whether a result is of no rescaling of the BSRT, as measured luminosity is."""
        self._take(paths.cfg)
        if step.name not in self._for_all:
            rescaled = step.writes(replace(paths, tag="_rescaled"))
            self._for_all[step.name] = step.writes(paths) == rescaled
        return self._for_all[step.name]

    def settings(self, step: Step, cfg: Config) -> Mapping[str, Any]:
        """Return the settings by name, with None for those whose value is that for a fill."""
        self._take(cfg)
        if step.name not in self._settings:
            rules = {name: in_force(step.name, name) for name in step.settings}
            names = [name for name, rule in rules.items() if rule is None or rule(cfg)]
            usual = plain_values(cfg, (name for name in names if name not in _FOR_A_FILL))
            self._settings[step.name] = {name: usual.get(name) for name in names}
        return self._settings[step.name]


_OF_STEPS = _OfSteps()


def inputs_of(step: Step, paths: FillPaths, modes: FillModes, diary: Diary) -> dict[str, Any]:
    """Return size and digest of each file that a step reads, and its times of beam modes.

    Files of which the step itself tells whether they are new are left out.
    """
    files = [p for p in (*step.inputs(paths), *step.optional(paths)) if p.exists()]
    return {**_modes_of(step, modes), **_digests(files, diary)}


def results_of(step: Step, paths: FillPaths, diary: Diary) -> dict[str, str]:
    """Return the identity of the results that a step reads, by the name of their step."""
    apart_from = (RESCALING,) if _OF_STEPS.serves_all_rescalings(step, paths) else ()
    there = {}
    for other in step.depends_on:
        keys = (diary.identity(path, apart_from) for path in other.results(paths))
        key = next(filter(None, keys), None)
        if key is not None:
            there[other.name] = key
    return there


def made_now(
    step: Step,
    paths: FillPaths,
    modes: FillModes,
    diary: Diary,
    notes: Iterable[Mapping[str, Any]],
) -> Made:
    """Return what a result of the step is made from if it is made now."""
    watched = [path for path in step.watches(paths) if path.exists()]
    return Made(
        paths.fill,
        step.name,
        step.revision,
        __version__,
        settings_for(step, paths.cfg, paths.fill),
        {**inputs_of(step, paths, modes, diary), **_digests(watched, diary)},
        results_of(step, paths, diary),
        tuple(dict(note) for note in notes),
    )


# --- what is different now


def changes_since(
    step: Step, made: Made, paths: FillPaths, modes: FillModes, diary: Diary
) -> list[str]:
    """Return in words in what a result differs from one that would be made now.

    An input or a result that is gone makes no difference: data are removed to make room.
    """
    changed = []
    if made.revision != step.revision:
        changed.append(f"step {step.name} changed (revision {made.revision} -> {step.revision})")
    changed += filter(None, [step.superseded(made)])
    now = settings_for(step, paths.cfg, paths.fill)
    changed += _settings_differ(made.settings, now)
    changed += _cases_lack(step, made.settings, now)
    gone = [name for name in made.settings if name not in now and in_force(step.name, name)]
    changed += [f"{n} = {_shown(made.settings[n])} is no longer in force" for n in gone]
    changed += _inputs_differ(made.inputs, inputs_of(step, paths, modes, diary))
    for name, key in results_of(step, paths, diary).items():
        if name not in made.results:
            changed.append(f"{name} is new")
        elif made.results[name] != key:
            changed.append(f"{name} was made again")
    return changed


def _settings_differ(then: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    changed = []
    for name, value in now.items():
        before = then.get(name)
        if name in then and same(before, value):
            continue
        if name in _LACKING and name in then:
            changed += _LACKING[name](before, value)
        elif name in then:
            changed.append(f"{name} {_shown(before)} -> {_shown(value)}")
        else:
            changed.append(f"{name} = {_shown(value)} is new")
    return changed


def _inputs_differ(then: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    changed = []
    for name, value in now.items():
        if name not in then:
            changed.append(f"{name} is new")
        elif name == MODES_INPUT and not same(then[name], value):
            times = [t for t in value if not same(then[name].get(t), value[t])]
            changed.append(f"{name} differ ({', '.join(times)})")
        elif not same(then[name], value):
            sizes = f"{then[name].get('size')} -> {value['size']} bytes"
            changed.append(f"{name} changed ({sizes})")
    return changed


def _shown(value: Any) -> str:
    text = " ".join(repr(value).split())
    return text if len(text) <= LONGEST_VALUE else f"{text[: LONGEST_VALUE - 3]}..."


# --- settings whose value is that for the fill


def _betastar(cfg: Config, fill: int) -> Any:
    if cfg.machine.betastar_is_measured:
        return plain(cfg.machine.betastar_m)
    try:
        at_ip1, at_ip5 = cfg.machine.betastar(fill)
    except ConfigError:  # no range holds the fill: the step will say so
        return None
    return at_ip1 if at_ip1 == at_ip5 else [at_ip1, at_ip5]


def _cases(cfg: Config, _: int) -> dict[str, list[float]]:
    return {str(case.name): _factors(case) for case in cfg.model.cases}


def _factors(case: Case) -> list[float]:
    return [case.factor_1h, case.factor_1v, case.factor_2h, case.factor_2v]


def _crossing_angle(cfg: Config, fill: int) -> Any:
    angles = cfg.machine.crossing_angle(fill)
    return None if angles is None else list(angles)


_FOR_A_FILL: Mapping[str, Callable[[Config, int], Any]] = {
    "XingAngle": _crossing_angle,
    "betastar_m": _betastar,
    "ibs": lambda cfg, _: "rates" if cfg.physics.rates else "parametrised",
    "core_burnoff": lambda cfg, _: cfg.physics.core_burnoff,
    "coupling": lambda cfg, _: cfg.physics.coupling,
    "noise": lambda cfg, _: cfg.physics.noise,
    "damping": lambda cfg, _: cfg.physics.damping,
    "cases": _cases,
    "leveling": lambda cfg, fill: cfg.model.leveling.get(fill),
    RESCALING: lambda cfg, fill: rescale_target(cfg, fill),
}


def _models_lack(then: Any, now: Any) -> list[str]:
    return [f"model {name} is not in it" for name in now if name not in then]


def _cases_differ(then: Any, now: Any) -> list[str]:
    return [
        f"correction factors of case {name} {_shown(then[name])} -> {_shown(now[name])}"
        for name in now
        if name in then and not same(then[name], now[name])
    ]


def _cases_lack(step: Step, then: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Return the cases that a result for all of them is without."""
    if not step.has_all_cases or "cases" not in then:
        return []
    return [f"case {name} is not in it" for name in now["cases"] if name not in then["cases"]]


_LACKING: Mapping[str, Callable[[Any, Any], list[str]]] = {
    "models": _models_lack,
    "cases": _cases_differ,
}
"""Settings of which a result may hold more than is asked for."""


# --- inputs


def _modes_of(step: Step, modes: FillModes) -> dict[str, Any]:
    times = {name: _time_of(modes, name) for name in step.times}
    return {MODES_INPUT: times} if times else {}


def _time_of(modes: FillModes, name: str) -> float | None:
    kind, _, mode = name.removeprefix("t_").partition("_")
    if name == "t_endfill":
        time_s = modes.t_endfill_s
    else:
        time_s = modes.start(mode) if kind == "start" else modes.stop(mode)
    return float(time_s) if time_s == time_s else None


def _digests(files: Iterable[Path], diary: Diary) -> dict[str, Any]:
    named = _named(list(files))
    return {name: diary.digest(path) for name, path in named.items()}


def _named(files: list[Path]) -> dict[str, Path]:
    """Return files by their names, with as many folders in front as tell them apart."""
    for depth in range(1, max((len(path.parts) for path in files), default=0) + 1):
        named = {"/".join(path.parts[-depth:]): path for path in files}
        if len(named) == len(set(files)):
            return named
    return {}
