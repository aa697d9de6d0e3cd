"""`formula`: rediscover a formula of two variables from its values; the targets are drawn by seed from a grammar."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast

from selftaught.plain import JSON, digest, rng_from
from selftaught.sandbox import Limits
from selftaught.task import Instance, InvalidAnswer, Split, Task
from selftaught.tasks.groups import Group, Sizes, named

Values = list[float]

SIZES: Sizes = {"train": 4, "test": 10}
"""How many tasks `formula:train` and `formula:test` are when no number is given."""
POINTS = 30
REACH = 2.0
"""Both variables are uniform in [-REACH, REACH]."""
TRIES = 64
"""How many random formulas `Target.difficulty` tries."""
EASY = 0.6
"""A target is left out when one edit of the start solution grades higher than this."""
START_GRADES = (0.3, 0.6)
"""A target is left out when the start solution's grade lies outside: the scales of the tasks would differ too much."""

BASES: dict[str, Callable[[float, float], float]] = {
    "x": lambda x, _: x,
    "y": lambda _, y: y,
    "x*y": lambda x, y: x * y,
    "x*x": lambda x, _: x * x,
    "y*y": lambda _, y: y * y,
    "sin(x)": lambda x, _: math.sin(x),
    "sin(y)": lambda _, y: math.sin(y),
    "cos(x)": lambda x, _: math.cos(x),
    "cos(y)": lambda _, y: math.cos(y),
    "exp(x)": lambda x, _: math.exp(x),
    "exp(y)": lambda _, y: math.exp(y),
    "abs(x)": lambda x, _: abs(x),
    "abs(y)": lambda _, y: abs(y),
}

START = """\
import math


def formula(x, y):
    return x


def predict(xs, ys):
    return [formula(x, y) for x, y in zip(xs, ys)]
"""


@dataclass(frozen=True)
class Target:
    """A formula: a sum of terms, each a constant times one of `BASES`."""

    terms: tuple[tuple[float, str], ...]

    def __str__(self) -> str:
        return " ".join(f"{constant:+.2f}*{basis}" for constant, basis in self.terms)

    @property
    def structure(self) -> tuple[str, ...]:
        """The formula without its constants."""
        return tuple(sorted(basis for _, basis in self.terms))

    def values(self, xs: Sequence[float], ys: Sequence[float]) -> Values:
        """The formula's value at each point."""
        return [sum(c * BASES[b](x, y) for c, b in self.terms) for x, y in zip(xs, ys, strict=True)]

    def difficulty(self, rng: random.Random) -> float:
        """The best grade that `TRIES` random formulas of the same grammar reach on one sample: a blind search's luck."""
        xs, ys = _points(rng)
        truth = self.values(xs, ys)
        return max(_grade(truth, _random_target(rng).values(xs, ys)) for _ in range(TRIES))


class Formula(Task):
    """Rediscover one target. The target's values are truth: a solution sees points only, an improver sees grades only."""

    entry = "predict"
    start = START
    limits = Limits(cpu_s=0.2)
    instances: Mapping[Split, int] = {"train": 1, "validation": 1, "test": 1}

    def __init__(self, name: str, target: Target) -> None:
        self.name = name
        self.target = target

    @cached_property
    def difficulty(self) -> float:
        """What blind search reaches on this target (`Target.difficulty`, with chance fixed by the target)."""
        return self.target.difficulty(rng_from("difficulty", str(self.target)))

    @property
    def summary(self) -> str:  # pyright: ignore[reportIncompatibleVariableOverride]
        return (
            f"rediscover a formula of two variables from its values "
            f"(best of {TRIES} random formulas of the same grammar: {self.difficulty:.2f})"
        )

    @property
    def description(self) -> str:
        return (
            f"Find a hidden formula of two variables. `predict(xs, ys)` is given two lists of {POINTS} numbers between "
            f"{-REACH:g} and {REACH:g} and returns the list of the formula's values at these points. The formula is a sum "
            f"of {len(self.target.terms)} different terms, each a real constant times one of: {', '.join(BASES)}. "
            "Its values are not shown; the score tells how near an answer comes: 1 / (1 + e / s) for the root mean square "
            "error e of the answer and the standard deviation s of the true values, so that 1 is perfect and the right "
            "constant alone scores 0.5. A wrong length, a value that is no finite real number, an exception or more than "
            f"{self.limits.cpu_s:g} s of CPU time scores 0."
        )

    def draw(self, rng: random.Random) -> Instance:
        xs, ys = _points(rng)
        return Instance((xs, ys), self.target.values(xs, ys))

    def grade(self, instance: Instance, answer: JSON) -> float:
        return _grade(instance.truth, _numbers(answer, len(instance.truth)))

    def explain(self, instance: Instance, answer: JSON) -> str:
        error = _error(instance.truth, _numbers(answer, len(instance.truth)))
        return f"root mean square error {error:.4g}; the true values spread by {_spread(instance.truth):.4g}"


def expand(spec: str, root: str) -> list[Task]:
    """The tasks named by `formula:train`, `formula:test` or, for the first n of them, `formula:train/n`.

    Targets are decided by `root` (see `plain.Roots`). A structure belongs to one group for ever, so no training target has
    the structure of a test target. Raises UsageError for any other name.
    """
    group, count = named("formula", spec, SIZES)
    targets = _targets(group, root)
    return [Formula(f"formula-{group}-{i + 1}", next(targets)) for i in range(count)]


def _targets(group: Group, root: str) -> Iterator[Target]:
    """Endlessly many targets of a group, neighbours of different structure, each neither easy nor off the scale."""
    rng = rng_from("formula", group, root)
    seen: list[tuple[str, ...]] = []
    while True:
        target = _random_target(rng)
        fresh = _group(target.structure) == group and target.structure not in seen[-20:]
        if fresh and _fair(target):
            seen.append(target.structure)
            yield target


def _group(structure: tuple[str, ...]) -> Group:
    return "test" if int(digest(list(structure))[:2], 16) % 2 else "train"


def _random_target(rng: random.Random) -> Target:
    """Three terms of the grammar; constants give each term a like share of the spread."""
    bases = rng.sample(sorted(BASES), 3)
    return Target(tuple((_constant(basis, rng), basis) for basis in bases))


def _constant(basis: str, rng: random.Random) -> float:
    xs, ys = _grid()
    share = rng.choice((-1, 1)) * rng.uniform(0.6, 1.8)
    return round(share / _spread([BASES[basis](x, y) for x, y in zip(xs, ys, strict=True)]), 2)


def _fair(target: Target) -> bool:
    """Whether the target leaves something to search for, and starts where the others do."""
    xs, ys = _grid()
    truth = target.values(xs, ys)
    low, high = START_GRADES
    return low <= _grade(truth, xs) <= high and max(_grade(truth, one) for one in _neighbours(truth)) < EASY


def _neighbours(truth: Values) -> Iterator[Values]:
    """Values of the formulas one edit away from the start solution's `x`; constants are the best possible ones."""
    xs, ys = _grid()
    for basis in BASES.values():
        values = [basis(x, y) for x, y in zip(xs, ys, strict=True)]
        yield values
        yield [x + v for x, v in zip(xs, values, strict=True)]
        yield [x - v for x, v in zip(xs, values, strict=True)]
    slope = sum(t * x for t, x in zip(truth, xs, strict=True)) / sum(x * x for x in xs)
    yield [slope * x for x in xs]
    shift = (sum(truth) - sum(xs)) / len(xs)
    yield [x + shift for x in xs]


def _points(rng: random.Random) -> tuple[Values, Values]:
    """Two lists of coordinates, rounded so that the plain data stay short."""

    def coordinates() -> Values:
        return [round(rng.uniform(-REACH, REACH), 4) for _ in range(POINTS)]

    return coordinates(), coordinates()


def _grid() -> tuple[Values, Values]:
    """The points on which targets are chosen: a fixed 9 by 9 grid."""
    steps = [REACH * (i - 4) / 4 for i in range(9)]
    return [x for x in steps for _ in steps], [y for _ in steps for y in steps]


def _error(truth: Values, numbers: Values) -> float:
    """Root mean square error; raises InvalidAnswer when it is beyond floating point."""
    error = math.sqrt(sum((a - b) * (a - b) for a, b in zip(truth, numbers, strict=True)) / len(truth))
    if not math.isfinite(error):
        raise InvalidAnswer("values too large")
    return error


def _spread(values: Values) -> float:
    """The standard deviation."""
    mean = sum(values) / len(values)
    return math.sqrt(sum((one - mean) ** 2 for one in values) / len(values))


def _grade(truth: Values, numbers: Values) -> float:
    return 1.0 / (1.0 + _error(truth, numbers) / _spread(truth))


def _numbers(answer: Any, length: int) -> Values:
    """The answer as floats; raises InvalidAnswer when it is no list of `length` finite numbers."""
    if not isinstance(answer, list):
        raise InvalidAnswer(f"not a list but {type(answer).__name__}")
    items = cast("list[Any]", answer)
    if len(items) != length:
        raise InvalidAnswer(f"{len(items)} values for {length} points")
    if all(type(item) is float and math.isfinite(item) for item in items):
        return items
    return [_number(item, i) for i, item in enumerate(items)]


def _number(item: Any, place: int) -> float:
    if isinstance(item, bool) or not isinstance(item, int | float):
        raise InvalidAnswer(f"value {place} is no number but {type(item).__name__}")
    try:
        number = float(item)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise InvalidAnswer(f"value {place} is not finite")
    return number
