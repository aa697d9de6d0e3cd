"""Where a model of a provider is asked, by what key, and with what beyond the usual."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import urlencode

from selftaught.models import exchange
from selftaught.models.choice import mark
from selftaught.models.prices import Price, Tariff
from selftaught.models.rows import Row
from selftaught.plain import JSON


@dataclass(frozen=True)
class More:
    """What is sent with every request beyond the usual: parts of its body, headers, and a query."""

    body: Mapping[str, JSON] = field(default_factory=dict[str, JSON])
    headers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    query: Mapping[str, str] = field(default_factory=dict[str, str])

    def plain(self) -> dict[str, JSON]:
        """As it belongs to an answer's address: headers by their marks, and nothing where nothing is sent."""
        marks: dict[str, JSON] = {name.lower(): mark(name, self.headers[name]) for name in sorted(self.headers)}
        sent: dict[str, JSON] = {"extra_body": dict(self.body), "headers": marks, "query": dict(self.query)}
        return {name: value for name, value in sent.items() if value}


NOTHING = More()


@dataclass(frozen=True)
class Served:
    """One model at one place."""

    row: Row
    model: str
    named: str | None
    """The address that the user named; None: the provider's own."""
    key: str
    more: More

    @property
    def address(self) -> str:
        """Where it is asked, with the query of every request."""
        found = self.row.address(self.named, self.model)
        return f"{found}?{urlencode(self.more.query)}" if self.more.query else found

    @property
    def headers(self) -> dict[str, str]:
        """Those of every request; the user's over the one that carries the key."""
        given = {name.lower() for name in self.more.headers}
        own = {name: value for name, value in self.row.credentials(self.key).items() if name.lower() not in given}
        return own | dict(self.more.headers)

    def tariff(self, price: Price | None) -> Tariff:
        """What it costs: nothing on this machine."""
        free = Price(0.0, 0.0) if self.row.local else None
        listed = None if self.row.deployed else self.named
        return Tariff(self.row.prices, self.model, listed, price or free)


def served(row: Row, model: str, base_url: str | None, keyless: bool, more: More) -> Served:
    """Where the model is asked. Raises UsageError without a key or an address that is needed."""
    named = exchange.checked(row.given(base_url))
    address = row.address(named, model)
    key = "none" if keyless else exchange.key(row.key, address if row.local else named if not row.deployed else None)
    return Served(row, model, named, key, replace(more, query=row.asked_with(named, more.query)))
