"""A recursion and the comparison that follows it: `selftaught run`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from statistics import fmean as mean
from typing import Any

from selftaught.budget import Allowance
from selftaught.downstream import SCALE_REPETITIONS, ScaledTask, scale
from selftaught.errors import UsageError
from selftaught.evidence.ahead import Ahead
from selftaught.evidence.controls import bounds_of, counterfactuals, judge, spent_of
from selftaught.evidence.models import names_in
from selftaught.evidence.report import report, so_far
from selftaught.evidence.statistics.bounds import of_mean
from selftaught.gate import Round
from selftaught.improver import KEPT
from selftaught.lab import Lab
from selftaught.lab.boundaries import Design, within
from selftaught.meta import ImproverTask
from selftaught.program import Program
from selftaught.recursion import recursion
from selftaught.runs import earlier_looks
from selftaught.runs.forecast import sharpened
from selftaught.runs.spans import Bound, Expected, Span, Used, likely
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
    bounds = bounds_of(train, of_mean)
    most = bounds and bounds[1]
    ahead.begin(seed)
    for one in recursion(lab, seed, train, asked):
        rounds.append(one)
        ahead.follow(one)
        lab.document.tell(**so_far(rounds, most))
        _say_how_far(lab, asked, rounds, train)
    ahead.end(rounds)
    found = judge(lab, asked, rounds, test)
    further = counterfactuals(lab, asked, rounds, found, train, test) if asked.controls == "all" else None
    return {**names_in(lab), **report(rounds, found, further, earlier_looks(lab, asked), most)}


def _say_how_far(lab: Lab, asked: Settings, rounds: Sequence[Round], train: Sequence[ScaledTask]) -> None:
    """One line on the round that has ended, and what the run will probably come to."""
    one, spent = rounds[-1], lab.spend.now()
    answers, left = _sharpened(lab, asked, rounds, train)
    found = sharpened(lab, _shared(asked, rounds, answers), left)
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


def _sharpened(lab: Lab, asked: Settings, rounds: Sequence[Round], train: Sequence[ScaledTask]) -> tuple[Span, Span]:
    """Answers in all, and those that are left, by how the rounds so far have used them."""
    used = [spent_of(lab, asked, one, train) for one in rounds]
    gates = [*rounds[-1].incumbent_cells, *rounds[-1].challenger_cells]
    each = mean(cell.usage.responses for cell in gates)
    seed = mean(cell.usage.responses for cell in rounds[0].incumbent_cells)
    ahead = asked.rounds - len(rounds)
    rest = Span(0.6, 1.6) * (used[-1] * ahead * _asks_more(asked, rounds[-1]))
    if asked.controls == "all" and asked.worker == "self":
        rest += Span(0.7, 1.3) * (used[0] * (asked.rounds - 1))
    new = len({one.improver for one in rounds} - {rounds[0].incumbent})
    proposed = Span(0.7 * each, min(1.5 * each, allowed(asked.inner)))
    test = _testing(asked, seed, proposed, new + ahead)
    return rest + sum(used) + test, rest + test


def _shared(asked: Settings, rounds: Sequence[Round], answers: Span) -> list[Expected]:
    """What a run asks in all, by model: improvers go on to be written as the rounds so far have."""
    each = mean(one.proposal.usage.responses for one in rounds)
    frozen = asked.controls == "all" and asked.worker == "self"
    writing = each * (asked.rounds + (asked.rounds - 1 if frozen else 0))
    return _expected(asked, Span(writing, writing), (answers + -writing).at_least(0.0))


def _asks_more(asked: Settings, one: Round) -> float:
    """Answers that the worker of the next round asks for, by those of this one, as both did at its gate."""
    if asked.worker != "self" or not one.accepted:
        return 1.0
    before, after = (
        mean(cell.usage.responses for cell in cells) for cells in (one.incumbent_cells, one.challenger_cells)
    )
    return after / before if before and after else 1.0


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


def bound(asked: Settings) -> list[Bound]:
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
    in_all = measuring + rounds + arms * test_tasks * asked.test * inner
    by_others = (asked.outer.scorings * asked.repetitions + _validations(asked)) * _upon_itself(asked)
    return _bounds(asked, in_all, recursions * asked.rounds * (allowed(asked.outer) + by_others))


def _bounds(asked: Settings, in_all: int, writing: int) -> list[Bound]:
    """By model: so many answers in all, of which so many write improvers."""
    if asked.proposer is None:
        return [Bound(asked.model, in_all)]
    return [Bound(asked.proposer, writing, "writes improvers"), Bound(asked.model, in_all - writing, "works inside")]


def _upon_itself(asked: Settings) -> int:
    """Answers that an improver may ask for to improve an improver, where that is one of the tasks."""
    return allowed(asked.itself) if asked.itself else 0


def _validations(asked: Settings) -> int:
    """Improver runs on every task at one gate, at most: as many as race may be handed in, and each gate may come to its end."""
    if asked.accept == "paper":
        return 2 * asked.validation
    return max((1 + racing) * _repetitions(asked, one) for racing, one in _designs(asked).items())


def _designs(asked: Settings) -> dict[int, Design | None]:
    """The gate, by how many challengers race."""
    tasks = len(load_all(asked.tasks, asked.seed)) + bool(asked.itself)
    return {racing: within(tasks, asked.validation, racing) for racing in range(1, KEPT + 1)}


def _repetitions(asked: Settings, design: Design | None) -> int:
    return design.most if design else asked.validation


def expected(asked: Settings, used: Used) -> list[Expected]:
    """Answers, probably: the seed improver goes about it as with canned answers, what is proposed asks from less to more."""
    inner, outer = used(asked.improver, asked.inner).responses, used(asked.improver, asked.outer)
    proposed = likely(inner, allowed(asked.inner))
    scored = Span(outer.scorings, outer.scorings), likely(outer.scorings, asked.outer.scorings)
    asking = Span(outer.responses, outer.responses), likely(outer.responses, allowed(asked.outer))
    first, later = (_scoring(asked, one, proposed) for one in scored)
    gate = _gating(asked, inner, proposed) * _cells(asked)
    inside = _in_rounds(asked, first + gate, later + gate) + _testing(asked, inner, proposed, asked.rounds)
    return _expected(asked, _in_rounds(asked, *asking), inside)


def _in_rounds(asked: Settings, first: Span, later: Span) -> Span:
    """Of all rounds, those of the control with a frozen worker included, from what the seed improver and a later worker use."""
    rounds = first + (first if asked.worker == "frozen" else later) * (asked.rounds - 1)
    frozen = asked.controls == "all" and asked.worker == "self"
    return rounds + first * (asked.rounds - 1) if frozen else rounds


def _expected(asked: Settings, writing: Span, inside: Span) -> list[Expected]:
    """By model: who writes improvers, and who works inside them."""
    on = asked.tasks, asked.seed
    if asked.proposer is None:
        return [Expected(asked.model, writing + inside, *on)]
    return [
        Expected(asked.proposer, writing, *on, "writes improvers"),
        Expected(asked.model, inside, *on, "works inside"),
    ]


def _gating(asked: Settings, inner: float, proposed: Span) -> Span:
    """Answers on a task at a gate: from one challenger at its first look to as many as may race at the last one."""
    if asked.accept == "paper":
        return (proposed + inner) * asked.validation
    designs = _designs(asked)
    first = min(one.looks[0] if one else asked.validation for one in designs.values())
    last = max((inner + racing * proposed.high) * _repetitions(asked, one) for racing, one in designs.items())
    return Span((inner + proposed.low) * first, last)


def expected_again(asked: Settings, used: Used) -> list[Expected]:
    """Answers, probably, of one outer run, its scorings, and the test of what it makes."""
    outer = used(asked.improver, asked.outer)
    proposed = likely(used(asked.improver, asked.inner).responses, allowed(asked.inner))
    work = likely(outer.responses, allowed(asked.outer)), likely(outer.scorings, asked.outer.scorings)
    test = proposed * (asked.test * len(load_all(asked.test_tasks, asked.seed)))
    return _expected(asked, work[0], _scoring(asked, work[1], proposed) + test)


def _scoring(asked: Settings, scorings: Span, proposed: Span) -> Span:
    """Answers of an outer run's scorings, where an improver that is scored uses `proposed` on a task."""
    return scorings * proposed * (asked.repetitions * _cells(asked))


def _cells(asked: Settings) -> int:
    """Improver runs on tasks in one repetition; û among the tasks has some of its own."""
    tasks = len(load_all(asked.tasks, asked.seed))
    return tasks * (2 + asked.itself.scorings // 2) if asked.itself else tasks


def _testing(asked: Settings, inner: float, proposed: Span, improved: int) -> Span:
    """Answers of the comparison: best-of-n, which holds the seed improver, the improvers of the rounds, and the controls."""
    most = allowed(asked.inner)
    arms = Span(most, most) if inner else Span(0, 0)
    arms += Span(0, improved * proposed.high)
    if asked.controls == "all":
        arms += Span(0, 2 * proposed.high + max(0.0, 2 * proposed.high - most)) + Span(proposed.low, 0)
    return arms * (asked.test * len(load_all(asked.test_tasks, asked.seed)))


def bound_again(asked: Settings) -> list[Bound]:
    """Answers at most of one outer run, its scorings, and the test of what it makes."""
    scored = asked.outer.scorings * asked.repetitions
    test = len(load_all(asked.test_tasks, asked.seed)) * asked.test * allowed(asked.inner)
    in_all = allowed(asked.outer) + scored * _once(asked) + test
    return _bounds(asked, in_all, allowed(asked.outer) + scored * _upon_itself(asked))


def _once(settings: Settings) -> int:
    """What one repetition of every task of a recursion may ask. On û an improver scores others, and its result is judged."""
    tasks = len(load_all(settings.tasks, settings.seed)) * allowed(settings.inner)
    return tasks + (allowed(settings.itself) + (settings.itself.scorings + 1) * tasks if settings.itself else 0)


def allowed(allowance: Allowance) -> int:
    """Answers that an improver run may ask for."""
    return allowance.calls * allowance.responses
