"""`anthropic:NAME`: messages through the official SDK. One answer per request; the API takes no temperature any more."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from typing import Any

from selftaught.errors import PassingFailure
from selftaught.models import Answer, Finish, Request, exchange
from selftaught.models.faults import Fault
from selftaught.models.prices import Price, Tariff
from selftaught.plain import JSON

MAX_TOKENS = 4096
"""The API demands a limit; this one is sent when the user gives none."""
FINISHES: Mapping[str, Finish] = {
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "refusal": "blocked",
}


class Anthropic:
    """One model (a `Provider`). The SDK's own retries are off: the gateway does them.

    Every answer's `temperature_applied` is None: API versions since 2026-10-21 have no such parameter.
    """

    batch = 1

    def __init__(
        self,
        model: str,
        base_url: str | None = None,
        max_tokens: int | None = None,
        price: Price | None = None,
        concurrency: int = exchange.CONCURRENCY,
        keyless: bool = False,
    ) -> None:
        """Raises UsageError without the SDK or without a key that is needed."""
        base_url = exchange.checked(base_url or os.environ.get("ANTHROPIC_BASE_URL") or None)
        self.name = f"anthropic:{model}"
        self._limit = max_tokens or MAX_TOKENS
        self.parameters: Mapping[str, JSON] = {"base_url": base_url, "max_tokens": self._limit}
        self.concurrency = concurrency
        self._model = model
        self._tariff = Tariff("anthropic", model, base_url, price)
        self._sdk = exchange.sdk("anthropic")
        self._client: Any = self._sdk.Anthropic(
            api_key="none" if keyless else exchange.key("ANTHROPIC_API_KEY", base_url),
            base_url=base_url,
            max_retries=0,
            http_client=exchange.http_client(self._sdk),
        )

    def ask(self, request: Request, count: int, timeout_s: float) -> Sequence[Answer]:  # noqa: ARG002 - one at a time
        """One answer, whatever `count` is."""
        greeted: Sequence[Answer] = []
        while True:
            began = time.monotonic()
            found = self._send(request, timeout_s)
            if not isinstance(found, Fault):
                return [self._read(found, time.monotonic() - began).with_costs_of(greeted)]
            if found.about_message or (found.about_request and greeted):
                return [Answer("", "blocked", latency_s=time.monotonic() - began).with_costs_of(greeted)]
            if not found.about_request or request.message == exchange.GREETING:
                raise found.failure()
            greeted = self.ask(exchange.greeting(request), 1, timeout_s)

    def ceiling(self, request: Request, count: int) -> float | None:
        return self._tariff.ceiling(exchange.size(request), count, self._limit)

    def close(self) -> None:
        self._client.close()

    def _send(self, request: Request, timeout_s: float) -> Mapping[str, Any] | Fault:
        body: dict[str, Any] = {
            "model": self._model,
            "max_tokens": self._limit,
            "messages": [{"role": "user", "content": exchange.sendable(request.message)}],
            "timeout": self._sdk.Timeout(timeout_s, connect=min(10.0, timeout_s)),
        }
        if request.expertise:
            body["system"] = exchange.sendable(request.expertise)
        create = self._client.messages.with_raw_response.create
        return exchange.through(lambda: create(**body).http_response.text, self._sdk.APIError)

    def _read(self, found: Mapping[str, Any], latency_s: float) -> Answer:
        if not isinstance(found.get("content"), list):
            raise PassingFailure("the response holds no answer")
        blocks = exchange.mappings(found["content"])
        text = "".join(str(block.get("text") or "") for block in blocks if block.get("type") == "text")
        finish = FINISHES.get(str(found.get("stop_reason")), "stop" if text else "empty")
        counted = exchange.usage(found.get("usage"), "input_tokens", "output_tokens", bool(text))
        tokens_in, tokens_out = counted or (0, len(text) // 4)
        dollars = self._tariff.dollars(tokens_in, tokens_out) if counted else None
        return Answer(text, finish, tokens_in, tokens_out, dollars, latency_s, None)
