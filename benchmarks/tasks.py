"""What the built-in tasks cost: how much of its limit a start solution takes, and how well it scores.

A start solution must stay under a third of its limit, so that a slow or loaded machine gives the same verdicts.
"""

from __future__ import annotations

from statistics import fmean, stdev

from selftaught import tasks
from selftaught.plain import seed_from
from selftaught.sandbox import Job, Outcome, Sandbox
from selftaught.sandbox.levels import open_sandbox
from selftaught.task import Instance, InvalidAnswer, Task

SEED = 0


def run(quick: bool = False) -> dict[str, object]:
    """For each task: the largest share of the CPU limit, and the raw start score with its spread over repetitions."""
    repetitions = 2 if quick else 10
    with open_sandbox() as sandbox:
        return {
            task.name: _figures(sandbox, task, repetitions) for name in tasks.names() for task in tasks.load(name, SEED)
        }


def _figures(sandbox: Sandbox, task: Task, repetitions: int) -> dict[str, object]:
    drawn = [task.sample(SEED, "validation", repetition, "judged") for repetition in range(repetitions)]
    ran = [_run_start(sandbox, task, instances) for instances in drawn]
    scores = [
        fmean(_grade(task, *pair) for pair in zip(instances, outcomes, strict=True))
        for instances, outcomes in zip(drawn, ran, strict=True)
    ]
    used = [outcome.cpu_s for outcomes in ran for outcome in outcomes]
    return {
        "instances": len(used),
        "largest_share_of_cpu_limit": round(max(used) / task.limits.cpu_s, 3),
        "mean_cpu_ms": round(1000 * fmean(used), 3),
        "start_score": round(fmean(scores), 4),
        "spread_of_a_repetition": round(stdev(scores), 4),
    }


def _run_start(sandbox: Sandbox, task: Task, instances: tuple[Instance, ...]) -> tuple[Outcome, ...]:
    seeds = tuple(seed_from("guest", task.name, i) for i in range(len(instances)))
    return sandbox.run(Job(task.start, task.entry, tuple(one.args for one in instances), seeds, task.limits))


def _grade(task: Task, instance: Instance, outcome: Outcome) -> float:
    try:
        return task.grade(instance, outcome.answer) if outcome.kind == "answer" else 0.0
    except InvalidAnswer:
        return 0.0
