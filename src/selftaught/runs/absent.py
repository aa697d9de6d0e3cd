"""What stands in for the model of a recorded run: its answers are in the store, and there are no others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from selftaught.errors import ModelFailure
from selftaught.models import Answer, Request
from selftaught.plain import JSON

_SHOWN = 80


class Absent:
    """Of the name and parameters of the model that it stands in for; a question that comes to it has no recorded answer."""

    concurrency = 8
    batch = 1000

    def __init__(self, name: str, parameters: Mapping[str, JSON], by: str) -> None:
        """`by`: what made the recording."""
        self.name = name
        self.parameters = parameters
        self._by = by

    def ceiling(self, request: Request, count: int) -> float | None:  # noqa: ARG002 - nothing can be bought
        return 0.0

    def close(self) -> None:
        """There is nothing to let go of."""

    def complete(self, request: Request, addresses: Sequence[str]) -> Sequence[Answer]:
        begins = " ".join(request.message.split())[:_SHOWN]
        raise ModelFailure(
            f"the recording, made by {self._by}, holds no answer of {self.name} to the question that begins {begins!r} "
            f"(answer {addresses[0][:12]}): what this version asks there is something else"
        )
