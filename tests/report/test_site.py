"""The site: what its pages show, and which of them are made again."""

from __future__ import annotations

import json
import pickle
import re
import shutil
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from lumimod.atomic import uses_fsync
from lumimod.cli import main
from lumimod.errors import BadInputError
from lumimod.paths import FillPaths
from lumimod.plots.gallery import NOTHING
from lumimod.readers.unpickle import load_pickle
from lumimod.records import store
from lumimod.records.diary import Diary
from lumimod.report import site as site_module
from lumimod.report import thumbs
from lumimod.report.fill_page import FillPage, state_word
from lumimod.report.pictures import THUMB_WIDTH, families_shown
from lumimod.report.season import draw_season_pictures
from lumimod.report.site import update_after_run
from lumimod.run.states import FillStates, Standing, StepState
from lumimod.summary.season import Row
from tests.report.conftest import FILL, HTML, OTHER, Season

pytestmark = pytest.mark.slow


class Links(HTMLParser):
    """Collects what a page refers to, and texts that stand for pictures."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.alts: list[str | None] = []
        self.tags: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        of = dict(attrs)
        self.found += [value for name in ("href", "src") if (value := of.get(name))]
        if tag == "img" and "viewer-picture" not in (of.get("class") or ""):
            self.alts.append(of.get("alt"))


def files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file())


def times(season: Season) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in files(season.report)}


def test_there_is_a_page_for_each_fill_and_an_index_of_them(season: Season) -> None:
    update = season.update()
    assert (update.n_fills, update.written, update.faults) == (2, [FILL, OTHER], {})
    for fill in (FILL, OTHER):
        assert f'href="fill_{fill}.html"' in season.page()
        assert f"<h1>Fill {fill} " in season.page(fill)


def test_no_link_is_broken_and_none_leaves_the_folder_of_results(season: Season) -> None:
    season.update()
    for page in season.report.glob("*.html"):
        links = [one for one in Links(page.read_text()).found if one != "data:,"]
        assert len(links) > 20
        for link in links:
            if link.startswith("#"):
                assert f'id="{link[1:]}"' in page.read_text() or link == "#"
                continue
            target = (page.parent / unquote(link)).resolve()
            assert target.is_file(), link
            assert season.results in target.parents


def test_the_page_of_a_fill_shows_every_picture_with_words(season: Season) -> None:
    season.update()
    pictures = list((season.results / f"fill_{FILL}/plots").glob("*.png"))
    links = Links(season.page(FILL))
    assert len(pictures) == 8
    assert {f"../fill_{FILL}/plots/{path.name}" for path in pictures} <= set(links.found)
    assert len(links.alts) == len(pictures) + 1  # the overview stands at the top as well
    for alt in links.alts:
        assert alt is not None
        assert re.match(rf"Fill {FILL}: .{{20,}}", alt)


def test_nothing_is_made_again_if_nothing_has_changed(season: Season) -> None:
    season.update()
    before = times(season)
    again = season.update()
    assert (again.written, again.n_thumbs) == ([], 0)
    assert times(season) == before


def test_only_the_page_of_a_fill_that_changed_is_made_again(season: Season) -> None:
    season.update()
    before = times(season)
    season.state(OTHER, "cycle", state="failed", why="no BSRT", since="2026-11-24T02:00:00+00:00")
    assert season.update().written == [OTHER]
    changed = {path.name for path, time_ns in times(season).items() if before.get(path) != time_ns}
    assert changed == {f"fill_{OTHER}.html", "index.html", "site.json"}


def test_a_page_that_was_lost_or_cut_is_made_again(season: Season) -> None:
    season.update()
    whole = season.page(FILL)
    (season.report / f"fill_{FILL}.html").write_text("")
    (season.report / f"fill_{OTHER}.html").unlink()
    assert season.update().written == [FILL, OTHER]
    assert season.page(FILL) == whole


def test_a_picture_that_is_drawn_again_gets_another_small_one(season: Season) -> None:
    from PIL import Image

    season.update()
    picture = season.results / f"fill_{FILL}/plots/fill_{FILL}_overview.png"
    Image.new("RGB", (1920, 1080), "green").save(picture)
    update = season.update()
    assert (update.written, update.n_thumbs) == ([FILL], 1)
    with Image.open(season.report / f"thumbs/fill_{FILL}/{picture.stem}.webp") as small:
        assert small.size == (640, 360)
        assert small.width <= THUMB_WIDTH
        red, green, blue = small.getpixel((9, 9))
    assert green > 100 > red + blue


def test_a_damaged_picture_costs_its_small_one_alone(
    season: Season, caplog: pytest.LogCaptureFixture
) -> None:
    picture = season.results / f"fill_{FILL}/plots/fill_{FILL}_overview.png"
    picture.write_bytes(picture.read_bytes()[:400])
    update = season.update()
    assert (update.written, update.faults) == ([FILL, OTHER], {})
    (line,) = caplog.messages
    assert line.startswith(f"{picture}: cannot be read (")
    assert line.endswith("make it again with --plots --force all")


def test_a_picture_that_could_not_be_read_for_a_while_gets_its_small_one(
    season: Season, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreadable(*_: object) -> None:
        raise BadInputError("overview.png: cannot be read (Stale file handle)")

    with monkeypatch.context() as away:
        away.setattr(thumbs, "make_thumb", unreadable)
        assert season.update().n_thumbs == 0
    assert f'href="fill_{FILL}.html"' in (season.report / "index.html").read_text()
    update = season.update()
    assert update.written == [FILL, OTHER]
    assert update.n_thumbs > 8
    assert season.update().written == []


def test_small_pictures_that_were_removed_are_made_again(season: Season) -> None:
    season.update()
    shutil.rmtree(season.report / f"thumbs/fill_{FILL}")
    update = season.update()
    assert (update.written, update.n_thumbs) == ([FILL], 8)


def test_small_pictures_that_cannot_be_written_are_told_and_tried_again(
    season: Season, caplog: pytest.LogCaptureFixture
) -> None:
    in_the_way = season.report / f"thumbs/fill_{FILL}"
    in_the_way.parent.mkdir(parents=True)
    in_the_way.write_text("in the way")
    update = season.update()
    assert list(update.faults) == [FILL]
    assert str(in_the_way) in update.faults[FILL]
    assert any(line.startswith(f"fill {FILL}: small pictures: ") for line in caplog.messages)
    assert (season.report / f"thumbs/fill_{OTHER}").is_dir()
    in_the_way.unlink()
    update = season.update()
    assert (update.written, update.n_thumbs, update.faults) == ([FILL], 8, {})


def test_one_bad_fill_costs_its_own_page(season: Season, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = site_module.step_rows

    def broken(paths: Any, states: FillStates) -> Any:
        if paths.fill == FILL:
            raise ZeroDivisionError
        return whole(paths, states)

    monkeypatch.setattr(site_module, "step_rows", broken)
    update = season.update()
    assert (update.written, list(update.faults)) == ([OTHER], [FILL])
    assert not (season.report / f"fill_{FILL}.html").exists()
    assert f'href="fill_{FILL}.html"' not in season.page()
    assert "no page: internal error" in season.page()
    monkeypatch.undo()
    assert season.update().written == [FILL]


def test_html_in_notes_and_errors_is_shown_as_text(season: Season) -> None:
    season.facts(FILL, notes=HTML, ended=HTML)
    season.state(FILL, "cycle", state="failed", why=HTML, since="2026-11-24T02:00:00+00:00")
    season.update()
    for page in (season.page(), season.page(FILL)):
        assert "<b id" not in page
        assert "&lt;b id=&#39;harm&#39;&gt;" in page
        assert Links(page).tags.count("b") == 0


def test_a_step_that_failed_says_why_and_since_when(season: Season) -> None:
    season.state(FILL, "cycle", state="failed", why="no BSRT", since="2026-11-24T02:00:00+00:00")
    season.update()
    row = re.search(r'<th scope="row">cycle.*?</tr>', season.page(FILL), re.S)
    assert row is not None
    words = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", row[0]))
    assert "failed since 2026-11-24 03:00 no BSRT" in words
    assert 'data-state="failed"' in season.page()


def test_the_page_of_a_fill_that_is_no_more_is_removed_and_told(
    season: Season, caplog: pytest.LogCaptureFixture
) -> None:
    season.update()
    shutil.rmtree(season.results / f"fill_{FILL}")
    modes = season.cfg.files.bmodes
    table = load_pickle(modes)
    del table[FILL]
    store.save_object(modes, table)
    caplog.set_level("INFO")
    update = season.update()
    assert update.n_fills == 1
    assert not (season.report / f"fill_{FILL}.html").exists()
    assert not (season.report / f"thumbs/fill_{FILL}").exists()
    assert f'data-fill="{FILL}"' not in season.page()
    assert f"fill_{FILL}.html is removed" in caplog.text
    shutil.rmtree(season.results / f"fill_{OTHER}")
    (season.results / "status.json").unlink()
    season.update()
    assert not (season.report / f"fill_{OTHER}.html").exists()
    assert "<tr data-fill" not in season.page()


def test_a_step_that_waits_for_another_says_so_in_words(season: Season) -> None:
    season.state(FILL, "emittance", state="waiting", why="massi", since="2026-11-24T02:00:00+00:00")
    season.update()
    assert "no result of massi, which it needs" in season.page(FILL)


def test_results_have_links_times_and_what_they_were_made_from(season: Season) -> None:
    season.update()
    page = season.page(FILL)
    diary = json.loads((season.results / f"fill_{FILL}/made.json").read_text())
    digest = diary["results"][f"fill_{FILL}.pkl.gz"]["made"]["inputs"]
    of_data = [of["digest"] for name, of in digest.items() if "digest" in of]
    assert of_data
    assert all(one[:20] in page for one in of_data)
    assert f'href="../fill_{FILL}/fill_{FILL}_losses.pkl.gz"' in page
    assert re.search(r"<td>\d{4}-\d\d-\d\d \d\d:\d\d</td><td>\d+\.\d\d s</td>", page)


def test_neighbours_are_linked(season: Season) -> None:
    season.update()
    assert f'rel="next" href="fill_{OTHER}.html"' in season.page(FILL)
    assert f'rel="prev" href="fill_{FILL}.html"' in season.page(OTHER)
    assert 'rel="next"' not in season.page(OTHER)


def test_numbers_of_the_index_are_those_of_the_season_table(season: Season) -> None:
    season.facts(FILL, hours=8.4321, b1_emit_h_sb_start_um=2.0, b2_emit_h_sb_start_um=3.0)
    season.update()
    assert '<td class="number" data-v="8.4321">8.4</td>' in season.page()
    assert '<td class="number" data-v="2.5">2.50</td>' in season.page()


def test_a_fill_that_failed_wholly_has_a_page_too(season: Season) -> None:
    modes = season.cfg.files.bmodes
    modes.write_bytes(pickle.dumps({**load_pickle(modes), 7000: "odd"}))
    path = season.results / "status.json"
    data = json.loads(path.read_text())
    of = {"state": "failed", "why": "its entry is odd", "since": "2026-11-24T02:00:00+00:00"}
    data["fills"]["7000"] = {"in_progress": False, "steps": {"all": of}}
    path.write_text(json.dumps(data))
    season.update()
    assert "its entry is odd" in season.page(7000)
    assert 'data-fill="7000" data-state="failed"' in season.page()


def test_a_fill_without_archives_has_a_page_with_its_luminosity(season: Season) -> None:
    # Of which year its archives would be is in the beam modes.
    results = season.results / f"fill_{FILL}"
    (results / f"fill_{FILL}_lumi_meas.pkl.gz").rename(
        results / f"fill_{FILL}_lumi_timber_meas.pkl.gz"
    )
    made = season.update()
    assert made.faults == {}
    assert FILL in made.written


def test_a_damaged_ledger_makes_all_pages_again(
    season: Season, caplog: pytest.LogCaptureFixture
) -> None:
    season.update()
    (season.report / "site.json").write_text("{")
    assert season.update().written == [FILL, OTHER]
    assert any("all pages are made again" in message for message in caplog.messages)


def test_fsync_is_as_before_after_an_update(season: Season) -> None:
    before = uses_fsync()
    season.update()
    assert uses_fsync() == before


def test_report_without_a_file_makes_the_site_and_runs_nothing(
    season: Season, capsys: pytest.CaptureFixture[str]
) -> None:
    result = season.results / f"fill_{FILL}/fill_{FILL}_fits.pkl.gz"
    result.unlink()
    assert main(["--config", str(season.config), "--report"]) == 0
    out = capsys.readouterr().out
    assert out.startswith(f"{season.report / 'index.html'}: 2 fills, 2 pages made")
    assert not result.exists()


def test_report_goes_with_no_option_of_a_run(season: Season) -> None:
    assert main(["--config", str(season.config), "--report", "--no-plots"]) == 2


def test_a_run_updates_the_site_if_config_says_so(season: Season) -> None:
    assert main(["--config", str(season.config), "--fill", str(FILL)]) == 0
    assert not season.report.exists()
    season.config.write_text(season.config.read_text() + "doReport = True\n")
    assert main(["--config", str(season.config), "--dry-run"]) == 0
    assert not season.report.exists()
    assert main(["--config", str(season.config), "--fill", str(FILL)]) == 0
    assert (season.report / "index.html").is_file()


def test_without_results_it_says_what_to_do(tmp_path: Path, season: Season) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    season.config.write_text(season.config.read_text() + f"stableBeams_folder = '{empty}/'\n")
    update = season.update()
    assert str(update) == f"no fill to show in {empty}; run lumimod first"
    assert list(empty.iterdir()) == []


@pytest.mark.parametrize(
    ("states", "has_results", "word"),
    [
        (FillStates(), True, "done"),
        (FillStates(), False, "not run"),
        (FillStates({"sb": StepState(Standing.UP_TO_DATE)}, in_progress=True), True, "in progress"),
        (FillStates({"sb": StepState(Standing.FAILED)}, in_progress=True), True, "failed"),
        (FillStates({"sb": StepState(Standing.WAITING)}), True, "waiting"),
    ],
)
def test_the_state_of_a_fill_in_a_word(states: FillStates, has_results: bool, word: str) -> None:
    assert state_word(states, has_results) == word


def test_each_row_of_the_beams_names_its_quantity() -> None:
    page = FillPage(FILL, {"fill": FILL}, FillStates(), [], [], None, None)
    assert page.beams[0][:2] == ["quantity", "beam"]
    assert [row[0] for row in page.beams[1:3]] == ["emittance H [µm]"] * 2


def test_the_page_says_why_a_picture_was_not_made(season: Season) -> None:
    paths = FillPaths(season.cfg, FILL)
    diary = Diary(paths.folder)
    for name in (
        "sbmodel_emittanceNonColliding_case1",
        "sbmodel_intens_blength_NonColliding_case1",
    ):
        file = f"fill_{FILL}_{name}.png"
        diary.enter_picture(file, {"results": {}, NOTHING: "no non-colliding bunches"})
    diary.save()
    season.update()
    said = " ".join(season.page(FILL).split())
    names = "sbmodel_emittanceNonColliding_case1, sbmodel_intens_blength_NonColliding_case1"
    assert f"nothing to show: no non-colliding bunches ({names})" in said
    assert "nothing to show" not in season.page(OTHER)


# --- what is not of a run


def test_a_picture_that_someone_added_is_shown_with_the_others(season: Season) -> None:
    folder = season.results / f"fill_{FILL}" / "plots"
    (some,) = folder.glob("*overview*.png")
    shutil.copy(some, folder / f"fill_{FILL}_my_own_idea.png")
    shutil.copy(some, folder / "something_else.png")
    paths = FillPaths(season.cfg, FILL)
    *_, last = families_shown(paths, season.report)
    assert last.title == "other pictures"
    assert [(one.name, one.words) for one in last.pictures] == [("my_own_idea", "my own idea")]


def test_a_site_that_cannot_be_written_is_told_after_a_run(
    season: Season, caplog: pytest.LogCaptureFixture
) -> None:
    season.report.write_text("in the way")
    update_after_run(season.cfg)
    assert any(line.startswith("site: ") for line in caplog.messages)


def test_a_season_without_stable_beams_has_no_pictures(season: Season) -> None:
    rows = {FILL: Row({"fill": FILL}, {})}
    assert draw_season_pictures(season.cfg, rows) == {}
    assert not season.report.exists()
