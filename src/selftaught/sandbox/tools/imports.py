"""Tool: what a Python file imports, and what it says of itself."""

from __future__ import annotations

import ast
from collections.abc import Iterator


def imported(text: str) -> list[list[str]]:
    """The modules that a program cannot do without, and those that it may do without; none where it does not parse.

    It cannot do without what it imports at its top, outside of `try` and `if`. Modules beside it by relative name are left out.
    """
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return [[], []]
    sure = dict.fromkeys(name for node in tree.body for name in _named(node))
    maybe = dict.fromkeys(name for node in ast.walk(tree) for name in _named(node) if name not in sure)
    return [[*sure], [*maybe]]


def described(text: str) -> str:
    """The docstrings of an evaluator and of its function `evaluate`; empty where it has none."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ""
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    nodes = [tree, *(one for one in functions if one.name == "evaluate")]
    return "\n\n".join(said for node in nodes if (said := ast.get_docstring(node)))


def _named(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
        yield node.module
