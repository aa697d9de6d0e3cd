"""Texts of the user's own that a function of the user's scores, in this process: nothing of them is executed here.

The function is what GEPA calls an evaluator: `evaluate(candidate)`, or `evaluate(candidate, example)` where there are examples,
returns a score, or a score and a dict of whatever helps to understand it.
"""

from __future__ import annotations

import inspect
import json
import pickle
import threading
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, partial
from math import inf
from pathlib import Path
from types import CodeType
from typing import Any, cast

from selftaught.errors import SelftaughtError, UsageError, said_by
from selftaught.lab import Lab
from selftaught.lab.metrics import number
from selftaught.lab.patience import in_time
from selftaught.lab.reads import changed, listen, remembering
from selftaught.plain import JSON, canonical, digest
from selftaught.program import MAX_CHARS, Program
from selftaught.sandbox import Limits, tool
from selftaught.sandbox.guest.programs import refused
from selftaught.tasks.whole import TOLD, Aim, NotNow, Scoring, WholeUtility

EVALUATED = "evaluator"
"""What the key of such scores begins with."""
UNHELD = (
    "The text is scored by a function of the calling program, in its process: the sandbox does not hold what that does "
    "with it."
)
"""What is said of how such a text is held."""
Evaluator = Callable[..., Any]
_SHOWN = 5
"""How many examples feedback tells of: the worst."""
HEAD = "text"
"""What stands before the names of several texts in the lines between them."""


def source_of(evaluator: Evaluator, version: str) -> str:
    """Digest of all that decides a score as far as it can be seen: the file that the evaluator comes from, which function of it
    it is, with the values that it holds, and `version`.

    UsageError where it comes from nowhere.
    """
    function: Any = evaluator
    bound: list[object] = []
    while isinstance(function, partial):
        bound += [function.args, function.keywords]
        function = function.func
    routine = inspect.isroutine(function) or inspect.isclass(function)
    named = cast("Any", function if routine else type(function))
    try:
        file = inspect.getsourcefile(inspect.unwrap(named))
        text = Path(file).read_text("utf-8") if file and Path(file).is_file() else inspect.getsource(named)
    except (OSError, TypeError):
        raise UsageError(
            "the evaluator has no source that scores could be told apart by: define it in a file or a cell of a notebook"
        ) from None
    which = [str(getattr(named, "__qualname__", "")), *_within(function, inspect.unwrap(named))]
    return digest([text, which, [_told(one) for one in bound], version])


def _within(function: Any, named: Any) -> list[JSON]:
    """What tells an evaluator from others of its name: the code of lambdas and of what one factory has made, with what these
    close over, and the attributes of an object that is called, or whose method is."""
    code, held = getattr(named, "__code__", None), dict[str, object]()
    own: list[JSON] = []
    if isinstance(code, CodeType) and "<" in code.co_qualname:
        own = [code.co_code.hex(), repr(_constants(code))]
        held |= inspect.getclosurevars(named).nonlocals
    owner: Any = getattr(function, "__self__", None) if inspect.isroutine(function) else function
    if owner is not None and not (inspect.isroutine(owner) or inspect.isclass(owner) or inspect.ismodule(owner)):
        held |= cast("dict[str, object]", getattr(owner, "__dict__", {}))
    return [*own, [[name, _value(one)] for name, one in sorted(held.items())]] if held else own


def _value(one: Any) -> str:
    """What tells a value from others. Of what has no form in bytes, as locks and connections, that is only what it is."""
    try:
        return digest(pickle.dumps(one).hex())
    except Exception:  # noqa: BLE001 - whatever a strange object does
        return type(one).__qualname__


def _constants(code: CodeType) -> list[object]:
    """The constants of a function and of those in it, and the names that it uses."""
    inner = (_constants(one) if isinstance(one, CodeType) else one for one in code.co_consts)
    return [*inner, code.co_names, code.co_freevars]


class EvaluatorUtility(WholeUtility):
    """The score of a text by a function; the mean over the examples, where there are any."""

    def __init__(
        self,
        lab: Lab,
        evaluator: Evaluator,
        source: str,
        examples: Sequence[Any] | None,
        start: Program,
        aim: Aim,
        turns: threading.Semaphore,
    ) -> None:
        super().__init__(lab, start, aim)
        listen()
        self._evaluator, self._source, self._turns = evaluator, source, turns
        self._examples: list[tuple[Any, ...]] = [()] if examples is None else [(one,) for one in examples]

    @property
    def _what(self) -> str:
        over = "" if self._examples == [()] else f", as the mean over {len(self._examples)} examples"
        return f"What is improved is a text, which a function scores{over}"

    @property
    def _bounds(self) -> str:
        return f"The text has at most {MAX_CHARS:,} characters."

    def _identity(self) -> list[JSON]:
        return [*self._known, *changed(self._lab, self._known, ())]

    @cached_property
    def _known(self) -> list[JSON]:
        """The same as far as it is known before anything is scored."""
        return [EVALUATED, self._source, digest([_told(one) for one in self._examples])]

    def _scored(self, program: Program) -> Scoring:
        candidate, wrong = self._candidate(program)
        if wrong:
            return Scoring(reason=wrong)
        grades, notes = list[float](), list[tuple[float, str]]()
        for i, example in enumerate(self._examples):
            try:
                grade, told = self._called(candidate, example)
            except SelftaughtError:
                raise
            except (ConnectionRefusedError, ConnectionResetError, ConnectionAbortedError) as error:
                raise NotNow(f"the evaluator could not reach what it asks: {said_by(error)}") from error
            except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever an evaluator raises at a strange text
                said = f"the evaluator raised {type(error).__name__}: {said_by(error)}"
                return Scoring(reason=f"{said}{f' (example {i})' if example else ''}"[:TOLD])
            if grade is None:
                return Scoring(reason=f"the evaluator gave {told}, which is no finite number")
            grades.append(grade)
            notes.append((grade, f"Example {i}: score {grade:g}. {told}" if example else told))
        worst = sorted(notes, key=lambda one: one[0], reverse=self._aim.minimize)[:_SHOWN]
        return Scoring(grades, None, [note[:TOLD] for _, note in worst if note])

    def _called(self, candidate: Any, example: tuple[Any, ...]) -> tuple[float | None, str]:
        """The score of one call, None for none, and what there is to be told."""

        def called() -> Any:
            with remembering(self._lab, self._known, ()):
                return self._evaluator(candidate, *example)

        with self._turns, self._lab.progress.timed("scoring", "evaluator"):
            given = in_time(self._lab, "the evaluator", called, inf)
        several: list[Any] = [*cast("Sequence[Any]", given)] if isinstance(given, tuple | list) else [given]
        info = cast("dict[Any, Any]", several[-1] if len(several) > 1 and isinstance(several[-1], dict) else {})
        grade = number(several[0]) if several else None
        if grade is None:
            return None, " ".join(repr(cast("object", given)).split())[:80]
        return grade, "\n".join(f"{name}: {_told(one)}" for name, one in info.items())

    def _candidate(self, program: Program) -> tuple[Any, str]:
        """What the function is given, and why there is nothing to be given."""
        return program.text, refused(program.text) or ""


class TextsUtility(EvaluatorUtility):
    """The same of several texts by name, which the function is given as a dict."""

    @property
    def _what(self) -> str:
        return (
            f"{super()._what}. It is several texts, each after a line that says which, such as `# ===== {HEAD}:name =====`: "
            "keep these lines, give the texts that change, whole, and leave out the others: they stay as they were"
        )

    def texts(self, program: Program) -> tuple[dict[str, str], str]:
        """All texts by their names, and why they cannot be told."""
        (outcome,) = self._lab.sandbox.run(
            tool("targets", "texts", [(self._start.text, program.text)], Limits(cpu_s=10))
        )
        if outcome.kind != "answer":
            return {}, f"its texts cannot be told: {outcome.kind}"
        found, wrong = cast("tuple[dict[str, str], str]", outcome.answer)
        return found, wrong

    def files(self, program: Program) -> Mapping[str, str]:
        """The texts that are not as they were to begin with, by their names."""
        before = self.texts(self._start)[0]
        return {name: text for name, text in self.texts(program)[0].items() if text != before[name]}

    def before(self, name: str) -> str:
        """A text as it was to begin with."""
        return self.texts(self._start)[0][name]

    def _candidate(self, program: Program) -> tuple[Any, str]:
        _, wrong = super()._candidate(program)
        return ({}, wrong) if wrong else self.texts(program)


def _told(one: Any) -> str:
    """Whatever it is as a text."""
    if isinstance(one, str):
        return one
    try:
        return canonical(cast("JSON", json.loads(json.dumps(one))))
    except (TypeError, ValueError, RecursionError):
        return " ".join(repr(one).split())
