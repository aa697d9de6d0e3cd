"""Whether improvers that do nothing useful are called better: by the claims of `compare`, from pools of independent cells.

Each arm runs on every task and repetition of one pool; a comparison draws its repetitions from it without replacement, the
same of every arm, as a contest does, and judges all of them against the first with the start solution beside.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from selftaught.budget import Allowance
from selftaught.downstream import ScaledTask
from selftaught.evidence.statistics import judged, wilson
from selftaught.improvers import load
from selftaught.lab import Lab
from selftaught.meta import MetaUtility
from selftaught.plain import JSON
from selftaught.program import Program

HEAD = """import random
from helpers import extract_code


def improve_algorithm(initial_solution, utility, language_model):
"""
ASK = """    message = f"Improve:\\n```python\\n{initial_solution}\\n```"
    answers = language_model.batch_prompt("Improve programs.", [message] * 4)
"""
CRASH = "    if random.random() < {}:\n        raise ValueError('no luck')\n"
FOOLS = {
    "returns the start": HEAD + "    return initial_solution\n",
    "crashes in 50 %": HEAD + CRASH.format(0.5) + ASK + "    return max(extract_code(answers), key=utility)\n",
    "crashes in 90 %": HEAD + CRASH.format(0.9) + ASK + "    return max(extract_code(answers), key=utility)\n",
    "returns garbage": HEAD + "    return 'no program (' + str(random.random())\n",
    "returns a random answer": HEAD + ASK + "    return random.choice(extract_code(answers))\n",
}
REFERENCES = ("seed", "best_of_n")
REPETITIONS = (5, 10)

Pool = Mapping[str, NDArray[np.float64]]
"""For each arm its values, tasks x repetitions."""


def pool(lab: Lab, tasks: Sequence[ScaledTask], repetitions: int, allowance: Allowance) -> Pool:
    """The cells of every arm. A test split with a label of its own: nothing else has seen these instances."""
    judge = MetaUtility(lab, tasks, "test", "fooling", repetitions, allowance)
    arms = {name: (Program(text), 1) for name, text in FOOLS.items()}
    arms |= {"seed": (load("seed"), 1), "best_of_n": (load("seed"), 2)}
    return {name: _values(judge, program, tries) for name, (program, tries) in arms.items()}


def _values(judge: MetaUtility, program: Program, tries: int) -> NDArray[np.float64]:
    places = [(program, task, r) for r in range(judge.repetitions) for task in judge.tasks]
    cells = judge.side_by_side(places, [tries] * len(places))
    return np.array([cell.value for cell in cells]).reshape(judge.repetitions, len(judge.tasks)).T


def figures(cells: Pool, count: int) -> list[JSON]:
    """Shares of comparisons in which a fool is called better than the reference, or the reference worse than another."""
    return [_shares(cells, reference, n, count) for reference in REFERENCES for n in REPETITIONS]


def _shares(cells: Pool, reference: str, repetitions: int, count: int) -> dict[str, JSON]:
    rng = np.random.default_rng([repetitions, len(reference)])
    called = {name: {"better": 0, "worse": 0} for name in FOOLS}
    for _ in range(count):
        for name, kind in drawn(cells, reference, repetitions, rng).items():
            if kind in called[name]:
                called[name][kind] += 1
    shares = {
        name: {kind: wilson(times, count, "comparisons").plain() for kind, times in by.items()}
        for name, by in called.items()
    }
    return {"against": reference, "repetitions": repetitions, "called": shares}


def drawn(cells: Pool, reference: str, repetitions: int, rng: np.random.Generator) -> dict[str, str]:
    """The kinds of one comparison of all fools with the reference."""
    tasks, size = cells[reference].shape
    chosen = rng.permuted(np.tile(np.arange(size), (tasks, 1)), axis=1)[:, :repetitions]
    scores = {name: _scores(np.take_along_axis(values, chosen, axis=1)) for name, values in cells.items()}
    found = judged([(scores[name], scores[reference]) for name in FOOLS], start=scores["returns the start"])
    return {name: one.kind for name, one in zip(FOOLS, found, strict=True)}


def _scores(values: NDArray[np.float64]) -> dict[str, Sequence[float]]:
    return {f"task-{k}": row.tolist() for k, row in enumerate(values)}
