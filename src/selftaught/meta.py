"""The meta-utility: an improver's score is the mean it reaches over tasks (paper, section 3).

It is itself a utility, whose programs are improvers; that is what makes the recursion one line.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import fmean as mean

from selftaught.budget import Allowance, Usage
from selftaught.improver import ENTRY, improve
from selftaught.lab import Lab
from selftaught.plain import JSON, digest
from selftaught.program import Program, defect
from selftaught.score import Score
from selftaught.task import Half, Split, Task
from selftaught.utility import TaskUtility, Utility

_log = logging.getLogger(__name__)
SCALE_REPETITIONS = 8
"""How many train repetitions the start solution's raw score is measured on."""


@dataclass(frozen=True)
class Itself:
    """The task to improve an improver: the meta-utility û among its own tasks, made small. Its solutions are improvers."""

    start: str
    """The improver to improve."""
    tasks: Sequence[Scaled]
    """What û is the mean over here: tasks of solutions only, one repetition of each."""
    allowance: Allowance
    """What the improver under judgement may use on this task."""
    inner: Allowance
    """What each improver that it has scored may use."""

    name = "û"
    best = 1.0
    known_start = None

    @cached_property
    def source(self) -> str:
        """Digest of all that decides a score of this task, as that of `Task`."""
        tasks: list[JSON] = [_identity(one) for one in self.tasks]
        return digest(["itself", self.start, tasks, self.allowance.plain(), self.inner.plain()])

    def utility(self, lab: Lab, split: Split, repetition: JSON, half: Half) -> MetaUtility:
        """û on instances and streams of this half of this repetition alone."""
        return MetaUtility(lab, self.tasks, split, ["itself", repetition, half], 1, self.inner)


@dataclass(frozen=True)
class Scaled:
    """A task on the common scale: the start solution's raw score is 0, the reference best 1, nothing is clipped."""

    task: Task | Itself
    start: float
    """Raw score of the start solution, fixed before the run."""

    def __call__(self, raw: float) -> float:
        return (raw - self.start) / (self.task.best - self.start)


@dataclass(frozen=True)
class Cell:
    """One improver run on one repetition of one task, judged."""

    task: str
    value: float
    """On the common scale."""
    raw: float
    failed: str | None
    """Why the improver run failed, so that its start solution was judged in its stead; None when it did not."""
    usage: Usage


def scale(lab: Lab, task: Task | Itself) -> Scaled:
    """Measure the start solution once, on train instances that nothing else uses, and fix the task's scale."""
    if task.known_start is not None:
        return Scaled(task, task.known_start)
    start = Program(task.start)
    utilities = [_utility(lab, task, "train", ["scale", i], "judged") for i in range(SCALE_REPETITIONS)]
    scores = [utility.score(start) for utility in utilities]
    if all(score.value is None for score in scores):
        _log.warning("task %s: its start solution fails on every instance (%s)", task.name, scores[0].reason)
    return Scaled(task, sum(score.shown for score in scores) / len(scores))


def _utility(lab: Lab, task: Task | Itself, split: Split, repetition: JSON, half: Half) -> Utility:
    """What judges solutions of a task on one half of one repetition."""
    if isinstance(task, Itself):
        return task.utility(lab, split, repetition, half)
    return TaskUtility(lab, task, split, repetition, half)


def _identity(one: Scaled) -> JSON:
    """What tells a task on its scale from every other."""
    return [one.task.name, one.task.source, one.start, one.task.best]


@dataclass(frozen=True)
class MetaUtility:
    """The mean, over tasks x repetitions, of what an improver makes of each task's start solution.

    Each repetition has instances of its own and a model stream of its own. Its *practice* instances are what the
    improver's utility scores on; only the *judged* ones count here, so that luck in selection is not paid for.
    """

    lab: Lab
    tasks: Sequence[Scaled]
    split: Split
    label: JSON
    """Sets these repetitions apart from all others of the split, e.g. the round."""
    repetitions: int
    allowance: Allowance
    """What each improver run may use."""
    repeats: int = 1
    """Improver runs per cell, each with answers of its own; the best by the practice score counts. The seed improver
    repeated n times is best-of-n sampling."""

    entry = ENTRY

    @property
    def description(self) -> str:
        budget = self.allowance
        return (
            f"The utility of an improver is what it reaches on average over {len(self.tasks)} downstream tasks, "
            f"{self.repetitions} times each. On each task improve_algorithm(initial_solution, utility, language_model) "
            "is given the task's start solution, a utility and a language model, and returns an improved solution, "
            "which is then judged on instances of the task that the improver could not score on. 0 stands for the start "
            "solution and 1 for the best known one; an improver run that fails, or that exceeds a budget without "
            "catching BudgetExhausted, counts as its start solution. "
            f"In each run the improver has utility.budget = {budget.scorings} scorings, language_model.budget = "
            f"{budget.calls} calls with language_model.max_responses_per_call = {budget.responses} answers each, and "
            f"{budget.cpu_s:g} s of CPU time for its own code. {self._itself_said()}The tasks are not shown, so an improver "
            "has to be good in general. Scoring the same improver again draws fresh instances and fresh answers of the model."
        )

    def _itself_said(self) -> str:
        """What is different in the task to improve an improver, where it is among the tasks."""
        budgets = [one.task.allowance for one in self.tasks if isinstance(one.task, Itself)]
        return "".join(
            f"One of the tasks is to improve an improver, with {budget.scorings} scorings, {budget.calls} calls of "
            f"{budget.responses} answers each and {budget.cpu_s:g} s. "
            for budget in budgets
        )

    @property
    def key(self) -> JSON:
        tasks = [_identity(one) for one in self.tasks]
        return [
            "meta",
            self.lab.seed,
            tasks,
            self.split,
            self.label,
            self.repetitions,
            self.allowance.plain(),
            self.repeats,
        ]

    def score(self, program: Program, block: int = 0) -> Score:
        """The mean on the common scale. Only an improver that is no program at all fails as such."""
        wrong = defect(program.text, self.entry)
        if wrong:
            return Score(None, wrong)
        cells = self.cells(program, block)
        values = tuple(cell.value for cell in cells)
        failed = [cell.failed for cell in cells if cell.failed]
        if len(failed) == len(cells):
            return Score(None, failed[0], values, len(failed))
        return Score(sum(values) / len(values), None, values, len(failed))

    def cells(self, program: Program, block: int = 0) -> list[Cell]:
        """One cell per repetition and task, repetitions outermost, run side by side."""
        places = [(one, block * self.repetitions + r) for r in range(self.repetitions) for one in self.tasks]
        return self.side_by_side([(program, *place) for place in places])

    def side_by_side(self, places: Sequence[tuple[Program, Scaled, int]]) -> list[Cell]:
        """A cell for each improver, task and repetition, as many at once as the depth allows."""
        return self.lab.workers.map(f"improve {self.depth}", lambda place: self.cell(*place), places)

    @property
    def depth(self) -> int:
        """How many improvers that work on improvers are below the one that is judged here."""
        return int(any(isinstance(one.task, Itself) for one in self.tasks))

    def feedback(self, program: Program) -> str:
        """How the program fared by task number, and why runs failed; nothing of the tasks themselves."""
        wrong = defect(program.text, self.entry)
        if wrong:
            return f"It is no improver: {wrong}"
        cells = self.cells(program)
        lines = [f"Utility {mean(cell.value for cell in cells):.4f}."]
        for number, one in enumerate(self.tasks, 1):
            own = [cell for cell in cells if cell.task == one.task.name]
            failed = [cell.failed for cell in own if cell.failed]
            said = f"; {len(failed)} of {len(own)} runs failed, e.g. {failed[0]}" if failed else ""
            lines.append(
                f"Task {number}: {mean(cell.value for cell in own):.4f}, with {mean(c.usage.responses for c in own):.1f} "
                f"answers and {mean(c.usage.scorings for c in own):.1f} scorings a run{said}"
            )
        return "\n".join(lines)

    def cell(self, program: Program, scaled: Scaled, repetition: int) -> Cell:
        """One improver run on one repetition of one task, judged."""
        lab, task = self.lab, scaled.task
        place: list[JSON] = [self.label, repetition]
        practice = _utility(lab, task, self.split, place, "practice")
        judged = _utility(lab, task, self.split, place, "judged")
        stream: list[JSON] = ["inner", lab.seed, self.split, task.name, *place]
        start = Program(task.start)
        allowance, depth = (task.allowance, 1) if isinstance(task, Itself) else (self.allowance, 0)
        runs = [
            improve(lab, program, start, practice, [*stream, k] if k else stream, allowance, depth)
            for k in range(self.repeats)
        ]
        found = [run.program for run in runs if run.program]
        best = max(found, key=lambda one: practice.score(one).shown) if len(found) > 1 else (found or [start])[0]
        raw = judged.score(best).shown
        usage = sum((run.usage for run in runs), Usage())
        return Cell(task.name, scaled(raw), raw, None if found else runs[0].reason, usage)
