"""Improvers against improvers: `selftaught compare`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from selftaught.downstream import with_scale
from selftaught.errors import UsageError
from selftaught.evidence.contest import contend, document
from selftaught.evidence.models import names_in
from selftaught.lab import Lab
from selftaught.runs.spans import Bound, Expected, Span, Used, about
from selftaught.settings import Contest
from selftaught.store import RunRecord
from selftaught.tasks import load_all, names_of

WHAT = "a comparison"


def read(plain: Mapping[str, Any]) -> Contest:
    """The contest that was stored."""
    return Contest.read(plain)


def conduct(lab: Lab, asked: Contest) -> dict[str, Any]:
    """Every improver on every task and repetition; the figures."""
    lab.progress.phase("measuring the start solutions")
    tasks = [with_scale(lab, task) for task in load_all(asked.tasks, asked.seed)]
    return {**names_in(lab), **document(contend(lab, asked, tasks), lab.earlier_looks())}


def tried(asked: Contest) -> tuple[dict[str, str], Sequence[str]]:
    """Every entrant, and all tasks."""
    return {one.name: one.improver for one in asked.entrants}, asked.tasks


def bound(asked: Contest) -> list[Bound]:
    """Answers at most: every improver run uses up its allowance."""
    cells = len(asked.entrants) * len(load_all(asked.tasks, asked.seed)) * (asked.limit or asked.repetitions)
    return [Bound(asked.model, cells * asked.inner.answers)]


def expected(asked: Contest, used: Used) -> list[Expected]:
    """Answers, probably: every improver goes about it as it does with canned answers, or so."""
    cells = Span(asked.repetitions, asked.limit or asked.repetitions) * len(load_all(asked.tasks, asked.seed))
    most = asked.inner.answers
    each = [about(used(one.improver, asked.inner).responses, most) for one in asked.entrants]
    return [Expected(asked.model, sum(each, Span(0, 0)) * cells, asked.tasks, asked.seed)]


def looked_at(asked: Contest) -> set[tuple[str, int]]:
    """The tasks, by name, and the seed."""
    return {(name, asked.seed) for name in names_of(asked.tasks)}


def made(record: RunRecord, which: str) -> str:  # noqa: ARG001 - the same for all kinds
    """A comparison makes no improver: UsageError."""
    raise UsageError(f"run {record.id} is a comparison: it made no improver")
