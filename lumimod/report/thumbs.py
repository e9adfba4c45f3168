"""Small pictures, made in threads while pages are written."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Sequence
from concurrent.futures import Executor, Future

from lumimod.errors import BadInputError
from lumimod.report.pictures import ShownPicture, make_thumb, thumbs_due

log = logging.getLogger(__name__)

SEASON = 0
"""Owner of the pictures that belong to no fill."""


class Thumbs:
    """Small pictures that are being made, by the fill that they belong to."""

    def __init__(self, pool: Executor) -> None:
        self._pool = pool
        self._of: defaultdict[int, list[Future[bool]]] = defaultdict(list)
        self.n_made = 0
        """Of those that were waited for."""
        self.failed: set[int] = set()
        """Fills of which some could not be made."""

    @property
    def owners(self) -> Iterable[int]:
        """Fills that have some."""
        return [owner for owner in self._of if owner != SEASON]

    def make(self, owner: int, pictures: Sequence[ShownPicture]) -> None:
        """Begin to make those that are missing or were made of another version."""
        for picture in thumbs_due(pictures):
            self._of[owner].append(self._pool.submit(_made, picture))

    def wait_for(self, owner: int) -> None:
        """Return when those of a fill are there, or could not be made, as `failed` tells.

        Raises
        ------
        OutputError
            One cannot be written.
        """
        self.failed.add(owner)  # until it is known that they did not
        made = [future.result() for future in self._of[owner]]
        self.n_made += sum(made)
        if all(made):
            self.failed.discard(owner)


def _made(picture: ShownPicture) -> bool:
    """Make a small picture; where that fails the page shows its place empty."""
    try:
        make_thumb(picture)
    except BadInputError as exc:
        log.warning("%s", exc)
        return False
    return True
