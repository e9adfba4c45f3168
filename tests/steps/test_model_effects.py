"""Steps of the models with all effects, and what enters the collisions of each beam."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from lumimod.physics.effects import Collisions
from lumimod.physics.full import advance
from lumimod.physics.luminosity import piwinski
from lumimod.physics.sbmodel import Bunches, FromData
from lumimod.steps.context import FillContext
from lumimod.steps.effects import STABLE, physics_of
from lumimod.steps.model_effects import collisions_of, luminosity_of, steps_with_all_effects
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


def test_a_step_has_scattering_and_the_losses_of_its_middle(fill: MakeFill) -> None:
    lifetime_s = [[0.0, 36_000.0], [7200.0, 7200.0]]
    ctx, sb = fill(extra_lifetime={1: lifetime_s}), stable_beams(coll=(10,))
    from_data = FromData(*(np.zeros((1, 1), bool) for _ in FromData._fields))

    def collide(state: Bunches, _: int) -> Collisions:
        nothing = np.zeros((2, *state.intensity_ppb.shape))
        return Collisions(nothing, nothing, ("v", "h"), np.array([0.3, 0.3]))

    step = steps_with_all_effects(sb, ctx.cfg, "coll", from_data, collide)
    measured = np.concatenate([ONE, TWO], axis=1)
    start = Bunches(*measured[:, None])
    physics = physics_of(ctx.cfg, STABLE, np.array([1, 2]))
    for index in (0, 5):
        found = step(start, Bunches(*measured), index, 300.0)
        # The inverse of the lifetime goes from 0.1 to 0.5 per hour in two hours.
        per_h = 0.1 + 0.4 * (index + 0.5) * 300 / 7200
        lost = np.array([[np.exp(-per_h * 300 / 3600), 1.0]])
        expected = advance(start, 300.0, physics.effects, parametrised=physics.parametrised)
        assert found.intensity_ppb == pytest.approx(start.intensity_ppb * lost, rel=1e-9)
        for name in ("emit_h_um", "emit_v_um", "length_m"):
            value = getattr(expected, name)
            assert getattr(found, name) == pytest.approx(value, rel=1e-6)
            assert name == "emit_v_um" or not np.allclose(value, getattr(start, name), rtol=1e-5)


def test_luminosity_is_of_pairs_whatever_stands_before_the_bunches(fill: MakeFill) -> None:
    measured = np.concatenate([ONE, TWO], axis=1)
    luminosity = luminosity_of(stable_beams(coll=(10,)), fill().cfg, BETASTAR_M, 5845)
    alone = luminosity(Bunches(*measured), 3)
    assert alone.shape == (2, 1)
    assert np.all(alone > 1e33)
    of_two_models = luminosity(Bunches(*(np.stack([v, v]) for v in measured)), 3)
    assert np.array_equal(of_two_models, np.stack([alone, alone], axis=1))
