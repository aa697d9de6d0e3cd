"""Programs of the user's own, in any language, that read a case from standard input and print the answer.

A folder holds the cases: `NAME.in`, and `NAME.out`, which is what is right. The program runs on each in a jail of its own that
holds nothing of the cases; what it printed is compared outside, or, where several answers are right or some are better than
others, judged by a function of the user's. Every second case is held out.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from io import TextIOWrapper
from itertools import zip_longest
from pathlib import Path

from selftaught.errors import UsageError
from selftaught.lab.grading import grade_text
from selftaught.lab.metrics import Metered, Rule, listed, means
from selftaught.lab.patience import in_time
from selftaught.lab.reads import changed, remembering
from selftaught.plain import JSON, digest_of_files, open_file
from selftaught.program import MAX_CHARS, Program
from selftaught.sandbox.command import Ran, run
from selftaught.task import InvalidAnswer
from selftaught.tasks.commanded import COMMANDED, CommandUtility
from selftaught.tasks.own import ScoreFunction
from selftaught.tasks.sources import run as load
from selftaught.tasks.sources import sources
from selftaught.tasks.whole import Scoring

HELD = (
    "The program runs in a jail without network and without the cases' answers, but with other programs to be called and "
    "without a filter of system calls: it cannot give itself a score, but is held less firmly than a function is."
)
"""What is said of how such a program is held."""
_MOST_BYTES = 1 << 20
"""Of an answer."""
_NOTES, _LONGEST = 5, 200


_FORM = "what scores cases has score(case, printed), which is not told of time or memory"


@dataclass(frozen=True)
class Case:
    """What a program is given, and what it is to print."""

    name: str
    given: bytes
    right: str | None
    """None where there is no such file, and a function judges."""


def _text(path: Path) -> str:
    """With any line ends as plain ones."""
    with TextIOWrapper(open_file(path), encoding="utf-8") as file:
        return file.read()


def read(folder: Path, judged: bool = False) -> list[Case]:
    """The cases of a folder, by name; of those that are `judged` by a function, the right answers need not be there.
    UsageError where it has none, or half of one."""
    if not folder.is_dir():
        raise UsageError(f"there is no folder {folder}: --cases names one with NAME.in and NAME.out")
    found: list[Case] = []
    for path in sorted(folder.glob("*.in")):
        right = path.with_suffix(".out")
        try:
            with open_file(path) as file:
                given = file.read()
            case = Case(path.stem, given, None if judged and not right.exists() else _text(right))
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"cannot read the case {path.stem} of {folder}: {error}") from error
        if len(case.right or "") > _MOST_BYTES:
            raise UsageError(f"the answer in {right} is longer than {_MOST_BYTES:,} characters")
        found.append(case)
    alone = [path.name for path in sorted(folder.glob("*.out")) if not path.with_suffix(".in").exists()]
    if found and alone:
        raise UsageError(
            f"{folder} holds the answer {alone[0]}, but not what the program is given, {Path(alone[0]).stem}.in"
        )
    if not found:
        raise UsageError(f"{folder} holds no cases: a case is a file NAME.in with the answer beside it, in NAME.out")
    return found


def split(cases: Sequence[Case]) -> tuple[list[Case], list[Case]]:
    """Those to practise on, and those that are held out: every second one. A single one is for practice."""
    return [*cases[::2]], [*cases[1::2]]


class OnCases(CommandUtility):
    """A program that is run on each case in a jail of its own."""

    cases: Sequence[Case] = ()

    @property
    def _runs(self) -> str:
        """What the program is and how it is run, as the beginning of a sentence."""
        one = self._command
        run_as = " ".join(one.words).replace("{}", one.file)
        return f"The program is the whole file {one.file}, run as `{run_as}`: it reads standard input and prints the answer"

    def _identity(self) -> list[JSON]:
        cases: list[JSON] = [
            [sha256(one.given).hexdigest(), None if one.right is None else sha256(one.right.encode()).hexdigest()]
            for one in self.cases
        ]
        return [COMMANDED, "cases", cases, *super()._identity()[1:]]

    def _run(self, texts: Mapping[str, str], case: Case) -> Ran:
        ran = run(self._command, texts, case.given, _MOST_BYTES, self._lab.look)
        self._lab.spend.computed(ran.cpu_s)
        return ran


class CasesUtility(OnCases):
    """The share of cases on which a program prints what is right."""

    @property
    def description(self) -> str:
        one = self._command
        return (
            f"{self._aim.about}\n\n{self._runs}. The score is the share of {len(self.cases)} cases on which it prints what is "
            f"right, but for blanks at the ends of lines and of the whole. The utility tells how that compares with the file "
            f"to begin with: it is 0.5 where both are equal and nearer to 1 the higher the score is; utility.feedback tells "
            f"the score, and of some cases why they are lost. A case may use {one.cpu_s:g} s of CPU time and {one.memory_mb} "
            f"MiB; there is no network.{self._imports()} Scoring the same file again gives the same."
        )

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
        ran = self._run(texts, case)
        return _failed(ran) or _wrong(ran, case)


class Checker:
    """A file of the user's with `score(case, printed)`: what a program printed on a case, judged outside of the jail."""

    def __init__(self, path: Path, rule: Rule) -> None:
        """UsageError where it cannot be run, or has no such function."""
        module = load(path)
        self.about = inspect.cleandoc(module.__doc__ or "")
        self._score = ScoreFunction(path, module, (2,), rule, _FORM)
        self.files = [str(path), *sources(path)]
        self.source: list[JSON] = [path.read_text("utf-8"), *digest_of_files(self.files[1:]).values()]

    def score(self, case: Case, printed: str) -> float:
        """The score. Raises InvalidAnswer for what has none."""
        given = {"name": case.name, "given": case.given.decode("utf-8", "replace"), "right": case.right}
        return self._score.of(given, printed)


class CheckedUtility(OnCases):
    """The mean of the scores that a checker gives. A program that has none on a case has none at all."""

    checker: Checker

    @property
    def _what(self) -> str:
        return f"{self._runs}, which is scored; the mean over {len(self.cases)} cases counts"

    @property
    def _bounds(self) -> str:
        one = self._command
        return (
            f"A case may use {one.cpu_s:g} s of CPU time and {one.memory_mb} MiB; there is no network. The file has at most "
            f"{MAX_CHARS:,} characters.{self._imports()}"
        )

    def _identity(self) -> list[JSON]:
        return [*self._known, *changed(self._lab, self._known, self.checker.files)]

    @cached_property
    def _known(self) -> list[JSON]:
        """The same as far as it is known before anything is scored."""
        return [*super()._identity(), "checked", self.checker.source]

    def _scored(self, program: Program) -> Scoring:
        texts, wrong = self._ready(program)
        if wrong:
            return Scoring(reason=wrong)
        with self._lab.progress.timed("scoring", self._command.file):
            found = [(f"Case {one.name}", *self._judged(texts, one)) for one in self.cases]
        lost = [f"{case}: {said}" for case, grade, said in found if grade is None]
        if lost:
            return Scoring(reason=lost[0], notes=lost[1:_NOTES], lost=len(lost))
        told = [(grade, f"{case}: {said}") for case, grade, said in found if grade is not None]
        worst = sorted(told, key=lambda one: one[0], reverse=self._aim.minimize)[:_NOTES]
        metrics = means([grade.metrics for grade, _ in told if isinstance(grade, Metered)])
        return Scoring([float(grade) for grade, _ in told], None, [said for _, said in worst], metrics)

    def _judged(self, texts: Mapping[str, str], case: Case) -> tuple[float | None, str]:
        """The score of a case, None for none, and what there is to be told."""
        ran = self._run(texts, case)
        if wrong := _failed(ran):
            return None, wrong
        try:
            grade = in_time(self._lab, "the checker", lambda: self._checked(case, ran.output))
        except InvalidAnswer as error:
            return None, str(error)
        more = [listed(grade.metrics), *grade.said] if isinstance(grade, Metered) else []
        return grade, "; ".join([f"score {grade_text(grade)}", *more])

    def _checked(self, case: Case, printed: str) -> float:
        with remembering(self._lab, self._known, self.checker.files):
            return self.checker.score(case, printed)


def _failed(ran: Ran) -> str | None:
    """Why a program came to nothing; None where it did not."""
    said = " ".join(ran.errors.split())[-_LONGEST:]
    return f"{ran.reason}{f': {said}' if said else ''}" if ran.reason else None


def _wrong(ran: Ran, case: Case) -> str | None:
    printed, right = (_tidy(text) for text in (ran.output, case.right or ""))
    for number, (ours, theirs) in enumerate(zip_longest(printed, right), 1):
        if ours != theirs:
            what = "is missing" if ours is None else f"is {ours[:_LONGEST]!r}, which is wrong"
            return f"line {number} {what}"
    return None


def _tidy(text: str) -> list[str]:
    """The lines without blanks at their ends, and without empty ones at the end of all."""
    return [line.rstrip() for line in text.rstrip().splitlines()]
