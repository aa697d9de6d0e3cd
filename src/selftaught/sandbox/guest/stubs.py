"""What an improver holds in its hands: `utility` and `language_model`, whose calls are answered by the host.

The objects are plain: they can be copied, subclassed and assigned to. Nothing assigned here changes what the host
allows, it only changes what the improver believes.

What small models write instead of what they were told is understood where it has one meaning: `utility.score(…)`, a list
given to `utility`, `utility.__name__`, `extract_code` without its import. A name that `helpers` lacks fails where it is
used, not where it is imported.
"""

from __future__ import annotations

import builtins
import json
import os
import threading
from collections.abc import Sequence
from typing import Any, cast

import helpers
import wire

_CALLS = 5
_KINDS = {"BudgetExhausted": helpers.BudgetExhausted, "ValueError": ValueError}


class _Channel:
    """Requests with numbers go out, replies come back in any order; whoever waits first reads for all."""

    def __init__(self) -> None:
        self._sending = threading.Lock()
        self._turn = threading.Condition()
        self._replies: dict[int, dict[str, Any]] = {}
        self._next = 0
        self._reading = False

    def call(self, name: str, **arguments: Any) -> Any:
        number = self._send(name, arguments)
        reply = self._await(number)
        if "refused" in reply:
            raise _KINDS.get(reply["refused"], RuntimeError)(reply["message"])
        return reply["value"]

    def _send(self, name: str, arguments: dict[str, Any]) -> int:
        with self._sending:
            number = self._next
            request = {"id": number, "call": name, "arguments": arguments}
            data = json.dumps(request, ensure_ascii=False, allow_nan=False).encode()
            if len(data) > wire.MAX_REQUEST:
                raise ValueError(f"one call may carry {wire.MAX_REQUEST >> 20} MiB, not {len(data) / (1 << 20):.1f}")
            self._next += 1
            data = len(data).to_bytes(4, "little") + data
            while data:
                data = data[os.write(_CALLS, data) :]
        return number

    def _await(self, number: int) -> dict[str, Any]:
        with self._turn:
            while number not in self._replies:
                if self._reading:
                    self._turn.wait()
                else:
                    self._read_one()
            return self._replies.pop(number)

    def _read_one(self) -> None:
        """Read one reply with the turn given up meanwhile; called and left with the turn held."""
        self._reading = True
        self._turn.release()
        try:
            reply = json.loads(_read(int.from_bytes(_read(4), "little")))
        finally:
            self._turn.acquire()
            self._reading = False
            self._turn.notify_all()
        self._replies[reply["id"]] = reply


def _read(size: int) -> bytes:
    parts: list[bytes] = []
    while size:
        part = os.read(_CALLS, size)
        if not part:
            raise EOFError("the host has gone")
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


_channel = _Channel()


_CALLED = ("score", "score_function", "evaluate")
"""What a utility is called by instead of by itself."""


class Utility:
    """Scores solutions, higher is better. `str` describes it; `budget` is how many scorings are allowed."""

    __name__ = "utility"

    def __init__(self, str: str, budget: int) -> None:  # noqa: A002 - the paper's name
        self.str = str
        self.budget = budget

    def __call__(self, solution: str, **ignored: Any) -> float:
        return self._scored(solution, ignored)

    def __getattr__(self, name: str) -> Any:
        if name in _CALLED:
            return self.__call__
        raise AttributeError(f"'Utility' object has no attribute {name!r}")

    def _scored(self, solution: Any, ignored: dict[str, Any]) -> Any:
        """One score, or a list of them for a list of solutions."""
        if isinstance(solution, (list, tuple)):
            return self.map(cast("list[str]", solution), **ignored)
        return self.map([solution], **ignored)[0]

    def map(self, solutions: Sequence[str], **ignored: Any) -> list[float]:
        """Score several solutions side by side. The paper's keywords are taken, told to the host, and change nothing."""
        texts = _texts(solutions, "solutions")
        if len(texts) > wire.MAX_LIST:
            raise _too_many(len(texts), "utility", "solutions", **_recorded(ignored))
        for text in texts:
            helpers.remember(text)
        return _channel.call("utility", solutions=texts, **_recorded(ignored))

    def feedback(self, solution: str) -> str:
        """Why a solution failed, or which practice instances it lost."""
        return _channel.call("feedback", solution=_text(solution))

    def keep(self, solution: str) -> None:
        """Hand in the best so far: it counts when this run ends with an error or at a limit."""
        _channel.call("keep", solution=_text(solution))


class LanguageModel:
    """Answers prompts. `budget` is how many calls are allowed, `max_responses_per_call` how many answers to each."""

    def __init__(self, budget: int, max_responses_per_call: int) -> None:
        self.budget = budget
        self.max_responses_per_call = max_responses_per_call

    def prompt(self, expertise: str, message: str, n_responses: int = 1, temperature: float = 0.7) -> list[str]:
        """`n_responses` answers to one message."""
        if n_responses > wire.MAX_LIST:  # before that many are made
            how = {"expertise": _text(expertise), "temperature": float(temperature)}
            raise _too_many(n_responses, "ask", "messages", **how)
        return self.batch_prompt(expertise, [message] * n_responses, temperature)

    def batch_prompt(self, expertise: str, message_batch: Sequence[str], temperature: float = 0.7) -> list[str]:
        """One answer to each message, in the order of the messages."""
        messages = _texts(message_batch, "messages")
        how = {"expertise": _text(expertise), "temperature": float(temperature)}
        if len(messages) > wire.MAX_LIST:
            raise _too_many(len(messages), "ask", "messages", **how)
        answers = _channel.call("ask", messages=messages, **how)
        texts = [one if isinstance(one, str) else helpers.CutText(*one) for one in answers]
        for text, message in zip(texts, messages, strict=False):
            helpers.answered(text, message)
        return texts


_IGNORED = ("use_sandbox",)
"""Keywords of utilities in the paper's code that mean nothing here: everything runs in the sandbox."""


def _recorded(ignored: dict[str, Any]) -> dict[str, Any]:
    """What an ignored keyword asked for, as the host is told; anything else is a mistake, as with any function."""
    for name in ignored:
        if name not in _IGNORED:
            raise TypeError(f"utility() got an unexpected keyword argument {name!r}")
    return {"ignored": [f"{name}={bool(value)}" for name, value in ignored.items()]} if ignored else {}


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"a text is wanted, not {type(value).__name__}")
    return str(value)


def _texts(values: Sequence[object], name: str) -> list[str]:
    if isinstance(values, str):
        raise TypeError(f"a list of {name} is wanted, not one text")
    return [_text(one) for one in values]


def _too_many(count: int, call: str, name: str, **more: Any) -> Exception:
    """What is raised for more texts than one call may carry. The host is asked for one too many, empty ones: where that is more
    than is left, it counts as such."""
    kind = ValueError
    try:
        _channel.call(call, **{name: [""] * (wire.MAX_LIST + 1)}, **more)
    except helpers.BudgetExhausted:
        kind = helpers.BudgetExhausted
    except ValueError:
        pass
    return kind(f"one call may carry {wire.MAX_LIST:,} {name}, not {count:,}")


class _Missing:
    """Something imported from `helpers` that is not there: its first use fails."""

    def __init__(self, name: str) -> None:
        self._error = f"module 'helpers' has no {name!r}: there are extract_code and BudgetExhausted"

    def __call__(self, *_: Any, **__: Any) -> Any:
        raise AttributeError(self._error)

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(self._error)


def _missing(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(f"module 'helpers' has no attribute {name!r}")
    return _Missing(name)


helpers.__getattr__ = _missing  # type: ignore[attr-defined]
for _name in ("extract_code", "BudgetExhausted"):
    setattr(builtins, _name, getattr(helpers, _name))


def objects(arguments: list[Any]) -> list[Any]:
    """The arguments of `improve_algorithm` from a job's plain input, which may end with the function that is wanted."""
    initial_solution, utility, language_model, *wanted = arguments
    helpers.wanted = wanted[0] if wanted else None
    helpers.remember(initial_solution)
    return [initial_solution, Utility(**utility), LanguageModel(**language_model)]
