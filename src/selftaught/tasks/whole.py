"""Programs of the user's own that are scored as whole texts, in any language: by a command, or by a function."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from functools import cached_property
from statistics import fmean
from typing import Any, cast

from selftaught.lab import Lab
from selftaught.lab.grading import relative, shown
from selftaught.plain import JSON
from selftaught.program import Program
from selftaught.utility import Score

TOLD = 2000
"""Characters of what a scorer says that improvers are told."""


class WholeUtility(ABC):
    """The score of a whole text. Texts are kept; the same text is not scored twice."""

    entry = ""
    measures = False
    """What it takes is told to nobody."""

    def __init__(self, lab: Lab, start: Program, about: str, minimize: bool) -> None:
        self._lab, self._start, self._about, self._minimize = lab, start, about, minimize

    @property
    def description(self) -> str:
        better, worse = ("lower", "higher") if self._minimize else ("higher", "lower")
        return (
            f"{self._about}\n\n{self._what}; a {better} score is "
            f"better. The utility tells how it compares with the file to begin with: it is 0.5 where both are equal, nearer to "
            f"1 the {better}, nearer to 0 the {worse} the score is; utility.feedback tells the score itself, and why there is "
            f"none. {self._bounds} Scoring the same file again gives the same."
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
        """All that decides a score, besides the program, the start and which way is better."""

    @abstractmethod
    def _scored(self, program: Program) -> tuple[list[float], str | None, list[str]]:
        """What the score is the mean of, or why there is none; and what else is told to who writes the program."""

    @property
    def key(self) -> JSON:
        return self._key

    @cached_property
    def _key(self) -> JSON:
        begun: list[JSON] = [self._start.digest, self._minimize]
        return [*self._identity(), begun]

    def fact(self, program: Program, again: int = 0) -> Mapping[str, Any]:
        """The stored scoring of a program, the first or another one: `value`, `grades`, `reason`, in the scorer's own unit."""
        more = {"again": again} if again else {}
        about: dict[str, JSON] = {"program": self._lab.store.keep(program.text), "utility": self.key, **more}
        return cast("Mapping[str, Any]", self._lab.once("score", about, lambda: self._measure(program)))

    def whole(self, program: Program) -> Program:
        """The program as it is to be kept."""
        return program

    def score(self, program: Program, earlier: int = 0) -> Score:  # noqa: ARG002 - the first measurement is the fact
        fact = self.fact(program)
        value = relative(fact["value"], self.fact(self._start)["value"], self._minimize)
        return Score(value, fact["reason"], tuple(fact["grades"]), fact["failures"])

    def feedback(self, program: Program) -> str:
        fact = self.fact(program)
        said = f"No score: {fact['reason']}" if fact["value"] is None else f"Score {shown(fact['value'])}."
        return "\n".join([said, *fact["notes"]])

    def _measure(self, program: Program) -> JSON:
        self._lab.progress.count("scorings")
        grades, reason, notes = self._scored(program)
        value = fmean(grades) if grades else None
        told: dict[str, JSON] = {"value": value, "reason": reason, "grades": [*grades], "notes": [*notes]}
        return {**told, "failures": int(value is None), "denied": {"calls": None, "noted": []}}
