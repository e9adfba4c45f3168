"""In what words results differ from how things are now."""

from __future__ import annotations

from lumimod.steps.provenance import _cases_differ, _settings_differ


def test_a_changed_value_is_shown_in_whole_up_to_60_characters() -> None:
    # The quotes count, too.
    then, now = {"name": "a" * 58}, {"name": "b" * 59}
    shown = f"'{'b' * 56}..."
    assert len(shown) == 60
    assert _settings_differ(then, now) == [f"name '{'a' * 58}' -> {shown}"]


def test_other_factors_of_a_case_are_told_as_they_were_and_as_they_are() -> None:
    then = {"1": [1.0, 1.0, 1.0, 1.0], "2": [1.1, 1.1, 1.1, 1.1]}
    now = {"1": [1.0, 1.0, 1.0, 1.2], "2": [1.1, 1.1, 1.1, 1.1], "3": [2.0, 2.0, 2.0, 2.0]}
    assert _cases_differ(then, now) == [
        "correction factors of case 1 [1.0, 1.0, 1.0, 1.0] -> [1.0, 1.0, 1.0, 1.2]"
    ]
