"""`policy`: tables of numbers that decide something again and again, judged by what they come to on average.

Where `formula` asks for structure, which is found or not, a policy's score rises in many small steps: what matters is how one
searches. Six kinds, one file each; what is hidden in a task (demands, travel times, costs …) is drawn by seed, so that training
and test tasks differ but are of one kind. A solution states its numbers once and everything is acted out on the trusted side.
"""

from __future__ import annotations

from importlib import import_module
from typing import cast

from selftaught.plain import rng_from
from selftaught.task import Task
from selftaught.tasks.groups import Sizes, named

KINDS = {
    "stock": "Stock",
    "control": "Control",
    "lights": "Lights",
    "prices": "Prices",
    "sale": "Sale",
    "queue": "Queue",
}
SIZES: Sizes = {"train": 6, "test": 12}
"""How many tasks `policy:train` and `policy:test` are when no number is given: one and two of each kind."""


def expand(spec: str, root: str) -> list[Task]:
    """The tasks named by `policy:train`, `policy:test` or, for the first n of them, `policy:train/n`; kinds take turns.

    What is hidden in them is decided by `root` (see `plain.Roots`). Raises UsageError for any other name.
    """
    group, count = named("policy", spec, SIZES)
    return [_task(group, i, root) for i in range(count)]


def _task(group: str, i: int, root: str) -> Task:
    kind = list(KINDS)[i % len(KINDS)]
    made = getattr(import_module(f"selftaught.tasks.policy.{kind}"), KINDS[kind])
    return cast("Task", made(f"policy-{group}-{i + 1}-{kind}", rng_from("policy", group, root, i)))
