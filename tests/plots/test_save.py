"""Pictures become files: whole or not at all, the same bytes each time, small enough to mail."""

from __future__ import annotations

import functools
import io
import tempfile
from pathlib import Path

import numpy as np
import pytest
from matplotlib import image
from matplotlib.figure import Figure

from lumimod.errors import OutputError
from lumimod.plots import cycle, stable_beams
from lumimod.plots.cycle import CycleResults
from lumimod.plots.families import Picture
from lumimod.plots.rendering import png
from lumimod.plots.save import save_figure
from lumimod.plots.sb_results import SbResults
from lumimod.plots.style import Style
from tests.plots.conftest import FILL, make_results
from tests.plots.cycles import make_cycle

KINDS = ("png", "pdf", "svg")
SMALL = Style((6.0, 4.0), 40, 6.0)
FULL = Style((15.0, 7.0), 150)
SB = {picture.name: picture for picture in stable_beams.SB_PICTURES}
CYCLE = {picture.name: picture for picture in cycle.CYCLE_PICTURES}


@functools.cache
def figure() -> Figure:
    """Return a picture with lines, bands, points and a colour bar."""
    return SB["b1Emittances"].draw(make_results(), SMALL)


@functools.cache
def saved(kind: str) -> bytes:
    """Return the file of that picture."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"a.{kind}"
        save_figure(figure(), path, SMALL)
        return path.read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_the_same_record_gives_the_same_bytes(kind: str, tmp_path: Path) -> None:
    path = tmp_path / f"again.{kind}"
    save_figure(SB["b1Emittances"].draw(make_results(), SMALL), path, SMALL)
    assert path.read_bytes() == saved(kind)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_saving_a_figure_twice_gives_the_same_bytes(kind: str, tmp_path: Path) -> None:
    first, path = saved(kind), tmp_path / f"again.{kind}"
    save_figure(figure(), path, SMALL)
    assert path.read_bytes() == first


def test_a_png_has_the_pixels_of_size_and_resolution() -> None:
    assert image.imread(io.BytesIO(saved("png"))).shape[:2] == (160, 240)


@pytest.mark.slow
def test_a_pdf_has_the_size_of_the_figure() -> None:
    assert b"/MediaBox [ 0 0 432 288 ]" in saved("pdf")


def test_text_of_an_svg_stays_text() -> None:
    assert f"Fill {FILL}: stable beams from" in saved("svg").decode()


def test_a_picture_that_cannot_be_written_is_named_and_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "missing" / "a.png"
    with pytest.raises(OutputError, match=r"a\.png"):
        save_figure(figure(), path, SMALL)
    assert list(tmp_path.iterdir()) == []


def test_a_picture_that_fails_half_way_leaves_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(b"old")

    def fail(file: io.BytesIO, *_: object) -> None:
        file.write(b"half of it")
        raise KeyboardInterrupt

    monkeypatch.setattr(png, "write_png", fail)
    with pytest.raises(KeyboardInterrupt):
        save_figure(figure(), path, SMALL)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


# --- a full machine


@pytest.fixture(scope="module")
def full() -> SbResults:
    """Return the results of 2,548 bunches and 40 times, with noise on what is drawn."""
    results = make_results(n_coll=2540, n_noncoll=8, n_times=40, step_s=1080.0)
    rng = np.random.default_rng(4)
    for of in results.sb.bunches.values():
        for values in (of.emit_h_um, of.emit_v_um, of.intensity_ppb):
            values *= rng.normal(1.0, 0.03, values.shape)
    assert results.fits is not None
    for fits in results.fits.beams.values():
        for span in fits["inten"]:
            span.tau_s[:] *= rng.normal(1.0, 0.1, span.tau_s.shape)
    return results


def size_of(picture: Picture, results: SbResults | CycleResults, path: Path) -> int:
    """Return the bytes of a picture's file."""
    save_figure(picture.draw(results, FULL), path, FULL)
    return path.stat().st_size


@pytest.mark.slow
@pytest.mark.parametrize("name", ["bunchIntensity", "b1Emittances", "bbbIntensityTau"])
def test_a_pdf_of_a_full_machine_stays_small(full: SbResults, name: str, tmp_path: Path) -> None:
    path = tmp_path / "a.pdf"
    assert size_of(SB[name], full, path) < 2_000_000
    # Small because the points are an image, not because they are gone.
    if name != "bbbIntensityTau":
        assert b"/Subtype /Image" in path.read_bytes()


@pytest.mark.slow
def test_a_pdf_of_a_full_cycle_stays_small_with_every_bunch_in_it(tmp_path: Path) -> None:
    path = tmp_path / "a.pdf"
    results = CycleResults(FILL, make_cycle(2548))
    assert size_of(CYCLE["cycle_emittancesbbb_b1"], results, path) < 2_000_000
    assert b"/Subtype /Image" in path.read_bytes()  # the faint points of all bunches
