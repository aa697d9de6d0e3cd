"""`openai:NAME`: chat completions, at OpenAI or at any server that speaks its protocol.

Servers differ, and say so only when asked: what a model refuses (a temperature, a system message, the older name of the
token limit, streams, several answers at once) is learnt from its refusals and kept for this model, never guessed from its
name.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from selftaught.models import Answer, Finish, Request, exchange
from selftaught.models.exchange import Asker
from selftaught.models.faults import REFUSAL, Billed, Fault
from selftaught.models.messages import blank, ending, failed, spoken, thought
from selftaught.models.rows import OPENAI, Row
from selftaught.models.served import served
from selftaught.models.streams import mapping, mappings
from selftaught.models.usage import Counted, counted
from selftaught.plain import JSON
from selftaught.settings.choice import ModelChoice

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
USUAL = (3.5, 1.0)
"""Characters and tokens of code, until single answers have shown how many this model makes of it."""
NO_SYSTEM = (
    r"\b(system|developer)\b.{0,40}\b(role|message|prompt|instruction)"
    r"|\b(role|message|prompt|instruction)s?\b.{0,60}\b(system|developer)\b"
    r"|roles must alternate|roles are supported|messages\W{1,3}0\W{1,3}role|\bfirst message\b"
    r"|\b(start|begin)s? with\b.{0,20}\b(user|human)\b|\broles?\b.{0,40}\b(user|human|assistant)\b"
)
NO_ROLE = (
    rf"{REFUSAL}|\bno (\w+ ){{0,3}}support|\b(has|have|with) no\b|forbidden|prohibited"
    r"|\b(does not|doesn't|do not|don't|without|lacks?|never) (an? )?(have|know|understand|handl|system|developer)"
)
"""How the lack of such a role is told: also in words that, of streams or temperatures, would tell of a passing failure."""
STREAMS = r"\b(stream(ing|ed|s)?|enable_thinking)\b"
SEVERAL = (
    r"(^|[\s'\"`(.])n['\"`)]?(\s*(>|<|=|!=|:)|\s+(must|should|is|has|can|param|value|not|only|greater)|$)"
    r"|\b(multiple|several|more than one|one|single)\b.{0,20}\b(choice|completion|answer|response|generation|candidate)"
)
"""How a number of answers by one request is spoken of."""
STUMBLES = 3
"""After so many failures for which no reason is told, and no answer yet, it is tried without a stream."""
UNABLE = 501
"""The status of who cannot do what is asked, which a stream may be the reason for."""


@dataclass(frozen=True)
class Dialect:
    """What a server takes, as far as it is known."""

    limit: str = OLDER_LIMIT
    system: bool = True
    """Whether the role may stand in a message of its own."""
    streams: bool = True
    tells_usage: bool = True
    """Whether it may be asked to tell the tokens at the end of a stream."""
    refused: frozenset[float] = frozenset()
    """Temperatures that it does not take."""

    def after(self, fault: Fault, body: Mapping[str, Any]) -> Dialect | None:
        """What to try when this was refused in these words; None when they blame nothing that can be left out."""
        streamed, roles = "stream" in body, [message["role"] for message in body["messages"]]
        if "system" in roles and fault.refuses(NO_SYSTEM, NO_ROLE):
            return replace(self, system=False)
        if fault.about_message:
            return None
        if not fault.about_request:
            return self._after_words(fault, body)
        if "temperature" in body and fault.blames("temperature"):
            return replace(self, refused=self.refused | {body["temperature"]})
        if self.limit in body and fault.renames(self.limit, NEWER_LIMIT):
            return replace(self, limit=NEWER_LIMIT)
        if "stream_options" in body and fault.speaks_of("stream_options|include_usage"):
            return replace(self, tells_usage=False)
        if fault.speaks_of(STREAMS):
            return replace(self, streams=not streamed)
        return None

    def _after_words(self, fault: Fault, body: Mapping[str, Any]) -> Dialect | None:
        """The same where only its words tell that it is a refusal: those of a failure of the server, or within a 200."""
        if "temperature" in body and fault.refuses(r"\btemperature\b"):
            return replace(self, refused=self.refused | {body["temperature"]})
        if "stream_options" in body and fault.refuses("stream_options|include_usage"):
            return replace(self, tells_usage=False)
        unable = fault.status == UNABLE and "stream" in body
        return replace(self, streams="stream" not in body) if unable or fault.refuses(STREAMS) else None


class OpenAI:
    """One model at one server (a `Provider`)."""

    def __init__(
        self,
        choice: ModelChoice,
        row: Row = OPENAI,
        concurrency: int = exchange.CONCURRENCY,
        keyless: bool = False,
    ) -> None:
        """Raises UsageError without a key or an address that is needed."""
        place = served(row, choice, keyless)
        self.name = place.name
        self.parameters: Mapping[str, JSON] = place.parameters
        self.concurrency = concurrency
        self._model = choice.name
        self._max_tokens = choice.max_tokens
        self._more = choice.extra_body
        self._tariff = place.tariff
        self._server = exchange.Server(place.address, place.headers, place.key)
        self._lock = threading.Lock()
        self._dialect = Dialect()
        self._several = BATCH if row.several else 1
        self._system_taken = False
        self._answered = False
        """Whether a question in the present dialect was ever answered."""
        self._stumbled = 0
        """Failures for which no reason was told, until then."""
        self._unstreamed_at: float | None = None
        """When an answer came that was asked for without a stream instead."""
        self._uncounted = False
        """Whether the server does not count tokens in what is not streamed either."""
        self._full = 0
        self._characters, self._tokens = USUAL

    @property
    def batch(self) -> int:
        return self._several

    @property
    def local(self) -> bool:
        return self._server.local

    @property
    def streams(self) -> bool:
        return self._dialect.streams

    def ask(self, request: Request, count: int, waiting: Asker, behind: Request | None = None) -> Sequence[Answer]:
        """One to `count` answers; a refusal of a parameter is followed by a request without it, at once.

        `behind` is the request in whose place a greeting is sent.
        """
        dialect = self._begin()
        refused_at, tried, usual = count, {dialect}, dialect == self._dialect
        greeted: Sequence[Answer] = []
        billed: list[Answer] = []
        while True:
            body = self._body(request, count, dialect)
            began = time.monotonic()
            found = self._server.ask("/chat/completions", body, waiting, [one for one in (request, behind) if one])
            if not isinstance(found, Fault):
                self._several = min(self._several, count) if count < refused_at else self._several
                answers = self._read(found, body, time.monotonic() - began, waiting)
                self._learn(dialect, body, found, usual)
                return [answers[0].with_costs_of([*greeted, *billed]), *answers[1:]]
            billed += self._billed(found, body, waiting)
            other = dialect.after(found, body) or self._unexplained(found, body, dialect, greeted)
            if other is None:
                self._stumble(found, dialect, began, waiting)
            if other is not None and other not in tried:
                if billed:
                    return [self._refused(other, found).with_costs_of([*greeted, *billed])]
                dialect = other
                tried.add(other)
            elif count > 1 and (found.about_request or found.refuses(SEVERAL)):
                count //= 2
            elif found.about_message or (found.about_request and greeted):
                return [Answer("", "blocked", latency_s=time.monotonic() - began).with_costs_of([*greeted, *billed])]
            elif found.about_request and request.message != exchange.GREETING:
                greeted, dialect = self.ask(exchange.greeting(request), 1, waiting, request), self._dialect
            elif billed:
                raise Billed(found.failure(), self._lost(found, request, count).with_costs_of(billed))
            else:
                raise found.failure()

    def ceiling(self, request: Request, count: int) -> float | None:
        return self._tariff.ceiling(exchange.size(request), count, self._max_tokens)

    def lives(self) -> bool:
        return self._server.lives("/models")

    def elsewhere(self) -> str:
        return self._server.elsewhere("/models")

    def close(self) -> None:
        self._server.close()

    def _body(self, request: Request, count: int, dialect: Dialect) -> dict[str, Any]:
        """What is sent: no parameter that this model has refused before."""
        roles = [("system", request.expertise), ("user", request.message)]
        if not dialect.system:
            roles = [("user", "\n\n".join(text for _, text in roles if text))]
        messages = [{"role": role, "content": exchange.sendable(text)} for role, text in roles if text]
        body: dict[str, Any] = {"model": self._model, "messages": messages}
        if request.temperature not in dialect.refused:
            body["temperature"] = request.temperature
        if self._max_tokens is not None:
            body[dialect.limit] = self._max_tokens
        if dialect.streams:
            body["stream"] = True
            if dialect.tells_usage:
                body["stream_options"] = {"include_usage": True}
        return body | ({"n": count} if count > 1 else {}) | dict(self._more)

    def _begin(self) -> Dialect:
        """How a question is put at first. Where a server has failed again and again, for no reason that it tells, and answered
        nothing, every other try is without a stream, which it may be that it fails at."""
        with self._lock:
            over = self._stumbled - STUMBLES
            unstreamed = not self._answered and self._unstreamed_at is None and over >= 0 and over % 2 == 0
            return replace(self._dialect, streams=False) if unstreamed else self._dialect

    def _stumble(self, fault: Fault, dialect: Dialect, began: float, waiting: Asker) -> None:
        """Count a failure for which no reason is told. Where an answer came without a stream, and a stream that was asked for
        later fails again, none is asked for any more."""
        with self._lock:
            if self._answered or not fault.unexplained:
                return
            self._stumbled += 1
            if self._unstreamed_at is None or began < self._unstreamed_at or dialect != self._dialect:
                return
            self._dialect, self._answered = replace(dialect, streams=False), True
        waiting.note("the server fails at streams, for no reason that it tells, and answers without: so it is asked")

    def _billed(self, fault: Fault, body: Mapping[str, Any], waiting: Asker) -> list[Answer]:
        """What an error cost that tells what was used for it."""
        if not fault.usage:
            return []
        return [Answer("", "lost", *self._costs(fault.usage, body, [], waiting))]

    def _refused(self, dialect: Dialect, fault: Fault) -> Answer:
        """What a refusal brings that has to be paid: what was held for the question may be used up, so that nothing else is
        sent for it until who asked has counted this, and asks again."""
        with self._lock:
            self._dialect = dialect
        return Answer("", "lost", reason=str(fault.failure()))

    def _lost(self, fault: Fault, request: Request, count: int) -> Answer:
        """What a request that failed cost beside what was told: the most it can where that is not told."""
        unknown = fault.paid and not fault.usage
        return Answer("", "lost", dollars=self.ceiling(request, count) if unknown else 0.0)

    def _unexplained(
        self, fault: Fault, body: Mapping[str, Any], dialect: Dialect, greeted: Sequence[Answer]
    ) -> Dialect | None:
        """What to try when a request was refused for no reason that is told: a greeting without a stream, and, after one was
        taken, a question without a system message, if none was ever taken."""
        if not fault.about_request or fault.about_message or body.get("n", 1) > 1:
            return None
        if body["messages"][-1]["content"] == exchange.GREETING:
            return replace(dialect, streams=False)
        if greeted and body["messages"][0]["role"] == "system" and not self._system_taken:
            return replace(dialect, system=False)
        return None

    def _learn(self, dialect: Dialect, body: Mapping[str, Any], found: Mapping[str, Any], usual: bool) -> None:
        """Keep what the server took. Where a price is known tokens are wanted more than a stream that does not tell them.

        That there was an answer without a stream counts only when a stream then fails once more."""
        with self._lock:
            if not (usual or self._answered):
                self._unstreamed_at = time.monotonic()
                return
            self._answered = True
            self._system_taken = self._system_taken or body["messages"][0]["role"] == "system"
            if not mapping(found.get("usage")) and self._tariff.dollars(1, 1) is not None:
                self._uncounted = self._uncounted or not dialect.streams
                dialect = replace(dialect, streams=self._uncounted)
            refused = self._dialect.refused | dialect.refused
            self._dialect = replace(dialect, refused=refused)

    def _read(
        self, found: Mapping[str, Any], body: Mapping[str, Any], latency_s: float, waiting: Asker
    ) -> Sequence[Answer]:
        """The answers in a response, with their shares of what it cost; a lost one when there is none."""
        asked = body.get("n", 1)
        said = [_said(choice) for choice in mappings(found.get("choices"))[:asked] if _whole(choice)]
        tokens_in, tokens_out, dollars = self._costs(found.get("usage"), body, [text for text, _ in said], waiting)
        if not said:
            lost = Answer("", "lost", tokens_in, tokens_out, dollars, latency_s)
            return [replace(lost, reason="the response holds no answer")]
        self._gave(len(said), asked)
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

    def _costs(
        self, usage: object, body: Mapping[str, Any], texts: Sequence[str], waiting: Asker
    ) -> tuple[int, int, float | None]:
        """Tokens in and out of one response and its price. Where the server does not tell the tokens, or none that can be,
        they are a guess, and the price is the highest that it can be."""
        characters, asked = sum(len(text) for text in texts), int(body.get("n", 1))
        size = sum(len(message["content"].encode()) for message in body["messages"])
        found = counted(usage, size, asked, self._max_tokens, characters > 0)
        most = self._tariff.ceiling(size, asked, self._max_tokens)
        if found is None:
            waiting.note(
                f"the server tells no tokens{' that can be' if usage else ''}: the most it can cost is counted"
            )
            return size // 4, characters // 4, most
        detailed = bool(mapping(mapping(usage).get("completion_tokens_details")))
        out = self._recounted(found, len(texts), characters, detailed)
        return found.tokens_in, out, found.price(self._tariff, most, self._max_tokens is not None, waiting.note, out)

    def _recounted(self, found: Counted, answers: int, characters: int, detailed: bool) -> int:
        """The tokens of a response; estimated from single answers when the server counted one of several only."""
        tokens = found.tokens_out
        with self._lock:
            if answers <= 1:
                if (self._characters, self._tokens) == USUAL:
                    self._characters, self._tokens = 0, 0
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
    ends = choice.get("finish_reason") is not None and ending(choice["finish_reason"]) is not None
    return not failed(choice) and (isinstance(choice.get("message"), dict) or ends)


def _said(choice: Mapping[str, Any]) -> tuple[str, Finish]:
    """The text of one choice and how it ended. A whole answer that a server took for a thought is one all the same."""
    message, finish = mapping(choice.get("message")), ending(choice.get("finish_reason"))
    text, refusal = spoken(message.get("content")), spoken(message.get("refusal"))
    if blank(text) and not blank(refusal):
        return refusal, "blocked"
    if finish == "tools" and not blank(text):
        return text, "stop"
    if not blank(text) or finish not in {None, "tools"}:
        return text, finish or "stop"
    if finish == "tools" or message.get("tool_calls") or message.get("function_call"):
        return "", "tools"
    found = thought(message)
    return (text, "empty") if blank(found) else (found, "stop")
