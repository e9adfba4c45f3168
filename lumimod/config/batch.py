"""Kinds of value in config.py that concern HTCondor."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Mapping
from numbers import Integral, Real
from typing import Any, Union

from lumimod.config.kinds import FrozenMap

Value = Union[str, int, float, bool]

FLAVOURS = {
    "espresso": 20 * 60,
    "microcentury": 3600,
    "longlunch": 2 * 3600,
    "workday": 8 * 3600,
    "tomorrow": 24 * 3600,
    "testmatch": 3 * 24 * 3600,
    "nextweek": 7 * 24 * 3600,
}
"""CERN's names for the longest time a job may run, in s."""

CUSTOM = ("JobFlavour", "MaxRuntime", "AccountingGroup", "WantOS", "SendCredential")
"""Attributes of a job (MY.NAME) that may be given without MY. in front, as CERN uses them."""

COMMANDS = (
    "accounting_group", "accounting_group_user", "arguments", "batch_name", "concurrency_limits",
    "container_image", "docker_image", "environment", "error", "executable", "getenv", "hold",
    "initialdir", "input", "job_max_vacate_time", "keep_claim_idle", "leave_in_queue", "log",
    "max_retries", "nice_user", "notification", "notify_user", "on_exit_hold", "on_exit_remove",
    "output", "output_destination", "periodic_hold", "periodic_release", "periodic_remove",
    "priority", "rank", "request_cpus", "request_disk", "request_gpus", "request_memory",
    "requirements", "retry_until", "should_transfer_files", "stream_error", "stream_output",
    "success_exit_code", "transfer_executable", "transfer_input_files", "transfer_output_files",
    "transfer_output_remaps", "universe", "use_x509userproxy", "want_graceful_removal",
    "when_to_transfer_output", "x509userproxy",
)  # fmt: skip
"""Commands of a submit description that are spelled out here, so that a slip is noticed."""

OURS = ("executable", "arguments", "output", "error", "log", "initialdir", "queue")
"""Commands that lumimod fills in, or that belong into htcondor_sub."""

SUBMIT_WITH = ("auto", "command", "bindings")
_LIKENESS = 0.8


def attributes(value: Any) -> FrozenMap[str, Value]:
    """Accept names and values of submit commands and job attributes, checked for slips."""
    if not isinstance(value, Mapping):
        raise ValueError("must be {name: value}, such as {'JobFlavour': 'workday'}")
    return FrozenMap(tuple(_attribute(name, v) for name, v in value.items()))


def _attribute(name: Any, value: Any) -> tuple[str, Value]:
    if not isinstance(name, str) or not re.fullmatch(r"(\+|MY\.)?[A-Za-z_]\w*", name, re.I):
        raise ValueError(
            f"must not hold {name!r}, which is no name of a submit description, nor MY.NAME"
        )
    prefix, bare = _parted(name)
    value = _plain_value(name, value)
    known = {k.lower(): k for k in CUSTOM}
    if bare.lower() in known:
        bare = known[bare.lower()]
        _check_value(bare, value)
        return f"MY.{bare}", value
    if prefix:
        _no_slip(name, bare, CUSTOM)
        return f"MY.{bare}", value
    if bare.lower() in OURS:
        raise ValueError(
            f"must not hold {name!r}, which is put in by lumimod; change htcondor_sub for it"
        )
    if bare.lower() not in COMMANDS:
        _no_slip(name, bare, (*COMMANDS, *CUSTOM))
    return bare, value


def _parted(name: str) -> tuple[str, str]:
    for prefix in ("+", "MY."):
        if name.upper().startswith(prefix):
            return "MY.", name[len(prefix) :]
    return "", name


def _plain_value(name: str, value: Any) -> Value:
    convert = getattr(value, "tolist", None)
    value = convert() if callable(convert) else value
    if isinstance(value, (bool, str)):
        if isinstance(value, str) and ("\n" in value or not value.strip()):
            raise ValueError(f"must not hold for {name!r} text that is empty or has several lines")
        return value
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real) and math.isfinite(value):
        return float(value)
    raise ValueError(f"must not hold for {name!r} something that is no text, number, True or False")


def _no_slip(name: str, bare: str, known: tuple[str, ...]) -> None:
    near = difflib.get_close_matches(bare.lower(), [k.lower() for k in known], 1, _LIKENESS)
    if near:
        meant = next(k for k in known if k.lower() == near[0])
        raise ValueError(f"must not hold {name!r}, which is not known; did you mean {meant!r}?")


def _check_value(name: str, value: Value) -> None:
    if name == "JobFlavour" and value not in FLAVOURS:
        raise ValueError(f"must not hold JobFlavour {value!r}; there are {', '.join(FLAVOURS)}")
    if name == "MaxRuntime" and (isinstance(value, (bool, str)) or value <= 0):
        raise ValueError(f"must not hold MaxRuntime {value!r}; it must be a number of seconds > 0")


def interpreter(value: Any) -> str | None:
    """Accept a path or name of a Python, or None."""
    if value is None:
        return None
    if not isinstance(value, str) or not value.strip() or "\n" in value:
        raise ValueError("must be the path of a Python, or None for the one that submits")
    return value


def shell_lines(value: Any) -> str:
    """Accept lines of shell, as one text or as a list; empty: none."""
    lines = value if isinstance(value, (list, tuple)) else [value]
    if not all(isinstance(line, str) for line in lines):
        raise ValueError("must be lines of shell: text, or a list of texts")
    return "\n".join(lines).strip("\n")


def submit_with(value: Any) -> str:
    """Accept the name of a way to submit."""
    if value not in SUBMIT_WITH:
        raise ValueError(f"must be one of {', '.join(map(repr, SUBMIT_WITH))}")
    return str(value)
