"""CERN's logging service NXCALS, through pytimber.

pytimber (https://github.com/rdemaria/pytimber) needs a Kerberos ticket and the right to read
NXCALS; it is imported only when it is used. What this module relies on, from its code and users:

- `LoggingDB(source="nxcals")`; without it the service of before 2020 is asked.
- `get(names, t1, t2)` returns {name: (times, values)}, both ends of the span included. Times are
  Unix times; the values of a vector variable are a matrix, or an array of arrays if their lengths
  differ. Names that it does not know are absent. Times are given as Unix times: text would be
  taken as local time of the machine.
- It joins vectors by `numpy.array(rows)`. NumPy 1.24 and newer raise a ValueError if their lengths
  differ; then the span is halved until they do not.
- `get(names, t1)` returns the last sample before t1.
- `getLHCFillsByTime(t1, t2)`, `getLHCFillData(fill)` return dicts of fillNumber, startTime, endTime
  (None while it lasts) and beamModes; None for an unknown fill. Newer versions call them
  get_lhc_fills_by_time and get_lhc_fill_data.
- Answers for more than about 12 h may not fit into the memory of its Java virtual machine.
"""

from __future__ import annotations

import importlib
import logging
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Callable

import numpy as np

from lumimod.arrays import FloatArray, Series
from lumimod.errors import BadInputError, SourceError
from lumimod.sources.base import (
    FillSpan,
    ModeSpan,
    Source,
    UnusableError,
    between,
    empty_series,
    joined,
    series_from_rows,
)
from lumimod.sources.retry import NoAnswerError, Retry, ask

log = logging.getLogger(__name__)

ORIGIN = "NXCALS"
SHORTEST_S = 0.5
"""Shortest span that is halved."""


class LoggingService(Source):
    """NXCALS through pytimber."""

    name = "pytimber"
    slice_s = 12 * 3600.0
    can_be_lost = True
    advice = (
        "renew the Kerberos ticket (kinit), see that you may read NXCALS, and run again: what was "
        "fetched is kept"
    )

    def __init__(self, retry: Retry = Retry()) -> None:  # noqa: B008 - frozen
        self._retry = retry
        self._connected: Any = None

    def fills(self, start_s: float, stop_s: float) -> list[FillSpan]:
        """Return the fills that overlap the span."""
        answer = self._ask(
            f"fills of {_utc(start_s)} to {_utc(stop_s)}",
            ("getLHCFillsByTime", "get_lhc_fills_by_time"),
            start_s,
            stop_s,
        )
        spans = _good_spans([item for item in answer or () if item is not None])
        inside = [s for s in spans if s.stop_s is None or s.stop_s > start_s]
        return sorted((s for s in inside if s.start_s < stop_s), key=lambda span: span.start_s)

    def fill(self, number: int) -> FillSpan | None:
        """Return a fill; None if it is not known."""
        answer = self._ask(f"fill {number}", ("getLHCFillData", "get_lhc_fill_data"), int(number))
        return None if answer is None else _fill_span(answer)

    def get(self, names: Sequence[str], start_s: float, stop_s: float) -> dict[str, Series]:
        """Return what was logged, with one query per variable."""
        answers = {name: self._variable(name, start_s, stop_s) for name in names}
        return {name: series for name, series in answers.items() if series is not None}

    def last(self, name: str, time_s: float) -> Series | None:
        """Return the last sample before a time; None if the service has none."""
        what = f"{name} before {_utc(time_s)}"
        answer = self._ask(what, ("get",), [name], time_s, check=_has(name))
        if not answer or name not in answer or not len(answer[name][0]):
            return None
        return _series(name, *answer[name])

    def _variable(self, name: str, start_s: float, stop_s: float) -> Series | None:
        what = f"{name} of {_utc(start_s)} to {_utc(stop_s)}"
        answer = self._ask(what, ("get",), [name], start_s, stop_s, check=_has(name))
        if answer is None:  # rows of different lengths
            middle_s = (start_s + stop_s) / 2
            if stop_s - start_s < SHORTEST_S:
                raise BadInputError(
                    f"{what}: pytimber cannot return samples of one time that differ in length"
                )
            halves = [(start_s, middle_s), (middle_s, stop_s)]
            parts = [self._variable(name, *half) for half in halves]
            known = [part for part in parts if part is not None]
            return joined(known) if known else None
        if name not in answer:
            return None
        series = _series(name, *answer[name])
        return between(series, start_s, stop_s)

    # --- the connection

    def _ask(
        self,
        what: str,
        methods: Sequence[str],
        *arguments: object,
        check: Callable[[Any, bool], Any] = lambda answer, _: answer,
    ) -> Any:
        """Call the first method that pytimber has, repeatedly while it fails; return its answer.

        `check` takes the answer and whether the query was repeated; it returns the answer or raises
        `NoAnswerError`.
        """
        n_asked = 0

        def query() -> Any:
            nonlocal n_asked
            n_asked += 1
            database = self._database()
            method = next((m for m in methods if hasattr(database, m)), None)
            if method is None:
                raise UnusableError(f"pytimber has no {' nor '.join(methods)}; install a newer one")
            try:
                return check(getattr(database, method)(*arguments), n_asked > 1)
            except _faults() as exc:
                if _is_ragged(exc):
                    return None
                raise NoAnswerError(_in_words(exc)) from exc

        try:
            return ask(query, what, self._retry)
        except SourceError as exc:
            self._connected = None  # the next query begins with a new connection
            if what.startswith("fill") and isinstance(exc.__cause__, NoAnswerError):
                raise SourceError(f"{exc}; {self.advice}") from exc
            raise

    def _database(self) -> Any:
        if self._connected is None:
            try:
                pytimber = importlib.import_module("pytimber")
                for chatty in ("pytimber", "py4j"):  # they log every query
                    logging.getLogger(chatty).setLevel(logging.WARNING)
            except ImportError as exc:
                raise UnusableError(
                    f"pytimber cannot be imported ({exc}); install it from CERN's package index "
                    "(acc-py), or take another --source"
                ) from exc
            try:
                self._connected = pytimber.LoggingDB(source="nxcals")
            except _faults() as exc:
                raise NoAnswerError(f"no connection: {_in_words(exc)}") from exc
        return self._connected


# --- answers


def _has(name: str) -> Callable[[Any, bool], Any]:
    """Return a check of answers for a variable."""

    def check(answer: Any, again: bool) -> Any:
        if not isinstance(answer, Mapping):
            raise NoAnswerError(f"the answer is a {type(answer).__name__}, not a dict")
        if name not in answer:
            if not again:  # incomplete, or not known: believed the second time
                raise NoAnswerError("not in the answer")
            return answer
        try:
            times, values = answer[name]
        except (TypeError, ValueError) as exc:
            raise NoAnswerError("the answer is not a pair of times and values") from exc
        if len(times) != len(values):
            raise NoAnswerError(f"incomplete answer: {len(times)} times, {len(values)} values")
        return answer

    return check


def _series(name: str, times: Any, values: Any) -> Series:
    """Return an answer as a series; samples without a number are dropped and counted."""
    time_s = np.asarray(times, np.float64)
    if not time_s.size:
        return empty_series(name, ORIGIN)
    try:
        rows = [np.atleast_1d(np.asarray(row, np.float64)).ravel() for row in values]
    except (TypeError, ValueError) as exc:
        raise BadInputError(f"{name}: values are not numbers ({_in_words(exc)})") from exc
    good = np.array([_is_whole(row) for row in rows])
    kept = [row for row, keep in zip(rows, good.tolist()) if keep]
    series = series_from_rows(name, ORIGIN, time_s[good], kept)
    n_dropped = int(np.count_nonzero(~good))
    if n_dropped:
        log.debug("%s: %d samples without a number dropped", name, n_dropped)
    return Series(
        name, ORIGIN, series.time_s, series.values, series.row_start, series.n_dropped + n_dropped
    )


def _is_whole(row: FloatArray) -> bool:
    """Tell whether a sample is a number, or a vector with at least one."""
    return bool(row.size and np.isfinite(row).any())


def _fill_span(answer: Mapping[str, Any]) -> FillSpan:
    """Return an answer about a fill as a span."""
    try:
        modes = tuple(
            ModeSpan(str(m["mode"]), float(m["startTime"]), _optional(m["endTime"]))
            for m in answer["beamModes"]
        )
        start_s, stop_s = float(answer["startTime"]), _optional(answer["endTime"])
        return FillSpan(int(answer["fillNumber"]), start_s, stop_s, modes)
    except (KeyError, TypeError, ValueError) as exc:
        raise SourceError(f"pytimber: unexpected answer about a fill: {answer!r:.200}") from exc


def _good_spans(answers: Sequence[Mapping[str, Any]]) -> list[FillSpan]:
    """Return the spans of fills; an odd answer costs its fill, and is told."""
    spans: list[FillSpan] = []
    odd: list[SourceError] = []
    for answer in answers:
        try:
            spans.append(_fill_span(answer))
        except SourceError as exc:
            log.error("%s; this fill is left out", exc)
            odd.append(exc)
    if odd and not spans:
        raise odd[0]
    return spans


def _optional(time_s: Any) -> float | None:
    return None if time_s is None else float(time_s)


# --- faults


def _faults() -> tuple[type[BaseException], ...]:
    """Return the exceptions that a query may raise, of Python and of the Java behind pytimber."""
    foreign = (("jpype", "JException"), ("py4j.protocol", "Py4JError"))
    loaded = [getattr(sys.modules.get(module), name, None) for module, name in foreign]
    return (
        *(OSError, RuntimeError, ValueError, TypeError, AttributeError, LookupError),
        *(EOFError, MemoryError),
        *(error for error in loaded if isinstance(error, type)),
    )


def _is_ragged(exc: BaseException) -> bool:
    return isinstance(exc, ValueError) and "inhomogeneous" in str(exc)


def _in_words(exc: BaseException) -> str:
    """Return the type and first line of an error; those of Java are pages long."""
    first = next(_lines(str(exc)), "")
    return f"{type(exc).__name__}: {first}" if first else type(exc).__name__


def _lines(text: str) -> Iterator[str]:
    return (line.strip()[:200] for line in text.splitlines() if line.strip())


def _utc(time_s: float) -> str:
    return str(np.datetime64(round(time_s), "s")).replace("T", " ")
