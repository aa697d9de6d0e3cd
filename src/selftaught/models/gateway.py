"""The one door to every provider: how many requests at once, what is tried again, and when to give up."""

from __future__ import annotations

import itertools
import logging
import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from selftaught.errors import ModelDown, ModelFailure, ModelRefused, PassingFailure
from selftaught.models import Answer, Request
from selftaught.models.gate import Gate, Verdict
from selftaught.models.threads import RequestThreads
from selftaught.plain import JSON

log = logging.getLogger(__name__)

FIRST_WAIT_S = 0.5
LONGEST_WAIT_S = 30.0
SHORTEST_TRY_S = 0.05
UNHEARD, HEARD = 4, 30
"""The first try of a question may take this part of the deadline: before any answer came, and at least after one did."""
USUAL = 8
"""How many times the longest time an answer has taken so far a first try may take."""
GROWTH = 1.5
"""Every further try may take so much longer: a slow answer is waited for in the end, and not paid for again and again."""


class Provider(Protocol):
    """What a gateway asks. Safe to use from many threads at once; tries nothing again by itself."""

    name: str
    parameters: Mapping[str, JSON]
    concurrency: int

    @property
    def batch(self) -> int:
        """How many answers one request may ask for; it sinks when the server is seen to give fewer."""
        ...

    def ask(self, request: Request, count: int, timeout_s: float) -> Sequence[Answer]:
        """One to `count` answers by one request. Raises PassingFailure, or ModelRefused when trying again is no use."""
        ...

    def ceiling(self, request: Request, count: int) -> float | None:
        """Dollars that `count` answers may cost, guessed rather too high; None when the price is unknown."""
        ...

    def close(self) -> None:
        """Let go of the connections."""
        ...


class Gateway:
    """A language model over a provider: the same answers, in order, through what a network does to requests.

    It gives up when the server has gone `deadline_s` seconds without a good answer, counted from the start of a question:
    from then on everything asked of it raises the same ModelFailure, so that a run ends once and not for every answer it
    wanted. One try of a question takes a part of that time, depending on how long answers have taken so far.
    """

    def __init__(self, provider: Provider, deadline_s: float = 600.0) -> None:
        self.name = provider.name
        self.parameters = provider.parameters
        self.concurrency = provider.concurrency
        self._provider = provider
        self._deadline_s = deadline_s
        self._gate = Gate(provider.concurrency)
        self._threads = RequestThreads()
        self._last_good = 0.0
        self._longest_s: float | None = None

    @property
    def batch(self) -> int:
        """How many addresses go into one request now."""
        return self._provider.batch

    def complete(self, request: Request, addresses: Sequence[str]) -> Sequence[Answer]:
        """What one request brings for the first of the addresses. Raises ModelDown, or ModelRefused (wrong key …).

        An empty answer is worth asking again: servers in trouble give some.
        """
        if not addresses:
            return []
        answers = self._persist(request, min(len(addresses), self.batch))
        return [replace(answer, again=answer.finish == "empty") for answer in answers]

    def ceiling(self, request: Request, count: int) -> float | None:
        return self._provider.ceiling(request, count)

    def close(self) -> None:
        """Stop: whoever waits gets ModelFailure at once; requests under way are left to end by themselves."""
        closed = ModelFailure(f"{self.name}: stopped before it answered")
        self._gate.end(closed)
        self._threads.close(closed)
        self._provider.close()

    def _persist(self, request: Request, count: int) -> Sequence[Answer]:
        """The answers of one request, sent again until it passes or the server has been silent for too long."""
        began: float | None = None
        reason = "the server did not get to it"
        for attempt in itertools.count():
            entered = self._enter(began)
            if entered is None:
                raise self._given_up(reason)
            began = began or time.monotonic()
            tried = self._try(entered, request, count, self._patience(began, attempt))
            if not isinstance(tried, PassingFailure):
                return tried
            reason = str(tried)
            if (tried.after_s or 0.0) > self._deadline_s:
                reason += f" and asks for a pause of {tried.after_s:g} s"
            pause = self._pause(attempt, tried.after_s or 0.0)
            log.debug("%s: %s; next try in %.1f s", self.name, reason, pause)
            if time.monotonic() + pause >= self._end(began):
                raise self._given_up(reason)
            self._gate.sleep(pause)
        raise AssertionError("unreachable")

    def _enter(self, began: float | None) -> int | None:
        """A permit; None when the time of a question that began then is over before there is one."""
        while True:
            end = None if began is None else self._end(began)
            entered = self._gate.enter(end)
            if entered is not None or began is None or self._end(began) == end:
                return entered

    def _end(self, began: float) -> float:
        """Until when a question that began then is tried: a good answer to any other shows that the server lives."""
        return max(began, self._last_good) + self._deadline_s

    def _patience(self, began: float, attempt: int) -> float:
        """Seconds that this try may take."""
        first = self._deadline_s / UNHEARD
        if self._longest_s is not None:
            first = min(first, max(self._deadline_s / HEARD, USUAL * self._longest_s))
        left = self._end(began) - time.monotonic()
        return max(SHORTEST_TRY_S, min(first * GROWTH**attempt, self._deadline_s / 2, left))

    def _try(self, entered: int, request: Request, count: int, timeout_s: float) -> Sequence[Answer] | PassingFailure:
        """One request with a permit, which is given back whatever happens."""
        verdict: Verdict = "failed"
        began = time.monotonic()
        try:
            answers = self._threads.run(lambda: self._provider.ask(request, count, timeout_s), timeout_s)
            verdict = "good"
        except PassingFailure as failure:
            verdict = "throttled" if failure.throttled else "failed"
            return failure
        except ModelRefused as refused:
            told = ModelRefused(f"{self.name}: {refused}")
            self._gate.end(told)
            raise told from None
        finally:
            self._gate.leave(entered, verdict)
        self._last_good = time.monotonic()
        self._longest_s = max(self._longest_s or 0.0, self._last_good - began)
        return answers

    def _pause(self, attempt: int, after_s: float) -> float:
        """Seconds until the next try: full jitter below a doubling bound, on top of what the server asks for."""
        bound = min(LONGEST_WAIT_S, self._deadline_s / 10, FIRST_WAIT_S * 2**attempt)
        return after_s + random.uniform(0, min(bound, 1.0) if after_s else bound)

    def _given_up(self, reason: str) -> ModelFailure:
        failure = ModelDown(f"{self.name}: no answer within {self._deadline_s:g} s: {reason}")
        self._gate.end(failure)
        return failure
