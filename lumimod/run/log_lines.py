"""The first and the last line of the log of a run."""

from __future__ import annotations

import hashlib
import socket
from collections.abc import Mapping, Sequence

from lumimod import __version__
from lumimod.config.settings import Config
from lumimod.run.choice import FillChoice
from lumimod.run.report import FillReport


def opening(cfg: Config, choice: FillChoice, wanted: Sequence[int]) -> str:
    """Return the first line of the log of a run."""
    try:
        digest = hashlib.sha256(cfg.path.read_bytes()).hexdigest()[:8]
    except OSError:
        digest = "gone"
    fills = f"{len(wanted)} fill{'s' * (len(wanted) != 1)}"
    if len(wanted) > 1:
        fills += f" {min(wanted)} to {max(wanted)}"
    return (
        f"lumimod {__version__} on {socket.gethostname()}: {fills} ({choice}), "
        f"configuration {cfg.path} ({digest})"
    )


def closing(reports: Sequence[FillReport], left: Mapping[int, str], seconds: float) -> str:
    """Return the last line of the log of a run."""
    counts = {
        "failed": sum(bool(r.failed) for r in reports),
        "waiting": sum(bool(r.waiting) for r in reports),
        "out of date": sum(bool(r.stale) for r in reports),
        "done": sum(bool(r.done) and not r.failed for r in reports),
        "without stable beams": sum(bool(r.nothing) for r in reports),
        "up to date": sum(r.is_idle for r in reports),
        "left to other runs": len(left),
    }
    words = ", ".join(f"{n} {what}" for what, n in counts.items() if n) or "no fills"
    return f"{words} in {seconds:.1f} s"
