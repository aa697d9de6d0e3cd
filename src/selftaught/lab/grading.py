"""From what came out of the sandbox to grades: the stored fact of one scoring of a solution."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf, isfinite
from typing import cast

from selftaught.errors import UsageError
from selftaught.plain import JSON
from selftaught.sandbox import OF_A_MACHINE, Outcome, together
from selftaught.task import Instance, InvalidAnswer, Task, authored

_NOTES = 5
"""How many lost instances feedback names."""


def verdict(task: Task, instances: Sequence[Instance], outcomes: Sequence[Outcome]) -> JSON:
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
        "denied": together(outcome.denied for outcome in outcomes).fact(),
        **({"limited": limited} if (limited := sum(one.kind in OF_A_MACHINE for one in outcomes)) else {}),
    }


def _grade(task: Task, instance: Instance, outcome: Outcome) -> tuple[float, str | None]:
    """The grade, or 0 and why there is none."""
    if outcome.kind != "answer":
        return 0.0, f"{outcome.kind}: {outcome.error.splitlines()[0] if outcome.error else 'no details'}"
    try:
        with authored(task, "grade"):
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
        with authored(task, "explain"):
            said = reason or task.explain(instances[i], outcomes[i].answer)
        notes.append(f"Instance {i + 1}: grade {grade:.4f}" + (f" ({said})" if said else ""))
    return notes
