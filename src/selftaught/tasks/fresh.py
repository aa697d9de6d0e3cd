"""A task of the user's own to begin with: a file of a few lines that works at once."""

from __future__ import annotations

import keyword
import sys
from pathlib import Path

from selftaught.errors import UsageError
from selftaught.tasks import LONGEST, specs

_TEXT = '''"""A task of your own: change what is asked, the start, what is drawn, and how an answer is graded."""

from selftaught.sandbox import Limits
from selftaught.task import Instance, InvalidAnswer, Task


class {kind}(Task):
    name = "{name}"
    entry = "halve"
    summary = "split numbers into two halves of equal sum"
    start = "def halve(numbers):\\n    return [i % 2 for i in range(len(numbers))]\\n"
    description = (
        "`halve(numbers)` is given a list of 20 whole numbers from 1 to 999 and returns a list of 20 sides, each 0 or 1. "
        "The grade is 100 / (100 + d), where d is how far apart the sums of the two sides are."
    )
    limits = Limits(cpu_s=0.2)  # for one instance
    instances = {{"train": 5, "validation": 10, "test": 20}}

    def draw(self, rng):
        return Instance(args=([rng.randint(1, 999) for _ in range(20)],))

    def grade(self, instance, answer):
        (numbers,) = instance.args
        if not isinstance(answer, list) or len(answer) != 20 or any(side not in (0, 1) for side in answer):
            raise InvalidAnswer("expected a list of 20 sides, each 0 or 1")
        return 100 / (100 + abs(sum(n if side else -n for n, side in zip(numbers, answer))))
'''
"""What is written; nothing in it has to be searched for to grade an answer."""


def write(named: Path) -> Path:
    """Write a task to begin with: `named` is a name, or a file in a folder that is there. The file; it was not there before.

    UsageError, in one line, for a name that no class or module can have, and for a file that is there.
    """
    name = named.name.removesuffix(".py")
    _check(name)
    path = named.with_name(f"{name}.py")
    if not path.parent.is_dir():
        raise UsageError(f"cannot write {path}: there is no folder {path.parent}; make it first")
    kind = "".join(part[:1].upper() + part[1:] for part in name.split("_")) or name
    kind = f"{kind}Task" if kind in {"Task", "Instance", "InvalidAnswer", "Limits"} else kind
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(_TEXT.format(kind=kind, name=name))
    except FileExistsError:
        raise UsageError(f"{path} is there already, and is never written over: choose another name") from None
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}") from error
    return path


def _check(name: str) -> None:
    if not name.isidentifier() or keyword.iskeyword(name) or not name.strip("_") or len(name) > LONGEST:
        raise UsageError(
            f"{name[:LONGEST]!r} cannot be the name of a task's file: letters, digits and underscores, a letter first, "
            "no word of Python's"
        )
    if name in {one.partition(":")[0] for one in specs()}:
        raise UsageError(f"{name} is the name of a task in the box: choose another")
    if name in sys.stdlib_module_names or name in {"numpy", "selftaught", "helpers"}:
        raise UsageError(f"{name} is the name of a module, which the file would hide: choose another")
