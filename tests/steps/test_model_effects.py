"""Collisions of modelled bunches: what enters them of each beam."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from lumimod.physics.luminosity import piwinski
from lumimod.physics.sbmodel import Bunches
from lumimod.steps.context import FillContext
from lumimod.steps.model_effects import collisions_of
from tests.steps.conftest import stable_beams

MakeFill = Callable[..., FillContext]
BETASTAR_M = {1: np.full(13, 0.3), 5: np.full(13, 0.4)}
ONE = np.array([[1.1e11, 2.0, 1.8, 0.08]]).T
TWO = np.array([[1.0e11, 2.4, 2.2, 0.10]]).T


def angles(fill: MakeFill, one: np.ndarray, two: np.ndarray) -> list[float]:
    """Return the Piwinski parameters of the pair at ATLAS and CMS, those of either beam."""
    ctx, sb = fill(), stable_beams(coll=(10,))
    collide = collisions_of(sb, ctx.cfg, BETASTAR_M, lambda *_: np.ones((2, 1)))
    found = collide(Bunches(*np.concatenate([one, two], axis=1)), 3)
    assert found.lumi.shape == (2, 2)
    assert found.betastar_m.tolist() == [0.3, 0.4]
    assert np.array_equal(found.piwinski[:, 0], found.piwinski[:, 1])
    return [float(x) for x in found.piwinski[:, 0]]


def test_the_mean_of_both_beams_enters_the_crossing(fill: MakeFill) -> None:
    found = angles(fill, ONE, TWO)
    gamma = fill().cfg.machine.gamma_ft
    planes = stable_beams().crossing_plane
    for value, ip in zip(found, (1, 5)):
        row = 1 if planes[ip] == "h" else 2
        expected = piwinski(
            ONE[row], TWO[row], np.array([0.09]), np.array([300e-6]),
            betastar_m=BETASTAR_M[ip][3], gamma=gamma,
        )  # fmt: skip
        assert value == pytest.approx(float(expected[0]))


def test_beams_may_be_exchanged(fill: MakeFill) -> None:
    assert angles(fill, ONE, TWO) == pytest.approx(angles(fill, TWO, ONE))
