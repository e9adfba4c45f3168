"""The recipes for developers: each, applied to a copy of the checkout, passes the tests it names.

In a recipe a block of Python with a title is a new file, a diff is a change of others, and a
command of pytest is what must pass then, besides the style and the floors of the package.
"""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.conftest import DOCS, ROOT

NEW_FILE = re.compile(r'^```python title="(.+?)"\n(.*?)^```$', re.M | re.S)
DIFF = re.compile(r"^```diff\n(.*?)^```$", re.M | re.S)
PYTEST = re.compile(r"^python -m pytest (.+)$", re.M)
LEFT_OUT = ("mutants", ".*", "docs", "site", "example", "benchmarks", "__pycache__", "*.egg-info")

RECIPES = [
    pytest.param(page, id=page.stem)
    for page in sorted((DOCS / "developing").glob("*.md"))
    if page.stem != "index"
]

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="no git, which applies diffs")


def run(folder: Path, *command: str) -> None:
    """Run a command; fail with what it said."""
    done = subprocess.run(  # noqa: S603
        command, cwd=folder, capture_output=True, text=True, timeout=200, check=False
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"


@pytest.fixture
def changed(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Return a copy of the checkout with the change of a recipe."""
    text = request.param.read_text(encoding="utf-8")
    folder = tmp_path / "checkout"
    shutil.copytree(ROOT, folder, ignore=shutil.ignore_patterns(*LEFT_OUT))
    for name, content in NEW_FILE.findall(text):
        assert not (folder / name).exists(), name
        (folder / name).write_text(content, encoding="utf-8")
    for number, diff in enumerate(DIFF.findall(text)):
        patch = tmp_path / f"{number}.diff"
        patch.write_text(diff, encoding="utf-8")
        run(folder, "git", "apply", str(patch))
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("changed", RECIPES, indirect=True)
def test_a_recipe_applies_and_passes_its_tests(
    changed: Path, request: pytest.FixtureRequest
) -> None:
    page = request.node.callspec.params["changed"]
    [named] = PYTEST.findall(page.read_text(encoding="utf-8"))
    run(changed, sys.executable, "-m", "ruff", "check", ".")
    run(changed, sys.executable, "-m", "ruff", "format", "--check", ".")
    tests = [*shlex.split(named), "tests/test_layers.py", "tests/run/test_plan.py"]
    run(changed, sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *tests)


def test_every_recipe_has_a_change_and_one_test_command() -> None:
    assert RECIPES
    for recipe in RECIPES:
        [page] = recipe.values
        text = page.read_text(encoding="utf-8")
        assert DIFF.search(text), page
        assert len(PYTEST.findall(text)) == 1, page
