"""What generated programs may import as `helpers`, inside the sandbox (paper: the module its improvers import).

Standard library only: this file is bound into the jail, where the rest of the package does not exist.
"""

from __future__ import annotations

import ast
import re
import threading
from typing import Any

_FENCE = re.compile(r"^[ \t]*(`{3,}|~{3,})[^`]*$")
"""A line that opens or closes a block, whatever is written behind the mark."""
_GLUED = re.compile(r"^(.*[^\s`~].*?)(`{3,}|~{3,})[ \t]*$", re.MULTILINE)
"""A closing mark at the end of a line of code."""
_MAX_FENCES = 60
_MAX_PARAGRAPHS = 20
_MAX_CHARS = 100_000


class BudgetExhausted(Exception):
    """An allowance does not cover this call. Nothing of the call was done; what was reached before stays valid."""


def extract_code(text: Any) -> Any:
    """The program in a model's answer, its largest fenced block that is Python; for a list of texts, a list.

    Fences may be unlabelled, nested (a program whose strings hold fences), closed at the end of a line of code, or left
    open; a text without any fence counts when it is itself Python that defines or assigns something. The empty string
    means: no code at all.
    """
    if isinstance(text, (list, tuple)):
        texts: list[Any] = [*text]
        return [extract_code(one) for one in texts]
    if not isinstance(text, str) or not text.strip():
        return ""
    text = text.lstrip("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    lines, fences = _fenced(text)
    if not fences:
        return text.strip() + "\n" if _is_program(text) else ""
    return _program(lines, fences) or _program(*_fenced(_GLUED.sub(r"\1\n\2", text))) or _first_block(lines, fences)


def _fenced(text: str) -> tuple[list[str], list[int]]:
    """The lines of a text, and which of them are fences."""
    lines = text.split("\n")
    return lines, [i for i, line in enumerate(lines) if _FENCE.match(line)][:_MAX_FENCES]


def _program(lines: list[str], fences: list[int]) -> str:
    """The largest block that is Python; empty when none is."""
    for _, first, last in _spans(lines, fences):
        block = _dedent(lines[first:last])
        if _is_program(block):
            return block
    return ""


def _spans(lines: list[str], fences: list[int]) -> list[tuple[int, int, int]]:
    """Every pair of an opening fence and a later end, longest first.

    The end of the text may close the last fence, and so may an empty line, for prose may follow a block left open.
    """
    gaps = [i for i in range(fences[-1] + 1, len(lines)) if not lines[i].strip()][-_MAX_PARAGRAPHS:]
    spans: list[tuple[int, int, int]] = []
    for opening in fences:
        for end in (*fences, *gaps, len(lines)):
            size = sum(map(len, lines[opening + 1 : end]))
            if opening < end and size <= _MAX_CHARS:
                spans.append((size, opening + 1, end))
    return sorted(spans, key=lambda span: (-span[0], span[1]))


def _first_block(lines: list[str], fences: list[int]) -> str:
    """No block is Python: the largest between neighbouring fences, broken as it is, so that its error can be seen."""
    ends = [*fences[1:], len(lines)]
    blocks = [_dedent(lines[a + 1 : b]) for a, b in zip(fences, ends, strict=True)][::2]
    return max(blocks, key=len)


def _dedent(lines: list[str]) -> str:
    """The lines as a text, without the indentation that all of them share (a block inside a list of points)."""
    margins = [len(line) - len(line.lstrip(" ")) for line in lines if line.strip()]
    cut = min(margins, default=0)
    return "\n".join(line[cut:] if line.strip() else "" for line in lines).strip("\n") + "\n"


_parser = threading.Lock()
"""Some versions of CPython fail at random when threads build syntax trees at once (cpython issue 106905)."""


def _tree(text: str) -> ast.Module | None:
    try:
        with _parser:
            return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _is_program(text: str) -> bool:
    """Python that defines, assigns or imports something: a line of prose may well parse, but it does neither."""
    if len(text) > _MAX_CHARS:
        return False
    tree = _tree(text)
    programs = (ast.FunctionDef, ast.ClassDef, ast.Assign, ast.Import, ast.ImportFrom)
    return tree is not None and any(isinstance(node, programs) for node in ast.walk(tree))
