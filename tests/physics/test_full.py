"""Steps with all effects: first principles, and no dependence on the step."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.integrate import solve_ivp

from lumimod.physics.constants import SPEED_OF_LIGHT_M_S
from lumimod.physics.effects import NO_DAMPING, Collisions, DampingTimes, Effects
from lumimod.physics.full import InMap, Parametrised, advance, steps_of
from lumimod.physics.ibs import ibs_map
from lumimod.physics.sbmodel import Bunches, FromData, ModelMachine, evolve
from lumimod.tables.ibs import ibs_of
from lumimod.tables.ibs_rates_xy import growth_rate_sets, growth_rates_of

GRID = Path(__file__).parents[1] / "data" / "ibs_growth_lhc.csv"
NS = SPEED_OF_LIGHT_M_S / 4e9
"""From 4 sigma in ns to m."""
STEPS_S = (60, 300, 600, 1800)
GAMMA = 6927.64
DAMPING = DampingTimes(64.7, 64.7, 32.35)
EFFECTS = Effects(GAMMA, 6500.0, growth_rates_of(GAMMA, 12e6), DAMPING)


def bunches(n_ppb: float = 1.1e11, h: float = 2.2, v: float = 1.6, bl_ns: float = 1.1) -> Bunches:
    return Bunches(*(np.array([x]) for x in (n_ppb, h, v, bl_ns * NS)))


def after_hours(
    hours: int, step_s: float, effects: Effects, start: Bunches, **more: Any
) -> Bunches:
    for _ in range(round(hours * 3600 / step_s)):
        start = advance(start, step_s, effects, **more)
    return start


# ---- First principles: the reference grid, integrated by itself.


def grid_rates(energy: int, volts: int) -> Any:
    """Return growth rates per hour and proton from the grid itself: splines through its points."""
    from scipy.interpolate import RectBivariateSpline

    rows = pd.read_csv(GRID, comment="#").query(
        f"formalism == 'Nagaitsev' and energy_GeV == {energy} and V_MV == {volts}"
    )
    rows = rows[rows.N_ppb == rows.N_ppb.mode()[0]]
    emit, length = np.sort(rows.exn_um.unique()), np.sort(rows.bl4s_ns.unique())
    by_point = rows.set_index(["exn_um", "bl4s_ns"]).sort_index()
    splines = []
    for column, by in (("dexn_dt_um_per_h", "exn_um"), ("dbl_dt_ns_per_h", "bl4s_ns")):
        relative = rows.assign(r=rows[column] / rows[by] / rows.N_ppb)
        table = relative.pivot(index="exn_um", columns="bl4s_ns", values="r").to_numpy()
        k = min(3, len(emit) - 1), min(3, len(length) - 1)
        splines.append(
            RectBivariateSpline(np.log(emit), np.log(length), np.log(table), kx=k[0], ky=k[1], s=0)
        )
    assert len(by_point) == emit.size * length.size
    return lambda x, z: [np.exp(s.ev(np.log(x), np.log(z))) for s in splines]


@pytest.mark.parametrize(
    ("energy", "volts", "hours", "bl_ns"),
    [(450, 6, 1, 0.95), (6500, 12, 10, 1.15), (6800, 12, 10, 1.15)],  # as long as in the grid
)
@pytest.mark.parametrize("step_s", STEPS_S)
def test_after_hours_round_beams_are_those_of_the_reference_grid(
    energy: int, volts: int, hours: int, bl_ns: float, step_s: float
) -> None:
    # Round beams stay round here: the vertical emittance is made to follow the horizontal one.
    rates = grid_rates(energy, volts)
    gamma = energy / 0.93828
    damping = DAMPING if energy > 450 else NO_DAMPING
    effects = Effects(gamma, energy, growth_rates_of(gamma, volts * 1e6), damping)

    def slope(_: float, y: np.ndarray) -> list[float]:
        by_h, by_l = (float(r) * 1.1e11 for r in rates(y[0], y[1]))
        return [y[0] * (by_h - 2 / damping.h), y[1] * (by_l - 1 / damping.length)]

    want = solve_ivp(slope, (0, hours), [2.0, bl_ns], rtol=1e-9, atol=1e-12).y[:, -1]
    now = bunches(h=2.0, v=2.0, bl_ns=bl_ns)
    for _ in range(round(hours * 3600 / step_s)):
        now = advance(now, step_s, effects)
        now = now._replace(emit_v_um=now.emit_h_um)
    assert now.emit_h_um[0] == pytest.approx(want[0], rel=3e-3)
    assert now.length_m[0] / NS == pytest.approx(want[1], rel=3e-3)


@pytest.mark.parametrize("gamma_volts", [(479.6, 6e6), (GAMMA, 12e6), (7247.4, 16e6)])
@pytest.mark.parametrize(("h", "v"), [(2.0, 1.14), (2.4, 1.9), (1.5, 3.0)])
def test_unequal_emittances_grow_as_the_differential_equation_of_the_table(
    gamma_volts: tuple[float, float], h: float, v: float
) -> None:
    # The formula of the table's file, written out here once more.
    chosen = growth_rates_of(*gamma_volts)
    c_h, c_l = next(
        (s.emit_h, s.bl4s)
        for s in growth_rate_sets()
        if (s.energy_gev, s.v_rf_mv) == (chosen.energy_gev, chosen.v_rf_mv)
    )

    def rate(c: tuple[float, ...], u: float, w: float) -> float:
        y = np.log(v)
        terms = [1, u, y, w, u * u, y * y, w * w, u * y, u * w, y * w]
        return float(1.1 * np.exp(np.dot(c, terms)))

    def slope(_: float, s: np.ndarray) -> list[float]:
        return [rate(c_h, s[0], s[1]), rate(c_l, s[0], s[1])]

    end = solve_ivp(slope, (0, 2), np.log([h, 1.1]), rtol=1e-10, atol=1e-12).y[:, -1]
    want = np.exp(end) - [h, 1.1]
    effects = Effects(gamma_volts[0], chosen.energy_gev, chosen)
    for step_s in STEPS_S:
        now = after_hours(2, step_s, effects, bunches(h=h, v=v))
        grown = [now.emit_h_um[0] - h, now.length_m[0] / NS - 1.1]
        assert grown == pytest.approx(want, rel=1e-3), step_s
        assert now.emit_v_um[0] == pytest.approx(v)


# ---- The step does not matter.


def collide(now: Bunches, index: int = 0) -> Collisions:
    """Return head-on collisions at two experiments of two bunches of each beam."""
    one, two = np.split(now.intensity_ppb, 2, axis=-1)
    sizes = np.sqrt(sum(np.split(now.emit_h_um, 2, axis=-1)) / 2)
    sizes = sizes * np.sqrt(sum(np.split(now.emit_v_um, 2, axis=-1)) / 2)
    lumi = 11245.5 * one * two * GAMMA / (4 * np.pi * 0.3e-6 * sizes)
    both = np.stack([np.concatenate([lumi, lumi], axis=-1)] * 2)
    return Collisions(both, np.full(both.shape, 0.8), ("v", "h"), np.array([0.3, 0.3]))


ALL_EFFECTS = EFFECTS._replace(
    sigma_boff_m2=80e-31,
    sigma_el_m2=29.7e-31,
    core_burnoff=True,
    coupling_share=0.011,
    extra_um_h=(0.02, 0.04),
    extra_loss_per_h=0.01,
)
MODELS = FromData(
    np.array([[False], [True], [False]]),
    np.array([[False], [False], [True]]),
    np.array([[False], [False], [False]]),
)
"""Nothing from the data; the intensity; the emittances."""
MACHINE = ModelMachine(ibs_of(GAMMA, 12e6), GAMMA, 0.3, 64.7 * 3600, 80e-31, 29.7e-31)


def fill_data(step_s: float, hours: float = 2.0) -> tuple[np.ndarray, Bunches]:
    """Return times and measured bunches that change exponentially, two pairs."""
    time_s = np.arange(round(hours * 3600 / step_s) + 1) * step_s
    t = time_s[:, None] / 3600
    own = np.array([1.0, 1.1, 0.95, 1.05])
    return time_s, Bunches(
        1.1e11 * own * np.exp(-t / 15),
        2.2 * own * np.exp(t / 60),
        1.6 * own * np.exp(t / 50),
        0.082 * own * np.exp(-t / 40),
    )


def at_one_hour(step_s: float, parametrised: Parametrised | None = None) -> np.ndarray:
    effects = ALL_EFFECTS if parametrised is None else ALL_EFFECTS._replace(ibs=None)
    time_s, data = fill_data(step_s)

    def lumi(now: Bunches, index: int) -> np.ndarray:
        return collide(now).lumi[..., :2]

    step = steps_of(lambda _: effects, MODELS, parametrised=parametrised, collide=collide)
    (found,) = evolve(time_s, [data], MODELS, step, lumi)
    return np.stack([values[:, round(3600 / step_s)] for values in found.bunches])


def test_every_step_gives_the_same_bunches_after_an_hour() -> None:
    ends = [at_one_hour(step_s) for step_s in STEPS_S]
    for end in ends[1:]:
        assert np.abs(end / ends[0] - 1).max() < 1e-5  # asked for: 5e-4


def test_what_follows_the_data_is_the_data_and_the_rest_is_modelled() -> None:
    end, (_, data) = at_one_hour(300), fill_data(300)
    assert np.array_equal(end[0, 1], data.intensity_ppb[12])
    assert np.array_equal(end[1:3, 2], np.stack(data[1:3])[:, 12])
    for quantity, model in ((0, 0), (0, 2), (1, 1), (2, 1), (3, 2)):
        assert (np.abs(end[quantity, model] / data[quantity][12] - 1) > 1e-4).all()


def test_a_missing_measurement_at_the_end_of_a_step_holds_the_last_one() -> None:
    start = Bunches(*(np.repeat(v[:1], 3, axis=0) for v in fill_data(300)[1]))
    now = fill_data(300)[1].at(0)
    gone = now._replace(intensity_ppb=np.full(4, np.nan))
    step = steps_of(lambda _: ALL_EFFECTS, MODELS, collide=collide)
    for held, missing in zip(step(start, now, 0, 300.0), step(start, gone, 0, 300.0)):
        assert np.array_equal(held, missing)


# ---- With the parametrisation of scattering.


def test_the_parametrisation_with_its_damping_is_the_map_itself() -> None:
    effects = EFFECTS._replace(ibs=None)
    by_map = Parametrised(ibs_of(GAMMA, 12e6), InMap(64.7, 32.35))
    start = bunches()
    found = advance(start, 600.0, effects, parametrised=by_map)
    want = ibs_map(by_map.ibs, 600.0, start.intensity_ppb, start.emit_h_um, np.array([1.1e-9]))
    assert found.emit_h_um == pytest.approx(want.emit_h_um, rel=1e-12)
    assert found.length_m == pytest.approx(want.bl4s_s * 1e9 * NS, rel=1e-12)
    assert found.emit_v_um == pytest.approx(1.6 * np.exp(-2 * 600 / 3600 / 64.7), rel=1e-9)


def test_the_model_with_the_map_and_no_more_effects_is_close_to_that_of_the_original() -> None:
    time_s, data = fill_data(300)
    effects = EFFECTS._replace(ibs=None, sigma_boff_m2=80e-31, sigma_el_m2=29.7e-31)
    by_map = Parametrised(MACHINE.ibs, InMap(64.7, 32.35))

    def lumi(now: Bunches, index: int) -> np.ndarray:
        return collide(now).lumi[..., :2]

    step = steps_of(lambda _: effects, MODELS, parametrised=by_map, collide=collide)
    (new,) = evolve(time_s, [data], MODELS, step, lumi)
    (old,) = evolve(time_s, [data], MODELS, MACHINE, lumi)
    for one, other in zip(new.bunches, old.bunches):
        assert np.abs(one / other - 1).max() < 3e-4


# ---- Poor data.


@pytest.mark.parametrize("dt_s", [0.0, -60.0, np.nan])
def test_a_step_that_is_none_gives_nan(dt_s: float) -> None:
    for values in advance(bunches(), dt_s, EFFECTS):
        assert np.isnan(values).all()


def test_what_is_no_bunch_spares_the_others_and_raises_no_warning() -> None:
    start = Bunches(
        np.array([1.1e11, 0.0, 1.1e11, np.nan]),
        np.array([2.2, 2.2, -0.1, 2.2]),
        np.full(4, 1.6),
        np.full(4, 0.082),
    )
    found = advance(start, 300.0, ALL_EFFECTS, collide=collide)
    alone = advance(bunches(bl_ns=0.082 / NS), 300.0, EFFECTS)
    assert np.isfinite(alone.emit_h_um).all()
    assert np.isnan(found.emit_h_um[2:]).all()
    assert np.isfinite(advance(start, 300.0, EFFECTS).emit_h_um[0])


def test_a_step_of_less_than_a_second_is_one() -> None:
    for now, then in zip(advance(bunches(), 0.5, EFFECTS), bunches()):
        assert now == pytest.approx(then, rel=1e-4)


def test_data_are_followed_if_it_is_told_which_and_how() -> None:
    start, later = bunches(), bunches(n_ppb=0.9e11, h=2.4)
    alone = advance(start, 600.0, EFFECTS)
    for more in ({"after": later}, {"from_data": MODELS}):
        for found, want in zip(advance(start, 600.0, EFFECTS, **more), alone):
            assert np.array_equal(found, want)


def test_bunches_that_no_machine_has_grow_beyond_all_numbers_without_a_warning() -> None:
    found = advance(bunches(n_ppb=1e300, h=1e-3), 3600.0, EFFECTS)
    assert not np.isfinite(found.emit_h_um).any()
