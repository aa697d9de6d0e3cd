"""The tasks in the box, one file each, and tasks of the user's own, by the path of a file.

Names are resolved here; a task's module is imported only when it is asked for. The text of a user's file, of the modules beside
it and of the data that it reads on import are part of the key of everything that is stored about its tasks (see `sources`).
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, TypeGuard, cast

from selftaught.errors import UsageError
from selftaught.lab.prints import aside
from selftaught.plain import is_file, roots
from selftaught.sandbox import MOST_MB, Limits
from selftaught.sandbox.guest.programs import defect
from selftaught.settings.plugins import Plugin, plugins
from selftaught.task import Task, authored
from selftaught.tasks.sources import run, sources

_BUILT_IN = {
    "lpn": "Lpn",
    "parity": "Parity",
    "grid": "Grid",
    "sat": "Sat",
    "maxcut": "Maxcut",
    "qap": "Qap",
    "binpack": "Binpack",
    "circles": "Circles",
    "tsp": "Tsp",
    "regression": "Regression",
    "capset": "Capset",
}
_SIZED = ("lpn", "parity", "grid", "sat", "maxcut", "qap", "circles", "tsp", "capset")
"""Tasks that take another size after a colon."""
_FAMILIES = {
    "formula:train": "rediscover formulas of two variables, targets drawn by seed; `formula:train/2`: the first two",
    "formula:test": "the same with targets of other structure; `formula:test/2`: the first two",
    "policy:train": "tables of numbers that decide something: six kinds, hidden circumstances drawn by seed",
    "policy:test": "the same with other circumstances; `policy:test/4`: the first four",
}
_PARTS = {"name": str, "entry": str, "start": str, "summary": str, "limits": Limits, "instances": Mapping}
_LEAST_LIMITS = {"cpu_s": 0.001, "wall_s": 0.001, "memory_mb": 64, "answer_kb": 1, "output_kb": 1, "files_mb": 0}
"""Below these no program could do anything."""
LONGEST = 200
"""Characters that a task's name, its entry function, its class and the name of its file may have."""
_LONGEST_PATH = 1000


def names() -> dict[str, str]:
    """Every name that `load` knows, with a line on what it is, or on why a package's is not to be had."""
    return {name: _built_in(name).summary for name in _BUILT_IN} | _FAMILIES | _of_packages()


def _of_packages() -> dict[str, str]:
    """What packages add, with a line on each."""
    found: dict[str, str] = {}
    for name, plugin in plugins("tasks").items():
        if _boxed(name):
            found[f"{name} ({plugin.package})"] = "not to be had: a task in the box has this name"
            continue
        try:
            said = "; ".join(task.summary for task in _from_plugin(plugin))
        except UsageError as error:
            said = str(error)
        found[name] = f"{said} (of the package {plugin.package})" if "is broken" not in said else said
    return found


def _boxed(name: str) -> bool:
    """Whether a name means something in the box, whatever packages there are."""
    return name in _BUILT_IN or name.partition(":")[0] in {*_SIZED, "formula", "policy"}


def specs() -> list[str]:
    """The same names alone, at once: no task is imported."""
    return [*_BUILT_IN, *_FAMILIES, *(name for name in plugins("tasks") if not _boxed(name))]


def load(spec: str, seed: int) -> list[Task]:
    """The tasks that `spec` names: a task in the box, perhaps with a size (`qap:60`), a group drawn by `seed`
    (`formula:train`), one that an installed package adds, a Python file, or one class in it (`FILE.py:CLASS`).

    Raises UsageError, in one line, when there is no such task or the file defines none that is whole.
    """
    return _load(spec, lambda: roots(seed).targets)


def names_of(specs: Sequence[str]) -> set[str]:
    """The names of the tasks of several specs, which no seed changes; for one whose file is gone, the spec itself."""
    return {name for spec in specs for name in _names(spec)}


def _names(spec: str) -> list[str]:
    try:
        return [task.name for task in _load(spec, lambda: "names")]
    except UsageError:
        return [spec]


def _load(spec: str, targets: Callable[[], str]) -> list[Task]:
    """The tasks of a spec; the root of targets is derived, slowly, only where there are any to be drawn."""
    if spec in _BUILT_IN:
        return [_built_in(spec)]
    _check_length(spec)
    family, _, size = spec.partition(":")
    if family in _SIZED:
        return [_kind(family).sized(size)]
    if family in {"formula", "policy"}:
        return cast("list[Task]", import_module(f"selftaught.tasks.{family}").expand(spec, targets()))
    if plugin := plugins("tasks").get(spec):
        return _from_plugin(plugin)
    path, kind = _parted(spec)
    if path.suffix == ".py" or is_file(path):
        return _from_file(path, kind)
    raise UsageError(f"no task {spec!r}: give a Python file that defines one, or one of {', '.join(specs())}")


def _check_length(spec: str) -> None:
    """Raise UsageError for a spec longer than any that is meant: it would fill messages, tables and keys."""
    path, kind = _parted(spec)
    longest = max((path.name, kind), key=len) if path.suffix == ".py" else spec
    if len(longest) > LONGEST or len(spec) > _LONGEST_PATH:
        said = f"{longest[:20]!r}… has {len(longest):,} characters, {LONGEST} at most are taken"
        raise UsageError(f"no task: {said}, and {_LONGEST_PATH:,} with the folders of a file")


def file_of(spec: str) -> Path | None:
    """The file of the user's that a spec names; None for what is in the box."""
    path, _ = _parted(spec)
    return path if path.suffix == ".py" else None


def _parted(spec: str) -> tuple[Path, str]:
    """A file, and the class in it that is meant; empty: all that it defines."""
    file, _, kind = spec.rpartition(":")
    return (Path(file), kind) if file.endswith(".py") else (Path(spec), "")


def spec_of(task: Task) -> str:
    """The spec by which a run can name a task, also when it is resumed elsewhere.

    UsageError for a task that neither the box nor a class of a file makes again.
    """
    try:
        file = inspect.getsourcefile(type(task))
    except TypeError:  # defined where no file is
        file = None
    named = _BUILT_IN.keys() | plugins("tasks").keys()
    specs = [task.name] if task.name.partition(":")[0] in named else []
    specs += [f"{Path(file).resolve()}:{type(task).__qualname__}"] if file and Path(file).suffix == ".py" else []
    for spec in specs:
        if any(_alike(task, other) for other in load(spec, 0)):
            return spec
    raise UsageError(
        f"task {task.name} cannot be named by a file, so its run could not be resumed: put its class at the top of a .py file, "
        "such that it is made without arguments"
    )


def _alike(one: Task, other: Task) -> bool:
    """Whether two tasks say the same of themselves, and draw the same."""
    said = ([getattr(task, part) for part in (*_PARTS, "description", "best", "known_start")] for task in (one, other))
    drawn = ([instance.args for instance in task.sample("alike", "train", 0, "practice")] for task in (one, other))
    return (
        one.source_files == other.source_files
        and len({repr(each) for each in said}) == len({repr(each) for each in drawn}) == 1
    )


def load_all(specs: Sequence[str], seed: int) -> list[Task]:
    """The tasks of several specs; UsageError when one is named twice."""
    tasks = [task for spec in specs for task in load(spec, seed)]
    names = [task.name for task in tasks]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise UsageError(f"task {twice[0]} is asked for twice: name each task once (repetitions are a setting)")
    return tasks


def _kind(name: str) -> Any:
    """The class of a task in the box."""
    return getattr(import_module(f"selftaught.tasks.{name}"), _BUILT_IN[name])


def _built_in(name: str) -> Task:
    return cast("Task", _kind(name)())


def _from_file(path: Path, kind: str) -> list[Task]:
    """The task of the class that is meant; else the file's list `TASKS` where it has one, otherwise one of each `Task`
    class that it defines."""
    module = run(path)
    if kind:
        found: object = getattr(module, kind, None)
        if not (inspect.isclass(found) and issubclass(found, Task)):
            raise UsageError(
                f"{path} defines no task {kind!r}: name a class at its top, derived from selftaught.task.Task"
            )
        return [_of_file(checked(_make(found, path), path), path)]
    listed: Any = getattr(module, "TASKS", None)
    if listed is None:
        kinds = [kind for kind in vars(module).values() if inspect.isclass(kind) and issubclass(kind, Task)]
        listed = [_make(kind, path) for kind in kinds if kind.__module__ == module.__name__]
    if not isinstance(listed, list) or not listed:
        raise UsageError(f"{path} defines no task: it needs a class derived from selftaught.task.Task, or a list TASKS")
    found = [_of_file(checked(task, path), path) for task in cast("list[object]", listed)]
    if len({task.name for task in found}) < len(found):
        raise UsageError(f"{path} gives two tasks one name: instances and stored scores go by it, so names must differ")
    return found


def _from_plugin(plugin: Plugin) -> list[Task]:
    """The tasks that a package adds under a name: what it names is a class of a task, a task, or a list of these."""
    with aside():
        given = plugin.load()
    listed = cast("list[object]", [*given] if isinstance(given, list | tuple) else [given])
    try:
        tasks = [checked(_made(one, plugin.said), plugin.said) for one in listed]
    except UsageError as error:
        raise plugin.broken(str(error).removeprefix(f"{plugin.said}: ")) from error
    if not tasks:
        raise plugin.broken("it is an empty list")
    for task in tasks:
        task.package = plugin.package
    return tasks


def _made(given: object, whose: str) -> object:
    return _make(given, whose) if inspect.isclass(given) and issubclass(given, Task) else given


def _of_file(task: Task, path: Path) -> Task:
    """A task of a file: with all that the file reads, and free to grade in any unit where it does not say."""
    task.reads = tuple(dict.fromkeys([*task.reads, *sources(path)]))
    if not task.ranged and not task.unbounded:
        task.ranged = True if task.minimize else None
    return task


def _make(kind: Callable[[], Task], path: Path | str) -> Task:
    missing = sorted(getattr(kind, "__abstractmethods__", ()))
    if missing:
        raise UsageError(f"{path}: the task {kind.__name__} lacks {' and '.join(missing)}")
    try:
        with aside():
            return kind()
    except Exception as error:
        raise UsageError(
            f"{path}: the task {kind.__name__} cannot be made without arguments ({type(error).__name__}); list it in TASKS"
        ) from error


def _number(value: object) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def checked(task: object, path: Path | str) -> Task:
    """The task, after a look at all its parts. UsageError, which begins with `path`, for what is none or not whole."""
    if not isinstance(task, Task):
        raise UsageError(f"{path}: it gives {task!r}, which is no selftaught.task.Task")
    called = f"{path}: the task {str(getattr(task, 'name', type(task).__name__))[:LONGEST]}"
    missing = [part for part, kind in _PARTS.items() if not isinstance(getattr(task, part, None), kind)]
    if missing:
        raise UsageError(f"{called} lacks {' and '.join(missing)}")
    if not task.name.strip():
        raise UsageError(f"{path}: the task {type(task).__name__} has an empty name")
    for part, text in (("a name", task.name), ("an entry function", task.entry)):
        if len(text) > LONGEST:
            called = f"{path}: the task {text[:20]!r}…"
            raise UsageError(f"{called} has {part} of {len(text):,} characters: at most {LONGEST} are taken")
    counts: list[Any] = [task.instances.get(split) for split in ("train", "validation", "test")]
    if not all(type(count) is int and count > 0 for count in counts):
        raise UsageError(f"{called} must say in `instances` how many there are for train, validation and test")
    with authored(task, "description"), aside():
        if not isinstance(cast("object", task.description), str):
            raise UsageError(f"{called} has a description that is no text")
    best = cast("object", task.best)
    if not _number(best) or best <= 0 or (best > 1 and not task.unbounded):
        raise UsageError(f"{called} has a best raw score of {best!r}: it must be above 0 and at most 1")
    known = cast("object", task.known_start)
    if known is not None and not _number(known):
        raise UsageError(f"{called} has a known_start of {known!r}: it must be a number, or None to have it measured")
    for name, least in _LEAST_LIMITS.items():
        limit: object = getattr(task.limits, name)
        kind = "number" if name.endswith("_s") else "whole number"
        right = _number(limit) and (kind == "number" or isinstance(limit, int)) and least <= limit <= MOST_MB
        if not right and not (limit is None and name == "wall_s"):
            raise UsageError(
                f"{called} has limits with {name}={limit!r}: it must be a {kind} of at least {least:g}, at most {MOST_MB}"
            )
    if wrong := defect(task.start, task.entry):
        raise UsageError(f"{called} has a start solution that cannot run: {wrong}")
    return task
