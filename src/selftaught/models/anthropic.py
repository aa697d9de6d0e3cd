"""`anthropic:NAME`: messages. One answer per request; the API takes no temperature any more."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from selftaught.errors import PassingFailure
from selftaught.models import Answer, Finish, Request, exchange
from selftaught.models.exchange import Asker
from selftaught.models.faults import Fault
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
FINISHES: Mapping[str, Finish] = {
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "refusal": "blocked",
    "tool_use": "tools",
}


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
            if streamed and found.blames("stream"):
                self._streams = False
            elif not found.about_request or request.message == exchange.GREETING:
                raise found.failure()
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
        blocks = mappings(found["content"])
        text = "".join(str(block.get("text") or "") for block in blocks if block.get("type") == "text")
        reason = FINISHES.get(str(found.get("stop_reason")))
        finish = reason or ("stop" if text else "empty")
        size = exchange.size(request)
        used = counted(found.get("usage"), size, 1, self._limit, bool(text))
        if used is None:
            waiting.note("the server tells no tokens that can be: the most it can cost is counted")
            dollars = self._tariff.ceiling(size, 1, self._limit)
            return Answer(text, finish, size // 4, len(text) // 4, dollars, latency_s, None)
        return Answer(text, finish, used.tokens_in, used.tokens_out, used.price(self._tariff), latency_s, None)
