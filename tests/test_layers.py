"""Which module may import which: each layer only those above it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from tests.floors import (
    FLOOR,
    PACKAGE,
    below,
    docstring,
    is_package,
    markdown_table,
    may_import,
    part,
)

TOOLS = {
    "physics": {"numpy", "scipy"},
    "errors": set(),
}
"""What some rooms may import that is neither of the package nor of Python."""

KNOW_THE_SIMULATION = {"sources.season", "sources.simulated", "commands.simulate_fills"}

IN_SEVERAL_MODULES = {
    "log": "the logger of each module",
    "STEP": "the step of each module among the steps",
    "run": "what a step does, and what a run over fills does",
    "main": "what a script of Utilities/ or lumimod.py calls",
    "load": "what notebooks call for any result, and what steps and pictures call for a record",
    "ELASTIC_SLOPE_GEV2": "the simulation has its own, to test the model with",
}
"""Public names that may be defined in several modules, and why."""

ROOMS = [room for room in FLOOR if is_package(room)]

THIRD_PARTY = {"numpy", "scipy", "pandas", "yaml", "tqdm", "matplotlib", "htcondor", "htcondor2"}
THIRD_PARTY |= {"h5py", "pyarrow", "jinja2", "PIL"}


def module_name(path: Path) -> str:
    """Return a module's name in the package, such as steps.sb."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)


MODULES = {module_name(path): path for path in sorted(PACKAGE.rglob("*.py"))}


def modules_of(*packages: str) -> list[str]:
    return [module for module in MODULES if module.split(".")[0] in packages]


@cache
def tree(module: str) -> ast.Module:
    return ast.parse(MODULES[module].read_text(encoding="utf-8"))


@cache
def nodes(module: str) -> tuple[ast.AST, ...]:
    return tuple(ast.walk(tree(module)))


@cache
def imports(module: str) -> tuple[str, ...]:
    """Return the full name of everything that a module imports, at any place in it."""
    return tuple(_imports(module))


def _imports(module: str) -> Iterator[str]:
    for node in nodes(module):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@cache
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


def test_every_module_of_the_package_is_seen() -> None:
    assert {"errors", "steps.sb", "physics.ibs", "readers.timber", "cli"} <= set(MODULES)
    assert "readers.timber" in own_imports("readers.variables")
    assert "errors" in own_imports("readers.timber")


def test_every_room_has_a_floor() -> None:
    assert {top(module) for module in MODULES} - {"__init__"} == set(FLOOR)


def test_a_module_imports_only_from_the_floors_below() -> None:
    assert not [
        f"{module} imports {target}"
        for module in MODULES
        for target in own_imports(module)
        if "__init__" not in (module, target)  # of which only the version is taken
        and top(target) != top(module)
        and FLOOR[top(target)] >= FLOOR[top(module)]
    ]


# --- rooms


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_says_what_comes_in_what_goes_out_and_where_to_add_one(room: str) -> None:
    title, blank, *rest = docstring(room).splitlines()
    assert title.endswith(".")
    assert not blank
    assert rest[0].startswith("In: ")
    for start in ("In:", "Out:", "May import:", "To add an? [^:]+:"):
        assert part(room, start).endswith("."), f"{room}: {start}"


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_may_import_only_what_lies_below_it(room: str) -> None:
    assert may_import(room)
    assert may_import(room) <= below(room)


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_only_what_its_docstring_lists(room: str) -> None:
    imported = {top(target) for module in modules_of(room) for target in own_imports(module)}
    assert imported - {room, "__init__"} <= may_import(room)


def test_the_table_of_the_documentation_shows_every_room() -> None:
    table = markdown_table()
    assert "| 0 | `errors` | Exception classes: one base, one class per kind of fault. |" in table
    assert "| errors, arrays, atomic |\n" in table
    assert table.count("\n") == len(FLOOR) + 2


# --- modules


def test_no_private_name_crosses_rooms() -> None:
    assert not [
        f"{module} imports {name}"
        for module in MODULES
        for name in imports(module)
        if is_private(name) and not name.startswith(f"lumimod.{top(module)}.")
    ]


def is_private(name: str) -> bool:
    """Return whether a full name is one of the package that begins with an underscore."""
    head, *rest = name.split(".")
    private = [part for part in rest if part.startswith("_") and not part.endswith("__")]
    return head == "lumimod" and bool(private)


def test_private_names_are_seen() -> None:
    assert is_private("lumimod.steps._hidden.name")
    assert not is_private("lumimod.__version__")
    assert not is_private("numpy._core")


def test_the_root_holds_at_most_eight_modules() -> None:
    assert len(list(PACKAGE.glob("*.py"))) <= 8


@pytest.mark.parametrize("module", modules_of(*TOOLS))
def test_a_module_uses_only_the_tools_of_its_room(module: str) -> None:
    tools = {name.split(".")[0] for name in imports(module)} & THIRD_PARTY
    assert tools <= TOOLS[top(module)]


def test_only_simulated_sources_of_data_know_the_simulation() -> None:
    for module in MODULES:
        if top(module) != "simulate" and module not in KNOW_THE_SIMULATION:
            assert "simulate" not in {top(target) for target in own_imports(module)}, module


@pytest.mark.parametrize("module", modules_of("simulate"))
def test_the_simulation_has_no_formula_of_the_models(module: str) -> None:
    # What it tests with its full truth. The simple truth, by their formulas, is in one module.
    allowed = {"physics.constants"}
    if module == "simulate.growth":
        allowed |= {"physics.ibs", "physics.luminosity"}
    assert {name for name in own_imports(module) if top(name) == "physics"} <= allowed
    if "simulate.growth" in own_imports(module):
        assert module == "simulate.beams"  # which chooses between the two


def test_no_module_imports_itself_over_others() -> None:
    # A package's __init__ that only gathers its modules is not part of a circle.
    graph = {m: own_imports(m) - {"__init__"} for m in MODULES if m != "__init__"}
    order = list(TopologicalSorter(graph).static_order())
    assert set(order) >= set(graph)


def test_no_module_draws_by_pyplot() -> None:
    assert not [
        f"{module} imports {name}"
        for module in MODULES
        for name in imports(module)
        if "pyplot" in name or "pylab" in name
    ]


def test_no_module_prints() -> None:
    calls = [
        (node.func, f"{MODULES[module]}:{node.lineno}")
        for module in MODULES
        for node in nodes(module)
        if isinstance(node, ast.Call)
    ]
    names = {place: call.id for call, place in calls if isinstance(call, ast.Name)}
    assert "print" not in names.values(), [at for at, name in names.items() if name == "print"]


def test_no_module_catches_everything_in_silence() -> None:
    assert not [
        f"{MODULES[module]}:{node.lineno}"
        for module in MODULES
        for node in nodes(module)
        if isinstance(node, ast.ExceptHandler) and node.type is None
    ]


def defined(module: str) -> Iterator[str]:
    """Yield the public names that a module defines at its top level."""
    for node in tree(module).body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            names = [node.name]
        elif isinstance(node, ast.Assign):
            parts = [part for target in node.targets for part in ast.walk(target)]
            names = [part.id for part in parts if isinstance(part, ast.Name)]
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            names = [node.target.id]
        else:
            names = []
        yield from (name for name in names if not name.startswith("_"))


def test_the_names_that_a_module_defines_are_seen() -> None:
    assert {"Series", "FloatArray", "in_order_of_time"} <= set(defined("arrays"))
    assert {"START", "STOP"} <= set(defined("readers.bmodes"))
    assert "np" not in set(defined("arrays"))


def test_one_name_has_one_meaning() -> None:
    modules: dict[str, set[str]] = {}
    for module in MODULES:
        for name in defined(module):
            modules.setdefault(name, set()).add(module)
    several = {name: places for name, places in modules.items() if len(places) > 1}
    assert {n: places for n, places in several.items() if n not in IN_SEVERAL_MODULES} == {}
