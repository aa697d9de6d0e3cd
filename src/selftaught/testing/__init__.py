"""Fakes small enough to reason about, and the contracts (`selftaught.testing.contracts`) that every implementation passes.

The task's grade is the number that a solution returns; the models are pure functions of the address of an answer, cost
nothing and remember what they were asked.
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from selftaught.lab import Lab
from selftaught.lab.workers import Workers, sizes
from selftaught.models import Answer, LanguageModel, Request
from selftaught.plain import JSON
from selftaught.sandbox import Limits, Sandbox
from selftaught.store import Store
from selftaught.task import Instance, InvalidAnswer, Task


class Number(Task):
    """f(x) returns a number in [0, 1], which is its grade; the start solution returns 0."""

    entry = "f"
    start = "def f(x):\n    return 0.0\n"
    summary = "Return a number near 1."
    limits = Limits(cpu_s=0.2)
    known_start = 0.0

    def __init__(self, name: str = "number") -> None:
        self.name = name
        self.instances = {"train": 2, "validation": 2, "test": 2}

    @property
    def description(self) -> str:
        return "f(x) returns a number in [0, 1]; the grade is that number."

    def draw(self, rng: random.Random) -> Instance:
        return Instance((rng.random(),), truth="never shown")

    def grade(self, instance: Instance, answer: JSON) -> float:  # noqa: ARG002 - any instance is the same
        if isinstance(answer, bool) or not isinstance(answer, int | float):
            raise InvalidAnswer("not a number")
        return min(1.0, max(0.0, float(answer)))


class Guesser:
    """A model that answers with a solution of `Number` which returns a random constant."""

    name = "guesser"
    concurrency = 4
    batch = 100

    def __init__(self) -> None:
        self.parameters: Mapping[str, JSON] = {}
        self.asked: list[tuple[Request, str]] = []
        """Every request with the address of its answer, in the order of asking."""

    def ceiling(self, request: Request, count: int) -> float | None:  # noqa: ARG002 - it is free
        return 0.0

    def close(self) -> None:
        pass

    def complete(self, request: Request, addresses: Sequence[str]) -> Sequence[Answer]:
        self.asked += [(request, address) for address in addresses]
        return [self.answer(request, random.Random(address)) for address in addresses]

    def answer(self, request: Request, rng: random.Random) -> Answer:  # noqa: ARG002 - for subclasses
        """One answer; `rng` is decided by its address."""
        text = f"Try this.\n```python\ndef f(x):\n    return {rng.random():.6f}\n```"
        return Answer(text, tokens_in=10, tokens_out=5)


class Doubler(Guesser):
    """Asked about an improver, it answers with one that asks for twice as many answers; otherwise it guesses."""

    def answer(self, request: Request, rng: random.Random) -> Answer:
        if "def improve_algorithm" not in request.message:
            return super().answer(request, rng)
        found = re.search(r"range\((\d+)\)", request.message)
        count = 2 * int(found.group(1)) if found else 2
        return Answer(f"Ask more.\n```python\n{asker(count)}```")


def asker(count: int) -> str:
    """The text of an improver that asks `count` times, one answer each, and keeps the best."""
    return (
        "from helpers import extract_code\n\n\n"
        "def improve_algorithm(initial_solution, utility, language_model):\n"
        "    found = [initial_solution]\n"
        f"    for _ in range({count}):\n"
        "        found += extract_code(language_model.prompt('expert', initial_solution + utility.str))\n"
        "    return max(found, key=utility)\n"
    )


def make_lab(path: Path, sandbox: Sandbox, model: LanguageModel | None = None, seed: int = 1, run: int = 0) -> Lab:
    """A lab around a sandbox that is open already, with a fresh store and a model of these fakes."""
    return Lab(sandbox, model or Guesser(), Store(path), Workers(sizes(2, 4)), seed, run)
