"""Arrows of import go down only, between files: no circle anywhere, lazy and type-only imports included."""

import ast
from pathlib import Path

import pytest

import selftaught

ROOT = Path(selftaught.__file__).parent
LAYERS = [
    ["plain", "errors", "budget", "program", "settings"],  # values
    ["sandbox", "models", "store"],  # ports
    ["task", "lab", "interface", "utility", "improver", "downstream", "meta"],  # domain
    ["recursion"],  # algorithm
    ["evidence"],
    ["views"],
    ["testing", "tasks", "improvers", "runs", "cli", "__main__"],  # shell
]
HEIGHT = {name: height for height, names in enumerate(LAYERS) for name in names}
PORTS = LAYERS[1]
ENTRIES = 26
"""How many files and folders lie side by side at most."""


def files():
    return sorted(
        path
        for path in ROOT.rglob("*.py")
        if "programs" not in path.parts and path.parent != ROOT / "sandbox" / "guest"
    )


def module(path):
    parts = path.relative_to(ROOT.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module(path): path for path in files()}


def imports(path):
    """The modules of this package that a file names in imports, wherever in it they stand."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "selftaught":
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield inner if inner in MODULES else node.module
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.split(".")[0] == "selftaught")


ARROWS = {name: {one for one in imports(path) if one != name} for name, path in MODULES.items()}


def place(name):
    return name.split(".")[1] if "." in name else "__init__"


@pytest.mark.parametrize("name", sorted(MODULES))
def test_imports_go_down(name):
    here = place(name)
    if here == "__init__":
        return
    assert here in HEIGHT, f"{here} is in no layer: name its layer in this test"
    for other in map(place, ARROWS[name]):
        assert other == here or HEIGHT[other] <= HEIGHT[here], f"{name} imports {other}, which lies above it"
        assert other == here or not (here in PORTS and other in PORTS), (
            f"{name} imports {other}: ports never import each other"
        )


def circle(arrows):
    """Some circle among the arrows, as a list of names; None where there is none."""
    done, path = set(), []

    def visit(name):
        if name in path:
            return [*path[path.index(name) :], name]
        if name in done:
            return None
        path.append(name)
        found = next((one for one in map(visit, sorted(arrows.get(name, ()))) if one), None)
        path.pop()
        done.add(name)
        return found

    return next((one for one in map(visit, sorted(arrows)) if one), None)


def test_there_is_no_circle_between_files_nor_between_folders():
    assert circle(ARROWS) is None
    # The package's own file names everything for type checkers.
    folders = {place(name): set() for name in MODULES if name != "selftaught"}
    for name in MODULES:
        if name != "selftaught":
            folders[place(name)] |= set(map(place, ARROWS[name])) - {place(name)}
    assert circle(folders) is None


def test_a_circle_would_be_found():
    assert circle({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}) == ["a", "b", "c", "a"]
    assert circle({"a": {"b", "c"}, "b": {"c"}, "c": set()}) is None


def test_few_things_lie_side_by_side():
    entries = sorted(path.name for path in ROOT.iterdir() if path.name != "__pycache__")
    assert len(entries) <= ENTRIES, entries


def test_improver_programs_are_texts_and_never_imported():
    programs = {path.stem for path in (ROOT / "improvers" / "programs").glob("*.py")}
    assert "seed" in programs
    for path in files():
        assert "selftaught.improvers.programs" not in path.read_text(encoding="utf-8")


def test_the_jail_gets_files_that_need_nothing_of_this_package():
    for path in (ROOT / "sandbox" / "guest").glob("*.py"):
        assert not list(imports(path)), path


def test_no_function_is_longer_than_a_screen():
    """Sixty lines of code at most, without docstrings, comments and empty lines."""
    for name, path in MODULES.items():
        lines = path.read_text(encoding="utf-8").splitlines()
        for node in ast.walk(ast.parse("\n".join(lines))):
            if isinstance(node, ast.FunctionDef):
                assert length(node, lines) <= 60, f"{name}: {node.name} has {length(node, lines)} lines of code"


def length(node, lines):
    said = ast.get_docstring(node, clean=False)
    skipped = range(node.body[0].lineno, node.body[0].end_lineno + 1) if said is not None else ()
    wanted = (n for n in range(node.lineno, node.end_lineno + 1) if n not in skipped)
    return sum(1 for n in wanted if lines[n - 1].strip() and not lines[n - 1].strip().startswith("#"))


TRUSTED = {"cli.lists"}
"""Who builds syntax trees on the host: of the improvers in the box alone."""


def test_no_generated_text_is_parsed_on_the_host():
    jailed = [ROOT / "sandbox" / folder for folder in ("guest", "tools")]
    for name, path in MODULES.items():
        tree = ast.parse(path.read_text(encoding="utf-8"))
        named = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
        called = {
            node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        }
        if not any(path.is_relative_to(one) for one in jailed) and name.removeprefix("selftaught.") not in TRUSTED:
            assert not named & {"ast", "tokenize", "symtable"}, name
            assert not called & {"compile", "eval", "exec"}, name
