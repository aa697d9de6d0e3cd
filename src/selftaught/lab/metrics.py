"""Several metrics of one scoring: which of them counts, by a rule that is stated, and what is told of the others."""

from __future__ import annotations

import json
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import inf, isfinite
from numbers import Real
from statistics import fmean
from typing import Any, TypeAlias

from selftaught.errors import UsageError

_COUNTS = ("combined_score", "score")
_TOKEN = re.compile(r"\s*(?:(\d+\.?\d*(?:[eE][-+]?\d+)?|\.\d+)|([^\W\d]\w*)|([-+*/()]))")
_Value: TypeAlias = Callable[[Mapping[str, float]], float]
_OPERATIONS: Mapping[str, Callable[[float, float], float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": lambda a, b: a / b,
}
_NAME = re.compile(r"[\w .:/@-]+")
_LONGEST = 2000
"""Characters that are told of what came beside the numbers."""


def number(grade: object) -> float | None:
    """The finite number that a grade is, numpy's included; None for what is none."""
    item = getattr(grade, "item", None)
    value: object = item() if callable(item) and getattr(grade, "shape", None) == () else grade
    try:
        real = float(value) if isinstance(value, Real) else inf
    except (OverflowError, ValueError):
        return None
    return (value if type(value) is int else real) if isfinite(real) else None


def numbers(metrics: Mapping[str, Any]) -> dict[str, float]:
    """Those of the metrics that are numbers; true and false are none."""
    return {
        str(name): value
        for name, one in metrics.items()
        if not isinstance(one, bool) and (value := number(one)) is not None
    }


def others(metrics: Mapping[str, Any]) -> list[str]:
    """What is told of the metrics that are no numbers, a line each."""
    plain = numbers(metrics)
    return lines({name: one for name, one in metrics.items() if name not in plain})


def lines(metrics: Mapping[str, Any]) -> list[str]:
    """Each with its name, in a line."""
    return [f"{name}: {_text(one)}"[:_LONGEST] for name, one in metrics.items()]


def listed(metrics: Mapping[str, float]) -> str:
    """Numbers with their names, in one line."""
    return ", ".join(f"{name} {value:.6g}" for name, value in metrics.items())


def means(several: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """The mean of each metric that all of them have."""
    shared = [name for name in (several[0] if several else ()) if all(name in one for one in several)]
    return {name: fmean(one[name] for one in several) for name in shared}


class Metered(float):
    """A score with the metrics that it came from."""

    metrics: Mapping[str, float] = {}
    said: Sequence[str] = ()
    """Of what came beside the numbers."""


@dataclass(frozen=True)
class Rule:
    """What counts of several metrics: one by its name, or what is worked out from several with + - * / and numbers."""

    text: str = ""
    """Empty: `combined_score`, or `score`, or the mean of all numbers where there is neither."""

    def __post_init__(self) -> None:
        """UsageError for a text that is neither."""
        if not self.text or _NAME.fullmatch(self.text):
            return
        try:
            _Formula(self.text)
        except (ValueError, RecursionError):
            raise UsageError(
                f"--metric is {self.text!r}: give the name of a metric, or names and numbers with + - * / and brackets"
            ) from None

    @property
    def words(self) -> str:
        """The rule as it is told."""
        return f"`{self.text}`" if self.text else "`combined_score`, else `score`, else the mean of all numbers"

    def of(self, metrics: Mapping[str, Any]) -> Metered:
        """The score. ValueError, with why in one line, where there is none."""
        found = Metered(self._counting(metrics))
        found.metrics, found.said = numbers(metrics), others(metrics)
        return found

    def _counting(self, metrics: Mapping[str, Any]) -> float:
        plain = numbers(metrics)
        for name in (self.text,) if self.text else _COUNTS:
            if name in metrics:
                if (value := number(metrics[name])) is None:
                    raise ValueError(f"the metric {name} is {_quoted(metrics[name])[:80]}, which is no finite number")
                return value
        if not self.text:
            if not plain:
                raise ValueError("none of the metrics is a finite number")
            return fmean(plain.values())
        try:
            value = number(_Formula(self.text).value(plain))
        except (KeyError, ValueError):
            raise ValueError(
                f"{self.text} cannot be worked out: the metrics are {', '.join(plain) or 'none'}"
            ) from None
        except ArithmeticError as error:
            raise ValueError(f"{self.text} cannot be worked out: {error}") from None
        if value is None:
            raise ValueError(f"{self.text} is no finite number")
        return value


class _Formula:
    """Names and numbers with + - * / and brackets, worked out in the usual order. ValueError for other texts."""

    def __init__(self, text: str) -> None:
        self._tokens: list[str] = []
        at = 0
        while text[at:].strip():
            found = _TOKEN.match(text, at)
            if found is None:
                raise ValueError(text[at:])
            self._tokens.append(found.group().strip())
            at = found.end()
        self.value = self._sum()
        if self._tokens:
            raise ValueError(self._tokens[0])

    def _next(self, *wanted: str) -> str:
        return self._tokens.pop(0) if self._tokens and self._tokens[0] in wanted else ""

    def _sum(self) -> _Value:
        found = self._product()
        while sign := self._next("+", "-"):
            found = _joined(sign, found, self._product())
        return found

    def _product(self) -> _Value:
        found = self._factor()
        while sign := self._next("*", "/"):
            found = _joined(sign, found, self._factor())
        return found

    def _factor(self) -> _Value:
        if sign := self._next("+", "-"):
            inner = self._factor()
            return inner if sign == "+" else lambda metrics: -inner(metrics)
        if self._next("("):
            inner = self._sum()
            if not self._next(")"):
                raise ValueError("(")
            return inner
        token = self._tokens.pop(0) if self._tokens else ""
        if token[:1].isdigit() or token[:1] == ".":
            return lambda _: float(token)
        if not token or token in "+-*/()":
            raise ValueError(token)
        return lambda metrics: metrics[token]


def _joined(sign: str, left: _Value, right: _Value) -> _Value:
    work = _OPERATIONS[sign]
    return lambda metrics: work(left(metrics), right(metrics))


def _quoted(one: Any) -> str:
    """A text in quotes: without, a number in a text would read as one."""
    return repr(one) if isinstance(one, str) else _text(one)


def _text(one: Any) -> str:
    if isinstance(one, str):
        return one
    try:
        return json.dumps(one)
    except (TypeError, ValueError, RecursionError):
        return repr(one)
