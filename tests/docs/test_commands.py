"""Every command and every line of Python in the documentation works as it is shown there.

The commands of a page are run in their order in a folder with two small simulated fills and their
results. Those that need CERN, HTCondor, a network or much time are parsed instead: their script
exists and takes their options. `NOT_OURS` and `PARSED` say which, and why.
"""

from __future__ import annotations

import argparse
import re
import runpy
import shlex
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lumimod.cli import main
from lumimod.simulate import simulate_fills
from tests.conftest import TINY
from tests.docs.conftest import PAGES, ROOT

BLOCK = re.compile(r"^ *```(\w+)\n(.*?)^ *```$", re.M | re.S)
FILLS = (5845, 5848)

NOT_OURS = {
    "git": "needs a network",
    "cd": "goes into the clone",
    "pip": "needs a network",
    "python3": "makes an environment",
    ".": "enters the environment",
    "eval": "sets the environment of a pool, which needs root",
    "make": "runs the commands of the Makefile, which are checked to be there",
}
"""Programs that are not run, and why."""
PARSED = {
    r"getData\.py(?!.*--source)": "needs NXCALS",
    r"simulate_fills\.py.*--full-size": "makes 200 MB of data",
    r"simulate_fills\.py.*--season": "takes a second a fill; tests/simulate/test_season.py",
    r"getData\.py --source season": "takes seconds a fill; tests/sources/test_season.py",
    r"lumimod\.py.*--plots(?! sb --fill)": "draws hundreds of pictures; one page draws some",
    r"build_ibs_rates\.py": "needs a lattice, and minutes",
    r"learn_growth\.py": "needs three fills",
    r"lumimod\.py.*--wait": "waits for jobs",
    r"lumimod\.py.*--resubmit": "needs jobs that failed",
}
"""Commands that are parsed alone, and why."""
UNSUBMITTED = 1
"""Exit status of --status after a submission that was written but not submitted."""


def blocks(page: Path, *languages: str) -> list[str]:
    """Return the blocks of code of a page in any of the languages."""
    found = BLOCK.findall(page.read_text(encoding="utf-8"))
    return [text for language, text in found if language in languages]


def lines_of(page: Path, *languages: str) -> list[str]:
    """Return the lines of shell of a page, continued ones joined."""
    texts = (text.replace("\\\n", " ") for text in blocks(page, *languages))
    lines = (line.strip() for text in texts for line in text.splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def commands(line: str) -> Iterator[list[str]]:
    """Yield the words of each command of a line, without redirections and flock."""
    for part in line.split("&&"):
        words = shlex.split(part.partition(">>")[0], comments=True)
        if words[:2] == ["flock", "-n"]:
            words = words[3:]
        yield words


def pages_with(*languages: str) -> list[Any]:
    """Return the pages that have such blocks, as parameters of a test."""
    pages = [page for page in PAGES if blocks(page, *languages)]
    return [pytest.param(page, id=str(page.relative_to(ROOT))) for page in pages]


# --- running


class Parsed(BaseException):
    """The command line was understood."""


def run_script(script: str, arguments: list[str]) -> int:
    """Run a script of the checkout in this process; return its exit status."""
    sys.argv = [script, *arguments]
    try:
        runpy.run_path(str(ROOT / script), run_name="__main__")
    except SystemExit as exc:
        return int(exc.code or 0)
    raise AssertionError(f"{script} did not end by sys.exit")


def parse_only(monkeypatch: pytest.MonkeyPatch, script: str, arguments: list[str]) -> None:
    """Fail if a script does not take the arguments."""
    parse = argparse.ArgumentParser.parse_args

    def stop(parser: argparse.ArgumentParser, args: Any = None, _: Any = None) -> None:
        parse(parser, args)
        raise Parsed

    with monkeypatch.context() as patch:
        patch.setattr(argparse.ArgumentParser, "parse_args", stop)
        with pytest.raises(Parsed):
            run_script(script, arguments)


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with data and results of two small fills: copy it, do not change it."""
    folder = tmp_path_factory.mktemp("followup")
    simulate_fills(folder / "data", FILLS, TINY, seed=3)
    config = folder / "config.py"
    config.write_text((ROOT / "config.py").read_text(encoding="utf-8") + "savePandas = True\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert main([]) == 0
    return folder


@pytest.fixture
def folder(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the current folder, in which the commands of a page are run."""
    shutil.copytree(data, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", sys.argv)
    return tmp_path


@pytest.mark.slow
@pytest.mark.parametrize("page", pages_with("sh"))
def test_the_commands_of_a_page_work(
    page: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for line in lines_of(page, "sh"):
        for words in commands(line):
            check(words, folder, monkeypatch)


def check(words: list[str], folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run or parse one command."""
    if words[:3] == ["python", "-m", "pytest"]:
        return  # run by test_recipes.py, with the change of the page
    if words[0] == "python":
        script, arguments = words[1], words[2:]
        assert (ROOT / script).is_file(), words
        check_script(script, arguments, folder, monkeypatch)
        return
    assert words[0] in NOT_OURS, words
    if words[0] == "make":
        makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
        assert re.search(rf"^{words[1]}:", makefile, re.M), words
    elif words[0] == "pip":
        for extra in re.findall(r"\[(.+)\]", words[-1]):
            text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
            assert all(re.search(rf"^{name} = \[", text, re.M) for name in extra.split(","))


def check_script(
    script: str, arguments: list[str], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Run or parse a script of the checkout."""
    if any(re.search(pattern, " ".join([script, *arguments])) for pattern in PARSED):
        parse_only(monkeypatch, script, arguments)
        return
    if "--submit" in arguments:
        arguments = [*arguments, "--dry-run"]
    jobs = [str(path) for path in folder.glob("lumimod_JOB_*")]
    arguments = [jobs[-1] if word == "JOBFOLDER" else word for word in arguments]
    status = run_script(script, arguments)
    assert status == (UNSUBMITTED if "--status" in arguments and jobs else 0), (script, arguments)


@pytest.mark.parametrize("page", pages_with("cron"))
def test_the_lines_for_cron_are_understood(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for line in lines_of(page, "cron"):
        times, rest = line.split()[:5], line.split(maxsplit=5)[5]
        assert all(re.fullmatch(r"\*|\d+", time) for time in times), line
        for words in commands(rest):
            if words[0] != "cd":
                assert words[0] == "python", line
                parse_only(monkeypatch, words[1], words[2:])


@pytest.mark.slow
@pytest.mark.parametrize("page", pages_with("python"))
@pytest.mark.usefixtures("folder")
def test_the_python_of_a_page_runs(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MPLBACKEND", "agg")
    names: dict[str, Any] = {}
    for text in blocks(page, "python"):
        exec(compile(text, str(page), "exec"), names)  # noqa: S102


def test_blocks_of_code_say_what_they_are() -> None:
    known = {"sh", "cron", "python", "text", "math", "diff"}
    for page in PAGES:
        opening = re.findall(r"^ *```(.*)$", page.read_text(encoding="utf-8"), re.M)[::2]
        assert {words.split()[0] for words in opening} <= known, page
