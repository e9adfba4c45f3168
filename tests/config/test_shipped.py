"""The config.py that comes with lumimod says what the settings say of themselves."""

from __future__ import annotations

import ast
import re
import runpy
from pathlib import Path

import pytest

import lumimod
from lumimod.config.checking import check_names
from lumimod.config.entries import Derived, Setting
from lumimod.config.kinds.numbers import in_unit
from lumimod.config.record import ALL_SETTINGS, BY_NAME

SHIPPED = Path(__file__).parents[2] / "config.py"
TEXT = SHIPPED.read_text(encoding="utf-8")
GIVEN = {k: v for k, v in runpy.run_path(str(SHIPPED)).items() if not k.startswith("_")}
by_setting = pytest.mark.parametrize("setting", ALL_SETTINGS, ids=lambda s: s.name)


def test_it_sets_every_setting_and_nothing_else() -> None:
    assert GIVEN.keys() == BY_NAME.keys()
    assert check_names(GIVEN).ignored_names == ()


@by_setting
def test_it_holds_the_default_but_for_two_settings(setting: Setting) -> None:
    values = check_names(GIVEN).values
    is_default = setting.kind.same(values[setting.name], setting.default_from(values))
    assert is_default is (setting.name not in ("doSBModel", "pictures_per_model"))


def comment(name: str) -> str:
    """Return the comment beside a setting, or above one that has none beside it."""
    found = re.search(rf"^(?:# (.*)\n)?{name} .*?(?:\s# (.*))?$", TEXT, re.M)
    assert found, name
    return found[2] or found[1] or ""


@by_setting
def test_the_comment_of_a_setting_says_what_it_means_and_its_unit(setting: Setting) -> None:
    found = comment(setting.name)
    assert found.startswith(setting.words)
    assert in_unit(setting.unit) in found
    assert ("no effect" in found) is not setting.used
    assert setting.no_effect in found


@pytest.mark.parametrize(
    "setting", [s for s in ALL_SETTINGS if isinstance(s.default, Derived)], ids=lambda s: s.name
)
def test_a_derived_default_is_what_the_reference_shows(setting: Setting) -> None:
    values = check_names({**GIVEN, "first_fill": 6000, "data_folder": "/d/"}).values
    shown = eval(setting.default.shown, {**GIVEN, "first_fill": 6000, "data_folder": "/d/"})
    assert setting.kind.same(setting.kind(shown), setting.default_from(values))


# --- settings that nothing reads

NOT_READ = {
    "SB_burnoff_filename",
    "crossingAngleChange",
    "overwriteFiles",
}
ONLY_IN_DEFAULTS = {"input_folder", "working_folder"}


def _attributes_read() -> set[str]:
    """Return the names of all attributes that the package reads."""
    package = Path(lumimod.__file__).parent
    trees = (ast.parse(p.read_text(encoding="utf-8")) for p in package.rglob("*.py"))
    nodes = (node for tree in trees for node in ast.walk(tree))
    return {node.attr for node in nodes if isinstance(node, ast.Attribute)}


@pytest.mark.slow
def test_settings_without_effect_are_those_that_nothing_reads() -> None:
    read = _attributes_read()
    unread = {s.name for s in ALL_SETTINGS if s.where.rpartition(".")[2] not in read}
    assert unread == NOT_READ | ONLY_IN_DEFAULTS
    assert {s.name for s in ALL_SETTINGS if not s.used} == NOT_READ
