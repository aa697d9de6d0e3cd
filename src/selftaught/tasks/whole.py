"""Programs of the user's own that are scored as whole texts, in any language: by a command, or by a function."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from statistics import fmean
from typing import Any, cast

from selftaught.errors import WorldError
from selftaught.lab import Lab
from selftaught.lab.grading import grade_text, relative
from selftaught.lab.metrics import Rule
from selftaught.plain import JSON
from selftaught.program import Program
from selftaught.utility import Score

_log = logging.getLogger(__name__)
TOLD = 2000
"""Characters of what a scorer says that improvers are told."""


class NotNow(WorldError):
    """What scores a program failed this time through no fault of the program, which has no score now: no fact."""

    def fact(self) -> Mapping[str, JSON]:
        """What stands in for the fact until the program is scored again. It is said that it does."""
        _log.warning("%s; it is tried once more at the end of the round", self)
        reason = f"it could not be scored this time: {self}"
        more: dict[str, JSON] = {"grades": [], "notes": [], "failures": 1, "denied": {"calls": None, "noted": []}}
        return {"value": None, "reason": reason, **more}


@dataclass(frozen=True)
class Aim:
    """What is wanted of a program."""

    about: str
    """In words."""
    minimize: bool = False
    rule: Rule = field(default_factory=Rule)
    """What counts of several metrics."""


@dataclass(frozen=True)
class Scoring:
    """What a scorer told of a program."""

    grades: Sequence[float] = ()
    """What the score is the mean of; none where there is no score."""
    reason: str | None = None
    """Why there is none."""
    notes: Sequence[str] = ()
    """What else it said, for who writes the program."""
    metrics: Mapping[str, float] = field(default_factory=dict[str, float])
    lost: int = 0
    """How many of the grades are those of failures."""

    @property
    def value(self) -> float | None:
        """The score; None where there is none."""
        return fmean(self.grades) if self.grades else None


class WholeUtility(ABC):
    """The score of a whole text. Texts are kept; the same text is not scored twice."""

    entry = ""
    measures = False
    """What it takes is told to nobody."""

    def __init__(self, lab: Lab, start: Program, aim: Aim) -> None:
        self._lab, self._start, self._aim = lab, start, aim
        self.missed: list[Program] = []
        """What could not be scored in passing."""

    @property
    def description(self) -> str:
        better, worse = ("lower", "higher") if self._aim.minimize else ("higher", "lower")
        counts = f" Of the metrics that it prints, {self._aim.rule.words} counts." if self._aim.rule.text else ""
        return (
            f"{self._aim.about}\n\n{self._what}; a {better} score is "
            f"better. The utility tells how it compares with the file to begin with: it is 0.5 where both are equal, nearer to "
            f"1 the {better}, nearer to 0 the {worse} the score is; utility.feedback tells the score itself, and why there is "
            f"none. {self._bounds}{counts} Scoring the same file again gives the same."
        )

    @property
    @abstractmethod
    def _what(self) -> str:
        """What the program is and who scores it, as the beginning of a sentence."""

    @property
    @abstractmethod
    def _bounds(self) -> str:
        """How far it may go, in sentences."""

    @abstractmethod
    def _identity(self) -> list[JSON]:
        """All that decides a score, besides the program, the start, and what is wanted."""

    @abstractmethod
    def _scored(self, program: Program) -> Scoring:
        """Score a program, once more."""

    @property
    def key(self) -> JSON:
        return self._key

    @cached_property
    def _key(self) -> JSON:
        rule: list[JSON] = [self._aim.rule.text] if self._aim.rule.text else []
        begun: list[JSON] = [self._start.digest, self._aim.minimize, *rule]
        return [*self._identity(), begun]

    def fact(self, program: Program, again: int = 0) -> Mapping[str, Any]:
        """The stored scoring of a program, the first or another one: `value`, `grades`, `reason`, in the scorer's own unit."""
        more = {"again": again} if again else {}
        about: dict[str, JSON] = {"program": self._lab.store.keep(program.text), "utility": self.key, **more}
        try:
            return cast("Mapping[str, Any]", self._lab.once("score", about, lambda: self._measure(program)))
        except NotNow as failure:
            self.missed.append(program)
            return failure.fact()

    def whole(self, program: Program) -> Program:
        """The program as it is to be kept."""
        return program

    def score(self, program: Program, earlier: int = 0) -> Score:  # noqa: ARG002 - the first measurement is the fact
        fact = self.fact(program)
        value = relative(fact["value"], self.fact(self._start)["value"], self._aim.minimize)
        return Score(value, fact["reason"], tuple(fact["grades"]), fact["failures"])

    def feedback(self, program: Program) -> str:
        fact = self.fact(program)
        said = f"No score: {fact['reason']}" if fact["value"] is None else f"Score {grade_text(fact['value'])}."
        return "\n".join([said, *fact["notes"]])

    def _measure(self, program: Program) -> JSON:
        self._lab.progress.count("scorings")
        found = self._scored(program)
        told: dict[str, JSON] = {"value": found.value, "reason": found.reason, "grades": [*found.grades]}
        told |= {"metrics": dict(found.metrics)} if found.metrics else {}
        failures = found.lost or int(found.value is None)
        return {**told, "notes": [*found.notes], "failures": failures, "denied": {"calls": None, "noted": []}}
