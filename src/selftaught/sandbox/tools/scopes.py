"""What the resolving of names works on: values, the scopes that names are in, and what is the program's own."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

Values = frozenset[tuple[Any, ...]]
"""Each is ("ref", dotted name), ("const", value), or (a kind, number of what it is in its table)."""
Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
NOTHING: Values = frozenset()


class Scope:
    """The names of one function, class, comprehension or module."""

    def __init__(self, parent: Scope | None, kind: str) -> None:
        self.parent, self.kind = parent, kind
        self.elsewhere: dict[str, Scope] = {}
        """Names declared `global` or `nonlocal` here."""
        self.stars: list[str] = []
        self._held: dict[str, list[Values]] = {}
        """What a name holds, from one assignment that is done in any case to the next."""
        self._anytime: dict[str, Values] = {}
        self._now: dict[str, int] = {}

    def restart(self) -> None:
        """The body of this scope is gone through once more, from its beginning."""
        self._now.clear()

    def replace(self, name: str) -> None:
        """What the name held is gone: an assignment that is done in any case follows."""
        now = self._now[name] = self._now.get(name, 0) + 1
        held = self._held.setdefault(name, [NOTHING])
        held.extend([NOTHING] * (now + 1 - len(held)))

    def moment(self) -> dict[str, int]:
        """Which assignments were the last until now."""
        return dict(self._now)

    def join(self, before: Mapping[str, int]) -> None:
        """What was assigned since then was on one path of several: the names may hold what they held before, too."""
        for name, now in list(self._now.items()):
            if now != before.get(name, 0):
                may_hold = NOTHING.union(*self._held[name][before.get(name, 0) : now + 1])
                self.replace(name)
                self.hold(name, self.held(name) | may_hold)

    def hold(self, name: str, values: Values, first: bool = False) -> None:
        """Let a name hold these now; or at the `first`, as parameters do."""
        held = self._held.setdefault(name, [NOTHING])
        held[0 if first else min(self._now.get(name, 0), len(held) - 1)] = values

    def hold_anytime(self, name: str, values: Values) -> None:
        """Let a name hold these at all times, as one that another function sets may."""
        self._held.setdefault(name, [NOTHING])
        self._anytime[name] = values

    def binds(self, name: str) -> bool:
        return name in self._held

    def held(self, name: str, first: bool = False) -> Values:
        """What a name holds now, without what it may hold anytime; or at the `first`."""
        held = self._held.get(name, [NOTHING])
        return held[0 if first else min(self._now.get(name, 0), len(held) - 1)]

    def held_anytime(self, name: str) -> Values:
        return self._anytime.get(name, NOTHING)

    def all_names(self) -> dict[str, Values]:
        """All names with all that they may hold at some time."""
        return {name: self._anytime.get(name, NOTHING).union(*held) for name, held in self._held.items()}

    def _seen(self, name: str, here: bool) -> Values:
        """What a name holds: seen from `here` now, by a function within from now on."""
        held, now = self._held[name], self._now.get(name, 0)
        return self._anytime.get(name, NOTHING).union(*(held[now : now + 1] if here else held[now:]))

    def find(self, name: str, first: bool = True, here: bool = True) -> Values | None:
        """What a name may hold, seen from here; None where nothing binds it. A class's names are not seen from within."""
        if name in self.elsewhere:
            owner = self.elsewhere[name]
            return owner.all_names().get(name)
        if name in self._held and (first or self.kind != "class"):
            return self._seen(name, here)
        return self.parent.find(name, False, here and self.kind != "function") if self.parent else None

    @property
    def top(self) -> Scope:
        return self.parent.top if self.parent else self


@dataclass
class Own:
    """Something of the program's own."""

    node: ast.AST | None = None
    scope: Scope | None = None
    returns: Values = NOTHING
    items: Values = NOTHING
    """What a container holds anywhere."""
    entries: dict[Any, Values] = field(default_factory=dict[Any, Values])
    """What it holds under a key, a place or a name: also the attributes of a class's objects."""
    callee: Values = NOTHING
    given: list[Values] = field(default_factory=list[Values])
    bases: Values = NOTHING
    built: bool = False
    """Whether the program makes objects of this class, rather than of those derived from it alone."""
    taken_out: set[Any] = field(default_factory=set[Any])
    """Keywords that a function takes out of those it was given."""


def constants(values: Values) -> Iterator[Any]:
    """The constants among values."""
    return (what for kind, what in values if kind == "const")
