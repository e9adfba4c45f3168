"""NXCALS through pytimber: what is asked, what comes of the answers, what of faults."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

from lumimod.errors import BadInputError, SourceError
from lumimod.sources import open_source
from lumimod.sources.logging_service import LoggingService
from lumimod.sources.retry import Retry
from tests.sources.standin import Faults, JavaError, Service, fill_data
from tests.sources.test_standin import DATA, T0, TIMES

Connect = Callable[..., tuple[LoggingService, Service, list[float]]]
STOP = T0 + 100


@pytest.fixture
def connect(monkeypatch: pytest.MonkeyPatch) -> Connect:
    def connected(
        faults: Faults | None = None, *, data: object = DATA, fills: object = (), attempts: int = 3
    ) -> tuple[LoggingService, Service, list[float]]:
        service = Service(data, fills, faults or Faults())  # type: ignore[arg-type]
        monkeypatch.setitem(sys.modules, "pytimber", service.module())
        waits: list[float] = []
        return LoggingService(Retry(attempts, sleep=waits.append)), service, waits

    return connected


# --- answers


def test_scalars_come_as_a_series(connect: Connect) -> None:
    source, _, waits = connect()
    series = source.get(["A:SCALAR"], T0, STOP)["A:SCALAR"]
    assert series.time_s.tolist() == TIMES.tolist()
    assert series.scalar().tolist() == [1, 2, 3, 4]
    assert waits == []


def test_whole_numbers_become_floats(connect: Connect) -> None:
    assert connect()[0].get(["A:COUNT"], T0, STOP)["A:COUNT"].values.dtype == np.float64


def test_vectors_keep_their_rows(connect: Connect) -> None:
    series = connect()[0].get(["A:VECTOR"], T0, STOP)["A:VECTOR"]
    assert series.matrix().tolist() == [[0, 1, 2]] * 4


@pytest.mark.parametrize("raises", [False, True], ids=["array of arrays", "ValueError"])
def test_vectors_of_different_lengths_keep_their_rows(connect: Connect, raises: bool) -> None:
    source, _, waits = connect(Faults(ragged_raises=raises))
    series = source.get(["A:RAGGED"], T0, STOP)["A:RAGGED"]
    assert series.lengths.tolist() == [1, 2, 2, 3]
    assert series.time_s.tolist() == TIMES.tolist()
    assert waits == []


def test_vectors_of_one_time_that_differ_are_an_error(connect: Connect) -> None:
    data = {"X": (np.array([T0, T0]), [np.zeros(1), np.zeros(2)])}
    source, _, _ = connect(Faults(ragged_raises=True), data=data)
    with pytest.raises(BadInputError, match="X of 2017-06-15 .* differ in length"):
        source.get(["X"], T0, STOP)


def test_the_end_of_the_time_does_not_belong_to_it(connect: Connect) -> None:
    source, _, _ = connect()
    first = source.get(["A:SCALAR"], T0, TIMES[2])["A:SCALAR"]
    second = source.get(["A:SCALAR"], TIMES[2], STOP)["A:SCALAR"]
    assert [*first.time_s, *second.time_s] == TIMES.tolist()


def test_only_unix_times_are_given(connect: Connect) -> None:
    source, service, _ = connect()
    source.get(["A:SCALAR"], T0, STOP)
    assert service.queries == [(["A:SCALAR"], T0, STOP)]


def test_each_variable_is_a_query_of_its_own(connect: Connect) -> None:
    source, service, _ = connect()
    source.get(["A:SCALAR", "A:COUNT"], T0, STOP)
    assert [names for names, *_ in service.queries] == [["A:SCALAR"], ["A:COUNT"]]
    assert service.n_connections == 1


def test_a_time_without_samples_is_a_series_without_rows(connect: Connect) -> None:
    assert connect()[0].get(["A:SCALAR"], 0.0, 1.0)["A:SCALAR"].time_s.size == 0


def test_samples_without_a_number_are_dropped_and_counted(connect: Connect) -> None:
    source, _, _ = connect(data={"X": (TIMES, [1.0, np.nan, 3.0, 4.0])})
    series = source.get(["X"], T0, STOP)["X"]
    assert (series.values.tolist(), series.n_dropped) == ([1, 3, 4], 1)


def test_samples_are_put_in_order(connect: Connect) -> None:
    source, _, _ = connect(data={"X": (TIMES[::-1].copy(), [1.0, 2.0, 3.0, 4.0])})
    assert source.get(["X"], T0, STOP)["X"].values.tolist() == [4, 3, 2, 1]


def test_text_is_refused_by_name(connect: Connect) -> None:
    source, _, _ = connect(data={"X": (TIMES, ["a", "b", "c", "d"])})
    with pytest.raises(BadInputError, match="X: values are not numbers"):
        source.get(["X"], T0, STOP)


def test_the_last_sample_before_a_time(connect: Connect) -> None:
    source, _, _ = connect()
    last = source.last("A:SCALAR", T0 + 15)
    assert last is not None
    assert last.values.tolist() == [2]
    assert source.last("A:SCALAR", T0) is None


# --- fills


FILLS = [
    fill_data(5847, T0 - 100, T0, STABLE=(T0 - 90, T0 - 10)),
    fill_data(5848, T0, T0 + 50, STABLE=(T0 + 10, T0 + 20), ADJUST=(T0 + 5, T0 + 10)),
    fill_data(5849, T0 + 50, None, INJPHYS=(T0 + 60, None)),
]


def test_fills_between_two_times(connect: Connect) -> None:
    source, _, _ = connect(fills=FILLS)
    assert [span.fill for span in source.fills(T0, T0 + 60)] == [5848, 5849]
    first, second = source.fills(T0, T0 + 60)
    assert (first.start_s, first.stop_s, len(first.modes)) == (T0, T0 + 50, 2)
    assert second.stop_s is None
    assert second.modes[0].stop_s is None


def test_an_odd_answer_about_a_fill_costs_that_fill(
    connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    odd = {**FILLS[1], "beamModes": None}
    source, _, _ = connect(fills=[odd, FILLS[2]])
    assert [span.fill for span in source.fills(T0, T0 + 60)] == [5849]
    assert "unexpected answer about a fill" in caplog.text
    assert "this fill is left out" in caplog.text


def test_a_fill_that_is_not_known_is_none(connect: Connect) -> None:
    source, _, _ = connect(fills=FILLS)
    assert source.fill(1) is None
    found = source.fill(5848)
    assert found is not None
    assert found.modes[1].mode == "ADJUST"


def test_newer_names_of_the_methods_do_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    database = SimpleNamespace(
        get_lhc_fill_data=lambda number: FILLS[1],
        get_lhc_fills_by_time=lambda t1, t2: [FILLS[1], None],
    )
    module = ModuleType("pytimber")
    module.LoggingDB = lambda source: database  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "pytimber", module)
    source = LoggingService()
    assert [span.fill for span in source.fills(T0, T0 + 60)] == [5848]
    assert source.fill(5848) == source.fills(T0, T0 + 60)[0]


def test_an_answer_that_is_no_fill_is_named(connect: Connect) -> None:
    source, _, _ = connect(fills=[{"fillNumber": 1}])
    with pytest.raises(SourceError, match="unexpected answer about a fill"):
        source.fill(1)


# --- faults


def test_a_time_out_is_asked_again_after_a_wait(connect: Connect) -> None:
    faults = Faults(raises={0: TimeoutError("read timed out"), 1: JavaError("Spark is gone")})
    source, service, waits = connect(faults)
    assert source.get(["A:SCALAR"], T0, STOP)["A:SCALAR"].time_s.size == 4
    assert waits == [5.0, 20.0]
    assert len(service.queries) == 3


def test_after_a_fault_the_log_says_what_and_how_long(
    connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    source, _, _ = connect(Faults(raises={0: TimeoutError("read timed out")}))
    source.get(["A:SCALAR"], T0, STOP)
    (record,) = caplog.records
    assert record.getMessage() == (
        "A:SCALAR of 2017-06-15 02:18:00 to 2017-06-15 02:19:40: TimeoutError: read timed out; "
        "asking again in 5 s"
    )


def test_a_service_that_is_down_is_an_error(connect: Connect) -> None:
    source, service, waits = connect(Faults(down_from=0))
    with pytest.raises(SourceError) as caught:
        source.get(["A:SCALAR"], T0, STOP)
    text = str(caught.value)
    assert text.startswith("A:SCALAR of 2017-06-15 02:18:00 to 2017-06-15 02:19:40: JavaError: ")
    assert "Connection refused (asked 3 times)" in text
    assert "\tat" not in text
    assert len(service.queries) == 3
    assert waits == [5.0, 20.0]


def test_after_an_error_the_next_query_connects_anew(connect: Connect) -> None:
    source, service, _ = connect(Faults(raises={0: TimeoutError()}), attempts=1)
    with pytest.raises(SourceError, match="TimeoutError"):
        source.get(["A:SCALAR"], T0, STOP)
    assert source.get(["A:SCALAR"], T0, STOP)
    assert service.n_connections == 2


def test_a_connection_that_is_refused_is_tried_again(connect: Connect) -> None:
    source, service, waits = connect(Faults(connections_refused=2))
    assert source.get(["A:SCALAR"], T0, STOP)
    assert (service.n_connections, len(waits)) == (3, 2)


def test_no_ticket_is_an_error_that_says_so(connect: Connect) -> None:
    source, _, _ = connect(Faults(connections_refused=9))
    with pytest.raises(SourceError, match="no connection: .*Kerberos.*renew the Kerberos ticket"):
        source.fill(5848)


def test_a_variable_that_is_absent_once_is_asked_for_again(connect: Connect) -> None:
    source, _, waits = connect(Faults(forgets={0: "A:SCALAR"}))
    assert source.get(["A:SCALAR"], T0, STOP)["A:SCALAR"].time_s.size == 4
    assert len(waits) == 1


def test_a_variable_that_is_absent_twice_is_not_known(connect: Connect) -> None:
    source, service, _ = connect()
    assert set(source.get(["NO:SUCH", "A:COUNT"], T0, STOP)) == {"A:COUNT"}
    assert len(service.asked_for("NO:SUCH")) == 2


def test_half_an_answer_is_asked_for_again(connect: Connect) -> None:
    source, _, waits = connect(Faults(cuts={0}))
    assert source.get(["A:SCALAR"], T0, STOP)["A:SCALAR"].time_s.size == 4
    assert len(waits) == 1


@pytest.mark.parametrize(
    ("answer", "why"), [(None, "a NoneType, not a dict"), ({"X": 1}, "not a pair of times and")]
)
def test_an_answer_of_another_kind_is_an_error(
    monkeypatch: pytest.MonkeyPatch, answer: object, why: str
) -> None:
    module = ModuleType("pytimber")
    database = SimpleNamespace(get=lambda *_: answer)
    module.LoggingDB = lambda source: database  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "pytimber", module)
    with pytest.raises(SourceError, match=why):
        LoggingService(Retry(1)).get(["X"], T0, STOP)


def test_errors_of_java_are_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    class JException(Exception):  # noqa: N818 - its name in jpype
        pass

    class Py4JError(Exception):
        pass

    for module, error in (("jpype", JException), ("py4j.protocol", Py4JError)):
        foreign = ModuleType(module)
        setattr(foreign, error.__name__, error)
        monkeypatch.setitem(sys.modules, module, foreign)
        service = Service(DATA, faults=Faults(raises={0: error("out of memory")}))
        monkeypatch.setitem(sys.modules, "pytimber", service.module())
        with pytest.raises(SourceError, match="out of memory"):
            LoggingService(Retry(1)).get(["A:SCALAR"], T0, STOP)


def test_a_fault_of_the_program_stays_loud(connect: Connect) -> None:
    source, _, _ = connect(Faults(raises={0: ZeroDivisionError()}))
    with pytest.raises(ZeroDivisionError):
        source.get(["A:SCALAR"], T0, STOP)


def test_a_pytimber_without_the_methods_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("pytimber")
    module.LoggingDB = lambda source: object()  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "pytimber", module)
    with pytest.raises(SourceError, match="no getLHCFillData nor get_lhc_fill_data"):
        LoggingService().fill(5848)


def test_pytimber_is_imported_only_when_it_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pytimber", None)
    source = open_source("pytimber", __import__("pathlib").Path())
    with pytest.raises(SourceError, match="pytimber cannot be imported .* another --source"):
        source.fill(5848)
