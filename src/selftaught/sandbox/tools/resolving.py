"""A program gone through statement by statement: what its names, attributes and entries may hold.

Names are told apart by scope; what each may hold is found by going through the program until nothing new turns up. It is never
run. What expressions stand for is found by `expressions`, calls are followed by `calling`.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from typing import cast

from expressions import DEEPEST, Expressions
from scopes import NOTHING, Function, Own, Scope, Values

INTERFACE = ("<start>", "<utility>", "<model>")
"""What the parameters of `improve_algorithm` stand for."""
ENTRY = "improve_algorithm"
CHANGED = "<changed>"
"""What stands beside the value by which an attribute or an entry was changed."""
_GIVEN = ("initial_solution", "utility", "language_model")
_PUTTING = {"append", "extend", "insert", "add", "appendleft", "pop"}
_PASSES = 8


class Resolving(Expressions):
    """A program gone through."""

    def __init__(self, tree: ast.Module) -> None:
        super().__init__(tree)
        self._growing = set(_growing(tree))
        self._bases = set(_bases(tree))

    def go(self) -> None:
        """Go through it until nothing new turns up."""
        for number in range(_PASSES):
            self.changed = False
            self.begun()
            self.module.restart()
            self.body(self.tree.body, self.module, straight=True)
            self._begin()
            if number and not self.changed:
                break

    def _begin(self) -> None:
        """Call what is called `improve_algorithm`, whatever it is, as the host does."""
        given = [frozenset({("ref", what)}) for what in INTERFACE]
        self.call(self.module.all_names().get(ENTRY, NOTHING), given, {}, self.tree)

    # --- statements ---------------------------------------------------------------------------------------------------

    def body(self, statements: Sequence[ast.stmt], scope: Scope, straight: bool = False) -> None:
        """Go through statements; `straight` where all of them are done in any case, once and in this order."""
        for one in statements:
            if straight and isinstance(one, ast.Assign | ast.AnnAssign):
                self._assigned_anyway(one, scope)
            elif straight and isinstance(one, ast.If | ast.Try) and not _is_main(one):
                self._branches(one, scope)
            elif straight and isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef):
                self._define(one, scope, anew=True)
            elif straight and isinstance(one, ast.With):
                self._entered_anyway(one, scope)
            else:
                self._statement(one, scope)

    def _assigned_anyway(self, node: ast.Assign | ast.AnnAssign, scope: Scope) -> None:
        """An assignment after which its names hold nothing else: `utility = Cached(utility)` leaves the program's own."""
        if node.value is None:
            return
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        values = self._grown(node.value, targets, scope)
        pairs = [pair for target in targets for pair in self._parted(target, node.value, values, scope)]
        self._bind_anew(pairs, scope)

    def _entered_anyway(self, node: ast.With, scope: Scope) -> None:
        for item in node.items:
            held = self.of(item.context_expr, scope)
            if item.optional_vars:
                self._bind_anew([(item.optional_vars, self._entered(held) or held)], scope)
        self.body(node.body, scope, straight=True)

    def _branches(self, node: ast.If | ast.Try, scope: Scope) -> None:
        """Each of the paths in its order; after one, names may hold what they did before it."""
        if isinstance(node, ast.If):
            self.of(node.test, scope)
            paths = [node.body, node.orelse]
        else:
            for handler in node.handlers:
                self._parts([handler.type] if handler.type else [], scope)
                if handler.name:
                    self.bind_name(scope, handler.name, frozenset({("ref", "<error>")}))
            paths = [node.body, *(one.body for one in node.handlers), node.orelse, node.finalbody]
        for path in paths:
            before = scope.moment()
            self.body(path, scope, straight=True)
            scope.join(before)

    def _bind_anew(self, pairs: list[tuple[ast.expr, Values]], scope: Scope) -> None:
        """Let targets hold these values, and no longer what they held."""
        for target, _ in pairs:
            for name in _names(target):
                if name not in scope.elsewhere:
                    scope.replace(name)
        for target, values in pairs:
            self.bind(target, values, scope)

    def _statement(self, node: ast.stmt, scope: Scope) -> None:  # noqa: PLR0912 - a case for each kind of statement
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                self._define(node, scope)
            case ast.ClassDef():
                self._class(node, scope)
            case ast.Assign(targets=targets, value=value):
                found = self._grown(value, targets, scope)
                for target in targets:
                    self._assign(target, value, found, scope)
            case ast.AnnAssign(target=target, value=value):
                if value:
                    self._assign(target, value, self.of(value, scope), scope)
            case ast.If() if _is_main(node):
                self.body(node.orelse, scope)  # a program is called by its name, never run as the main one
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
                    self._pattern(one.pattern, subject, scope)
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

    def _pattern(self, node: ast.AST, subject: ast.expr, scope: Scope) -> None:
        values = self.of(subject, scope)
        for one in ast.walk(node):
            if isinstance(one, ast.MatchClass):
                for attr, inner in zip(one.kwd_attrs, one.kwd_patterns, strict=True):
                    self._pattern(inner, self._attribute_node(subject, attr, one), scope)
            if isinstance(one, ast.MatchAs | ast.MatchStar) and one.name:
                self.bind_name(scope, one.name, values)

    def _attribute_node(self, owner: ast.expr, attr: str, place: ast.pattern) -> ast.expr:
        """An expression for an attribute that a pattern looks at."""
        key = (id(place), attr)
        if key not in self._written:
            self._written[key] = ast.copy_location(ast.Attribute(owner, attr, ast.Load()), place)
        return self._written[key]

    def _import_from(self, node: ast.ImportFrom, scope: Scope) -> None:
        module = node.module or ""
        self.seen(node, frozenset({("ref", f"import {module}")}))
        for one in node.names:
            if one.name == "*":
                scope.stars.append(module)
                scope.top.stars.append(module)
            else:
                self.bind_name(scope, one.asname or one.name, frozenset({("ref", f"{module}.{one.name}")}))

    def _define(self, node: ast.FunctionDef | ast.AsyncFunctionDef, scope: Scope, anew: bool = False) -> None:
        decorators = [(one, self.of(one, scope)) for one in reversed(node.decorator_list)]
        made = self._function(node, scope, anew)
        values = made
        for decorator, found in decorators:
            if any(one in {("ref", "builtins.property"), ("ref", "functools.cached_property")} for one in found):
                values = values | self.at(next(iter(made))[1]).returns
            values = values | self.call(found, [made], {}, decorator)
        self.bind_name(scope, node.name, values)

    def _given_anyhow(self, node: Function, inner: Scope) -> None:
        """What the host gives to `improve_algorithm` that has no parameters of its own for it."""
        taken, own_places = node.args, len(node.args.posonlyargs) + len(node.args.args)
        refs = [frozenset({("ref", what)}) for what in INTERFACE]
        if taken.vararg:
            made, own = self.made("seq", taken.vararg)
            for place, one in enumerate(refs[own_places:]):
                self.put(own, place, one)
                self.put(own, None, one)
            self.bind_name(inner, taken.vararg.arg, made, first=True)
        if taken.kwarg:
            made, own = self.made("map", taken.kwarg)
            for name, one in list(zip(_GIVEN, refs, strict=True))[own_places:]:
                self.put(own, name, one)
            self.bind_name(inner, taken.kwarg.arg, made, first=True)
        for one in taken.kwonlyargs:
            if one.arg in _GIVEN:
                self.bind_name(inner, one.arg, refs[_GIVEN.index(one.arg)], first=True)

    def _function(self, node: Function, scope: Scope, anew: bool = False) -> Values:
        """A function, gone through; where its name is given it `anew`, its own body knows the name for nothing else."""
        made, own = self.made("func", node)
        inner = self.scope(node, scope, "function")
        inner.restart()
        own.scope = inner
        taken = node.args
        parameters = [*taken.posonlyargs, *taken.args]
        for one, default in zip(reversed(parameters), reversed(taken.defaults), strict=False):
            self.bind_name(inner, one.arg, self.of(default, scope), first=True)
        for one, default in zip(taken.kwonlyargs, taken.kw_defaults, strict=True):
            self.bind_name(inner, one.arg, self.of(default, scope) if default else NOTHING, first=True)
        for one in [*parameters, *taken.kwonlyargs, *filter(None, (taken.vararg, taken.kwarg))]:
            self.bind_name(inner, one.arg, NOTHING, first=True)
        if isinstance(node, ast.Lambda):
            own.returns = self._more(own.returns, self.of(node.body, inner))
            return made
        if anew:
            self._bind_anew([(ast.Name(node.name, ast.Store()), made)], scope)
        if node.name == ENTRY and scope.kind == "module":
            for one, what in zip(parameters, INTERFACE, strict=False):
                self.bind_name(inner, one.arg, frozenset({("ref", what)}), first=True)
            self._given_anyhow(node, inner)
        self.body(node.body, inner, straight=True)
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
        for name, values in own.scope.all_names().items():
            self.put(own, name, values)
        if own.built or node.name not in self._bases:  # what is only derived from has no objects
            self._selves(own, self.made("inst", node)[0])
        values = made
        for decorator in node.decorator_list:
            values = values | self.call(self.of(decorator, scope), [made], {}, decorator)
        self.bind_name(scope, node.name, values)

    def _selves(self, cls: Own, made: Values, depth: int = 0) -> None:
        """The first parameter of a class's methods, and of those it inherits, is an object of it."""
        for kind, what in cls.bases if depth < DEEPEST else ():
            if kind == "class":
                self._selves(self.at(what), made, depth + 1)
        for values in list(cls.entries.values()):
            for kind, what in values:
                function = self.at(what).node if kind == "func" else None
                scope = self.at(what).scope if kind == "func" else None
                if (
                    isinstance(function, Function)
                    and scope
                    and (taken := [*function.args.posonlyargs, *function.args.args])
                ):
                    self.bind_name(scope, taken[0].arg, made, first=True)

    # --- binding ------------------------------------------------------------------------------------------------------

    def _grown(self, value: ast.expr, targets: Sequence[ast.expr], scope: Scope) -> Values:
        """What is assigned; a list that something is put into later is more than the constant it begins as."""
        found = self.of(value, scope)
        if not any(name in self._growing for target in targets for name in _held_by(target)):
            return found
        if isinstance(value, ast.List | ast.Set):
            return found | self._sequence(value, value.elts, scope)
        if isinstance(value, ast.Call) and isinstance(value.func, ast.Name | ast.Attribute) and not value.keywords:
            name = value.func.id if isinstance(value.func, ast.Name) else value.func.attr
            if name in {"list", "set", "deque"}:
                made, own = self.made("seq", value)
                self.put(own, None, self.items(found))
                return found | made
        return found

    def _assign(self, target: ast.expr, value: ast.expr, values: Values, scope: Scope) -> None:
        for one, held in self._parted(target, value, values, scope):
            self.bind(one, held, scope)

    def _parted(self, target: ast.expr, value: ast.expr, values: Values, scope: Scope) -> list[tuple[ast.expr, Values]]:
        """The targets of an assignment with what each is given."""
        match target, value:
            case (ast.Tuple(elts=targets) | ast.List(elts=targets), ast.Tuple(elts=parts) | ast.List(elts=parts)) if (
                len(targets) == len(parts)
            ):
                pairs = zip(targets, parts, strict=True)
                return [pair for one, part in pairs for pair in self._parted(one, part, self.of(part, scope), scope)]
            case _:
                return [(target, values)]

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
            for how, number in self._member(what, "__setattr__", 0) if kind == "inst" else ():
                if how == "bound":
                    self.call(frozenset({(how, number)}), [frozenset({("const", attr)}), values], {}, self.tree)

    def _set_entry(self, node: ast.AST, owners: Values, keys: Values, values: Values) -> None:
        constants = [key for kind, key in keys if kind == "const"]
        for kind, what in owners:
            if kind in {"seq", "map"} or (kind == "inst" and self.is_dictionary(what)):
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
                elif kind == "ref" and what.endswith(".__dict__"):
                    owner = frozenset({("ref", what.removesuffix(".__dict__"))})
                    for key, values in (one for how, n in given if how == "map" for one in self.at(n).entries.items()):
                        self.set(node, owner, str(key), values)
        elif isinstance(target, ast.Attribute | ast.Subscript):
            self.bind(target, given | frozenset({("ref", CHANGED)}), scope)


def _binding(scope: Scope, name: str) -> Scope:
    outer = scope.parent
    while outer and outer.parent and (outer.kind == "class" or not outer.binds(name)):
        outer = outer.parent
    return outer or scope


def _is_main(node: ast.stmt) -> bool:
    """Whether this is what a file does only where it is run as the main program."""
    match node:
        case ast.If(test=ast.Compare(left=ast.Name(id="__name__"), comparators=[ast.Constant(value="__main__")])):
            return True
        case _:
            return False


def _held_by(target: ast.AST) -> list[str]:
    """The name, or the attribute, that an assignment is to."""
    match target:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return [name]
        case _:
            return []


def _bases(tree: ast.AST) -> Iterator[str]:
    """The names of classes that others are derived from."""
    for node in ast.walk(tree):
        for base in node.bases if isinstance(node, ast.ClassDef) else ():
            yield from _held_by(base)


def _growing(tree: ast.AST) -> Iterator[str]:
    """The names and attributes of lists that something is put into."""
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(value=owner, attr=attr) if attr in _PUTTING:
                yield from _held_by(owner)
            case ast.AugAssign(target=target):
                yield from _held_by(target)
            case ast.Subscript(value=owner, ctx=ast.Store()):
                yield from _held_by(owner)
            case _:
                pass


def _names(target: ast.AST) -> list[str]:
    """The names that an assignment to this target gives something else to hold."""
    if isinstance(target, ast.Name):
        return [target.id]
    parts = target.elts if isinstance(target, ast.Tuple | ast.List) else []
    return [name for one in parts for name in _names(one)]
