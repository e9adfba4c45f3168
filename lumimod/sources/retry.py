"""Asking again after a failed query, with longer and longer waits."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from typing import Callable, TypeVar

from lumimod.errors import SourceError

_T = TypeVar("_T")
log = logging.getLogger(__name__)


class NoAnswerError(Exception):
    """A query failed for a reason that may pass: time-out, lost connection, incomplete answer."""


@dataclass(frozen=True)
class Retry:
    """How often to try a query, and how long to wait in between."""

    attempts: int = 4
    first_wait_s: float = 5.0
    factor: float = 4.0
    sleep: Callable[[float], object] = time.sleep

    def waits_s(self) -> list[float]:
        """Return the waits between the attempts; by default 5, 20 and 80 s."""
        return [self.first_wait_s * self.factor**n for n in range(self.attempts - 1)]


def ask(query: Callable[[], _T], what: str, retry: Retry) -> _T:
    """Return the answer of a query, which is repeated while it raises `NoAnswerError`.

    Raises
    ------
    SourceError
        The last attempt failed too.
    """
    for wait_s in retry.waits_s():
        try:
            return query()
        except NoAnswerError as exc:
            log.warning("%s: %s; asking again in %.0f s", what, exc, wait_s)
            retry.sleep(wait_s)
    try:
        return query()
    except NoAnswerError as exc:
        raise SourceError(f"{what}: {exc} (asked {retry.attempts} times)") from exc
