"""A task: what is asked (paper: a pair of a utility and a start solution, section 3).

To define one, subclass `Task`, fill in the five attributes and write `draw` and `grade`; see `tasks/` for examples.
"""

from __future__ import annotations

import inspect
import random
import traceback
from abc import ABC, abstractmethod
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Literal

from selftaught.errors import SelftaughtError, UsageError, said_by
from selftaught.plain import JSON, digest, digest_of_files, rng_from
from selftaught.sandbox import Limits
from selftaught.sandbox.packages import versions

Split = Literal["train", "validation", "test"]
Half = Literal["practice", "judged"]


class InvalidAnswer(Exception):
    """Raised by `Task.grade`: the answer is no answer to this instance, and why, in one line (shown to improvers)."""


@dataclass(frozen=True)
class Instance:
    """One thing to solve: `args` go into the sandbox as a solution's arguments, `truth` never leaves the trusted side."""

    args: tuple[JSON, ...]
    truth: Any = None


def _line(task: Task, error: BaseException) -> str:
    """The line of the task's own files in which an error came up; empty when it came up on what they returned."""
    lines = [one.lineno for one in traceback.extract_tb(error.__traceback__) if one.filename in task.source_files]
    return f" in line {lines[-1]}" if lines else ""


def files_of(task: Task) -> list[str]:
    """The files that a task's source tells of, the one that defines it first."""
    return [one for one in (*task.source_files, *task.reads) if one]


@contextmanager
def authored(task: Task, method: str) -> Generator[None]:
    """Whatever a task's own code raises is its author's to mend: one line that names task, method and line."""
    try:
        yield
    except (InvalidAnswer, SelftaughtError):
        raise
    except (Exception, SystemExit) as error:
        line = _line(task, error)
        raise UsageError(
            f"{task.work_of(method)} raised {type(error).__name__}{line}: {said_by(error)}; mend it"
        ) from error


class Task(ABC):
    """What is asked, and how an answer is graded. Runs on the trusted side only.

    A grade is a number in [0, 1], above 1 only where a task says that it is unbounded; an instance whose answer is invalid, or
    whose run failed, counts 0; the raw score of a solution is the mean over the instances. A task that is `ranged` grades in
    any unit: there a solution that fails on an instance has no score, and utilities tell how it fares beside the start.
    """

    name: str
    """How the task is called in commands and tables."""
    entry: str
    """The function a solution must define; it is called with an instance's `args`."""
    start: str
    """Source text of the start solution."""
    summary: str
    """One line for lists of tasks."""
    limits: Limits
    """Limits of one instance."""
    instances: Mapping[Split, int]
    """How many instances each half of a (split, repetition) draws."""
    best: float = 1.0
    """Raw score of the reference best: 1 on the common scale, where the start solution is 0."""
    unbounded: ClassVar[bool] = False
    """Whether a grade may exceed 1: where 1 is the best that was known when the task was written, and may be beaten."""
    ranged: bool | None = False
    """Whether a grade may be any number; None: it may where one of the start solution is not in [0, 1]."""
    minimize: bool = False
    """Of a ranged task: whether less is better."""
    packages: tuple[str, ...] = ()
    """Installed packages that solutions may import besides numpy."""
    exact: bool = False
    """Whether answers keep tuples and the keys of dicts; otherwise these come as lists and texts."""
    reads: tuple[str, ...] = ()
    """Files beside its own that decide what it draws or grades. Of a task in a file, those read on import are added."""
    package: str = ""
    """The installed package that it comes from, with its version, which belongs to the key of every score."""
    known_start: ClassVar[float | None] = None
    """Raw score of the start solution where it is known exactly; otherwise it is measured before a run."""

    @property
    @abstractmethod
    def description(self) -> str:
        """What the model is shown: what is asked, how it is scored, sizes, limits. It states what `draw` and `grade` do."""

    @abstractmethod
    def draw(self, rng: random.Random) -> Instance:
        """A fresh instance, decided by `rng` alone."""

    @abstractmethod
    def grade(self, instance: Instance, answer: JSON) -> float:
        """The grade of plain data that a solution returned; raises InvalidAnswer. With a third parameter it is given what the
        solution used (`sandbox.Resources`)."""

    @cached_property
    def measures(self) -> bool:
        """Whether grades may depend on what a solution used: then another machine gives others."""
        return len(inspect.signature(self.grade).parameters) > 2

    def work_of(self, method: str) -> str:
        """What hangs or raises there, in words for its author: `draw` or `grade`."""
        return f"task {self.name}: its {method}"

    def explain(self, instance: Instance, answer: JSON) -> str:  # noqa: ARG002 - for subclasses
        """What an improver may be told about a graded answer on a practice instance, in one line; empty: nothing."""
        return ""

    def sample(self, root: str, split: Split, repetition: JSON, half: Half) -> tuple[Instance, ...]:
        """The instances of one half of one repetition of a split: disjoint streams, so none is shared by design.

        `root` is that of instances (`plain.Roots`): no generated program ever sees what is derived from it.
        """
        return tuple(
            self.draw(rng_from("instance", self.name, root, split, repetition, half, i))
            for i in range(self.instances[split])
        )

    @property
    def source_files(self) -> list[str | None]:
        """The files that define this task and the tasks it builds on; None for a class that has no file."""
        kinds = [kind for kind in type(self).__mro__ if issubclass(kind, Task) and kind is not Task]
        return [inspect.getsourcefile(kind) for kind in kinds]

    @cached_property
    def source(self) -> str:
        """Digest of the files that define this task and the tasks it builds on: a changed task is another task."""
        kinds = [kind for kind in type(self).__mro__ if issubclass(kind, Task) and kind is not Task]
        texts = [Path(file).read_text(encoding="utf-8") if file else repr(kinds) for file in self.source_files]
        more: list[JSON] = [digest_of_files(self.reads), versions(self.packages), self.minimize]
        more += [self.package] if self.package else []
        return digest([texts, *more] if any(more) else texts)
