"""`Kind`, which every kind of value is made with, and what they share."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Callable, Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")
V_co = TypeVar("V_co", covariant=True)

_LIKENESS = 0.8
"""From which a misspelled name is taken for a known one; 1 is the same name."""


class NotAllowedError(ValueError):
    """A value is refused, and the message says more than which values are allowed."""


class EntryError(ValueError):
    """One entry of a list or a mapping is refused."""

    def __init__(self, key: Any, value: Any, why: str = "") -> None:
        super().__init__(f"{why}, not [{key!r}] = {value!r}")
        self.key = key
        self.value = value
        self.why = why


def _no_remarks(_: Any) -> Iterable[str]:
    return ()


@dataclass(frozen=True)
class Kind(Generic[V_co]):
    """The values that a setting may hold.

    Calling it returns the value as Config holds it. Anything that is not allowed raises
    `ValueError`, with what is allowed. Numpy scalars and arrays are taken as well as Python's
    numbers and lists.
    """

    allowed: str
    """Which values are allowed, in words that follow "must be"."""
    convert: Callable[[Any], V_co]
    """Returns the value as Config holds it; raises `ValueError` if it is not allowed."""
    unit: str = ""
    same: Callable[[Any, Any], bool] = operator.eq
    """Whether two values mean the same."""
    remarks: Callable[[Any], Iterable[str]] = _no_remarks
    """What to say of a value that is allowed, but not what it looks like."""

    def __call__(self, value: Any) -> V_co:
        """Return the value as Config holds it."""
        try:
            return self.convert(value)
        except NotAllowedError:
            raise
        except EntryError as exc:
            raise EntryError(exc.key, exc.value, f"must be {self.allowed}") from exc
        except ValueError as exc:
            raise ValueError(f"must be {self.allowed}") from exc


def kind(
    allowed: str, unit: str = "", remarks: Callable[[Any], Iterable[str]] = _no_remarks
) -> Callable[[Callable[[Any], V]], Kind[V]]:
    """Return a decorator that makes a function, which converts a value, a `Kind`."""

    def decorate(convert: Callable[[Any], V]) -> Kind[V]:
        return Kind(allowed, convert, unit, remarks=remarks)

    return decorate


@dataclass(frozen=True, eq=False)
class FrozenMap(Mapping[K, V], Generic[K, V]):
    """A small mapping that cannot be changed; it can be hashed and pickled."""

    pairs: tuple[tuple[K, V], ...]

    def __getitem__(self, key: K) -> V:
        for known, value in self.pairs:
            if known == key:
                return value
        raise KeyError(key)

    def __iter__(self) -> Iterator[K]:
        return (key for key, _ in self.pairs)

    def __len__(self) -> int:
        return len(self.pairs)

    def __hash__(self) -> int:
        return hash(frozenset(self.pairs))


def require(condition: bool) -> None:
    """Raise `ValueError` unless the condition holds."""
    if not condition:
        raise ValueError


def without_numpy(value: Any) -> Any:
    """Return the Python value of a numpy scalar or array; anything else as it is."""
    convert = getattr(value, "tolist", None)
    return convert() if callable(convert) else value


def items_of(value: Any) -> tuple[Any, ...]:
    """Return the items of a list, tuple or array; refuse text and anything else."""
    value = without_numpy(value)
    require(isinstance(value, Sequence) and not isinstance(value, (str, bytes)))
    return tuple(value)


def pair_of(value: Any, check: Callable[[Any], V]) -> tuple[V, V]:
    """Return the two items of a list, each checked."""
    items = items_of(value)
    require(len(items) == 2)
    return check(items[0]), check(items[1])


def pairs_of(value: Any) -> tuple[tuple[Any, Any], ...]:
    """Return keys and values of a mapping; refuse anything else."""
    require(isinstance(value, Mapping))
    return tuple(value.items())


def each_of(value: Any, convert: Callable[[Any], V]) -> tuple[V, ...]:
    """Return the items of a list, each converted; the one that is refused is named."""
    return tuple(_entry(i, item, lambda _, v: convert(v)) for i, item in enumerate(items_of(value)))


def map_of(
    value: Any, convert_key: Callable[[Any], K], convert: Callable[[Any], V]
) -> FrozenMap[K, V]:
    """Return a mapping, keys and values converted; the entry that is refused is named."""

    def both(key: Any, item: Any) -> tuple[K, V]:
        return convert_key(key), convert(item)

    return FrozenMap(tuple(_entry(key, item, both) for key, item in pairs_of(value)))


def _entry(key: Any, item: Any, convert: Callable[[Any, Any], V]) -> V:
    try:
        return convert(key, item)
    except NotAllowedError:
        raise
    except ValueError as exc:
        raise EntryError(key, item) from exc


def require_different(items: Sequence[Any]) -> None:
    """Raise `ValueError` if two items are equal."""
    require(len(set(items)) == len(items))


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that is spelled most like this one, None if none is close."""
    import difflib  # only now: it is needed for faults alone

    by_small_letters = {k.lower(): k for k in known}
    near = difflib.get_close_matches(name.lower(), by_small_letters, n=1, cutoff=_LIKENESS)
    return by_small_letters[near[0]] if near else None
