"""Two tiny fills with results and pictures, and the site of them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lumimod.cli import main
from lumimod.config.settings import Config, load_config
from lumimod.report.site import SiteUpdate, update_site
from lumimod.simulate import simulate_fills
from tests.conftest import TINY

FILL, OTHER = 5845, 5848
HTML = "<b id='harm'>BSRT</b><script>document.title = 'harmed'</script>"
"""A text that would do something if it were not escaped."""


@dataclass(frozen=True)
class Season:
    """A folder with results."""

    root: Path

    @property
    def results(self) -> Path:
        return self.root / "SB_analysis"

    @property
    def report(self) -> Path:
        return self.results / "report"

    @property
    def config(self) -> Path:
        return self.root / "config.py"

    @property
    def cfg(self) -> Config:
        return load_config(self.config)

    def update(self) -> SiteUpdate:
        return update_site(self.cfg)

    def page(self, name: object = "index") -> str:
        """Return a page: of a fill by its number."""
        file = f"fill_{name}.html" if isinstance(name, int) else f"{name}.html"
        return (self.report / file).read_text(encoding="utf-8")

    def state(self, fill: int, step: str, **of: str) -> None:
        """Put another state of a step into status.json."""
        path = self.results / "status.json"
        data = json.loads(path.read_text())
        data["fills"][str(fill)]["steps"][step] = of
        path.write_text(json.dumps(data))

    def facts(self, fill: int, **of: Any) -> None:
        """Put other facts of a fill into the season table."""
        path = self.results / "season.json"
        data = json.loads(path.read_text())
        data["fills"][str(fill)]["facts"].update(of)
        path.write_text(json.dumps(data))


def config_text(root: Path) -> str:
    return (
        f"input_folder = working_folder = {str(root) + '/'!r}\n"
        "doOverviewPlots = doCyclePlots = True\nplotDpi = 50\n"
    )


@pytest.fixture(scope="session")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("season")
    simulate_fills(root / "data", [FILL, OTHER], TINY, seed=3)
    (root / "config.py").write_text(config_text(root))
    assert main(["--config", str(root / "config.py")]) == 0
    assert main(["--config", str(root / "config.py"), "--summary"]) == 0
    return root


@pytest.fixture(scope="session")
def copied(source: Path) -> Callable[[Path], Season]:
    def copy(root: Path) -> Season:
        shutil.copytree(source, root, dirs_exist_ok=True)
        (root / "config.py").write_text(config_text(root))
        return Season(root)

    return copy


@pytest.fixture
def season(copied: Callable[[Path], Season], tmp_path: Path) -> Season:
    return copied(tmp_path)
