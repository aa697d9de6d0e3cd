"""What commands say beside documents: lines, programs, rows; all through the one door of `views.terminal`."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from selftaught.views.terminal import clean, write

if TYPE_CHECKING:
    from selftaught.program import Program


def line(text: str) -> str:
    """The text, cleaned, as one line."""
    return clean(" ".join(text.split()))


def sentence(text: str) -> str:
    """The text with a capital letter."""
    return text[:1].upper() + text[1:]


def tell(text: str) -> None:
    """Say something about what is done, beside the figures: on standard error."""
    print(f"selftaught: {clean(text)}", file=sys.stderr)


def show_program(program: Program, as_json: bool) -> None:
    """A program alone, so that it can be sent to a file: exact there, cleaned on a terminal."""
    if as_json:
        print(json.dumps({"digest": program.digest, "program": program.text}))
    else:
        write(program.text)


def show_rows(rows: Sequence[Mapping[str, Any]], as_json: bool) -> None:
    """Rows of equal keys, as JSON or as a table."""
    if as_json:
        print(json.dumps(rows))
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False)
    for name in rows[0] if rows else ["nothing here"]:
        table.add_column(name.replace("_", " "), overflow="fold")
    for row in rows:
        table.add_row(*(Text(clean(_word(value))) for value in row.values()))
    Console(emoji=False).print(table)


def _word(value: Any) -> str:
    return {True: "yes", False: "no", None: ""}.get(value, str(value)) if isinstance(value, bool | None) else str(value)
