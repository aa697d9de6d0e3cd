"""Programs of the user's own, in any language, which a command scores: it is given the file and prints a number, or JSON.

What counts is the last line that it prints, or all of it as JSON: a number, or an object with `combined_score` or `score`, or
the mean of its numbers where it has neither.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from selftaught.errors import UsageError
from selftaught.lab import Lab
from selftaught.lab.metrics import Rule, lines, number
from selftaught.plain import JSON, digest_of_files
from selftaught.program import MAX_CHARS, Program
from selftaught.sandbox.command import Command, Ran, run
from selftaught.sandbox.guest.programs import refused
from selftaught.sandbox.packages import versions
from selftaught.tasks.whole import TOLD, Aim, NotNow, Scoring, WholeUtility

COMMANDED = "command"
"""What the key of a command's scores begins with."""
_MOST_FILES = 2000
WEAKER = (
    "The command and the program run in one jail, without network, but with other programs and without a filter of system "
    "calls: a program that sets out to can print a score of its own making. Read it before you use it."
)
"""What is said of how a command is held."""


class CommandUtility(WholeUtility):
    """The score of a whole file by a command."""

    def __init__(self, lab: Lab, command: Command, start: Program, aim: Aim) -> None:
        super().__init__(lab, start, aim)
        self._command = command

    @property
    def _what(self) -> str:
        return f"The program is the whole file {self._command.file}, which a command scores"

    @property
    def _bounds(self) -> str:
        return (
            f"The command may use {self._command.cpu_s:g} s of CPU time and {self._command.memory_mb} MiB and has no network; "
            f"the file has at most {MAX_CHARS:,} characters.{self._imports()}"
        )

    def _imports(self) -> str:
        """What a program of Python may import."""
        if not self._command.file.endswith(".py"):
            return ""
        *known, last = "Python's standard library", "numpy", *self._command.packages
        return f" It may import {', '.join(known)} and {last}."

    def _identity(self) -> list[JSON]:
        one = self._command
        files = digest_of_files([str(path) for path in _files(one)])
        limits: list[JSON] = [one.cpu_s, one.wall_s, one.memory_mb]
        return [COMMANDED, [*one.words], one.file, [*files.values()], versions(one.packages), limits]

    def _scored(self, program: Program) -> Scoring:
        texts, wrong = self._ready(program)
        if wrong:
            return Scoring(reason=wrong)
        with self._lab.progress.timed("scoring", self._command.file):
            ran = run(self._command, texts, look=self._lab.look)
        self._lab.spend.computed(ran.cpu_s)
        return read(ran, self._aim.rule)

    def _ready(self, program: Program) -> tuple[Mapping[str, str], str]:
        """The files as the command is given them, by their paths, and why there are none."""
        return {self._command.file: program.text}, refused(program.text) or ""


def read(ran: Ran, rule: Rule) -> Scoring:
    """The score that a command printed, by the rule where it printed several metrics, or why there is none."""
    said = [wrong] if (wrong := ran.errors.strip()[-TOLD:]) else []
    if ran.status == os.EX_TEMPFAIL:
        raise NotNow(f"the command says by exit status {ran.status} that it failed in passing: {' '.join(said)[-200:]}")
    if ran.reason:
        return Scoring(reason=ran.reason, notes=said)
    given = _given(ran.output)
    alone = None if isinstance(given, dict) else number(cast("object", given))
    if alone is not None:
        return Scoring([alone])
    if not isinstance(given, dict):
        last = " ".join(ran.output.split())[-200:]
        return Scoring(reason=f"the command printed no finite number that counts: {last!r}", notes=said)
    whole = cast("dict[str, Any]", given)
    more = whole.pop("artifacts", None)
    notes = [*lines(whole), *(lines(cast("dict[str, Any]", more)) if isinstance(more, dict) else ())]
    try:
        score = rule.of(whole)
    except ValueError as error:
        return Scoring(reason=f"the command printed metrics, but {error}", notes=[*notes, *said])
    return Scoring([float(score)], None, notes, score.metrics)


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
    for mount in (*command.mounts, *command.inside):
        if not mount.exists():
            raise UsageError(f"there is no file {mount}: put it back, or leave out its --file")
        found += sorted(path for path in mount.rglob("*") if path.is_file()) if mount.is_dir() else [mount]
    if len(found) > _MOST_FILES:
        raise UsageError(f"--file shows the command {len(found):,} files: name those that it needs")
    return [path for path in found if "__pycache__" not in path.parts]
