"""Comparison of result files."""

from __future__ import annotations

import numpy as np
import pytest

from lumimod.records.compare import Difference, differences


def worst(result: dict, reference: dict) -> float:
    return differences(result, reference)[0].relative


def test_equal_dicts_differ_by_nothing() -> None:
    data = {"a": np.array([1.0, np.nan, np.inf, 0.0]), 1: {"b": [1, 2]}, "word": "x", "none": None}
    assert {d.relative for d in differences(data, data)} == {0.0}


def test_every_leaf_is_compared_and_named_by_its_path() -> None:
    data = {"a": np.zeros(2), 1: {"b": np.ones(1), "c": {"d": "x"}}}
    assert {d.key for d in differences(data, data)} == {"a", "1/b", "1/c/d"}


def test_the_difference_is_the_largest_relative_one() -> None:
    assert worst({"a": [1.0, 2.2]}, {"a": [1.0, 2.0]}) == pytest.approx(0.1)


def test_the_difference_is_relative_to_the_reference() -> None:
    assert worst({"a": [2.0]}, {"a": [1.0]}) == 1.0
    assert worst({"a": [1.0]}, {"a": [2.0]}) == 0.5


def test_the_worst_comes_first() -> None:
    found = differences({"a": [1.1], "b": [2.0], "c": [1.0]}, {"a": [1.0], "b": [1.0], "c": [1.0]})
    assert [d.key for d in found] == ["b", "a", "c"]


@pytest.mark.parametrize(
    ("result", "reference"),
    [
        ([1.0, 2.0], [1.0]),
        ([[1.0]], [1.0]),
        ([np.nan], [1.0]),
        ([1.0], [np.nan]),
        ([np.inf], [-np.inf]),
        ([1.0], [np.inf]),
        ([np.inf], [1.0]),
        ([1.0], [0.0]),
        (None, [1.0]),
        ([1.0], None),
        ("a", "b"),
        (["a"], ["b"]),
        (["a"], [1.0]),
        ({"b": [1.0]}, [1.0]),
    ],
)
def test_what_cannot_agree_is_infinitely_far(result: object, reference: object) -> None:
    assert worst({"a": result}, {"a": reference}) == np.inf


def test_a_missing_key_is_infinitely_far() -> None:
    assert differences({}, {"a": {"b": [1.0]}}) == [Difference("a/b", np.inf, fitted=False)]


def test_a_leaf_in_place_of_a_dict_is_infinitely_far() -> None:
    assert worst({"a": [1.0]}, {"a": {"b": [1.0]}}) == np.inf


def test_keys_that_only_the_result_has_do_not_count() -> None:
    assert len(differences({"a": [1.0], "more": [2.0]}, {"a": [1.0]})) == 1


def test_ignored_keys_do_not_count_at_any_depth() -> None:
    reference = {"x": {"bad": [1.0], "good": [1.0]}}
    found = differences({"x": {"good": [1.0]}}, reference, ignore=frozenset({"bad"}))
    assert [d.key for d in found] == ["x/good"]


@pytest.mark.parametrize(
    ("key", "fitted"),
    [
        ("tau_bl_coll", True),
        ("init_inten_coll_full", True),
        ("tau_empirical_h1_coll", True),
        ("tau_Np_bbb", False),
        ("life_time_tot", False),
        ("time_range", False),
    ],
)
def test_fitted_values_are_told_by_their_names(key: str, fitted: bool) -> None:
    assert differences({key: [1.0]}, {key: [1.0]})[0].fitted is fitted
    assert differences({key: {1: [1.0]}}, {key: {1: [1.0]}})[0].fitted is fitted


def test_equal_words_agree() -> None:
    assert worst({"case": ["nominal", "low"]}, {"case": ["nominal", "low"]}) == 0.0


def test_an_infinity_is_not_hidden_behind_smaller_differences() -> None:
    result = {"a": [1.5], "b": [np.inf], "c": [1.2]}
    found = differences(result, {"a": [1.0], "b": [-np.inf], "c": [1.0]})
    assert [d.key for d in found] == ["b", "a", "c"]


def test_nan_in_the_same_places_agrees() -> None:
    assert worst({"a": [np.nan, 1.0]}, {"a": [np.nan, 1.0]}) == 0.0


def test_zero_where_the_reference_is_zero_agrees() -> None:
    assert worst({"a": [0.0, 1.1]}, {"a": [0.0, 1.0]}) == pytest.approx(0.1)


def test_empty_arrays_agree() -> None:
    assert worst({"a": np.empty((0, 3))}, {"a": np.empty((0, 3))}) == 0.0
