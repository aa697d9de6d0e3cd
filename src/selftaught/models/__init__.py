"""The model seam: requests in, answers out. A provider is one class with `complete`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, Protocol

from selftaught.plain import JSON

Finish = Literal["stop", "length", "blocked", "empty", "tools", "failed", "lost"]
"""How an answer ended: by itself; cut at a limit; withheld; without a word; with a call of tools that nobody offered; never,
as its question alone failed again and again; unknown, as what was sent for it brought nothing that can be read."""


@dataclass(frozen=True)
class Request:
    """One question to a model: the role it is given (`expertise`, the system message), the message, the temperature."""

    expertise: str
    message: str
    temperature: float = 0.7

    def plain(self) -> dict[str, JSON]:
        return {"expertise": self.expertise, "message": self.message, "temperature": self.temperature}


@dataclass(frozen=True)
class Answer:
    """One text a model gave, with what it cost. `dollars` None means the price is unknown, never that it was free."""

    text: str
    finish: Finish = "stop"
    tokens_in: int = 0
    tokens_out: int = 0
    dollars: float | None = 0.0
    latency_s: float = 0.0
    temperature_applied: float | None = None
    """None when the model refused to take a temperature."""
    reason: str = ""
    """Of one that failed or was lost: what was seen last."""
    again: bool = False
    """Whether it is worth asking again instead of keeping it: nothing came, which may be a passing fault. Never stored."""

    def with_costs_of(self, others: Sequence[Answer]) -> Answer:
        """This answer, carrying also what others cost that are not kept."""
        prices = [one.dollars for one in (self, *others)]
        known = [price for price in prices if price is not None]
        return replace(
            self,
            tokens_in=self.tokens_in + sum(one.tokens_in for one in others),
            tokens_out=self.tokens_out + sum(one.tokens_out for one in others),
            dollars=sum(known) if len(known) == len(prices) else None,
        )


class LanguageModel(Protocol):
    """Answers requests. Safe to use from many threads at once.

    `name` is `provider:model` as a user writes it; `parameters` are what else decides an answer (base URL, token
    limit …) and belong to an answer's address; `concurrency` is how many requests are worth having under way at once,
    `batch` how many answers are worth asking for in one of them.
    """

    name: str
    parameters: Mapping[str, JSON]
    concurrency: int

    @property
    def batch(self) -> int: ...

    def ceiling(self, request: Request, count: int) -> float | None:
        """Dollars that `count` answers may cost, at a guess that is rather too high; None when the price is unknown."""
        ...

    def close(self) -> None:
        """Let go of what is held; who waits for an answer gets ModelFailure at once."""
        ...

    def complete(self, request: Request, addresses: Sequence[str]) -> Sequence[Answer]:
        """An answer for each of the first addresses, in order: for one of them at least, for as many as one request brings.

        The others are asked for by another call, after what came has been kept: a paid answer waits for nothing.
        An address is a digest of (model, parameters, request, stream, index). Models that are pure functions
        (`offline`, `scripted`) draw all their chance from it; others only need its number. Raises ModelFailure, which
        ends the run; so does whatever else a model of somebody's own raises.
        """
        ...
