"""What each expression of an improver's program may stand for, by the names that Python itself would give it.

A *value* is a reference by dotted name (`os.system`, `<utility>`), a constant, or something of the program's own: a function,
a class, an object of it, a container, a partial call. Names are told apart by scope; what a name, an attribute or an entry may
hold is found by going through the program until nothing new turns up. It is never run. Calls are followed by `calling`.
"""

from __future__ import annotations

import ast
import builtins
import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from folding import PURE, Folding, Unknown, hashable
from scopes import NOTHING, Function, Own, Scope, Values

INTERFACE = ("<start>", "<utility>", "<model>")
"""What the parameters of `improve_algorithm` stand for."""
ENTRY = "improve_algorithm"
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
_PASSES = 8


class Resolving:
    """A program gone through; `seen`, `set` and `calls` are told every expression, assignment to an attribute, and call."""

    def __init__(self, tree: ast.Module) -> None:
        self.own: list[Own] = []
        self._numbers: dict[tuple[str, int], int] = {}
        self._scopes: dict[int, Scope] = {}
        self._kept: list[ast.AST] = [tree]
        """Nodes that are told apart by where they are in memory, so they have to stay."""
        self._names: dict[int, tuple[str, ...]] = {}
        self._last: dict[int, Values] = {}
        """What an expression stood for when it was last looked at."""
        self.changed = False
        self.module = Scope(None, "module")
        self.seen: Callable[[ast.AST, Values], None] = lambda _n, _v: None
        self.set: Callable[[ast.AST, Values, str, Values], None] = lambda _n, _o, _a, _v: None
        self.calls: Callable[[ast.Call, Values, Scope], None] = lambda _n, _c, _s: None
        self.tree = tree

    def go(self) -> None:
        """Go through it until nothing new turns up."""
        for _ in range(_PASSES):
            self.changed = False
            self.body(self.tree.body, self.module)
            if not self.changed:
                break

    def call(self, callee: Values, given: list[Values], named: Mapping[str, Values], node: ast.AST) -> Values:
        """What calling these with these arguments may give."""
        raise NotImplementedError

    def _call(self, node: ast.Call, scope: Scope) -> Values:
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

    def bind_name(self, scope: Scope, name: str, values: Values) -> None:
        owner = scope.elsewhere.get(name, scope)
        if name not in owner.names:
            owner.names[name] = NOTHING
            self.changed = True
        owner.names[name] = self._more(owner.names[name], values)

    # --- statements ---------------------------------------------------------------------------------------------------

    def body(self, statements: Sequence[ast.stmt], scope: Scope) -> None:
        for one in statements:
            self._statement(one, scope)

    def _statement(self, node: ast.stmt, scope: Scope) -> None:  # noqa: PLR0912 - a case for each kind of statement
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                self._define(node, scope)
            case ast.ClassDef():
                self._class(node, scope)
            case ast.Assign(targets=targets, value=value):
                for target in targets:
                    self._assign(target, value, self.of(value, scope), scope)
            case ast.AnnAssign(target=target, value=value):
                if value:
                    self._assign(target, value, self.of(value, scope), scope)
            case ast.AugAssign(target=target, value=value):
                self._augmented(node, target, value, scope)
            case ast.Import(names=names):
                for one in names:
                    dotted = one.name if one.asname else one.name.partition(".")[0]
                    self.bind_name(scope, one.asname or dotted, frozenset({("ref", dotted)}))
                    self.seen(node, frozenset({("ref", f"import {one.name}")}))
            case ast.ImportFrom():
                self._import_from(node, scope)
            case ast.Global(names=names) | ast.Nonlocal(names=names):
                for name in names:
                    scope.elsewhere[name] = scope.top if isinstance(node, ast.Global) else _binding(scope, name)
            case ast.For() | ast.AsyncFor():
                self.bind(node.target, self.items(self.of(node.iter, scope)), scope)
                self.body([*node.body, *node.orelse], scope)
            case ast.With() | ast.AsyncWith():
                for item in node.items:
                    held = self.of(item.context_expr, scope)
                    if item.optional_vars:
                        self.bind(item.optional_vars, held | self._entered(held), scope)
                self.body(node.body, scope)
            case ast.Return(value=value):
                self._return(scope, self.of(value, scope) if value else NOTHING)
            case ast.Match(subject=subject, cases=cases):
                self.of(subject, scope)
                for one in cases:
                    self._pattern(one.pattern, self.of(subject, scope), scope)
                    self._parts([one.guard] if one.guard else [], scope)
                    self.body(one.body, scope)
            case _:
                self._any(node, scope)

    def _any(self, node: ast.stmt, scope: Scope) -> None:
        """Any other statement: its expressions, then the statements in it."""
        for _, value in ast.iter_fields(node):
            for one in cast("list[object]", value) if isinstance(value, list) else [value]:
                if isinstance(one, ast.expr):
                    self.of(one, scope)
                elif isinstance(one, ast.stmt):
                    self._statement(one, scope)
                elif isinstance(one, ast.ExceptHandler):
                    if one.name:
                        self.bind_name(scope, one.name, frozenset({("ref", "<error>")}))
                    self.body(one.body, scope)

    def _pattern(self, node: ast.AST, values: Values, scope: Scope) -> None:
        for one in ast.walk(node):
            if isinstance(one, ast.MatchAs | ast.MatchStar) and one.name:
                self.bind_name(scope, one.name, values)

    def _import_from(self, node: ast.ImportFrom, scope: Scope) -> None:
        module = node.module or ""
        self.seen(node, frozenset({("ref", f"import {module}")}))
        for one in node.names:
            if one.name == "*":
                scope.stars.append(module)
                scope.top.stars.append(module)
            else:
                self.bind_name(scope, one.asname or one.name, frozenset({("ref", f"{module}.{one.name}")}))

    def _define(self, node: ast.FunctionDef | ast.AsyncFunctionDef, scope: Scope) -> None:
        made = self._function(node, scope)
        values = made
        for decorator in reversed(node.decorator_list):
            found = self.of(decorator, scope)
            if any(one in {("ref", "builtins.property"), ("ref", "functools.cached_property")} for one in found):
                values = values | self.at(next(iter(made))[1]).returns
            values = values | self.call(found, [made], {}, decorator)
        self.bind_name(scope, node.name, values)

    def _function(self, node: Function, scope: Scope) -> Values:
        made, own = self.made("func", node)
        inner = self.scope(node, scope, "function")
        own.scope = inner
        taken = node.args
        parameters = [*taken.posonlyargs, *taken.args]
        for one, default in zip(reversed(parameters), reversed(taken.defaults), strict=False):
            self.bind_name(inner, one.arg, self.of(default, scope))
        for one, default in zip(taken.kwonlyargs, taken.kw_defaults, strict=True):
            self.bind_name(inner, one.arg, self.of(default, scope) if default else NOTHING)
        for one in [*parameters, *taken.kwonlyargs, *filter(None, (taken.vararg, taken.kwarg))]:
            self.bind_name(inner, one.arg, NOTHING)
        if isinstance(node, ast.Lambda):
            own.returns = self._more(own.returns, self.of(node.body, inner))
            return made
        if node.name == ENTRY and scope.kind == "module":
            for one, what in zip(parameters, INTERFACE, strict=False):
                self.bind_name(inner, one.arg, frozenset({("ref", what)}))
        self.body(node.body, inner)
        return made

    def _return(self, scope: Scope | None, values: Values) -> None:
        while scope and scope.kind != "function":
            scope = scope.parent
        for one in self.own:
            if scope and one.scope is scope and isinstance(one.node, Function):
                one.returns = self._more(one.returns, values)

    def _class(self, node: ast.ClassDef, scope: Scope) -> None:
        made, own = self.made("class", node)
        own.scope = self.scope(node, scope, "class")
        for base in node.bases:
            own.bases = self._more(own.bases, self.of(base, scope))
        for keyword in node.keywords:
            self.of(keyword.value, scope)
        self.seen(node, own.bases)
        self.body(node.body, own.scope)
        for name, values in own.scope.names.items():
            self.put(own, name, values)
        self._selves(own, self.made("inst", node)[0])
        values = made
        for decorator in node.decorator_list:
            values = values | self.call(self.of(decorator, scope), [made], {}, decorator)
        self.bind_name(scope, node.name, values)

    def _selves(self, cls: Own, made: Values) -> None:
        """The first parameter of a class's methods is an object of it."""
        for values in cls.entries.values():
            for kind, what in values:
                function = self.at(what).node if kind == "func" else None
                scope = self.at(what).scope if kind == "func" else None
                if (
                    isinstance(function, Function)
                    and scope
                    and (taken := [*function.args.posonlyargs, *function.args.args])
                ):
                    self.bind_name(scope, taken[0].arg, made)

    # --- binding ------------------------------------------------------------------------------------------------------

    def _assign(self, target: ast.AST, value: ast.AST, values: Values, scope: Scope) -> None:
        match target, value:
            case (ast.Tuple(elts=targets) | ast.List(elts=targets), ast.Tuple(elts=parts) | ast.List(elts=parts)) if (
                len(targets) == len(parts)
            ):
                for one, part in zip(targets, parts, strict=True):
                    self._assign(one, part, self.of(part, scope), scope)
            case _:
                self.bind(target, values, scope)

    def bind(self, target: ast.AST, values: Values, scope: Scope) -> None:
        """Let a target hold these values."""
        match target:
            case ast.Name(id=name):
                self.bind_name(scope, name, values)
            case ast.Attribute(value=owner, attr=attr):
                owners = self.of(owner, scope)
                self.set(target, owners, attr, values)
                self._set_attribute(owners, attr, values)
            case ast.Subscript(value=owner, slice=key):
                self._set_entry(target, self.of(owner, scope), self.of(key, scope), values)
            case ast.Tuple(elts=targets) | ast.List(elts=targets):
                for place, one in enumerate(targets):
                    self.bind(one, self.entry(values, frozenset({("const", place)})), scope)
            case ast.Starred(value=inner):
                self.bind(inner, values, scope)
            case _:
                pass

    def _set_attribute(self, owners: Values, attr: str, values: Values) -> None:
        for kind, what in owners:
            if kind in {"inst", "class", "func"}:
                self.put(self.at(what), attr, values)

    def _set_entry(self, node: ast.AST, owners: Values, keys: Values, values: Values) -> None:
        constants = [key for kind, key in keys if kind == "const"]
        for kind, what in owners:
            if kind in {"seq", "map"}:
                for key in constants or [None]:
                    self.put(self.at(what), key, values)
                self.put(self.at(what), None, values)
            elif kind == "ref" and (what.endswith(".__dict__") or what in {"builtins", "<globals>"}):
                for key in constants:
                    self.set(node, frozenset({("ref", what.removesuffix(".__dict__"))}), str(key), values)
                    if what == "<globals>":
                        self.bind_name(self.module, str(key), values)

    def _augmented(self, node: ast.AugAssign, target: ast.AST, value: ast.expr, scope: Scope) -> None:
        given = self.of(value, scope)
        if isinstance(target, ast.Name):
            left = ast.Name(target.id, ast.Load())
            self._kept.append(left)
            made = ast.copy_location(ast.BinOp(left, node.op, value), node)
            before = scope.find(target.id) or NOTHING
            constants = self._folded(made, scope) if len(before) < 3 else NOTHING
            self.bind_name(
                scope, target.id, constants or (given if isinstance(node.op, ast.BitOr | ast.Add) else NOTHING)
            )
            for kind, what in before:
                if kind in {"seq", "map"}:
                    self._merge(self.at(what), given)
        elif isinstance(target, ast.Attribute | ast.Subscript):
            self.bind(target, given | frozenset({("ref", "<changed>")}), scope)

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
                return self._folded(node, scope) or self.entry(owners, keys)
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
            case ast.BinOp(left=left, right=right):
                parts = self.of(left, scope) | self.of(right, scope)
                containers = frozenset(one for one in parts if one[0] in {"seq", "map"})
                return self._folded(node, scope) or containers
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
                found |= self._member(what, attr, 0)
            elif kind in {"seq", "map", "const", "func", "partial"}:
                found |= self.at(what).entries.get(attr, NOTHING) if kind == "func" else NOTHING
                found.add(("ref", f"<{kind}>.{attr}"))
                if attr == "func" and kind == "partial":
                    found |= self.at(what).callee
        return frozenset(found) or frozenset({("ref", f"<>.{attr}")})

    def _of_ref(self, what: str, attr: str) -> set[tuple[Any, ...]]:
        if attr == "__builtins__":
            return {("ref", "builtins")}
        if attr == "__call__":
            return {("ref", what)}
        if what == "<globals>" or attr in {"__dict__"}:
            return {("ref", f"{what}.{attr}")}
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
            for kind, what in cls.bases if depth < 8 else ():
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
                places = [own.entries[key] for key in constants if key in own.entries]
                found |= NOTHING.union(*places) if places else own.items
            elif kind == "const" and isinstance(what, tuple | str | bytes):
                held = cast("tuple[Any, ...]", what)
                found |= {
                    ("const", held[key]) for key in constants if isinstance(key, int) and -len(held) <= key < len(held)
                }
            elif kind == "ref":
                found |= self._entry_of_ref(what, constants)
        return frozenset(found)

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
            if not held or len(held) > 4 or not any(map(_may_fold, held)):
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
        if id(node) not in self._names:
            loads = {one.id for one in ast.walk(node) if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Load)}
            bound = {one.id for one in ast.walk(node) if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store)}
            bound |= {one.arg for one in ast.walk(node) if isinstance(one, ast.arg)}
            self._names[id(node)] = tuple(sorted(loads - bound))
        return self._names[id(node)]

    def _constant(self, node: ast.AST, scope: Scope, chosen: Mapping[str, tuple[Any, ...]]) -> Any:
        if isinstance(node, ast.Name) and node.id in chosen:
            held: Values = frozenset({chosen[node.id]})
        elif isinstance(node, ast.Name):
            held = self._name(node.id, scope)
        else:
            held = self._of(node, scope)
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


def _binding(scope: Scope, name: str) -> Scope:
    outer = scope.parent
    while outer and outer.parent and (outer.kind == "class" or name not in outer.names):
        outer = outer.parent
    return outer or scope


def _function_scope(scope: Scope) -> Scope:
    while scope.kind == "comprehension" and scope.parent:
        scope = scope.parent
    return scope
