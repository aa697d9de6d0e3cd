"""A target of several files: a folder of which marked regions, or functions that are named, change, scored by a command."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import cast

from selftaught.errors import UsageError
from selftaught.lab import Lab
from selftaught.program import MAX_CHARS, Program
from selftaught.sandbox import Limits, tool
from selftaught.sandbox.command import Command
from selftaught.sandbox.jail import GUEST, TOOLS
from selftaught.tasks.commanded import CommandUtility
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
        return path.read_bytes().decode("utf-8")
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


class FilesUtility(CommandUtility):
    """The score of a folder by a command. The program is those parts of its files that change, as one text."""

    def __init__(
        self,
        lab: Lab,
        command: Command,
        start: Program,
        aim: Aim,
        folder: Path,
        entries: Sequence[str],
    ) -> None:
        super().__init__(lab, command, start, aim)
        self._folder, self._entries = folder, entries

    def files(self, program: Program) -> Mapping[str, str]:
        """The files that a program changes, by their paths in the folder, whole."""
        return self._changed(program)[0]

    def before(self, path: str) -> str:
        """A file of the folder as it was."""
        return dict(self._texts)[path]

    @property
    def _what(self) -> str:
        return (
            f"The program is parts of files in the folder {self._command.file}, which a command scores as a whole. Each part "
            "stands after a line that says which it is, such as `# ===== module.py, region 1 =====`. Keep these lines; give "
            "the parts that change, whole, and leave out the others, which stay as they are in the folder"
        )

    def _ready(self, program: Program) -> tuple[Mapping[str, str], str]:
        if wrong := super()._ready(program)[1]:
            return {}, wrong
        found, wrong = self._changed(program)
        return {f"{self._command.file}/{path}": text for path, text in found.items()}, wrong

    @cached_property
    def _texts(self) -> list[tuple[str, str]]:
        return [(path, text) for path, text in _texts(self._folder, self._entries)]

    def _changed(self, program: Program) -> tuple[Mapping[str, str], str]:
        given = [[path, text] for path, text in self._texts], [*self._entries], program.text
        (outcome,) = self._lab.sandbox.run(tool("targets", "changed", [given], Limits(cpu_s=10, answer_kb=16 * 1024)))
        if outcome.kind != "answer":
            return {}, f"its sections cannot be told: {outcome.kind}"
        files, wrong = cast("tuple[dict[str, str], str]", outcome.answer)
        return files, wrong
