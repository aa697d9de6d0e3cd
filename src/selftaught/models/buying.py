"""Buying answers: every request's price is held before it is sent, and what it brings is handed over before the next."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager

from selftaught.budget import Usage
from selftaught.errors import ModelFailure
from selftaught.models import Answer, LanguageModel, Request

EMPTIES = 8
"""How many answers are asked for again, while nothing comes, before one of them is taken as it is."""
Hold = Callable[[float | None, int], AbstractContextManager[list[Usage]]]
"""Holds so many dollars for so many answers, or refuses; is told in the end what was really used (see `Spend.buying`)."""


def buy(model: LanguageModel, request: Request, addresses: Sequence[str], hold: Hold) -> Sequence[Answer]:
    """Answers for the first of the addresses, one at least. Raises ModelFailure, or what `hold` does.

    The first answer carries the costs of those that were asked for again: each of them is held for, and counted, by itself.
    """
    kept: list[Answer] = []
    dropped: list[Answer] = []
    while not kept:
        wanted = addresses[: model.batch]
        with hold(model.ceiling(request, len(wanted)), len(wanted)) as bought:
            answers = model.complete(request, wanted)
            bought += [Usage(0, 1, 0, one.tokens_in, one.tokens_out, one.dollars) for one in answers]
        if not 0 < len(answers) <= len(wanted):
            raise ModelFailure(f"{model.name}: {len(answers)} answers to {len(wanted)} addresses")
        for answer in answers:
            (dropped if answer.again and len(dropped) < EMPTIES else kept).append(answer)
    return [kept[0].with_costs_of(dropped), *kept[1:]]
