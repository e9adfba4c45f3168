"""Running config.py, and checking what it sets."""

from __future__ import annotations

import difflib
import sys
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from lumimod.config.names import ALIASES, BY_NAME, NAMES, OBSOLETE, RULES
from lumimod.errors import ConfigError

_LONGEST_VALUE = 80
_LIKENESS = 0.8


class Given(NamedTuple):
    """A name as config.py spells it, and its value there."""

    label: str
    value: Any


def run_config(path: Path) -> dict[str, Any]:
    """Return the names that config.py sets.

    It runs in a namespace of its own, with its folder first in the search path of modules.

    Raises
    ------
    ConfigError
        It cannot be read or run.
    """
    namespace: dict[str, Any] = {"__file__": str(path), "__name__": path.stem}
    source = _source(path)
    try:
        with _importable(path.parent):
            exec(compile(source, str(path), "exec", dont_inherit=True), namespace)
    except (Exception, SystemExit) as exc:
        raise ConfigError(_failure(path, exc)) from exc
    return namespace


def _source(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError as exc:
        raise ConfigError(f"{path} not found; run in the folder that holds it") from exc
    except OSError as exc:
        raise ConfigError(f"{path} cannot be read ({exc.strerror})") from exc


@contextmanager
def _importable(folder: Path) -> Iterator[None]:
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        if str(folder) in sys.path:
            sys.path.remove(str(folder))


def _failure(path: Path, exc: BaseException) -> str:
    """Return where and why running config.py stopped."""
    what = f"{type(exc).__name__}: {exc.msg if isinstance(exc, SyntaxError) else exc}"
    if isinstance(exc, SyntaxError) and exc.lineno is not None:
        return f"{exc.filename}, line {exc.lineno}: {what}"
    lines = [
        frame.lineno
        for frame in traceback.extract_tb(exc.__traceback__)
        if frame.filename == str(path)
    ]
    return f"{path}, line {lines[-1]}: {what}" if lines else f"{path}: {what}"


def check_names(path: Path, namespace: Mapping[str, Any]) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return the value of every name, as Config holds it, and the names that mean nothing.

    Raises
    ------
    ConfigError
        One line for each value that is not allowed and each name that looks mistyped.
    """
    given = _given(namespace)
    values, faults = _check_values(given)
    faults.update(_check_rules(given, values, faults))
    unknown = [name for name in namespace if _is_setting(name, namespace[name])]
    near = {name: _nearest(name) for name in unknown}
    lines = [*faults.values(), *(_typo(n, namespace[n], k) for n, k in near.items() if k)]
    if lines:
        raise ConfigError("\n  ".join([f"{path}: {len(lines)} to correct", *lines]))
    return values, tuple(name for name in unknown if near[name] is None)


def _given(namespace: Mapping[str, Any]) -> dict[str, Given]:
    """Return the known names that config.py sets, by their present spelling."""
    given = {}
    for name in BY_NAME:
        label = name if name in namespace else ALIASES.get(name, name)
        if label in namespace:
            given[name] = Given(label, namespace[label])
    return given


def _check_values(given: Mapping[str, Given]) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the value of every name, and the fault of each that has one.

    A name with a fault takes its default, so that the names built on it can be checked.
    """
    values: dict[str, Any] = {}
    faults: dict[str, str] = {}
    for name in NAMES:
        try:
            if name.name in given:
                values[name.name] = name.check(given[name.name].value)
                continue
        except ValueError as exc:
            faults[name.name] = _line(given[name.name], str(exc))
        values[name.name] = name.default_from(values)
    return values, faults


def _check_rules(
    given: Mapping[str, Given], values: Mapping[str, Any], faults: Mapping[str, str]
) -> dict[str, str]:
    """Return the fault of each name that does not go with another."""
    broken: dict[str, str] = {}
    for rule in RULES:
        if faults.keys().isdisjoint(rule.names) and not rule.holds(
            *(values[n] for n in rule.names)
        ):
            blamed = rule.names[-1]
            shown = given.get(blamed, Given(blamed, values[blamed]))
            broken.setdefault(blamed, _line(shown, rule.allowed))
    return broken


def _is_setting(name: str, value: Any) -> bool:
    """Tell whether an unknown name could be meant as a setting."""
    if name.startswith("_") or name in BY_NAME or name in OBSOLETE:
        return False
    from_future = type(value).__module__ == "__future__"
    return not (callable(value) or isinstance(value, ModuleType) or from_future)


def _nearest(name: str) -> str | None:
    """Return the known name that is spelled most like this one, None if none is close."""
    known = {k.lower(): k for k in BY_NAME}
    near = difflib.get_close_matches(name.lower(), known, n=1, cutoff=_LIKENESS)
    return known[near[0]] if near else None


def _typo(name: str, value: Any, known: str) -> str:
    return _line(Given(name, value), f"is not a known name; did you mean {known}?")


def _line(given: Given, allowed: str) -> str:
    """Return a fault in one line: name = value, what is allowed."""
    shown = " ".join(repr(given.value).split())
    if len(shown) > _LONGEST_VALUE:
        shown = shown[: _LONGEST_VALUE - 3] + "..."
    return f"{given.label} = {shown}: {allowed}"
