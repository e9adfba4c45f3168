"""The simulated LHC, asked like the logging service."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from lumimod.errors import OutputError
from lumimod.fetch.groups import GROUPS, wanted
from lumimod.simulate import FillSettings
from lumimod.sources.simulated import Simulated
from lumimod.tables.variables import extra_names

SETTINGS = FillSettings(
    n_colliding=6, n_noncolliding=1, hours=4.0, sample_s=600.0, slow_s=300.0, energy_s=60.0,
    bsrt_period_s=300.0, massi_s=300.0, bbb_lumi=True, extra_data=True,
)  # fmt: skip


@pytest.fixture(scope="module")
def source() -> Iterator[Simulated]:
    with Simulated(SETTINGS) as simulated:
        assert isinstance(simulated, Simulated)
        yield simulated


def test_its_files_are_gone_when_it_is_closed() -> None:
    source = Simulated(SETTINGS)
    source.close()  # nothing was asked yet
    span = source.fill(5848)
    assert span is not None
    source.get(["ATLAS:LUMI_TOT_INST"], span.start_s, span.start_s + 1)
    (files,) = source._made.values()
    assert files.basic.exists()
    source.close()
    assert not files.basic.exists()


@pytest.mark.slow
def test_it_answers_for_every_variable_of_every_group(source: Simulated) -> None:
    span = source.fill(5848)
    assert span is not None
    assert span.stop_s is not None
    for group in GROUPS:
        for want in wanted(group, 5848, time_s=span.start_s):
            found = source.get(want.names, span.start_s, span.stop_s)
            assert any(series.time_s.size for series in found.values()), want


def test_samples_lie_within_the_time_asked_for(source: Simulated) -> None:
    span = source.fill(5848)
    assert span is not None
    start_s, stop_s = span.start_s + 1000, span.start_s + 2000
    for series in source.get(extra_names(), start_s, stop_s).values():
        assert np.all((series.time_s >= start_s) & (series.time_s < stop_s))


def test_fills_follow_each_other(source: Simulated) -> None:
    first = source.fill(5847)
    assert first is not None
    assert first.stop_s is not None
    spans = source.fills(first.start_s, first.stop_s + 1)
    assert [span.fill for span in spans] == [5847, 5848]
    assert [s.fill for s in source.fills(first.start_s, first.stop_s)] == [5847]
    assert first.stop_s == spans[1].start_s


def test_a_variable_over_two_fills_is_one_series(source: Simulated) -> None:
    span = source.fill(5848)
    assert span is not None
    name = "ATLAS:LUMI_TOT_INST"
    time_s = source.get([name], span.start_s - 600, span.start_s + 600)[name].time_s
    assert time_s[0] < span.start_s < time_s[-1]
    assert np.all(np.diff(time_s) > 0)


def test_there_are_only_the_fills_of_its_year(source: Simulated) -> None:
    assert source.fill(5689) is None
    assert source.fill(9999) is None
    assert source.fills(0.0, 1e9) == []
    assert source.copy_archives(9999, Path()) == []


def test_every_fourth_fill_steps_its_crossing_angle(source: Simulated) -> None:
    angles = {}
    for fill in (5845, 5848):
        span = source.fill(fill)
        assert span is not None
        assert span.stop_s is not None
        name = "LHC.RUNCONFIG:IP1-XING-V-MURAD"
        angles[fill] = set(source.get([name], span.start_s, span.stop_s)[name].values.tolist())
    assert angles == {5845: {150.0}, 5848: {150.0, 140.0, 130.0}}


def test_archives_and_truth_are_laid_beside(source: Simulated, tmp_path: Path) -> None:
    laid = source.copy_archives(5848, tmp_path)
    assert [str(path.relative_to(tmp_path)) for path in laid] == [
        "massi/2017/measurements/ATLAS/lumi/5848.tgz",
        "massi/2017/measurements/CMS/lumi/5848.tgz",
        "truth/truth_fill_5848.npz",
    ]
    assert all(path.stat().st_size for path in laid)


def test_what_cannot_be_laid_beside_is_an_error(source: Simulated, tmp_path: Path) -> None:
    (tmp_path / "massi").write_text("in the way")
    with pytest.raises(OutputError, match="cannot write"):
        source.copy_archives(5848, tmp_path)
