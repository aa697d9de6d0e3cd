"""A program as the editor sees it: its text, its syntax tree, and the expressions that may be edited."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate, pairwise
from typing import NamedTuple, cast

from programs import MAX_CHARS

_SEALED = (ast.JoinedStr, ast.Starred, ast.NamedExpr, ast.Yield, ast.YieldFrom, ast.Await, ast.Slice)
"""Expressions that are left alone as a whole: their parts have no reliable place in the text, or only work where they are."""

_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.GeneratorExp, ast.DictComp)
_STATIC = (ast.ClassDef, ast.AsyncFunctionDef, ast.ImportFrom, ast.Global, ast.Nonlocal)
"""Statements without expressions to edit."""


class Spot(NamedTuple):
    """An expression that may be replaced: where it is (in bytes), and the names bound in the innermost scope around it."""

    node: ast.expr
    start: int
    end: int
    names: tuple[str, ...]


@dataclass(frozen=True)
class Block:
    """Two or more statements in a row that stand on lines of their own, as spans of bytes with whole lines."""

    spans: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Source:
    """A parsed program."""

    raw: bytes
    tree: ast.Module
    spots: tuple[Spot, ...]
    iterables: tuple[Spot, ...]
    """Spots within what a loop or a comprehension runs over: the plumbing of a program, where most edits only break it."""
    blocks: tuple[Block, ...]
    modules: tuple[str, ...]
    """Names under which modules are imported as a whole, as `alias=module`."""
    lines: tuple[int, ...]
    """Where each line starts, in bytes."""
    functions: frozenset[str]
    """Names of the functions defined at the top."""

    @property
    def text(self) -> str:
        return self.raw.decode()

    def span(self, node: ast.expr) -> tuple[int, int]:
        """Where an expression stands, in bytes."""
        last = self.lines[(node.end_lineno or node.lineno) - 1] + (node.end_col_offset or 0)
        return self.lines[node.lineno - 1] + node.col_offset, last

    def piece(self, spot: Spot) -> str:
        """The text of an expression, in parentheses unless it binds tightly."""
        text = self.raw[spot.start : spot.end].decode()
        return text if isinstance(spot.node, _TIGHT) else f"({text})"


_TIGHT = (
    ast.Name,
    ast.Constant,
    ast.Call,
    ast.Subscript,
    ast.Attribute,
    ast.List,
    ast.Dict,
    ast.ListComp,
    ast.DictComp,
)


_HUGE_NUMBER = re.compile(r"(?<![0-9a-fA-F_])[0-9a-fA-F_]{3000}")


@lru_cache(maxsize=512)
def parse(text: str) -> Source | None:
    """The program in `text`, or None when it is not Python, or holds a number that Python reads but does not write."""
    if len(text) > MAX_CHARS or _HUGE_NUMBER.search(text):
        return None
    try:
        tree = ast.parse(text)
        raw = text.encode()
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    return _Reader(raw, tree).read()


class _Reader:
    """Walks a syntax tree once and notes what can be edited."""

    def __init__(self, raw: bytes, tree: ast.Module) -> None:
        self.raw = raw
        self.tree = tree
        self.lines = (0, *accumulate(len(one) + 1 for one in raw.split(b"\n")))
        self.spots: list[Spot] = []
        self.iterables: list[Spot] = []
        self.blocks: list[Block] = []
        self.modules: list[str] = []

    def read(self) -> Source:
        self.body(self.tree.body, ())
        functions = frozenset(n.name for n in self.tree.body if isinstance(n, ast.FunctionDef))
        return Source(
            self.raw,
            self.tree,
            tuple(self.spots),
            tuple(self.iterables),
            tuple(self.blocks),
            tuple(self.modules),
            self.lines,
            functions,
        )

    def body(self, statements: list[ast.stmt], names: tuple[str, ...]) -> None:
        for statement in statements:
            self.statement(statement, names)
        if len(statements) > 1 and names:
            spans = tuple(self.rows(one) for one in statements)
            if all(a[1] <= b[0] for a, b in pairwise(spans)):
                self.blocks.append(Block(spans))

    def statement(self, node: ast.stmt, names: tuple[str, ...]) -> None:
        if isinstance(node, ast.FunctionDef):
            self.body(node.body, _bound(node))
        elif isinstance(node, ast.Import):
            self.modules += [f"{one.asname or one.name}={one.name}" for one in node.names]
        elif not isinstance(node, _STATIC) and not (
            isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        ):
            self.parts(node, names)

    def parts(self, node: ast.AST, names: tuple[str, ...]) -> None:
        for field, value in ast.iter_fields(node):
            if field == "iter":
                self.iterable(value, names)
            elif isinstance(value, ast.expr):
                self.expression(value, names)
            elif isinstance(value, list):
                self.several(cast("list[ast.AST]", value), names)

    def several(self, values: list[ast.AST], names: tuple[str, ...]) -> None:
        self.body([one for one in values if isinstance(one, ast.stmt)], names)
        for one in values:
            if isinstance(one, ast.expr):
                self.expression(one, names)
            elif isinstance(one, ast.keyword):
                self.expression(one.value, names)
            elif isinstance(one, ast.excepthandler):
                self.parts(one, names)

    def expression(self, node: ast.expr, names: tuple[str, ...]) -> None:
        if isinstance(node, _SEALED) or not isinstance(getattr(node, "ctx", ast.Load()), ast.Load):
            return
        if isinstance(node, _COMPREHENSIONS):
            self.comprehension(node, names)
            return
        self.spots.append(Spot(node, self.at(node.lineno, node.col_offset), self.end(node), names))
        if isinstance(node, ast.Name | ast.Constant):
            return
        if isinstance(node, ast.Call):
            self.several([*node.args, *node.keywords], names)
            if isinstance(node.func, ast.Attribute):
                self.parts(node.func.value, names)
        elif isinstance(node, ast.Lambda):
            self.expression(node.body, tuple(one.arg for one in node.args.args) or names)
        elif isinstance(node, ast.Attribute):
            self.parts(node.value, names)
        else:
            self.parts(node, names)

    def iterable(self, node: ast.expr, names: tuple[str, ...]) -> None:
        before = len(self.spots)
        self.expression(node, names)
        self.iterables += self.spots[before:]
        del self.spots[before:]

    def comprehension(
        self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp, names: tuple[str, ...]
    ) -> None:
        inner = tuple(n.id for g in node.generators for n in ast.walk(g.target) if isinstance(n, ast.Name))
        self.iterable(node.generators[0].iter, names)
        heads = [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]
        for part in (*heads, *(test for g in node.generators for test in g.ifs)):
            self.expression(part, inner)

    def at(self, line: int, column: int) -> int:
        return self.lines[line - 1] + column

    def end(self, node: ast.expr | ast.stmt) -> int:
        return self.at(node.end_lineno or node.lineno, node.end_col_offset or node.col_offset)

    def rows(self, node: ast.stmt) -> tuple[int, int]:
        return self.lines[node.lineno - 1], min(self.lines[node.end_lineno or node.lineno], len(self.raw))


def _bound(function: ast.FunctionDef) -> tuple[str, ...]:
    """Names of a function's parameters and of what it assigns, each once, in order."""
    names = [one.arg for one in (*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs)]
    for statement in function.body:
        targets = statement.targets if isinstance(statement, ast.Assign) else []
        names += [one.id for one in targets if isinstance(one, ast.Name)]
    return tuple(dict.fromkeys(names))
