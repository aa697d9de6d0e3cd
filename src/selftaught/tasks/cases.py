"""Programs of the user's own, in any language, that read a case from standard input and print the answer.

A folder holds the cases: `NAME.in`, and `NAME.out`, which is what is right. The program runs on each in a jail of its own that
holds nothing of the cases; what it printed is compared outside. Every second case is held out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import zip_longest
from pathlib import Path

from selftaught.errors import UsageError
from selftaught.lab.grading import grade_text
from selftaught.plain import JSON
from selftaught.program import Program
from selftaught.sandbox.command import Ran, run
from selftaught.tasks.commanded import COMMANDED, CommandUtility
from selftaught.tasks.whole import Scoring

HELD = (
    "The program runs in a jail without network and without the cases' answers, but with other programs to be called and "
    "without a filter of system calls: it cannot give itself a score, but is held less firmly than a function is."
)
"""What is said of how such a program is held."""
_MOST_BYTES = 1 << 20
"""Of an answer."""
_NOTES, _LONGEST = 5, 200


@dataclass(frozen=True)
class Case:
    """What a program is given, and what it is to print."""

    name: str
    given: bytes
    right: str


def read(folder: Path) -> list[Case]:
    """The cases of a folder, by name. UsageError where it has none, or half of one."""
    if not folder.is_dir():
        raise UsageError(f"there is no folder {folder}: --cases names one with NAME.in and NAME.out")
    found: list[Case] = []
    for path in sorted(folder.glob("*.in")):
        right = path.with_suffix(".out")
        try:
            case = Case(path.stem, path.read_bytes(), right.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"cannot read the case {path.stem} of {folder}: {error}") from error
        if len(case.right) > _MOST_BYTES:
            raise UsageError(f"the answer in {right} is longer than {_MOST_BYTES:,} characters")
        found.append(case)
    if not found:
        raise UsageError(f"{folder} holds no cases: a case is a file NAME.in with the answer beside it, in NAME.out")
    return found


def split(cases: Sequence[Case]) -> tuple[list[Case], list[Case]]:
    """Those to practise on, and those that are held out: every second one. A single one is for practice."""
    return [*cases[::2]], [*cases[1::2]]


class CasesUtility(CommandUtility):
    """The share of cases on which a program prints what is right."""

    cases: Sequence[Case] = ()

    @property
    def description(self) -> str:
        one = self._command
        run_as = " ".join(one.words).replace("{}", one.file)
        return (
            f"{self._aim.about}\n\nThe program is the whole file {one.file}, run as `{run_as}`: it reads standard input and "
            f"prints the answer. The score is the share of {len(self.cases)} cases on which it prints what is right, but for "
            f"blanks at the ends of lines and of the whole. The utility tells how that compares with the file to begin with: "
            f"it is 0.5 where both are equal and nearer to 1 the higher the score is; utility.feedback tells the score, and of "
            f"some cases why they are lost. A case may use {one.cpu_s:g} s of CPU time and {one.memory_mb} MiB; there is no "
            f"network.{self._imports()} Scoring the same file again gives the same."
        )

    def _identity(self) -> list[JSON]:
        cases: list[JSON] = [
            [sha256(one.given).hexdigest(), sha256(one.right.encode()).hexdigest()] for one in self.cases
        ]
        return [COMMANDED, "cases", cases, *super()._identity()[1:]]

    def _scored(self, program: Program) -> Scoring:
        texts, wrong = self._ready(program)
        if wrong:
            return Scoring(reason=wrong)
        with self._lab.progress.timed("scoring", self._command.file):
            lost = [self._lost(texts, one) for one in self.cases]
        notes = [f"Case {case.name}: {why}" for case, why in zip(self.cases, lost, strict=True) if why is not None]
        return Scoring([float(one is None) for one in lost], None, notes[:_NOTES], lost=len(notes))

    def feedback(self, program: Program) -> str:
        fact = self.fact(program)
        if fact["value"] is None:
            return super().feedback(program)
        return "\n".join([f"Right on {grade_text(fact['value'])} of the cases.", *fact["notes"]])

    def _lost(self, texts: Mapping[str, str], case: Case) -> str | None:
        """Why the case is lost; None where the answer is right."""
        ran = run(self._command, texts, case.given, _MOST_BYTES)
        self._lab.spend.computed(ran.cpu_s)
        return _wrong(ran, case)


def _wrong(ran: Ran, case: Case) -> str | None:
    if ran.reason:
        said = " ".join(ran.errors.split())[-_LONGEST:]
        return f"{ran.reason}{f': {said}' if said else ''}"
    printed, right = (_tidy(text) for text in (ran.output, case.right))
    for number, (ours, theirs) in enumerate(zip_longest(printed, right), 1):
        if ours != theirs:
            what = "is missing" if ours is None else f"is {ours[:_LONGEST]!r}, which is wrong"
            return f"line {number} {what}"
    return None


def _tidy(text: str) -> list[str]:
    """The lines without blanks at their ends, and without empty ones at the end of all."""
    return [line.rstrip() for line in text.rstrip().splitlines()]
