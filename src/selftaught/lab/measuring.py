"""One scoring of a solution: the program at work in the sandbox, then its grades; the stored fact of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from selftaught.lab import Lab
from selftaught.lab.drawn import Given
from selftaught.lab.grading import verdict
from selftaught.lab.patience import in_time
from selftaught.lab.reads import remembering
from selftaught.lab.turns import in_turns
from selftaught.plain import JSON, as_json, canonical, seed_from
from selftaught.program import MAX_CHARS, Program
from selftaught.sandbox import Attempts, together
from selftaught.task import Half, Instance, Split, Task, authored, files_of


def given_at(lab: Lab, task: Task, split: Split, repetition: JSON, half: Half) -> Given:
    """What programs are given in one half of one repetition of a split. What they see of their own chance has a root of its
    own."""
    roots = lab.roots  # slow to derive: no time of the task's
    place: list[JSON] = [split, repetition, half]

    def draw() -> Given:
        with authored(task, "draw"):
            instances = task.sample(roots.instances, split, repetition, half)
            seeds = (seed_from("guest", roots.guests, task.name, *place, i) for i in range(len(instances)))
            return Given.of(task, instances, tuple(seeds))

    return in_time(lab, task.work_of("draw"), lambda: lab.drawn.of(task, canonical([lab.seed, *place]), draw))


def measured(
    lab: Lab,
    task: Task,
    utility: JSON,
    given: Given,
    program: Program,
    ranged: bool | None,
    took: Sequence[float] | None = None,
) -> JSON:
    """The fact of a program's scoring on what is given; `utility` tells whose that is, as `reads` takes it.

    `ranged` is as `verdict` takes it; `took`, of a task that measures, what the start's first scoring took on each.
    """
    instances = given.instances
    lab.progress.count("scorings")
    if len(program.text) > MAX_CHARS:
        return _no_program(instances, f"longer than {MAX_CHARS:,} characters", Attempts({}))
    job = given.job(task, program, lab.eased(task.limits))
    with lab.progress.timed("scoring", task.name):
        if task.measures:
            outcomes, used = in_turns(lab, job, task.start, took)
        else:
            outcomes, used = lab.compute(job), ()
    if any(outcome.denied for outcome in outcomes):
        lab.store.keep(program.text)  # it is evidence, which `show RUN --program` opens
    if outcomes[0].kind == "defect":
        return _no_program(instances, outcomes[0].error, together(outcome.denied for outcome in outcomes))
    if job.exact and not task.exact:
        outcomes = tuple(replace(one, answer=as_json(one.answer)) for one in outcomes)

    def graded() -> JSON:
        with remembering(lab, utility, files_of(task)):
            return verdict(task, instances, outcomes, ranged, used)

    return in_time(lab, task.work_of("grade"), graded)


def _no_program(instances: Sequence[Instance], why: str, denied: Attempts) -> JSON:
    failures = len(instances)
    return {"value": None, "reason": why, "grades": [], "failures": failures, "notes": [], "denied": denied.fact()}
