"""The meta-utility: an improver's score is the mean it reaches over tasks (paper, section 3).

It is itself a utility, whose programs are improvers; that is what makes the recursion one line.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import fmean as mean
from typing import Protocol

from selftaught.budget import Allowance, Usage
from selftaught.errors import UsageError
from selftaught.improver import ENTRY, improve
from selftaught.interface import about_improvers
from selftaught.lab import Lab
from selftaught.lab.workers import improving
from selftaught.plain import JSON, digest
from selftaught.program import Program, defect
from selftaught.settings import Keep
from selftaught.task import Half, Split, Task
from selftaught.utility import Score, TaskUtility, Utility

_log = logging.getLogger(__name__)
LEAST_HEADROOM = 0.1
"""A task with less to gain, as a share of its best, stands in tables only: its unit is so small that it drowns the others."""
SCALE_REPETITIONS = 8
"""How many train repetitions the start solution's raw score is measured on."""


class Downstream(Protocol):
    """A downstream task of the meta-utility: what an improver is given to improve, and what judges it."""

    @property
    def name(self) -> str: ...
    @property
    def start(self) -> str: ...
    @property
    def best(self) -> float: ...
    @property
    def known_start(self) -> float | None: ...

    @property
    def source(self) -> str:
        """Digest of all that decides a score of this task."""
        ...

    @property
    def own_allowance(self) -> Allowance | None:
        """What an improver run on it may use, where that is not what the meta-utility gives."""
        ...

    def utility(self, lab: Lab, split: Split, repetition: JSON, half: Half) -> Utility:
        """What judges its solutions on one half of one repetition."""
        ...


class SolutionTask:
    """A task of the box or of the user's own, as the meta-utility sees it: its solutions are programs like any other."""

    own_allowance = None

    def __init__(self, task: Task) -> None:
        self.task = task
        self.name, self.start, self.best, self.known_start = task.name, task.start, task.best, task.known_start

    @property
    def source(self) -> str:
        return self.task.source

    def utility(self, lab: Lab, split: Split, repetition: JSON, half: Half) -> Utility:
        return TaskUtility(lab, self.task, split, repetition, half)


@dataclass(frozen=True)
class ImproverTask:
    """The task to improve an improver: the meta-utility û among its own tasks, made small. Its solutions are improvers."""

    start: str
    """The improver to improve."""
    tasks: Sequence[ScaledTask]
    """What û is the mean over here: tasks of solutions only, one repetition of each."""
    own_allowance: Allowance
    """What the improver under judgement may use on this task."""
    inner: Allowance
    """What each improver that it has scored may use."""

    name = "û"
    best = 1.0
    known_start = None

    @property
    def source(self) -> str:
        return self._source

    @cached_property
    def _source(self) -> str:
        tasks: list[JSON] = [_identity(one) for one in self.tasks]
        return digest(["itself", self.start, tasks, self.own_allowance.plain(), self.inner.plain()])

    def utility(self, lab: Lab, split: Split, repetition: JSON, half: Half) -> MetaUtility:
        """û on instances and streams of this half of this repetition alone."""
        return MetaUtility(lab, self.tasks, split, ["itself", repetition, half], 1, self.inner)


@dataclass(frozen=True)
class ScaledTask:
    """A task on the common scale: the start solution is 0, the reference best 1, nothing is clipped."""

    task: Downstream
    start: float
    """Raw score of the start solution, measured before the run: it fixes the headroom, and nothing else."""

    @property
    def headroom(self) -> float:
        """What there is to gain at most, as raw score: the unit of the common scale."""
        return self.task.best - self.start

    @property
    def counts(self) -> bool:
        """Whether the task has headroom enough for its values to stand in means beside those of others."""
        return self.headroom >= LEAST_HEADROOM * self.task.best

    def value(self, raw: float, start: float) -> float:
        """The common scale: what was gained over the start solution on the very same instances, by the headroom."""
        return (raw - start) / self.headroom


@dataclass(frozen=True)
class Cell:
    """One improver run on one repetition of one task, judged."""

    task: str
    value: float
    """On the common scale."""
    raw: float
    failed: str | None
    """Why the improver run failed; None when it did not."""
    usage: Usage
    counts: bool = True
    """Whether the task has headroom enough to stand in means over tasks."""


def counting(cells: Sequence[Cell]) -> list[Cell]:
    """The cells that stand in means over tasks: those with headroom enough, or all where no task has it."""
    return [cell for cell in cells if cell.counts] or [*cells]


def scale(lab: Lab, task: Task | Downstream) -> ScaledTask:
    """Fix the scale of a task: measure its start solution once, on train instances that nothing else uses.

    Raises UsageError where the start solution leaves nothing to gain.
    """
    downstream = SolutionTask(task) if isinstance(task, Task) else task
    known = downstream.known_start
    start = _measure_start(lab, downstream) if known is None else known
    if start >= downstream.best:
        raise UsageError(
            f"task {downstream.name}: its start solution already scores {start:.3f}, the best is {downstream.best:g}"
        )
    return ScaledTask(downstream, start)


def _measure_start(lab: Lab, task: Downstream) -> float:
    start = Program(task.start)
    utilities = [task.utility(lab, "train", ["scale", i], "judged") for i in range(SCALE_REPETITIONS)]
    scores = [utility.score(start) for utility in utilities]
    if all(score.value is None for score in scores):
        _log.warning("task %s: its start solution fails on every instance (%s)", task.name, scores[0].reason)
    return sum(score.number for score in scores) / len(scores)


def _identity(one: ScaledTask) -> JSON:
    """What tells a task on its scale from every other."""
    return [one.task.name, one.task.source, one.start, one.task.best]


@dataclass(frozen=True)
class MetaUtility:
    """The mean, over tasks x repetitions, of what an improver makes of each task's start solution.

    Each repetition has instances of its own and a model stream of its own. Its *practice* instances are what the
    improver's utility scores on; only the *judged* ones count here, so that luck in selection is not paid for.
    """

    lab: Lab
    tasks: Sequence[ScaledTask]
    split: Split
    label: JSON
    """Sets these repetitions apart from all others of the split, e.g. the round."""
    repetitions: int
    allowance: Allowance
    """What each improver run may use."""
    keep: Keep = "better"
    """What of an improver run is judged (`settings.Keep`)."""

    entry = ENTRY

    @property
    def description(self) -> str:
        return about_improvers(len(self.tasks), self.repetitions, self.allowance, self._upon, self.keep)

    @property
    def _upon(self) -> list[Allowance]:
        """The allowances of the tasks to improve an improver that are among the tasks."""
        return [one.task.own_allowance for one in self.tasks if one.task.own_allowance]

    @property
    def key(self) -> JSON:
        tasks = [_identity(one) for one in self.tasks]
        own = self.lab.seed, tasks, self.split, self.label, self.repetitions, self.allowance.plain(), self.keep
        return ["meta", *own]

    def score(self, program: Program, earlier: int = 0) -> Score:
        """The mean on the common scale. Only an improver that is no program at all fails as such."""
        wrong = defect(program.text, self.entry)
        if wrong:
            return Score(None, wrong)
        cells = self.cells(program, earlier)
        values = tuple(cell.value for cell in counting(cells))
        failed = [cell.failed for cell in cells if cell.failed]
        if len(failed) == len(cells):
            return Score(None, failed[0], values, len(failed))
        return Score(sum(values) / len(values), None, values, len(failed))

    def cells(self, program: Program, earlier: int = 0) -> list[Cell]:
        """One cell per repetition and task, repetitions outermost, run side by side; fresh ones for each `earlier`."""
        first = earlier * self.repetitions
        return self.side_by_side([(program, one, first + r) for r in range(self.repetitions) for one in self.tasks])

    def side_by_side(self, wanted: Sequence[tuple[Program, ScaledTask, int]], tries: Sequence[int] = ()) -> list[Cell]:
        """A cell for each improver, task and repetition, as many at once as the level allows; `tries` as in `cell`."""
        each = zip(wanted, tries or [1] * len(wanted), strict=True)
        return self.lab.workers.map(improving(self.level), lambda one: self.cell(*one[0], one[1]), [*each])

    @property
    def level(self) -> int:
        """How many improvers that work on improvers are below the one that is judged here."""
        return int(bool(self._upon))

    def feedback(self, program: Program) -> str:
        """How the program fared by task number, and why runs failed; nothing of the tasks themselves."""
        wrong = defect(program.text, self.entry)
        if wrong:
            return f"It is no improver: {wrong}"
        cells = self.cells(program)
        lines = [f"Utility {mean(cell.value for cell in counting(cells)):.4f}."]
        for number, one in enumerate(self.tasks, 1):
            own = [cell for cell in cells if cell.task == one.task.name]
            failed = [cell.failed for cell in own if cell.failed]
            said = f"; {len(failed)} of {len(own)} runs failed, e.g. {failed[0]}" if failed else ""
            lines.append(
                f"Task {number}: {mean(cell.value for cell in own):.4f}, with {mean(c.usage.responses for c in own):.1f} "
                f"answers and {mean(c.usage.scorings for c in own):.1f} scorings a run{said}"
            )
        return "\n".join(lines)

    def cell(self, program: Program, scaled: ScaledTask, repetition: int, tries: int = 1) -> Cell:
        """One improver run on one repetition of one task, judged.

        With several `tries`, each has answers of its own and the best by the practice score counts: the seed improver tried
        n times is best-of-n sampling.
        """
        lab, task = self.lab, scaled.task
        which: list[JSON] = [self.label, repetition]
        practice = task.utility(lab, self.split, which, "practice")
        judged = task.utility(lab, self.split, which, "judged")
        stream: list[JSON] = ["inner", lab.seed, self.split, task.name, *which]
        start = Program(task.start)
        allowance, level = task.own_allowance or self.allowance, int(bool(task.own_allowance))
        runs = [
            improve(lab, program, start, practice, [*stream, k] if k else stream, allowance, level)
            for k in range(tries)
        ]
        found = [run.program for run in runs if run.program]
        kept = self._kept(start, found, practice)
        raw, before = judged.score(kept).number, judged.score(start).number
        usage = sum((run.usage for run in runs), Usage())
        failed = None if found else runs[0].reason
        return Cell(task.name, scaled.value(raw, before), raw, failed, usage, scaled.counts)

    def _kept(self, start: Program, found: Sequence[Program], practice: Utility) -> Program:
        """What a user would keep: the best by the practice score, the start solution unless something beats it.

        These scorings are the host's own, outside every allowance. The paper takes what was returned, unseen.
        """
        if self.keep == "returned" and len(found) < 2:
            return found[0] if found else start
        wanted = [start, *found] if self.keep == "better" else found
        return max(wanted, key=lambda one: practice.score(one).number)
