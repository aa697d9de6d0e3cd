"""Tool: the built-in model at work, a seeded program editor (`models/offline.py` says what it is).

Solutions get generic edits of their syntax tree (`edits.py`) or, where they hold a table of numbers, edits of these
(`tables.py`). Improvers have their parts recombined (`improvers.py`, `parts.py`).
"""

from __future__ import annotations

import random

from editor import edits, improvers, tables
from editor.heeded import Told, told
from editor.improvers import random_improver
from editor.reading import Shown, newest, read
from editor.replacing import asks_blocks, blocks

__all__ = ["answer", "redrawn"]


def answer(knowing: bool, message: str, temperature: float, address: str) -> str:
    """The answer to a message, decided by all that is given; `knowing`: with knowledge of improvers, tables and words."""
    rng = random.Random(address)
    try:
        shown = read(message)
        if shown is None:
            return "I see no program to improve."
        if asks_blocks(message):
            return _replacing(knowing, newest(shown), told(message), temperature, rng)
        idea, text = _edited(knowing, shown, told(message), temperature, rng)
        return f"Idea: {idea}.\n\n```python\n{text.rstrip()}\n```\n"
    except RecursionError:
        return "The program is nested too deeply for me to edit."


def _replacing(knowing: bool, shown: Shown, said: Told, temperature: float, rng: random.Random) -> str:
    """The edit as blocks of what is to be found, and by what replaced; of a program in marks what stands outside is kept."""
    idea, text = _edited(knowing, shown, said, temperature, rng)
    found = blocks(shown.base, text)
    return f"Idea: {idea}.\n\n{found}\n" if found else f"Idea: {idea}, which changes nothing.\n"


def _edited(knowing: bool, shown: Shown, said: Told, temperature: float, rng: random.Random) -> tuple[str, str]:
    edit = None
    if knowing:
        edit = improvers.edited(shown.base, shown.others, temperature, rng)
        edit = edit or tables.edited(shown.base, shown.others, said, temperature, rng)
    return edit or edits.edited(shown.base, shown.others, temperature, rng)


def redrawn(improver: str, seed: int) -> str:
    """An improver with its parts redrawn at random (`random_improver`), decided by the seed."""
    return random_improver(improver, random.Random(seed))
