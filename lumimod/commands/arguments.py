"""Arguments of several commands: fills as numbers and ranges, names of steps or pictures."""

from __future__ import annotations

import argparse
import re
from abc import ABC, abstractmethod
from collections.abc import Collection
from typing import Any

from lumimod.config.kinds.base import nearest
from lumimod.run.span import FillsBetween

ALL = "all"
FILLS = "numbers and ranges, such as 5845 5848-5870 or 5845,5848"


class _Pieces(argparse.Action, ABC):
    """Takes what stands between blanks or commas, after that of the same option to the left."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        pieces = [piece for value in values for piece in value.split(",") if piece]
        before = getattr(namespace, self.dest) or []
        setattr(namespace, self.dest, [*before, *map(self.meant, pieces)])

    @abstractmethod
    def meant(self, text: str) -> Any:
        """Return what one piece stands for."""


class Fills(_Pieces):
    """Takes numbers, and ranges such as 5845-5870, with blanks or commas between them."""

    def meant(self, text: str) -> int | FillsBetween:
        """Return the fill or the range of fills."""
        if text.isdecimal():
            return int(text)
        span = re.fullmatch(r"(\d+)(?:-|\.\.|:)(\d+)", text)
        if span is None or int(span[1]) > int(span[2]):
            raise argparse.ArgumentError(
                self, f"{text!r} is neither a fill nor a range; write {FILLS}"
            )
        return FillsBetween(int(span[1]), int(span[2]))


class NameChoice(_Pieces):
    """Takes names out of a list, with blanks or commas between them, in any case."""

    def __init__(self, *args: Any, among: Collection[str], what: str, **options: Any) -> None:
        super().__init__(*args, **options)
        self._among = {name.lower(): name for name in (ALL, *among)}
        self._what = what

    def meant(self, text: str) -> str:
        """Return the name as it is written in the list."""
        found = self._among.get(text.lower())
        if found is None:
            meant = nearest(text, self._among.values())
            known = f"did you mean {meant}?" if meant else f"there are {', '.join(self._among)}"
            raise argparse.ArgumentError(self, f"{text!r} is not a {self._what}; {known}")
        return found


def positive_number(text: str) -> int:
    """Return a number that is above zero."""
    value = int(text) if text.isdecimal() else 0
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a positive number")
    return value


HIGHEST_LEVEL = 50


def log_level(text: str) -> int:
    """Return a level of logging: a number from 1 to that of fatal errors, or a name."""
    names = {"debug": 10, "info": 20, "warning": 30, "error": 40, "fatal": HIGHEST_LEVEL}
    value = names.get(text.lower()) or (int(text) if text.isdecimal() else 0)
    if not 1 <= value <= HIGHEST_LEVEL:
        raise argparse.ArgumentTypeError(
            f"{text} is not a level: a number from 1 to {HIGHEST_LEVEL}, or {', '.join(names)}"
        )
    return value
