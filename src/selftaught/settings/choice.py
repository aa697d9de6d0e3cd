"""Which model is asked, where, and with what: the values that a user gives, as one."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import NoneType
from typing import Any, Literal, cast

from selftaught.errors import UsageError
from selftaught.plain import JSON, canonical

SECRET = re.compile(r"key|auth|token|secret|cookie|password|credential|signature", re.IGNORECASE)
"""Names of headers whose values say who asks, not what is asked."""
LIMITS = ("max_tokens", "max_completion_tokens", "max_output_tokens", "max_new_tokens")
OURS = frozenset(("messages", "model", "n", "best_of", "stream", "stream_options", *LIMITS))
"""Parts of a body that only this program sets: what is held for an answer rests on some of them."""
_STORED: Mapping[str, Any] = {  # and of which type each is
    "model": str,
    "base_url": (str, NoneType),
    "max_tokens": (int, NoneType),
    "price": (list, NoneType),
    "extra_body": Mapping,
    "headers": Mapping,
    "query": Mapping,
}
KEYS = tuple(_STORED)
"""What a choice is stored as, among the settings of a run."""
NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,80}")
FRAMING = frozenset(("host", "content-length", "transfer-encoding", "connection", "content-type"))


MILLION = 1_000_000


@dataclass(frozen=True)
class Price:
    """Dollars per million tokens, in (`input`) and out (`output`)."""

    input: float
    output: float

    def of(self, tokens_in: int, tokens_out: int) -> float:
        """Dollars for one request."""
        return (self.input * tokens_in + self.output * tokens_out) / MILLION

    @classmethod
    def read(cls, plain: Sequence[Any]) -> Price:
        """The price that was stored. UsageError for what is none."""
        if len(plain) != 2 or not all(isinstance(one, int | float) for one in plain):
            raise UsageError(f"the setting price is {plain!r}: two numbers are needed")
        return cls(*plain)


@dataclass(frozen=True)
class ModelChoice:
    """One model, and how it is reached. Raises UsageError, in one line, for what cannot be.

    All of it but the price decides what is answered, and so belongs to the address of an answer. The value of a header is
    never stored: what stands for it is its mark, four hexadecimal digits of a digest of name and value. So few tell two
    values apart but lead back to none, since one of 65,536 guesses fits as well. A header whose name speaks of keys has an
    empty mark: another key asks for the same answers.
    """

    spec: str = "offline"
    """`provider:model`, see `selftaught models`."""
    base_url: str | None = None
    """Where its server listens; None: the provider's own address."""
    max_tokens: int | None = None
    """Tokens an answer may have; None: what the server takes for granted."""
    price: Price | None = None
    """None: as the price list says."""
    extra_body: Mapping[str, JSON] = field(default_factory=dict[str, JSON])
    """Sent as parts of every request's body; over what this program would send."""
    headers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    query: Mapping[str, str] = field(default_factory=dict[str, str])
    wanted: Mapping[str, str] = field(default_factory=dict[str, str])
    """Of a choice that was stored: the marks of its headers, which have to be given anew before it is asked."""

    def __post_init__(self) -> None:
        if self.max_tokens is not None and self.max_tokens < 1:
            raise UsageError(f"--max-tokens is {self.max_tokens}: at least 1 is needed")
        taken = sorted(OURS & set(self.extra_body))
        if taken:
            instead = "say it by --max-tokens" if taken[0] in LIMITS else "which every request sets by itself"
            raise UsageError(f"--extra-body may not hold {taken[0]!r}, {instead}")
        for name, value in self.headers.items():
            if not NAME.fullmatch(name) or name.lower() in FRAMING:
                raise UsageError(f"--header {name!r} is no header of a question: write NAME=VALUE")
            if not (value.isascii() and value.isprintable()):
                raise UsageError(f"--header {name} has a value with characters that no header has")

    @property
    def provider(self) -> str:
        """What stands before the colon."""
        return self.spec.partition(":")[0]

    @property
    def name(self) -> str:
        """What stands behind it."""
        return self.spec.partition(":")[2]

    @property
    def marks(self) -> dict[str, str]:
        """What stands for the values of headers."""
        given = {name.lower(): mark(name, self.headers[name]) for name in sorted(self.headers)}
        return given or dict(self.wanted)

    @property
    def more(self) -> dict[str, JSON]:
        """What is sent beyond the usual, as it may be stored; only what there is of it."""
        marks: dict[str, JSON] = {**self.marks}
        sent: dict[str, JSON] = {"extra_body": dict(self.extra_body), "headers": marks, "query": dict(self.query)}
        return {name: value for name, value in sent.items() if value}

    def plain(self) -> dict[str, JSON]:
        """As it may be stored, among the settings of a run: with the marks of headers in the place of their values."""
        price = self.price and [self.price.input, self.price.output]
        usual = {"model": self.spec, "base_url": self.base_url, "max_tokens": self.max_tokens, "price": price}
        return {**usual, **self.more}

    @classmethod
    def read(cls, plain: Mapping[str, Any]) -> ModelChoice:
        """The choice that `plain()` was made of, but for the values of its headers. UsageError for a part of another type."""
        fields = {name: plain[name] for name in KEYS if name in plain}
        for name, value in fields.items():
            if not isinstance(value, _STORED[name]):
                raise UsageError(f"the setting {name} is {value!r}, which says nothing of a model")
        wanted: Mapping[str, str] = fields.pop("headers", {})
        price = fields.pop("price", None)
        spec = fields.pop("model", "offline")
        return cls(spec, **fields, price=price and Price.read(price), wanted=wanted)

    def with_headers(self, headers: Mapping[str, str], option: str = "--header") -> ModelChoice:
        """The choice with the headers that it wants, given anew by this option. Raises UsageError when they are others than
        they were."""
        if not self.wanted:
            return self
        whole = replace(self, headers=headers, wanted={})
        if whole.marks != dict(self.wanted):
            raise UsageError(
                f"the headers of a run are not stored, and have to be given as they were: {self.missing(option)}"
            )
        return whole

    def missing(self, option: str = "--header") -> str:
        """The options that give the headers anew."""
        return " ".join(f"{option} {name}=…" for name in self.wanted)


OFFLINE = ModelChoice()
"""The model in the box."""
Does = Literal["writes improvers", "works inside"]
"""What a model is for where improvers are improved, and where they work on tasks."""
Role = Does | Literal["both"]
"""What a model is for in a run: one and the same may do both."""


@dataclass(frozen=True)
class Sent:
    """The headers of a run's models, which are not stored and so have to be given anew to who goes on with it."""

    model: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    proposer: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    """Of the model that writes improvers, where that is not the same."""

    def to(self, model: ModelChoice) -> ModelChoice:
        """The model that works inside, with its headers."""
        return model.with_headers(self.model)

    def to_proposer(self, proposer: ModelChoice | None) -> ModelChoice | None:
        """The model that writes improvers, with its headers."""
        return proposer and proposer.with_headers(self.proposer, "--proposer-header")


def mark(name: str, value: str) -> str:
    """What stands for the value of a header where it is stored; "" for one that says who asks."""
    if SECRET.search(name):
        return ""
    return hashlib.sha256(f"{name.lower()}\0{value}".encode()).hexdigest()[:4]


def named_values(option: str, texts: Sequence[str]) -> dict[str, str]:
    """The values of an option that is given as NAME=VALUE, any number of times."""
    found: dict[str, str] = {}
    for text in texts:
        name, sign, value = text.partition("=")
        if not sign or not name.strip():
            raise UsageError(f"{option} wants NAME=VALUE, and was given something without a name or without a sign")
        found[name.strip()] = value.strip()
    return found


def json_object(option: str, text: str | None) -> dict[str, JSON]:
    """The object of an option that is written as JSON."""
    if text is None:
        return {}
    try:
        found: object = json.loads(text)
        canonical(cast(JSON, found))  # NaN, and what is too large for a number, are none of JSON's
        json.dumps(found, ensure_ascii=False).encode()
    except RecursionError:
        raise UsageError(f"{option} is nested too deeply") from None
    except ValueError as error:
        raise UsageError(f"{option} is no JSON: {error}") from None
    if not isinstance(found, dict):
        raise UsageError(f'{option} wants a JSON object, such as {{"top_p": 0.9}}')
    return cast(dict[str, JSON], found)
