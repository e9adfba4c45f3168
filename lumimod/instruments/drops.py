"""What was left out of the measurements of a beam."""

from __future__ import annotations

from dataclasses import dataclass, field

from lumimod.errors import Note

EMITTANCE, BUNCH_INTENSITY, BUNCH_LENGTH = "emittance", "bunch intensity", "bunch length"
"""What notes call the quantities."""
WORTH_A_WARNING = 0.01
"""Part of the samples from which on a warning says that they were dropped."""


@dataclass
class DropLog:
    """What was left out of the measurements of a beam, and notes of it."""

    beam: int
    notes: list[Note] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    """By quantity."""

    def drop(self, quantity: str, n: int, of: int, text: str) -> None:
        """Note that `n` of so many samples were dropped, if any; `{}` in the text is for n.

        It is worth a warning if they are more than 1 %.
        """
        if n:
            self.counts[quantity] = self.counts.get(quantity, 0) + n
            self.notes.append(
                Note(
                    "dropped",
                    f"{text.format(n)} dropped ({n / of:.2%})",
                    quantity,
                    self.beam,
                    numbers={"dropped": n, "of": of},
                    quiet=n <= WORTH_A_WARNING * of,
                )
            )
