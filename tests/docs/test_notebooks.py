"""The notebooks of the documentation run, from the first cell to the last."""

from __future__ import annotations

from pathlib import Path

import pytest

from lumimod.cli import main
from lumimod.simulate import simulate_fills
from tests.conftest import TINY

nbformat = pytest.importorskip("nbformat")
nbclient = pytest.importorskip("nbclient")
pytest.importorskip("ipykernel")
pytest.importorskip("xarray")

CHECKOUT = Path(__file__).parents[2]
NOTEBOOKS = sorted((CHECKOUT / "docs/notebooks").glob("*.ipynb"))


def outputs(notebook: nbformat.NotebookNode) -> str:
    """Return all text that the cells gave."""
    found = [one for cell in notebook.cells for one in cell.get("outputs", ())]
    return "\n".join(one.get("text") or one.get("data", {}).get("text/plain", "") for one in found)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_a_notebook_runs_where_results_are(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    simulate_fills(tmp_path / "data", [5845, 5848], TINY, seed=3)
    config = tmp_path / "config.py"
    folders = ("input_folder", "working_folder")
    config.write_text("".join(f"{name} = {str(tmp_path)!r} + '/'\n" for name in folders))
    assert main(["--config", str(config)]) == 0
    monkeypatch.setenv("PYTHONPATH", str(CHECKOUT))
    monkeypatch.setenv("JUPYTER_PLATFORM_DIRS", "1")
    notebook = nbformat.read(path, as_version=4)
    resources = {"metadata": {"path": str(tmp_path)}}
    nbclient.NotebookClient(notebook, timeout=120, resources=resources).execute()
    said = outputs(notebook)
    assert "fill 5848: 6 bunches" in said
    assert "ATLAS: measured / calculated = " in said


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_a_notebook_is_kept_without_what_its_cells_gave(path: Path) -> None:
    cells = nbformat.read(path, as_version=4).cells
    assert not any(cell.get("outputs") or cell.get("execution_count") for cell in cells)


def test_there_is_a_notebook() -> None:
    assert NOTEBOOKS
