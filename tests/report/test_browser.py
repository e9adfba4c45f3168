"""The site in a real browser, Debian's Chromium: from disk and from a web server."""

from __future__ import annotations

import gzip
import json
import shutil
import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import GOLDEN
from tests.report.conftest import FILL, HTML, OTHER, Season

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
AXE = GOLDEN.parent / "data" / "axe.min.js.gz"
"""Checks of accessibility by Deque Systems, under the Mozilla Public License 2.0."""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        CHROMIUM is None or DRIVER is None,
        reason="no browser: install chromium and chromium-driver (Debian) to test the site in it",
    ),
]


class Browser:
    """A browser without a window."""

    def __init__(self, profile: Path) -> None:
        from selenium import webdriver

        options = webdriver.ChromeOptions()
        options.binary_location = str(CHROMIUM)
        for option in (
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
        ):
            options.add_argument(option)
        options.add_argument(f"--user-data-dir={profile}")
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        service = webdriver.ChromeService(executable_path=str(DRIVER))
        self.driver = webdriver.Chrome(options=options, service=service)
        self.look()

    def look(self, width: int = 1440, *, dark: bool = False) -> None:
        """Take another width, and colours."""
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})

    def open(self, page: Path | str) -> None:
        self.driver.get(page.as_uri() if isinstance(page, Path) else page)

    def run(self, script: str, *values: Any) -> Any:
        return self.driver.execute_script(script, *values)

    def find(self, selector: str) -> Any:
        return self.driver.find_element("css selector", selector)

    def press(self, key: str) -> None:
        from selenium.webdriver import ActionChains
        from selenium.webdriver.common.keys import Keys

        ActionChains(self.driver).send_keys(getattr(Keys, key)).perform()

    def fills(self) -> list[int]:
        """Return the fills of the index that are in view, in their order."""
        script = "return [...document.querySelectorAll('#season tbody tr:not([hidden])')]"
        return [int(one) for one in self.run(script + ".map(row => row.dataset.fill)")]

    def errors(self) -> list[str]:
        """Return what stands in the console since the last time."""
        return [line["message"] for line in self.driver.get_log("browser")]

    def requests(self) -> list[str]:
        """Return the addresses that were asked for since the last time."""
        events = [json.loads(e["message"])["message"] for e in self.driver.get_log("performance")]
        sent = [e for e in events if e["method"] == "Network.requestWillBeSent"]
        return [event["params"]["request"]["url"] for event in sent]

    def load_all(self) -> list[str]:
        """Load every picture of the page; return those that cannot be shown."""
        script = """
        const [done] = arguments;
        const all = [...document.querySelectorAll('img[src]')];
        all.forEach(one => { one.loading = 'eager'; });
        Promise.allSettled(all.map(one => one.decode())).then(() => done(
          [all.length, all.filter(one => !one.naturalWidth).map(one => one.src)]));
        """
        number, broken = self.driver.execute_async_script(script)
        assert number > 2
        return list(broken)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    browser = Browser(tmp_path_factory.mktemp("profile"))
    yield browser
    browser.driver.quit()


@pytest.fixture(scope="module")
def shown(copied: Callable[[Path], Season], tmp_path_factory: pytest.TempPathFactory) -> Season:
    season = copied(tmp_path_factory.mktemp("shown"))
    season.facts(FILL, notes=HTML, hours=10.0, ended="dumped")
    season.facts(OTHER, hours=9.0, ended="programmed")
    season.state(FILL, "cycle", state="failed", why=HTML, since="2026-11-24T02:00:00+00:00")
    season.update()
    return season


@pytest.fixture
def index(browser: Browser, shown: Season) -> Browser:
    browser.look()
    browser.errors(), browser.requests()
    browser.open(shown.report / "index.html")
    return browser


@pytest.fixture
def page(browser: Browser, shown: Season) -> Browser:
    browser.look()
    browser.errors(), browser.requests()
    browser.open(shown.report / f"fill_{FILL}.html")
    return browser


def head(browser: Browser, words: str) -> Any:
    return browser.driver.find_element("xpath", f"//thead//button[starts-with(., '{words}')]")


def test_the_index_sorts_by_numbers(index: Browser) -> None:
    assert index.fills() == [OTHER, FILL]
    head(index, "Length").click()
    assert index.fills() == [OTHER, FILL]  # 9 before 10
    head(index, "Length").click()
    assert index.fills() == [FILL, OTHER]
    assert index.find("th[aria-sort]").text.startswith("Length")


def test_the_index_filters_and_searches(index: Browser) -> None:
    search = index.find("#search")
    for text, fills in (
        (str(FILL), [FILL]),
        ("5840-5846", [FILL]),
        ("58", [OTHER, FILL]),
        ("programmed", [OTHER]),
        ("bsrt", [FILL]),  # in its notes
        ("nothing", []),
    ):
        search.clear()
        search.send_keys(text)
        assert index.fills() == fills, text
        assert index.find("#count").text == (
            "2 fills" if len(fills) == 2 else f"{len(fills)} of 2 fills"
        )
    search.clear()
    search.send_keys(" ")
    index.find("#state").send_keys("failed")
    assert index.fills() == [FILL]


def test_enter_opens_the_fill_that_was_searched(index: Browser) -> None:
    index.find("#search").send_keys(str(OTHER))
    index.press("ENTER")
    assert index.driver.title == f"Fill {OTHER}"


def test_a_chart_tells_the_fill_by_mouse_and_by_keys(index: Browser) -> None:
    from selenium.webdriver import ActionChains

    svg = index.find("#chart-intensity svg")
    index.run("arguments[0].scrollIntoView({block: 'center'})", svg)
    ActionChains(index.driver).move_to_element_with_offset(svg, 200, 0).perform()
    tip = index.find("#chart-intensity .tip")
    assert tip.text.startswith(f"Fill {OTHER}, ")
    assert "B1 " in tip.text
    svg.send_keys("")
    index.run("arguments[0].focus()", svg)
    index.press("ARROW_LEFT")
    assert tip.text.startswith(f"Fill {FILL}, ")
    index.press("ENTER")
    assert index.driver.title == f"Fill {FILL}"


def test_every_picture_is_shown(page: Browser, shown: Season) -> None:
    assert page.load_all() == []
    page.open(shown.report / "index.html")
    assert page.load_all() == []


def test_pictures_are_enlarged_and_arrow_keys_turn_them(page: Browser) -> None:
    second = page.find(".gallery figure:nth-child(2) a.zoom")
    page.run("arguments[0].scrollIntoView({block: 'center'})", second)
    second.click()
    picture = page.find(".viewer[open] .viewer-picture")
    first = picture.get_attribute("src")
    assert first == second.get_attribute("href")
    assert picture.get_attribute("alt") == second.get_attribute("data-words")
    page.press("ARROW_RIGHT")
    assert picture.get_attribute("src") != first
    page.press("ARROW_LEFT")
    assert picture.get_attribute("src") == first
    seen = set()
    for _ in range(8):
        seen.add(picture.get_attribute("src"))
        page.press("ARROW_RIGHT")
    assert len(seen) == 8
    assert picture.get_attribute("src") == first
    page.press("ESCAPE")
    assert not page.driver.find_elements("css selector", ".viewer[open]")
    assert page.run("return document.activeElement.href") == first


def test_html_in_notes_and_errors_does_no_harm(page: Browser, shown: Season) -> None:
    assert page.driver.title == f"Fill {FILL}"
    assert not page.driver.find_elements("id", "harm")
    assert HTML in page.find("main").text
    page.open(shown.report / "index.html")
    assert not page.driver.find_elements("id", "harm")


@pytest.mark.parametrize("name", ["index", f"fill_{FILL}"])
def test_there_is_no_error_and_no_request_to_the_network(
    browser: Browser, shown: Season, name: str
) -> None:
    browser.errors(), browser.requests()
    browser.open(shown.report / f"{name}.html")
    assert browser.load_all() == []
    asked = browser.requests()
    assert len(asked) > 3
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
    assert browser.errors() == []


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [1440, 390])
@pytest.mark.parametrize("name", ["index", f"fill_{FILL}"])
def test_axe_finds_no_fault_of_accessibility(
    browser: Browser, shown: Season, name: str, width: int, dark: bool
) -> None:
    browser.look(width, dark=dark)
    browser.open(shown.report / f"{name}.html")
    browser.run(gzip.decompress(AXE.read_bytes()).decode())
    found = browser.driver.execute_async_script("axe.run().then(arguments[0])")
    assert len(found["passes"]) > 20
    faults = [(v["id"], v["impact"], v["nodes"][0]["html"][:200]) for v in found["violations"]]
    assert faults == []


@pytest.mark.parametrize("name", ["index", f"fill_{FILL}"])
def test_a_phone_needs_no_sideways_scrolling_of_the_page(
    browser: Browser, shown: Season, name: str
) -> None:
    browser.look(390)
    browser.open(shown.report / f"{name}.html")
    assert browser.run("return document.documentElement.scrollWidth") == 390


def test_a_dark_desktop_gets_a_dark_page(browser: Browser, shown: Season) -> None:
    colours = []
    for dark in (False, True):
        browser.look(dark=dark)
        browser.open(shown.report / "index.html")
        colours.append(browser.run("return getComputedStyle(document.body).backgroundColor"))
    assert colours == ["rgb(255, 255, 255)", "rgb(20, 23, 27)"]


def test_it_opens_from_a_web_server_too(browser: Browser, shown: Season) -> None:
    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=shown.results))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        browser.look()
        browser.errors()
        browser.open(f"http://127.0.0.1:{server.server_port}/report/fill_{FILL}.html")
        assert browser.load_all() == []
        assert browser.errors() == []
    finally:
        browser.open("about:blank")
        server.shutdown()
        server.server_close()
