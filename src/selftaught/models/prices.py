"""What an answer costs: from a kept price list, or as the user says. An unknown price is None, never 0."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass

from selftaught.models import LanguageModel, Request, exchange
from selftaught.models.rows import ROWS
from selftaught.settings.choice import Price

LONGEST_GUESS = 4096
"""Tokens of an answer without a limit, for a guess beforehand; few are longer."""
FRAME = 50
"""Tokens that a server puts around a question, at most."""


@dataclass(frozen=True)
class Tariff:
    """The price of one model at one place: the user's own figures where given, else the price list of `genai-prices`.

    The list is the one that came with the installed package, so a price needs no network. Tokens that the server read
    from a cache have a price of their own in the list; at the user's own figures they cost as much as the others.
    """

    provider: str
    model: str
    base_url: str | None = None
    own: Price | None = None

    def dollars(self, tokens_in: int, tokens_out: int, cached: int = 0) -> float | None:
        """Dollars for one request, of whose tokens in `cached` were read from a cache; None when nobody knows."""
        if self.own is not None:
            return self.own.of(tokens_in, tokens_out)
        try:
            from genai_prices import Usage, calc_price
        except ImportError:
            return None
        usage = Usage(input_tokens=tokens_in, output_tokens=tokens_out, cache_read_tokens=cached or None)
        try:
            if self.base_url is None:
                found = calc_price(usage, self.model, provider_id=self.provider)
            else:
                found = calc_price(usage, self.model, provider_api_url=self.base_url)
        except LookupError:
            return None
        return float(found.total_price)

    def ceiling(self, size: int, count: int, max_tokens: int | None) -> float | None:
        """What `count` answers to a question of `size` bytes cost at most: no token is less than a byte, the question is paid
        for every answer, every answer as long as it may be. Without `max_tokens` that last is a guess."""
        return self.dollars(count * (size + FRAME), count * (max_tokens or LONGEST_GUESS))


def listed() -> bool:
    """Whether the list of prices is installed."""
    return importlib.util.find_spec("genai_prices") is not None


def unpriced(model: LanguageModel) -> str | None:
    """What a user should hear before a run with a model whose price is not known, in one line; None when it is."""
    if model.ceiling(Request("", ""), 1) is not None:
        return None
    if model.name.partition(":")[0] not in ROWS:
        return (
            f"the price of {model.name} is not known, since its `ceiling` tells none: no limit on dollars can be kept"
        )
    why = "" if listed() else f" (the list of prices is not installed: {exchange.install('openai')})"
    return (
        f"the price of {model.name} is not known{why}: give --price IN,OUT in dollars per million tokens "
        "(0,0 for a server of your own), or no limit on dollars can be kept"
    )
