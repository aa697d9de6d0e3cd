"""A model that answers from a recording: to each question what was answered then, in the same order, and nothing else."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from selftaught.errors import ModelFailure, UsageError
from selftaught.models import Answer, Request
from selftaught.plain import JSON
from selftaught.program import Program
from selftaught.runs.recording import Recorded, read

_Question = tuple[str, str, float]
"""Digests of role and message, and the temperature."""


class Recalled:
    """The answers of a recording. They cost nothing, tokens are those of then. Safe from many threads."""

    concurrency = 4
    batch = 1000

    def __init__(self, path: Path) -> None:
        """UsageError for a file that is no recording, or holds no answers: those of built-in models are computed anew."""
        found = read(path)
        self.name = f"recording:{path.name}"
        self.parameters: Mapping[str, JSON] = {}
        self._answers: dict[_Question, list[Answer]] = {}
        self._given = Counter[_Question]()
        self._lock = threading.Lock()
        facts = [one for one in found.facts if one.kind == "answer"]
        for one in sorted(facts, key=lambda one: (str(one.about["stream"]), cast(int, one.about["index"]))):
            self._answers.setdefault(_asked(one), []).append(_answer(one.body, found.texts))
        if not self._answers:
            raise UsageError(
                f"{path} holds no answers: those of the built-in model are computed anew, so serve offline"
            )

    def ceiling(self, request: Request, count: int) -> float | None:  # noqa: ARG002 - it is free
        return 0.0

    def close(self) -> None:
        """There is nothing to let go of."""

    def complete(self, request: Request, addresses: Sequence[str]) -> Sequence[Answer]:
        question = Program(request.expertise).digest, Program(request.message).digest, float(request.temperature)
        known = self._answers.get(question, ())
        with self._lock:
            first = self._given[question]
            found = known[first : first + len(addresses)]
            self._given[question] += len(found)
        if not found:
            said = (
                f"all {len(known)} answers to this question have been given" if known else "this question was not asked"
            )
            raise ModelFailure(f"in the recording {said}")
        return found


def _asked(one: Recorded) -> _Question:
    about = cast("Mapping[str, Any]", one.about)
    return str(about["expertise"]), str(about["message"]), float(about["temperature"])


def _answer(body: Mapping[str, JSON], texts: Sequence[str]) -> Answer:
    told = cast("Mapping[str, Any]", body)
    return Answer(texts[int(told["text"])], told["finish"], told["tokens_in"], told["tokens_out"])
