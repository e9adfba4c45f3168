"""What a dry run does not wait for."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

CHECKOUT = Path(__file__).parents[2]


def test_planning_imports_none_of_the_slow_libraries() -> None:
    program = (
        "import sys, lumimod.cli, lumimod.run.session, lumimod.run.fill\n"
        "print(sorted({'pandas', 'pyarrow', 'scipy', 'matplotlib'} & set(sys.modules)))"
    )
    said = subprocess.run(  # noqa: S603 - our own Python
        [sys.executable, "-c", program], cwd=CHECKOUT, check=True, capture_output=True, text=True
    )
    assert said.stdout.strip() == "[]"
