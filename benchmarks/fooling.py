"""Whether improvers that do nothing useful are called better than honest ones, or honest ones worse than these.

Every improver runs on every task and repetition of one pool, with a seed that nothing else has used. A comparison draws its
repetitions from the pool without replacement, the same of every arm, as a contest does, and is judged as `compare` judges it:
the start solution beside, corrected for the number of improvers.

- `fools`: how often each of them is called better than the seed improver, and than best-of-n at the whole allowance;
- `box`: how often each improver of the box is called worse than a fool that is the reference of the contest, on some tasks;
- `means`: what each of them comes to, and in how many of its runs it fails.

`together` are all tasks at once, which is what a contest over them says. What was computed is kept in a store, so that a second
call goes on where the first one was stopped.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from selftaught import improvers, tasks
from selftaught.budget import Allowance
from selftaught.downstream import ScaledTask, failing, with_scale
from selftaught.evidence.statistics import contested, wilson
from selftaught.lab import Lab
from selftaught.lab.workers import Workers, sizes
from selftaught.meta import MetaUtility
from selftaught.models.offline import Offline
from selftaught.program import Program
from selftaught.runs.model import editing
from selftaught.sandbox import Sandbox
from selftaught.sandbox.levels import open_sandbox
from selftaught.store import Store

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
TASKS = (
    *("formula:test/1", "policy:test/1", "grid", "circles", "capset", "lpn", "sat", "binpack", "tsp", "regression"),
    *("parity", "maxcut:60", "qap:8"),
)
"""Every task of the box, the cheap ones first; two of them small, as their best solutions have to be searched for."""
OF_THE_BOX = TASKS[:5]
"""Where the whole box runs as well: its improvers spend all their answers, which takes hours on a task of long programs."""
LITTLE = {"seed", "seed-paper", "chain-of-thought"}
"""They leave most of their answers unasked: no improvers that one would put to work."""
REPETITIONS = (5, 10)
BATCHES = 2
ALLOWANCE = Allowance(calls=BATCHES, responses=4, scorings=17)
SEED = 771_905_238_113
KEPT = Path(tempfile.gettempdir())

Values = NDArray[np.float64]
Pool = Mapping[str, Values]
"""For each arm its values by repetition."""


def run(quick: bool = False) -> dict[str, Any]:
    """All figures. Some hours of sandboxed runs; told on standard error task by task."""
    size, count = (10, 100) if quick else (400, 1000)
    chosen = TASKS[:1] if quick else TASKS
    with open_sandbox() as sandbox:
        pools = {spec: found for spec in chosen for found in [_of_task(sandbox, spec, size)]}
    cells = {spec: values for spec, (values, _) in pools.items()}
    return {
        "repetitions": size,
        "comparisons": count,
        "means": {spec: means for spec, (_, means) in pools.items()},
        "by_task": {spec: figures({spec: found}, count) for spec, found in cells.items()},
        "together": figures({spec: found for spec, found in cells.items() if spec != "binpack"}, count),
        "together_with_the_box": figures({spec: cells[spec] for spec in OF_THE_BOX if spec in cells}, count),
    }


def pool(
    sandbox: Sandbox, spec: str, repetitions: int, allowance: Allowance = ALLOWANCE
) -> tuple[Pool, dict[str, Any]]:
    """The cells of every arm on one task, and its mean and failures."""
    with _lab(sandbox, spec) as lab:
        (task,) = [with_scale(lab, one) for one in tasks.load(spec, SEED)]
        judge = MetaUtility(lab, [task], "test", "fooling", repetitions, allowance)
        return _cells(judge, task, spec in OF_THE_BOX)


def _of_task(sandbox: Sandbox, spec: str, repetitions: int) -> tuple[Pool, dict[str, Any]]:
    found = pool(sandbox, spec, repetitions)
    print(spec, found[1], file=sys.stderr, flush=True)
    return found


def _cells(judge: MetaUtility, task: ScaledTask, box: bool) -> tuple[Pool, dict[str, Any]]:
    arms = {name: (Program(text), 1) for name, text in FOOLS.items()}
    arms |= {"seed": (improvers.load("seed"), 1), "best of n": (improvers.load("seed"), BATCHES)}
    if box:
        arms |= {name: (improvers.load(name), 1) for name in improvers.names()}
    values: dict[str, Values] = {}
    means: dict[str, Any] = {}
    for name, (program, tries) in arms.items():
        cells = judge.side_by_side([(program, task, r) for r in range(judge.repetitions)], [tries] * judge.repetitions)
        values[name] = np.array([cell.value for cell in cells])
        means[name] = {"mean": round(float(values[name].mean()), 4), "failed": failing(cells)}
    return values, means


# --- figures ----------------------------------------------------------------------------------------------------------


def figures(pools: Mapping[str, Pool], count: int) -> dict[str, Any]:
    """Shares of `count` comparisons on these tasks, by number of repetitions."""
    fools = list(FOOLS)
    box = [name for name in improvers.names() if name not in LITTLE and all(name in found for found in pools.values())]
    return {
        f"{n} repetitions": {
            "fools_better_than_seed": _called(pools, fools, "seed", n, count, "better"),
            "fools_better_than_best_of_n": _called(pools, fools, "best of n", n, count, "better"),
            "box_worse_than": {fool: _called(pools, box, fool, n, count, "worse") for fool in fools if box},
        }
        for n in REPETITIONS
    }


def _called(
    pools: Mapping[str, Pool], names: Sequence[str], reference: str, repetitions: int, count: int, kind: str
) -> dict[str, Any]:
    """How often each is called so beside the reference."""
    rng = np.random.default_rng([repetitions, len(reference), count])
    times = dict.fromkeys(names, 0)
    for _ in range(count):
        for name, found in kinds(pools, names, reference, repetitions, rng).items():
            times[name] += found == kind
    return {name: wilson(found, count, "comparisons").plain() for name, found in times.items()}


def kinds(
    pools: Mapping[str, Pool], names: Sequence[str], reference: str, repetitions: int, rng: np.random.Generator
) -> dict[str, str]:
    """The verdicts of one comparison of all these with the reference."""
    chosen = {
        spec: rng.choice(len(found[reference]), repetitions, replace=False).tolist() for spec, found in pools.items()
    }

    def scores(name: str) -> dict[str, Sequence[float]]:
        return {spec: found[name][chosen[spec]].tolist() for spec, found in pools.items()}

    start = {spec: [0.0] * repetitions for spec in pools}
    _, found = contested([scores(name) for name in (reference, *names)], start)
    return {name: one.kind for name, one in zip(names, found, strict=True)}


@contextmanager
def _lab(sandbox: Sandbox, spec: str) -> Generator[Lab]:
    """A lab with the offline model, and the store of this task that is kept."""
    workers = Workers(sizes(2, 4))
    with Store(KEPT / f"selftaught-fooling-{spec.replace('/', '-').replace(':', '-')}.db") as store:
        try:
            yield Lab(sandbox, Offline(editing(sandbox)), store, workers, SEED)
        finally:
            workers.close()
