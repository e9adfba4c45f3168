"""A stand-in for pytimber, which behaves as its code and documentation say.

`LoggingDB(source=...)`, `get`, `getLHCFillData` and `getLHCFillsByTime`, with what its users must
know: text and datetimes are local times of the machine, Unix times are UTC; both ends of a time
belong to it; names that are not known are absent, and known ones without samples have arrays of
size 0; vectors are a matrix if all have one length, else an array of arrays, or with newer NumPy
a ValueError; a fill that is not known is None; one that lasts ends at None.

`Faults` breaks it on purpose.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import ModuleType
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

MACHINE_ZONE = ZoneInfo("Europe/Zurich")
Samples = tuple[npt.NDArray[np.float64], Sequence[Any]]


class JavaError(RuntimeError):
    """In place of the errors that come from Java."""


@dataclass
class Faults:
    """What goes wrong, by the number of the query (from 0)."""

    raises: dict[int, Exception] = field(default_factory=dict)
    """Queries that raise."""
    down_from: int | None = None
    """From this query on nothing answers."""
    vanished: dict[str, float] = field(default_factory=dict)
    """Variables that are not known for times from this one on."""
    forgets: dict[int, str] = field(default_factory=dict)
    """Queries whose answer lacks a variable."""
    cuts: set[int] = field(default_factory=set)
    """Queries that answer with fewer values than times."""
    fails_for: dict[str, Exception] = field(default_factory=dict)
    """Variables whose queries always raise."""
    ragged_raises: bool = False
    """Vectors of different lengths raise, as with NumPy from 1.24 on."""
    connections_refused: int = 0


@dataclass
class Service:
    """What is logged, which fills there were, and what was asked."""

    data: Mapping[str, Samples]
    fills: Sequence[Mapping[str, Any]] = ()
    faults: Faults = field(default_factory=Faults)
    queries: list[tuple[Any, ...]] = field(default_factory=list)
    n_connections: int = 0

    def asked_for(self, name: str) -> list[tuple[float, float]]:
        """Return the times for which a variable was asked for."""
        return [(t1, t2) for names, t1, t2 in self.queries if name in names]

    def module(self) -> ModuleType:
        """Return the module `pytimber`."""
        service = self

        class LoggingDB:
            def __init__(
                self,
                appid: str = "LHC_MD_ABP_ANALYSIS",
                clientid: str = "BEAM PHYSICS",
                source: str = "all",
                loglevel: int | None = None,
            ) -> None:
                service.n_connections += 1
                if source != "nxcals":
                    raise JavaError("CALS is closed")
                if service.faults.connections_refused > 0:
                    service.faults.connections_refused -= 1
                    raise JavaError("GSS initiate failed: no valid Kerberos credentials")

            def get(
                self,
                pattern_or_list: str | list[str] | tuple[str, ...],
                t1: float | str | datetime,
                t2: float | str | datetime | None = None,
                fundamental: str | None = None,
                unixtime: bool = True,
            ) -> dict[str, tuple[npt.NDArray[Any], npt.NDArray[Any]]]:
                return service.get(pattern_or_list, t1, t2, unixtime)

            def getLHCFillData(
                self, fill_number: int | None = None, unixtime: bool = True
            ) -> Mapping[str, Any] | None:
                service.begin(("fill", fill_number))
                if isinstance(fill_number, int):
                    mine = [f for f in service.fills if f["fillNumber"] == fill_number]
                else:
                    mine = [f for f in service.fills if f["endTime"] is not None][-1:]
                return mine[0] if mine else None

            def getLHCFillsByTime(
                self, t1: Any, t2: Any, beam_modes: str | None = None, unixtime: bool = True
            ) -> list[Mapping[str, Any]]:
                service.begin(("fills", t1, t2))
                start, stop = unix(t1), unix(t2)
                return [
                    f
                    for f in service.fills
                    if f["startTime"] <= stop and (f["endTime"] is None or f["endTime"] >= start)
                ]

        module = ModuleType("pytimber")
        module.LoggingDB = LoggingDB  # type: ignore[attr-defined]
        return module

    def begin(self, query: tuple[Any, ...]) -> int:
        """Note a query; raise if it is one that fails."""
        number = len(self.queries)
        self.queries.append(query)
        if self.faults.down_from is not None and number >= self.faults.down_from:
            raise JavaError("java.net.ConnectException: Connection refused\n\tat a.b.C")
        if number in self.faults.raises:
            raise self.faults.raises[number]
        return number

    def get(self, pattern: Any, t1: Any, t2: Any, unixtime: bool) -> dict[str, Any]:
        if isinstance(pattern, str):
            names = [n for n in self.data if fnmatch.fnmatchcase(n, pattern.replace("%", "*"))]
        else:
            names = list(pattern)
        number = self.begin((names, t1, t2))
        for name in names:
            if name in self.faults.fails_for:
                raise self.faults.fails_for[name]
        known = [n for n in names if n in self.data and not self._is_gone(n, t1)]
        answer = {}
        for name in known:
            times, values = self._samples(name, t1, t2)
            if number in self.faults.cuts:
                values = values[: len(times) // 2]
            stamps = times if unixtime else np.array([datetime.fromtimestamp(t) for t in times])
            answer[name] = stamps, self._array(values)
        answer.pop(self.faults.forgets.get(number, ""), None)
        return answer

    def _is_gone(self, name: str, t1: Any) -> bool:
        return unix(t1) >= self.faults.vanished.get(name, np.inf)

    def _samples(self, name: str, t1: Any, t2: Any) -> tuple[npt.NDArray[np.float64], list[Any]]:
        time_s, values = self.data[name]
        start = unix(t1)
        if t2 in ("last", None):
            rows = np.flatnonzero(time_s < start)[-1:]
        elif t2 == "next":
            rows = np.flatnonzero(time_s > start)[:1]
        else:
            rows = np.flatnonzero((time_s >= start) & (time_s <= unix(t2)))
        return time_s[rows], [values[row] for row in rows.tolist()]

    def _array(self, values: list[Any]) -> npt.NDArray[Any]:
        lengths = {np.size(v) for v in values}
        if len(lengths) > 1:
            if self.faults.ragged_raises:
                return np.array(values)  # raises
            array = np.empty(len(values), object)
            array[:] = [np.asarray(v) for v in values]
            return array
        return np.array(values)


def unix(time: float | str | datetime) -> float:
    """Return a time as Unix seconds, as pytimber takes it: text is local time."""
    if isinstance(time, str):
        time = datetime.strptime(time, "%Y-%m-%d %H:%M:%S.%f")
    if isinstance(time, datetime):
        return time.replace(tzinfo=MACHINE_ZONE).timestamp()
    return float(time)


def fill_data(
    number: int, start_s: float, stop_s: float | None, **modes: tuple[float, float | None]
) -> dict[str, Any]:
    """Return what pytimber tells about a fill."""
    return {
        "fillNumber": number,
        "startTime": start_s,
        "endTime": stop_s,
        "beamModes": [
            {"mode": mode, "startTime": start, "endTime": stop}
            for mode, (start, stop) in modes.items()
        ],
    }
