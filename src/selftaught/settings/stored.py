"""How what is asked of a run is checked, stored, and read back. Here, once, for every kind of run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass, replace
from functools import cache
from typing import Any, Literal, Protocol, Self, TypeVar, cast, get_args, get_origin, get_type_hints, runtime_checkable

from selftaught.budget import Allowance
from selftaught.errors import UsageError
from selftaught.plain import JSON
from selftaught.settings.choice import KEYS, ModelChoice, Sent

_T = TypeVar("_T")
OnAttempt = Literal["record", "reject", "stop"]
"""What becomes of attempts to leave the sandbox, and of training scores that cannot be believed. `record`: they are facts;
`reject`: no program that made one is taken; `stop`: the run ends at the next gate, or round, after one of any program."""
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
class _HasPlain(Protocol):
    def plain(self) -> dict[str, JSON]: ...


def sound(asked: object) -> None:
    """Raise UsageError for a field whose value is not of the field's type."""
    for name, hint in _hints(type(asked)).items():
        value: object = getattr(asked, name)
        if needed := _unfit(value, hint):
            raise UsageError(f"the setting {name} is {value!r}: {needed} is needed")
        if name == "seed" and cast("int", value) < 0:
            raise UsageError(f"seed is {value}: a whole number from 0 is needed")


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


def rebuilt(kind: type[_T], plain: Mapping[str, Any]) -> _T:
    """What `stored` was given, a dataclass of this kind. UsageError where a field is missing or of another type, or where a
    later version has stored settings that this one cannot keep to."""
    there = fields(cast(Any, kind))
    chosen = {"model": ModelChoice.read(plain)} if any(one.name == "model" for one in there) else {}
    given = {name: value for name, value in plain.items() if name != "kind" and (name not in KEYS or not chosen)}
    if strange := sorted(given.keys() - {one.name for one in there}):
        raise UsageError(f"it has the setting {strange[0]!r}, which this selftaught does not know: upgrade selftaught")
    needed = [one.name for one in there if one.default is MISSING and one.default_factory is MISSING]
    if missing := [name for name in needed if name not in given]:
        raise UsageError(f"it has no setting {missing[0]!r}")
    hints = _hints(kind)
    return kind(**{name: _rebuilt(value, hints[name], name) for name, value in given.items()}, **chosen)


def _rebuilt(value: Any, hint: Any, name: str) -> Any:
    """A stored value as the type has it; one of another type stays as it is, for `sound` to tell."""
    origin, inner = get_origin(hint), get_args(hint)
    if hint is ModelChoice or is_dataclass(hint):
        if not isinstance(value, Mapping):
            raise UsageError(f"the setting {name} is {value!r}: an object is needed")
        parts = cast("Mapping[str, Any]", value)
        return ModelChoice.read(parts) if hint is ModelChoice else rebuilt(cast("type[Any]", hint), parts)
    if origin is tuple and isinstance(value, list):
        return tuple(_rebuilt(one, inner[0], name) for one in cast("list[Any]", value))
    if inner and origin not in {tuple, Literal} and value is not None:  # it may be none
        return _rebuilt(value, inner[0], name)
    return value


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
    if isinstance(value, _HasPlain):
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
