"""Pictures of the cycle, read back: each bunch at the four instants, times and histograms."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from matplotlib.axes import Axes

from lumimod.arrays import FloatArray
from lumimod.paths import FillPaths
from lumimod.plots import cycle, cycle_panels
from lumimod.plots.quantities import INTENSITY
from lumimod.plots.sb_results import SbResults
from lumimod.plots.style import BEAM, INSTANT, Style
from lumimod.records import BEAMS, Cycle, Instant
from tests.plots.conftest import (
    FILL,
    drawn_lines,
    legend_of,
    line,
    notes,
    silent_panels,
    texts,
)
from tests.plots.cycles import (
    ALL_OF_2,
    POOR_CYCLES,
    make_cycle,
    results_of,
    unmeasured,
    with_slots,
)

BY_NAME = {picture.name: picture for picture in cycle.CYCLE_PICTURES}
INSTANTS = {
    "injection": ("Injection", "start"),
    "start of ramp": ("Injection", "end"),
    "end of ramp": ("he_before_SB", "start"),
    "stable beams": ("he_before_SB", "end"),
}
QUANTITIES = {
    "cycle_intensitiesbbb": ("intensity_ppb", 1e-11, "N [10¹¹]"),
    "cycle_brightnessbbb": ("brightness_ppb_um", 1e-11, "N/ε [10¹¹/µm]"),
    "cycle_blengthbbb": ("bl4s_s", 1e9, "4σ length [ns]"),
}


def instant(record: Cycle, beam: int, name: str) -> Instant:
    """Return a beam at one of the four instants."""
    interval, at = INSTANTS[name]
    found: Instant = getattr(record.intervals[beam, interval], at)
    return found


def check_instants(ax: Axes, record: Cycle, beam: int, field: str, scale: float) -> None:
    """Assert that a panel shows a field of each bunch of a beam at the four instants."""
    for name, look in zip(INSTANTS, INSTANT):
        expected = scale * getattr(instant(record, beam, name), field)
        x, y = line(ax, f"{name}\n")
        np.testing.assert_array_equal(x, np.arange(20, 26))
        np.testing.assert_allclose(y, expected)
        (drawn,) = (one for one in ax.lines if str(one.get_label()).startswith(f"{name}\n"))
        assert (drawn.get_color(), drawn.get_marker()) == (look.color, look.marker)
        assert drawn.get_linestyle() == "None"
        (text,) = (t for t in legend_of(ax) if t.startswith(f"{name}\n"))
        median, _, spread = text.split("\n")[1].partition(" ± ")
        assert float(median.split(" ")[0]) == pytest.approx(np.median(expected), rel=2e-3)
        half = np.diff(np.quantile(expected, (0.16, 0.84)))[0] / 2
        assert float(spread.split(" ")[0] or 0) == pytest.approx(half, rel=0.06, abs=1e-6)
        low, high = ax.get_ylim()
        assert low < expected.min() <= expected.max() < high
    assert ax.yaxis.label.get_color() == BEAM[beam].color


# --- bunch by bunch


@pytest.mark.parametrize("beam", BEAMS)
def test_both_emittances_of_a_beam_are_shown(beam: int, style: Style) -> None:
    record = make_cycle()
    figure = BY_NAME[f"cycle_emittancesbbb_b{beam}"].draw(results_of(record), style)
    for ax, plane in zip(figure.axes, ("h", "v")):
        check_instants(ax, record, beam, f"emit_{plane}_um", 1.0)
        assert ax.get_ylabel() == f"Beam {beam}\n" + f"ε{plane.upper()} [µm]"
    assert figure.axes[-1].get_xlabel() == "25 ns slot"


@pytest.mark.parametrize("name", QUANTITIES)
def test_a_quantity_of_both_beams_is_shown(name: str, style: Style) -> None:
    field, scale, label = QUANTITIES[name]
    record = make_cycle()
    figure = BY_NAME[name].draw(results_of(record), style)
    for ax, beam in zip(figure.axes, BEAMS):
        check_instants(ax, record, beam, field, scale)
        assert ax.get_ylabel() == f"Beam {beam}\n{label}"


@pytest.mark.parametrize("plane", ["h", "v"])
def test_many_bunches_are_changes_since_injection_by_train_and_by_place(
    plane: str, style: Style
) -> None:
    record = in_trains(make_cycle(300))
    figure = BY_NAME["cycle_emittancesbbb_b1"].draw(results_of(record), style)
    left, right = figure.axes["hv".index(plane) * 2 :][:2]
    assert left.get_ylabel() == f"Beam 1\nε{plane.upper()}: change\nsince injection [%]"
    assert left.get_ylim() == right.get_ylim()
    assert right.get_title("left") == "by place in the train"
    start = getattr(instant(record, 1, "injection"), f"emit_{plane}_um")
    for name in list(INSTANTS)[1:]:
        later = getattr(instant(record, 1, name), f"emit_{plane}_um")
        change = (100 * (later / start - 1)).reshape(10, 30)  # ten trains of thirty
        _, by_train = line(left, f"{name}\n")
        np.testing.assert_allclose(by_train, np.median(change, axis=1))
        place, by_place = line(right, name)
        np.testing.assert_array_equal(place, np.arange(1, 31))
        np.testing.assert_allclose(by_place, np.median(change, axis=0))
    assert f"injection: 0 %\n{np.median(start):.1f}" in "\n".join(legend_of(left))


def in_trains(record: Cycle) -> Cycle:
    """Return a cycle whose bunches are in trains of thirty, their emittances in no order."""
    n_slots = record.intervals[1, "Injection"].slots.size
    slots = np.arange(n_slots) + 20 * (np.arange(n_slots) // 30)
    rng = np.random.default_rng(1)
    out = {}
    for key, interval in record.intervals.items():
        ends = {}
        for end in ("start", "end"):
            of = getattr(interval, end)
            factor = 1 + 0.1 * rng.random(n_slots)
            ends[end] = dataclasses.replace(
                of, emit_h_um=of.emit_h_um * factor, emit_v_um=of.emit_v_um * factor
            )
        out[key] = dataclasses.replace(interval, slots=slots, **ends)
    return Cycle(out)


def test_panels_share_their_slots(style: Style) -> None:
    record = with_slots(make_cycle(), (1, "Injection"), slice(0, 2))
    upper, lower = BY_NAME["cycle_blengthbbb"].draw(results_of(record), style).axes
    assert upper.get_xlim() == lower.get_xlim()
    assert upper.get_xlim()[1] > 25


def test_bunches_without_a_measurement_are_counted(style: Style) -> None:
    record = unmeasured(make_cycle(), (1, "Injection"), 2)
    ax = BY_NAME["cycle_emittancesbbb_b1"].draw(results_of(record), style).axes[0]
    found = [text.endswith(" (4 of 6)") for text in legend_of(ax)]
    assert found == [True, True, False, False]


def test_the_title_has_the_declaration_of_stable_beams_if_it_is_known(style: Style) -> None:
    figure = BY_NAME["cycle_timebbb"].draw(results_of(make_cycle()), style)
    declared = "stable beams from Sun 02 Jul 2017 15:53"
    assert texts(figure).startswith(f"Fill {FILL}: {declared}\n")
    figure = BY_NAME["cycle_timebbb"].draw(results_of(POOR_CYCLES["no flat top"]()), style)
    assert texts(figure).startswith(f"Fill {FILL}: cycle\n")


# --- time


def test_times_are_minutes_from_first_to_last_measurement(style: Style) -> None:
    figure = BY_NAME["cycle_timebbb"].draw(results_of(make_cycle()), style)
    for ax, beam in zip(figure.axes, BEAMS):
        for part, minutes in (("injection", 30.0), ("ramp", 20.0), ("flat top", 9.0)):
            x, y = line(ax, f"{part}\n")
            np.testing.assert_array_equal(x, np.arange(20, 26))
            np.testing.assert_allclose(y, minutes)
            assert f"{part}\n{minutes:g}" in "\n".join(legend_of(ax))
        assert ax.get_ylabel() == f"Beam {beam}\nminutes"
        assert ax.get_ylim()[0] <= 0


def test_the_ramp_is_of_the_bunches_seen_on_both_sides(style: Style) -> None:
    record = with_slots(make_cycle(), (1, "he_before_SB"), slice(1, 6))
    record = with_slots(record, (1, "Injection"), slice(0, 4))
    ax = BY_NAME["cycle_timebbb"].draw(results_of(record), style).axes[0]
    x, y = line(ax, "ramp\n")
    np.testing.assert_array_equal(x, [21, 22, 23])
    np.testing.assert_allclose(y, 20.0)


# --- histograms


def counts_of(ax: Axes, name: str) -> tuple[FloatArray, FloatArray]:
    """Return counts and edges of a histogram drawn as a line of steps."""
    x, y = line(ax, name)
    np.testing.assert_array_equal(x[::2], x[1::2])
    assert y[0] == y[-1] == 0
    return y[1:-1:2], x[::2]


@pytest.mark.parametrize("beam", BEAMS)
def test_histograms_count_every_bunch_at_each_instant(beam: int, style: Style) -> None:
    record = make_cycle(40)
    figure = BY_NAME["cycle_histos"].draw(results_of(record), style)
    fields = (("emit_h_um", 1.0), ("emit_v_um", 1.0), ("intensity_ppb", 1e-11),
              ("brightness_ppb_um", 1e-11))  # fmt: skip
    for ax, (field, scale) in zip(figure.axes[4 * beam - 4 : 4 * beam], fields):
        for name, look in zip(INSTANTS, INSTANT):
            expected = scale * getattr(instant(record, beam, name), field)
            counts, edges = counts_of(ax, f"{name} ")
            np.testing.assert_array_equal(counts, np.histogram(expected, edges)[0])
            assert counts.sum() == 40
            (drawn,) = (one for one in ax.lines if str(one.get_label()).startswith(f"{name} "))
            assert (drawn.get_color(), drawn.get_linestyle()) == (look.color, look.linestyle)
        assert ax.get_xlabel().endswith("]")
    assert figure.axes[4 * beam - 4].get_ylabel() == f"Beam {beam}\nbunches"


def test_bunches_outside_a_histogram_are_counted(style: Style) -> None:
    record = make_cycle(300)
    part = record.intervals[1, "Injection"]
    emit_h_um = part.start.emit_h_um.copy()
    emit_h_um[:2] = 1e5
    start = dataclasses.replace(part.start, emit_h_um=emit_h_um)
    intervals = {**record.intervals, (1, "Injection"): dataclasses.replace(part, start=start)}
    ax = BY_NAME["cycle_histos"].draw(results_of(Cycle(intervals)), style).axes[0]
    assert ax.get_title("right") == "2 outside"
    assert counts_of(ax, "injection")[0].sum() == 298
    assert counts_of(ax, "start of ramp")[0].sum() == 300


# --- what is missing


OF_EACH_KIND = ("cycle_emittancesbbb_b1", "cycle_brightnessbbb", "cycle_timebbb", "cycle_histos")


@pytest.mark.slow
@pytest.mark.parametrize("name", OF_EACH_KIND)
@pytest.mark.parametrize("poor", POOR_CYCLES)
def test_each_panel_shows_something_or_says_why_not(poor: str, name: str, style: Style) -> None:
    figure = BY_NAME[name].draw(results_of(POOR_CYCLES[poor]()), style)
    assert silent_panels(figure) == []
    if poor == "nothing at all":
        figure.canvas.draw()


@pytest.mark.parametrize("poor", ["beam 2 not in the file", "NaN in beam 2"])
def test_a_beam_that_was_not_measured_is_named_and_the_other_is_drawn(
    poor: str, style: Style
) -> None:
    results = results_of(POOR_CYCLES[poor]())
    upper, lower = BY_NAME["cycle_intensitiesbbb"].draw(results, style).axes
    assert notes(upper) == []
    assert len(drawn_lines(upper)) == 4
    assert notes(lower) == ["beam 2: no bunch was measured"]
    assert legend_of(lower) == [f"{name}\nno data" for name in INSTANTS]
    histograms = BY_NAME["cycle_histos"].draw(results, style).axes
    assert [notes(ax) for ax in histograms] == [[]] * 4 + [["no values"]] * 4


def test_without_flat_top_the_injection_is_drawn_and_the_rest_named(style: Style) -> None:
    results = results_of(POOR_CYCLES["no flat top"]())
    for ax in BY_NAME["cycle_emittancesbbb_b1"].draw(results, style).axes:
        assert len(drawn_lines(ax)) == 2
        assert legend_of(ax)[2:] == ["end of ramp\nno data", "stable beams\nno data"]
    ax = BY_NAME["cycle_timebbb"].draw(results, style).axes[0]
    assert legend_of(ax)[1:] == ["ramp\nno data", "flat top\nno data"]


def test_a_model_without_intensity_has_none_to_show() -> None:
    part = make_cycle(3, modelled=True).intervals[1, "Injection"]
    found = cycle_panels.values_of(part, False, INTENSITY)
    np.testing.assert_array_equal(found, [np.nan] * 3)
    assert cycle_panels.values_of(None, False, INTENSITY).size == 0
    assert cycle_panels.slots_of(POOR_CYCLES["nothing at all"](), *ALL_OF_2[0]).size == 0


def test_the_header_has_the_facts_of_stable_beams(run_fill: FillPaths) -> None:
    found = cycle.CycleResults.load(run_fill)
    assert len(found.about.facts) == 5
    assert found.about.facts == SbResults.load(run_fill).about.facts


def test_of_a_cycle_without_stable_beams_energy_and_bunches_are_known(
    run_fill: FillPaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FillPaths, "sb", property(lambda self: self.folder / "none.pkl.gz"))
    about = cycle_panels.about_cycle(run_fill, make_cycle(1))
    assert about.facts == ("6.5 TeV", "1 bunch")


def test_stable_beams_that_cannot_be_read_cost_the_pictures_of_the_cycle_nothing(
    run_fill: FillPaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FillPaths, "sb", property(lambda self: self.cycle))
    about = cycle_panels.about_cycle(run_fill, make_cycle(2))
    assert about.facts == ("6.5 TeV", "2 bunches")
