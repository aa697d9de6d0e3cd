"""How what is asked of a run is checked, stored, and read back. Here, once, for every kind of run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from functools import cache
from typing import Any, Literal, Protocol, Self, cast, get_args, get_origin, get_type_hints, runtime_checkable

from selftaught.budget import Allowance
from selftaught.errors import UsageError
from selftaught.plain import JSON
from selftaught.settings.choice import KEYS, ModelChoice, Sent

INNER = Allowance(calls=6, responses=8, scorings=49)
"""What an improver run on a task may use, where nothing else is said."""
LONGEST_CPU_S = 86_400.0
"""What an improver's own code may use at most."""


class OneModel:
    """Of what is asked of one model alone: none is there to write improvers for it."""

    model: ModelChoice

    @property
    def proposer(self) -> ModelChoice | None:
        """None: no other model writes improvers."""
        return None

    def with_headers(self, sent: Sent) -> Self:
        """The same with the headers of its model, which are not stored."""
        return replace(cast(Any, self), model=sent.to(self.model))


@runtime_checkable
class _Told(Protocol):
    def plain(self) -> dict[str, JSON]: ...


def sound(asked: object) -> None:
    """Raise UsageError for a field whose value is not of the field's type."""
    for name, hint in _hints(type(asked)).items():
        value: object = getattr(asked, name)
        if needed := _unfit(value, hint):
            raise UsageError(f"the setting {name} is {value!r}: {needed} is needed")


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


_WORDS = {int: "a whole number", float: "a number", str: "a text", bool: "true or false", type(None): "none"}


def _unfit(value: object, hint: Any) -> str:
    """What is needed instead of a value; nothing where it is of the type."""
    origin, inner = get_origin(hint), get_args(hint)
    if origin is Literal:
        return "" if value in inner else f"one of {', '.join(inner)}"
    if origin is tuple:
        return _unfit_tuple(value, inner)
    if inner:  # one of several types
        needed = [_unfit(value, one) for one in inner]
        return "" if "" in needed else " or ".join(needed)
    wanted = (int, float) if hint is float else hint
    fits = isinstance(value, wanted) and (hint is bool or not isinstance(value, bool))
    return "" if fits else _WORDS.get(hint, f"an instance of {hint.__name__}")


def _unfit_tuple(value: object, inner: tuple[Any, ...]) -> str:
    if not isinstance(value, tuple):
        return "a list"
    members = cast("tuple[object, ...]", value)
    if inner[-1] is not Ellipsis:
        fits = len(members) == len(inner) and not any(map(_unfit, members, inner))
        return "" if fits else f"a list of {len(inner)}"
    needed = next((said for one in members if (said := _unfit(one, inner[0]))), "")
    return f"a list, each {needed}," if needed else "" if members or inner[0] is not str else "a list of at least one"


def known_fields(kind: type, plain: Mapping[str, Any]) -> dict[str, Any]:
    """The stored fields. A later version may have stored settings that this one cannot keep to: UsageError."""
    given = {name: value for name, value in plain.items() if name != "kind" and name not in KEYS}
    strange = sorted(given.keys() - {one.name for one in fields(kind)})
    if strange:
        raise UsageError(f"it has the setting {strange[0]!r}, which this selftaught does not know: upgrade selftaught")
    return {**given, "model": ModelChoice.read(plain)}


def stored(asked: Any) -> dict[str, JSON]:
    """The fields as they are stored: those of the model beside the others, a proposer only where there is one."""
    found: dict[str, JSON] = {}
    for one in fields(asked):
        value: object = getattr(asked, one.name)
        if one.name != "proposer":
            found |= value.plain() if isinstance(value, ModelChoice) else {one.name: _plain(value)}
        elif isinstance(value, ModelChoice):
            found[one.name] = value.plain()
    return found


def _plain(value: object) -> JSON:
    if isinstance(value, tuple):
        return [_plain(one) for one in cast(tuple[object, ...], value)]
    if isinstance(value, _Told):
        return value.plain()
    return cast(JSON, value)


def check(name: str, allowance: Allowance) -> None:
    """Raise UsageError for an allowance that leaves nothing to do."""
    sound(allowance)
    for limit in ("calls", "responses", "scorings", "tokens"):
        count = getattr(allowance, limit)
        if count is not None and count < 1:
            raise UsageError(f"the {name} budget of {limit} is below 1: an improver could do nothing")
    if not 0 < allowance.cpu_s <= LONGEST_CPU_S:
        raise UsageError(f"the {name} budget of CPU time is {allowance.cpu_s:g} s: it is above 0 and at most a day")
