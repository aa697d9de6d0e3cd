"""What is looked at in a task's start solution and its grades."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from selftaught.downstream import LEAST_HEADROOM, SCALE_REPETITIONS
from selftaught.lab import Lab
from selftaught.lab.drawn import Given
from selftaught.lab.grading import grade_text, verdict
from selftaught.lab.metrics import number
from selftaught.plain import JSON, as_json, canonical
from selftaught.program import Program
from selftaught.sandbox import Outcome, Resources
from selftaught.task import Instance, InvalidAnswer, Task, files_of
from selftaught.tasks.checking.marks import Look, mark, raised, short, varied
from selftaught.tasks.checking.watching import watched
from selftaught.utility import TaskUtility

_COMFORT = 1 / 3
"""The share of a limit that a start solution should stay under: other machines are slower."""
STRANGE: tuple[JSON, ...] = (None, True, 0, -1, 0.5, 10**30, "", "abc", [], [[]], [None], {}, {"a": 1}, ["x", 1])
"""Answers that programs give by mistake."""


def outcomes_of(lab: Lab, task: Task, some: Sequence[Instance]) -> tuple[Outcome, ...]:
    given = Given.of(task, some, tuple(range(len(some))))
    return lab.compute(given.job(task, Program(task.start), task.limits))


def start(lab: Lab, task: Task, some: Sequence[Instance], outcomes: Sequence[Outcome]) -> Look:
    failed = [one for one in outcomes if one.kind != "answer"]
    if failed:
        said = failed[0].error.splitlines()[0] if failed[0].error else failed[0].kind
        yield (
            f"it fails on {len(failed)} of {len(outcomes)} instances: {failed[0].kind}: {said}",
            "mend the start solution",
        )
        return ""
    again = outcomes_of(lab, task, some)
    if [one.answer for one in again] != [one.answer for one in outcomes]:
        yield "it answers otherwise when it runs again", "let its arguments decide, or a generator that it seeds"
    limits = task.limits
    cpu_s, peak_mb = max(one.cpu_s for one in outcomes), max(one.peak_mb for one in outcomes)
    answer_kb = max(len(canonical(as_json(one.answer))) for one in outcomes) / 1024
    output_kb = max(len(one.output) for one in outcomes) / 1024
    uses = (
        ("cpu_s", cpu_s, limits.cpu_s, "s of CPU time"),
        ("memory_mb", peak_mb, limits.memory_mb, "MiB"),
        ("answer_kb", answer_kb, limits.answer_kb, "KiB of answer"),
        ("output_kb", output_kb, limits.output_kb, "KiB of output"),
    )
    for name, used, limit, unit in uses:
        if used > _COMFORT * limit:
            yield (
                f"it uses {used:.3g} of {limit:g} {unit}: a slower machine would end it",
                f"allow three times as much (limits, {name}), or begin with less",
            )
    return (
        f"it answers all {len(outcomes)}, with at most {cpu_s:.3g} of {limits.cpu_s:g} s and "
        f"{peak_mb:.0f} of {limits.memory_mb} MiB"
    )


def grade(task: Task, some: Sequence[Instance], outcomes: Sequence[Outcome]) -> Look:
    before = [*map(mark, some)]
    files = {*files_of(task)}
    first = cast("dict[str, Any]", verdict(task, some, outcomes, task.ranged))
    with watched(files) as used:
        again = cast("dict[str, Any]", verdict(task, some, outcomes, task.ranged))
    if used:
        yield (
            f"it uses {', '.join(used)}",
            "let the instance and the answer decide: a stored grade is never taken again",
        )
    elif first["grades"] != again["grades"]:
        yield "the same answer is graded otherwise the second time", "let the instance and the answer decide"
    if first["value"] is None:
        yield f"the start has no score: {first['notes'][0]}", "mend the start solution or grade"
    if [*map(mark, some)] != before:
        yield "it changes the instance", "work on a copy: other answers are graded by the same instance"
    yield from _explained(task, some, outcomes)
    yield from strange(task, some[0], [*STRANGE, *varied(outcomes[0].answer)])
    return "the same each time; strange answers are told as invalid"


def _explained(task: Task, some: Sequence[Instance], outcomes: Sequence[Outcome]) -> Look:
    for instance, outcome in zip(some, outcomes, strict=True):
        valid = isinstance(_graded(task, instance, outcome.answer), float | int)
        said = task.explain(instance, outcome.answer) if valid else ""
        truth = repr(instance.truth)
        if said and len(truth) > 4 and truth in said:
            yield "explain tells the truth of an instance", "say why an answer lost, not the right one"
            break
    return ""


def strange(task: Task, instance: Instance, answers: Sequence[JSON]) -> Look:
    """What grade makes of answers that are none: InvalidAnswer or a number, the same each time, nothing else."""
    for answer in answers:
        grades = [_graded(task, instance, answer) for _ in range(2)]
        if isinstance(grades[0], str):
            yield (
                f"at the answer {short(answer)} {grades[0]}",
                "raise InvalidAnswer for what is no answer, and nothing else",
            )
            return ""
        if grades[0] != grades[1]:
            yield (
                f"the answer {short(answer)} is graded {grades[0]}, then {grades[1]}",
                "let instance and answer decide",
            )
            return ""
    return "the same each time, also of strange answers"


def _graded(task: Task, instance: Instance, answer: JSON) -> float | None | str:
    """The grade; None for an invalid answer; what is wrong with the grade in words."""
    try:
        used = [Resources(0.01, 20.0)] if task.measures else []
        given = cast(object, task.grade(instance, answer, *used))
    except InvalidAnswer:
        return None
    except Exception as error:  # noqa: BLE001 - whatever a task's own code raises
        return raised("it", error)
    grade, bound = number(given), task.ranged is False and not task.unbounded
    if grade is None or (bound and not 0 <= grade <= 1):
        return f"it gives {short(given)}, which is no {'number' if grade is None else 'number in [0, 1]'}"
    return grade


def headroom(lab: Lab, task: Task) -> Look:
    start = Program(task.start)
    utilities = [TaskUtility(lab, task, "train", ["scale", i], "judged") for i in range(SCALE_REPETITIONS)]
    scores = [one.score(start) for one in utilities]
    if any(one.value is None for one in scores):
        return "nothing was measured, since the start solution fails"
    if utilities[0].ranged:
        return "grades may be any number: utilities tell how a program fares beside the start"
    mean, best = sum(one.number for one in scores) / len(scores), task.best
    known, left = task.known_start, best - mean
    if known is not None and abs(known - mean) > 0.1:
        yield f"known_start says {known:g}, measured is {mean:.3f}", "leave known_start out, or mend it"
    if left <= 0:
        yield (
            f"the start solution scores {mean:.3f}, the best is {best:g}: nothing to gain",
            "begin with less, or ask for more",
        )
    elif left < LEAST_HEADROOM * best:
        yield (
            f"from start {mean:.3f} to best {best:g} there is less than {LEAST_HEADROOM:.0%} to gain: the task stands in "
            "tables, not in means over tasks",
            "begin with less, ask for more, or take it alone",
        )
    return (
        f"from {grade_text(mean, False)} (start) to {best:g} (best): a gain of {LEAST_HEADROOM * left:.3f} counts as "
        f"{LEAST_HEADROOM:.0%} in means"
    )
