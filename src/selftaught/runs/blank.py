"""Tasks without a start solution, for the paper's maximizers: what is improved is a stub that answers nothing."""

from __future__ import annotations

import random
from collections.abc import Mapping

from selftaught.downstream import ScaledTask, SolutionTask
from selftaught.plain import JSON, digest
from selftaught.task import Instance, Split, Task


class Blank(Task):
    """Another task whose start solution is hidden. Names, instances and grades are the other task's."""

    instances: Mapping[Split, int]

    def __init__(self, task: Task) -> None:
        self._task = task
        self.name, self.entry, self.summary = task.name, task.entry, task.summary
        self.limits, self.instances, self.best = task.limits, task.instances, task.best
        self.start = f"def {task.entry}(*args):\n    return None\n"

    @property
    def description(self) -> str:
        return self._task.description

    @property
    def source_files(self) -> list[str | None]:
        return self._task.source_files

    @property
    def source(self) -> str:  # pyright: ignore[reportIncompatibleVariableOverride] - computed, as in Task
        return digest(["blank", self._task.source])

    def draw(self, rng: random.Random) -> Instance:
        return self._task.draw(rng)

    def grade(self, instance: Instance, answer: JSON) -> float:
        return self._task.grade(instance, answer)

    def explain(self, instance: Instance, answer: JSON) -> str:
        return self._task.explain(instance, answer)


def blank(one: ScaledTask) -> ScaledTask:
    """The task without its start solution, on the same scale. Improving an improver is no task without a start."""
    if not isinstance(one.task, SolutionTask):
        raise TypeError(f"{one.task.name} cannot do without its start solution")
    return ScaledTask(SolutionTask(Blank(one.task.task)), one.start)
