"""Whether a generated text is a program. The runner asks before it runs one; for other texts it serves as a tool.

It reads what somebody else has written, so on the host it is for trusted texts alone.
"""

from __future__ import annotations

import ast
import re

MAX_CHARS = 100_000
UNAPPLIED = "# No program: "
"""What a text begins with that stands for edits which could not be applied: the reason follows."""
OPEN = re.compile(r"[ \t]{0,12}(?:(<{5,12})|-{5,12})[ \t]{0,4}(?:SEARCH|ORIGINAL|HEAD)\b", re.IGNORECASE)
"""How a line begins that begins an edit."""


def refused(text: str) -> str | None:
    """Why a text is no program in any language: edits that could not be applied, or that nobody has applied; else None."""
    if text.startswith(UNAPPLIED):
        return text[len(UNAPPLIED) :].split("\n", 1)[0]
    return "it is edits of a program: give the program after them" if OPEN.match(text[:200].lstrip()) else None


def defect(text: str, entry: str) -> str | None:
    """Why `text` is no program that defines the function `entry`, in one line; None when it is one.

    Only the syntax is looked at; nothing is run. A mark of byte order at the start is no defect.
    """
    text = text.removeprefix("\ufeff")
    if not text.strip():
        return "an empty text"
    if (edits := refused(text)) is not None:
        return edits
    if len(text) > MAX_CHARS:
        return f"longer than {MAX_CHARS:,} characters"
    try:
        text.encode("utf-8")
        tree = ast.parse(text)
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
