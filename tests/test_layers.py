"""Arrows of import go down only, between files: no circle anywhere, lazy and type-only imports included."""

import ast
from pathlib import Path

import pytest

import selftaught
from selftaught import runs, tasks, views
from selftaught.tasks import policy

ROOT = Path(selftaught.__file__).parent
GUEST = ROOT / "sandbox" / "guest"
LAYERS = [
    ["plain", "errors", "budget", "program", "settings"],  # values
    ["sandbox", "models", "store"],  # ports
    ["task", "lab", "utility", "improver", "downstream", "meta"],  # domain
    ["gate", "recursion"],  # algorithm
    ["evidence"],
    ["views"],
    ["tasks", "improvers"],  # shell, from here on
    ["runs"],
    ["cli"],
    ["__main__"],
    ["testing"],  # beside the product: nobody may import it
]
HEIGHT = {name: height for height, names in enumerate(LAYERS) for name in names}
PORTS = LAYERS[1]
ENTRIES = 26
"""How many files and folders lie side by side at most."""
LOADERS = {
    *("import_module", "__import__", "resolve_name", "run_module", "run_path", "find_spec", "spec_from_file_location"),
    *("module_from_spec", "exec_module", "load_module", "get_loader", "find_loader"),
}
READ = ("task", "utility", "improver", "meta", "recursion")
READ_LINES = 750
"""The files that a reader with the paper in hand reads first, and how many lines they may have together."""


PROGRAMS = [ROOT / "improvers" / folder for folder in ("programs", "found")]
"""Texts of improvers, which nobody imports."""


def files():
    return sorted(p for p in ROOT.rglob("*.py") if not any(p.is_relative_to(one) for one in PROGRAMS))


def module(path):
    parts = path.relative_to(ROOT.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module(path): path for path in files()}


def imports(name, text, modules=MODULES, is_package=False):
    """The modules of this package that a file imports, wherever in it that stands, and however it is written."""
    folder = name.split(".") if is_package else name.split(".")[:-1]
    tree = ast.parse(text)
    names = bound(tree, folder, modules)
    for node in ast.walk(tree):
        for one in [*named(node, folder, modules), *parts(node, names, modules)]:
            if one in modules or one.split(".")[0] == "selftaught":
                yield one


def bound(tree, folder, modules):
    """The modules of this package that names of a file stand for."""
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                whole = absolute(alias.name, folder, modules)
                found[alias.asname or whole.split(".")[0]] = whole if alias.asname else whole.split(".")[0]
        elif isinstance(node, ast.ImportFrom):
            home = absolute("." * node.level + (node.module or ""), folder, modules)
            found |= {alias.asname or alias.name: f"{home}.{alias.name}" for alias in node.names}
    return {name: one for name, one in found.items() if one in modules}


def parts(node, names, modules):
    """What is reached from a module as its attribute: a module in it, which somebody else has imported, or a name that the
    package itself gives out."""
    root, _, rest = ast.unparse(node).partition(".") if isinstance(node, ast.Attribute) else ("", "", "")
    if root in names:
        reached = names[root]
        for part in rest.split("."):
            if f"{reached}.{part}" not in modules:
                break
            reached = f"{reached}.{part}"
        if reached != names[root] or reached == "selftaught":
            yield reached


def named(node, folder, modules):
    if isinstance(node, ast.ImportFrom):
        home = absolute("." * node.level + (node.module or ""), folder, modules)
        for alias in node.names:
            inner = f"{home}.{alias.name}"
            yield inner if inner in modules else home
    elif isinstance(node, ast.Import):
        yield from (absolute(alias.name, folder, modules) for alias in node.names)
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):  # whatever is done with it
        if (spelt := node.value.partition(":")[0]) in modules and "." in spelt:
            yield spelt
    elif isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] in LOADERS:
        given = [*node.args, *(one.value for one in node.keywords if one.arg == "name")]
        if given and (spelt := beginning(given[0])):
            yield absolute(spelt.partition(":")[0], folder, modules)


def beginning(node):
    """What a text begins with, as far as it stands there: a literal, or the packages that a formatted one begins with."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.BinOp):
        return (beginning(node.left) or "").rpartition(".")[0] or None
    if isinstance(node, ast.JoinedStr) and isinstance(node.values[0], ast.Constant):
        return str(node.values[0].value).rpartition(".")[0]
    return "." if isinstance(node, ast.JoinedStr) and ast.unparse(node).startswith(OWN) else None


OWN = "f'{__name__}.{"
"""What the name of a module of a table begins with: the table's own."""


def absolute(spelt, folder, modules):
    """The name of a module; those of the guest find each other by bare names, as they lie side by side in the jail."""
    bare = spelt.lstrip(".")
    if dots := len(spelt) - len(bare):
        return ".".join([*folder[: len(folder) - dots + 1], *([bare] if bare else [])])
    beside = ".".join([*folder, bare])
    return beside if folder[-2:] == ["sandbox", "guest"] and beside in modules else bare


def arrows(name, path):
    text = path.read_text(encoding="utf-8")
    return {one for one in imports(name, text, is_package=path.name == "__init__.py") if one != name}


ARROWS = {name: arrows(name, path) for name, path in MODULES.items()}
TABLES = {
    "selftaught.runs": runs.KINDS.values(),
    "selftaught.views": views.KINDS.values(),
    "selftaught.tasks": [*tasks._BUILT_IN, *(one.partition(":")[0] for one in tasks._FAMILIES)],
    "selftaught.tasks.policy": policy.KINDS,
}
"""Who loads the modules of a table, when they are asked for."""
for _table, _modules in TABLES.items():
    ARROWS[_table] |= {f"{_table}.{one}" for one in _modules}


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


def by_table(text):
    """Whether a file loads modules whose names it puts together."""
    calls = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call) and node.args]
    loading = [one for one in calls if ast.unparse(one.func).split(".")[-1] in LOADERS]
    return any(not isinstance(one.args[0], ast.Constant) for one in loading)


def test_every_table_of_modules_is_among_the_arrows():
    """But for the package's own, which holds public names that nobody takes inside."""
    found = {
        name
        for name, path in MODULES.items()
        if by_table(path.read_text(encoding="utf-8")) and not path.is_relative_to(GUEST) and name not in BY_OPTION
    }
    assert found == {"selftaught", *TABLES}
    for name in TABLES:
        assert ARROWS[name] <= MODULES.keys(), name


def test_a_circle_through_a_table_would_be_found():
    for name, table in (
        ("selftaught.tasks.formula", "selftaught.tasks"),
        ("selftaught.tasks.policy.stock", "selftaught.tasks.policy"),
        ("selftaught.views.contest", "selftaught.views"),
    ):
        assert circle(ARROWS | {name: {*ARROWS[name], table}}) is not None, name


def test_few_things_lie_side_by_side():
    entries = sorted(path.name for path in ROOT.iterdir() if path.name != "__pycache__")
    assert len(entries) <= ENTRIES, entries


def test_the_algorithm_is_read_in_one_sitting():
    assert sum(len((ROOT / f"{name}.py").read_text(encoding="utf-8").splitlines()) for name in READ) <= READ_LINES


def test_improver_programs_are_texts_and_never_imported():
    programs = {path.stem for path in (ROOT / "improvers" / "programs").glob("*.py")}
    assert "seed" in programs
    for path in files():
        assert "selftaught.improvers.programs" not in path.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("import selftaught.store", {"selftaught.store"}),
        ("from selftaught.runs import carry", {"selftaught.runs.carry"}),
        ("from . import carry", {"selftaught.runs.carry"}),
        ("from .carry import save", {"selftaught.runs.carry"}),
        ("from ..views.sheets import Note", {"selftaught.views.sheets"}),
        ("from .. import testing", {"selftaught.testing"}),
        ("def f():\n    from selftaught import cli", {"selftaught.cli"}),
        ("import importlib\nimportlib.import_module('selftaught.cli.base')", {"selftaught.cli.base"}),
        ("import_module('.carry', __package__)", {"selftaught.runs.carry"}),
        ("import_module(name='..cli', package=__package__)", {"selftaught.cli"}),
        ("import_module(f'selftaught.cli.{name}')", {"selftaught.cli"}),
        ("__import__('selftaught.testing')", {"selftaught.testing"}),
        ("import_module('selftaught.' + name)", {"selftaught"}),
        ("find_spec('selftaught.cli')", {"selftaught.cli"}),
        ("import_module(f'{__name__}.{KINDS[word]}')", {"selftaught.runs"}),
        ("pkgutil.resolve_name('selftaught.cli:main')", {"selftaught.cli"}),
        ("UP = 'selftaught.cli'\nimport_module(UP)", {"selftaught.cli"}),
        ("sys.modules['selftaught.cli.base']", {"selftaught.cli.base"}),
        ("EntryPoint('x', 'selftaught.cli:main', 'y').load()", {"selftaught.cli"}),
        ("def f():\n    from selftaught import open_lab", {"selftaught"}),
        ("import selftaught", {"selftaught"}),
        ("import selftaught.errors\nselftaught.open_lab()", {"selftaught.errors", "selftaught"}),
        ("import selftaught.errors\nselftaught.errors.UsageError", {"selftaught.errors"}),
        (
            "import selftaught.errors\nselftaught.evidence.report.heading()",
            {"selftaught.errors", "selftaught.evidence", "selftaught.evidence.report"},
        ),
        ("import selftaught.views as v\nv.sheets.Note", {"selftaught.views", "selftaught.views.sheets"}),
        ("from .. import views\nviews.sheets.Note", {"selftaught.views", "selftaught.views.sheets"}),
        ("from selftaught.views import sheets\nsheets.Note", {"selftaught.views.sheets"}),
        ("import json, wire\nfrom numpy import array\nimport_module(name)", set()),
    ],
)
def test_however_an_import_is_written_it_is_found(text, found):
    assert set(imports("selftaught.runs.going", text)) == found


def test_bare_names_are_found_where_they_mean_files_of_the_guest():
    assert set(imports("selftaught.sandbox.guest.runner", "import zygote\nfrom wire import read")) == {
        "selftaught.sandbox.guest.zygote",
        "selftaught.sandbox.guest.wire",
    }
    assert set(imports("selftaught.views", "from . import sheets", is_package=True)) == {"selftaught.views.sheets"}
    assert "selftaught.sandbox.guest.runner" in ARROWS["selftaught.sandbox.guest.locking"]


def test_nobody_takes_a_public_name_from_the_package_itself():
    """It may lie anywhere, above as well: inside, names are taken from where they are at home."""
    assert [name for name, found in ARROWS.items() if "selftaught" in found] == []


BY_OPTION = {"selftaught.sandbox.guest.locking", "selftaught.tasks.sources"}
"""Who loads what its options or a user's file name: no other text is loaded unread."""


def test_a_loader_keeps_its_name_and_is_told_what_can_be_read():
    """What loads modules by their names is found by its own, called on the spot, and told texts whose beginning stands there."""
    assert MODULES
    for name, path in MODULES.items():
        tree = ast.parse(path.read_text(encoding="utf-8"))
        if not path.is_relative_to(GUEST):  # which is run where this package is not
            assert list(hidden(tree, name in BY_OPTION)) == [], name


@pytest.mark.parametrize(
    "text",
    [
        "from importlib import import_module as load",
        "load = import_module",
        "getattr(importlib, 'import_module')(x)",
        "import_module(f'{ROOT}.cli')",
        "import_module('selftaught.{}'.format('cli'))",
        "import_module(UP)",
        "builtins.exec(x)",
        "import_module(f'{__name__.partition(chr(46))[0]}.cli.base')",
        "import_module(f'{__name__}{up}')",
        "find_spec('.'.join(('selftaught', 'cli')))",
        "runpy.run_path(Path(__file__).parents[1] / 'cli' / 'base.py')",
        "sys.modules[__package__.split('.')[0] + '.cli']",
        "getattr(sys, 'modules')",
        "import sys as s\ns.modules['selftaught.' + name]",
        "s = sys\ns.modules[name]",
        "import builtins as b\nb.exec(x)",
        "from sys import modules",
        "loader.exec_module(module)",
    ],
)
def test_a_hidden_loader_would_be_found(text):
    assert list(hidden(ast.parse(text), False))


def hidden(tree, by_option):
    """Lines in which a loader goes by another name, is handed on, or is told what cannot be read."""
    called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    read = set(modules_read(tree))
    owners = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    for node in ast.walk(tree):
        whole = ast.unparse(node) if isinstance(node, ast.Name | ast.Attribute) else ""
        loads = isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] in LOADERS
        given = [*node.args, *(one.value for one in node.keywords if one.arg == "name")] if loads else []
        strange = (
            isinstance(node, ast.ImportFrom) and any(one.asname and one.name in LOADERS for one in node.names),
            whole.split(".")[-1] in LOADERS and id(node) not in called,
            whole in {"builtins.exec", "builtins.eval"},
            isinstance(node, ast.Constant) and node.value in LOADERS,
            loads and not (given and beginning(given[0])),
            whole == "sys.modules" and id(node) not in read,
            isinstance(node, ast.ImportFrom)
            and node.module == "sys"
            and any(one.name == "modules" for one in node.names),
            isinstance(node, ast.Import) and any(one.asname and one.name in {"sys", "builtins"} for one in node.names),
            whole == "sys" and id(node) not in owners,
            whole in {"sys.__dict__", "builtins.__dict__"},
        )
        if any(strange) and not by_option:
            yield node.lineno


def modules_read(tree):
    """Where `sys.modules` is asked for one that stands there by its name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
            yield id(node.value)
        asks = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in {"get", "pop"}
        if asks and node.args and isinstance(node.args[0], ast.Constant):
            yield id(node.func.value)


def test_nobody_imports_what_is_there_for_tests():
    for name, found in ARROWS.items():
        assert place(name) == "testing" or "testing" not in map(place, found), name


def test_the_jail_gets_files_that_need_nothing_of_this_package():
    for path in GUEST.glob("*.py"):
        name = module(path)
        assert all(one.startswith("selftaught.sandbox.guest.") for one in ARROWS[name]), name


def test_no_function_is_longer_than_a_screen():
    """Sixty lines of code at most, without docstrings, comments and empty lines."""
    for name, path in MODULES.items():
        assert list(too_long(path.read_text(encoding="utf-8"))) == [], name


def test_a_function_that_is_too_long_would_be_found():
    body = "    x = 1\n" * 61
    assert list(too_long(f"def f():\n{body}")) == ["f"]
    assert list(too_long(f"async def f():\n{body}")) == ["f"]
    assert list(too_long("class A:\n    def f(self):\n" + "        x = 1\n" * 59)) == []


def too_long(text):
    lines = text.splitlines()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and length(node, lines) > 60:
            yield node.name


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
