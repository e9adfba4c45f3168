"""The PDF of chosen fills: which pages it has and what they show."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import matplotlib.image
import pytest
from matplotlib.backends.backend_pdf import PdfPages
from matplotlib.figure import Figure

from lumimod.cli import main
from lumimod.config.settings import load_config
from lumimod.paths import FillPaths
from lumimod.report import pdf
from lumimod.report.pictures import ShownFamily, ShownPicture, Stamp
from lumimod.run.choice import FillChoice
from tests.conftest import ConfigWriter
from tests.report.conftest import FILL, OTHER, Season

pytestmark = pytest.mark.slow


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Return the texts of each page, filled while a PDF is written."""
    found: list[list[str]] = []
    whole = pdf._add

    def add(file: Any, figure: Figure) -> None:
        panels = [ax.get_title(loc="left") for ax in figure.axes]
        found.append([*(text.get_text() for text in figure.texts), *filter(None, panels)])
        whole(file, figure)

    monkeypatch.setattr(pdf, "_add", add)
    return found


@pytest.fixture
def pages(monkeypatch: pytest.MonkeyPatch, written: list[list[str]]) -> list[list[str]]:
    """Return the texts of each page as `written`, but with blank pages in the file: much faster."""
    whole = PdfPages.savefig
    monkeypatch.setattr(PdfPages, "savefig", lambda file, _: whole(file, Figure(figsize=(1, 1))))
    return written


def write(season: Season, *fills: int) -> pdf.PdfReport:
    return pdf.write_pdf(season.cfg, FillChoice(fills), season.root / "out.pdf")


def test_it_has_title_season_and_the_pages_of_each_fill(
    season: Season, written: list[list[str]]
) -> None:
    pages = written
    report = write(season, FILL, OTHER)
    assert (report.n_pages, report.faults) == (len(pages), {})
    heads = [page[0] for page in pages]
    assert heads[0] == "LHC luminosity follow-up"
    assert heads[1].startswith(f"Season: fills {FILL} to {OTHER}")
    of_fills = [head.split(": stable beams from ") for head in heads[2:]]
    assert [of[0] for of in of_fills] == [f"Fill {FILL}"] * 4 + [f"Fill {OTHER}"] * 4
    assert [len(of) for of in of_fills] == [1, 2, 1, 1] * 2  # the second is the overview
    assert [page[1] for page in pages[4:6]] == ["Injection and flat top"] * 2
    content = report.path.read_bytes()
    assert content.startswith(b"%PDF")
    assert content.count(b"/Type /Page ") == report.n_pages


def test_the_title_names_the_fills_with_their_numbers(
    season: Season, pages: list[list[str]]
) -> None:
    season.facts(FILL, hours=8.4321, start_utc="2017-06-14 07:46:00")
    write(season, FILL)
    assert pages[0][1] == f"Fill {FILL}, 2017-06-14"
    assert pages[0][2].splitlines()[1].split()[:4] == [str(FILL), "2017-06-14", "07:46", "8.4"]


def test_every_picture_is_there_once(season: Season, pages: list[list[str]]) -> None:
    write(season, FILL)
    shown = [text for page in pages for text in page if text.startswith("cycle_")]
    start = f"fill_{FILL}_"
    drawn = (season.results / f"fill_{FILL}/plots").glob(f"{start}cycle*.png")
    assert sorted(shown) == sorted(path.stem[len(start) :] for path in drawn)
    assert len(shown) == 7


def test_columns_of_facts_stand_below_their_headings(
    season: Season, pages: list[list[str]]
) -> None:
    write(season, FILL)
    lines = pages[2][2].splitlines()
    (head,) = (line for line in lines if line.startswith("mean ± spread over bunches"))
    (row,) = (line for line in lines if line.startswith("bunch length [ns]"))
    at = head.index("injection"), head.index("stable end")
    assert [re.match(r"  \d\.\d{3} ± ", row[place - 2 :]) is not None for place in at] == [True] * 2


def test_facts_say_what_failed_and_what_is_noted(season: Season, pages: list[list[str]]) -> None:
    season.facts(FILL, notes="BSRT of B1 stopped for $40$ minutes; all held")
    season.state(FILL, "cycle", state="failed", why="no BSRT", since="2026-11-24T02:00:00+00:00")
    write(season, FILL)
    text = pages[2][2]
    assert "cycle: failed since 2026-11-24 03:00: no BSRT" in text
    assert r"note: BSRT of B1 stopped for \$40\$ minutes" in text  # no formula
    assert "note: all held" in text


def test_one_bad_fill_has_a_page_that_says_why(season: Season, pages: list[list[str]]) -> None:
    report = write(season, 7777, FILL)
    assert list(report.faults) == [7777]
    assert pages[2][:2] == ["Fill 7777", "No pages"]
    assert "not in the beam modes" in pages[2][2]
    assert pages[3][0] == f"Fill {FILL}"


def test_the_same_fills_give_the_same_bytes(season: Season) -> None:
    first = write(season, FILL).path.read_bytes()
    assert write(season, FILL).path.read_bytes() == first


def test_a_damaged_picture_costs_its_place_alone(
    season: Season, caplog: pytest.LogCaptureFixture
) -> None:
    (picture, *_) = sorted((season.results / f"fill_{FILL}/plots").glob("*cycle*.png"))
    picture.write_bytes(b"no picture")
    assert write(season, FILL).faults == {}
    assert any(str(picture) in message for message in caplog.messages)


def test_pictures_keep_their_shape(season: Season, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    def look(file: Any, figure: Figure) -> None:
        figure.draw_without_rendering()
        for ax in figure.axes:
            for image in ax.get_images():
                assert isinstance(image, matplotlib.image.AxesImage)
                box = ax.get_window_extent()
                rows, columns = image.get_array().shape[:2]
                seen.append((box.width / box.height) / (columns / rows))

    monkeypatch.setattr(pdf, "_add", look)
    write(season, FILL)
    assert len(seen) == 7
    assert seen == pytest.approx([1.0] * 7, abs=0.01)


def test_the_command_takes_fills_and_runs_nothing(
    season: Season, capsys: pytest.CaptureFixture[str]
) -> None:
    out = season.root / "my.pdf"
    options = ["--config", str(season.config), "--pdf", str(out)]
    assert main([*options, "--last", "1"]) == 0
    assert capsys.readouterr().out == f"{out}: 1 fill, 6 pages\n"
    assert main([*options, "--jobs", "2"]) == 2
    assert main([*options, "--fill", "5846-5847"]) == 2
    assert "none of those asked for" in capsys.readouterr().err


def test_a_folder_that_is_not_there_is_named(season: Season, tmp_path: Path) -> None:
    out = tmp_path / "nowhere" / "my.pdf"
    assert main(["--config", str(season.config), "--pdf", str(out), "--last", "1"]) == 1


# --- parts of it, without a PDF


def test_a_long_list_of_fills_ends_with_how_many_there_are_besides() -> None:
    title = pdf._title_page(range(1, 501), {})
    lines = title.texts[2].get_text().splitlines()
    assert lines[1].split()[:3] == ["1", "no", "results"]
    n_listed = len(lines) - 2
    assert lines[-1] == f"and {500 - n_listed} more fills"


def test_a_picture_that_is_no_png_is_named() -> None:
    folder = Path("plots")
    pictures = [
        ShownPicture(name, "", folder / f"{name}.pdf", Stamp(1, 1), folder) for name in "ab"
    ]
    (page,) = pdf._family_pages(FILL, ShownFamily("cycle", "of the cycle", pictures))
    assert page.texts[2].get_text().splitlines() == [
        f"{name}.pdf is not a PNG: set plotFormat = '.png' to have it here" for name in "ab"
    ]


def test_without_results_there_is_no_overview(tmp_path: Path, write_config: ConfigWriter) -> None:
    assert pdf._overview(FillPaths(load_config(write_config(tmp_path)), FILL)) is None


def test_a_pdf_before_any_results_has_no_page_of_the_season(
    tmp_path: Path, source: Path, pages: list[list[str]]
) -> None:
    config = tmp_path / "config.py"
    config.write_text(f"input_folder = {f'{source}/'!r}\nworking_folder = {f'{tmp_path}/'!r}\n")
    report = pdf.write_pdf(load_config(config), FillChoice((FILL,)), tmp_path / "out.pdf")
    assert report.faults == {}
    assert [page[0] for page in pages] == ["LHC luminosity follow-up", f"Fill {FILL}"]
    assert "no results" in pages[0][2]
