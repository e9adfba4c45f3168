"""matplotlib is imported without tables of properties, and works as ever."""

from __future__ import annotations

import subprocess
import sys

import pytest
from matplotlib import artist
from matplotlib.lines import Line2D

from lumimod.plots.rendering.loading import load_matplotlib

AFTERWARDS = """
from lumimod.plots.rendering.loading import load_matplotlib
load_matplotlib()
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
assert "linestyle" not in Line2D.set.__doc__
line, = Figure().add_subplot().plot([1, 2])
line.set(linestyle="--")
assert line.get_linestyle() == "--"
"""


def test_docstrings_of_what_is_imported_already_stay() -> None:
    before = Line2D.set.__doc__, artist.kwdoc
    load_matplotlib()
    assert (Line2D.set.__doc__, artist.kwdoc) == before
    assert "linestyle" in artist.kwdoc(Line2D)


@pytest.mark.slow
def test_docstrings_of_what_it_imports_have_no_tables() -> None:
    subprocess.run([sys.executable, "-c", AFTERWARDS], check=True)
