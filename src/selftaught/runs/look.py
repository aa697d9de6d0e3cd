"""A first look before anything is bought: every improver once with canned answers, every start solution once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from selftaught.budget import Allowance
from selftaught.errors import UnfitAtFirstLook
from selftaught.lab import Lab
from selftaught.lab.interface import ENTRY, offered
from selftaught.lab.rehearsal import PLAIN, Scene, rehearsed
from selftaught.program import Program
from selftaught.task import Task
from selftaught.utility import TaskUtility

_TAKES = "(initial_solution, utility, language_model)"
_AT = Allowance(calls=4, responses=6, scorings=25)


def first_look(lab: Lab, improvers: Mapping[str, Program], tasks: Sequence[Task]) -> None:
    """Raise UnfitAtFirstLook, with the line and what is available, where a run could only waste what it buys."""
    utilities = [TaskUtility(lab, task, "train", ["look"], "practice") for task in tasks]
    scene = Scene(Program(tasks[0].start), utilities[0].description, tasks[0].entry) if tasks else PLAIN
    for name, improver in improvers.items():
        if wrong := rehearsed(lab, improver, scene, _AT):
            raise UnfitAtFirstLook(
                f"the improver {name} {wrong}; an improver is {ENTRY}{_TAKES} and is given {offered()}; mend it"
            )
    for task, utility in zip(tasks, utilities, strict=True):
        found = utility.score(Program(task.start))
        if found.value is None:
            raise UnfitAtFirstLook(
                f"task {task.name}: its start solution fails on every instance ({found.reason}); mend it"
            )
