"""Which strategies an improver's program shows, each told by one rule over the `Flow` of the program.

Runs in the jail, since what it reads was generated: a text that is hard to parse, or to follow, ends a process there.
"""

from __future__ import annotations

import ast
import itertools
from collections.abc import Callable, Iterator, Sequence, Set
from functools import cached_property

from flow import FOLDING, Flow, called
from programs import defect

_LOOPS = (ast.For, ast.While)
_HANDING_OUT = ("map", "submit", "starmap", "imap", "imap_unordered", "apply_async", "Thread", "Process")


class _Improver:
    """An improver's program with the places that rules ask for."""

    def __init__(self, tree: ast.Module) -> None:
        self.flow = Flow(tree)
        self.nodes = list(ast.walk(self.flow.tree))
        self.calls = [node for node in self.nodes if isinstance(node, ast.Call)]
        self.asks = {call for call in self.calls if "ask" in self.flow.of(call.func)}
        self.scorings = {call for call in self.calls if self.scores(call)}

    def scores(self, call: ast.Call) -> bool:
        """Whether a call scores solutions itself, or hands the utility to a function that does (`max(…, key=utility)`)."""
        if called(call) in self.flow.functions:
            return False
        given = [call.func, *call.args, *(keyword.value for keyword in call.keywords)]
        return any("utility" in self.flow.of(one) for one in given)

    @cached_property
    def shown(self) -> set[str]:
        """The roles of all that the model is shown."""
        return set[str]().union(*(self.flow.of(part) for ask in self.asks for part in (*ask.args, *ask.keywords)))

    def functions_with(self, calls: Set[ast.Call]) -> set[str]:
        """The program's functions in which one of these calls is made, directly or through another function."""
        found: set[str] = set()
        while True:
            more = {
                name
                for name, function in self.flow.functions.items()
                if any(
                    isinstance(node, ast.Call) and (node in calls or called(node) in found)
                    for node in ast.walk(function)
                )
            }
            if more == found:
                return found
            found = more

    @cached_property
    def askers(self) -> set[str]:
        """The functions in which the model is asked, by name."""
        return self.functions_with(self.asks)

    def reaches(self, node: ast.AST) -> bool:
        """Whether the model is asked within `node`, directly or through a function called there."""
        calls = (one for one in ast.walk(node) if isinstance(one, ast.Call))
        return any(call in self.asks or called(call) in self.askers for call in calls)

    @cached_property
    def recursive(self) -> bool:
        """Whether a function that asks the model calls itself."""
        functions = ((name, function) for name, function in self.flow.functions.items() if name in self.askers)
        return any(called(one) == name for name, f in functions for one in ast.walk(f) if isinstance(one, ast.Call))

    @cached_property
    def folds(self) -> bool:
        """Whether a function that asks the model is handed to one that calls it again with what it made."""
        folding = (call for call in self.calls if called(call) in FOLDING)
        return any(isinstance(one, ast.Name) and one.id in self.askers for call in folding for one in call.args)

    def above(self, node: ast.AST) -> Iterator[ast.AST]:
        """The nodes around `node`, innermost first."""
        while node in self.flow.parents:
            node = self.flow.parents[node]
            yield node

    def conditions(self) -> Iterator[tuple[ast.expr, Sequence[ast.AST], Sequence[ast.AST]]]:
        """Every condition with what is done if it holds and if not."""
        for node in self.nodes:
            if isinstance(node, ast.If):
                yield node.test, node.body, node.orelse
            elif isinstance(node, ast.IfExp):
                yield node.test, [node.body], [node.orelse]


def _iterative(it: _Improver) -> bool:
    loops = (node for node in it.nodes if isinstance(node, _LOOPS) and it.reaches(node))
    return "solution" in it.shown and (it.recursive or it.folds or any(loops))


def _sampling(it: _Improver) -> bool:
    return bool(it.asks and it.scorings) and not _iterative(it)


def _unscored(it: _Improver) -> bool:
    return bool(it.asks) and not it.scorings


def _beam(it: _Improver) -> bool:
    return "top" in it.shown and _iterative(it) and not (_genetic(it) or _tree(it))


def _genetic(it: _Improver) -> bool:
    return _crossover(it) and bool(it.shown & {"drawn", "top", "ranked"})


def _crossover(it: _Improver) -> bool:
    return _iterative(it) and not _part_by_part(it) and any(_shows_several(it, node) for node in it.nodes)


def _shows_several(it: _Improver, node: ast.AST) -> bool:
    """Whether a text is put together from two different solutions, or from each of several."""
    match node:
        case ast.JoinedStr(values=values):
            parts: list[ast.AST] = [one.value for one in values if isinstance(one, ast.FormattedValue)]
        case ast.BinOp(left=ast.Constant(value=str()), op=ast.Mod(), right=ast.Tuple(elts=values)):
            parts = [*values]
        case ast.Call(func=ast.Attribute(attr="format"), args=values, keywords=named):
            parts = [*values, *(one.value for one in named)]
        case ast.Call(func=ast.Attribute(attr="join"), args=[ast.List(elts=values) | ast.Tuple(elts=values)]):
            parts = [*values]
        case ast.BinOp(op=ast.Add()):
            summed = list(_summed(node))
            parts = [*summed] if any(map(_is_text, summed)) else []
        case ast.Call(func=ast.Attribute(attr="join"), args=[ast.GeneratorExp() | ast.ListComp() as made]):
            source = made.generators[0].iter
            parts = [*source.elts] if isinstance(source, ast.Tuple | ast.List) else []
            if "solution" in it.flow.of(made.elt) and "top" in it.flow.of(source):
                return True
        case _:
            return False
    # A hint that was chosen by the scores of solutions is none itself.
    return len({ast.unparse(one) for one in parts if {"solution", "texts"} & it.flow.of(one) == {"solution"}}) > 1


def _summed(node: ast.AST) -> Iterator[ast.AST]:
    """What a chain of `+` adds up."""
    match node:
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            yield from _summed(left)
            yield from _summed(right)
        case _:
            yield node


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))


def _annealing(it: _Improver) -> bool:
    return any({"random", "exp"} <= it.flow.of(node) for node in it.nodes if isinstance(node, ast.Compare))


def _ucb(it: _Improver) -> bool:
    return any("ucb" in it.flow.of(node) for node in it.nodes if isinstance(node, ast.Call | ast.BinOp))


def _bandit(it: _Improver) -> bool:
    return any({"texts", "tally"} <= it.flow.of(part) for ask in it.asks for part in ask.args)


def _hints(it: _Improver) -> bool:
    return "texts" in it.shown and not _bandit(it)


def _epsilon_greedy(it: _Improver) -> bool:
    for test, then, otherwise in it.conditions():
        roles = it.flow.of(test)
        if "random" in roles and "exp" not in roles and _draws(then) != _draws(otherwise):
            return True
    return False


def _draws(nodes: Sequence[ast.AST]) -> bool:
    """Whether something is chosen at random here."""
    names = ("choice", "choices", "sample", "randrange", "randint", "integers")
    return any(isinstance(one, ast.Call) and called(one) in names for node in nodes for one in ast.walk(node))


def _tree(it: _Improver) -> bool:
    return it.recursive or "frontier" in it.shown or any(_descends(it, n) or _picks_unexpanded(it, n) for n in it.nodes)


def _descends(it: _Improver, node: ast.AST) -> bool:
    """A step from a node to one of its children: `node = … node.children …`, where children are appended somewhere."""
    if not (isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)):
        return False
    links = {
        one.attr
        for one in ast.walk(node.value)
        if isinstance(one, ast.Attribute) and ast.unparse(one.value) == node.targets[0].id
    }
    grown = {
        call.func.value.attr
        for call in it.calls
        if called(call) == "append"
        and isinstance(call.func, ast.Attribute)
        and isinstance(call.func.value, ast.Attribute)
    }
    return bool(links & grown)


def _picks_unexpanded(it: _Improver, node: ast.AST) -> bool:
    """A choice among solutions already scored, of those that are not in a second collection."""
    if not isinstance(node, ast.comprehension) or "score" not in it.flow.of(node.iter):
        return False
    tests = (test for test in node.ifs if isinstance(test, ast.Compare) and isinstance(test.ops[0], ast.NotIn))
    return any(ast.unparse(test.comparators[0]) != ast.unparse(node.iter) for test in tests)


def _part_by_part(it: _Improver) -> bool:
    return "part" in it.shown


def _temperature(it: _Improver) -> bool:
    given = [one for ask in it.asks if (one := _temperature_of(ask)) is not None]
    return len({ast.unparse(one) for one in given}) > 1 or any(_varies(it.flow, one, frozenset()) for one in given)


def _temperature_of(ask: ast.Call) -> ast.expr | None:
    named = [keyword.value for keyword in ask.keywords if keyword.arg == "temperature"]
    place = 2 if called(ask) == "batch_prompt" else 3
    return next(iter(named or ask.args[place : place + 1]), None)


def _varies(flow: Flow, node: ast.AST, seen: frozenset[str]) -> bool:
    """Whether an expression may have more than one value in a run."""
    if flow.of(node) & {"random", "drawn"}:
        return True
    if isinstance(node, ast.IfExp | ast.GeneratorExp | ast.ListComp):
        return True
    if isinstance(node, ast.Name | ast.Attribute):
        name = node.id if isinstance(node, ast.Name) else node.attr
        values = [value for bound, value in flow.bindings if bound == name and isinstance(value, ast.AST)]
        if name in seen or len({ast.unparse(value) for value in values}) > 1:
            return True
        looped = any(isinstance(flow.parents.get(value), ast.For | ast.comprehension) for value in values)
        return looped or any(_varies(flow, value, seen | {name}) for value in values)
    return any(_varies(flow, child, seen) for child in ast.iter_child_nodes(node))


def _cache(it: _Improver) -> bool:
    remembered = {name for name in it.functions_with(it.scorings) if _is_memoised(it.flow.functions[name])}
    return bool(remembered) or any(_looks_up(it, node) for node in it.nodes)


def _is_memoised(function: ast.FunctionDef | ast.Lambda) -> bool:
    decorators = function.decorator_list if isinstance(function, ast.FunctionDef) else []
    return any("cache" in ast.unparse(one) for one in decorators)


def _looks_up(it: _Improver, node: ast.AST) -> bool:
    """A solution looked for among the scores: `s in scores`, `scores.get(s)` (with a default it is no question), or
    `scores[s]` where its absence is caught."""
    match node:
        case ast.Compare(left=key, ops=[ast.In() | ast.NotIn()], comparators=[table]):
            pass
        case ast.Call(func=ast.Attribute(attr="get", value=table), args=[key]):
            pass
        case ast.Subscript(value=table, slice=key, ctx=ast.Load()) if _absence_is_caught(it, node):
            pass
        case _:
            return False
    return "score" in it.flow.of(table) and bool(it.flow.of(key) & {"solution", "start"})


def _absence_is_caught(it: _Improver, node: ast.AST) -> bool:
    """Whether `node` is tried, and a missing key caught there."""
    path = [node, *it.above(node)]
    return any(
        isinstance(outer, ast.Try)
        and inner in outer.body
        and any("KeyError" in ast.unparse(one.type) for one in outer.handlers if one.type)
        for inner, outer in itertools.pairwise(path)
    )


def _early_stop(it: _Improver) -> bool:
    return any(isinstance(n, ast.While) and it.reaches(n) and "verdict" in it.flow.of(n.test) for n in it.nodes) or any(
        _leaves(it, node) for node in it.nodes if isinstance(node, ast.Break | ast.Return)
    )


def _leaves(it: _Improver, node: ast.AST) -> bool:
    """Whether `node` leaves a loop that asks the model, because of scores."""
    around = list(it.above(node))
    loops = [one for one in around if isinstance(one, _LOOPS)][: 1 if isinstance(node, ast.Break) else None]
    if not any(map(it.reaches, loops)):
        return False
    inside = around[: around.index(loops[0])]
    return any("verdict" in it.flow.of(one.test) for one in inside if isinstance(one, ast.If))


def _parallel_scoring(it: _Improver) -> bool:
    scoring = it.functions_with(it.scorings)
    for call in it.calls:
        if isinstance(call.func, ast.Attribute) and called(call) == "map" and it.scores(call):
            return True
        outside = isinstance(call.func, ast.Attribute) or called(call) in ("Thread", "Process")
        if outside and called(call) in _HANDING_OUT:
            given = [*call.args, *(keyword.value for keyword in call.keywords)]
            if any("utility" in it.flow.of(one) or ast.unparse(one).split(".")[-1] in scoring for one in given):
                return True
    return False


def _feedback(it: _Improver) -> bool:
    return any("feedback" in it.flow.of(call.func) for call in it.calls)


_RULES: dict[str, Callable[[_Improver], bool]] = {
    "unscored": _unscored,
    "sampling": _sampling,
    "iterative": _iterative,
    "beam": _beam,
    "crossover": _crossover,
    "genetic": _genetic,
    "annealing": _annealing,
    "ucb": _ucb,
    "bandit": _bandit,
    "epsilon-greedy": _epsilon_greedy,
    "tree": _tree,
    "part-by-part": _part_by_part,
    "hints": _hints,
    "temperature": _temperature,
    "cache": _cache,
    "early-stop": _early_stop,
    "parallel-scoring": _parallel_scoring,
    "feedback": _feedback,
}


def named(text: str) -> list[str]:
    """The names of the strategies that this program shows; none when it is no program."""
    if defect(text, "improve_algorithm"):
        return []
    improver = _Improver(ast.parse(text.removeprefix("\ufeff")))
    return [name for name, rule in _RULES.items() if rule(improver)]
