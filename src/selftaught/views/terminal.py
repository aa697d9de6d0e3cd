"""The one door through which text gets to a terminal: what would command it, hide or turn letters round, is shown instead.

Names, errors, ideas and programs come from models and from programs that models wrote.
"""

from __future__ import annotations

import re
import sys
from typing import TextIO

_COMMANDS = "\x00-\x08\x0b-\x1f\x7f-\x9f"
"""C0 but tab and newline, DEL, C1."""
_TURNS = "\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069"
"""Directions of writing, and separators of lines that are none."""
_HIDDEN = (
    "\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200d\u2060-\u2065\u206a-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0"
    "\ufff0-\uffff\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
"""What no terminal shows: of no width, tags, selectors of variants."""
_HALVES = "\ud800-\udfff"
"""Lone surrogates, which cannot be written."""
_UNSAFE = re.compile(f"[{_COMMANDS}{_TURNS}{_HIDDEN}{_HALVES}]")


def clean(text: str) -> str:
    r"""The text with escapes, as `\x1b` or `\u202e`, in place of characters that are not safe to show."""
    shown = _UNSAFE.sub(lambda found: _escaped(found[0]), text)
    return "".join(c if c in "\n\t" or c.isprintable() else _escaped(c) for c in shown)


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


def write(text: str, end: str = "", to: TextIO | None = None) -> None:
    """Write a text to standard output: cleaned on a terminal, exact in a file or a pipe.

    Exact as far as the encoding goes: what it has no bytes for, lone surrogates for one, becomes an escape.
    """
    stream = to or sys.stdout
    if stream.isatty():
        text = clean(text)
    encoding = stream.encoding or "utf-8"
    stream.write(text.encode(encoding, "backslashreplace").decode(encoding) + end)
