"""What calls may give: of the program's own functions and classes, and of those of Python that lead on to something else."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence
from typing import Any

from building import TAKEN_OUT, Building
from expressions import DICTIONARIES
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
    "builtins.max", "builtins.min", "builtins.enumerate", "itertools.chain", "itertools.cycle",
    "operator.getitem", "typing.cast", "builtins.staticmethod", "builtins.classmethod", "contextlib.closing", "builtins.filter",
    "functools.wraps", "weakref.proxy", "inspect.unwrap", "collections.deque",
}  # fmt: skip
"""Functions that give back what they were given, or what is in it."""
BUFFER = "io.<buffer>"
OF_BUFFER = "(buffer)"
"""What files in memory stand for, and the end of what is made of one: no file is reached for."""
_BUFFERS = {"io.StringIO", "io.BytesIO"}
_MAPPING = (".map", ".starmap", ".submit", ".imap", ".imap_unordered", ".map_async", ".starmap_async")
_APPLYING = (".apply", ".apply_async")
_CHANGING = (
    ".update", ".setdefault", ".append", ".add", ".appendleft", ".extend", ".insert", ".get", ".pop", ".copy", ".__setitem__",
    ".put", ".put_nowait", ".get_nowait", ".set",
)  # fmt: skip
_TO_PATH = re.compile(
    r"_?pathlib\.(_local\.)?(Posix)?Path(\(.*\))?\.(joinpath|with_\w+|resolve|absolute|expanduser|relative_to|readlink|home|cwd)"
)


class Program(Building):
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
                named |= self.keywords(values)
        self.calls(node, callee, scope)
        folded = self._folded(node, scope)
        return folded | self.call(callee, given, named, node)

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
            self.bind_name(scope, name, values, first=True)
        others = {*parameters, *(one.arg for one in taken.kwonlyargs)}
        for name, values in named.items():
            if name in others:
                self.bind_name(scope, name, values, first=True)
        if taken.vararg:
            made, own = self.made("seq", taken.vararg)
            for place, values in enumerate(given[len(parameters) :]):
                self.put(own, place, values)
                self.put(own, None, values)
            self.bind_name(scope, taken.vararg.arg, made, first=True)
        if taken.kwarg:
            made, own = self.made("map", taken.kwarg)
            for name, values in named.items():
                if name not in others:
                    self.put(own, (TAKEN_OUT, name) if name in own.taken_out else name, values)
            self.bind_name(scope, taken.kwarg.arg, made, first=True)
        return one.returns

    def _construct(self, number: int, given: list[Values], named: Mapping[str, Values]) -> Values:
        cls = self.at(number)
        if not isinstance(cls.node, ast.ClassDef):
            return NOTHING
        self.changed |= not cls.built
        cls.built = True
        made, own = self.made("inst", cls.node)
        for kind, what in self._member(number, "__init__", 0):
            if kind in {"bound", "func"}:
                one = self.at(what)
                self._enter(one, given, named, 1)
        fields = [*named] if self.is_dictionary(number) else self.fields(number)
        for name, values in [*zip(fields, given, strict=False), *((key, named[key]) for key in fields if key in named)]:
            self.put(own, name, values)
        return made

    def _getter(self, what: str, given: list[Values], named: Mapping[str, Values], node: ast.AST) -> Values:
        """What one of the makers of getters makes (a name with what it gets), or what comes of calling that."""
        first = given[0] if given else NOTHING
        maker, made_already, got = what.partition(":")
        if not made_already:
            made, own = self.made("seq", node)
            self.put(own, None, first)
            return frozenset({("ref", f"{what}:{constant}") for kind, constant in first if kind == "const"}) or made
        if maker == "operator.itemgetter":
            return self.entry(first, frozenset({("const", got)}))
        found = first
        for part in got.split("."):
            found = self.attribute(found, part)
        return found if maker == "operator.attrgetter" else self.call(found, given[1:], named, node)

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
        if what.startswith(("operator.attrgetter", "operator.methodcaller", "operator.itemgetter")):
            return self._getter(what, given, named, node)
        if what in {"builtins.map", "itertools.starmap"} or what.endswith(_MAPPING):
            return self._mapped(what, given, named, node)
        if what.endswith(_APPLYING) and given:
            others = self._spread(given[1]) if len(given) > 1 else []
            extra = self.keywords((given[2:3] or [NOTHING])[0] | named.get("kwds", NOTHING))
            return self.call(given[0], others, extra, node)
        if (made := self._built(what, given, named, node)) is not None:
            return made
        if what == "builtins.type" and len(given) == 1 and any(kind in {"func", "bound"} for kind, _ in first):
            return frozenset({("ref", "types.FunctionType")})
        if what.endswith("object.__new__"):
            return self.call(first, given[1:], {}, node)
        if what in {"builtins.type", "builtins.super"} and len(given) == 1:
            return frozenset(("ref", f"{name}.__class__") for kind, name in first if kind == "ref") | frozenset(
                ("class", self.number("class", self.at(n).node or node)) for kind, n in first if kind == "inst"
            )
        if what in {"copy.copy", "copy.deepcopy"}:
            return self._copied(first, node)
        if what in DICTIONARIES or what.endswith(_CHANGING):
            return self._container(what, given, named, node)
        self._handed_out(given, named, node)
        if what in _BUFFERS:
            return frozenset({("ref", BUFFER)})
        if _TO_PATH.match(what):
            return frozenset({("ref", "pathlib.Path()")})
        if what in _THROUGH:
            return first | self.items(first)
        if ("ref", BUFFER) in NOTHING.union(*given, *named.values()):
            return frozenset({("ref", f"{what}{OF_BUFFER}")})
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
        found = frozenset(("ref", f"{name}.__dict__") for kind, name in first if kind == "ref")
        found |= frozenset(("map", number) for kind, number in first if kind in {"inst", "class"})
        return found or frozenset({("ref", "<locals>")})

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
        found: Values = NOTHING
        if "starmap" in what:
            for one in self.items(given[1]) if len(given) > 1 else ():
                found |= self.call(given[0], self._spread(frozenset({one})), {}, node)
        elif given:
            others = given[1:] if what.endswith("submit") else [self.items(one) for one in given[1:]]
            found = self.call(given[0], others, named, node)
        made, own = self.made("seq", node)
        self.put(own, None, found)
        return made if found else frozenset({("ref", f"{what}()")})

    def _handed_out(self, given: Sequence[Values], named: Mapping[str, Values], node: ast.AST) -> None:
        """A function of the program given to another's function (as a key, a target) is called with the other arguments."""
        for one in (*given, *named.values()):
            for kind, what in one:
                if kind in {"func", "bound", "partial"}:
                    others = [self.items(other) for other in given if other is not one]
                    if "args" in named:
                        others = self._spread(named["args"])
                    extra = self.keywords(named.get("kwargs", NOTHING) | named.get("kwds", NOTHING))
                    self.call(frozenset({(kind, what)}), others, extra, node)
