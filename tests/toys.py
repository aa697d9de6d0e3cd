"""A task and models small enough to reason about: the grade is the number a solution returns."""

import random
import re

from selftaught.lab import Lab
from selftaught.models import Answer
from selftaught.sandbox import Limits
from selftaught.store import Store
from selftaught.task import Instance, InvalidAnswer, Task
from selftaught.workers import Workers


class Number(Task):
    name = "number"
    entry = "f"
    start = "def f(x):\n    return 0.0\n"
    summary = "Return a number near 1."
    limits = Limits(cpu_s=0.2)
    instances = {"train": 2, "validation": 2, "test": 2}
    known_start = 0.0

    def __init__(self, name="number"):
        self.name = name

    @property
    def description(self):
        return "f(x) returns a number in [0, 1]; the grade is that number."

    def draw(self, rng):
        return Instance((rng.random(),), truth="never shown")

    def grade(self, instance, answer):
        if isinstance(answer, bool) or not isinstance(answer, int | float):
            raise InvalidAnswer("not a number")
        return min(1.0, max(0.0, float(answer)))


class Guesser:
    """A model that answers with a solution that returns a random number; pure function of the address."""

    name = "guesser"
    parameters = {}
    concurrency = 4
    batch = 100

    def __init__(self):
        self.asked = []

    def ceiling(self, request, count):
        return 0.0

    def close(self):
        pass

    def complete(self, request, addresses):
        self.asked += [(request, address) for address in addresses]
        return [self.answer(request, random.Random(address)) for address in addresses]

    def answer(self, request, rng):
        return Answer(
            f"Try this.\n```python\ndef f(x):\n    return {rng.random():.6f}\n```", tokens_in=10, tokens_out=5
        )


class Doubler(Guesser):
    """Asked about an improver, it answers with one that asks for twice as many answers; otherwise it guesses."""

    def answer(self, request, rng):
        if "def improve_algorithm" not in request.message:
            return super().answer(request, rng)
        found = re.search(r"range\((\d+)\)", request.message)
        count = 2 * int(found.group(1)) if found else 2
        return Answer(f"Ask more.\n```python\n{asker(count)}```")


def asker(count):
    """An improver that asks `count` times, one answer each, and keeps the best."""
    return (
        "from helpers import extract_code\n\n\n"
        "def improve_algorithm(initial_solution, utility, language_model):\n"
        "    found = [initial_solution]\n"
        f"    for _ in range({count}):\n"
        "        found += extract_code(language_model.prompt('expert', initial_solution + utility.str))\n"
        "    return max(found, key=utility)\n"
    )


def make_lab(path, sandbox, model=None, seed=1, run=0):
    workers = Workers({"score 0": 4, "improve 0": 4, "improve 1": 2, "score 1": 2, "score 2": 2, "ask": 4})
    return Lab(sandbox, model or Guesser(), Store(path), workers, seed, run)
