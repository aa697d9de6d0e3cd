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
from selftaught.program import Program, text_of

ANY_LANGUAGE = "any-language"
"""The improver for whole files that need be no Python. It is not among those that are compared on tasks."""
_NAMES = """
import ast, sys
try:
    body = ast.parse(sys.stdin.read()).body
except SyntaxError as error:
    sys.exit(f"line {error.lineno}: {error.msg}")
print("\\n".join(one.name for one in body if isinstance(one, ast.FunctionDef)))
"""
_PARSE_S = 10.0
BEST = "found/softmax-parents"
"""The one that the project has the best evidence for, on all tasks together (docs/results.md)."""
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


def functions(text: str, name: str) -> list[str]:
    """The functions at the top of a program, in a process of their own. UsageError where it does not parse, `name` said."""
    command = [sys.executable, "-I", "-S", "-X", "utf8", "-c", _NAMES]
    try:
        done = subprocess.run(command, input=text.encode(), capture_output=True, timeout=_PARSE_S, check=False)
    except subprocess.TimeoutExpired:
        return []
    if done.returncode and (said := done.stderr.decode("utf-8", "replace").strip()):
        raise UsageError(f"{name} is no program of Python: {said.splitlines()[-1]}")
    return done.stdout.decode().split()


def _from_file(path: Path) -> Program:
    if not is_file(path):
        raise UsageError(
            f"no improver and no file {str(path)!r}: give a file, or one of {', '.join(names() + found())}"
        )
    return Program(exported.own(text_of(path, "improver")))
