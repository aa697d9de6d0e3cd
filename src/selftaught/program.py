"""A `Program`: the text that is improved. Solutions and improvers are the same kind of thing (paper, section 3)."""

from __future__ import annotations

import ast
import hashlib
import threading
from dataclasses import dataclass
from functools import cached_property

MAX_PROGRAM_CHARS = 100_000
"""Longer texts are refused before they are parsed: deep nesting in a huge text can exhaust a parser."""


@dataclass(frozen=True)
class Program:
    """Source text of a solution or of an improver."""

    text: str

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the text, 64 hexadecimal digits: the program's identity in keys and records."""
        return hashlib.sha256(self.text.encode("utf-8", "surrogatepass")).hexdigest()

    @property
    def name(self) -> str:
        """The first 10 digits of the digest, for people."""
        return self.digest[:10]


_parser = threading.Lock()


def parse(text: str) -> ast.Module:
    """The syntax tree of a text; as `ast.parse`, but safe in threads.

    Some versions of CPython (3.11.2 for one) count the depth of all trees under construction together: threads that parse
    at once see a SystemError, or a RecursionError that is no fault of the text (cpython issue 106905).
    """
    with _parser:
        return ast.parse(text)


def defect(text: object, entry: str) -> str | None:
    """Why `text` is no program that defines the function `entry`, in one line; None when it is one.

    Only the syntax is looked at; nothing is run.
    """
    if not isinstance(text, str):
        return f"not a text but {type(text).__name__}"
    if not text.strip():
        return "an empty text"
    if len(text) > MAX_PROGRAM_CHARS:
        return f"longer than {MAX_PROGRAM_CHARS:,} characters"
    try:
        text.encode("utf-8")
        tree = parse(text)
    except SyntaxError as error:
        return f"syntax error in line {error.lineno or 0}: {error.msg}"
    except (ValueError, RecursionError, MemoryError) as error:
        return f"does not parse: {type(error).__name__}"
    at_top = any(_defines(node, entry) for node in tree.body)
    return None if at_top or any(_defines(node, entry) for node in ast.walk(tree)) else f"does not define {entry}"


def _defines(node: ast.AST, name: str) -> bool:
    """Whether this node gives the name a meaning: a definition, an assignment's target or an import."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return node.name == name
    if isinstance(node, ast.Name):
        return node.id == name and isinstance(node.ctx, ast.Store)
    return isinstance(node, ast.alias) and (node.asname or node.name) == name
