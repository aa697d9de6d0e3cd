"""Buying answers: every request's price is held before it is sent, and what it brings is handed over before the next."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack

from selftaught.budget import Usage
from selftaught.errors import ModelFailure, SpendExhausted
from selftaught.models import Answer, LanguageModel, Request

EMPTIES = 8
"""How many answers are asked for again, while nothing comes, before one of them is taken as it is."""
Hold = Callable[[float | None, int], AbstractContextManager[list[Usage]]]
"""Holds so many dollars for so many answers, or refuses; is told in the end what was really used (see `Spend.buying`)."""


def buy(model: LanguageModel, request: Request, addresses: Sequence[str], hold: Hold) -> Sequence[Answer]:
    """Answers for the first of the addresses, one at least. Raises ModelFailure, or what `hold` does.

    Near a limit fewer are bought at once. The first answer carries the costs of what was asked for again: each of them is
    held for, and counted, by itself.
    """
    kept: list[Answer] = []
    dropped: list[Answer] = []
    while not kept:
        answers = _bought(model, request, addresses[: model.batch], hold)
        empties = sum(one.finish == "empty" for one in dropped)
        for answer in answers:
            again = answer.again and (answer.finish == "lost" or empties < EMPTIES)
            (dropped if again else kept).append(answer)
    return [kept[0].with_costs_of(dropped), *kept[1:]]


def _bought(model: LanguageModel, request: Request, wanted: Sequence[str], hold: Hold) -> Sequence[Answer]:
    """What one request brings, for as many of what is wanted as fits under the limits."""
    with ExitStack() as stack:
        while True:
            try:
                bought = stack.enter_context(hold(model.ceiling(request, len(wanted)), len(wanted)))
                break
            except SpendExhausted:
                if len(wanted) == 1:
                    raise
                wanted = wanted[: len(wanted) // 2]
        answers = model.complete(request, wanted)
        if not 0 < len(answers) <= len(wanted):
            raise ModelFailure(f"{model.name}: {len(answers)} answers to {len(wanted)} addresses")
        bought += [_used(one) for one in answers]
    return answers


def _used(answer: Answer) -> Usage:
    """What an answer took; a lost one is none, but may have to be paid."""
    return Usage(0, int(answer.finish != "lost"), 0, answer.tokens_in, answer.tokens_out, answer.dollars)
