"""Which module may import which: each layer only those above it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import lumimod
from lumimod.paths import FillPaths
from lumimod.pipeline import STEPS

PACKAGE = Path(lumimod.__file__).parent

LAYERS = (
    ("errors",),
    ("commands",),
    ("readers", "physics"),
    ("reference", "variables"),
    ("_config_kinds", "_config_condor", "_config_names", "_config_read", "settings"),
    ("paths",),
    ("records",),
    ("store",),
    ("writers",),
    ("convert",),
    ("sources",),
    ("fetch",),
    ("massi_db",),
    ("claims",),
    ("bsrt", "measurements", "optics"),
    ("fitting",),
    ("frames",),
    ("parallel",),
    ("context",),
    ("plots",),
    ("steps",),
    ("pipeline",),
    ("reporting",),
    ("session",),
    ("condor",),
    ("cli", "__main__"),
    ("download", "massi_commands", "extra_picture"),
)
"""From the top down. Modules of a layer of several may import each other, in its order."""

ONLY = {
    "errors": set(),
    "commands": {"errors"},
    "physics": {"physics"},
    "readers": {"errors", "readers"},
    "records": {"errors", "physics", "records"},
    "store": {"records", "readers", "errors"},
    "writers": {"errors", "readers", "store", "writers"},
    "simulate": {"errors", "readers", "physics", "reference", "variables", "writers", "simulate"},
    "sources": {"errors", "readers", "simulate", "sources"},
    "testing": {"physics"},
    "__init__": {"readers"},
}
"""What some modules are held to, more tightly than by their layer."""

TOOLS = {
    "physics": {"numpy", "scipy"},
    "errors": set(),
}
"""What some modules may import that is neither of the package nor of Python."""

THIRD_PARTY = {"numpy", "scipy", "pandas", "yaml", "tqdm", "matplotlib", "htcondor", "htcondor2"}
THIRD_PARTY |= {"h5py", "pyarrow"}


def module_name(path: Path) -> str:
    """Return a module's name in the package, such as steps.sb."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)


MODULES = {module_name(path): path for path in sorted(PACKAGE.rglob("*.py"))}
by_module = pytest.mark.parametrize("module", MODULES)


def modules_of(*packages: str) -> list[str]:
    return [module for module in MODULES if module.split(".")[0] in packages]


@cache
def tree(module: str) -> ast.Module:
    return ast.parse(MODULES[module].read_text(encoding="utf-8"))


def imports(module: str) -> Iterator[str]:
    """Yield the full name of everything that a module imports, at any place in it."""
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def own_imports(module: str) -> set[str]:
    """Return the modules of the package that a module imports."""
    found = set()
    for name in imports(module):
        head, _, rest = name.partition(".")
        if head == "lumimod":
            # `from lumimod.x import y`: y may be a module or a name in x.
            parent = rest.rpartition(".")[0]
            target = rest if rest in MODULES else parent or "__init__"
            found.add(target if target in MODULES else "__init__")
    return found


def top(module: str) -> str:
    return module.split(".")[0]


RANK = {name: rank for rank, layer in enumerate(LAYERS) for name in layer}


def test_every_module_of_the_package_is_seen() -> None:
    assert {"errors", "steps.sb", "physics.ibs", "readers.timber", "cli"} <= set(MODULES)
    assert "readers.timber" in own_imports("measurements")
    assert "steps.massi" in own_imports("pipeline")


@pytest.mark.parametrize("module", modules_of(*RANK))
def test_a_module_imports_only_from_the_layers_above_it(module: str) -> None:
    own = top(module)
    for target in own_imports(module):
        if target == "__init__":  # the version
            continue
        other = top(target)
        if (module, other) == ("sources.simulated", "simulate"):
            continue
        assert other in RANK, f"{module} imports {target}, which is in no layer"
        together = LAYERS[RANK[own]]
        within = other in together and together.index(other) <= together.index(own)
        assert RANK[other] < RANK[own] or within, f"{module} imports {target}"


@pytest.mark.parametrize("module", modules_of(*ONLY))
def test_a_module_keeps_to_the_short_list_of_its_package(module: str) -> None:
    assert {top(target) for target in own_imports(module)} <= ONLY[top(module)]


@pytest.mark.parametrize("module", modules_of(*TOOLS))
def test_a_module_uses_only_the_tools_of_its_package(module: str) -> None:
    tools = {name.split(".")[0] for name in imports(module)} & THIRD_PARTY
    assert tools <= TOOLS[top(module)]


def test_every_module_belongs_somewhere() -> None:
    assert {top(module) for module in MODULES} == {*RANK, *ONLY}


def test_physics_and_readers_do_not_know_each_other() -> None:
    for module in MODULES:
        if top(module) in ("physics", "readers"):
            others = {top(target) for target in own_imports(module)}
            assert not others & ({"physics", "readers"} - {top(module)}), module


def test_nothing_imports_the_simulation_or_the_tests_comparison() -> None:
    for module in MODULES:
        if top(module) not in ("simulate", "testing") and module != "sources.simulated":
            assert not {top(t) for t in own_imports(module)} & {"simulate", "testing"}, module


def test_no_module_imports_itself_over_others() -> None:
    # A package's __init__ that only gathers its modules is not part of a circle.
    graph = {m: own_imports(m) - {"__init__"} for m in MODULES if m != "__init__"}
    order = list(TopologicalSorter(graph).static_order())
    assert set(order) >= set(graph)


@by_module
def test_no_module_draws_by_pyplot(module: str) -> None:
    assert not [name for name in imports(module) if "pyplot" in name or "pylab" in name]


@by_module
def test_no_module_prints(module: str) -> None:
    calls = [node.func for node in ast.walk(tree(module)) if isinstance(node, ast.Call)]
    assert "print" not in [call.id for call in calls if isinstance(call, ast.Name)]


@by_module
def test_no_module_catches_everything_in_silence(module: str) -> None:
    assert not [
        node.lineno
        for node in ast.walk(tree(module))
        if isinstance(node, ast.ExceptHandler) and node.type is None
    ]


# --- steps


@pytest.mark.parametrize("name", STEPS)
def test_a_step_has_its_four_names(name: str) -> None:
    step = STEPS[name]
    assert name == step.NAME
    assert isinstance(step.NEEDS, tuple)
    assert isinstance(step.WRITES, tuple)
    assert step.WRITES
    assert callable(step.run)


@pytest.mark.parametrize("name", STEPS)
def test_what_a_step_needs_an_earlier_one_writes(name: str) -> None:
    before = list(STEPS)[: list(STEPS).index(name)]
    written = {result for other in before for result in STEPS[other].WRITES}
    assert set(STEPS[name].NEEDS) <= written


@pytest.mark.parametrize("name", STEPS)
def test_what_a_step_uses_no_later_one_writes(name: str) -> None:
    after = list(STEPS)[list(STEPS).index(name) :]
    later = {result for other in after for result in STEPS[other].WRITES}
    assert not set(getattr(STEPS[name], "USES", ())) & later


def test_no_two_steps_write_the_same() -> None:
    results = [result for step in STEPS.values() for result in step.WRITES]
    assert len(set(results)) == len(results)


@pytest.mark.parametrize("name", STEPS)
def test_everything_that_a_step_names_is_a_path_of_the_fill(name: str) -> None:
    step = STEPS[name]
    names = {*step.NEEDS, *step.WRITES, *getattr(step, "USES", ()), *getattr(step, "INPUTS", ())}
    assert all(isinstance(getattr(FillPaths, n, None), property) for n in names)


def test_every_module_among_the_steps_is_in_the_pipeline() -> None:
    assert {m.partition(".")[2] for m in MODULES if m.startswith("steps.")} == set(STEPS)
