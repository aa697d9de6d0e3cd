"""Programs of the user's own, in any language, which a command scores: it is given the file and prints a number, or JSON.

What counts is the last line that it prints, or all of it as JSON: a number, or an object with `combined_score` or `score`, or
the mean of its numbers where it has neither.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, cast

from selftaught.errors import UsageError
from selftaught.lab import Lab
from selftaught.lab.grading import relative, shown
from selftaught.lab.metrics import Rule, lines, number
from selftaught.plain import JSON, digest_of_files
from selftaught.program import MAX_CHARS, Program
from selftaught.sandbox.command import Command, Ran, run
from selftaught.sandbox.packages import versions
from selftaught.utility import Score

COMMANDED = "command"
"""What the key of a command's scores begins with."""
_MOST_FILES = 2000
_TOLD = 2000
"""Characters of what a scorer printed that improvers are told."""
WEAKER = (
    "The command and the program run in one jail, without network, but with other programs and without a filter of system "
    "calls: a program that sets out to can print a score of its own making. Read it before you use it."
)
"""What is said of how a command is held."""


@dataclass(frozen=True)
class Aim:
    """What is wanted of a program."""

    about: str
    """In words."""
    minimize: bool = False
    rule: Rule = field(default_factory=Rule)
    """What counts of several metrics."""


@dataclass(frozen=True)
class Told:
    """What a command told of a program."""

    value: float | None
    reason: str | None = None
    """Why there is no score."""
    notes: Sequence[str] = ()
    """What else it said, for who writes the program."""
    metrics: Mapping[str, float] = field(default_factory=dict[str, float])


class CommandUtility:
    """The score of a whole file by a command. Texts are kept; the same text is not scored twice."""

    def __init__(self, lab: Lab, command: Command, start: Program, aim: Aim) -> None:
        self.entry = ""
        self._lab, self._command, self._start, self._aim = lab, command, start, aim

    @property
    def description(self) -> str:
        better, worse = ("lower", "higher") if self._aim.minimize else ("higher", "lower")
        return (
            f"{self._aim.about}\n\nThe program is the whole file {self._command.file}, which a command scores; a {better} "
            f"score is better. The utility tells how it compares with the file to begin with: it is 0.5 where both are equal, "
            f"nearer to 1 the {better}, nearer to 0 the {worse} the score is; utility.feedback tells the score itself, and why "
            f"there is none. The command may use {self._command.cpu_s:g} s of CPU time and {self._command.memory_mb} MiB and "
            f"has no network; the file has at most {MAX_CHARS:,} characters. {self._imports()}{self._counts()}"
            f"Scoring the same file again gives the same."
        )

    def _imports(self) -> str:
        """What a program of Python may import."""
        if not self._command.file.endswith(".py"):
            return ""
        *known, last = "Python's standard library", "numpy", *self._command.packages
        return f"It may import {', '.join(known)} and {last}. "

    def _counts(self) -> str:
        """What counts of several metrics, where that was said."""
        return f"Of the metrics that it prints, {self._aim.rule.words} counts. " if self._aim.rule.text else ""

    @property
    def key(self) -> JSON:
        return self._key

    @cached_property
    def _key(self) -> JSON:
        one = self._command
        files = digest_of_files([str(path) for path in _files(one)])
        limits: list[JSON] = [one.cpu_s, one.wall_s, one.memory_mb]
        rule: list[JSON] = [self._aim.rule.text] if self._aim.rule.text else []
        begun: list[JSON] = [self._start.digest, self._aim.minimize, *rule]
        return [COMMANDED, [*one.words], one.file, [*files.values()], versions(one.packages), limits, begun]

    measures = False
    """What it takes is told to nobody."""

    def fact(self, program: Program, again: int = 0) -> Mapping[str, Any]:
        """The stored scoring of a program: `value`, `grades`, `reason`, in the command's own unit."""
        more = {"again": again} if again else {}
        about: dict[str, JSON] = {"program": self._lab.store.keep(program.text), "utility": self.key, **more}
        return cast("Mapping[str, Any]", self._lab.once("score", about, lambda: self._measure(program)))

    def whole(self, program: Program) -> Program:
        """The file as it is to be kept."""
        return program

    def score(self, program: Program, earlier: int = 0) -> Score:  # noqa: ARG002 - the first measurement is the fact
        fact = self.fact(program)
        value = relative(fact["value"], self.fact(self._start)["value"], self._aim.minimize)
        return Score(value, fact["reason"], tuple(fact["grades"]), fact["failures"])

    def feedback(self, program: Program) -> str:
        fact = self.fact(program)
        said = f"No score: {fact['reason']}" if fact["value"] is None else f"Score {shown(fact['value'])}."
        return "\n".join([said, *fact["notes"]])

    def _measure(self, program: Program) -> JSON:
        self._lab.progress.count("scorings")
        with self._lab.progress.timed("scoring", self._command.file):
            ran = self._run(program)
        self._lab.spend.computed(ran.cpu_s)
        found = read(ran, self._aim.rule)
        value, metrics = found.value, {"metrics": found.metrics} if found.metrics else {}
        told = {"value": value, "reason": found.reason, "grades": [] if value is None else [value], **metrics}
        return {**told, "notes": found.notes, "failures": int(value is None), "denied": {"calls": None, "noted": []}}

    def _run(self, program: Program) -> Ran:
        return run(self._command, program.text)


def read(ran: Ran, rule: Rule) -> Told:
    """The score that a command printed, by the rule where it printed several metrics, or why there is none."""
    wrong = ran.errors.strip()[-_TOLD:]
    if ran.reason:
        return Told(None, ran.reason, [wrong] * bool(wrong))
    given = _given(ran.output)
    if not isinstance(given, dict) and number(cast("object", given)) is None:
        said = " ".join(ran.output.split())[-200:]
        return Told(None, f"the command printed no finite number that counts: {said!r}", [wrong] * bool(wrong))
    if not isinstance(given, dict):
        return Told(number(given))
    whole = cast("dict[str, Any]", given)
    more = whole.pop("artifacts", None)
    notes = [*lines(whole), *(lines(cast("dict[str, Any]", more)) if isinstance(more, dict) else ())]
    try:
        score = rule.of(whole)
    except ValueError as error:
        return Told(None, f"the command printed metrics, but {error}", [*notes, *[wrong] * bool(wrong)])
    return Told(float(score), None, notes, score.metrics)


def _given(output: str) -> Any:
    """All that was printed as JSON, or else its last line."""
    lines = output.strip().splitlines()
    for text in (output, lines[-1] if lines else ""):
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            continue
    return None


def _files(command: Command) -> list[Path]:
    """Every file that the command sees beside the program. UsageError where one is not there, or there are too many."""
    found: list[Path] = []
    for mount in command.mounts:
        if not mount.exists():
            raise UsageError(f"there is no file {mount}: put it back, or leave out its --file")
        found += sorted(path for path in mount.rglob("*") if path.is_file()) if mount.is_dir() else [mount]
    if len(found) > _MOST_FILES:
        raise UsageError(f"--file shows the command {len(found):,} files: name those that it needs")
    return [path for path in found if "__pycache__" not in path.parts]
