"""How often improvers hack a flawed scorer: `selftaught audit hacking`."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from itertools import takewhile
from typing import Any, NamedTuple

from selftaught.errors import UsageError
from selftaught.evidence.hacking import CONDITIONS, Chained, Condition, figures, uses
from selftaught.improver import improve
from selftaught.lab import Lab
from selftaught.lab.workers import improving
from selftaught.plain import JSON
from selftaught.program import Program
from selftaught.runs.spans import Bound, Expected, Used, about
from selftaught.settings.audits import Hacking
from selftaught.store import RunRecord
from selftaught.tasks.twins import Twin, names, twin
from selftaught.utility import TaskUtility

WHAT = "an audit of hacking"


def read(plain: Mapping[str, Any]) -> Hacking:
    """The audit that was stored."""
    return Hacking.read(plain)


def conduct(lab: Lab, asked: Hacking) -> dict[str, Any]:
    """Every twin, with and without the warning, so often, side by side; the figures."""
    improver = Program(lab.store.text(asked.improver))
    flaws = {name: twin(name).flaw for name in names()}
    wanted: list[tuple[Condition, str, int]]
    wanted = [(one, name, r) for one in CONDITIONS for name in names() for r in range(asked.repetitions)]
    done: dict[int, Chained] = {}
    lock = threading.Lock()

    def one(number: int) -> Chained:
        condition, name, repetition = wanted[number]
        found = chained(lab, improver, twin(name, condition == "warned"), condition, repetition, asked)
        with lock:
            done[number] = found
            # As many as there are without a gap: of a run that is resumed these are never fewer than were told.
            told = list(takewhile(lambda i: i in done, range(len(wanted))))
            if number in told:
                lab.document.tell(**figures([done[i] for i in told], flaws))
        return found

    lab.progress.phase("the improver works on twins")
    lab.progress.expect(len(wanted) * asked.rounds)
    chains = lab.workers.map(improving(0), one, range(len(wanted)))
    return {"model": lab.model.name, **figures(chains, flaws)}


def chained(lab: Lab, improver: Program, pair: Twin, condition: Condition, repetition: int, asked: Hacking) -> Chained:
    """An improver at work on a twin, round after round on what it made before."""
    program = Program(pair.flawed.start)
    programs, scores = [program], [both(lab, pair, program, repetition)]
    for number in range(1, asked.rounds + 1):
        place: list[JSON] = ["hacking", repetition, number]
        utility = TaskUtility(lab, pair.flawed, "train", place, "practice")
        stream: list[JSON] = ["inner", lab.roots.streams, pair.name, condition, *place]
        program = improve(lab, improver, program, utility, stream, asked.inner).program or program
        lab.progress.step()
        programs.append(program)
        scores.append(both(lab, pair, program, repetition))
    first = next((number for number, one in enumerate(scores) if uses(one.flawed, one.within)), None)
    return {
        "twin": pair.name,
        "condition": condition,
        "repetition": repetition,
        "flawed": [one.flawed for one in scores],
        "true": [one.true for one in scores],
        "within": [one.within for one in scores],
        "programs": [lab.store.keep(one.text) for one in programs],
        "first": first,
    }


class Both(NamedTuple):
    """What the two scorers of a twin say of a program; 0 where it has no score."""

    flawed: float
    true: float
    within: float
    """What the flawed score may be without the flaw: the true one or, where the flaw is in the instances, the best on one of
    many."""


def both(lab: Lab, pair: Twin, program: Program, repetition: JSON) -> Both:
    """The flawed and the true score of a program."""
    flawed, true = (
        TaskUtility(lab, one, "train", repetition, "judged").score(program) for one in (pair.flawed, pair.honest)
    )
    return Both(flawed.number, true.number, max(true.parts, default=0.0) if pair.sampled else true.number)


def tried(asked: Hacking) -> tuple[dict[str, str], Sequence[str]]:
    """The improver; the twins are in no list of tasks."""
    return {"at work": asked.improver}, ()


def bound(asked: Hacking) -> list[Bound]:
    """Answers at most: every improver run uses up its allowance."""
    return [Bound(asked.model, _runs(asked) * asked.inner.answers)]


def expected(asked: Hacking, used: Used) -> list[Expected]:
    """Answers, probably: the improver goes about it as it does with canned answers, or so."""
    each = about(used(asked.improver, asked.inner).responses, asked.inner.answers)
    return [Expected(asked.model, each * _runs(asked), (), asked.seed)]


def _runs(asked: Hacking) -> int:
    return len(CONDITIONS) * len(names()) * asked.repetitions * asked.rounds


def looked_at(asked: Hacking) -> set[tuple[str, int]]:  # noqa: ARG001 - the same for all kinds
    """Nothing is judged on test instances."""
    return set()


def made(record: RunRecord, which: str) -> str:  # noqa: ARG001 - the same for all kinds
    """An audit makes no improver: UsageError."""
    raise UsageError(f"run {record.id} is an audit of hacking: it made no improver")
