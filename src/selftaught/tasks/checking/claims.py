"""What a description claims that can be held against the task: arguments, sizes, ranges, limits, numbers of instances."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, cast

from selftaught.plain import JSON
from selftaught.task import Instance, Task
from selftaught.tasks.checking.marks import Said

_TOLD = "leave it out: limits are told by themselves"
_CONSTANTS = "make the text of constants that draw uses as well"

_NUMBER = r"(\d[\d,]*(?:\.\d+)?)"
_THINGS = (
    r"whole numbers|random numbers|numbers|integers|floats|items|letters|characters|cities|points|nodes|values|words|elements|"
    r"labels|jobs|weights|sizes|entries|rows|columns|sides|bits"
)
_OF_SIZE = re.compile(
    rf"\b(?:lists?|strings?|texts?|tuples?|arrays?|vectors?|sequences?|permutations?) of (?:length |exactly )?{_NUMBER}\b"
)
_SO_MANY = re.compile(rf"(?:(\w+) )?{_NUMBER} (?:{_THINGS})\b")
_VAGUE = {"to", "and", "or", "most", "least", "than", "about", "between", "from", "up", "first", "last", "other"}
"""Words before a number that make it none that each instance has."""
_FEWEST = 5
"""Fewer things than these may be told of without being given: "3 numbers of each row"."""
_RANGE = re.compile(
    r"(?:numbers|integers|values|floats)[^.;]{0,20}? (?:from|between) (-?\d[\d,]*) (?:to|and) (-?\d[\d,]*)"
)
_CPU = re.compile(
    rf"{_NUMBER} ?(?:s|seconds?) (?:of )?CPU|CPU[^.;\d]{{0,25}}{_NUMBER} ?(?:s|seconds?)\b|"
    rf"\b(?:within|no more than|limit (?:of|is)|in under) {_NUMBER} ?(?:s|seconds?)\b"
)
_MEMORY = re.compile(rf"{_NUMBER} ?(?:MiB|MB)\b")
_INSTANCES = re.compile(rf"{_NUMBER} (?:\w+ )?instances\b")


def claims(task: Task, text: str, some: Sequence[Instance], answers: Sequence[JSON]) -> Iterator[Said]:
    """What a description says that does not hold, each with what to do; `answers` are the start solution's."""
    yield from _arguments(task, text, some)
    if answers:
        yield from _sizes(text, some, answers)
    yield from _ranges(text, some)
    for said in _numbers(_CPU, text):
        if said not in {task.limits.cpu_s, task.limits.wall_s}:
            yield (
                f"it says {said:g} s, the limit is {task.limits.cpu_s:g} s of CPU time",
                _TOLD,
            )
    for said in _numbers(_MEMORY, text):
        if said not in {task.limits.memory_mb, task.limits.files_mb, task.limits.answer_kb / 1024}:
            yield (
                f"it says {said:g} MiB, the limit is {task.limits.memory_mb} MiB",
                _TOLD,
            )
    for said in _numbers(_INSTANCES, text):
        if {*task.instances.values()} != {said}:
            counts = ", ".join(f"{split} {count}" for split, count in task.instances.items())
            yield (
                f"it says {said:g} instances, there are: {counts}",
                "leave their number out, or let all splits have as many",
            )


def _arguments(task: Task, text: str, some: Sequence[Instance]) -> Iterator[Said]:
    counts = {len(one.args) for one in some}
    for found in re.findall(rf"\b{re.escape(task.entry)}\(([^()]*)\)", text):
        names = [one.strip() for one in found.split(",") if one.strip()]
        if all(re.fullmatch(r"[A-Za-z_]\w*(?::.*)?", one) for one in names) and counts != {len(names)}:
            given = " or ".join(map(str, sorted(counts)))
            yield (
                f"it says `{task.entry}({found})`, which is called with {given} arguments",
                "say what the function is given",
            )
            return


def _sizes(text: str, some: Sequence[Instance], answers: Sequence[JSON]) -> Iterator[Said]:
    """Sizes that nothing has: neither what is given, nor what is known of it, nor what is returned."""
    shown = [(instance.args, instance.truth) for instance in some]
    known = {len(one) for one in _sized([shown, answers])} | {one for instance in some for one in _whole(instance.args)}
    wanted = {*_numbers(_OF_SIZE, text)}
    counts = (_value(one[2]) for one in _SO_MANY.finditer(text) if (one[1] or "").lower() not in _VAGUE)
    wanted |= {one for one in counts if one >= _FEWEST}
    for size in sorted(wanted - known):
        sizes = ", ".join(map(str, sorted({len(one) for instance in some for one in _sized(instance.args[:])})[:8]))
        yield f"it says {size:,.12g}, and nothing is of this size (arguments: {sizes})", _CONSTANTS
        return


def _ranges(text: str, some: Sequence[Instance]) -> Iterator[Said]:
    for found in _RANGE.finditer(text):
        low, high = _value(found[1]), _value(found[2])
        groups = [one for instance in some for one in _sized(instance.args) if _numeric(one)]
        if groups and not any(all(low <= value <= high for value in one) for one in groups):
            yield f"it says numbers from {found[1]} to {found[2]}, and others are drawn", _CONSTANTS
            return


def _numbers(pattern: re.Pattern[str], text: str) -> list[float]:
    return [_value(next(one for one in found.groups() if one)) for found in pattern.finditer(text)]


def _value(text: str) -> float:
    return float(text.replace(",", "").rstrip("."))


def _sized(value: Any) -> Iterator[Any]:
    """Lists, texts and dicts anywhere in a value."""
    value = value.tolist() if hasattr(value, "dtype") else value
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | tuple | dict):
        yield cast("Any", value)
        inner = cast("dict[Any, Any]", value).values() if isinstance(value, dict) else cast("list[Any]", value)
        for one in inner:
            yield from _sized(one)


def _whole(value: Any) -> Iterator[int]:
    """Whole numbers that are arguments themselves: they may be sizes."""
    return (one for one in value if isinstance(one, int))


def _numeric(value: Any) -> bool:
    items = cast("Sequence[Any]", value) if isinstance(value, list | tuple) else ()
    return bool(items) and all(isinstance(one, int | float) for one in items)
