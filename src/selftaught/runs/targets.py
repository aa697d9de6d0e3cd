"""A target of several files: a folder of which marked regions, or functions that are named, change.

A command scores it as a whole; or one of the functions is called in the sandbox, with the modules of the folder as one text.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, cast

from selftaught.errors import UsageError
from selftaught.lab import Lab
from selftaught.plain import JSON, read_bounded
from selftaught.program import MAX_CHARS, Program
from selftaught.sandbox import Limits, tool
from selftaught.sandbox.command import Command
from selftaught.sandbox.jail import GUEST, TOOLS
from selftaught.settings.own import Own
from selftaught.task import Half, Split
from selftaught.tasks.commanded import CommandUtility
from selftaught.tasks.own import OwnUtility, ScorerTask
from selftaught.tasks.whole import Aim

_MARK = "EVOLVE-BLOCK-START"
_MOST_FILES = 2000
_LARGEST = 1 << 20
"""Bytes of a file that is looked at for marks."""
_WHOLE = (
    "import json, sys; sys.path[:0] = sys.argv[1:]; from targets import whole; "
    "print(json.dumps(whole(*json.load(sys.stdin))))"
)
_PARSE_S = 30.0


def start_of(folder: Path, entries: Sequence[str]) -> str:
    """What changes of a folder, as one text: its marked regions, or the functions `module.py:function` of `entries`.

    The files are read in a process of their own. UsageError where there is nothing to change, or marks are not in pairs.
    """
    for one in entries:
        if not all(one.rpartition(":")):
            raise UsageError(f"--entry {one}: of a folder a function is named as module.py:function")
    given = json.dumps([_texts(folder, entries), [*entries]])
    command = [sys.executable, "-I", "-S", "-X", "utf8", "-c", _WHOLE, str(GUEST), str(TOOLS)]
    try:
        done = subprocess.run(command, input=given, capture_output=True, text=True, timeout=_PARSE_S, check=True)
    except (subprocess.TimeoutExpired, subprocess.CalledProcessError):
        raise UsageError(f"the marks of {folder} cannot be told: its files are too long") from None
    text, wrong = cast("list[str]", json.loads(done.stdout))
    if wrong:
        more = "" if entries else "; or name functions by --entry module.py:function"
        raise UsageError(f"{folder} cannot be improved: {wrong}{more}")
    if len(text) > MAX_CHARS:
        raise UsageError(f"what may change of {folder} is longer than {MAX_CHARS:,} characters: mark less")
    return text


def changing(folder: Path, entries: Sequence[str]) -> Sequence[str]:
    """The functions that change of a folder of which one is called. Where one is named, and regions are marked, none does as
    such: the regions do."""
    return [] if len(entries) == 1 and _texts(folder, []) else entries


def _texts(folder: Path, entries: Sequence[str]) -> list[list[str]]:
    """The files that hold marks, or the functions that are named: their paths in the folder, and their texts."""
    named = {one.rpartition(":")[0] for one in entries}
    found = [(path.relative_to(folder).as_posix(), path) for path in _files(folder)]
    if entries:
        return [[name, _text(path)] for name, path in found if name in named]
    return [
        [name, text]
        for name, path in found
        if path.stat().st_size <= _LARGEST and _MARK in (text := path.read_bytes().decode("utf-8", "replace"))
    ]


def _text(path: Path) -> str:
    try:
        raw = read_bounded(path, _LARGEST)
        if raw is None:
            raise UsageError(f"cannot read {path}: it has more than {_LARGEST:,} bytes")
        return raw.decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read {path}: {error}") from error


def _files(folder: Path) -> list[Path]:
    """All files that the command sees of the folder."""
    found = [one for top in visible(folder) for one in (sorted(top.rglob("*")) if top.is_dir() else [top])]
    files = [one for one in found if one.is_file() and "__pycache__" not in one.parts]
    if len(files) > _MOST_FILES:
        raise UsageError(f"{folder} holds {len(files):,} files: at most {_MOST_FILES:,} can be shown to a command")
    return files


def visible(folder: Path) -> list[Path]:
    """What lies at the top of a folder, but for what is hidden."""
    return [one for one in sorted(folder.iterdir()) if not one.name.startswith((".", "__pycache__"))]


class Target:
    """What changes of a folder, in the sandbox's hands: a program is those parts of its files, as one text."""

    def __init__(self, lab: Lab, folder: Path, entries: Sequence[str]) -> None:
        self._lab, self.folder, self.entries = lab, folder, [*entries]

    @cached_property
    def texts(self) -> dict[str, str]:
        """The files of which something may change, as they were, by their paths in the folder."""
        return dict(_texts(self.folder, self.entries))

    def changed(self, program: Program) -> tuple[Mapping[str, str], str]:
        """The files that a program changes, whole, and why that cannot be told."""
        given = [[path, text] for path, text in self.texts.items()], self.entries, program.text
        (outcome,) = self._lab.sandbox.run(tool("targets", "changed", [given], Limits(cpu_s=10, answer_kb=16 * 1024)))
        if outcome.kind != "answer":
            return {}, f"its sections cannot be told: {outcome.kind}"
        files, wrong = cast("tuple[dict[str, str], str]", outcome.answer)
        return files, wrong


_PARTS = (
    "Each part stands after a line that says which it is, such as `# ===== {} =====`. Keep these lines; give the parts that "
    "change, whole, and leave out the others, which stay as they are in the folder"
)


class FilesUtility(CommandUtility):
    """The score of a folder by a command. The program is those parts of its files that change, as one text."""

    def __init__(self, lab: Lab, command: Command, start: Program, aim: Aim, target: Target) -> None:
        super().__init__(lab, command, start, aim)
        self._target = target

    def files(self, program: Program) -> Mapping[str, str]:
        """The files that a program changes, by their paths in the folder, whole."""
        return self._target.changed(program)[0]

    def before(self, path: str) -> str:
        """A file of the folder as it was."""
        return self._target.texts[path]

    @property
    def _what(self) -> str:
        return (
            f"The program is parts of files in the folder {self._command.file}, which a command scores as a whole. "
            f"{_PARTS.format('module.py, region 1')}"
        )

    def _ready(self, program: Program) -> tuple[Mapping[str, str], str]:
        if wrong := super()._ready(program)[1]:
            return {}, wrong
        found, wrong = self._target.changed(program)
        return {f"{self._command.file}/{path}": text for path, text in found.items()}, wrong


class ModulesTask(ScorerTask):
    """The task to improve parts of a folder under the functions of one scorer; the first function that was named is called."""

    def __init__(self, asked: Own, start: str, target: Target) -> None:
        """UsageError where the modules are too long, or are none."""
        super().__init__(asked, start)
        self._target, self._called_by = target, asked.entry.split()[0]
        self._modules = _modules(target.folder)
        self.entry = self._called_by.rpartition(":")[2].rpartition(".")[2]
        self.start = self.bundled({})
        if len(self.start) > MAX_CHARS:
            raise UsageError(
                f"the modules of {target.folder} are longer than {MAX_CHARS:,} characters: score it by a command"
            )

    @property
    def description(self) -> str:
        rule = f" Of the metrics that are measured, {self._rule.words} counts." if self._rule.text else ""
        parts, example = "functions of modules", self._called_by
        if not self._target.entries:
            parts, example = "marked parts of modules", "module.py, region 1"
        return (
            f"{self._about}\n\nThe program is {parts} in the folder {self._target.folder.name}, of which "
            f"`{self._called_by}` is called with the arguments of an instance. {_PARTS.format(example)}.{rule}"
        )

    def bundled(self, changed: Mapping[str, str]) -> str:
        """The modules of the folder as one program, with some files in place of those that are there."""
        texts = {name: [changed.get(path, text), path] for name, (path, text) in self._modules.items()}
        path, _, function = self._called_by.rpartition(":")
        return _BUNDLE.format(texts=texts, module=_module(path), function=function, entry=self.entry)


class ModulesUtility(OwnUtility):
    """The score of functions of a folder. The program is those that change, as one text."""

    def __init__(self, lab: Lab, task: ModulesTask, start: Program, target: Target, split: Split, half: Half) -> None:
        super().__init__(lab, task, split, 0, half)
        self.entry = ""
        self._modules, self._begun, self._target = task, start, target

    def files(self, program: Program) -> Mapping[str, str]:
        """The files that a program changes, by their paths in the folder, whole."""
        return self._target.changed(program)[0]

    def before(self, path: str) -> str:
        """A file of the folder as it was."""
        return self._target.texts[path]

    @property
    def _start(self) -> Mapping[str, Any]:
        return self._fact(self._begun)

    def _measure(self, program: Program, again: int) -> JSON:
        changed, wrong = self._target.changed(program)
        if wrong:
            found: dict[str, JSON] = {"value": None, "reason": wrong, "grades": [], "failures": len(self.instances)}
            return {**found, "notes": [], "denied": {"calls": None, "noted": []}, "measured": True}
        return super()._measure(Program(self._modules.bundled(changed)), again)


_BUNDLE = """import importlib.abc
import importlib.util
import sys

TEXTS = {texts!r}


class Folder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def find_spec(self, name, path=None, target=None):
        if name in TEXTS:
            return importlib.util.spec_from_loader(name, self, is_package=TEXTS[name][1].endswith("__init__.py"))

    def exec_module(self, module):
        text, path = TEXTS[module.__name__]
        exec(compile(text, path, "exec"), module.__dict__)


sys.meta_path.insert(0, Folder())


def {entry}(*arguments):
    found = importlib.import_module("{module}")
    for name in "{function}".split("."):
        found = getattr(found, name)
    return found(*arguments)
"""
"""The modules of a folder as a program."""


def _modules(folder: Path) -> dict[str, tuple[str, str]]:
    """The Python files of a folder by the names that they are imported by: their paths in it, and their texts. Folders between
    are packages, with a file for it or without."""
    paths = [(path.relative_to(folder).as_posix(), path) for path in _files(folder) if path.suffix == ".py"]
    found = {_module(name): (name, _text(path)) for name, path in paths}
    between = {str(above) for name, _ in paths for above in Path(name).parents if str(above) != "."}
    return found | {
        one.replace("/", "."): (f"{one}/__init__.py", "") for one in between if one.replace("/", ".") not in found
    }


def _module(path: str) -> str:
    """What a file of the folder is imported by."""
    name = path.removesuffix(".py").replace("/", ".")
    return name.removesuffix(".__init__")
