"""Improvers against improvers: at equal allowances, on the test split, with common random numbers, as far as it takes.

Every improver runs on every task and repetition; those that ask the same in the same repetition see the same answers. The
first improver is the reference: the others are compared with it in pairs by (task, repetition). The number of repetitions is
fixed beforehand (t intervals, Holm's correction), or blocks of one repetition of every task are added until every verdict is
firm (confidence sequences, which hold however often one looks).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean as mean

from selftaught.budget import Usage
from selftaught.evidence.controls import by_task
from selftaught.evidence.statistics import (
    MIN_REPETITIONS,
    Bounds,
    Interval,
    Scores,
    Verdict,
    holm,
    improvement_probability,
    interquartile_mean,
    interval,
    judged,
    p_value,
    sequence,
    verdict,
)
from selftaught.evidence.strategies import strategies
from selftaught.lab import Lab
from selftaught.meta import Cell, MetaUtility, ScaledTask
from selftaught.plain import JSON
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
    tasks: Sequence[ScaledTask]
    blocks: Sequence[Block]

    def cells(self, i: int) -> list[Cell]:
        """The cells of the i-th improver, repetitions outermost."""
        return [cell for block in self.blocks for cell in block[i]]

    def scores(self, i: int) -> dict[str, list[float]]:
        return by_task(self.cells(i))

    def verdicts(self) -> list[Verdict]:
        """One verdict per improver but the first, all of them together wrong in at most 5 %."""
        others = range(1, len(self.improvers))
        if self.contest.limit is not None:
            return [verdict(self._watched(i), self.contest.margin) for i in others]
        return judged([(self.scores(i), self.scores(0)) for i in others], self.contest.margin)

    def unseen(self) -> list[Verdict]:
        """The same about tasks that were not among these."""
        others = range(1, len(self.improvers))
        return judged([(self.scores(i), self.scores(0)) for i in others], self.contest.margin, unseen=True)

    def p_values(self) -> list[float]:
        """One p of "no difference from the first" per improver but the first, not corrected."""
        return [p_value(self.scores(i), self.scores(0)) for i in range(1, len(self.improvers))]

    @property
    def decided(self) -> bool:
        return all(one.kind != "indecisive" for one in self.verdicts())

    def _watched(self, i: int) -> Interval:
        """The difference to the first improver by confidence sequence over the blocks."""
        low, high = _bounds(self.tasks)
        differences = [[a.value - b.value for a, b in zip(block[i], block[0], strict=True)] for block in self.blocks]
        # Rounding may leave the bounds by a hair.
        kept_in = [[min(high, max(low, one)) for one in block] for block in differences]
        return sequence(kept_in, (low, high), len(self.improvers) - 1)


def contend(lab: Lab, contest: Contest, tasks: Sequence[ScaledTask]) -> Result:
    """Run a contest to its end. Every cell is a fact, so the same call again finds what was done before."""
    improvers = [Program(lab.store.text(one.improver)) for one in contest.entrants]
    result = Result(contest, improvers, tasks, _blocks(lab, contest, improvers, tasks, range(contest.repetitions)))
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
    judge = MetaUtility(lab, tasks, "test", "compare", 1, contest.inner)
    wanted = [(improver, task, r) for r in repetitions for improver in improvers for task in tasks]
    cells = iter(judge.side_by_side(wanted))
    return [[[next(cells) for _ in tasks] for _ in improvers] for _ in repetitions]


def _bounds(tasks: Sequence[ScaledTask]) -> Bounds:
    """What a difference can be at all: raw scores lie in [0, 1], the common scale stretches them."""
    widest = max(1.0 / (one.task.best - one.start) for one in tasks)
    return -widest, widest


# --- the document -----------------------------------------------------------------------------------------------------


def document(result: Result) -> dict[str, JSON]:
    """Every figure of a contest as plain data."""
    names = [one.name for one in result.contest.entrants]
    rows = [_row(result, i, name) for i, name in enumerate(names)]
    for row, one in zip(rows[1:], _against_first(result), strict=True):
        row["against_first"] = one
    return {
        "improvers": rows,
        "tasks": [one.task.name for one in result.tasks],
        "repetitions": len(result.blocks),
        "decided": result.decided if len(names) > 1 else None,
        "notes": _notes(result),
        "cells": [_cell(name, r, cell) for i, name in enumerate(names) for r, cell in _numbered(result, i)],
    }


def _row(result: Result, i: int, name: str) -> dict[str, JSON]:
    cells, scores = result.cells(i), result.scores(i)
    failed = [cell.failed for cell in cells if cell.failed]
    return {
        "name": name,
        "improver": result.improvers[i].digest,
        "strategies": list(strategies(result.improvers[i])),
        "test": interval(scores).plain(),
        "iqm": interquartile_mean(scores).plain(),
        "per_task": {task: _task(values, cells, task) for task, values in scores.items()},
        "failed": len(failed) / len(cells),
        "failure": failed[0] if failed else None,
        "usage": _per_run(cells),
        "cost_per_gain": _cost_per_gain(cells),
        "against_first": None,
    }


def _task(values: Sequence[float], cells: Sequence[Cell], task: str) -> dict[str, JSON]:
    own = {task: values}
    raw = mean(cell.raw for cell in cells if cell.task == task)
    return {**interval(own).plain(), "iqm": interquartile_mean(own).plain(), "raw": raw}


def _per_run(cells: Sequence[Cell]) -> dict[str, JSON]:
    """What an improver run used on average. `dollars` is the recorded price, None when one is unknown."""
    total = sum((cell.usage for cell in cells), Usage())
    used = {
        "responses": total.responses,
        "scorings": total.scorings,
        "tokens": total.tokens_in + total.tokens_out,
        "dollars": total.dollars,
    }
    return {name: None if value is None else value / len(cells) for name, value in used.items()}


def _cost_per_gain(cells: Sequence[Cell]) -> dict[str, JSON]:
    """What `_GAIN` over the start solution costs: mean use divided by mean gain; None where there is no gain.

    Where every run failed there is none: what its start solutions happened to score on these instances was bought by nothing.
    """
    gain = 0.0 if all(cell.failed for cell in cells) else mean(cell.value for cell in cells)
    used = _per_run(cells)
    return {
        name: value * _GAIN / gain if isinstance(value := used[name], int | float) and gain > _ROUNDING else None
        for name in ("responses", "tokens", "dollars")
    }


def _against_first(result: Result) -> list[JSON]:
    """Each improver but the first against the first: the verdict, Holm's p, and figures that say more of it.

    Where looking decided the number of blocks, only the verdict by confidence sequence keeps its error rate: the others are
    None.
    """
    fixed = result.contest.limit is None
    first = result.scores(0)
    p_values = result.p_values()
    adjusted, unseen, per_task = holm(p_values), result.unseen(), _task_differences(result)
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


def _task_differences(result: Result) -> list[dict[str, JSON]]:
    """The verdicts task by task; Holm's correction is over all tasks and improvers."""
    names = [one.task.name for one in result.tasks]
    sides: list[tuple[Scores, Scores]] = [
        (_only(result.scores(i), task), _only(result.scores(0), task))
        for i in range(1, len(result.improvers))
        for task in names
    ]
    found = iter(judged(sides, result.contest.margin))
    return [{task: next(found).plain() for task in names} for _ in result.improvers[1:]]


def _only(scores: Mapping[str, Sequence[float]], task: str) -> dict[str, Sequence[float]]:
    return {task: scores[task]}


def _notes(result: Result) -> list[JSON]:
    """What a reader must know of these figures before he believes them."""
    contest, notes = result.contest, list[JSON]()
    for i, one in enumerate(contest.entrants):
        failed = [cell.failed for cell in result.cells(i)]
        if all(failed):
            notes.append(f"{one.name} failed in every run, so its figures are those of the start solution: {failed[0]}")
    if len(result.blocks) == 1:
        more = "ask for more --repetitions" if contest.limit is None else "only the verdicts need none of it"
        notes.append(f"One repetition says nothing of the spread: there are no intervals of means; {more}.")
    elif alike := _without_spread(result):
        notes.append(
            f"{', '.join(alike)}: all repetitions of a task gave one score; their spread is unknown, so there is no interval."
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


def _cell(name: str, repetition: int, cell: Cell) -> dict[str, JSON]:
    """One row of the table of single runs."""
    return {
        "improver": name,
        "task": cell.task,
        "repetition": repetition,
        "value": cell.value,
        "raw": cell.raw,
        "failed": cell.failed,
        **cell.usage.plain(),
    }
