"""What a server says it has used: read in every dialect, and believed as far as it can be."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from selftaught.models.prices import FRAME, Tariff
from selftaught.models.streams import mapping

ADDED = 100_000
"""Tokens that what stands between may add to a question."""
LONGEST_ANSWER = 500_000
"""Tokens of an answer without a limit that can be believed."""
CLOSE = 1 + 1e-9
SLACK = 4
"""An answer may take so many times its limit: some servers count thoughts beside it."""


@dataclass(frozen=True)
class Counted:
    """Tokens of one response, as the server counted them; `cached` of those in were read from a cache."""

    tokens_in: int
    tokens_out: int
    cached: int = 0
    dollars: float | None = None
    """What the server says that it costs."""

    def price(
        self, tariff: Tariff, most: float | None, limited: bool, note: Callable[[str], None], out: int | None = None
    ) -> float | None:
        """Dollars: as the server says, else by the tariff; never more than the `most` that was held for a response whose length
        is `limited`, and it is said when that is less than the server tells. `out`: other tokens out than these."""
        out = self.tokens_out if out is None else out
        full = tariff.dollars(self.tokens_in, out)
        if full is None or most is None:
            return full
        found = tariff.dollars(self.tokens_in, out, self.cached) if self.cached else full
        told = self.dollars if self.dollars is not None and self.dollars > 0 else found
        most = most if limited else max(most, full)
        if told is None or told <= most * CLOSE:
            return told
        note("the server tells a higher cost than a response can have: the most it can cost is counted")
        return most


def counted(usage: object, size: int, answers: int, max_tokens: int | None, answered: bool) -> Counted | None:
    """What was used for `answers` to a question of `size` bytes; None when the server does not say, or nothing that can be.

    Not said is it also with no tokens in a question, or none in answers that have some text (`answered`).
    """
    told = mapping(usage)
    tokens_in, tokens_out = _input(told), _count(told, "completion_tokens", "output_tokens")
    if tokens_in is None and tokens_out and "input_tokens" not in told and "prompt_tokens" not in told:
        tokens_in = size + FRAME  # llama.cpp's messages, streamed: what is not told counts as the most it can be
    if tokens_in is None or tokens_out is None:
        return None
    total = _count(told, "total_tokens") or 0
    thoughts = _count(told, "reasoning_tokens") or 0
    # Thoughts are in the total of some servers only; where they are more than all that came, they are counted beside it.
    tokens_out = max(tokens_out + (thoughts if thoughts > tokens_out else 0), total - tokens_in)
    longest = LONGEST_ANSWER if max_tokens is None else SLACK * max_tokens + FRAME
    if not 1 <= tokens_in <= size + FRAME + ADDED or not int(answered) <= tokens_out <= answers * longest:
        return None
    cost = told.get("cost")
    return Counted(
        tokens_in, tokens_out, min(tokens_in, _cached(told)), _dollars(mapping(cost).get("total_cost") or cost)
    )


def _input(told: Mapping[str, Any]) -> int | None:
    """Tokens in; messages count those read from or written to a cache beside the others."""
    if "prompt_tokens" in told:
        return _count(told, "prompt_tokens")
    found = _count(told, "input_tokens")
    beside = [_count(told, name) or 0 for name in ("cache_read_input_tokens", "cache_creation_input_tokens")]
    return None if found is None else found + sum(beside)


def _cached(told: Mapping[str, Any]) -> int:
    details = mapping(told.get("prompt_tokens_details"))
    of_these = _count(details, "cached_tokens")
    return of_these or _count(told, "prompt_cache_hit_tokens", "cache_read_input_tokens", "cached_tokens") or 0


def _count(told: Mapping[str, Any], *names: str) -> int | None:
    """The first of these that is a count."""
    for name in names:
        count = told.get(name)
        if isinstance(count, float) and count.is_integer():
            count = int(count)
        if isinstance(count, int) and not isinstance(count, bool) and count >= 0:
            return count
    return None


def _dollars(cost: object) -> float | None:
    if isinstance(cost, bool) or not isinstance(cost, int | float):
        return None
    return float(cost) if abs(cost) < 1e9 and math.isfinite(cost) else None
