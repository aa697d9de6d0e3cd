"""Programs of the user's own: functions in one file that make instances and score answers.

`instances(split, seed)` gives a list, for the splits "train" and "test": each item is a tuple of arguments, or a dict with
`arguments` and with whatever else the scorer wants to know, which never enters the sandbox. `score(instance, answer)` is
given the item and what the program returned, and returns a number of any size; with a third parameter it is given what the
program used as well (`cpu_s`, `peak_mb`).
"""

from __future__ import annotations

import inspect
import random
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import deepcopy
from functools import cached_property
from math import isfinite
from pathlib import Path
from typing import Any, cast

from selftaught.errors import UsageError, WorldError, said_by
from selftaught.lab import Lab
from selftaught.lab.metrics import Rule, number
from selftaught.plain import JSON, digest, digest_of_files, seed_from
from selftaught.program import Program
from selftaught.sandbox import Limits, Resources
from selftaught.sandbox.packages import versions
from selftaught.settings.own import Own
from selftaught.task import Half, Instance, InvalidAnswer, Split, Task
from selftaught.tasks.sources import run, sources
from selftaught.tasks.whole import NotNow
from selftaught.utility import TaskUtility

_COUNT: Mapping[Split, int] = {"train": 0, "validation": 0, "test": 0}
"""How many instances there are is the scorer's to say: their number is no part of a key."""
_FORM = "a scorer has instances(split, seed) and score(instance, answer), or score(instance, answer, used)"
_LONGEST = 300
"""Characters of what went wrong in a scorer that improvers are told."""


class ScoreFunction:
    """The function `score` of a user's file."""

    def __init__(self, path: Path, module: Any, counts: Sequence[int], rule: Rule, form: str = "") -> None:
        """It can be called with so many arguments, one of `counts`, or UsageError, which says of what `form` it has to be."""
        self._path, self._rule = path, rule
        self._call = _function(module, "score", path, counts, form)

    def takes(self, count: int) -> bool:
        """Whether it has so many parameters, or more."""
        return len(inspect.signature(self._call).parameters) >= count

    def of(self, *arguments: Any) -> float:
        """What it says. Raises InvalidAnswer, with why, where that is no score, NotNow where it failed in passing."""
        try:
            given = self._call(*arguments)
        except (InvalidAnswer, WorldError):
            raise
        except (ConnectionRefusedError, ConnectionResetError, ConnectionAbortedError) as error:
            raise NotNow(f"score could not reach what it asks: {said_by(error)}") from error
        except (Exception, SystemExit) as error:  # whatever a scorer raises at a strange answer
            raise InvalidAnswer(f"score raised {_said(self._path, error)}"[:_LONGEST]) from error
        if isinstance(given, Mapping):
            try:
                return self._rule.of(cast("Mapping[str, Any]", given))
            except ValueError as error:
                raise InvalidAnswer(f"score gave metrics, but {error}"[:_LONGEST]) from error
        value = number(given)
        if value is None:
            raise InvalidAnswer(f"score gave {_short(given)}, which is no finite number")
        return value


class ScorerTask(Task):
    """The task to improve one program under the functions of one scorer."""

    ranged = True
    exact = True
    arrays = False
    """Whether arrays of numpy were among the arguments of an instance, which programs are given as lists."""

    def __init__(self, asked: Own, start: str) -> None:
        self._path = Path(asked.scorer)
        module = run(self._path)
        self._instances = _function(module, "instances", self._path, (2,))
        self._rule = Rule(asked.metric)
        self._score = ScoreFunction(self._path, module, (2, 3), self._rule)
        self._about = asked.about or inspect.cleandoc(module.__doc__ or "")
        if not self._about.strip():
            raise UsageError(f"{self._path} does not say what is wanted: give it a docstring, or say it by --about")
        self.name, self.entry, self.start = self._path.stem, asked.entry, start
        self.summary = self._about.splitlines()[0]
        self.limits = Limits(cpu_s=asked.cpu_s, memory_mb=asked.memory_mb)
        self.instances, self.minimize, self.packages = _COUNT, asked.minimize, asked.packages or ()
        self.reads = sources(self._path)

    @property
    def description(self) -> str:
        rule = f" Of the metrics that are measured, {self._rule.words} counts." if self._rule.text else ""
        return f"{self._about}\n\nThe program defines `{self.entry}`, called with the arguments of an instance.{rule}"

    @property
    def source_files(self) -> list[str | None]:
        return [str(self._path)]

    @cached_property
    def source(self) -> str:
        """Digest of the scorer, of what it reads, and of the packages: any change makes another task."""
        found: list[JSON] = [self._path.read_text(encoding="utf-8"), [*digest_of_files(self.reads).values()]]
        rule: list[JSON] = [self._rule.text] if self._rule.text else []
        return digest([*found, versions(self.packages), self.minimize, self.start, *rule])

    def work_of(self, method: str) -> str:
        """Of a scorer its user knows its functions, no task."""
        return f"{self._path}: its {'score' if method == 'grade' else 'instances'}"

    def draw(self, rng: random.Random) -> Instance:
        """One instance of those for practice."""
        return rng.choice(self._drawn("train", rng.getrandbits(31)))

    def sample(self, root: str, split: Split, repetition: JSON, half: Half) -> tuple[Instance, ...]:
        return self._drawn(split, seed_from("own", root, split, repetition, half) & 0x7FFFFFFF)

    def _drawn(self, split: Split, seed: int) -> tuple[Instance, ...]:
        given: Any = self._called("instances", self._instances, split, seed)
        items: list[Any] = [*given] if isinstance(given, list | tuple) else []
        if not items and not (split == "test" and isinstance(given, list | tuple)):
            raise UsageError(
                f"{self._path}: instances({split!r}, seed) gave {_short(given)}: a list of instances is needed"
            )
        return tuple(self._instance(one) for one in items)

    def _instance(self, item: Any) -> Instance:
        whole = isinstance(item, dict) and "arguments" in item
        given = cast("dict[str, Any]", item)["arguments"] if whole else cast("object", item)
        if not isinstance(given, tuple | list):
            raise UsageError(
                f"{self._path}: an instance is {_short(item)}: write its arguments as a tuple, (x,), or a dict with 'arguments'"
            )
        arguments = cast("Sequence[Any]", given)
        try:
            self.arrays = self.arrays or any(map(_is_array, arguments))
            return Instance(tuple(_plain(one, self._path) for one in arguments), item)
        except RecursionError:
            raise UsageError(f"{self._path}: an argument is nested too deeply, or holds itself") from None

    @cached_property
    def measures(self) -> bool:
        return self._score.takes(3)

    def grade(self, instance: Instance, answer: JSON, used: Resources | None = None) -> float:
        """The score; one that cannot be had is the program's fault, which its author is told of."""
        more = [used or Resources(0.0, 0.0)] if self.measures else []
        return self._score.of(_own(instance.truth), answer, *more)

    def _called(self, name: str, function: Callable[..., Any], *arguments: Any) -> Any:
        try:
            return function(*arguments)
        except (Exception, SystemExit) as error:
            raise UsageError(f"{self._path}: {name} raised {_said(self._path, error)}; mend it") from error


def scorer_task(path: Path) -> ScorerTask:
    """The task of a scorer alone, before there is a program to be scored."""
    return ScorerTask(Own("", "", str(path), "", entry="program"), "")


class OwnUtility(TaskUtility):
    """The same as any task's, which keeps the text of every program that it has scored."""

    def __init__(self, lab: Lab, task: Task, split: Split, repetition: JSON, half: Half) -> None:
        super().__init__(lab, task, split, repetition, half)
        self.missed: list[Program] = []
        """What could not be scored in passing."""

    def fact(self, program: Program, again: int = 0) -> Mapping[str, Any]:
        """The stored scoring of a program: `value`, `grades`, `reason`, in the scorer's own unit; the first, or another one."""
        return self._fact(program, again)

    @cached_property
    def _key(self) -> JSON:
        """With what was drawn: it may come from data that are read as it is drawn."""
        return [*cast("list[JSON]", super()._key), digest([_told(one) for one in self.instances])]

    @property
    def measures(self) -> bool:
        """Whether time or memory are scored: then no two scores are the same."""
        return self._task.measures

    def whole(self, program: Program) -> Program:
        """The program as it is to be kept."""
        return program

    def _fact(self, program: Program, again: int = 0) -> Mapping[str, Any]:
        self._lab.store.keep(program.text)
        try:
            return super()._fact(program, again)
        except NotNow as failure:
            self.missed.append(program)
            return failure.fact()

    def _measure(self, program: Program, again: int) -> JSON:
        """A scorer may use chance and clocks of its own: a recording keeps what it gave, as if it had measured."""
        return {**cast("Mapping[str, JSON]", super()._measure(program, again)), "measured": True}


def _told(instance: Instance) -> str:
    """What tells an instance from others, in every process alike: of a truth that is no plain data only the arguments."""
    try:
        return repr((instance.args, _plain(instance.truth, Path())))
    except (UsageError, RecursionError):
        return repr(instance.args)


def practice(lab: Lab, task: Task) -> OwnUtility:
    """What programs are chosen by."""
    return OwnUtility(lab, task, "train", 0, "practice")


def held_out(lab: Lab, task: Task) -> OwnUtility | None:
    """What is not looked at until the end; None where the scorer has no instances for that, or the same for every split and
    seed."""
    seen, unseen = practice(lab, task), OwnUtility(lab, task, "test", 0, "judged")
    return None if repr(unseen.instances) in {repr(()), repr(seen.instances)} else unseen


def _said(path: Path, error: BaseException) -> str:
    """An error of the user's own file, with its line."""
    lines = [one.lineno for one in traceback.extract_tb(error.__traceback__) if one.filename == str(path)]
    where = f" in line {lines[-1]}" if lines else ""
    return f"{type(error).__name__}{where}: {said_by(error)}"


def _function(module: Any, name: str, path: Path, counts: Sequence[int], form: str = "") -> Callable[..., Any]:
    """A function of the scorer that can be called with so many arguments."""
    found = getattr(module, name, None)
    form = form or _FORM
    if not callable(found):
        raise UsageError(f"{path} defines no function {name}: {form}")
    if not any(_takes(found, count) for count in counts):
        raise UsageError(
            f"{path}: {name}{inspect.signature(found)} cannot be called with {counts[0]} arguments: {form}"
        )
    return found


def _takes(function: Callable[..., Any], count: int) -> bool:
    try:
        inspect.signature(function).bind(*[None] * count)
    except TypeError:
        return False
    return True


def _own(truth: Any) -> Any:
    """A copy for one call, since a scorer may change what it is given; what cannot be copied is given as it is."""
    try:
        return deepcopy(truth)
    except Exception:  # noqa: BLE001 - whatever the user's own types raise
        return truth


def _is_array(value: Any) -> bool:
    """Whether it is an array of numpy, or a list or dict with one in it."""
    if type(value).__module__.split(".")[0] == "numpy":
        return bool(getattr(value, "shape", ()))
    held = cast("dict[Any, Any]", value).values() if isinstance(value, dict) else value
    return isinstance(value, dict | list | tuple) and any(map(_is_array, cast("Iterable[Any]", held)))


def _plain(value: Any, path: Path) -> Any:
    """An argument as plain data, numpy's numbers and arrays as Python's; UsageError for what cannot enter the sandbox."""
    if hasattr(value, "tolist") and type(value).__module__.split(".")[0] == "numpy":
        return _plain(value.tolist(), path)
    if isinstance(value, list | tuple):
        items = [_plain(one, path) for one in cast("Sequence[Any]", value)]
        return tuple(items) if isinstance(value, tuple) else items
    if isinstance(value, dict):
        pairs = cast("dict[Any, Any]", value).items()
        return {_plain(key, path): _plain(one, path) for key, one in pairs}
    if isinstance(value, float) and not isfinite(value):
        raise UsageError(f"{path}: an argument holds {value}: numbers have to be finite, None can be given instead")
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise UsageError(f"{path}: an argument holds {_short(value)}: numbers, texts, lists, tuples and dicts can be given")


def _short(value: Any) -> str:
    try:
        said = " ".join(repr(value).split())
    except Exception:  # noqa: BLE001 - whatever the user's own types raise
        said = type(value).__name__
    return said if len(said) <= 80 else f"{said[:80]}…"
