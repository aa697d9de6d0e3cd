"""What the tests of tasks share: scoring a program text in the sandbox, as a run would."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from selftaught.lab import Lab
from selftaught.lab.workers import Workers
from selftaught.program import Program
from selftaught.sandbox import Sandbox
from selftaught.store import Store
from selftaught.task import Split, Task
from selftaught.utility import Score, TaskUtility

Judge = Callable[..., Score]


@pytest.fixture
def lab(sandbox: Sandbox, tmp_path: Path) -> Iterator[Lab]:
    """A lab without a model: scoring a solution asks none."""
    with Store(tmp_path / "runs.db") as store:
        yield Lab(sandbox, cast(Any, None), store, Workers({}), seed=7)


@pytest.fixture
def judge(lab: Lab) -> Judge:
    """Scores a program on the judged instances of one repetition."""

    def score(task: Task, text: str, split: Split = "validation", repetition: int = 0) -> Score:
        return TaskUtility(lab, task, split, repetition, "judged").score(Program(text))

    return score


@pytest.fixture
def raw_score(judge: Judge) -> Callable[..., float]:
    """The raw score of a program text, averaged over some repetitions; a failed one counts 0, as an instance does."""

    def score(task: Task, text: str, repetitions: int = 1) -> float:
        return sum(judge(task, text, repetition=r).number for r in range(repetitions)) / repetitions

    return score
