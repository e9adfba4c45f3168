"""What fails costs what it belongs to, a step or a fill, and never the run."""

from __future__ import annotations

import logging
from typing import Callable

from lumimod.errors import LumimodError

log = logging.getLogger(__name__)

NO_MEMORY = (
    "there was not enough memory; free some, or run fewer fills side by side (--jobs), "
    "and run again"
)


def guarded(what: str, work: Callable[[], None]) -> str:
    """Do some work; return why it failed, or nothing.

    An error that nobody thought of is a bug: its traceback is logged, with `what` was at work.
    """
    try:
        work()
    except LumimodError as exc:
        return str(exc)
    except MemoryError:
        return NO_MEMORY
    except OSError as exc:
        log.debug("%s", what, exc_info=True)
        name = f"{exc.filename}: " if exc.filename else ""
        return f"{name}{exc.strerror or exc or type(exc).__name__}; check the file and run again"
    except Exception as exc:
        log.exception("%s: internal error", what)
        return f"internal error, please report it: {type(exc).__name__}: {exc}"
    return ""
