"""What the built-in tasks cost: how much of its limit a start solution takes, and how well it scores.

A start solution must stay under a third of its limit, so that a slow or loaded machine gives the same verdicts. Of the
open-ended tasks also, as raw scores: the start, what the best of 24 answers of the built-in editor to it scores on other
instances than it was chosen on (mean over repetitions), the solution written by hand for the tests, and the reference best.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean, stdev

from selftaught import tasks
from selftaught.models import Request
from selftaught.models.offline import Offline
from selftaught.plain import roots, seed_from
from selftaught.runs.model import editing
from selftaught.sandbox import Job, Outcome, Sandbox
from selftaught.sandbox.jail import GUEST
from selftaught.sandbox.levels import open_sandbox
from selftaught.task import Instance, InvalidAnswer, Task

sys.path.insert(0, str(GUEST))  # the guest's own files find each other by name, as in the jail
from helpers import extract_code

SEED = 0
OPEN = (
    "circles",
    "circles:26",
    "tsp",
    "regression",
    "capset",
    "capset:8",
    "binpack",
    "maxcut",
    "qap:60",
    "policy:train",
)
ANSWERS = 24
SOLVERS = Path(__file__).parents[1] / "tests" / "tasks" / "solvers"


def run(quick: bool = False) -> dict[str, object]:
    """For each task: the largest share of the CPU limit, and the raw start score with its spread over repetitions."""
    repetitions = 2 if quick else 10
    with open_sandbox() as sandbox:
        starts = {
            task.name: _figures(sandbox, task, repetitions) for name in tasks.names() for task in tasks.load(name, SEED)
        }
        found = [task for name in OPEN for task in tasks.load(name, SEED)]
        return {**starts, "open_ended": {task.name: _headroom(sandbox, task, 1 if quick else 3) for task in found}}


def _headroom(sandbox: Sandbox, task: Task, repetitions: int) -> dict[str, object]:
    """Start, best of the editor's answers, the solution by hand where there is one, and the reference."""
    by_hand = SOLVERS / f"{task.name.partition(':')[0]}.py"
    best = [_best_answer(sandbox, task, repetition) for repetition in range(repetitions)]

    def judged(text: str, repetition: int) -> float:
        return _score(sandbox, task, text, task.sample(roots(SEED).instances, "validation", repetition, "judged"))

    def mean(texts: Sequence[str]) -> float:
        return round(fmean(judged(text, repetition) for repetition, text in enumerate(texts)), 4)

    return {
        "start": mean([task.start] * repetitions),
        f"best_of_{ANSWERS}": mean(best),
        "by_hand": mean([by_hand.read_text("utf-8")] * repetitions) if by_hand.is_file() else None,
        "reference": task.best,
    }


def _best_answer(sandbox: Sandbox, task: Task, repetition: int) -> str:
    """The best of the editor's answers to the start solution, and of that itself, on practice instances."""
    request = Request("You are an expert programmer.", f"Improve this:\n```python\n{task.start}```\n")
    addresses = [f"{task.name} {repetition} {i}" for i in range(ANSWERS)]
    texts = [task.start, *(extract_code(one.text) for one in Offline(editing(sandbox)).complete(request, addresses))]
    practice = task.sample(roots(SEED).instances, "train", repetition, "practice")
    return max(texts, key=lambda text: _score(sandbox, task, text, practice))


def _score(sandbox: Sandbox, task: Task, text: str, instances: tuple[Instance, ...]) -> float:
    outcomes = _run(sandbox, task, text, instances)
    return fmean(_grade(task, *pair) for pair in zip(instances, outcomes, strict=True))


def _figures(sandbox: Sandbox, task: Task, repetitions: int) -> dict[str, object]:
    drawn = [
        task.sample(roots(SEED).instances, "validation", repetition, "judged") for repetition in range(repetitions)
    ]
    ran = [_run(sandbox, task, task.start, instances) for instances in drawn]
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


def _run(sandbox: Sandbox, task: Task, text: str, instances: tuple[Instance, ...]) -> tuple[Outcome, ...]:
    seeds = tuple(seed_from("guest", task.name, i) for i in range(len(instances)))
    return sandbox.run(Job(text, task.entry, tuple(one.args for one in instances), seeds, task.limits))


def _grade(task: Task, instance: Instance, outcome: Outcome) -> float:
    try:
        return task.grade(instance, outcome.answer) if outcome.kind == "answer" else 0.0
    except InvalidAnswer:
        return 0.0
