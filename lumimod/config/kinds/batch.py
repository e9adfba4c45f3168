"""Settings of HTCondor: attributes of jobs, and what runs before them."""

from __future__ import annotations

import math
import re
from numbers import Integral, Real
from typing import Any, Union

from lumimod.config.kinds.base import (
    FrozenMap,
    NotAllowedError,
    kind,
    nearest,
    pairs_of,
    require,
    without_numpy,
)

AttributeValue = Union[str, int, float, bool]

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
"""Attributes of a job that CERN uses; they may be given without MY. in front."""

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
"""Commands of a submit description; a name that is spelled nearly like one is refused."""

SET_BY_LUMIMOD = ("executable", "arguments", "output", "error", "log", "initialdir", "queue")
"""Commands that lumimod fills in itself, or that stand in htcondor_sub."""


@kind("{name: value}, such as {'JobFlavour': 'workday'}")
def job_attributes(value: Any) -> FrozenMap[str, AttributeValue]:
    """Accept commands of a submit description and attributes of jobs, with their values."""
    return FrozenMap(tuple(_job_attribute(name, v) for name, v in pairs_of(value)))


def _job_attribute(name: Any, value: Any) -> tuple[str, AttributeValue]:
    """Return a name as HTCondor knows it (MY.NAME for an attribute) and its value."""
    if not isinstance(name, str) or not re.fullmatch(r"(\+|MY\.)?[A-Za-z_]\w*", name, re.I):
        raise NotAllowedError(
            f"must not hold {name!r}, which is neither a submit command nor MY.NAME"
        )
    is_attribute, bare = _without_prefix(name)
    value = _attribute_value(name, value)
    known = {k.lower(): k for k in CUSTOM}
    if bare.lower() in known:
        bare = known[bare.lower()]
        _check_custom(bare, value)
        return f"MY.{bare}", value
    if is_attribute:
        _refuse_misspelled(name, bare, CUSTOM)
        return f"MY.{bare}", value
    if bare.lower() in SET_BY_LUMIMOD:
        raise NotAllowedError(
            f"must not hold {name!r}, which lumimod sets; change htcondor_sub for it"
        )
    if bare.lower() not in COMMANDS:
        _refuse_misspelled(name, bare, (*COMMANDS, *CUSTOM))
    return bare, value


def _without_prefix(name: str) -> tuple[bool, str]:
    """Return whether a name starts with + or MY., and what follows."""
    for prefix in ("+", "MY."):
        if name.upper().startswith(prefix):
            return True, name[len(prefix) :]
    return False, name


def _attribute_value(name: str, value: Any) -> AttributeValue:
    value = without_numpy(value)
    if isinstance(value, str) and ("\n" in value or not value.strip()):
        raise NotAllowedError(f"must not hold for {name!r} text that is empty or has several lines")
    if isinstance(value, (bool, str)):
        return value
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real) and math.isfinite(value):
        return float(value)
    raise NotAllowedError(
        f"must not hold for {name!r} a value that is not text, a number, True or False"
    )


def _refuse_misspelled(name: str, bare: str, known: tuple[str, ...]) -> None:
    meant = nearest(bare, known)
    if meant:
        raise NotAllowedError(
            f"must not hold {name!r}, which is not known; did you mean {meant!r}?"
        )


def _check_custom(name: str, value: AttributeValue) -> None:
    if name == "JobFlavour" and value not in FLAVOURS:
        raise NotAllowedError(
            f"must not hold JobFlavour {value!r}; there are {', '.join(FLAVOURS)}"
        )
    if name == "MaxRuntime" and (isinstance(value, (bool, str)) or value <= 0):
        raise NotAllowedError(
            f"must not hold MaxRuntime {value!r}; it must be a number of seconds > 0"
        )


@kind("the path of a Python, or None for the one that submits")
def interpreter(value: Any) -> str | None:
    """Accept a path or name of a Python, or None."""
    if value is None:
        return None
    require(isinstance(value, str) and bool(value.strip()) and "\n" not in value)
    return str(value)


@kind("lines of shell: text, or a list of texts")
def shell_lines(value: Any) -> str:
    """Accept lines of shell, as one text or as a list; empty: none."""
    lines = value if isinstance(value, (list, tuple)) else [value]
    require(all(isinstance(line, str) for line in lines))
    return "\n".join(lines).strip("\n")
