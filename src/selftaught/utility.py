"""Utilities: whatever judges a program (paper, section 3). A task's utility runs a solution on instances of the task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import cached_property
from math import inf, isfinite
from typing import Any, Protocol, cast

from selftaught.errors import UsageError
from selftaught.lab import Lab
from selftaught.plain import JSON, canonical, seed_from
from selftaught.program import Program, defect
from selftaught.sandbox import Job, Limits, Outcome
from selftaught.score import Score
from selftaught.task import Half, Instance, InvalidAnswer, Split, Task, asking

_NOTES = 5
"""How many lost instances feedback names."""


class Utility(Protocol):
    """Judges programs. The description is shown to the model; the key is all that decides a score, besides the program."""

    entry: str
    """The function a program must define."""

    @property
    def description(self) -> str: ...

    @property
    def key(self) -> JSON: ...

    def score(self, program: Program, block: int = 0) -> Score:
        """The score; `block` counts the earlier scorings of the same program by one improver run.

        A utility that is a sample mean draws a fresh block; one that is a fixed function gives the same again.
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
        self._sampled = (lab.seed, split, repetition, half)

    @cached_property
    def instances(self) -> tuple[Instance, ...]:
        with asking(self._task, "draw"):
            instances = self._task.sample(*self._sampled)
            canonical([list(instance.args) for instance in instances])
        return instances

    @property
    def description(self) -> str:
        return told(self._task, self._sampled[1])

    @property
    def key(self) -> JSON:
        return self._key

    @cached_property
    def _key(self) -> JSON:
        task = self._task
        return [task.name, task.source, _limits_key(task.limits), task.instances[self._sampled[1]], *self._sampled]

    def score(self, program: Program, block: int = 0) -> Score:  # noqa: ARG002 - the instances are fixed
        fact = self._fact(program)
        return Score(fact["value"], fact["reason"], tuple(fact["grades"]), fact["failures"])

    def feedback(self, program: Program) -> str:
        fact = self._fact(program)
        if fact["value"] is None:
            return f"The program failed on every instance: {fact['reason']}"
        return "\n".join([f"Mean grade {fact['value']:.4f}.", *fact["notes"]])

    def _fact(self, program: Program) -> Mapping[str, Any]:
        about: dict[str, JSON] = {"program": program.digest, "utility": self.key}
        return cast(Mapping[str, Any], self._lab.once("score", about, lambda: self._measure(program)))

    def _measure(self, program: Program) -> JSON:
        self._lab.progress.count("scorings")
        wrong = defect(program.text, self.entry)
        if wrong:
            return {"value": None, "reason": wrong, "grades": [], "failures": len(self.instances), "notes": []}
        name = self._task.name
        job = Job(
            program=program.text,
            entry=self.entry,
            inputs=tuple(instance.args for instance in self.instances),
            seeds=tuple(seed_from("guest", name, *self._sampled, i) for i in range(len(self.instances))),
            limits=self._task.limits,
        )
        return _verdict(self._task, self.instances, self._lab.compute(job))


def told(task: Task, split: Split) -> str:
    """All that an improver is told of a task, whose instances are drawn from `split`; it tells no split from another."""
    count = task.instances[split] if len(set(task.instances.values())) == 1 else None
    instances = "1 instance" if count == 1 else f"{count} instances" if count else "a number of instances"
    return (
        f"{task.description.strip()}\n\n"
        f"The utility is the mean grade over {instances}, {_range(task)}. An instance whose answer is invalid, "
        f"or which needs more than {task.limits.cpu_s:g} s of CPU time or {task.limits.memory_mb} MiB, "
        f"is graded 0; a program that answers none has utility 0. Scoring the same program again gives the same."
        f"{_files_said(task.limits)}"
    )


def _range(task: Task) -> str:
    return "at least 0, above 1 where an answer beats the best known" if task.unbounded else "between 0 and 1"


def _files_said(limits: Limits) -> str:
    if not limits.files_mb:
        return ""
    return f" A program may write files below /tmp, at most {limits.files_mb} MiB in all, which are gone when it ends."


def _limits_key(limits: Limits) -> dict[str, JSON]:
    """The limits in a key. Files only where they are asked for: facts that were stored before there were any stay found."""
    return {name: value for name, value in asdict(limits).items() if name != "files_mb" or value}


def _verdict(task: Task, instances: Sequence[Instance], outcomes: Sequence[Outcome]) -> JSON:
    """The stored fact of one scoring: mean grade, grades, and notes for feedback, which name no expected answer."""
    graded = [_grade(task, instance, outcome) for instance, outcome in zip(instances, outcomes, strict=True)]
    grades = [0.0 if reason else value for value, reason in graded]
    failures = [reason for _, reason in graded if reason]
    return {
        "value": None if len(failures) == len(graded) else sum(grades) / len(grades),
        "reason": failures[0] if len(failures) == len(graded) else None,
        "grades": grades,
        "failures": len(failures),
        "notes": _notes(task, instances, outcomes, graded),
    }


def _grade(task: Task, instance: Instance, outcome: Outcome) -> tuple[float, str | None]:
    """The grade, or 0 and why there is none."""
    if outcome.kind != "answer":
        return 0.0, f"{outcome.kind}: {outcome.error.splitlines()[0] if outcome.error else 'no details'}"
    try:
        with asking(task, "grade"):
            grade = task.grade(instance, outcome.answer)
    except InvalidAnswer as error:
        return 0.0, f"invalid answer: {error}"
    most = inf if task.unbounded else 1
    if not isinstance(cast(object, grade), int | float) or not isfinite(grade) or not 0 <= grade <= most:
        within = "of at least 0" if task.unbounded else "in [0, 1]"
        raise UsageError(f"task {task.name} graded an answer {grade!r}, which is no number {within}: mend its grade()")
    return grade, None


def _notes(
    task: Task, instances: Sequence[Instance], outcomes: Sequence[Outcome], graded: Sequence[tuple[float, str | None]]
) -> list[str]:
    """The worst instances first, with why: a failure's reason, or what the task explains."""
    order = sorted(range(len(graded)), key=lambda i: (graded[i][1] is None, graded[i][0], i))
    notes: list[str] = []
    for i in order[:_NOTES]:
        grade, reason = graded[i]
        if reason is None and grade >= 1:
            break
        with asking(task, "explain"):
            said = reason or task.explain(instances[i], outcomes[i].answer)
        notes.append(f"Instance {i + 1}: grade {grade:.4f}" + (f" ({said})" if said else ""))
    return notes
