"""What a program takes, measured in turns with the start program on the same inputs: a busy machine slows both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from selftaught.lab import Lab
from selftaught.sandbox import Job, Outcome, Resources

TURNS = 3
"""How often each of the two runs; the least of what it took counts, since nothing makes a program faster than it is."""
_ENOUGH_S = 5.0
"""After so many CPU seconds there is no further turn."""
_LEAST_S = 1e-6


def in_turns(
    lab: Lab, job: Job, start: str, took: Sequence[float] | None
) -> tuple[tuple[Outcome, ...], list[Resources]]:
    """The outcomes of the first turn, and what the program used on each input. `took` is what the start took when it was first
    measured; None: this is that measurement."""
    mine: list[tuple[Outcome, ...]] = [lab.compute(job)]
    if any(one.kind != "answer" for one in mine[0]):
        return mine[0], []
    other = replace(job, program=start)
    its = mine if took is None else [lab.compute(other)]
    while len(mine) < TURNS and sum(one.cpu_s for one in (*sum(mine, ()), *sum(its, ()))) < _ENOUGH_S:
        if took is None:
            mine.append(lab.compute(job))
        elif len(mine) % 2:
            its.append(lab.compute(other))
            mine.append(lab.compute(job))
        else:
            mine.append(lab.compute(job))
            its.append(lab.compute(other))
    return mine[0], [_used(mine, its, i, took) for i in range(len(job.inputs))]


def _used(
    mine: Sequence[tuple[Outcome, ...]], its: Sequence[tuple[Outcome, ...]], i: int, took: Sequence[float] | None
) -> Resources:
    now, start = _least(mine, i), _least(its, i)
    then = start if took is None else took[i]
    return Resources(now * then / start, min(one[i].peak_mb for one in mine), then)


def _least(turns: Sequence[tuple[Outcome, ...]], i: int) -> float:
    return max(_LEAST_S, min(one[i].cpu_s for one in turns))
