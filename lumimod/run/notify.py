"""Telling someone that a fill began to fail, or is well again: `notify` of config.py."""

from __future__ import annotations

import logging
import shlex
import subprocess
from collections.abc import Sequence

log = logging.getLogger(__name__)

_LONGEST_S = 60.0


def notify(command: str, lines: Sequence[str]) -> None:
    """Run a command with the lines on its standard input.

    It is split as a shell would, and run without one. If it fails or takes longer than a minute,
    the log says so and the run goes on.
    """
    if not command or not lines:
        return
    text = "".join(f"{line}\n" for line in lines)
    try:
        done = subprocess.run(  # noqa: S603 - the user's own command
            shlex.split(command),
            input=text,
            text=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            timeout=_LONGEST_S,
            check=False,
        )
    except (OSError, ValueError, subprocess.TimeoutExpired) as exc:
        log.warning("notify = %r cannot be run (%s); check config.py", command, exc)
        return
    if done.returncode:
        said = " ".join(done.stderr.split())[:200]
        log.warning("notify = %r ended with status %d (%s)", command, done.returncode, said)
