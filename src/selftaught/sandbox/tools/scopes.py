"""What the resolving of names works on: values, the scopes that names are in, and what is the program's own."""

from __future__ import annotations

import ast
from collections.abc import Iterator
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
        self.names: dict[str, Values] = {}
        self.elsewhere: dict[str, Scope] = {}
        """Names declared `global` or `nonlocal` here."""
        self.stars: list[str] = []

    def find(self, name: str, first: bool = True) -> Values | None:
        """What a name may hold, seen from here; None where nothing binds it. A class's names are not seen from within."""
        if name in self.elsewhere:
            return self.elsewhere[name].names.get(name)
        if name in self.names and (first or self.kind != "class"):
            return self.names[name]
        return self.parent.find(name, False) if self.parent else None

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


def constants(values: Values) -> Iterator[Any]:
    """The constants among values."""
    return (what for kind, what in values if kind == "const")
