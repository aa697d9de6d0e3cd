"""How many answers a recursion and its comparison ask for: at most, probably, and once some rounds have been seen."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean as mean

from selftaught.downstream import SCALE_REPETITIONS, ScaledTask
from selftaught.evidence.controls import spent_of
from selftaught.gate import Round
from selftaught.lab import Lab
from selftaught.lab.boundaries import Design, within
from selftaught.lab.handed import KEPT
from selftaught.runs.spans import Bound, Expected, Span, Used, likely
from selftaught.settings import Settings
from selftaught.tasks import load_all


def bound(asked: Settings) -> list[Bound]:
    """Answers at most: of the rounds, of the comparison and of its controls."""
    once, inner = _once(asked), asked.inner.answers
    test_tasks = len(load_all(asked.test_tasks, asked.seed))
    proposing = asked.outer.answers + asked.outer.scorings * asked.repetitions * once
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
    return _bounds(asked, in_all, recursions * asked.rounds * (asked.outer.answers + by_others))


def _bounds(asked: Settings, in_all: int, writing: int) -> list[Bound]:
    """By model: so many answers in all, of which so many write improvers."""
    if asked.proposer is None:
        return [Bound(asked.model, in_all)]
    return [Bound(asked.proposer, writing, "writes improvers"), Bound(asked.model, in_all - writing, "works inside")]


def _upon_itself(asked: Settings) -> int:
    """Answers that an improver may ask for to improve an improver, where that is one of the tasks."""
    return asked.itself.answers if asked.itself else 0


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
    proposed = likely(inner, asked.inner.answers)
    scored = Span(outer.scorings, outer.scorings), likely(outer.scorings, asked.outer.scorings)
    proposing = Span(outer.responses, outer.responses), likely(outer.responses, asked.outer.answers)
    first, later = (_scoring(asked, one, proposed) for one in scored)
    gate = _gating(asked, inner, proposed) * _cells(asked)
    inside = _in_rounds(asked, first + gate, later + gate) + _testing(asked, inner, proposed, asked.rounds)
    return _expected(asked, _in_rounds(asked, *proposing), inside)


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
    proposed = likely(used(asked.improver, asked.inner).responses, asked.inner.answers)
    work = likely(outer.responses, asked.outer.answers), likely(outer.scorings, asked.outer.scorings)
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
    most = asked.inner.answers
    arms = Span(most, most) if inner else Span(0, 0)
    arms += Span(0, improved * proposed.high)
    if asked.controls == "all":
        arms += Span(0, 2 * proposed.high + max(0.0, 2 * proposed.high - most)) + Span(proposed.low, 0)
    return arms * (asked.test * len(load_all(asked.test_tasks, asked.seed)))


def bound_again(asked: Settings) -> list[Bound]:
    """Answers at most of one outer run, its scorings and two of the host's own, by which one of two is kept, and the test
    of what it makes."""
    scored = (asked.outer.scorings + 2) * asked.repetitions
    test = len(load_all(asked.test_tasks, asked.seed)) * asked.test * asked.inner.answers
    in_all = asked.outer.answers + scored * _once(asked) + test
    return _bounds(asked, in_all, asked.outer.answers + scored * _upon_itself(asked))


def _once(settings: Settings) -> int:
    """What one repetition of every task of a recursion may ask. On û an improver scores others, and its result is judged."""
    tasks = len(load_all(settings.tasks, settings.seed)) * settings.inner.answers
    return tasks + (settings.itself.answers + (settings.itself.scorings + 1) * tasks if settings.itself else 0)


def sharpened(lab: Lab, asked: Settings, rounds: Sequence[Round], train: Sequence[ScaledTask]) -> tuple[Span, Span]:
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
    proposed = Span(0.7 * each, min(1.5 * each, asked.inner.answers))
    test = _testing(asked, seed, proposed, new + ahead)
    return rest + sum(used) + test, rest + test


def by_model(asked: Settings, rounds: Sequence[Round], answers: Span) -> list[Expected]:
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
