"""`offline`: the built-in model. It is no language model but a seeded program editor (genetic improvement).

It finds the program that a message shows, edits it, and answers in the form that improvers expect; of the words around it, it
heeds a handful (`told.py`) and understands none. Solutions get generic edits of their syntax tree (`edits.py`) or, where they
hold a table of numbers, edits of these (`tables.py`). For improvers it knows what they are made of and recombines these parts
(`parts.py` says how much that brings along); `offline:generic` has the generic edits alone.
An answer is a pure function of the request and its address.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

from selftaught.errors import UsageError
from selftaught.models import Answer, Request
from selftaught.models.offline import edits, improvers, tables
from selftaught.models.offline.improvers import random_improver
from selftaught.models.offline.reading import Shown, read
from selftaught.models.offline.told import HEEDED, Told, told
from selftaught.plain import JSON

__all__ = ["Offline", "random_improver"]


class Offline:
    """The built-in model, `offline`, or without knowledge of improvers, `offline:generic`."""

    def __init__(self, name: str = "offline") -> None:
        """Raises UsageError for any other name."""
        if name not in {"offline", "offline:generic"}:
            raise UsageError(f"no model is named {name!r}: the built-in ones are offline and offline:generic")
        self.name = name
        self.parameters: Mapping[str, JSON] = {}
        self.hints = HEEDED if name == "offline" else ""
        """What an improver may be told of how to ask."""
        self.concurrency = 1
        self.batch = 1000

    def ceiling(self, request: Request, count: int) -> float | None:  # noqa: ARG002 - it is free
        return 0.0

    def close(self) -> None:
        """There is nothing to let go of."""

    def complete(self, request: Request, addresses: Sequence[str]) -> Sequence[Answer]:
        return [self._answer(request, random.Random(address)) for address in addresses]

    def _answer(self, request: Request, rng: random.Random) -> Answer:
        try:
            shown = read(request.message)
            said = told(request.message)
            text = (
                "I see no program to improve."
                if shown is None
                else self._proposal(shown, said, request.temperature, rng)
            )
        except RecursionError:
            text = "The program is nested too deeply for me to edit."
        return Answer(
            text,
            tokens_in=(len(request.expertise) + len(request.message)) // 4,
            tokens_out=len(text) // 4,
            temperature_applied=request.temperature,
        )

    def _proposal(self, shown: Shown, said: Told, temperature: float, rng: random.Random) -> str:
        edit = None
        if self.name == "offline":
            edit = improvers.edited(shown.base, shown.others, temperature, rng)
            edit = edit or tables.edited(shown.base, shown.others, said, temperature, rng)
        idea, text = edit or edits.edited(shown.base, shown.others, temperature, rng)
        return f"Idea: {idea}.\n\n```python\n{text.rstrip()}\n```\n"
