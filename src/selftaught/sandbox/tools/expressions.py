"""What each expression of an improver's program may stand for, by the names that Python itself would give it.

A *value* is a reference by dotted name (`os.system`, `<utility>`), a constant, or something of the program's own: a function,
a class, an object of it, a container, a partial call. Statements are gone through by `resolving`, calls followed by `calling`.
"""

from __future__ import annotations

import ast
import builtins
import itertools
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from folding import PURE, Folding, Unknown, hashable, operands
from scopes import NOTHING, Function, Own, Scope, Values

_MOST = 24
_MODULES = {
    "os",
    "sys",
    "subprocess",
    "socket",
    "builtins",
    "io",
    "posix",
    "importlib",
    "ctypes",
    "shutil",
    "pathlib",
    "gc",
    "inspect",
}
"""Modules that other modules hold under their names."""
_OF_DICTIONARIES = {
    "update",
    "get",
    "pop",
    "setdefault",
    "items",
    "values",
    "keys",
    "copy",
    "__setitem__",
    "__getitem__",
}
DICTIONARIES = {
    "builtins.dict", "collections.OrderedDict", "collections.ChainMap", "collections.UserDict", "collections.defaultdict",
    "types.MappingProxyType",
}  # fmt: skip
_TO_PATHS = {"parent", "parents"}
_PATH = re.compile(r"_?pathlib\.(_local\.)?(Posix)?Path\(")
DEEPEST = 8
"""How many classes above one another are looked at."""


class Expressions:
    """The expressions of a program; `seen`, `set` and `calls` are told every one, assignments to attributes, and calls."""

    def __init__(self, tree: ast.Module) -> None:
        self.own: list[Own] = []
        self._numbers: dict[tuple[str, int], int] = {}
        self._scopes: dict[int, Scope] = {}
        self._kept: list[ast.AST] = [tree]
        """Nodes that are told apart by where they are in memory, so they have to stay."""
        self._names: dict[int, tuple[frozenset[str], frozenset[str]]] = {}
        self._written: dict[Any, ast.expr] = {}
        """Expressions that stand for what a program does in other words."""
        self._last: dict[int, Values] = {}
        """What an expression stood for when it was last looked at."""
        self.changed = False
        self.module = Scope(None, "module")
        self.seen: Callable[[ast.AST, Values], None] = lambda _n, _v: None
        self.set: Callable[[ast.AST, Values, str, Values], None] = lambda _n, _o, _a, _v: None
        self.calls: Callable[[ast.Call, Values, Scope], None] = lambda _n, _c, _s: None
        self.begun: Callable[[], None] = lambda: None
        """Called when the program is gone through once more: only the last time has everything in sight."""
        self.tree = tree

    def call(self, callee: Values, given: list[Values], named: Mapping[str, Values], node: ast.AST) -> Values:
        """What calling these with these arguments may give."""
        raise NotImplementedError

    def _call(self, node: ast.Call, scope: Scope) -> Values:
        raise NotImplementedError

    def _function(self, node: Function, scope: Scope, anew: bool = False) -> Values:
        """A function, gone through; where its name is given it `anew`, its own body knows the name for nothing else."""
        raise NotImplementedError

    def _return(self, scope: Scope | None, values: Values) -> None:
        raise NotImplementedError

    def bind(self, target: ast.AST, values: Values, scope: Scope) -> None:
        """Let a target hold these values."""
        raise NotImplementedError

    # --- tables -------------------------------------------------------------------------------------------------------

    def number(self, kind: str, node: ast.AST) -> int:
        """The number of what the program makes at this place."""
        key = (kind, id(node))
        if key not in self._numbers:
            self._numbers[key] = len(self.own)
            self.own.append(Own(node))
        return self._numbers[key]

    def at(self, number: Any) -> Own:
        """What has this number."""
        return self.own[int(number)]

    def made(self, kind: str, node: ast.AST) -> tuple[Values, Own]:
        n = self.number(kind, node)
        return frozenset({(kind, n)}), self.at(n)

    def scope(self, node: ast.AST, parent: Scope, kind: str) -> Scope:
        if id(node) not in self._scopes:
            self._scopes[id(node)] = Scope(parent, kind)
        return self._scopes[id(node)]

    def _more(self, before: Values, more: Values) -> Values:
        if more <= before or len(before) >= _MOST:
            return before
        self.changed = True
        return before | more

    def put(self, one: Own, key: Any, values: Values) -> None:
        """Let an entry hold more."""
        if key is None:
            one.items = self._more(one.items, values)
        else:
            one.entries[key] = self._more(one.entries.get(key, NOTHING), values)
            if values and key not in one.entries:
                self.changed = True

    def bind_name(self, scope: Scope, name: str, values: Values, first: bool = False) -> None:
        owner = scope.elsewhere.get(name, scope)
        if not owner.binds(name):
            self.changed = True
        if owner is not scope:
            owner.hold_anytime(name, self._more(owner.held_anytime(name), values))
        else:
            owner.hold(name, self._more(owner.held(name, first), values), first)

    def _merge(self, one: Own, others: Values) -> None:
        for kind, what in others:
            if kind in {"seq", "map"}:
                self.put(one, None, self.at(what).items)
                for key, values in list(self.at(what).entries.items()):
                    self.put(one, key, values)

    # --- expressions --------------------------------------------------------------------------------------------------

    def of(self, node: ast.AST, scope: Scope) -> Values:
        """What an expression may stand for."""
        found = self._last[id(node)] = self._of(node, scope)
        if found and isinstance(node, ast.Name | ast.Attribute | ast.Subscript | ast.Call):
            self.seen(node, found)
        return found

    def last(self, node: ast.AST) -> Values:
        """What an expression stood for when it was last looked at: to look again at each level would never end."""
        return self._last.get(id(node.value if isinstance(node, ast.Starred) else node), NOTHING)

    def _of(self, node: ast.AST, scope: Scope) -> Values:  # noqa: PLR0912 - a case for each kind of expression
        match node:
            case ast.Constant(value=value):
                return frozenset({("const", value)}) if hashable(value) else NOTHING
            case ast.Name(id=name):
                return self._name(name, scope)
            case ast.Attribute(value=owner, attr=attr):
                return self.attribute(self.of(owner, scope), attr)
            case ast.Call():
                return self._call(node, scope)
            case ast.Lambda():
                return self._function(node, scope)
            case ast.Subscript(value=owner, slice=key):
                owners, keys = self.of(owner, scope), self.of(key, scope)
                if isinstance(key, ast.Slice) and (parts := frozenset(one for one in owners if one[0] == "seq")):
                    return self._folded(node, scope) | parts
                grown = frozenset(one for one in owners if one[0] in {"seq", "map"})
                folded = self._folded(node, scope)
                return folded | self.entry(grown if folded else owners, keys)
            case ast.IfExp(test=test, body=then, orelse=otherwise):
                self.of(test, scope)
                return self.of(then, scope) | self.of(otherwise, scope)
            case ast.BoolOp(values=values):
                return NOTHING.union(*(self.of(one, scope) for one in values))
            case ast.NamedExpr(target=target, value=value):
                found = self.of(value, scope)
                self.bind(target, found, _function_scope(scope))
                return found
            case ast.List() | ast.Tuple() | ast.Set():
                return self._folded(node, scope) or self._sequence(node, node.elts, scope)
            case ast.Dict():
                return self._dict(node, scope)
            case ast.ListComp() | ast.SetComp() | ast.GeneratorExp() | ast.DictComp():
                return self._comprehension(node, scope)
            case ast.BinOp():
                return self._joined(node, scope)
            case ast.JoinedStr() | ast.Compare() | ast.UnaryOp():
                self._parts(list(ast.iter_child_nodes(node)), scope)
                return self._folded(node, scope)
            case ast.Yield(value=value):
                found = self.of(value, scope) if value else NOTHING
                made, own = self.made("seq", node)
                self.put(own, None, found)
                self._return(scope, made)
                return NOTHING
            case (
                ast.Await(value=value)
                | ast.Starred(value=value)
                | ast.YieldFrom(value=value)
                | ast.FormattedValue(value=value)
            ):
                return self.of(value, scope)
            case _:
                self._parts(list(ast.iter_child_nodes(node)), scope)
                return NOTHING

    def _joined(self, node: ast.BinOp, scope: Scope) -> Values:
        """Parts with operators between them, however many: the left ones are not gone into one by one."""
        parts = NOTHING.union(*(self.of(one, scope) for one in operands(node)))
        if isinstance(node.op, ast.Div) and any(kind == "ref" and _PATH.match(what) for kind, what in parts):
            return frozenset({("ref", "pathlib.Path()")})
        return self._folded(node, scope) or frozenset(one for one in parts if one[0] in {"seq", "map"})

    def _parts(self, nodes: Sequence[ast.AST], scope: Scope) -> None:
        for one in nodes:
            if isinstance(one, ast.expr):
                self.of(one, scope)

    def _name(self, name: str, scope: Scope) -> Values:
        found = scope.find(name)
        if found is not None:
            return found
        starred = frozenset(("ref", f"{module}.{name}") for module in scope.top.stars)
        if name in {"__builtins__", "__loader__", "__spec__"}:
            return frozenset({("ref", {"__builtins__": "builtins"}.get(name, name))})
        return starred | (frozenset({("ref", f"builtins.{name}")}) if hasattr(builtins, name) else NOTHING)

    def attribute(self, owners: Values, attr: str) -> Values:
        """What an attribute of these may be."""
        found: set[tuple[Any, ...]] = set()
        for kind, what in owners:
            if kind == "ref":
                found |= self._of_ref(what, attr)
            elif attr == "__class__" and kind == "inst":
                found.add(("class", self.number("class", self.at(what).node or self.tree)))
            elif kind in {"inst", "class"}:
                found |= self._member(what, attr, 0) or self._asked_for(what, attr, kind)
            elif attr == "__class__" and kind in {"func", "bound"}:
                found.add(("ref", "types.FunctionType"))
            elif attr == "keywords" and kind == "partial":
                found.add(("map", what))
            elif attr in {"value", "_value_"} and kind == "const":
                found.add((kind, what))  # of a member of an Enum
            elif kind in {"seq", "map", "const", "func", "partial"}:
                found |= self.at(what).entries.get(attr, NOTHING) if kind == "func" else NOTHING
                found.add(("ref", f"<{kind}>.{attr}"))
                if attr == "func" and kind == "partial":
                    found |= self.at(what).callee
        return frozenset(found) or frozenset({("ref", f"<>.{attr}")})

    def _asked_for(self, number: int, attr: str, kind: str) -> set[tuple[Any, ...]]:
        """An attribute that an object of the program's own makes up, or that all objects have."""
        if attr == "__dict__":
            return {("map", number)}
        if kind == "class":
            return set()
        made = [what for how, what in self._member(number, "__getattr__", 0) if how == "bound"]
        return {one for what in made for one in self.at(what).returns}

    def _of_ref(self, what: str, attr: str) -> set[tuple[Any, ...]]:
        if attr == "__builtins__":
            return {("ref", "builtins")}
        if attr == "__call__":
            return {("ref", what)}
        if what == "<globals>" or attr in {"__dict__"}:
            return {("ref", f"{what}.{attr}")}
        if what.endswith(".__dict__") and attr in _OF_DICTIONARIES:
            return {("ref", f"{what}.{attr}")}
        if attr in _TO_PATHS and _PATH.match(what):
            return {("ref", "pathlib.Path()")}
        found = {("ref", f"{what.removesuffix('.__dict__')}.{attr}" if what.count(".") < 8 else "<>")}
        if attr.lstrip("_") in _MODULES and not what.startswith("<"):
            found.add(("ref", attr.lstrip("_")))  # `random._os` is `os`
        return found

    def _member(self, number: int, attr: str, depth: int) -> set[tuple[Any, ...]]:
        one = self.at(number)
        found = set(one.entries.get(attr, NOTHING))
        if isinstance(one.node, ast.ClassDef):
            cls = self.own[self.number("class", one.node)]
            found |= cls.entries.get(attr, NOTHING)
            found = {("bound", what) if kind == "func" else (kind, what) for kind, what in found}
            for kind, what in cls.bases if depth < DEEPEST and attr not in cls.entries else ():
                if kind == "class":
                    found |= self._member(what, attr, depth + 1)
                elif kind == "ref" and not found:
                    found.add(("ref", f"{what}().{attr}"))
        return found

    def entry(self, owners: Values, keys: Values) -> Values:
        """What is found in these under these keys."""
        constants = [key for kind, key in keys if kind == "const" and not isinstance(key, tuple)]
        found: set[tuple[Any, ...]] = set()
        for kind, what in owners:
            if kind in {"seq", "map"}:
                own = self.at(what)
                for key in constants if own.returns else ():
                    if key not in own.entries:
                        self.put(own, key, own.returns)
                places = [own.entries[key] for key in constants if key in own.entries]
                found |= NOTHING.union(*places) if places else own.items
            elif kind in {"inst", "class"}:
                found |= self._entry_of_own(what, constants)
            elif kind == "const" and isinstance(what, tuple | str | bytes):
                held = cast("tuple[Any, ...]", what)
                found |= {
                    ("const", held[key]) for key in constants if isinstance(key, int) and -len(held) <= key < len(held)
                }
            elif kind == "ref":
                found |= self._entry_of_ref(what, constants)
        return frozenset(found)

    def _entry_of_own(self, number: int, keys: Sequence[Any]) -> set[tuple[Any, ...]]:
        """What an object of a class with `__getitem__` gives, a member of an Enum by its name, or a field by its place."""
        found = {
            one
            for how, what in self._member(number, "__getitem__", 0)
            if how == "bound"
            for one in self.at(what).returns
        }
        fields = self.fields(number)
        for key in keys:
            if isinstance(key, str):
                found |= self.at(number).entries.get(key, NOTHING)
            elif isinstance(key, int) and -len(fields) <= key < len(fields):
                found |= self._member(number, fields[key], 0)
        return found

    def is_dictionary(self, number: int) -> bool:
        """Whether something is an object of a class derived from dictionaries."""
        node = self.at(number).node
        bases = self.own[self.number("class", node)].bases if isinstance(node, ast.ClassDef) else NOTHING
        return any(kind == "ref" and what in DICTIONARIES for kind, what in bases)

    def fields(self, number: int) -> list[str]:
        """The fields that a class declares, in order."""
        node = self.at(number).node
        body = node.body if isinstance(node, ast.ClassDef) else []
        return [one.target.id for one in body if isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name)]

    def _entry_of_ref(self, what: str, keys: Sequence[Any]) -> set[tuple[Any, ...]]:
        found: set[tuple[Any, ...]] = set()
        for key in keys:
            if not isinstance(key, str):
                continue
            if what == "sys.modules":
                found.add(("ref", key))
            elif what in {"<globals>", "<locals>"}:
                found |= self._name(key, self.module)
            elif (
                what.endswith(".__dict__") or what in {"builtins", "builtins.__dict__"} or what.endswith("__globals__")
            ):
                found |= self._of_ref(what, key)
        if not keys or any(isinstance(key, int) for key in keys):
            found.add(("ref", f"{what}[]" if what.count("[]") < 3 else what))
        return found

    def items(self, values: Values) -> Values:
        """What turns up when one goes through these."""
        found: set[tuple[Any, ...]] = set()
        for kind, what in values:
            if kind in {"seq", "map"}:
                one = self.at(what)
                found |= (
                    frozenset(("const", key) for key in one.entries if hashable(key)) if kind == "map" else one.items
                )
            elif kind == "const" and isinstance(what, tuple):
                found |= {("const", part) for part in cast("tuple[Any, ...]", what)[:_MOST]}
            elif kind == "ref":
                found.add(("ref", f"{what}[]" if what.count("[]") < 3 else what))
        return frozenset(found)

    def _entered(self, held: Values) -> Values:
        found: set[tuple[Any, ...]] = set()
        for kind, what in held:
            if kind == "inst":
                for how, number in self._member(what, "__enter__", 0):
                    found |= self.at(number).returns if how in {"bound", "func"} else NOTHING
        return frozenset(found)

    def _sequence(self, node: ast.AST, parts: Sequence[ast.expr], scope: Scope) -> Values:
        made, own = self.made("seq", node)
        for place, one in enumerate(parts):
            if isinstance(one, ast.Starred):
                self.put(own, None, self.items(self.of(one.value, scope)))
            else:
                values = self.of(one, scope)
                self.put(own, place, values)
                self.put(own, None, values)
        return made

    def _dict(self, node: ast.Dict, scope: Scope) -> Values:
        made, own = self.made("map", node)
        for key, value in zip(node.keys, node.values, strict=True):
            values = self.of(value, scope)
            if key is None:
                self._merge(own, values)
                continue
            constants = [one for kind, one in self.of(key, scope) if kind == "const"]
            for one in constants:
                self.put(own, one, values)
            self.put(own, None, values)
        return made

    def _comprehension(
        self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp, scope: Scope
    ) -> Values:
        inner = self.scope(node, scope, "comprehension")
        for one in node.generators:
            self.bind(one.target, self.items(self.of(one.iter, inner)), inner)
            self._parts(one.ifs, inner)
        if isinstance(node, ast.DictComp):
            made, own = self.made("map", node)
            for key in self.of(node.key, inner):
                self.put(own, key[1] if key[0] == "const" else None, self.of(node.value, inner))
            self.put(own, None, self.of(node.value, inner))
            return made
        folded = self._folded(node, scope)
        made, own = self.made("seq", node)
        self.put(own, None, self.of(node.elt, inner))
        return folded or made

    # --- constants ----------------------------------------------------------------------------------------------------

    def _folded(self, node: ast.AST, scope: Scope) -> Values:
        """The constants that an expression may come to, for every choice of what its names may be."""
        several: dict[str, list[tuple[Any, ...]]] = {}
        for name in self._free(node):
            held = self._name(name, scope)
            compared = isinstance(node, ast.Compare) and any(kind == "class" for kind, _ in held)
            if not held or len(held) > 4 or not (compared or any(map(_may_fold, held))):
                return NOTHING
            if len(held) > 1:
                several[name] = sorted(held, key=repr)
        found: set[tuple[Any, ...]] = set()
        for choice in itertools.islice(itertools.product(*several.values()), 16):
            chosen = dict(zip(several, choice, strict=True))
            try:
                value = Folding(lambda one, chosen=chosen: self._constant(one, scope, chosen)).value(node, {})
            except (Unknown, RecursionError):
                continue
            if isinstance(value, list):
                value = tuple(cast("list[Any]", value))
            if hashable(value):
                found.add(("const", value))
        return frozenset(found)

    def _free(self, node: ast.AST) -> tuple[str, ...]:
        """The names of an expression that are not bound within it."""
        loaded, bound = self._mentioned(node)
        return tuple(sorted(loaded - bound))

    def _mentioned(self, node: ast.AST) -> tuple[frozenset[str], frozenset[str]]:
        """The names that an expression loads, and those that are bound within it."""
        if id(node) not in self._names:
            loaded: set[str] = set()
            bound: set[str] = set()
            if isinstance(node, ast.Name):
                (loaded if isinstance(node.ctx, ast.Load) else bound).add(node.id)
            elif isinstance(node, ast.arg):
                bound.add(node.arg)
            for one in map(self._mentioned, ast.iter_child_nodes(node)):
                loaded |= one[0]
                bound |= one[1]
            self._names[id(node)] = (frozenset(loaded), frozenset(bound))
        return self._names[id(node)]

    def _constant(self, node: ast.AST, scope: Scope, chosen: Mapping[str, tuple[Any, ...]]) -> Any:
        if isinstance(node, ast.Name) and node.id in chosen:
            held: Values = frozenset({chosen[node.id]})
        elif isinstance(node, ast.Name):
            held = self._name(node.id, scope)
        else:
            held = self._last[id(node)] if id(node) in self._last else self._of(node, scope)
        if len(held) != 1:
            raise Unknown
        kind, what = next(iter(held))
        if kind == "const":
            return what
        if kind == "ref" and what in PURE:
            return PURE[what]
        function = self.at(what).node if kind in {"func", "bound"} else None
        if not isinstance(function, ast.FunctionDef | ast.Lambda):
            raise Unknown
        inner = self.at(what).scope or scope
        folding = Folding(lambda one: self._constant(one, inner, {}))

        def called(*given: Any, **named: Any) -> Any:
            return folding.called(function, list(given), named)

        return called


def _may_fold(value: tuple[Any, ...]) -> bool:
    """Whether something with this value in it could be worked out."""
    kind, what = value
    return kind in {"const", "func", "bound"} or (kind == "ref" and (what in PURE or what in _WITH_PURE))


_WITH_PURE = {one.rpartition(".")[0] for one in PURE} | {one.partition(".")[0] for one in PURE}


def _function_scope(scope: Scope) -> Scope:
    while scope.kind == "comprehension" and scope.parent:
        scope = scope.parent
    return scope
