"""Arrows of import only go down, ports do not know each other, and nothing generated is ever imported."""

import ast
from pathlib import Path

import pytest

import selftaught

ROOT = Path(selftaught.__file__).parent
LAYERS = [
    {"errors", "plain", "program", "score", "budget", "settings", "progress", "spend"},  # values
    {"sandbox", "models", "store", "workers"},  # ports
    {"task", "lab", "ledger", "utility", "improver", "meta", "replay"},  # domain
    {"recursion", "gate"},  # algorithm
    {"evidence"},
    {"views"},
    {"tasks", "improvers", "assignment", "estimate", "experiments", "launch", "cli", "__main__"},  # shell
]
HEIGHT = {name: height for height, names in enumerate(LAYERS) for name in names}
PORTS = LAYERS[1]


def files():
    return sorted(
        path
        for path in ROOT.rglob("*.py")
        if "programs" not in path.parts and path.parent != ROOT / "sandbox" / "guest"
    )


def place(path):
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def imports(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "selftaught":
            rest = node.module.split(".")[1:] or [alias.name for alias in node.names]
            yield rest[0]
        elif isinstance(node, ast.Import):
            for alias in node.names:
                parts = alias.name.split(".")
                if parts[0] == "selftaught":
                    yield parts[1] if len(parts) > 1 else "__init__"


@pytest.mark.parametrize("path", files(), ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_go_down(path):
    here = place(path)
    if here == "__init__":
        return
    assert here in HEIGHT, f"{here} is in no layer: name its layer in this test"
    for name in imports(path):
        assert name == here or HEIGHT[name] <= HEIGHT[here], f"{path} imports {name}, which lies above it"
        assert name == here or not (here in PORTS and name in PORTS), (
            f"{path} imports {name}: ports never import each other"
        )


def test_improver_programs_are_texts_and_never_imported():
    programs = {path.stem for path in (ROOT / "improvers" / "programs").glob("*.py")}
    assert "seed" in programs
    for path in files():
        assert "selftaught.improvers.programs" not in path.read_text(encoding="utf-8")


def test_the_jail_gets_files_that_need_nothing_of_this_package():
    for path in (ROOT / "sandbox" / "guest").glob("*.py"):
        assert not list(imports(path)), path
