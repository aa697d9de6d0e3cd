"""Improvers against improvers: at equal allowances, on the test split, with common random numbers, as far as it takes.

Every improver runs on every task and repetition; those that ask the same in the same repetition see the same answers. The
first improver is the reference: the others are compared with it in pairs by (task, repetition). The number of repetitions is
fixed beforehand (t intervals, Holm's correction), or blocks of one repetition of every task are added until every verdict is
firm (confidence sequences, which hold however often one looks).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from statistics import fmean as mean
from typing import TypedDict, final

from selftaught.budget import Usage
from selftaught.downstream import Cell, ScaledTask, by_task, counting, failing
from selftaught.errors import UsageError
from selftaught.evidence.controls import TaskFigure, bounds_of
from selftaught.evidence.report import Heading, Reached, Used
from selftaught.evidence.statistics import (
    MIN_REPETITIONS,
    Bounds,
    Interval,
    PlainInterval,
    PlainVerdict,
    Scores,
    Verdict,
    contested,
    difference,
    guarded,
    guards_of,
    holm,
    improvement_probability,
    interquartile_mean,
    interval,
    judged,
    p_value,
    sequence,
    verdict,
)
from selftaught.evidence.strategies import Strategies, strategies
from selftaught.lab import Lab
from selftaught.meta import MetaUtility
from selftaught.program import Program
from selftaught.settings import Contest

_GAIN = 0.1
"""Costs are given for this much gain over the start solution, on the common scale."""
_ROUNDING = 1e-9
"""A gain up to this size is what rounding leaves of none."""
_MIDDLE_HOLDS = 10
"""From so many repetitions on, the bootstrap interval of an interquartile mean holds about as often as it says."""

Block = Sequence[Sequence[Cell]]
"""One repetition of every task: for each improver, its cells in the order of the tasks."""


@dataclass(frozen=True)
class Result:
    """What a contest came to."""

    contest: Contest
    improvers: Sequence[Program]
    named: Strategies
    """Those of the improvers."""
    tasks: Sequence[ScaledTask]
    blocks: Sequence[Block]

    def cells(self, i: int) -> list[Cell]:
        """The cells of the i-th improver, repetitions outermost."""
        return [cell for block in self.blocks for cell in block[i]]

    def scores(self, i: int) -> dict[str, list[float]]:
        """Values by task; tasks with too little headroom are left out."""
        return by_task(counting(self.cells(i)))

    def start(self) -> dict[str, list[float]]:
        """The start solutions in the same shape: nothing but 0."""
        return {task: [0.0] * len(values) for task, values in self.scores(0).items()}

    @property
    def bounds(self) -> Bounds | None:
        """Of a difference in any cell."""
        return bounds_of(self.tasks)

    def verdicts(self) -> list[Verdict]:
        """One verdict per improver but the first, all of them together wrong in at most 5 %.

        Better than the first is said only of one that is also better than the start solutions, worse only where the first is.
        """
        others = range(1, len(self.improvers))
        if self.contest.limit is not None:
            return [self._watched_verdict(i) for i in others]
        return self._contested[1]

    def unseen(self) -> list[Verdict]:
        """The same about tasks that were not among these."""
        return self._judged(unseen=True)[1]

    @cached_property
    def _contested(self) -> tuple[list[Verdict], list[Verdict]]:
        return self._judged(unseen=False)

    def _judged(self, unseen: bool) -> tuple[list[Verdict], list[Verdict]]:
        entrants = [self.scores(i) for i in range(len(self.improvers))]
        return contested(entrants, self.start(), self.contest.margin, unseen=unseen, bounds=self.bounds)

    def against_start(self) -> list[Verdict]:
        """One verdict per improver against the start solutions, corrected for their number."""
        if self.contest.limit is not None:
            return [verdict(self._watched(i, None)) for i in range(len(self.improvers))]
        return self._contested[0]

    def p_values(self) -> list[float]:
        """One p of "no difference from the first" per improver but the first, not corrected."""
        others = range(1, len(self.improvers))
        return [p_value(self.scores(i), self.scores(0), bounds=self.bounds) for i in others]

    def holm_values(self) -> list[float]:
        """The same corrected for their number; 1 where the better side is not called better than the start solutions. Below 5 %
        exactly where better or worse is said; equivalence has a test of its own."""
        first, *others = (one.kind == "better" for one in self._contested[0])
        found = [difference(self.scores(i), self.scores(0), bounds=self.bounds) for i in range(1, len(self.improvers))]
        guards = guards_of(found, [(one, first) for one in others])
        return holm([max(one.p(), guard) for one, guard in zip(found, guards, strict=True)])

    @property
    def decided(self) -> bool:
        return all(one.kind != "indecisive" for one in self.verdicts())

    def _watched_verdict(self, i: int) -> Verdict:
        found = verdict(self._watched(i, 0), self.contest.margin)
        return guarded(found, verdict(self._watched(i, None)), verdict(self._watched(0, None)))

    def _watched(self, i: int, other: int | None) -> Interval:
        """The difference to another improver, or to the start solutions, by confidence sequence over the blocks."""
        bounds = self.bounds
        if bounds is None:
            raise UsageError("--until decided needs tasks whose grades are bounded: say --repetitions instead")
        low, high = bounds
        differences = [_differences(block[i], block[other] if other is not None else None) for block in self.blocks]
        # Rounding may leave the bounds by a hair.
        kept_in = [[min(high, max(low, one)) for one in block] for block in differences]
        claims = len(self.improvers) - (other is not None)
        return sequence(kept_in, (low, high), claims)


def _differences(cells: Sequence[Cell], others: Sequence[Cell] | None) -> list[float]:
    """Cell by cell, of the tasks that count; without others, to the start solutions."""
    before = [cell.value for cell in counting(others)] if others else [0.0] * len(counting(cells))
    return [cell.value - b for cell, b in zip(counting(cells), before, strict=True)]


def contend(lab: Lab, contest: Contest, tasks: Sequence[ScaledTask]) -> Result:
    """Run a contest to its end. Every cell is a fact, so the same call again finds what was done before."""
    improvers = [Program(lab.store.text(one.improver)) for one in contest.entrants]
    named = strategies(lab.sandbox, improvers)
    blocks = _blocks(lab, contest, improvers, tasks, range(contest.repetitions))
    result = Result(contest, improvers, named, tasks, blocks)
    while contest.limit and len(result.blocks) < contest.limit and not result.decided:
        done = len(result.blocks)
        more = _blocks(lab, contest, improvers, tasks, range(done, done + 1))
        result = replace(result, blocks=[*result.blocks, *more])
    return result


def _blocks(
    lab: Lab, contest: Contest, improvers: Sequence[Program], tasks: Sequence[ScaledTask], repetitions: range
) -> list[Block]:
    """Some blocks, all their cells side by side."""
    lab.progress.phase(f"comparing {len(improvers)} improvers, repetition {repetitions[-1] + 1}")
    judge = MetaUtility(lab, tasks, "test", "compare", 1, contest.inner, contest.keep)
    wanted = [(improver, task, r) for r in repetitions for improver in improvers for task in tasks]
    cells = iter(judge.side_by_side(wanted))
    return [[[next(cells) for _ in tasks] for _ in improvers] for _ in repetitions]


# --- the document -----------------------------------------------------------------------------------------------------


class PerRun(TypedDict):
    """What an improver run used on average."""

    responses: float
    scorings: float
    tokens: float
    dollars: float | None
    """The recorded price; null: that of one answer is unknown."""


class CostPerGain(TypedDict):
    """What a gain of 0.1 over the start solution costs: mean use by mean gain; null where there is no gain."""

    responses: float | None
    tokens: float | None
    dollars: float | None


class EntrantTask(TaskFigure):
    """What an improver reaches on one task."""

    iqm: PlainInterval
    """The interquartile mean."""


class AgainstFirst(PlainVerdict):
    """An improver against the first, in pairs by (task, repetition); the verdicts allow for the number of improvers.

    Where looking decided the number of repetitions, only the verdict keeps its error rate: `p`, `p_holm`, `unseen_tasks`
    and `per_task` are null.
    """

    p: float | None
    """Of "no difference", not corrected."""
    p_holm: float | None
    """Corrected for the number of improvers; 1 where the better one is not called better than the start solutions."""
    probability: PlainInterval
    """That a run of it beats a run of the first."""
    unseen_tasks: PlainVerdict | None
    """The verdict about tasks that were not among these."""
    per_task: dict[str, PlainVerdict] | None


class EntrantFigures(TypedDict):
    """One improver of a comparison."""

    name: str
    improver: str
    """Digest of its text."""
    strategies: list[str]
    test: PlainInterval
    """Its mean over tasks: 0 is the start solution, 1 the best known one."""
    iqm: PlainInterval
    """The interquartile mean."""
    per_task: dict[str, EntrantTask]
    failed: float
    """The share of runs that failed; of those that had handed nothing in before, the start solution counts."""
    failure: str | None
    """How the first of them failed."""
    usage: PerRun
    cost_per_gain: CostPerGain
    against_start: PlainVerdict
    """Against the start solutions, on the same instances."""
    against_first: AgainstFirst | None
    """Null for the first."""


class PlainCell(TypedDict):
    """One improver run: one task, one repetition."""

    improver: str
    """Its name."""
    task: str
    repetition: int
    value: float
    """On the common scale."""
    raw: float
    failed: str | None
    """How it failed."""
    calls: int
    responses: int
    scorings: int
    tokens_in: int
    tokens_out: int
    dollars: float | None


class ContestFigures(TypedDict):
    """What a comparison of improvers came to."""

    improvers: list[EntrantFigures]
    """In the order asked for; the first is the one that the others are compared with."""
    tasks: list[str]
    repetitions: int
    """Of every task."""
    decided: bool | None
    """Whether every verdict is firm; null with one improver."""
    little_headroom: list[str]
    """Tasks that stand in no mean, because there is too little to gain on them."""
    earlier_looks: list[str]
    """Earlier runs in the store that were judged on the same instances."""
    notes: list[str]
    """What a reader must know of these figures before he believes them."""
    cells: list[PlainCell]


@final
class ContestDocument(Heading, ContestFigures):
    """A comparison that has come to its end: `selftaught compare --json`."""

    usage: Used


@final
class ContestReached(Reached):
    """A comparison that has not come to its end: it has no figures yet."""


def document(result: Result, looks: Sequence[str] = ()) -> ContestFigures:
    """Every figure of a contest as plain data."""
    names = [one.name for one in result.contest.entrants]
    rows = [_row(result, i, name, one) for i, (name, one) in enumerate(zip(names, result.against_start(), strict=True))]
    for row, one in zip(rows[1:], _against_first(result), strict=True):
        row["against_first"] = one
    return {
        "improvers": rows,
        "tasks": [one.task.name for one in result.tasks],
        "repetitions": len(result.blocks),
        "little_headroom": [one.task.name for one in result.tasks if not one.counts],
        "earlier_looks": list(looks),
        "decided": result.decided if len(names) > 1 else None,
        "notes": _notes(result),
        "cells": [_cell(name, r, cell) for i, name in enumerate(names) for r, cell in _numbered(result, i)],
    }


def _row(result: Result, i: int, name: str, against_start: Verdict) -> EntrantFigures:
    cells, scores = result.cells(i), result.scores(i)
    failures = [reason for cell in cells for reason in cell.failures if not cell.used_up]
    return {
        "name": name,
        "improver": result.improvers[i].digest,
        "strategies": list(result.named.of(result.improvers[i])),
        "test": interval(scores).plain(),
        "iqm": interquartile_mean(scores).plain(),
        "per_task": {task: _task(values, cells, task) for task, values in by_task(cells).items()},
        "failed": failing(cells),
        "failure": failures[0] if failures else None,
        "usage": _per_run(cells),
        "cost_per_gain": _cost_per_gain(cells),
        "against_start": against_start.plain(),
        "against_first": None,
    }


def _task(values: Sequence[float], cells: Sequence[Cell], task: str) -> EntrantTask:
    own = {task: values}
    mine = [cell for cell in cells if cell.task == task]
    raw, failed = mean(cell.raw for cell in mine), failing(mine)
    return {**interval(own).plain(), "iqm": interquartile_mean(own).plain(), "raw": raw, "failed": failed}


def _per_run(cells: Sequence[Cell]) -> PerRun:
    total, runs = sum((cell.usage for cell in cells), Usage()), len(cells)
    return {
        "responses": total.responses / runs,
        "scorings": total.scorings / runs,
        "tokens": (total.tokens_in + total.tokens_out) / runs,
        "dollars": None if total.dollars is None else total.dollars / runs,
    }


def _cost_per_gain(cells: Sequence[Cell]) -> CostPerGain:
    """What `_GAIN` over the start solution costs: mean use divided by mean gain; None where there is no gain.

    Where nothing came of any run there is none: what its start solutions happened to score on these instances was bought by
    nothing.
    """
    gain = 0.0 if all(cell.empty for cell in cells) else mean(cell.value for cell in counting(cells))
    used = _per_run(cells)

    def price(value: float | None) -> float | None:
        return value * _GAIN / gain if value is not None and gain > _ROUNDING else None

    return {
        "responses": price(used["responses"]),
        "tokens": price(used["tokens"]),
        "dollars": price(used["dollars"]),
    }


def _against_first(result: Result) -> list[AgainstFirst]:
    """Each improver but the first against the first: the verdict, Holm's p, and figures that say more of it.

    Where looking decided the number of blocks, only the verdict by confidence sequence keeps its error rate: the others are
    None.
    """
    fixed = result.contest.limit is None
    first = result.scores(0)
    p_values = result.p_values()
    adjusted, unseen, per_task = result.holm_values(), result.unseen(), _task_differences(result)
    return [
        {
            **one.plain(),
            "p": p_values[k] if fixed else None,
            "p_holm": adjusted[k] if fixed else None,
            "probability": improvement_probability(result.scores(k + 1), first).plain(),
            "unseen_tasks": unseen[k].plain() if fixed else None,
            "per_task": per_task[k] if fixed else None,
        }
        for k, one in enumerate(result.verdicts())
    ]


def _task_differences(result: Result) -> list[dict[str, PlainVerdict]]:
    """The verdicts task by task; Holm's corrections are over all tasks and improvers."""
    names, places = [*result.scores(0)], range(len(result.improvers))
    single = {(i, task): _only(result.scores(i), task) for i in places for task in names}
    over_start = judged([(one, _only(result.start(), task)) for (_, task), one in single.items()], bounds=result.bounds)
    better = {place: one.kind == "better" for place, one in zip(single, over_start, strict=True)}
    wanted = [(i, task) for i in places[1:] for task in names]
    sides: list[tuple[Scores, Scores]] = [(single[i, task], single[0, task]) for i, task in wanted]
    passed = [(better[i, task], better[0, task]) for i, task in wanted]
    found = iter(judged(sides, result.contest.margin, passed=passed, bounds=result.bounds))
    return [{task: next(found).plain() for task in names} for _ in result.improvers[1:]]


def _only(scores: Mapping[str, Sequence[float]], task: str) -> dict[str, Sequence[float]]:
    return {task: scores[task]}


def _notes(result: Result) -> list[str]:
    """What a reader must know of these figures before he believes them."""
    contest, notes = result.contest, list[str]()
    for i, one in enumerate(contest.entrants):
        if why := result.named.untold.get(result.improvers[i].digest):
            notes.append(f"{one.name}: no strategies are told, for its program could not be followed ({why}).")
        cells = result.cells(i)
        if all(cell.empty for cell in cells):
            why = cells[0].failures[0]
            notes.append(f"{one.name} failed in every run, so its figures are those of the start solution: {why}")
    if len(result.blocks) == 1:
        more = "ask for more --repetitions" if contest.limit is None else "only the verdicts need none of it"
        notes.append(f"One repetition says nothing of the spread: there are no intervals of means; {more}.")
    elif alike := _without_spread(result):
        notes.append(
            f"{', '.join(alike)}: all repetitions of a task gave one score; their spread is unknown, so that intervals are "
            "missing, or as wide as the bounds of grades make them."
        )
    if MIN_REPETITIONS <= len(result.blocks) < _MIDDLE_HOLDS:
        notes.append(f"Below {_MIDDLE_HOLDS} repetitions the interval of an IQM is a little too narrow.")
    if len(result.tasks) == 1:
        notes.append("One task: nothing here speaks of other tasks.")
    if contest.limit is not None:
        notes.append(
            "The number of blocks was decided by looking: the verdicts allow for that, so there are none by task or on "
            "unseen tasks; the other intervals are as if it had been fixed beforehand."
        )
        if not result.decided:
            notes.append(f"The limit of {contest.limit} repetitions was reached before every verdict was firm.")
    return notes


def _without_spread(result: Result) -> list[str]:
    """The improvers whose scores do not differ between repetitions, on any task."""
    scores = {one.name: result.scores(i) for i, one in enumerate(result.contest.entrants)}
    return [name for name, by in scores.items() if all(len(set(values)) == 1 for values in by.values())]


def _numbered(result: Result, i: int) -> list[tuple[int, Cell]]:
    return [(r, cell) for r, block in enumerate(result.blocks) for cell in block[i]]


def _cell(name: str, repetition: int, cell: Cell) -> PlainCell:
    """One row of the table of single runs."""
    return {
        "improver": name,
        "task": cell.task,
        "repetition": repetition,
        "value": cell.value,
        "raw": cell.raw,
        "failed": cell.failures[0] if cell.failures and not cell.used_up else None,
        "calls": cell.usage.calls,
        "responses": cell.usage.responses,
        "scorings": cell.usage.scorings,
        "tokens_in": cell.usage.tokens_in,
        "tokens_out": cell.usage.tokens_out,
        "dollars": cell.usage.dollars,
    }
