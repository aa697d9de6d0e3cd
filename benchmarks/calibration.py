"""How often the verdicts are wrong where the truth is known: nothing to find, or a gain that was planted.

- `null`: the seed improver against itself, with independent instances and answers, on formula targets and the offline model;
- `two_peaked`: the same with simulated scores that either find the trick or do not;
- `until_decided`: looking after every block, by confidence sequence, beside what looking at a t interval would do;
- `pipeline`: recursion, gate and the verdicts against every control on tasks whose grades are pure noise;
- `rules`: claims, methods and gates by simulation alone (benchmarks/rules.py), claims and gates also on cells of the pool;
- `power`: how often a planted gain is found; `coverage`: of the t interval on simulated scores.

Shares are of 400 comparisons (pipeline: 200 runs), with Wilson's 95 % interval. Comparisons of `null` and `power` draw their
repetitions from one pool of improver runs, without replacement within a comparison, and are judged as `compare` judges: better
is said only of what also beats the start solution on the same cells. Improvers that do nothing useful: benchmarks/fooling.py.
"""

from __future__ import annotations

import random
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks import rules
from selftaught.budget import Allowance
from selftaught.downstream import ScaledTask, SolutionTask, with_scale
from selftaught.evidence.controls import counterfactuals, judge
from selftaught.evidence.statistics import Interval, Verdict, contested, interval, sequence, verdict, wilson
from selftaught.improvers import load
from selftaught.lab import Lab
from selftaught.lab.workers import Workers, sizes
from selftaught.meta import MetaUtility
from selftaught.models.offline import Offline
from selftaught.plain import JSON, rng_from
from selftaught.recursion import recursion
from selftaught.runs.model import editing
from selftaught.sandbox import Limits, Sandbox
from selftaught.sandbox.levels import open_sandbox
from selftaught.settings import Settings
from selftaught.store import Store
from selftaught.task import Instance, InvalidAnswer, Split, Task
from selftaught.tasks import load as load_tasks


@dataclass(frozen=True)
class Size:
    """How many comparisons a share rests on, runs on noise, and repetitions of every task in the pool."""

    comparisons: int = 400
    runs: int = 200
    pool: int = 200


TASKS = (1, 2, 5)
REPETITIONS = (3, 5, 10, 20)
BLOCKS = 40
"""Blocks (one repetition of every task) after which `--until decided` gives up here."""
GAINS = (0.02, 0.05, 0.1)

Values = NDArray[np.float64]
Draw = Callable[[np.random.Generator, int, int], tuple[Values, Values]]
"""Two independent arrays of scores, tasks x repetitions."""


def run(quick: bool = False) -> dict[str, Any]:
    """All figures. Takes some minutes."""
    size = Size(50, 2, 2 * BLOCKS) if quick else Size()
    with open_sandbox() as sandbox:
        scaled, raw = pool(sandbox, size.pool)
        pipeline = noise_runs(sandbox, size.runs)
    count, drawn = size.comparisons, from_pool(scaled)
    return {
        "comparisons": count,
        "pool": {
            "tasks": len(scaled),
            "repetitions": size.pool,
            "mean": float(scaled.mean()),
            "sd": float(scaled.std()),
        },
        "null": [errors(drawn, count, k, n) for k in TASKS for n in REPETITIONS],
        "two_peaked": [errors(two_peaked, count, k, n) for k in TASKS for n in REPETITIONS],
        "until_decided": {
            "formula": [looking(from_pool(raw), count, k) for k in TASKS],
            "two_peaked": [looking(two_peaked, count, k) for k in TASKS],
        },
        "pipeline": pipeline,
        "rules": {
            **rules.run(quick),
            "claims_on_cells": [rules.equals(count, "pool", from_arms(scaled), n) for n in (3, 5, 10)],
            "gates_on_cells": rules.gates({"formula": cells_of(scaled)}, 100 if quick else max(1000, count)),
        },
        "power": [power(drawn, count, gain, n) for gain in GAINS for n in REPETITIONS],
        "coverage": [
            coverage(name, count, k, n) for name in ("normal", "two_peaked") for k in TASKS for n in REPETITIONS
        ],
    }


# --- scores -----------------------------------------------------------------------------------------------------------


def pool(sandbox: Sandbox, repetitions: int) -> tuple[Values, Values]:
    """Independent runs of the seed improver on five formula targets: on the common scale, and raw (tasks x repetitions)."""
    with laboratory(sandbox, 0) as lab:
        tasks = [with_scale(lab, task) for task in load_tasks(f"formula:test/{max(TASKS)}", 0)]
        budget = Allowance(calls=8, responses=8, scorings=65)
        cells = MetaUtility(lab, tasks, "test", "calibration", repetitions, budget).cells(load("seed"))
    shape = (repetitions, len(tasks))
    values, raw = (np.array([getattr(cell, name) for cell in cells]).reshape(shape).T for name in ("value", "raw"))
    return values, raw


def cells_of(values: Values) -> rules.Scores:
    """Scores of an equal drawn from stored cells, each about the mean of its task."""
    centred = (values - values.mean(axis=1, keepdims=True)).ravel()

    def draw(rng: np.random.Generator, shape: rules.Shape) -> Values:
        return np.asarray(rng.choice(centred, shape), float)

    return draw


def from_pool(values: Values) -> Draw:
    def draw(rng: np.random.Generator, tasks: int, repetitions: int) -> tuple[Values, Values]:
        picked = picks(values, rng, tasks, 2 * repetitions)
        return picked[:, :repetitions], picked[:, repetitions:]

    return draw


def from_arms(values: Values) -> rules.Scores:
    """Scores of several arms that are all the same improver: arms x tasks x repetitions."""

    def draw(rng: np.random.Generator, shape: rules.Shape) -> Values:
        arms, tasks, repetitions = shape
        return picks(values, rng, tasks, arms * repetitions).reshape(tasks, arms, repetitions).swapaxes(0, 1)

    return draw


def picks(values: Values, rng: np.random.Generator, tasks: int, number: int) -> Values:
    """So many values of some of the tasks, none of them twice."""
    chosen = rng.permuted(np.tile(np.arange(values.shape[1]), (tasks, 1)), axis=1)[:, :number]
    return np.take_along_axis(values[rng.permutation(len(values))[:tasks]], chosen, axis=1)


def two_peaked(rng: np.random.Generator, tasks: int, repetitions: int) -> tuple[Values, Values]:
    first, second = (peaks(rng, (tasks, repetitions)) for _ in range(2))
    return first, second


def peaks(rng: np.random.Generator, shape: tuple[int, int]) -> Values:
    """0.9 with probability 0.3, otherwise 0.2, with a little noise."""
    return (np.where(rng.random(shape) < 0.3, 0.9, 0.2) + rng.normal(0, 0.02, shape)).clip(0, 1)


def by_task(values: Values) -> dict[str, Sequence[float]]:
    return {f"task-{k}": row.tolist() for k, row in enumerate(values)}


# --- figures ----------------------------------------------------------------------------------------------------------


def shares(kinds: Sequence[str], about: str) -> dict[str, Any]:
    """The share of `better` with its interval, and the counts of all verdicts."""
    counts = Counter(kinds)
    return {"better": wilson(counts["better"], len(kinds), about).plain(), "verdicts": dict(sorted(counts.items()))}


def compared(a: Values, b: Values) -> str:
    """What `compare` says of the first beside the second; the start solutions are at 0."""
    _, (found,) = contested([by_task(b), by_task(a)], by_task(np.zeros_like(a)))
    return found.kind


def errors(draw: Draw, count: int, tasks: int, repetitions: int) -> dict[str, Any]:
    rng = np.random.default_rng([tasks, repetitions])
    pairs = (draw(rng, tasks, repetitions) for _ in range(count))
    kinds = [compared(a, b) for a, b in pairs]
    return {"tasks": tasks, "repetitions": repetitions, **shares(kinds, "comparisons of an improver with itself")}


def power(draw: Draw, count: int, gain: float, repetitions: int) -> dict[str, Any]:
    rng = np.random.default_rng([7, repetitions])
    pairs = (draw(rng, max(TASKS), repetitions) for _ in range(count))
    kinds = [compared(a + gain, b) for a, b in pairs]
    return {"gain": gain, "tasks": max(TASKS), "repetitions": repetitions, **shares(kinds, "comparisons")}


def looking(draw: Draw, count: int, tasks: int) -> dict[str, Any]:
    """Verdicts when one looks after every block and stops at the first that is firm."""
    rng = np.random.default_rng([11, tasks])
    sound: list[str] = []
    naive: list[str] = []
    for _ in range(count):
        a, b = draw(rng, tasks, BLOCKS)
        blocks = (a - b).mean(axis=0)
        sound.append(verdict(sequence((a - b).T.tolist(), (-1.0, 1.0))).kind)
        naive.append(next((kind for kind in map(_by_t, _prefixes(blocks)) if kind != "indecisive"), "indecisive"))
    found = {"sequence": shares(sound, "looks"), "t_after_every_block": shares(naive, "looks")}
    return {"tasks": tasks, "blocks": BLOCKS, **found}


def _by_t(blocks: Values) -> str:
    return verdict(interval({"blocks": blocks.tolist()})).kind


def _prefixes(blocks: Values) -> Iterator[Values]:
    return (blocks[:n] for n in range(min(REPETITIONS), len(blocks) + 1))


def coverage(name: str, count: int, tasks: int, repetitions: int) -> dict[str, Any]:
    """How often the t interval of a mean holds it."""
    rng = np.random.default_rng([13, tasks, repetitions])
    shape = (tasks, repetitions)
    truth = 0.5 if name == "normal" else 0.3 * 0.9 + 0.7 * 0.2
    drawn = (rng.normal(0.5, 0.1, shape) if name == "normal" else peaks(rng, shape) for _ in range(4 * count))
    held = sum(_holds(interval(by_task(values)), truth) for values in drawn)
    return {
        "scores": name,
        "tasks": tasks,
        "repetitions": repetitions,
        "held": wilson(held, 4 * count, "intervals").plain(),
    }


def _holds(found: Interval, truth: float) -> bool:
    return found.low is not None and found.high is not None and found.low <= truth <= found.high


# --- the whole pipeline on noise --------------------------------------------------------------------------------------


class Noise(Task):
    """A task on which nothing helps: the grade is drawn from the instance and the answer."""

    entry = "f"
    start = "def f(x):\n    return x * 1.0 + 0.0\n"
    summary = "Pure noise."
    limits = Limits(cpu_s=0.2)
    instances: Mapping[Split, int] = {"train": 1, "validation": 1, "test": 1}
    known_start = 0.0

    def __init__(self, number: int) -> None:
        self.name = f"noise-{number}"

    @property
    def description(self) -> str:
        return "f(x) returns a number; its grade is noise."

    def draw(self, rng: random.Random) -> Instance:
        return Instance((rng.random(),), rng.random())

    def grade(self, instance: Instance, answer: JSON) -> float:
        if not isinstance(answer, int | float):
            raise InvalidAnswer("not a number")
        return rng_from("noise", self.name, instance.truth, float(answer)).random()


def noise_runs(sandbox: Sandbox, runs: int) -> dict[str, Any]:
    """Verdicts of whole runs on noise against each control, over all runs and over those where the two arms differ.

    There is a sham only where more than the seed improver could run.
    """
    found = [noise_run(sandbox, seed) for seed in range(runs)]
    names = [f"against_{arm}" for arm in ("start", "best_of_n", "equal_answers", "seed", "frozen", "sham")]
    return {
        "runs": runs,
        "accepted_rounds": sum(accepted for accepted, _ in found),
        **{name: noise_shares([verdicts[name] for _, verdicts in found if name in verdicts]) for name in names},
    }


def noise_shares(found: Sequence[Verdict]) -> dict[str, Any]:
    """An arm that ended with the other's improver has the same scores: no chance to be wrong, so these count apart."""
    differing = [one.kind for one in found if one.difference]
    return {
        **shares([one.kind for one in found], "runs on pure noise"),
        "where_they_differ": shares(differing, "runs on pure noise that ended otherwise") if differing else None,
    }


def noise_run(sandbox: Sandbox, seed: int) -> tuple[int, dict[str, Verdict]]:
    """How many rounds were accepted, and the verdict against each control."""
    inner, outer = Allowance(calls=2, responses=2, scorings=5), Allowance(calls=1, responses=4, scorings=5)
    improver = load("seed")
    settings = Settings(
        improver.digest, seed=seed, rounds=2, repetitions=1, validation=2, test=5, inner=inner, outer=outer
    )
    with laboratory(sandbox, seed) as lab:
        tasks = [ScaledTask(SolutionTask(Noise(k)), 0.0) for k in range(2)]
        rounds = list(recursion(lab, improver, tasks, settings))
        judgement = judge(lab, settings, rounds, tasks)
        further = counterfactuals(lab, settings, rounds, judgement, tasks, tasks)
    return sum(one.accepted for one in rounds), judgement.verdicts(further.scores())


@contextmanager
def laboratory(sandbox: Sandbox, seed: int) -> Iterator[Lab]:
    """A lab with the offline model and a store of its own."""
    workers = Workers(sizes(2, 2))
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder) / "store.db")
        try:
            yield Lab(sandbox, Offline(editing(sandbox)), store, workers, seed)
        finally:
            workers.close()
            store.close()
