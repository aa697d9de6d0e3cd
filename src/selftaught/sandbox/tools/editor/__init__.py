"""Tool: the built-in model at work, a seeded program editor (`models/offline.py` says what it is).

Solutions get generic edits of their syntax tree (`edits.py`) or, where they hold a table of numbers, edits of these
(`tables.py`). Improvers have their parts recombined (`improvers.py`, `parts.py`).
"""

from __future__ import annotations

import random

from editor import edits, improvers, tables
from editor.heeded import Told, told
from editor.improvers import random_improver
from editor.reading import Shown, read

__all__ = ["answer", "redrawn"]


def answer(knowing: bool, message: str, temperature: float, address: str) -> str:
    """The answer to a message, decided by all that is given; `knowing`: with knowledge of improvers, tables and words."""
    rng = random.Random(address)
    try:
        shown = read(message)
        if shown is None:
            return "I see no program to improve."
        return _proposal(knowing, shown, told(message), temperature, rng)
    except RecursionError:
        return "The program is nested too deeply for me to edit."


def _proposal(knowing: bool, shown: Shown, said: Told, temperature: float, rng: random.Random) -> str:
    edit = None
    if knowing:
        edit = improvers.edited(shown.base, shown.others, temperature, rng)
        edit = edit or tables.edited(shown.base, shown.others, said, temperature, rng)
    idea, text = edit or edits.edited(shown.base, shown.others, temperature, rng)
    return f"Idea: {idea}.\n\n```python\n{text.rstrip()}\n```\n"


def redrawn(improver: str, seed: int) -> str:
    """An improver with its parts redrawn at random (`random_improver`), decided by the seed."""
    return random_improver(improver, random.Random(seed))
