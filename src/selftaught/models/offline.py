"""`offline`: the built-in model. It is no language model but a seeded program editor (genetic improvement).

It finds the program that a message shows, edits it, and answers in the form that improvers expect; of the words around it, it
heeds a handful (`HEEDED`) and understands none. For improvers it knows what they are made of and recombines these parts;
`offline:generic` has generic edits alone. An answer is a pure function of the request and its address.

Messages and the programs in them are generated, so the editing is done where they can harm nobody: by a tool in the
sandbox, which is handed in as `edit`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from selftaught.errors import UsageError
from selftaught.models import Answer, Request
from selftaught.plain import JSON

LONGEST = 1_000_000
"""Characters of a message that is read."""
Edit = Callable[[Sequence[tuple[JSON, ...]]], Sequence[str]]
"""The texts of the answers to (whether knowledge of improvers is used, message, temperature, address)."""

HEEDED = """\
It is a program editor that heeds these words, in a message about a program with a table of numbers:
"tune the constants": only numbers are changed; "change the structure": anything but numbers is;
"small steps", "large steps": by how much a number is changed, a third or three times as much as otherwise;
"few numbers", "many numbers": how many of them at once;
"combine": numbers are mixed from the first program shown and another one, and nothing else is done;
"entry 3 is too low", "entry 3 is too high": which numbers to change and in which direction, most of the time.
It understands nothing else, no "not" before them either."""
"""What a model that writes improvers is told of the built-in one where that works inside them."""


def unread(_: Sequence[tuple[JSON, ...]]) -> Sequence[str]:
    """Edits nothing: for who only wants to know about the model."""
    raise AssertionError("the built-in model was opened to be looked at: nothing can be asked of it")


class Offline:
    """The built-in model, `offline`, or without knowledge of improvers, `offline:generic`."""

    def __init__(self, edit: Edit, name: str = "offline") -> None:
        """Raises UsageError for any other name."""
        if name not in {"offline", "offline:generic"}:
            raise UsageError(f"no model is named {name!r}: the built-in ones are offline and offline:generic")
        self.name = name
        self.parameters: Mapping[str, JSON] = {}
        self.hints = HEEDED if name == "offline" else ""
        """What it heeds, for who writes the improvers that ask it."""
        self.concurrency = 4
        self.batch = 16
        self._edit = edit

    def ceiling(self, request: Request, count: int) -> float | None:  # noqa: ARG002 - it is free
        return 0.0

    def close(self) -> None:
        """There is nothing to let go of."""

    def complete(self, request: Request, addresses: Sequence[str]) -> Sequence[Answer]:
        return [self._answer(request, text) for text in self._texts(request, addresses)]

    def _texts(self, request: Request, addresses: Sequence[str]) -> Sequence[str]:
        if len(request.message) > LONGEST:
            return ["The message is too long for me."] * len(addresses)
        knowing = self.name == "offline"
        return self._edit([(knowing, request.message, request.temperature, one) for one in addresses])

    def _answer(self, request: Request, text: str) -> Answer:
        return Answer(
            text,
            tokens_in=(len(request.expertise) + len(request.message)) // 4,
            tokens_out=len(text) // 4,
            temperature_applied=request.temperature,
        )
