"""Bunch families of filling patterns made by hand."""

from __future__ import annotations

import numpy as np
import pytest

from lumimod.physics.filling import bunch_families, pair_shares
from lumimod.tables.lhc import MEETING_SHIFT, N_SLOTS

BACK = {ip: -shift for ip, shift in MEETING_SHIFT.items()}


def slots(*of: int) -> np.ndarray:
    return np.array(of, dtype=np.int64)


def test_a_bunch_collides_where_the_other_beam_fills_the_slot_that_it_meets() -> None:
    one, two = slots(0, 10, 20, 30), slots(0, 10 + 891, 20 + 2670)
    found = bunch_families(one, two, MEETING_SHIFT, n_ring=N_SLOTS)
    assert found.collides_ip15.tolist() == [1, 0, 0, 0]
    assert found.collides_ip2.tolist() == [0, 1, 0, 0]
    assert found.collides_ip8.tolist() == [0, 0, 1, 0]


def test_both_bunches_of_a_pair_collide_across_the_end_of_the_ring_too() -> None:
    one, two = slots(100, 3000), slots(327, 2770)  # 3000 + 891 - 3564, and 100 + 2670
    of_one = bunch_families(one, two, MEETING_SHIFT, n_ring=N_SLOTS)
    of_two = bunch_families(two, one, BACK, n_ring=N_SLOTS)
    assert of_one.collides_ip2.tolist() == [0, 1]
    assert of_one.collides_ip8.tolist() == [1, 0]
    assert of_two.collides_ip2.tolist() == [1, 0]
    assert of_two.collides_ip8.tolist() == [0, 1]


def test_trains_are_told_by_their_gaps() -> None:
    # Two trains of 3 as of the SPS kicker (7 empty slots), then one of 8b4e (4 empty slots).
    pattern = slots(0, 1, 2, 10, 11, 12, 100, 101, 106, 107)
    found = bunch_families(pattern, slots(), MEETING_SHIFT, n_ring=N_SLOTS)
    assert found.train.tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2, 2]
    assert found.position.tolist() == [0, 1, 2, 0, 1, 2, 0, 1, 2, 3]
    assert found.train_length.tolist() == [3, 3, 3, 3, 3, 3, 4, 4, 4, 4]


def test_a_train_that_starts_late_is_the_first_one() -> None:
    found = bunch_families(slots(700, 701), slots(), MEETING_SHIFT, n_ring=N_SLOTS)
    assert found.train.tolist() == [0, 0]
    assert found.position.tolist() == [0, 1]


def test_bunches_in_the_middle_of_a_train_have_twice_as_many_long_range_encounters() -> None:
    train = 500 + np.arange(48)
    found = bunch_families(train, train, MEETING_SHIFT, n_ring=N_SLOTS)
    assert found.n_long_range[0] == found.n_long_range[-1] == 30  # 15 at IP 1 and 15 at IP 5
    assert found.n_long_range[24] == 60


def test_long_range_encounters_at_ip8_count() -> None:
    found = bunch_families(
        slots(0), slots(2670 - 15, 2670, 2670 + 16), MEETING_SHIFT, n_ring=N_SLOTS
    )
    assert found.n_long_range.tolist() == [1]


@pytest.mark.parametrize("shift", [0, 891])
def test_luminosity_is_shared_by_the_product_of_intensities(shift: int) -> None:
    own, other = slots(5, 6, 7), slots(5 + shift, 7 + shift)
    shares = pair_shares(
        own,
        np.array([[1.0, 1.0, 2.0], [1.0, 1.0, np.nan]]),
        other,
        np.array([[3.0, 0.5], [3.0, 0.5]]),
        shift=shift,
        n_ring=N_SLOTS,
    )
    assert shares.tolist() == [[0.75, 0, 0.25], [1, 0, 0]]


def test_without_a_pair_nothing_is_shared() -> None:
    shares = pair_shares(slots(1), np.ones((2, 1)), slots(2), np.ones((2, 1)), shift=0, n_ring=9)
    assert not shares.any()


def test_up_to_five_empty_slots_are_within_a_train() -> None:
    found = bunch_families(slots(0, 6, 13), slots(), MEETING_SHIFT, n_ring=N_SLOTS)
    assert found.train.tolist() == [0, 0, 1]
    assert found.train_length.tolist() == [2, 2, 1]


@pytest.mark.parametrize("own", [slots(), slots(0, 1, 100)])
def test_families_are_whole_numbers_even_of_no_bunch(own: np.ndarray) -> None:
    found = bunch_families(own, slots(5, 6), MEETING_SHIFT, n_ring=N_SLOTS)
    assert {values.dtype for values in found} == {np.dtype(np.int64)}
    assert {values.shape for values in found} == {own.shape}


def test_shares_do_not_depend_on_the_unit_of_intensity() -> None:
    one, two = np.array([[0.1, 0.3]]), np.array([[0.1, 0.2]])
    shares = pair_shares(slots(5, 6), one, slots(5, 6), two, shift=0, n_ring=N_SLOTS)
    assert shares[0] == pytest.approx([1 / 7, 6 / 7])
