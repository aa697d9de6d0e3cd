"""`anthropic:NAME`: messages. One answer per request; the API takes no temperature any more."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from selftaught.errors import PassingFailure
from selftaught.models import Answer, Request, exchange
from selftaught.models.exchange import Asker
from selftaught.models.faults import Billed, Fault
from selftaught.models.messages import blank, ending, spoken, thought
from selftaught.models.rows import ANTHROPIC, Row
from selftaught.models.served import served
from selftaught.models.streams import mappings
from selftaught.models.usage import counted
from selftaught.plain import JSON
from selftaught.settings.choice import ModelChoice

VERSION = "2026-10-21"
"""Of the API: the first one without temperatures."""
MAX_TOKENS = 4096
"""The API demands a limit; this one is sent when the user gives none."""


class Anthropic:
    """One model (a `Provider`).

    Every answer's `temperature_applied` is None: API versions since 2026-10-21 have no such parameter.
    """

    batch = 1

    def __init__(
        self,
        choice: ModelChoice,
        row: Row = ANTHROPIC,
        concurrency: int = exchange.CONCURRENCY,
        keyless: bool = False,
    ) -> None:
        """Raises UsageError without a key that is needed."""
        place = served(row, choice, keyless)
        self.name = place.name
        self._limit = choice.max_tokens or MAX_TOKENS
        self.parameters: Mapping[str, JSON] = place.parameters | {"max_tokens": self._limit}
        self.concurrency = concurrency
        self._model = choice.name
        self._more = choice.extra_body
        self._tariff = place.tariff
        self._server = exchange.Server(place.address, {"anthropic-version": VERSION, **place.headers}, place.key)
        self._streams = True

    @property
    def local(self) -> bool:
        return self._server.local

    @property
    def streams(self) -> bool:
        return self._streams

    def ask(
        self,
        request: Request,
        count: int,  # noqa: ARG002 - one at a time
        waiting: Asker,
        behind: Request | None = None,
    ) -> Sequence[Answer]:
        """One answer, whatever `count` is; `behind` is the request in whose place a greeting is sent."""
        greeted: Sequence[Answer] = []
        while True:
            began, streamed = time.monotonic(), self._streams
            found = self._server.ask(
                "/v1/messages", self._body(request), waiting, [one for one in (request, behind) if one]
            )
            if not isinstance(found, Fault):
                return [self._read(found, request, time.monotonic() - began, waiting).with_costs_of(greeted)]
            if found.about_message or (found.about_request and greeted):
                return [Answer("", "blocked", latency_s=time.monotonic() - began).with_costs_of(greeted)]
            if streamed and (found.blames("stream") or found.refuses(r"\bstream(ing|ed|s)?\b")):
                self._streams = False
            elif not found.about_request or request.message == exchange.GREETING:
                raise self._failure(found, request, waiting)
            else:
                greeted = self.ask(exchange.greeting(request), 1, waiting, request)

    def ceiling(self, request: Request, count: int) -> float | None:
        return self._tariff.ceiling(exchange.size(request), count, self._limit)

    def lives(self) -> bool:
        return self._server.lives("/v1/models")

    def elsewhere(self) -> str:
        return self._server.elsewhere("/v1/models")

    def close(self) -> None:
        self._server.close()

    def _body(self, request: Request) -> dict[str, Any]:
        body: dict[str, Any] = {
            "model": self._model,
            "max_tokens": self._limit,
            "messages": [{"role": "user", "content": exchange.sendable(request.message)}],
        }
        if request.expertise:
            body["system"] = exchange.sendable(request.expertise)
        return body | ({"stream": True} if self._streams else {}) | dict(self._more)

    def _read(self, found: Mapping[str, Any], request: Request, latency_s: float, waiting: Asker) -> Answer:
        if not isinstance(found.get("content"), list):
            raise PassingFailure("the response holds no answer", paid=True)
        text, finish = spoken(found["content"]), ending(found.get("stop_reason"))
        if blank(text) and finish is None and not blank(unsaid := thought(found)):
            text = unsaid  # a whole answer that a server took for a thought is one all the same
        if finish == "tools" and not any("tool" in str(one.get("type")) for one in mappings(found["content"])):
            finish = None
        finish = finish or ("empty" if blank(text) else "stop")
        return Answer(text, finish, *self._costs(found.get("usage"), request, text, waiting), latency_s, None)

    def _failure(self, fault: Fault, request: Request, waiting: Asker) -> PassingFailure:
        """What a fault is raised as, with what the server says it has used."""
        if not fault.usage:
            return fault.failure()
        return Billed(fault.failure(), Answer("", "lost", *self._costs(fault.usage, request, "", waiting)))

    def _costs(self, usage: object, request: Request, text: str, waiting: Asker) -> tuple[int, int, float | None]:
        """Tokens in and out, and the price; the most it can be where the server does not tell what can be."""
        size = exchange.size(request)
        used, most = counted(usage, size, 1, self._limit, bool(text)), self._tariff.ceiling(size, 1, self._limit)
        if used is None:
            waiting.note("the server tells no tokens that can be: the most it can cost is counted")
            return size // 4, len(text) // 4, most
        return used.tokens_in, used.tokens_out, used.price(self._tariff, most, True, waiting.note)
