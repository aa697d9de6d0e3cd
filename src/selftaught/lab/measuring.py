"""One scoring of a solution: the program at work in the sandbox, then its grades; the stored fact of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from selftaught.lab import Lab
from selftaught.lab.grading import verdict
from selftaught.lab.patience import in_time
from selftaught.lab.turns import in_turns
from selftaught.plain import JSON, as_json, faithful
from selftaught.program import MAX_CHARS, Program
from selftaught.sandbox import Attempts, Job, Limits, together
from selftaught.task import Instance, Task


def measured(
    lab: Lab,
    task: Task,
    instances: Sequence[Instance],
    seeds: tuple[int, ...],
    program: Program,
    ranged: bool | None,
    took: Sequence[float] | None = None,
) -> JSON:
    """The fact of a program's scoring on these instances; `seeds` are of its own chance, `ranged` as `verdict` takes it. `took`
    is, of a task that measures, what the start's first scoring took on each."""
    lab.progress.count("scorings")
    if len(program.text) > MAX_CHARS:
        return _no_program(instances, f"longer than {MAX_CHARS:,} characters", Attempts({}))
    job = job_of(task, instances, seeds, program, lab.eased(task.limits))
    with lab.progress.timed("scoring", task.name):
        if task.measures:
            outcomes, used = in_turns(lab, job, task.start, took)
        else:
            outcomes, used = lab.compute(job), ()
    if outcomes[0].kind == "defect":
        return _no_program(instances, outcomes[0].error, together(outcome.denied for outcome in outcomes))
    if job.exact and not task.exact:
        outcomes = tuple(replace(one, answer=as_json(one.answer)) for one in outcomes)
    return in_time(lab, f"task {task.name}: its grade", lambda: verdict(task, instances, outcomes, ranged, used))


def job_of(task: Task, instances: Sequence[Instance], seeds: tuple[int, ...], program: Program, limits: Limits) -> Job:
    """The job that a solution is on these instances."""
    inputs = [[*instance.args] for instance in instances]
    return Job(
        program=program.text,
        entry=task.entry,
        inputs=tuple(map(tuple, inputs)),
        seeds=seeds,
        limits=limits,
        packages=task.packages,
        exact=task.exact or not faithful(inputs),
    )


def _no_program(instances: Sequence[Instance], why: str, denied: Attempts) -> JSON:
    failures = len(instances)
    return {"value": None, "reason": why, "grades": [], "failures": failures, "notes": [], "denied": denied.fact()}
