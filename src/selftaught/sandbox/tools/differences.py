"""Tool: the differences of two programs. Its time grows as the square of their lines, and faster where these repeat."""

from __future__ import annotations

import difflib


def unified(old: str, new: str, before: str, after: str) -> str:
    """A unified diff of two texts, which are called `before` and `after` in it."""
    lines = difflib.unified_diff(old.splitlines(), new.splitlines(), before, after, lineterm="")
    return "\n".join(lines)
