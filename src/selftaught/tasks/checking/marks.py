"""Values in words and marks: what tells instances apart, what is plain data, answers that are nearly like one."""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator, Sequence
from math import isfinite
from typing import Any, cast

from selftaught.errors import SelftaughtError, said_by
from selftaught.plain import JSON
from selftaught.task import Instance

Said = tuple[str, str]
"""What is wrong, and what to do."""
Look = Generator[Said, None, str]
"""What is wrong; at its end, what is right in a few words."""


def raised(what: str, error: BaseException) -> str:
    """What was raised by what, in a line."""
    said = said_by(error)[:300]
    if isinstance(error, SelftaughtError):  # names the task and the line already
        return said.removesuffix("; mend it")
    return f"{what} raised {type(error).__name__}: {said}"


def mark(instance: Instance) -> str:
    """What tells an instance from others; places in memory do not."""
    return re.sub(r" at 0x[0-9a-f]+", "", repr(_ordered((instance.args, instance.truth))))


def _ordered(value: Any) -> Any:
    """The value with every set as a sorted list: the order of a set differs by process, and is none of the set's."""
    if isinstance(value, set | frozenset):
        return ["a set", *sorted(repr(_ordered(one)) for one in cast("set[Any]", value))]
    if isinstance(value, list | tuple):
        items = [_ordered(one) for one in cast("Sequence[Any]", value)]
        return items if isinstance(value, list) else tuple(items)
    if isinstance(value, dict):
        return {key: _ordered(one) for key, one in cast("dict[Any, Any]", value).items()}
    return value


def varied(answer: JSON) -> list[JSON]:
    """Answers that are nearly like one."""
    if isinstance(answer, str):
        return [answer + answer, answer[:-1], [answer]]
    if isinstance(answer, dict):
        return [dict([*answer.items()][:-1]), dict.fromkeys(answer), {**answer, "more": 1}]
    if isinstance(answer, list):
        items, rest = answer, answer[1:]
        firsts: tuple[JSON, ...] = (None, "x", 10**30, -1, 0.5, [], {}, True)
        return [items[:-1], items + items, [items], *([one, *rest] for one in firsts), [*map(str, items)]]
    return [[answer], str(answer), 1e308, -1e308, 10**400]


def leaves(value: Any) -> Iterator[Any]:
    """What is in lists, tuples and dicts, and is none of them."""
    if isinstance(value, list | tuple):
        for one in cast("Sequence[Any]", value):
            yield from leaves(one)
    elif isinstance(value, dict):
        for one in cast("dict[Any, Any]", value).values():
            yield from leaves(one)
    else:
        yield value


def is_plain(value: Any) -> bool:
    """Whether a leaf is plain data."""
    finite = not isinstance(value, float) or isfinite(value)
    return value is None or (isinstance(value, bool | int | float | str) and finite)


def short(value: object) -> str:
    """A value as a text of few characters."""
    said = " ".join(repr(value).split()) if not hasattr(value, "dtype") else f"a numpy {type(value).__name__}"
    return said if len(said) <= 60 else f"{said[:60]}…"
