"""Buying answers: every request's price is held before it is sent, and what it brings is handed over before the next."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from math import inf

from selftaught.budget import Usage
from selftaught.errors import BY_A_TEXT, ModelFailure, SpendExhausted, said_by
from selftaught.models import Answer, LanguageModel, Request
from selftaught.models.gateway import Gateway
from selftaught.models.offline import Offline
from selftaught.models.scripted import Scripted

_LONGEST = 500
EMPTIES = 8
"""How many answers are asked for again, while nothing comes, before one of them is taken as it is."""
Hold = Callable[[float | None, int], AbstractContextManager[list[Usage]]]
"""Holds so many dollars for so many answers, or refuses; is told in the end what was really used (see `Spend.buying`)."""


def buy(model: LanguageModel, request: Request, addresses: Sequence[str], hold: Hold) -> Sequence[Answer]:
    """Answers for the first of the addresses, one at least. Raises ModelFailure, or what `hold` does.

    Near a limit fewer are bought at once. The first answer carries the costs of what was asked for again: each of them is
    held for, and counted, by itself. What a model of somebody's own raises, or brings that are no answers, is its failure;
    one of the box meets texts that are made to break it, and what they break is no more than this call.
    """
    try:
        return _kept(model, request, addresses, hold)
    except BY_A_TEXT as error:
        if of_the_box(model):
            raise
        said = f"{type(error).__name__}: {said_by(error)}"[:_LONGEST]
        raise ModelFailure(f"the model {model.name} failed: {said}") from error


def of_the_box(model: LanguageModel) -> bool:
    """Whether a model is one of this package's own, at a server, built in or scripted, and none of somebody's."""
    return isinstance(model, Gateway | Offline | Scripted)


def _kept(model: LanguageModel, request: Request, addresses: Sequence[str], hold: Hold) -> Sequence[Answer]:
    """Answers, of which none is one to be asked for again."""
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
        if strange := next((said for one in answers if (said := _strange(one))), ""):
            raise ModelFailure(f"{model.name}: an answer of it has {strange}")
        bought += [_used(one) for one in answers]
    return answers


def _strange(answer: Answer) -> str:
    """What is wrong with the figures of an answer, which a model of somebody's own may give; empty where nothing is."""
    tokens = {"tokens_in": answer.tokens_in, "tokens_out": answer.tokens_out}
    if wrong := next((name for name, count in tokens.items() if type(count) is not int or count < 0), ""):
        return f"{wrong}={tokens[wrong]!r}: a whole number from 0 is needed"
    if answer.dollars is not None and not 0 <= answer.dollars < inf:
        return f"dollars={answer.dollars!r}: a number from 0 is needed, or None where the price is unknown"
    return "" if 0 <= answer.latency_s < inf else f"latency_s={answer.latency_s!r}: a number from 0 is needed"


def _used(answer: Answer) -> Usage:
    """What an answer took; a lost one is none, but may have to be paid."""
    return Usage(0, int(answer.finish != "lost"), 0, answer.tokens_in, answer.tokens_out, answer.dollars)
