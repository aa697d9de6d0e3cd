"""Utilities: whatever judges a program (paper, section 3). A task's utility runs a solution on instances of the task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, Protocol, cast

from selftaught.lab import Lab
from selftaught.lab.drawn import Given
from selftaught.lab.grading import feedback, outside, relative
from selftaught.lab.interface import about_task
from selftaught.lab.measuring import given_at, measured
from selftaught.lab.reads import changed
from selftaught.plain import JSON
from selftaught.program import Program
from selftaught.sandbox import Limits
from selftaught.task import Half, Instance, Split, Task, files_of


@dataclass(frozen=True)
class Score:
    """A utility's verdict on one program.

    `value` is finite, higher is better; None when the program failed, and then `reason` says why.
    `parts` are the values the mean was taken over (instances of a task, or tasks x repetitions of a meta-utility), in
    order; `failures` counts those that failed and so count as the worst (an instance) or as the start solution (an
    improver run).
    """

    value: float | None
    reason: str | None = None
    parts: tuple[float, ...] = ()
    failures: int = 0

    @property
    def number(self) -> float:
        """What an improver is given for it: the value, or 0.0 for a failure (the description says so)."""
        return 0.0 if self.value is None else self.value


class Utility(Protocol):
    """Judges programs. The description is shown to the model; the key is all that decides a score, besides the program."""

    entry: str
    """The function a program must define."""

    @property
    def description(self) -> str: ...

    @property
    def key(self) -> JSON: ...

    def score(self, program: Program, earlier: int = 0) -> Score:
        """The score; `earlier` counts the scorings of the same program by one improver run before this one.

        A utility that is a sample mean draws afresh each time; one that is a fixed function gives the same again.
        """
        ...

    def feedback(self, program: Program) -> str:
        """What may be told of how the program fared, in a few lines."""
        ...


class TaskUtility:
    """The mean grade of a solution over the instances of one half of one repetition of a split of a task."""

    def __init__(self, lab: Lab, task: Task, split: Split, repetition: JSON, half: Half) -> None:
        self.entry = task.entry
        self._lab = lab
        self._task = task
        self._split: Split = split
        self._repetition = repetition
        self._half: Half = half

    @property
    def instances(self) -> Sequence[Instance]:
        return self._given.instances

    @property
    def description(self) -> str:
        return about_task(self._task, self.ranged)

    @property
    def key(self) -> JSON:
        return self._key

    @cached_property
    def _key(self) -> JSON:
        return [*self._known, *changed(self._lab, self._known, files_of(self._task))]

    @cached_property
    def _known(self) -> list[JSON]:
        """What decides the scores, as far as it is known before anything is scored."""
        task = self._task
        drawn = self._lab.seed, self._split, self._repetition, self._half
        key: list[JSON] = [task.name, task.source, _limits_key(task.limits), task.instances[self._split], *drawn]
        return [*key, "in turns"] if task.measures else key

    def score(self, program: Program, earlier: int = 0) -> Score:  # noqa: ARG002 - the instances are fixed
        fact = self._fact(program)
        value = fact["value"]
        if self.ranged:
            value = relative(value, self._start["value"], self._task.minimize)
        return Score(value, fact["reason"], tuple(fact["grades"]), fact["failures"])

    def feedback(self, program: Program) -> str:
        return feedback(self._fact(program), self.ranged)

    @property
    def ranged(self) -> bool:
        """Whether grades may be any numbers."""
        return outside(self._start) if self._task.ranged is None else self._task.ranged

    @property
    def _start(self) -> Mapping[str, Any]:
        return self._fact(Program(self._task.start))

    def _fact(self, program: Program, again: int = 0) -> Mapping[str, Any]:
        about: dict[str, JSON] = {"program": program.digest, "utility": self.key, **({"again": again} if again else {})}
        return cast(Mapping[str, Any], self._lab.once("score", about, lambda: self._measure(program, again)))

    @cached_property
    def _given(self) -> Given:
        return given_at(self._lab, self._task, self._split, self._repetition, self._half)

    def _measure(self, program: Program, again: int) -> JSON:
        first = program.text == self._task.start and not again
        ranged = None if first and self._task.ranged is None else self.ranged
        took = self._start.get("cpu_s") if self._task.measures and not first else None
        return measured(self._lab, self._task, self._known, self._given, program, ranged, took)


def _limits_key(limits: Limits) -> dict[str, JSON]:
    """The limits in a key. Files only where they are asked for: facts that were stored before there were any stay found."""
    return {name: value for name, value in asdict(limits).items() if name != "files_mb" or value}
