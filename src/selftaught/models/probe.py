"""What one question to a model shows: whether it answers, how fast, at what price, and what its server takes."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from selftaught.errors import BY_A_TEXT, ModelFailure, PassingFailure, said_by
from selftaught.models import Answer, LanguageModel, Request
from selftaught.models.gateway import Provider
from selftaught.models.providers import added, open_model, open_provider
from selftaught.models.waiting import Signs, Wait, Watch
from selftaught.plain import JSON, digest
from selftaught.settings.choice import ModelChoice

QUESTION = "Write a Python function add(a, b) that returns the sum of its arguments. Give one block of Python code."
_REQUEST = Request("You are an expert programmer.", QUESTION)
SHOWN = 200


@dataclass(frozen=True)
class Probe:
    """What came of two questions to a model: one for one answer, one for two."""

    model: str
    failure: str = ""
    """Why there is no answer, in the server's own words where they may be shown; "" where there is one."""
    seconds: float = 0.0
    """From the first question to the whole answer."""
    tokens_in: int = 0
    tokens_out: int = 0
    dollars: float | None = None
    """Of both questions; None: the price is not known."""
    several: bool | None = None
    """Whether one request brings several answers (n); this and the following None: not known, as nothing was answered."""
    streams: bool | None = None
    temperature: bool | None = None
    """Whether the model takes one."""
    text: str = ""
    """How the answer begins."""

    def plain(self) -> dict[str, JSON]:
        return asdict(self)


def probe(choice: ModelChoice, wait_s: float = 60.0) -> Probe:
    """Ask the model of a server twice, or one of a package once; this may cost a fraction of a cent. Raises UsageError for
    what cannot be opened.

    `wait_s`: seconds without a sign of life after which it is given up.
    """
    if added(choice.spec):
        return _asked(open_model(choice))
    provider = open_provider(choice)
    try:
        return _probed(provider, wait_s)
    finally:
        provider.close()


def _asked(model: LanguageModel) -> Probe:
    """What came of one question to a model that is no server's: how it is reached is its own affair."""
    began = time.monotonic()
    try:
        (answer, *_) = model.complete(_REQUEST, [digest(["try", began])])
    except (ModelFailure, OSError, *BY_A_TEXT) as error:  # whatever somebody's own model raises: here it is tried
        said = f"{type(error).__name__}: {said_by(error)}"
        return Probe(model.name, failure=said, seconds=time.monotonic() - began)
    finally:
        model.close()
    return Probe(
        model.name,
        answer.reason if answer.finish == "lost" else "",
        time.monotonic() - began,
        answer.tokens_in,
        answer.tokens_out,
        answer.dollars,
        temperature=None if answer.finish in {"lost", "blocked"} else answer.temperature_applied is not None,
        text=answer.text[:SHOWN],
    )


class _Counting(Watch):
    """Hears whether answers come in pieces: some servers are asked for that, and do not do it, or say so."""

    pieces = 0

    def came(self, pieces: int) -> None:
        self.pieces += pieces


def _probed(provider: Provider, wait_s: float) -> Probe:
    began, watch = time.monotonic(), _Counting()
    try:
        (answer,) = _ask(provider, 1, wait_s, watch)
    except PassingFailure as failure:
        return Probe(provider.name, failure=str(failure), seconds=time.monotonic() - began)
    seconds = time.monotonic() - began
    known = answer.finish not in {"lost", "blocked"}
    more = _ask_several(provider, wait_s)
    prices = [one.dollars for one in (answer, *more)]
    sums = [price for price in prices if price is not None]
    return Probe(
        provider.name,
        answer.reason if answer.finish == "lost" else "",
        seconds,
        sum(one.tokens_in for one in (answer, *more)),
        sum(one.tokens_out for one in (answer, *more)),
        sum(sums) if len(sums) == len(prices) else None,
        len(more) > 1 if known and more else None,
        provider.streams and watch.pieces > 0 if known else None,
        answer.temperature_applied is not None if known else None,
        answer.text[:SHOWN],
    )


def _ask(provider: Provider, count: int, wait_s: float, watch: Watch) -> Sequence[Answer]:
    waiting = Wait(Signs(), watch, provider.lives, wait_s / 2, wait_s)
    return provider.ask(_REQUEST, count, waiting)


def _ask_several(provider: Provider, wait_s: float) -> Sequence[Answer]:
    """Two answers by one request, where they come; a failure of this question tells nothing of the model."""
    try:
        return _ask(provider, 2, wait_s, Watch())
    except PassingFailure:
        return []
