"""A model as others ask it: a chat completion of OpenAI's form in, one of that form out. What cannot be is a `Wrong`."""

from __future__ import annotations

import threading
import time
import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

from selftaught.budget.spend import Spend
from selftaught.errors import ModelFailure, SelftaughtError, SpendExhausted, UsageError
from selftaught.models import Answer, Finish, LanguageModel, Request
from selftaught.models.buying import buy
from selftaught.plain import JSON, digest

MOST_ANSWERS = 128
"""That one request may ask for."""
_DEFAULT_TEMPERATURE = 1.0
"""What OpenAI's servers take where a request says none."""
_ROLES = ("system", "developer", "user", "assistant", "tool")
NOT_SERVED: Mapping[str, tuple[object, ...]] = {
    **dict.fromkeys(("tools", "functions"), ([],)),
    **dict.fromkeys(("audio", "logit_bias"), ({},)),
    "logprobs": (False,),
    "response_format": ({"type": "text"},),
    "top_p": (1,),
    "presence_penalty": (0,),
    "frequency_penalty": (0,),
}
"""Parts of a request that change what an answer is, and that no model here is asked for; with values that change nothing."""
_MOST_STOPS = 4
_ENDS: Mapping[Finish, str] = {"length": "length", "blocked": "content_filter"}


class Wrong(Exception):
    """Why a request is not answered, in OpenAI's words: a status, a message, which part of the request, a code."""

    def __init__(self, status: int, message: str, param: str | None = None, code: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        kind = "invalid_request_error" if status < 500 else "server_error"
        self.body: dict[str, JSON] = {"error": {"message": message, "type": kind, "param": param, "code": code}}


@dataclass(frozen=True)
class Question:
    """What a request asks for."""

    request: Request
    count: int
    stream: bool
    usage: bool
    """Whether a stream ends with what was used."""
    seed: int | None
    stops: tuple[str, ...] = ()
    """Before the first of these an answer ends."""


class Service:
    """One model, asked by anybody. Safe from many threads.

    An answer is addressed by the question and how often it was asked before, so asking again brings another; a request
    with a `seed` is answered as any other with this seed.
    """

    def __init__(self, model: LanguageModel, spend: Spend, seed: int, ignored: Sequence[str] = ()) -> None:
        """`ignored`: parts of a request that are not obeyed, and not refused. UsageError for what is no such part."""
        if wrong := [one for one in ignored if one not in NOT_SERVED]:
            raise UsageError(f"--ignore {wrong[0]}: what is otherwise refused of a request is {', '.join(NOT_SERVED)}")
        self._refused = {part: free for part, free in NOT_SERVED.items() if part not in ignored}
        self.model = model
        self._spend = spend
        self._seed = seed
        self._asked = Counter[Request]()
        self._lock = threading.Lock()
        self._begun = int(time.time())

    def models(self) -> dict[str, JSON]:
        """The list of models: this one."""
        return {"object": "list", "data": [self.one()]}

    def one(self) -> dict[str, JSON]:
        """What is told of the model."""
        return {"id": self.model.name, "object": "model", "created": self._begun, "owned_by": "selftaught"}

    def question(self, body: object) -> Question:
        """What a request's body asks for. Raises Wrong, with words, for what cannot be."""
        if not isinstance(body, dict):
            raise Wrong(400, "the body is no JSON object")
        told = cast("dict[str, Any]", body)
        named: Any = told.get("model") or self.model.name
        if named != self.model.name:
            raise Wrong(
                404, f"the model {named!r} is not served here: {self.model.name} is", "model", "model_not_found"
            )
        for part, free in self._refused.items():
            if told.get(part) is not None and told[part] not in free:
                raise Wrong(400, f"{part} is not served here: leave it out, or serve with --ignore {part}", part)
        expertise, message = _said(told.get("messages"))
        temperature = _number(told, "temperature", _DEFAULT_TEMPERATURE, 0.0, 2.0)
        count = _number(told, "n", 1, 1, MOST_ANSWERS, whole=True)
        seed = None if told.get("seed") is None else int(_number(told, "seed", 0, -(2**63), 2**63, whole=True))
        options: Any = told.get("stream_options") or {}
        usage = isinstance(options, dict) and bool(cast("dict[str, Any]", options).get("include_usage"))
        request, stops = Request(expertise, message, temperature), _stops(told.get("stop"))
        return Question(request, int(count), bool(told.get("stream")), usage, seed, stops)

    def answers(self, asked: Question) -> list[Answer]:
        """The answers to a question, bought under the limits. Raises Wrong where there are none."""
        found: list[Answer] = []
        try:
            self._spend.check()
            addresses = self._addresses(asked)
            while len(found) < len(addresses):
                found += buy(self.model, asked.request, addresses[len(found) :], self._spend.buying)
        except SpendExhausted as error:
            raise Wrong(429, str(error), code="insufficient_quota") from error
        except ModelFailure as error:
            raise Wrong(502, f"{self.model.name} did not answer: {error}", code="model_failure") from error
        except SelftaughtError as error:
            raise Wrong(503, str(error)) from error
        failed = next((one for one in found if one.finish in {"failed", "lost"}), None)
        if failed:
            raise Wrong(
                502, f"{self.model.name} did not answer: {failed.reason or failed.finish}", code="model_failure"
            )
        return [_ended(one, asked.stops) for one in found]

    def _addresses(self, asked: Question) -> list[str]:
        """Where the answers are: after those to the same question, or by the seed of the request."""
        first = 0
        if asked.seed is None:
            with self._lock:
                first = self._asked[asked.request]
                self._asked[asked.request] += asked.count
        about: list[JSON] = [self.model.name, dict(self.model.parameters), asked.request.plain()]
        stream: list[JSON] = ["served", self._seed, asked.seed]
        return [digest([*about, stream, index]) for index in range(first, first + asked.count)]


def completion(model: str, answers: Sequence[Answer]) -> dict[str, JSON]:
    """The answers as one chat completion."""
    choices: list[JSON] = [
        {
            "index": i,
            "message": {"role": "assistant", "content": one.text},
            "finish_reason": _end(one),
            "logprobs": None,
        }
        for i, one in enumerate(answers)
    ]
    return {**_head(model, "chat.completion"), "choices": choices, "usage": _usage(answers)}


def chunks(model: str, answers: Sequence[Answer], usage: bool) -> list[dict[str, JSON]]:
    """The same in the pieces of a stream: of each answer its role, its text, its end; at last, where asked for, the usage."""
    head = _head(model, "chat.completion.chunk")
    found: list[dict[str, JSON]] = []
    for i, one in enumerate(answers):
        parts: list[tuple[dict[str, JSON], str | None]] = [
            ({"role": "assistant", "content": ""}, None),
            ({"content": one.text}, None),
            ({}, _end(one)),
        ]
        for delta, end in parts:
            choice: dict[str, JSON] = {"index": i, "delta": delta, "finish_reason": end, "logprobs": None}
            found.append({**head, "choices": [choice]})
    return [*found, {**head, "choices": [], "usage": _usage(answers)}] if usage else found


def _head(model: str, kind: str) -> dict[str, JSON]:
    return {"id": f"chatcmpl-{uuid.uuid4().hex}", "object": kind, "created": int(time.time()), "model": model}


def _stops(given: object) -> tuple[str, ...]:
    """The texts before which an answer ends. Raises Wrong for what is none."""
    stops = [given] if isinstance(given, str) else [] if given is None else given
    texts = cast("list[object]", stops) if isinstance(stops, list) else [None]
    found = tuple(one for one in texts if isinstance(one, str) and one)
    if len(found) < len(texts) or len(found) > _MOST_STOPS:
        raise Wrong(400, f"stop is a text, or a list of at most {_MOST_STOPS}, none of them empty", "stop")
    return found


def _ended(answer: Answer, stops: Sequence[str]) -> Answer:
    """The answer up to the first text at which it was to stop; what was paid for it stays."""
    first = min((at for one in stops if (at := answer.text.find(one)) >= 0), default=None)
    return answer if first is None else replace(answer, text=answer.text[:first], finish="stop")


def _end(answer: Answer) -> str:
    return _ENDS.get(answer.finish, "stop")


def _usage(answers: Sequence[Answer]) -> dict[str, JSON]:
    """Tokens: those in are counted once, as of one request."""
    tokens_in, tokens_out = max(one.tokens_in for one in answers), sum(one.tokens_out for one in answers)
    return {"prompt_tokens": tokens_in, "completion_tokens": tokens_out, "total_tokens": tokens_in + tokens_out}


def _said(messages: object) -> tuple[str, str]:
    """What the model is to be, and what it is told; several turns are one text, each under its role."""
    if not isinstance(messages, list) or not messages:
        raise Wrong(400, "messages is needed: a list of objects with role and content", "messages")
    turns = [_turn(one, i) for i, one in enumerate(cast("list[object]", messages))]
    expertise = "\n\n".join(text for role, text in turns if role in {"system", "developer"})
    rest = [(role, text) for role, text in turns if role not in {"system", "developer"}]
    if not rest:
        return "", expertise
    if len(rest) == 1:
        return expertise, rest[0][1]
    return expertise, "\n\n".join(f"{role}: {text}" for role, text in rest)


def _turn(message: object, place: int) -> tuple[str, str]:
    told = cast("dict[str, Any]", message) if isinstance(message, dict) else {}
    role, content = told.get("role"), told.get("content")
    where = f"messages[{place}]"
    if role not in _ROLES:
        raise Wrong(400, f"{where}.role is {role!r}: one of {', '.join(_ROLES)} is needed", f"{where}.role")
    if isinstance(content, list):
        parts = [_part(one, where) for one in cast("list[object]", content)]
        return str(role), "".join(parts)
    if content is None and role == "assistant":
        return "assistant", ""
    if not isinstance(content, str):
        raise Wrong(400, f"{where}.content is no text", f"{where}.content")
    return str(role), content


def _part(part: object, where: str) -> str:
    text = cast("dict[str, Any]", part).get("text") if isinstance(part, dict) else None
    if not isinstance(text, str):
        raise Wrong(
            400, f"{where}.content holds something that is no text: models here read texts alone", f"{where}.content"
        )
    return text


def _number(
    told: Mapping[str, Any], name: str, default: float, least: float, most: float, whole: bool = False
) -> float:
    """A number of a request within its bounds. Raises Wrong for anything else."""
    value = told.get(name)
    if value is None:
        return default
    kinds = (int,) if whole else (int, float)
    if isinstance(value, bool) or not isinstance(value, kinds) or not (least <= value <= most):
        kind = "whole number" if whole else "number"
        raise Wrong(400, f"{name} is {str(value)[:80]!r}: a {kind} from {least:g} to {most:g} is needed", name)
    return value
