"""`scripted`: a model whose answers are written beforehand. Public: users test with the same fake as this package does."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from selftaught.errors import UsageError
from selftaught.models import Answer, Request
from selftaught.plain import JSON, digest, read_bounded, seed_from

LONGEST = 64 << 20
"""Bytes of a file of answers."""
_TEXT = r'"(?:[^"\\]++|\\.)*+"'
_TEXTS = re.compile(rf"\s*+\[\s*+(?:{_TEXT}\s*+(?:,\s*+{_TEXT}\s*+)*+)?+\]\s*+", re.DOTALL)
"""A list of nothing but texts, told in one pass: a few bytes of anything else may become hundreds in memory."""
_SMALL = 1 << 20
"""Characters of what is parsed in any case, so that it can be said where it is wrong."""
Script = Sequence[str] | Callable[[Request, str], str | Answer]


class Scripted:
    """Answers from a list of texts, or from a function of the request and the address.

    The answer at an address is `texts[seed_from(address) % len(texts)]`: it depends on nothing else, so an address
    always gets the same text, whatever is asked before, at once or again. A function must keep to this by itself. Tokens
    are counted as a quarter of the characters; the price is 0.
    """

    def __init__(self, script: Script, name: str = "scripted", concurrency: int = 1) -> None:
        """Raises UsageError for an empty list. Two different functions need two names: their answers are told apart by it."""
        self.name = name
        self.concurrency = concurrency
        self.batch = 1000
        self._script = script if callable(script) else tuple(script)
        if not self._script:
            raise UsageError("a scripted model needs at least one answer")
        self.parameters: Mapping[str, JSON] = {} if callable(self._script) else {"answers": digest(list(self._script))}

    @classmethod
    def read(cls, path: Path) -> Scripted:
        """The model `scripted:FILE`: a JSON list of texts, or one JSON text per line. Raises UsageError."""
        try:
            raw = read_bounded(path, LONGEST)
            if raw is None:
                raise UsageError(f"scripted answers cannot be read from {path}: it has more than {LONGEST >> 20} MiB")
            written = raw.decode("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(
                f"scripted answers cannot be read from {path} ({type(error).__name__}): name a text file that can"
            ) from None
        return cls(_texts(written, path), name=f"scripted:{path}")

    def ceiling(self, request: Request, count: int) -> float | None:  # noqa: ARG002 - it is free
        return 0.0

    def close(self) -> None:
        """There is nothing to let go of."""

    def complete(self, request: Request, addresses: Sequence[str]) -> Sequence[Answer]:
        return [self._answer(request, address) for address in addresses]

    def _answer(self, request: Request, address: str) -> Answer:
        script = self._script
        given = script(request, address) if callable(script) else script[seed_from(address) % len(script)]
        if isinstance(given, Answer):
            return given
        return Answer(
            given,
            finish="stop" if given else "empty",
            tokens_in=(len(request.expertise) + len(request.message)) // 4,
            tokens_out=len(given) // 4,
            temperature_applied=request.temperature,
        )


def _texts(written: str, path: Path) -> list[str]:
    if not written.lstrip().startswith("["):
        written = "[" + ",\n".join(line for line in written.splitlines() if line.strip()) + "]"
    try:
        if _TEXTS.fullmatch(written) or len(written) <= _SMALL:
            found = cast(list[Any], json.loads(written))
            if all(isinstance(text, str) for text in found):
                return found
    except json.JSONDecodeError as error:
        raise UsageError(f"{path} is neither a JSON list nor JSON lines: {error.msg} in line {error.lineno}") from None
    except (ValueError, RecursionError):  # a number without end, or what is nested without one
        pass
    raise UsageError(f"{path} holds something that is no text: every answer is one JSON string")
