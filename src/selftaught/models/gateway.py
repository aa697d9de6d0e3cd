"""The one door to every provider: how many requests at once, what is tried again, and when to give up."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from selftaught.errors import ModelDown, ModelFailure, ModelRefused, PassingFailure
from selftaught.models import Answer, Request
from selftaught.models.exchange import Asker, greeting
from selftaught.models.faults import Billed
from selftaught.models.threads import RequestThreads
from selftaught.models.throttle import Throttle, Verdict
from selftaught.models.turns import Turns
from selftaught.models.waiting import Signs, Silence, Wait, Watch
from selftaught.plain import JSON

log = logging.getLogger(__name__)

FIRST_WAIT_S = 0.5
LONGEST_WAIT_S = 30.0
ALONE = 10
"""A question that failed so often, while others were answered in between, is answered by that."""
BARREN = 8
"""So many responses without an answer, before there ever was one, show that there will be none."""
NOTES = 20
"""Different reasons that are told in one run, at most."""
EMPTY = 8
"""After so many empty answers in a row nothing is asked again for being empty."""


class Provider(Protocol):
    """What a gateway asks. Safe to use from many threads at once; tries nothing again by itself."""

    name: str
    parameters: Mapping[str, JSON]
    concurrency: int

    @property
    def batch(self) -> int:
        """How many answers one request may ask for; it sinks when the server is seen to give fewer."""
        ...

    @property
    def local(self) -> bool:
        """Whether the model runs on this machine, and takes from the cores that everything else needs."""
        ...

    @property
    def streams(self) -> bool:
        """Whether answers are streamed, as far as is known."""
        ...

    def ask(self, request: Request, count: int, waiting: Asker) -> Sequence[Answer]:
        """One to `count` answers by one request, or one that is `lost`. Raises PassingFailure."""
        ...

    def ceiling(self, request: Request, count: int) -> float | None:
        """Dollars that `count` answers may cost, guessed rather too high; None when the price is unknown."""
        ...

    def lives(self) -> bool:
        """Whether the server answers something that costs nothing."""
        ...

    def elsewhere(self) -> str:
        """Which other address would do, in a few words; "" when none is found."""
        ...

    def close(self) -> None:
        """Let go of the connections."""
        ...


@dataclass
class _Question:
    """One question on its way, through all its tries."""

    began: float | None = None
    """When it was first sent."""
    tries: int = 0
    alone: int = 0
    """Tries that failed though others were answered meanwhile."""
    barren: int = 0
    """Responses without an answer."""
    good: int = 0
    """Good responses to others, up to the last try."""


class Gateway:
    """A language model over a provider: the same answers, in order, through what a network does to requests.

    A request is waited for as long as its server gives signs of life: pieces of a streamed answer, or, after `idle_s`
    seconds without one, an answer to something that costs nothing. It is sent again when it has failed, or is known to be
    lost. When the server has gone `deadline_s` seconds without a sign of life, everything asked of it raises the same
    ModelFailure from then on, so that a run ends once and not for every answer it wanted. What cannot pass by waiting ends
    it at once, as long as nothing was ever answered.
    """

    def __init__(self, provider: Provider, deadline_s: float = 600.0, idle_s: float = 60.0) -> None:
        self.name = provider.name
        self.parameters = provider.parameters
        self.concurrency = provider.concurrency
        self.watch = Watch()
        """Who is told how it goes; to be replaced before anything is asked."""
        self.turns = Turns()
        """With whom its requests take turns; to be replaced before anything is asked."""
        self._provider = provider
        self._deadline_s = deadline_s
        self._idle_s = idle_s
        self._throttle = Throttle(provider.concurrency)
        self._threads = RequestThreads()
        self._signs = Signs()
        self._questions: dict[tuple[Request, str], _Question] = {}
        self._empties = 0
        self._noted: set[str] = set()
        self._reason = "the server did not get to it"
        """Of the last failure of a request."""
        self._lock = threading.Lock()

    @property
    def batch(self) -> int:
        """How many addresses go into one request now."""
        return self._provider.batch

    @property
    def local(self) -> bool:
        """Whether the model runs on this machine."""
        return self._provider.local

    @property
    def held(self) -> float:
        """Dollars that will have to be paid if everything ended now: what requests may cost of whose answers something came."""
        return self._signs.held

    def complete(self, request: Request, addresses: Sequence[str]) -> Sequence[Answer]:
        """What one request brings for the first of the addresses. Raises ModelDown, or ModelRefused (wrong key …).

        Worth asking again is an empty answer, as servers in trouble give some, and a lost one: a request that may have to be
        paid and brought nothing. The caller counts it, and asks for the same again.
        """
        if not addresses:
            return []
        with self._lock:
            place = request, addresses[0]
            question = self._questions.setdefault(place, _Question(good=self._signs.good))
        answers = self._persist(question, request, min(len(addresses), self.batch))
        answers = [replace(answer, again=self._again(answer)) for answer in answers]
        if not answers[0].again:
            with self._lock:
                self._questions.pop(place, None)
        return answers

    def ceiling(self, request: Request, count: int) -> float | None:
        return self._provider.ceiling(request, count)

    def close(self) -> None:
        """Stop: whoever waits gets ModelFailure at once; requests under way are left to end by themselves."""
        closed = self._stopped()
        cut, held = self._signs.coming, self.held
        if cut and not self._signs.ended:
            self.watch.lost(f"{self.name}: {cut} requests cut under way may have to be paid: counted as ${held:.4f}")
        self._signs.ended = True
        self.turns.end()
        self._throttle.end(closed)
        self._threads.close(closed)
        self._provider.close()

    def _stopped(self) -> ModelFailure:
        return ModelFailure(f"{self.name}: stopped before it answered")

    def _again(self, answer: Answer) -> bool:
        """Whether to ask again for what came; not for ever where it comes again and again."""
        with self._lock:
            self._empties = self._empties + 1 if answer.finish == "empty" else 0 if answer.text else self._empties
            return answer.finish == "lost" or (answer.finish == "empty" and self._empties <= EMPTY)

    def _persist(self, question: _Question, request: Request, count: int) -> Sequence[Answer]:
        """What came of a question: it is sent again until it passes, may have to be paid, or has failed for good."""
        while True:
            with self.turns.of("asking"):
                entered = self._enter(question)
                if entered is None:
                    raise self._given_up(self._reason)
                question.began = question.began or time.monotonic()
                tried = self._try(entered, request, count)
            if isinstance(tried, PassingFailure):
                failure = tried
                lost = self._lost(failure, request, count)
            elif tried[0].finish == "lost":
                failure, lost = PassingFailure(tried[0].reason, paid=True), tried[0]
            else:
                return tried
            self._reason = reason = str(failure)
            if self._signs.ended:
                if not failure.paid:
                    raise self._stopped()
                return [replace(lost, reason=reason)]
            try:
                alone = self._alone(question, failure, request)
            except ModelFailure:
                if not isinstance(failure, Billed):
                    raise
                return [replace(lost, reason=reason)]  # counted first: whatever is asked next meets what ended it all
            if alone:
                return [replace(lost, finish="failed", reason=reason)]
            if failure.paid:
                return [replace(lost, reason=reason)]

    def _lost(self, failure: PassingFailure, request: Request, count: int) -> Answer:
        """What a request that failed may have cost: what the server says, or the most it can."""
        if isinstance(failure, Billed):
            return failure.lost
        return Answer("", "lost", dollars=self.ceiling(request, count) if failure.paid else 0.0)

    def _alone(self, question: _Question, failure: PassingFailure, request: Request) -> bool:
        """Whether it is this question alone that fails; waits before the next try when it is not known to be.

        Raises what ends everything: ModelRefused for what cannot pass by waiting, ModelDown when the time is over.
        """
        self._check_right(question, failure)
        question.tries += 1
        question.alone += self._signs.good > question.good and not failure.throttled
        question.good = self._signs.good
        pause = self._pause(question.tries - 1, failure.after_s or 0.0)
        over = time.monotonic() + pause >= self._end()
        if question.alone >= ALONE or (
            (over or question.tries % ALONE == 0) and not failure.throttled and self._greets(request)
        ):
            self._tell(f"{failure}; this question is left without an answer")
            return True
        if over:
            asked_s = failure.after_s or 0.0
            asks = f" and asks for a pause of {asked_s:g} s" if asked_s > self._deadline_s else ""
            raise self._given_up(f"{failure}{asks}")
        self._tell(f"{failure}; trying again")
        log.debug("%s: %s; next try in %.1f s", self.name, failure, pause)
        self._throttle.sleep(pause)
        return False

    def _check_right(self, question: _Question, failure: PassingFailure) -> None:
        """Raise ModelRefused for what will not pass by waiting, as long as nothing was ever answered."""
        if self._signs.good:
            return
        question.barren += failure.paid and not isinstance(failure, Silence)
        if failure.lasting or question.barren >= BARREN:
            other = self._provider.elsewhere() if failure.misplaced else ""
            refused = ModelRefused(f"{self.name}: {failure}{f'; {other}' if other else ''}")
            self._throttle.end(refused)
            raise refused

    def _tell(self, reason: str) -> None:
        """Say what went wrong, each thing once."""
        with self._lock:
            if reason in self._noted or len(self._noted) > NOTES:
                return
            self._noted.add(reason)
        self.watch.note(f"{self.name}: {reason}")

    def _greets(self, request: Request) -> bool:
        """Whether the server answers when it is asked something that nobody can object to."""
        if not self._signs.good:
            return False
        with self.turns.of("asking"):
            entered = self._enter(_Question(began=time.monotonic()))
            tried = None if entered is None else self._try(entered, greeting(request), 1)
        return isinstance(tried, Sequence) and tried[0].finish != "lost"

    def _enter(self, question: _Question) -> int | None:
        """A permit; None when the time of a question that was sent before is over before there is one."""
        while True:
            end = None if question.began is None else self._end()
            entered = self._throttle.enter(end)
            if entered is not None or end is None or self._end() <= end:
                return entered

    def _end(self) -> float:
        """Until when the server is tried: counted from its last sign of life, or from when the oldest question that is open
        was first sent."""
        with self._lock:
            sent = [one.began for one in self._questions.values() if one.began is not None]
        return max(min(sent, default=time.monotonic()), self._signs.last) + self._deadline_s

    def _try(self, entered: int, request: Request, count: int) -> Sequence[Answer] | PassingFailure:
        """One request with a permit, which is given back whatever happens."""
        verdict: Verdict = "failed"
        wait = Wait(self._signs, self.watch, self._provider.lives, self._idle_s, self._deadline_s)
        wait.at_most = lambda: self.ceiling(request, count)
        self._signs.begin(wait)
        try:
            answers = self._threads.run(lambda: self._provider.ask(request, count, wait))
            verdict = "failed" if answers[0].finish == "lost" else "good"
        except PassingFailure as failure:
            verdict = "throttled" if failure.throttled else "failed"
            return failure
        except ModelFailure:
            if not wait.came:
                raise
            return self._cut(request, count)
        finally:
            self._signs.end(wait, verdict == "good")
            self._throttle.leave(entered, verdict)
        return answers

    def _cut(self, request: Request, count: int) -> Sequence[Answer]:
        """What is left of a request that was let go when something of its answer had come: it may have to be paid."""
        reason = "it was cut by the end of the run"
        return [Answer("", "lost", dollars=self.ceiling(request, count), reason=reason)]

    def _pause(self, attempt: int, after_s: float) -> float:
        """Seconds until the next try: full jitter below a doubling bound, on top of what the server asks for."""
        bound = min(LONGEST_WAIT_S, self._deadline_s / 10, FIRST_WAIT_S * 2 ** min(attempt, 10))
        return after_s + random.uniform(0, min(bound, 1.0) if after_s else bound)

    def _given_up(self, reason: str) -> ModelFailure:
        failure = ModelDown(f"{self.name}: no answer within {self._deadline_s:g} s: {reason}")
        self._throttle.end(failure)
        return failure
