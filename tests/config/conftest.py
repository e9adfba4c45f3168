"""Configurations of a few lines."""

from __future__ import annotations

from pathlib import Path
from typing import Callable

import pytest

from lumimod.config.settings import Config, load_config
from lumimod.errors import ConfigError

Load = Callable[..., Config]
Faults = Callable[[str], list[str]]


@pytest.fixture
def config(tmp_path: Path) -> Load:
    """Return a function that loads a config.py of the given text."""

    def load(source: str = "") -> Config:
        path = tmp_path / "config.py"
        path.write_text(source)
        return load_config(path)

    return load


@pytest.fixture
def faults(config: Load) -> Faults:
    """Return a function that gives the lines of faults of a config.py."""

    def lines(source: str) -> list[str]:
        with pytest.raises(ConfigError) as caught:
            config(source)
        head, *found = str(caught.value).splitlines()
        assert head.endswith(f"config.py: {len(found)} to correct")
        return [line.strip() for line in found]

    return lines
