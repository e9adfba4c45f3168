"""Words of a terminal as they are printed."""

from __future__ import annotations

from collections.abc import Iterable

_PRINTED = (
    ("+-", "±"),
    ("[um]", "[µm]"),
    (" urad", " µrad"),
    ("beta*", "β*"),
    ("[1e11 p/b]", "[10¹¹ p/b]"),
    ("[1e34]", "[10³⁴ cm⁻² s⁻¹]"),
)


def printed(texts: Iterable[str]) -> list[str]:
    """Return texts with the signs that a terminal may lack."""
    found = list(texts)
    for plain, sign in _PRINTED:
        found = [text.replace(plain, sign) for text in found]
    return found


def title_of(words: str) -> str:
    """Return words with a capital at the start; capitals within stay."""
    return words[:1].upper() + words[1:]
