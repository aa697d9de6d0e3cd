"""What flows where in an improver's program: for every name, what kinds of things it may hold.

A name's *roles* are found from the syntax tree alone, by following assignments, loops, arguments and returned values until
nothing changes. What a thing is called plays no part, except for the interface of the paper (`prompt`, `batch_prompt`,
`map`, `feedback`, `extract_code`) and the names of Python's own functions. Names are not told apart by scope.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from typing import TypeAlias

Roles: TypeAlias = set[str]
Function: TypeAlias = ast.FunctionDef | ast.Lambda

ENTRY = ("start", "utility", "model")
"""Roles of the parameters of `improve_algorithm`, by position."""
_MADE_BY_CALL = {
    **dict.fromkeys(("random", "rand", "uniform"), "random"),
    **dict.fromkeys(("choice", "choices", "sample", "shuffle", "randrange", "randint", "integers"), "drawn"),
    **dict.fromkeys(("sorted", "argsort"), "ranked"),
    **dict.fromkeys(("nlargest", "nsmallest"), "top"),
    "heappop": "frontier",
    "log": "log",
}
"""Roles that a call of a function of Python, its standard library or numpy adds to those of its arguments."""
FOLDING = ("reduce", "accumulate")
"""Functions that hand what a function made back to it, as a loop does."""
_SPLITTING = ("split", "findall", "finditer")
_ADDING = ("append", "add", "extend", "insert", "update", "appendleft", "put", "heappush", "shuffle", "sort")


class Flow:
    """The roles of every name in a program, and of every expression built from them."""

    def __init__(self, tree: ast.Module) -> None:
        self.tree = tree
        self.parents = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
        self.functions = dict(_functions(tree))
        self.bindings = list(self._bindings())
        self.early = set(self._before_asking())
        self.names: defaultdict[str, Roles] = defaultdict(set)
        for argument, role in zip(_parameters(self.functions.get("improve_algorithm")), ENTRY, strict=False):
            self.names[argument].add(role)
        while self._spread():
            pass

    def _spread(self) -> bool:
        """One pass over all bindings; whether it changed anything."""
        before = sum(map(len, self.names.values()))
        for name, value in self.bindings:
            roles = value if isinstance(value, set) else self.of(value)
            self.names[name] |= roles - {"solution"} if not isinstance(value, set) and value in self.early else roles
        return sum(map(len, self.names.values())) > before

    # --- expressions ------------------------------------------------------------------------------------------------

    def of(self, node: ast.AST) -> Roles:
        """The roles of an expression: in general those of everything it is made of."""
        match node:
            case ast.Name():
                return set(self.names[node.id])
            case ast.Attribute():
                return self._attribute(node)
            case ast.Subscript():
                return self._item(node)
            case ast.Call():
                return self._call(node)
            case ast.Lambda():
                return self.of(node.body)
            case ast.Compare():
                return self._comparison(node)
            case ast.BinOp(op=ast.Pow()):
                return self._power(node)
            case ast.List() | ast.Tuple() | ast.Dict() if _is_choice_of_texts(node):
                return {"texts"}
            case _:
                return self._union(ast.iter_child_nodes(node))

    def _union(self, nodes: Iterator[ast.AST]) -> Roles:
        return set[str]().union(*map(self.of, nodes))

    def _attribute(self, node: ast.Attribute) -> Roles:
        owner = self.of(node.value)
        if node.attr in ("prompt", "batch_prompt"):
            return {"ask"}
        if node.attr in ("str", "budget", "max_responses_per_call") and owner & {"utility", "model"}:
            return set()
        if "utility" in owner and node.attr in ("map", "__call__"):
            return {"utility"}
        if "utility" in owner and node.attr == "feedback":
            return {"feedback"}
        if "tree" in owner and node.attr == "body":
            return owner | {"part"} | self.names[node.attr]
        return (owner - {"utility", "model"}) | self.names[node.attr]

    def _item(self, node: ast.Subscript) -> Roles:
        """An item of a container. Looked up by a solution, it is what is known of that solution, not a solution."""
        container, index = self.of(node.value), self.of(node.slice)
        if isinstance(node.slice, ast.Slice):
            return container | index | ({"top"} if "ranked" in container and _is_end(node.slice) else set())
        if index & {"solution", "start"}:
            return (container - {"solution", "start"}) | (index & {"drawn"})
        return (container - {"ranked"}) | index

    def _call(self, node: ast.Call) -> Roles:
        callee, name = self.of(node.func), called(node)
        inputs = self._union(iter([*node.args, *(keyword.value for keyword in node.keywords)]))
        if "ask" in callee:
            return {"solution"}
        if "utility" in callee and name not in self.functions:
            return {"score"}
        if "feedback" in callee:
            return {"told"}
        if name == "len":
            return set()
        if name in self.functions:
            return set(self.names[f"{name}()"])
        if isinstance(node.func, ast.Attribute):
            inputs |= self.of(node.func.value) - {"utility", "model"}
        if "utility" in inputs and name != "partial":
            inputs = (inputs - {"utility"}) | {"score"}
        return inputs | self._made(node, name, inputs)

    def _made(self, node: ast.Call, name: str, inputs: Roles) -> Roles:
        """What a function from outside the program makes of its arguments, beyond their own roles."""
        if name == "exp" and "score" in inputs:
            return {"exp"}
        if name == "sqrt" and "log" in inputs:
            return {"ucb"}
        if name == "parse" and inputs & {"solution", "start"}:
            return {"tree"}
        if name in ("walk", "iter_child_nodes") and "tree" in inputs:
            return {"part"}
        if name in _SPLITTING and inputs & {"solution", "start"} and _mentions(node, "def"):
            return {"part"}
        return {_MADE_BY_CALL[name]} if name in _MADE_BY_CALL else set()

    def _comparison(self, node: ast.Compare) -> Roles:
        """A comparison is no solution; one that depends on scores, or on what was counted under one, is a verdict."""
        found = self._union(ast.iter_child_nodes(node)) - {"solution", "start"}
        membership = isinstance(node.ops[0], ast.In | ast.NotIn | ast.Is | ast.IsNot)
        return found | {"verdict"} if found & {"score", "count"} and not membership else found

    def _power(self, node: ast.BinOp) -> Roles:
        found = self.of(node.left) | self.of(node.right)
        if ast.unparse(node.left).split(".")[-1] in ("e", "2.718281828") and "score" in found:
            return found | {"exp"}
        return found | {"ucb"} if ast.unparse(node.right) in ("0.5", "1 / 2") and "log" in found else found

    # --- bindings ---------------------------------------------------------------------------------------------------

    def _bindings(self) -> Iterator[tuple[str, ast.AST | Roles]]:
        """Every (name, expression or roles) by which a name may come to hold something."""
        for node in ast.walk(self.tree):
            match node:
                case ast.Assign():
                    for target in node.targets:
                        yield from _pairs(target, node.value)
                case ast.AnnAssign(value=ast.expr() as value) | ast.NamedExpr(value=value):
                    yield from _pairs(node.target, value)
                case ast.AugAssign():
                    yield from self._counted(node)
                case ast.For() | ast.comprehension():
                    yield from _pairs(node.target, node.iter)
                case ast.Call():
                    yield from self._passed(node)
                case ast.Delete(targets=[ast.Subscript(slice=ast.Slice()) as target]):
                    yield from ((name, {"top"}) for name in _held(target) if self._is_sorted(name))
                case ast.FunctionDef() | ast.Lambda():
                    yield from self._returned(node)
                case _:
                    pass

    def _before_asking(self) -> Iterator[ast.AST]:
        """Values that `improve_algorithm` assigns before its text first mentions asking: no answer is in them yet."""
        entry = self.functions.get("improve_algorithm")
        nodes = list(ast.walk(entry)) if entry else []
        asks = (n.lineno for n in nodes if isinstance(n, ast.Attribute) and n.attr in ("prompt", "batch_prompt"))
        first = min(asks, default=0)
        for node in nodes:
            if isinstance(node, ast.Assign) and (node.end_lineno or first) < first and self.parents[node] is entry:
                yield node.value

    def _counted(self, node: ast.AugAssign) -> Iterator[tuple[str, ast.AST | Roles]]:
        """Counting: an entry of a table makes the table a tally, a number under a verdict makes it a count."""
        yield from _pairs(node.target, node.value)
        for name in _held(node.target):
            if not isinstance(node.target, ast.Name):
                yield name, {"tally"}
            elif self._under_condition(node):
                yield name, {"count"}

    def _under_condition(self, node: ast.AST) -> bool:
        """Whether a comparison decides if `node` is reached."""
        above = self.parents.get(node)
        return isinstance(above, ast.If) and isinstance(above.test, ast.Compare)

    def _is_sorted(self, name: str) -> bool:
        calls = (node for node in ast.walk(self.tree) if isinstance(node, ast.Call) and called(node) == "sort")
        return any(isinstance(call.func, ast.Attribute) and name in _held(call.func.value) for call in calls)

    def _passed(self, node: ast.Call) -> Iterator[tuple[str, ast.AST | Roles]]:
        """Arguments to parameters of the program's own functions, and things put into containers."""
        name = called(node)
        parameters = _parameters(self.functions.get(name))
        yield from zip(parameters, node.args, strict=False)
        yield from ((keyword.arg, keyword.value) for keyword in node.keywords if keyword.arg in parameters)
        if name not in self.functions:
            yield from self._handed_out(node)
            if name in _ADDING:
                yield from _put(node, name)

    def _handed_out(self, node: ast.Call) -> Iterator[tuple[str, ast.AST | Roles]]:
        """A function of the program given to another's function (as a key, to a pool) is called with the other arguments."""
        given = [*node.args, *(keyword.value for keyword in node.keywords)]
        for one in given:
            name = one.id if isinstance(one, ast.Name) else one.attr if isinstance(one, ast.Attribute) else ""
            for parameter in _parameters(self.functions.get(name))[:1]:
                yield from ((parameter, other) for other in given if other is not one)
                if called(node) in FOLDING:
                    yield parameter, ast.Call(one, [], [])

    def _returned(self, function: Function) -> Iterator[tuple[str, ast.AST | Roles]]:
        names = [name for name, one in self.functions.items() if one is function]
        for name in names:
            if isinstance(function, ast.Lambda):
                yield f"{name}()", function.body
                continue
            for node in ast.walk(function):
                if isinstance(node, ast.Return | ast.Yield) and node.value:
                    yield f"{name}()", node.value


def called(node: ast.Call) -> str:
    """The last part of the name of what is called; empty when it has none."""
    match node.func:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case _:
            return ""


def _functions(tree: ast.Module) -> Iterator[tuple[str, Function]]:
    """The program's own functions by name; a class counts as its constructor."""
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef():
                yield node.name, node
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Lambda() as function):
                yield name, function
            case ast.ClassDef():
                constructors = [one for one in node.body if isinstance(one, ast.FunctionDef) and one.name == "__init__"]
                yield node.name, constructors[0] if constructors else _constructor(node)
            case _:
                pass


def _constructor(node: ast.ClassDef) -> ast.FunctionDef:
    """What the constructor of a class that declares fields and writes none (a dataclass) takes: the fields."""
    fields = [one.target.id for one in node.body if isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name)]
    taken = ast.arguments([], [ast.arg(name) for name in ("self", *fields)], kwonlyargs=[], kw_defaults=[], defaults=[])
    return ast.FunctionDef("__init__", taken, [ast.Pass()], [])


def _parameters(function: Function | None) -> list[str]:
    """The names of a function's parameters, without `self`."""
    if function is None:
        return []
    names = [argument.arg for argument in [*function.args.args, *function.args.kwonlyargs]]
    return names[1:] if names[:1] == ["self"] else names


def _pairs(target: ast.AST, value: ast.AST) -> Iterator[tuple[str, ast.AST | Roles]]:
    """The names a target binds, each with the part of the value that it gets, as far as that can be told."""
    match target, value:
        case (ast.Tuple(elts=targets), ast.Tuple(elts=values)) if len(targets) == len(values):
            for one, other in zip(targets, values, strict=True):
                yield from _pairs(one, other)
        case (ast.Tuple(elts=targets), ast.Call(func=ast.Name(id="zip"), args=values)) if len(targets) == len(values):
            for one, other in zip(targets, values, strict=True):
                yield from _pairs(one, other)
        case _:
            for name in _held(target):
                yield name, value
            if isinstance(target, ast.Subscript):
                for name in _held(target):
                    yield name, target.slice


def _put(node: ast.Call, name: str) -> Iterator[tuple[str, ast.AST | Roles]]:
    """What is put into a container by one of its methods, or by a function whose first argument it is."""
    match node:
        case ast.Call(func=ast.Attribute(value=holder), args=given) if name != "heappush":
            pass
        case ast.Call(args=[holder, *given]):
            pass
        case _:
            return
    for held in _held(holder):
        yield from ((held, one) for one in given)
        if name == "sort":
            yield held, {"ranked"}


def _held(target: ast.AST) -> list[str]:
    """The names that hold what is assigned to a target, or put into it."""
    match target:
        case ast.Name(id=name) | ast.Attribute(attr=name) | ast.Subscript(slice=ast.Constant(value=str(name))):
            return [name]
        case ast.Subscript(value=inner) | ast.Starred(value=inner):
            return _held(inner)
        case ast.Tuple(elts=parts) | ast.List(elts=parts):
            return [name for part in parts for name in _held(part)]
        case _:
            return []


def _is_end(cut: ast.Slice) -> bool:
    """Whether a slice takes several items from one end of a list: `[:k]` or `[-k:]`."""
    lower, upper = (ast.unparse(one) if one else "" for one in (cut.lower, cut.upper))
    return (not lower and upper not in ("", "1")) or (not upper and lower.startswith("-") and lower != "-1")


def _is_choice_of_texts(node: ast.List | ast.Tuple | ast.Dict) -> bool:
    values = node.values if isinstance(node, ast.Dict) else node.elts
    return len(values) > 1 and all(isinstance(one, ast.Constant) and isinstance(one.value, str) for one in values)


def _mentions(node: ast.Call, word: str) -> bool:
    constants = (one.value for one in ast.walk(node) if isinstance(one, ast.Constant))
    return any(isinstance(value, str) and word in value for value in constants)
