"""Where a model of a provider is asked, by what key, and with what beyond the usual."""

from __future__ import annotations

from dataclasses import dataclass, replace
from urllib.parse import urlencode

from selftaught.errors import UsageError
from selftaught.models import exchange
from selftaught.models.prices import Tariff
from selftaught.models.rows import Row
from selftaught.plain import JSON
from selftaught.settings.choice import ModelChoice, Price


@dataclass(frozen=True)
class Served:
    """One model at one place."""

    row: Row
    choice: ModelChoice
    """As the user made it, with the query of every request."""
    named: str | None
    """The address that the user named; None: the provider's own."""
    key: str

    @property
    def name(self) -> str:
        return f"{self.row.name}:{self.choice.name}"

    @property
    def address(self) -> str:
        """Where it is asked, with the query of every request."""
        found, query = self.row.address(self.named, self.choice.name), self.choice.query
        return f"{found}?{urlencode(query)}" if query else found

    @property
    def headers(self) -> dict[str, str]:
        """Those of every request; the user's over the one that carries the key."""
        given = {name.lower() for name in self.choice.headers}
        own = {name: value for name, value in self.row.credentials(self.key).items() if name.lower() not in given}
        return own | dict(self.choice.headers)

    @property
    def parameters(self) -> dict[str, JSON]:
        """What decides an answer besides the question."""
        return {"base_url": self.named, "max_tokens": self.choice.max_tokens, **self.choice.more}

    @property
    def tariff(self) -> Tariff:
        """What it costs: nothing on this machine."""
        free = Price(0.0, 0.0) if self.row.local else None
        listed = None if self.row.deployed else self.named
        return Tariff(self.row.prices, self.choice.name, listed, self.choice.price or free)


def served(row: Row, choice: ModelChoice, keyless: bool) -> Served:
    """Where the model is asked. Raises UsageError without a key, an address or a header that is needed."""
    if choice.wanted and not keyless:
        raise UsageError(f"the headers of this model are not stored: give {choice.missing()}")
    named = exchange.checked(row.given(choice.base_url))
    address = row.address(named, choice.name)
    key = "none" if keyless else exchange.key(row.key, address if row.local else named if not row.deployed else None)
    return Served(row, replace(choice, query=row.asked_with(named, choice.query)), named, key)
