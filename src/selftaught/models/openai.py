"""`openai:NAME`: chat completions through the official SDK, at OpenAI or at any server that speaks its protocol.

Servers differ, and say so only when asked: what a model refuses (a temperature, the older name of the token limit,
several answers at once) is learnt from its refusals and kept for this model, never guessed from its name.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any, cast

from selftaught.errors import PassingFailure
from selftaught.models import Answer, Finish, Request, exchange
from selftaught.models.faults import Fault, mapping
from selftaught.models.prices import Price, Tariff
from selftaught.plain import JSON

BATCH = 8
"""Answers asked for by one request, where the server gives as many."""
RECOVERED = 50
"""After so many responses with all answers asked for, more are asked for at once: a lack may have been a passing one."""
UNDERCOUNTED = 0.6
"""A server that reports less than this part of the tokens it should have used for several answers may count only one."""
OLDER_LIMIT, NEWER_LIMIT = "max_tokens", "max_completion_tokens"
"""Two names of one parameter, of which a model takes only one or both."""
ABOUT = 2.0
"""… and does, when its figure taken for each of them comes as near as this factor to what they should have used."""
LEGIBLE = 0.25
"""Characters per token, at least, of answers whose tokens can be seen. With less, a model has also thought unseen."""
FINISHES: Mapping[str, Finish] = {
    **dict.fromkeys(("length", "max_tokens"), "length"),
    **dict.fromkeys(("content_filter", "safety", "recitation", "prohibited_content", "blocklist", "spii"), "blocked"),
}
"""By the first word of a reason, in small letters: Gemini says also `content_filter: RECITATION`."""


class OpenAI:
    """One model at one server (a `Provider`). The SDK's own retries are off: the gateway does them."""

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
        base_url = exchange.checked(base_url or os.environ.get("OPENAI_BASE_URL") or None)
        self.name = f"openai:{model}"
        self.parameters: Mapping[str, JSON] = {"base_url": base_url, "max_tokens": max_tokens}
        self.concurrency = concurrency
        self._model = model
        self._max_tokens = max_tokens
        self._tariff = Tariff("openai", model, base_url, price)
        self._sdk = exchange.sdk("openai")
        self._client: Any = self._sdk.OpenAI(
            api_key="none" if keyless else exchange.key("OPENAI_API_KEY", base_url),
            base_url=base_url,
            max_retries=0,
            http_client=exchange.http_client(self._sdk),
        )
        self._lock = threading.Lock()
        self._several = BATCH
        self._limit = OLDER_LIMIT
        self._refused: set[float] = set()
        self._full = 0
        self._characters = 0
        self._tokens = 0

    @property
    def batch(self) -> int:
        """1 until single answers have shown how many characters a token makes; then as many as the server gives at once."""
        return self._several if self._tokens else 1

    def ask(self, request: Request, count: int, timeout_s: float) -> Sequence[Answer]:
        """One to `count` answers; a refusal of a parameter is followed by a request without it, at once."""
        refused_at, limit = count, self._limit
        greeted: Sequence[Answer] = []
        while True:
            body = self._body(request, count, limit)
            began = time.monotonic()
            found = self._send(body, timeout_s)
            if not isinstance(found, Fault):
                self._limit = limit
                self._several = min(self._several, count) if count < refused_at else self._several
                answers = self._read(found, body, time.monotonic() - began)
                return [answers[0].with_costs_of(greeted), *answers[1:]]
            if self._refuses_temperature(found, body):
                continue
            if limit in body and found.renames(limit, NEWER_LIMIT):
                limit = NEWER_LIMIT  # kept when the server takes it
            elif count > 1 and found.about_request:
                count //= 2
            elif found.about_message or (found.about_request and greeted):
                return [Answer("", "blocked", latency_s=time.monotonic() - began).with_costs_of(greeted)]
            elif found.about_request and request.message != exchange.GREETING:
                greeted, limit = self.ask(exchange.greeting(request), 1, timeout_s), self._limit
            else:
                raise found.failure()

    def ceiling(self, request: Request, count: int) -> float | None:
        return self._tariff.ceiling(exchange.size(request), count, self._max_tokens)

    def close(self) -> None:
        self._client.close()

    def _send(self, body: Mapping[str, Any], timeout_s: float) -> Mapping[str, Any] | Fault:
        # `chat.completions.create` would spend as long on walking through its parameters' types as on all the rest.
        options = {"timeout": self._sdk.Timeout(timeout_s, connect=min(10.0, timeout_s))}
        post = self._client.post
        return exchange.through(
            lambda: post("/chat/completions", cast_to=str, body=body, options=options), self._sdk.APIError
        )

    def _body(self, request: Request, count: int, limit: str) -> dict[str, Any]:
        """What is sent: no parameter that this model has refused before."""
        roles = [("system", request.expertise), ("user", request.message)]
        messages = [{"role": role, "content": exchange.sendable(text)} for role, text in roles if text]
        body: dict[str, Any] = {"model": self._model, "messages": messages}
        if request.temperature not in self._refused:
            body["temperature"] = request.temperature
        if self._max_tokens is not None:
            body[limit] = self._max_tokens
        return body | ({"n": count} if count > 1 else {})

    def _refuses_temperature(self, fault: Fault, body: Mapping[str, Any]) -> bool:
        """Whether it was this temperature that was refused, which is then never sent again."""
        if fault.about_message:
            return False
        with self._lock:
            if "temperature" in body and fault.blames("temperature"):
                self._refused.add(body["temperature"])
                return True
        return False

    def _read(self, found: Mapping[str, Any], body: Mapping[str, Any], latency_s: float) -> Sequence[Answer]:
        """The answers in a response, with their shares of what it cost. Raises PassingFailure when there is none."""
        asked = body.get("n", 1)
        said = [_said(choice) for choice in exchange.mappings(found.get("choices"))[:asked] if _whole(choice)]
        if not said:
            raise PassingFailure("the response holds no answer")
        self._gave(len(said), asked)
        tokens_in, tokens_out, dollars = self._costs(found.get("usage"), body, [text for text, _ in said])
        parts = zip(said, exchange.shares(tokens_in, len(said)), exchange.shares(tokens_out, len(said)), strict=True)
        each = None if dollars is None else dollars / len(said)
        applied = body.get("temperature")
        return [Answer(text, finish, paid, used, each, latency_s, applied) for (text, finish), paid, used in parts]

    def _gave(self, count: int, asked: int) -> None:
        """Ask for fewer answers at once where a server gives fewer; for more again when it has long given all."""
        with self._lock:
            self._full = self._full + 1 if count >= asked else 0
            if count < asked:
                self._several = min(self._several, count)
            elif self._full == RECOVERED:
                self._full, self._several = 0, min(BATCH, 2 * self._several)

    def _costs(self, usage: object, body: Mapping[str, Any], texts: Sequence[str]) -> tuple[int, int, float | None]:
        """Tokens in and out of one response and its price. Without usage the tokens are a guess and the price unknown."""
        characters = sum(len(text) for text in texts)
        reported = exchange.usage(usage, "prompt_tokens", "completion_tokens", characters > 0)
        if reported is None:
            return sum(len(message["content"]) for message in body["messages"]) // 4, characters // 4, None
        tokens_in, tokens_out = reported
        detailed = bool(mapping(mapping(usage).get("completion_tokens_details")))
        tokens_out = self._recounted(tokens_out, len(texts), characters, detailed)
        return tokens_in, tokens_out, self._tariff.dollars(tokens_in, tokens_out)

    def _recounted(self, tokens: int, answers: int, characters: int, detailed: bool) -> int:
        """The tokens of a response; estimated from single answers when the server counted one of several only."""
        with self._lock:
            if answers == 1:
                self._tokens += tokens
                self._characters += characters
                return tokens
            expected = round(characters * self._tokens / max(1, self._characters))
            legible = self._characters >= LEGIBLE * self._tokens
            of_one = expected <= ABOUT * answers * tokens <= ABOUT**2 * expected
            # Who counts in detail counts all of them.
            if detailed or tokens >= UNDERCOUNTED * expected or not (legible and of_one):
                return tokens
            self._several = 1
            return expected


def _whole(choice: Mapping[str, Any]) -> bool:
    """Whether a choice holds an answer, and not what had come of one when the model failed."""
    failed = choice.get("finish_reason") == "error" or choice.get("error")
    return isinstance(choice.get("message"), dict) and not failed


def _said(choice: Mapping[str, Any]) -> tuple[str, Finish]:
    """The text of one choice and how it ended."""
    message = mapping(choice.get("message"))
    text, refusal = (_text(message.get(name)) for name in ("content", "refusal"))
    reason = str(choice.get("finish_reason")).partition(":")[0].strip().lower()
    finish = FINISHES.get(reason, "stop" if text else "empty")
    return (refusal, "blocked") if refusal and not text else (text, finish)


def _text(content: object) -> str:
    """A text, which some servers send in parts."""
    if isinstance(content, list):
        return "".join(str(part.get("text") or "") for part in exchange.mappings(cast(object, content)))
    return str(content or "")
