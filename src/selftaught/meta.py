"""The meta-utility: an improver's score is the mean it reaches over tasks (paper, section 3).

It is itself a utility, whose programs are improvers; that is what makes the recursion one line.
"""

from __future__ import annotations

import builtins
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from statistics import fmean as mean

from selftaught.budget import Allowance, Usage, used_up
from selftaught.downstream import Cell, ScaledTask, counting
from selftaught.improver import Improvement, improve
from selftaught.lab import Lab
from selftaught.lab.interface import ENTRY, Fared, about_improvers, fared, no_improver
from selftaught.lab.workers import improving
from selftaught.plain import JSON, digest
from selftaught.program import Program
from selftaught.settings import Keep
from selftaught.task import Half, Split
from selftaught.utility import Score, Utility


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
    keep: Keep = "better"
    """What of an improver run counts, here as elsewhere."""

    name = "û"
    best = 1.0
    known_start = None
    top = None

    @property
    def source(self) -> str:
        return self._source

    @cached_property
    def _source(self) -> str:
        tasks: list[JSON] = [one.identity for one in self.tasks]
        return digest(["itself", self.start, tasks, self.own_allowance.plain(), self.inner.plain(), self.keep])

    def utility(self, lab: Lab, split: Split, repetition: JSON, half: Half) -> MetaUtility:
        """û on instances and streams of this half of this repetition alone."""
        return MetaUtility(lab, self.tasks, split, ["itself", repetition, half], 1, self.inner, self.keep)


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
    hints: str = ""
    """What the model inside these runs heeds, for another one that writes improvers."""

    entry = ENTRY

    @property
    def description(self) -> str:
        return about_improvers(len(self.tasks), self.repetitions, self.allowance, self._upon, self.keep, self.hints)

    @property
    def _upon(self) -> list[Allowance]:
        """The allowances of the tasks to improve an improver that are among the tasks."""
        return [one.task.own_allowance for one in self.tasks if one.task.own_allowance]

    @property
    def key(self) -> JSON:
        tasks = [one.identity for one in self.tasks]
        own = self.lab.seed, tasks, self.split, self.label, self.repetitions, self.allowance.plain(), self.keep
        return ["meta", *own]

    def score(self, program: Program, earlier: int = 0) -> Score:
        """The mean on the common scale. Only an improver that is no program at all fails as such."""
        wrong = self.lab.defect(program.text, self.entry)
        if wrong:
            return Score(None, wrong)
        cells = self.cells(program, earlier)
        values = tuple(cell.value for cell in counting(cells))
        empty = [cell.failures[0] for cell in cells if cell.empty]
        if len(empty) == len(cells):
            return Score(None, empty[0], values, len(empty))
        return Score(sum(values) / len(values), None, values, len(empty))

    def cells(self, program: Program, earlier: int = 0) -> list[Cell]:
        """One cell per repetition and task, repetitions outermost, run side by side; fresh ones for each `earlier`."""
        first = earlier * self.repetitions
        return self.side_by_side([(program, one, first + r) for r in range(self.repetitions) for one in self.tasks])

    def side_by_side(self, wanted: Sequence[tuple[Program, ScaledTask, int]], tries: Sequence[int] = ()) -> list[Cell]:
        """A cell for each improver, task and repetition, as many at once as the level allows; `tries` as in `cell`.

        All tries of all cells begin first: a cell finds them, or waits for them.
        """
        self.lab.progress.expect(len(wanted))
        each = list(zip(wanted, tries or [1] * len(wanted), strict=True))
        each_try = [partial(self._run, *one, k) for one, count in each if count > 1 for k in range(count)]
        cells = [partial(self.cell, *one, count) for one, count in each]
        made = self.lab.workers.map(improving(self.level), lambda work: work(), [*each_try, *cells])
        return [one for one in made if isinstance(one, Cell)]

    def asked(self, program: Program, wanted: Sequence[tuple[ScaledTask, int, int]]) -> list[int]:
        """Answers that improver runs used, each given by task, repetition and try; what was not run is run, side by side."""
        runs = self.lab.workers.map(improving(self.level), lambda one: self._run(program, *one), wanted)
        return [run.usage.responses for run in runs]

    @property
    def level(self) -> int:
        """How many improvers that work on improvers are below the one that is judged here."""
        return int(bool(self._upon))

    def feedback(self, program: Program) -> str:
        """How the program fared by task number, and why runs failed; nothing of the tasks themselves."""
        wrong = self.lab.defect(program.text, self.entry)
        if wrong:
            return no_improver(wrong)
        cells, tasks = self.cells(program), list[Fared]()
        for one in self.tasks:
            own = [cell for cell in cells if cell.task == one.task.name]
            failed = [reason for cell in own for reason in cell.failures]
            answers, scorings = (mean(getattr(cell.usage, name) for cell in own) for name in ("responses", "scorings"))
            why = _told_of(failed[0]) if failed else ""
            tasks.append(Fared(mean(cell.value for cell in own), answers, scorings, len(own), len(failed), why))
        return fared(mean(cell.value for cell in counting(cells)), tasks)

    def cell(self, program: Program, one: ScaledTask, repetition: int, tries: int = 1) -> Cell:
        """One improver run on one repetition of one task, judged.

        With several `tries`, each has answers of its own and the best by the practice score counts: the seed improver tried
        n times is best-of-n sampling; none leaves the start solution.
        """
        lab, task = self.lab, one.task
        which: list[JSON] = [self.label, repetition]
        practice = task.utility(lab, self.split, which, "practice")
        judged = task.utility(lab, self.split, which, "judged")
        start = Program(task.start)
        runs = [self._run(program, one, repetition, k) for k in range(tries)]
        found = [run.program for run in runs if run.program]
        kept = best_kept(self.keep, start, found, practice)
        raw, before = judged.score(kept).number, judged.score(start).number
        usage = sum((run.usage for run in runs), Usage())
        failures, empty = [run.reason for run in runs if run.reason], bool(runs) and not found
        lab.progress.step()
        value = one.value(raw, before)
        allowed = task.own_allowance or self.allowance
        ended = sum(bool(run.program) and used_up(run.reason or "", run.usage, allowed) for run in runs)
        return Cell(task.name, value, raw, before, failures, usage, one.counts, tries, empty, ended)

    def _run(self, program: Program, one: ScaledTask, repetition: int, k: int) -> Improvement:
        """The k-th improver run of a cell, on answers of its own."""
        lab, task = self.lab, one.task
        which: list[JSON] = [self.label, repetition]
        practice = task.utility(lab, self.split, which, "practice")
        stream: list[JSON] = ["inner", lab.roots.streams, self.split, task.name, *which]
        allowance, level = task.own_allowance or self.allowance, int(bool(task.own_allowance))
        return improve(lab, program, Program(task.start), practice, [*stream, k] if k else stream, allowance, level)


def best_kept(keep: Keep, start: Program, found: Sequence[Program], practice: Utility) -> Program:
    """What a user would keep: the best by the practice score, the start unless something beats it.

    These scorings are the host's own, outside every allowance. The paper takes what was returned, unseen.
    """
    if not found or (keep == "returned" and len(found) == 1):
        return found[0] if found else start
    wanted = [start, *found] if keep == "better" else found
    return max(wanted, key=lambda one: practice.score(one).number)


def _told_of(reason: str) -> str:
    """Of why an improver run failed only what is not its own words: they could carry what it has seen of hidden tasks."""
    kind, _, rest = reason.partition(": ")
    if kind != "error":
        return kind
    name = rest.partition(":")[0].strip()
    known = getattr(builtins, name, None)
    return name if isinstance(known, type) and issubclass(known, BaseException) else "an error"
