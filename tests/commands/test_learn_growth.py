"""Learning the growth that the models lack."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from lumimod.commands.learn_growth import FEWEST, learned, main
from lumimod.config.settings import load_config
from lumimod.errors import ConfigError, NoDataError
from lumimod.simulate import simulate_fills
from tests.conftest import TINY


def facts(part: str, value: float, spread: float = 0.0) -> dict[str, float]:
    names = (f"b{beam}_beyond_{plane}_{part}_um_h" for beam in (1, 2) for plane in "hv")
    return {name: value + n * spread for n, name in enumerate(names)}


def test_it_is_the_median_over_fills_by_phase_beam_and_plane() -> None:
    fills = [facts("injection", value, 0.1) for value in (0.1, 0.2, 5.0)]
    found = learned(fills, {})
    assert list(found) == ["injection"]
    growth = found["injection"]["growth"]
    assert growth == pytest.approx({"1h": 0.2, "1v": 0.3, "2h": 0.4, "2v": 0.5})
    assert found["injection"]["fills"] == 3


def test_what_the_models_took_already_is_added() -> None:
    fills = [facts("stable", 0.01)] * 3
    found = learned(fills, {"stable beams": {"1h": 0.03, "1v": 0.04, "2h": 0.0, "2v": 0.0}})
    assert found["stable beams"]["growth"]["1v"] == pytest.approx(0.05)


def test_its_error_falls_with_the_number_of_fills() -> None:
    rng = np.random.default_rng(1)
    few, many = (
        learned([facts("stable", v) for v in rng.normal(0.05, 0.01, n)], {})["stable beams"]
        for n in (20, 2000)
    )
    assert few["error"]["1h"] > 5 * many["error"]["1h"]
    assert abs(many["growth"]["1h"] - 0.05) < 4 * many["error"]["1h"]


def test_too_few_fills_teach_nothing() -> None:
    with pytest.raises(NoDataError, match="fewer than 3 fills"):
        learned([facts("stable", 0.01)] * (FEWEST - 1), {})


@pytest.mark.slow
def test_what_it_writes_is_what_config_reads_and_the_models_take(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from lumimod.cli import main as run

    fills = [5845, 5848, 5850]
    simulate_fills(tmp_path / "data", fills, TINY, seed=3)
    config, out = tmp_path / "config.py", tmp_path / "extra_growth.json"
    folders = f"input_folder = working_folder = {str(tmp_path)!r} + '/'\ndoSBModel = True\n"
    config.write_text(folders)
    assert run(["--config", str(config)]) == 0
    assert main(["--config", str(config), "--out", str(out)]) == 0
    assert "from 3 fills" in capsys.readouterr().out
    config.write_text(folders + f"extra_growth = {str(out)!r}\n")
    growth = load_config(config).physics.extra_growth
    assert {phase: dict(of) for phase, of in growth.items()} == json.loads(out.read_text())
    assert run(["--config", str(config), "--cascade"]) == 0
    capsys.readouterr()
    assert main(["--config", str(config)]) == 0  # what is left is small: the same again
    again = json.loads(capsys.readouterr().out.partition("extra_growth = ")[2])
    for phase, of in growth.items():
        assert again[phase] == pytest.approx(dict(of), abs=0.02)


def test_a_file_that_cannot_be_read_is_a_fault_of_config(tmp_path: Path) -> None:
    config = tmp_path / "config.py"
    config.write_text("extra_growth = 'nowhere.json'")
    with pytest.raises(ConfigError, match="nowhere.json cannot be read as JSON"):
        load_config(config)
