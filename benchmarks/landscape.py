"""Does it matter what an improver does? A panel of sensible improvers on the training tasks, the built-in editor inside.

The panel is the box, the shelf of what a frontier model wrote, some written by hand (`panel/`), and the best of the editor's
own at one scoring on other cells. Every improver runs on the same tasks, repetitions and answers, with the budget of a
default run. A *scoring* is what a recursion judges an improver by: two repetitions of every task. Reported on the common scale:

- `true_spread`: the standard deviation of the improvers' true worths, which is the spread of their means less what noise adds;
- `noise`: the standard deviation of one scoring of one improver; `paired_noise`: of differences, as repetitions are shared;
- `ratio`: true spread over noise; `correlation`: of one scoring with the mean of all others;
- `best_above_median`, and `variance`: shares of improvers, tasks, their interplay and the rest in the variance of a cell.

`deaf` is the same panel with an editor that is not told the words it heeds; `formula` the same on formula targets. What was
computed is kept in a store, so that a second call goes on where the first one was stopped.
"""

from __future__ import annotations

import json
import re
import sys
import tempfile
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.assemblies import redrawn
from selftaught import improvers, tasks
from selftaught.downstream import with_scale
from selftaught.lab import Lab
from selftaught.lab.workers import Workers, sizes
from selftaught.meta import MetaUtility
from selftaught.models import Answer, Request
from selftaught.models.offline import Offline
from selftaught.plain import JSON
from selftaught.program import Program
from selftaught.runs.model import editing
from selftaught.sandbox import Sandbox
from selftaught.sandbox.levels import open_sandbox
from selftaught.settings import Settings
from selftaught.store import Store
from selftaught.task import Split

SEED = 9701
POLICIES = "policy:train"
SCORING = 2
"""Repetitions of every task in one scoring of an improver."""
NOT_SENSIBLE = {"seed", "seed-paper", "chain-of-thought"}
"""They leave most of their answers unasked."""
OWN, TRIED = 4, 24
"""The editor's own improvers in the panel, and how many were put together to choose them from."""
KEPT = Path(tempfile.gettempdir())
_HEEDED = re.compile(r"entry(?= \d)|combine|constants|structure|steps|numbers", re.IGNORECASE)

Values = NDArray[np.float64]


class Deaf(Offline):
    """The editor, not told the words it heeds. Of the same name, so that all else is answered alike."""

    def complete(self, request: Request, addresses: Sequence[str]) -> Sequence[Answer]:
        return super().complete(replace(request, message=_HEEDED.sub("-", request.message)), addresses)


def run(quick: bool = False) -> dict[str, JSON]:
    """All figures; those of one landscape are told on standard error as soon as they are known."""
    repetitions = (2 if quick else 4) * SCORING
    with open_sandbox() as sandbox:
        with _lab(sandbox, Offline(editing(sandbox))) as lab:
            panel = _panel(lab, POLICIES)
            found = {"policy": _cells(lab, panel, POLICIES, repetitions)}
        with _lab(sandbox, Deaf(editing(sandbox))) as lab:
            found["deaf"] = _cells(lab, panel, POLICIES, repetitions)
        with _lab(sandbox, Offline(editing(sandbox))) as lab:
            found["formula"] = _cells(lab, panel, "formula:train", repetitions)
    return {landscape: _landscape(list(panel), values) for landscape, values in found.items()}


def _landscape(names: Sequence[str], values: Values) -> dict[str, JSON]:
    sensible = [i for i, name in enumerate(names) if name not in NOT_SENSIBLE]
    order = sorted(range(len(names)), key=lambda i: float(values[i].mean()))
    return {**figures(values[sensible]), "means": {names[i]: _round(values[i].mean()) for i in order}}


def figures(values: Values) -> dict[str, JSON]:
    """What one landscape comes to; `values` are improvers x repetitions x tasks."""
    count, repetitions, _ = values.shape
    scorings = values.mean(axis=2).reshape(count, repetitions // SCORING, SCORING).mean(axis=2)
    number = scorings.shape[1]
    noise = scorings.var(axis=1, ddof=1).mean()
    rest = scorings - scorings.mean(axis=1, keepdims=True) - scorings.mean(axis=0) + scorings.mean()
    paired = (rest**2).sum() / ((count - 1) * (number - 1))
    means = scorings.mean(axis=1)
    true = max(0.0, means.var(ddof=1) - paired / number)
    others = (scorings.sum(axis=1, keepdims=True) - scorings) / (number - 1)
    fits = [np.corrcoef(scorings[:, i], others[:, i])[0, 1] for i in range(number)]
    return {
        "improvers": count,
        "true_spread": _round(true**0.5),
        "noise": _round(noise**0.5),
        "paired_noise": _round(paired**0.5),
        "ratio": _round((true / noise) ** 0.5),
        "correlation": _round(float(np.mean(fits))),
        "best_above_median": _round(means.max() - np.median(means)),
        "variance": variance(values),
    }


def variance(values: Values) -> dict[str, JSON]:
    """Components of the variance of a cell, as shares: improver, task, improver by task, and the rest (repetitions)."""
    count, repetitions, number = values.shape
    cells = values.mean(axis=1)
    rest = values.var(axis=1, ddof=1).mean()
    by_improver, by_task = cells.mean(axis=1), cells.mean(axis=0)
    left = cells - by_improver[:, None] - by_task + cells.mean()
    mixed = (left**2).sum() / ((count - 1) * (number - 1))
    parts = {
        "improver": by_improver.var(ddof=1) - mixed / number,
        "task": by_task.var(ddof=1) - mixed / count,
        "improver by task": mixed - rest / repetitions,
        "rest": rest,
    }
    positive = {name: max(0.0, float(part)) for name, part in parts.items()}
    return {name: _round(part / sum(positive.values())) for name, part in positive.items()}


def _panel(lab: Lab, spec: str) -> dict[str, Program]:
    """The improvers by name."""
    box = {name: improvers.load(name) for name in improvers.names() if name != "chain-of-thought"}
    box |= {name: improvers.load(name) for name in improvers.found()}
    written = {path.stem: Program(path.read_text("utf-8")) for path in sorted(Path(__file__).parent.glob("panel/*.py"))}
    own = set(redrawn(lab.sandbox, box["seed"], TRIED))
    utility = _utility(lab, spec, "validation", 1)
    best = sorted(own, key=lambda one: (-utility.score(one).number, one.digest))[:OWN]
    return {**box, **written, **{f"own-{i + 1}": one for i, one in enumerate(best)}}


def _cells(lab: Lab, panel: dict[str, Program], spec: str, repetitions: int) -> Values:
    utility = _utility(lab, spec, "train", repetitions)
    shape = (repetitions, len(utility.tasks))
    values = np.array([np.array([cell.value for cell in utility.cells(one)]).reshape(shape) for one in panel.values()])
    print(spec, lab.model.name, json.dumps(_landscape(list(panel), values)), file=sys.stderr, flush=True)
    return values


def _utility(lab: Lab, spec: str, split: Split, repetitions: int) -> MetaUtility:
    scaled = [with_scale(lab, task) for task in tasks.load(spec, SEED)]
    return MetaUtility(lab, scaled, split, "landscape", repetitions, Settings(improver="").inner)


@contextmanager
def _lab(sandbox: Sandbox, model: Offline) -> Generator[Lab]:
    """A lab with that model, and the store that is kept."""
    workers = Workers(sizes(2, 4))
    with Store(KEPT / f"selftaught-landscape-{type(model).__name__.lower()}.db") as store:
        try:
            yield Lab(sandbox, model, store, workers, SEED)
        finally:
            workers.close()


def _round(value: float) -> float:
    return round(float(value), 4)
