"""Is the demo's search a real one? Improvers assembled at random from the offline model's parts, beside seed and results.

Every improver is judged on the same formula test targets, repetitions and answers, with the budget of a default run. `results`
are improved improvers of recursions with the seeds 1, 2, …, each on training targets of its own. Values are means on the
common scale (start solution 0, the formula itself 1).
"""

from __future__ import annotations

import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from statistics import fmean, quantiles

from selftaught.downstream import with_scale
from selftaught.improvers import load
from selftaught.lab import Lab
from selftaught.lab.workers import Workers, sizes
from selftaught.meta import MetaUtility
from selftaught.models.offline import Offline
from selftaught.program import Program
from selftaught.recursion import recursion
from selftaught.runs.model import editing
from selftaught.sandbox import Sandbox, tool
from selftaught.sandbox.levels import open_sandbox
from selftaught.settings import Settings
from selftaught.store import Store
from selftaught.tasks import load as load_tasks

TASKS = 6
REPETITIONS = 2


def run(quick: bool = False) -> dict[str, object]:
    """The spread of the assemblies, and how many of them are below the seed improver and below each result."""
    seed = load("seed")
    count, recursions = (20, 1) if quick else (200, 5)
    with open_sandbox() as sandbox:
        results = [_improved(sandbox, seed, number) for number in range(1, recursions + 1)]
        assembled = redrawn(sandbox, seed, count)
        judged = _judge(sandbox, [seed, *results, *assembled])
    base, found, values = judged[0], judged[1 : recursions + 1], judged[recursions + 1 :]
    return {
        "assemblies": count,
        "distinct": len(set(assembled)),
        "deciles": [round(one, 4) for one in quantiles(values, n=10)],
        "best": round(max(values), 4),
        "seed": round(base, 4),
        "share_no_better_than_seed": round(_share(values, base), 3),
        "results": [round(one, 4) for one in found],
        "share_no_better_than_result": [round(_share(values, one), 3) for one in found],
    }


def redrawn(sandbox: Sandbox, seed: Program, count: int) -> list[Program]:
    """The seed improver with its parts redrawn at random, so many times."""
    outcomes = sandbox.run(tool("editor", "redrawn", [(seed.text, number) for number in range(count)]))
    return [Program(str(one.answer)) for one in outcomes]


def _share(values: list[float], limit: float) -> float:
    return fmean(value <= limit for value in values)


def _improved(sandbox: Sandbox, seed: Program, number: int) -> Program:
    """What a recursion with that seed and the default settings ends with."""
    with _lab(sandbox, number) as lab:
        tasks = [with_scale(lab, task) for task in load_tasks("formula:train", number)]
        return [one.improver for one in recursion(lab, seed, tasks, Settings(improver=seed.digest, seed=number))][-1]


def _judge(sandbox: Sandbox, improvers: list[Program]) -> list[float]:
    with _lab(sandbox, 0) as lab:
        tasks = [with_scale(lab, task) for task in load_tasks(f"formula:test/{TASKS}", 0)]
        budget = Settings(improver="").inner
        utility = MetaUtility(lab, tasks, "test", "assemblies", REPETITIONS, budget)
        return [fmean(cell.value for cell in utility.cells(one)) for one in improvers]


@contextmanager
def _lab(sandbox: Sandbox, seed: int) -> Generator[Lab]:
    """A lab with the offline model and a store of its own."""
    workers = Workers(sizes(2, 2))
    with tempfile.TemporaryDirectory() as folder, Store(Path(folder) / "store.db") as store:
        try:
            yield Lab(sandbox, Offline(editing(sandbox)), store, workers, seed)
        finally:
            workers.close()
