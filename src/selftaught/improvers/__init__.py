"""The improvers in the box: texts in the paper's interface, shown and run in the sandbox, never imported.

`programs` holds those written by hand; `found` is a shelf of its own, for what language models wrote: each says in its head
which model wrote it, from what, and with what evidence.
"""

from __future__ import annotations

import subprocess
import sys
from importlib import resources
from pathlib import Path

from selftaught.errors import UsageError
from selftaught.improvers import exported
from selftaught.plain import is_file
from selftaught.program import MAX_CHARS, Program

ANY_LANGUAGE = "any-language"
"""The improver for whole files that need be no Python. It is not among those that are compared on tasks."""
_NAMES = (
    "import ast, sys; "
    "print('\\n'.join(n.name for n in ast.parse(sys.stdin.read()).body if isinstance(n, ast.FunctionDef)))"
)
_PARSE_S = 10.0
FOUND = "found/"
"""What the names of improvers begin with that language models wrote."""


def names() -> list[str]:
    """The names of the hand-made improvers in the box, sorted."""
    return _of("programs")


def found() -> list[str]:
    """The names of those that language models wrote, sorted: `found/NAME`."""
    return [FOUND + name for name in _of("found")]


def load(name_or_path: str) -> Program:
    """The improver of that name in the box or, where there is none, in that file; UsageError when it cannot be read. Whether
    it is an improver is seen where programs are parsed: in the sandbox, at a run's first look."""
    if name_or_path in names():
        return _read("programs", name_or_path)
    if name_or_path in found():
        return _read("found", name_or_path.removeprefix(FOUND))
    if name_or_path == ANY_LANGUAGE:
        return _read("programs/files", ANY_LANGUAGE)
    return _from_file(Path(name_or_path))


def _of(folder: str) -> list[str]:
    there = resources.files(__name__) / folder
    return sorted(file.name.removesuffix(".py") for file in there.iterdir() if file.name.endswith(".py"))


def _read(folder: str, name: str) -> Program:
    return Program((resources.files(__name__) / folder / f"{name}.py").read_text(encoding="utf-8"))


def flagged() -> Program:
    """The seed improver that carries the paper's flag `use_sandbox`, switched on: what audits have improved. Not in the box."""
    return _read("programs/flagged", "seed")


def functions(text: str) -> list[str]:
    """The functions at the top of a program, in a process of their own; none where it does not parse."""
    command = [sys.executable, "-I", "-S", "-X", "utf8", "-c", _NAMES]
    try:
        done = subprocess.run(command, input=text.encode(), capture_output=True, timeout=_PARSE_S, check=False)
    except subprocess.TimeoutExpired:
        return []
    return done.stdout.decode().split() if done.returncode == 0 else []


def _from_file(path: Path) -> Program:
    if not is_file(path):
        raise UsageError(
            f"no improver and no file {str(path)!r}: give a file, or one of {', '.join(names() + found())}"
        )
    try:
        if path.stat().st_size > 4 * MAX_CHARS:
            raise UsageError(f"{path} is no improver: longer than {MAX_CHARS:,} characters")
        text = exported.own(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read the improver {path}: {error}") from error
    return Program(text)
