"""A recursion and the comparison that follows it: `selftaught run`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from selftaught.downstream import ScaledTask, with_scale
from selftaught.errors import UsageError
from selftaught.evidence.ahead import Ahead
from selftaught.evidence.controls import counterfactuals, judge
from selftaught.evidence.models import names_in
from selftaught.evidence.report import report, so_far
from selftaught.gate import Round
from selftaught.lab import Lab
from selftaught.meta import ImproverTask
from selftaught.program import Program
from selftaught.recursion import recursion
from selftaught.runs import demand
from selftaught.runs.forecast import sharpened
from selftaught.runs.spans import Bound, Expected, Used
from selftaught.settings import Settings
from selftaught.store import RunRecord
from selftaught.tasks import load_all, names_of

WHAT = "a recursion"


def read(plain: Mapping[str, Any]) -> Settings:
    """The settings that were stored."""
    return Settings.read(plain)


def conduct(lab: Lab, asked: Settings) -> dict[str, Any]:
    """The recursion, round by round, then the comparison; the figures of both."""
    lab.progress.phase("measuring the start solutions")
    train, test = arrange(lab, asked)
    rounds: list[Round] = []
    seed = Program(lab.store.text(asked.improver))
    ahead = Ahead(lab, asked, train, test)
    ahead.begin(seed)
    for one in recursion(lab, seed, train, asked):
        rounds.append(one)
        ahead.follow(one)
        lab.document.tell(**so_far(rounds))
        _say_how_far(lab, asked, rounds, train)
    ahead.end(rounds)
    found = judge(lab, asked, rounds, test)
    further = counterfactuals(lab, asked, rounds, found, train, test) if asked.controls == "all" else None
    return {**names_in(lab), **report(rounds, found, further, lab.earlier_looks())}


def _say_how_far(lab: Lab, asked: Settings, rounds: Sequence[Round], train: Sequence[ScaledTask]) -> None:
    """One line on the round that has ended, and what the run will probably come to."""
    one, spent = rounds[-1], lab.spend.now()
    answers, left = demand.sharpened(lab, asked, rounds, train)
    found = sharpened(lab, demand.by_model(asked, rounds, answers), left)
    lab.document.tell(probably=found.plain())
    if found.seconds:
        lab.progress.left(found.seconds.low, found.seconds.high)
    price = "" if spent.dollars is None else f", ${spent.dollars:.4f}"
    limit = lab.spend.limits.dollars
    goes = "" if limit is None else found.within(limit)
    lab.progress.milestone(
        f"round {one.number} of {asked.rounds} {'accepted' if one.accepted else 'kept the incumbent'}: {one.reason} · "
        f"{spent.answers:,} answers{price} so far · in all {replace(found, seconds=None)}{f'; {goes}' if goes else ''}"
    )


def tried(asked: Settings) -> tuple[dict[str, str], Sequence[str]]:
    """The seed improver, and all tasks."""
    return {"that this recursion starts from": asked.improver}, [*dict.fromkeys((*asked.tasks, *asked.test_tasks))]


def arrange(lab: Lab, settings: Settings) -> tuple[list[ScaledTask], list[ScaledTask]]:
    """The tasks to recurse on and those to compare on, on their scales; û among the first where the settings say so."""
    specs = settings.tasks, settings.test_tasks
    train, test = ([with_scale(lab, task) for task in load_all(group, settings.seed)] for group in specs)
    if settings.itself:
        seed = lab.store.text(settings.improver)
        train.append(with_scale(lab, ImproverTask(seed, tuple(train), settings.itself, settings.inner, settings.keep)))
    return train, test


def bound(asked: Settings) -> list[Bound]:
    """Answers at most: of the rounds, of the comparison and of its controls."""
    return demand.bound(asked)


def expected(asked: Settings, used: Used) -> list[Expected]:
    """Answers, probably: the seed improver goes about it as with canned answers, what is proposed asks from less to more."""
    return demand.expected(asked, used)


def looked_at(asked: Settings) -> set[tuple[str, int]]:
    """The test tasks, by name, and the seed."""
    return {(name, asked.seed) for name in names_of(asked.test_tasks)}


def made(record: RunRecord, which: str) -> str:
    """Digest of the improver that the run ended with."""
    report = record.document or {}
    if which:
        raise UsageError(f"run {record.id} is one recursion: {which} is not in it")
    if "gain" not in report:
        raise UsageError(f"run {record.id} has come to no improver yet")
    return str(report["arms"]["improved"]["improver"])
