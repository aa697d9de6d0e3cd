"""From what came out of the sandbox to grades: the stored fact of one scoring of a solution."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import inf
from typing import Any, cast

from selftaught.errors import UsageError, said_by
from selftaught.lab.metrics import Metered, listed, means, number
from selftaught.plain import JSON
from selftaught.sandbox import OF_A_MACHINE, Outcome, Resources, together
from selftaught.task import Instance, InvalidAnswer, Task, authored

_NOTES = 5
"""How many lost instances feedback names."""
_LEAST = 1e-9
"""The utility of the worst score that there can be: a failure has 0."""


def verdict(
    task: Task,
    instances: Sequence[Instance],
    outcomes: Sequence[Outcome],
    ranged: bool | None = False,
    used: Sequence[Resources] = (),
) -> JSON:
    """The stored fact of one scoring: mean grade, grades, and notes for feedback, which name no expected answer.

    `ranged`: grades may be any numbers. There a program that fails on an instance has no score. None: where one is not in
    [0, 1]. `used`, of a task that measures: what the program used on each, where it answered all.
    """
    anyhow = ranged is not False
    spent = used or [Resources(one.cpu_s, one.peak_mb) for one in outcomes]
    graded = [_grade(task, *one, anyhow) for one in zip(instances, outcomes, spent, strict=True)]
    ranged = any(not 0 <= grade <= 1 for grade, _ in graded) if ranged is None else ranged
    grades = [0.0 if reason else float(value) if isinstance(value, Metered) else value for value, reason in graded]
    failures = [reason for _, reason in graded if reason]
    failed = bool(failures) if ranged else len(failures) == len(graded)
    metrics = [one.metrics for one, _ in graded if isinstance(one, Metered)]
    return {
        "value": None if failed else sum(grades) / len(grades),
        "reason": failures[0] if failed else None,
        "grades": [] if ranged and failed else grades,
        "failures": len(failures),
        "notes": _notes(task, instances, outcomes, graded, ranged),
        "denied": together(outcome.denied for outcome in outcomes).fact(),
        **({"metrics": means(metrics)} if metrics and not failed else {}),
        **({"limited": limited} if (limited := sum(one.kind in OF_A_MACHINE for one in outcomes)) else {}),
        **({"measured": True, "cpu_s": [one.cpu_s for one in used]} if task.measures else {}),
    }


def feedback(fact: Mapping[str, Any], ranged: bool) -> str:
    """What an improver is told of a scoring."""
    if fact["value"] is not None:
        more = [f"Of the metrics, on average: {listed(fact['metrics'])}."] if fact.get("metrics") else []
        return "\n".join([f"Mean grade {grade_text(fact['value'], ranged)}.", *more, *fact["notes"]])
    if ranged and fact["notes"]:  # others need not have failed
        return "\n".join(["The program has no score, since it failed on an instance.", *fact["notes"]])
    return f"The program failed on every instance: {fact['reason']}"


def relative(value: float | None, start: float | None, minimize: bool) -> float | None:
    """Where a score of any unit lies beside the start solution's, from 0 (worst) over 0.5 (as good) to 1.

    It rises with the score and with nothing else; half of what is left to 1 is a gain as large as the start's own score.
    """
    if value is None:
        return None
    gain = (value - (start or 0.0)) * (-1 if minimize else 1)
    return max(_LEAST, 0.5 + 0.5 * gain / (abs(gain) + (abs(start or 0.0) or 1.0)))


def outside(fact: Mapping[str, Any]) -> bool:
    """Whether some grade of a scoring is not in [0, 1]."""
    return any(not 0 <= one <= 1 for one in fact["grades"])


def grade_text(grade: float, ranged: bool = True) -> str:
    """A grade as a text: to four places, or to six figures where it may be any number."""
    return f"{grade:.6g}" if ranged else f"{grade:.4f}"


def _grade(task: Task, instance: Instance, outcome: Outcome, used: Resources, ranged: bool) -> tuple[float, str | None]:
    """The grade, or 0 and why there is none."""
    if outcome.kind != "answer":
        return 0.0, f"{outcome.kind}: {outcome.error.splitlines()[0] if outcome.error else 'no details'}"
    try:
        with authored(task, "grade"):
            more = [used] if task.measures else []
            given = cast(object, task.grade(instance, outcome.answer, *more))
    except InvalidAnswer as error:
        return 0.0, f"invalid answer: {said_by(error)}"
    grade, most = number(given), inf if task.unbounded else 1
    if grade is None or not (ranged or 0 <= grade <= most):
        within = "" if ranged else " of at least 0" if task.unbounded else " in [0, 1]"
        other = "" if ranged or grade is None else ", or say `ranged = True` in it where grades may be any numbers"
        raise UsageError(
            f"task {task.name} graded an answer {given!r}, which is no number{within}: mend its grade(){other}"
        )
    return (given if isinstance(given, Metered) else grade), None


def _notes(
    task: Task,
    instances: Sequence[Instance],
    outcomes: Sequence[Outcome],
    graded: Sequence[tuple[float, str | None]],
    ranged: bool,
) -> list[str]:
    """The worst instances first, with why: a failure's reason, or what the task explains. As many on every split at most, or
    their number would tell which it is."""
    sign = -1 if task.minimize else 1
    order = sorted(range(len(graded)), key=lambda i: (graded[i][1] is None, sign * graded[i][0], i))
    notes: list[str] = []
    for i in order[: min([_NOTES, *filter(None, task.instances.values())])]:
        grade, reason = graded[i]
        if reason is None and grade >= 1 and not ranged:
            break
        said = reason or _explained(task, instances[i], outcomes[i].answer) or _beside(grade)
        value = "no grade" if ranged and reason else f"grade {grade_text(grade, ranged)}"
        notes.append(f"{_called(task, i)}: {value}" + (f" ({said})" if said else ""))
    return notes


def _explained(task: Task, instance: Instance, answer: JSON) -> str:
    """What the task tells of an answer; nothing where it finds one invalid that it has graded."""
    try:
        with authored(task, "explain"):
            return task.explain(instance, answer)
    except InvalidAnswer:
        return ""


def _called(task: Task, i: int) -> str:
    """A number only where it tells no split from another by how many there are."""
    return f"Instance {i + 1}" if len({*task.instances.values()}) == 1 else "An instance"


def _beside(grade: float) -> str:
    """The metrics that a grade came from, and what was said with them."""
    return "; ".join([listed(grade.metrics), *grade.said]) if isinstance(grade, Metered) else ""
