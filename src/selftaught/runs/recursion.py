"""A recursion and the comparison that follows it: `selftaught run`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from selftaught.budget import Allowance
from selftaught.downstream import SCALE_REPETITIONS, ScaledTask, scale
from selftaught.errors import UsageError
from selftaught.evidence.ahead import Ahead
from selftaught.evidence.controls import counterfactuals, judge
from selftaught.evidence.report import report, so_far
from selftaught.gate import Round
from selftaught.improver import KEPT
from selftaught.lab import Lab
from selftaught.lab.boundaries import within
from selftaught.meta import ImproverTask
from selftaught.program import Program
from selftaught.recursion import recursion
from selftaught.runs import earlier_looks
from selftaught.settings import Assignment, Settings
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
    ahead.end(rounds)
    found = judge(lab, asked, rounds, test)
    further = counterfactuals(lab, asked, rounds, found, train, test) if asked.controls == "all" else None
    return {"model": lab.model.name, **report(rounds, found, further, earlier_looks(lab, asked))}


def tried(asked: Settings) -> tuple[dict[str, str], Sequence[str]]:
    """The seed improver, and all tasks."""
    return {"that this recursion starts from": asked.improver}, [*dict.fromkeys((*asked.tasks, *asked.test_tasks))]


def arrange(lab: Lab, settings: Settings) -> tuple[list[ScaledTask], list[ScaledTask]]:
    """The tasks to recurse on and those to compare on, on their scales; û among the first where the settings say so."""
    specs = settings.tasks, settings.test_tasks
    train, test = ([scale(lab, task) for task in load_all(group, settings.seed)] for group in specs)
    if settings.itself:
        seed = lab.store.text(settings.improver)
        train.append(scale(lab, ImproverTask(seed, tuple(train), settings.itself, settings.inner, settings.keep)))
    return train, test


def looked_at(asked: Settings) -> set[tuple[str, int]]:
    """The test tasks, by name, and the seed."""
    return named(asked.test_tasks, asked.seed)


def named(specs: tuple[str, ...], seed: int) -> set[tuple[str, int]]:
    """The names that specs stand for: `formula:test` holds every task of `formula:test/2`."""
    try:
        return {(name, seed) for name in names_of(specs)}
    except UsageError:  # an earlier run's task file is gone
        return {(spec, seed) for spec in specs}


def made(record: RunRecord, which: str) -> str:
    """Digest of the improver that the run ended with."""
    report = record.document or {}
    if which:
        raise UsageError(f"run {record.id} is one recursion: {which} is not in it")
    if "gain" not in report:
        raise UsageError(f"run {record.id} has come to no improver yet")
    return str(report["arms"]["improved"]["improver"])


# --- answers at most --------------------------------------------------------------------------------------------------


def bound(asked: Settings) -> list[tuple[Assignment, int]]:
    """Answers at most: of the rounds, of the comparison and of its controls."""
    once, inner = _once(asked), allowed(asked.inner)
    test_tasks = len(load_all(asked.test_tasks, asked.seed))
    proposing = allowed(asked.outer) + asked.outer.scorings * asked.repetitions * once
    validating = _validations(asked) * once
    # Best-of-n repeats the seed improver until it has as many answers as the improved one, rounded up: as much as two arms,
    # if the seed improver asks for as much on test as it did on validation. Discovery does it again with twice as many.
    arms, recursions = asked.rounds + 1 + 2, 1
    if asked.controls == "all":
        frozen, sham, doubled = 1, 1, 4
        arms, recursions = arms + frozen + sham + doubled, 2
    measuring = SCALE_REPETITIONS * len(load_all(asked.tasks, asked.seed)) * inner if asked.itself else 0
    rounds = recursions * asked.rounds * (proposing + validating)
    return [(asked, measuring + rounds + arms * test_tasks * asked.test * inner)]


def _validations(asked: Settings) -> int:
    """Improver runs on every task at one gate, at most: as many as race may be handed in, and each gate may come to its end."""
    if asked.accept == "paper":
        return 2 * asked.validation
    tasks = len(load_all(asked.tasks, asked.seed)) + bool(asked.itself)
    designs = {racing: within(tasks, asked.validation, racing) for racing in range(1, KEPT + 1)}
    return max((1 + racing) * (one.most if one else asked.validation) for racing, one in designs.items())


def bound_again(asked: Settings) -> int:
    """Answers at most of one outer run, its scorings, and the test of what it makes."""
    outer = allowed(asked.outer) + asked.outer.scorings * asked.repetitions * _once(asked)
    return outer + len(load_all(asked.test_tasks, asked.seed)) * asked.test * allowed(asked.inner)


def _once(settings: Settings) -> int:
    """What one repetition of every task of a recursion may ask. On û an improver scores others, and its result is judged."""
    tasks = len(load_all(settings.tasks, settings.seed)) * allowed(settings.inner)
    return tasks + (allowed(settings.itself) + (settings.itself.scorings + 1) * tasks if settings.itself else 0)


def allowed(allowance: Allowance) -> int:
    """Answers that an improver run may ask for."""
    return allowance.calls * allowance.responses
