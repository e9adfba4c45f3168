"""Rates of intra-beam scattering from a lattice: with a stand-in for xsuite, and with itself."""

from __future__ import annotations

import json
import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lumimod.commands.build_ibs_rates import main
from lumimod.tables.ibs_rates_xy import growth_rates_of

C_H = [-2.0, -1.4, -0.7, -1.5, -0.06, -0.02, -0.2, 0.03, 0.18, 0.025]
C_L = [-3.0, -0.5, -0.7, -3.5, -0.05, -0.02, -0.18, 0.03, 0.15, 0.03]


def polynomial(c: list[float], u: float, v: float, w: float) -> float:
    terms = [1, u, v, w, u * u, v * v, w * w, u * v, u * w, v * w]
    return float(np.exp(np.dot(c, terms)))


class Twiss:
    """Optics whose rates are polynomials; amplitudes grow at half the rate of emittances."""

    slip_factor = 3.2e-4
    sign = 1.0

    def get_ibs_growth_rates(self, **bunch: Any) -> Any:
        assert bunch["formalism"] == "nagaitsev"
        assert bunch["total_beam_intensity"] == 10**11
        assert bunch["sigma_delta"] == pytest.approx(
            1.13e-4 * bunch["bunch_length"] / 0.0755, rel=0.1
        )
        u, v = np.log([bunch["nemitt_x"] * 1e6, bunch["nemitt_y"] * 1e6])
        w = np.log(bunch["bunch_length"] * 4 / 299_792_458 * 1e9)
        by_h, by_l = (polynomial(c, u, v, w) / 3600 * self.sign for c in (C_H, C_L))
        return types.SimpleNamespace(as_tuple=lambda: (by_h / 2, 0.0, by_l))


class Line:
    """A line of the stand-in."""

    particle_ref: Any = None

    def __init__(self, twiss: Any) -> None:
        self._twiss = twiss

    def twiss4d(self) -> Any:
        if isinstance(self._twiss, Exception):
            raise self._twiss
        return self._twiss

    def get_length(self) -> float:
        return 26658.8832


def stand_in(loaded: Any) -> types.ModuleType:
    """Return a module that is taken for xtrack; it loads what is given."""
    module = types.ModuleType("xtrack")

    def load(path: str) -> Any:
        if isinstance(loaded, Exception):
            raise loaded
        return loaded

    module.load = load  # type: ignore[attr-defined]
    module.Particles = types.SimpleNamespace  # type: ignore[attr-defined]
    return module


class Site:
    """A folder with a lattice, and the command."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.out = folder / "rates.json"
        self.lattice = folder / "ring.json"
        self.lattice.write_text("{}")
        self._monkeypatch = monkeypatch

    def build(self, loaded: Any, *more: str, volts: str = "16") -> int:
        module = None if loaded is None else stand_in(loaded)
        self._monkeypatch.setitem(sys.modules, "xtrack", module)
        needed = [str(self.lattice), "--energy", "7000", "--volts", volts, "--out", str(self.out)]
        return main([*needed, *more])


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    return Site(tmp_path, monkeypatch)


def test_the_set_holds_the_rates_of_the_lattice(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    line = Line(Twiss())
    assert site.build(line) == 0
    rates = growth_rates_of(7460.5, 16e6, site.out)
    assert rates.emit_h == pytest.approx(C_H, abs=1e-9)
    assert rates.bl4s == pytest.approx(C_L, abs=1e-9)
    assert line.particle_ref.p0c == pytest.approx(7e12, rel=1e-7)
    said = capsys.readouterr().out
    assert "7000 GeV, 16 MV: growth of the emittance fitted within 0.00 % rms" in said
    assert "name it in ibs_rates_file of config.py" in said


def test_a_set_joins_those_of_the_file_and_replaces_its_own(site: Site) -> None:
    assert site.build(Line(Twiss()), volts="16") == 0
    assert site.build(Line(Twiss()), volts="14") == 0
    assert site.build(Line(Twiss()), volts="16") == 0
    sets = json.loads(site.out.read_text())["sets"]
    assert [s["V_RF_MV"] for s in sets] == [14.0, 16.0]


def test_a_line_of_several_is_named(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    several = types.SimpleNamespace(lines={"lhcb1": Line(Twiss()), "lhcb2": Line(Twiss())})
    assert site.build(several, "--line", "lhcb2") == 0
    assert site.build(several) == 2
    assert "holds the lines lhcb1, lhcb2: name one with --line" in capsys.readouterr().err
    assert site.build(types.SimpleNamespace(lines={"ring": Line(Twiss())})) == 0


def test_without_xsuite_the_extra_is_named(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    assert site.build(None) == 2
    assert "pip install 'lumimod[ibs]'" in capsys.readouterr().err


def test_a_missing_lattice_is_named(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    site.lattice.unlink()
    assert site.build(Line(Twiss())) == 1
    assert "ring.json is missing" in capsys.readouterr().err


class Shrinking(Twiss):
    """Optics below transition."""

    sign = -1.0


class Odd(Twiss):
    """Optics whose rates no polynomial of second order has."""

    def get_ibs_growth_rates(self, **bunch: Any) -> Any:
        by_h, by_v, by_l = super().get_ibs_growth_rates(**bunch).as_tuple()
        odd = 1.2 if bunch["nemitt_x"] == bunch["nemitt_y"] else 1.0
        return types.SimpleNamespace(as_tuple=lambda: (by_h * odd, by_v, by_l))


@pytest.mark.parametrize(
    ("loaded", "words"),
    [
        (ValueError("no lattice"), "cannot be read as a lattice"),
        (Line(ValueError("unstable")), "its optics cannot be computed: unstable"),
        (Line(Shrinking()), "is it above transition"),
        (Line(Odd()), "the polynomial is off by up to"),
    ],
)
def test_a_lattice_that_gives_no_rates_is_told_and_writes_nothing(
    site: Site, loaded: Any, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert site.build(loaded) == 1
    assert words in capsys.readouterr().err
    assert not site.out.exists()


def test_a_file_that_holds_something_else_stays(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    site.out.write_text("mine")
    assert site.build(Line(Twiss())) == 2
    assert "cannot be read as rates" in capsys.readouterr().err
    assert site.out.read_text() == "mine"


@pytest.mark.slow
def test_with_xsuite_a_ring_of_fodo_cells_has_rates(tmp_path: Path) -> None:
    xtrack = pytest.importorskip("xtrack", reason="xsuite is not installed")
    env = xtrack.Environment()
    env.new("qf", xtrack.Quadrupole, length=3.0, k1=0.009)
    env.new("qd", xtrack.Quadrupole, length=3.0, k1=-0.009)
    env.new("bend", xtrack.Bend, length=47.0, angle=np.pi / 200, k0_from_h=True)
    line = 200 * env.new_line(components=["qf", "bend", "qd", "bend"])
    line.particle_ref = xtrack.Particles(p0c=450e9, mass0=xtrack.PROTON_MASS_EV)
    line.to_json(tmp_path / "ring.json")
    out = tmp_path / "rates.json"
    asked = ["--energy", "450", "--volts", "6", "--harmonic", "26700", "--out", str(out)]
    assert main([str(tmp_path / "ring.json"), *asked]) == 0
    one = json.loads(out.read_text())["sets"][0]
    assert max(one["fit_max_percent"]) < 1
