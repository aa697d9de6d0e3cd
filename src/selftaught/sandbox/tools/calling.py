"""What calls may give: of the program's own functions and classes, and of those of Python that lead on to something else."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from typing import Any, cast

from resolving import Resolving
from scopes import NOTHING, Function, Own, Scope, Values

_IMPORTING = {
    "builtins.__import__",
    "importlib.import_module",
    "importlib.__import__",
    "pkgutil.resolve_name",
    "builtins.__loader__.load_module",
    "importlib.machinery.BuiltinImporter.load_module",
    "__loader__.load_module",
}
_THROUGH = {
    "builtins.iter", "builtins.next", "builtins.list", "builtins.tuple", "builtins.set", "builtins.sorted", "builtins.reversed",
    "copy.copy", "copy.deepcopy", "builtins.max", "builtins.min", "builtins.enumerate", "itertools.chain", "itertools.cycle",
    "operator.getitem", "typing.cast", "builtins.staticmethod", "builtins.classmethod", "contextlib.closing", "builtins.filter",
    "functools.wraps", "weakref.proxy", "inspect.unwrap", "itertools.repeat", "collections.deque", "collections.OrderedDict",
}  # fmt: skip
"""Functions that give back what they were given, or what is in it."""


class Program(Resolving):
    """A program gone through, its calls included."""

    def _call(self, node: ast.Call, scope: Scope) -> Values:
        callee = self.of(node.func, scope)
        given: list[Values] = []
        for one in node.args:
            if isinstance(one, ast.Starred):
                held = self.of(one.value, scope)
                given += self._spread(held)
            else:
                given.append(self.of(one, scope))
        named: dict[str, Values] = {}
        for keyword in node.keywords:
            values = self.of(keyword.value, scope)
            if keyword.arg:
                named[keyword.arg] = values
            else:
                named |= self._entries(values)
        self.calls(node, callee, scope)
        folded = self._folded(node, scope)
        return folded | self.call(callee, given, named, node)

    def _spread(self, held: Values) -> list[Values]:
        """The arguments that `*held` gives."""
        for kind, what in held:
            if kind == "seq":
                places = self.at(what).entries
                return [places[i] for i in range(len(places)) if i in places] or [self.at(what).items]
            if kind == "const" and isinstance(what, tuple):
                return [frozenset({("const", one)}) for one in cast("tuple[Any, ...]", what)]
        return [self.items(held)]

    def _entries(self, values: Values) -> dict[str, Values]:
        found: dict[str, Values] = {}
        for kind, what in values:
            if kind == "map":
                for key, held in self.at(what).entries.items():
                    if isinstance(key, str):
                        found[key] = found.get(key, NOTHING) | held
        return found

    def call(self, callee: Values, given: list[Values], named: Mapping[str, Values], node: ast.AST) -> Values:
        """What calling these with these arguments may give."""
        found: Values = NOTHING
        for kind, what in callee:
            if kind in {"func", "bound"}:
                found |= self._enter(self.at(what), given, named, 1 if kind == "bound" else 0)
            elif kind == "class":
                found |= self._construct(what, given, named)
            elif kind == "inst":
                found |= self.call(frozenset(self._member(what, "__call__", 0)), given, named, node)
            elif kind == "partial":
                one = self.at(what)
                extra = {key: values for key, values in one.entries.items() if isinstance(key, str)}
                found |= self.call(one.callee - callee, one.given + given, {**extra, **named}, node)
            elif kind == "ref":
                found |= self._call_ref(what, given, named, node)
        return found

    def _enter(self, one: Own, given: Sequence[Values], named: Mapping[str, Values], skipped: int) -> Values:
        function, scope = one.node, one.scope
        if not isinstance(function, Function) or scope is None:
            return NOTHING
        taken = function.args
        parameters = [one.arg for one in (*taken.posonlyargs, *taken.args)][skipped:]
        for name, values in zip(parameters, given, strict=False):
            self.bind_name(scope, name, values)
        others = {*parameters, *(one.arg for one in taken.kwonlyargs)}
        for name, values in named.items():
            if name in others:
                self.bind_name(scope, name, values)
        if taken.vararg:
            made, own = self.made("seq", taken.vararg)
            for place, values in enumerate(given[len(parameters) :]):
                self.put(own, place, values)
                self.put(own, None, values)
            self.bind_name(scope, taken.vararg.arg, made)
        if taken.kwarg:
            made, own = self.made("map", taken.kwarg)
            for name, values in named.items():
                if name not in others:
                    self.put(own, name, values)
            self.bind_name(scope, taken.kwarg.arg, made)
        return one.returns

    def _construct(self, number: int, given: list[Values], named: Mapping[str, Values]) -> Values:
        cls = self.at(number)
        if not isinstance(cls.node, ast.ClassDef):
            return NOTHING
        made, own = self.made("inst", cls.node)
        for kind, what in self._member(number, "__init__", 0):
            if kind in {"bound", "func"}:
                one = self.at(what)
                self._enter(one, given, named, 1)
        fields = [
            one.target.id
            for one in cls.node.body
            if isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name)
        ]
        for name, values in [*zip(fields, given, strict=False), *((key, named[key]) for key in fields if key in named)]:
            self.put(own, name, values)
        return made

    def _call_ref(  # noqa: PLR0912 - a case for each function that leads on
        self, what: str, given: list[Values], named: Mapping[str, Values], node: ast.AST
    ) -> Values:
        first = given[0] if given else NOTHING
        if what in _IMPORTING:
            return self._imported(what, first or named.get("name", NOTHING))
        if what in {"builtins.getattr", "inspect.getattr_static"} or what.endswith(
            ("__getattribute__", ".__getattr__")
        ):
            return self._got(what, given)
        if what == "builtins.setattr" or what.endswith(".__setattr__"):
            self._setattr(what, given, node)
            return NOTHING
        if what in {"builtins.vars", "builtins.globals", "builtins.locals"}:
            return self._vars(what, first)
        if what in {"functools.partial", "functools.partialmethod"}:
            return self._partial(given, named, node)
        if what == "functools.reduce" and ("ref", "builtins.getattr") in first and len(given) > 2:
            found = given[2]
            for names in self._spread(given[1]):
                found = self._got("builtins.getattr", [found, names])
            return found
        if what in {"operator.attrgetter", "operator.methodcaller", "operator.itemgetter"}:
            made, own = self.made("seq", node)
            self.put(own, None, first)
            return frozenset({("ref", f"{what}:{constant}") for kind, constant in first if kind == "const"}) or made
        if what.startswith("operator.attrgetter:") or what.startswith("operator.methodcaller:"):
            found = first
            for part in what.partition(":")[2].split("."):
                found = self.attribute(found, part)
            return found if "attrgetter" in what else self.call(found, given[1:], named, node)
        if what.startswith("operator.itemgetter:"):
            return self.entry(first, frozenset({("const", what.partition(":")[2])}))
        if what in {"builtins.map", "itertools.starmap"} or what.endswith((".map", ".submit", ".imap")):
            return self._mapped(what, given, named, node)
        if what == "builtins.type" and len(given) == 1 and any(kind in {"func", "bound"} for kind, _ in first):
            return frozenset({("ref", "types.FunctionType")})
        if what.endswith("object.__new__"):
            return self.call(first, given[1:], {}, node)
        if what in {"builtins.type", "builtins.super"} and len(given) == 1:
            return frozenset(("ref", f"{name}.__class__") for kind, name in first if kind == "ref") | frozenset(
                ("class", self.number("class", self.at(n).node or node)) for kind, n in first if kind == "inst"
            )
        if what == "builtins.dict" or what.endswith(
            (".update", ".setdefault", ".append", ".extend", ".insert", ".get", ".pop")
        ):
            return self._container(what, given, named, node)
        self._handed_out(given, named, node)
        if what in _THROUGH:
            return first | self.items(first) if what not in {"copy.copy", "copy.deepcopy"} else first
        return frozenset({("ref", f"{what}()" if what.count("()") < 4 else "<>")})

    def _imported(self, what: str, names: Values) -> Values:
        found: set[tuple[Any, ...]] = set()
        for kind, name in names:
            if kind == "const" and isinstance(name, str):
                whole = what not in {"builtins.__import__", "importlib.__import__"}
                found.add(("ref", name.replace(":", ".") if whole else name.partition(".")[0]))
        return frozenset(found) or frozenset({("ref", "<import>")})

    def _got(self, what: str, given: list[Values]) -> Values:
        """getattr(object, name, otherwise), and `object.__getattribute__(name)`."""
        owner = frozenset({("ref", what.rpartition(".")[0])})
        bound = what.endswith("__") and len(given) < 2
        owners, names = (
            (owner, given[0] if given else NOTHING)
            if bound
            else (given[0] if given else NOTHING, (given + [NOTHING] * 2)[1])
        )
        found = given[2] if len(given) > 2 else NOTHING
        constants = [name for kind, name in names if kind == "const" and isinstance(name, str)]
        for name in constants:
            found |= self.attribute(owners, name)
        if not constants:
            found |= frozenset(("ref", f"{one}.?") for kind, one in owners if kind == "ref")
        return found

    def _setattr(self, what: str, given: list[Values], node: ast.AST) -> None:
        if what != "builtins.setattr" and len(given) < 3:
            given = [frozenset({("ref", what.rpartition(".")[0])}), *given]
        if len(given) < 3:
            return
        for kind, name in given[1]:
            if kind == "const":
                self.set(node, given[0], str(name), given[2])
                self._set_attribute(given[0], str(name), given[2])

    def _vars(self, what: str, first: Values) -> Values:
        if what != "builtins.vars":
            return frozenset({("ref", f"<{what.removeprefix('builtins.')}>")})
        return frozenset(("ref", f"{name}.__dict__") for kind, name in first if kind == "ref") or frozenset(
            {("ref", "<locals>")}
        )

    def _partial(self, given: list[Values], named: Mapping[str, Values], node: ast.AST) -> Values:
        made, own = self.made("partial", node)
        own.callee = self._more(own.callee, given[0] if given else NOTHING)
        own.given = given[1:]
        for name, values in named.items():
            self.put(own, name, values)
        return made

    def _mapped(self, what: str, given: list[Values], named: Mapping[str, Values], node: ast.AST) -> Values:
        """A function called on what is in the other arguments, or with them."""
        if what.endswith(".map") and given and not any(kind != "const" for kind, _ in given[0]):
            return frozenset({("ref", f"{what}()")})
        others = given[1:] if what.endswith("submit") else [self.items(one) for one in given[1:]]
        found = self.call(given[0], others, named, node) if given else NOTHING
        made, own = self.made("seq", node)
        self.put(own, None, found)
        return made if found else frozenset({("ref", f"{what}()")})

    def _container(self, what: str, given: list[Values], named: Mapping[str, Values], node: ast.AST) -> Values:
        last = what.rpartition(".")[2]
        made, own = self.made("map", node)
        owner = node.func.value if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) else None
        if what == "builtins.dict":
            for name, values in named.items():
                self.put(own, name, values)
            for one in given:
                self._merge(own, one)
            return made
        if what.endswith(".__dict__.update"):
            for name, values in (self._entries(given[0]) if given else {}).items() | named.items():
                self.set(node, frozenset({("ref", what.removesuffix(".__dict__.update"))}), name, values)
        if what.removesuffix(f".{last}") in {"builtins", "<globals>", "sys.modules"} or what.endswith(
            (".__dict__.get", ".__dict__.pop")
        ):
            return self.entry(frozenset({("ref", what.removesuffix(f".{last}"))}), given[0] if given else NOTHING)
        return self._changed(owner, last, given, named) | frozenset(
            {("ref", f"{what}()" if what.count("()") < 4 else "<>")}
        )

    def _changed(self, owner: ast.AST | None, last: str, given: list[Values], named: Mapping[str, Values]) -> Values:
        """A method of a list or a dictionary of the program's own: what it puts there or takes from it."""
        found: Values = NOTHING
        for kind, what in self._held(owner):
            if kind not in {"seq", "map"}:
                continue
            one = self.at(what)
            if last == "update":
                for name, values in named.items():
                    self.put(one, name, values)
                self._merge(one, given[0] if given else NOTHING)
            elif last in {"get", "pop", "setdefault"}:
                default = given[1] if len(given) > 1 else NOTHING
                found |= self.entry(frozenset({(kind, what)}), given[0] if given else NOTHING) or default
                for key in (
                    [key for how, key in (given[0] if given else NOTHING) if how == "const"]
                    if last == "setdefault"
                    else []
                ):
                    self.put(one, key, default)
            else:
                self.put(
                    one, None, given[-1] if last != "extend" and given else self.items(given[0]) if given else NOTHING
                )
        return found

    def _held(self, owner: ast.AST | None) -> Values:
        return self._last.get(id(owner), NOTHING) if owner is not None else NOTHING

    def _handed_out(self, given: Sequence[Values], named: Mapping[str, Values], node: ast.AST) -> None:
        """A function of the program given to another's function (as a key, a target) is called with the other arguments."""
        for one in (*given, *named.values()):
            for kind, what in one:
                if kind in {"func", "bound", "partial"}:
                    others = [self.items(other) for other in given if other is not one]
                    if "args" in named:
                        others = self._spread(named["args"])
                    extra = self._entries(named.get("kwargs", NOTHING))
                    self.call(frozenset({(kind, what)}), others, extra, node)
