"""Every model by its name: `open_model("openai:gpt-4o-mini")`. A provider's package is imported when it is chosen."""

from __future__ import annotations

import importlib.util
import os
from dataclasses import dataclass
from pathlib import Path

from selftaught.errors import UsageError
from selftaught.models import LanguageModel, exchange
from selftaught.models.gateway import Gateway
from selftaught.models.offline import Edit, Offline, unread
from selftaught.models.prices import Price
from selftaught.models.scripted import Scripted


@dataclass(frozen=True)
class Entry:
    """One line of `selftaught models`."""

    name: str
    what: str
    needs: str
    ready: bool
    """Whether it can be used here and now."""


def open_model(
    spec: str,
    *,
    base_url: str | None = None,
    max_tokens: int | None = None,
    price: Price | None = None,
    deadline_s: float = 600.0,
    concurrency: int | None = None,
    keyless: bool = False,
    edit: Edit | None = None,
) -> LanguageModel:
    """The model that a user names.

    `base_url` is another server for `openai:` or `anthropic:`; `max_tokens` cuts each answer; `price` replaces the price
    list; a question is given up after `deadline_s` seconds; `concurrency` bounds the requests under way at once. One that is
    `keyless` needs no key: it tells prices, and nothing can be asked of it. Nor can the built-in model be asked without `edit`,
    which does its work in a sandbox.
    Raises UsageError, in one line, for whatever cannot be had.
    """
    kind, _, name = spec.partition(":")
    if max_tokens is not None and max_tokens < 1:
        raise UsageError(f"--max-tokens is {max_tokens}: at least 1 is needed")
    if kind in {"openai", "anthropic"}:
        if not name:
            raise UsageError(f"{kind} needs the name of a model: {kind}:NAME")
        return Gateway(_provider(kind, name, base_url, max_tokens, price, concurrency, keyless), deadline_s)
    if base_url is not None:
        raise UsageError(f"--base-url names a server for openai: or anthropic: models; {spec!r} has none")
    if max_tokens is not None or price is not None:
        raise UsageError(f"--max-tokens and --price are for openai: or anthropic: models; {spec!r} takes neither")
    if kind == "scripted":
        if not name:
            raise UsageError("scripted needs a file of answers: scripted:FILE")
        return Scripted.read(Path(name))
    if spec in {"offline", "offline:generic"}:
        return Offline(edit or unread, spec)
    known = ", ".join(entry.name for entry in catalogue())
    raise UsageError(f"no model is called {spec!r}; there are {known}")


def catalogue() -> list[Entry]:
    """What models there are, and which of them are ready here."""
    return [
        Entry("offline", "built-in seeded program editor; no language model", "nothing", True),
        Entry("offline:generic", "the same without knowledge of improvers: a control", "nothing", True),
        Entry("scripted:FILE", "answers from a file, for tests", "a JSON list of texts, or JSON lines", True),
        Entry(
            "openai:NAME",
            "OpenAI, and with --base-url every server that speaks its protocol",
            f"{exchange.install('openai')}; OPENAI_API_KEY, or --base-url of a server without keys",
            _ready("openai"),
        ),
        Entry(
            "anthropic:NAME",
            "Claude (takes no temperature)",
            f"{exchange.install('anthropic')}; ANTHROPIC_API_KEY",
            _ready("anthropic"),
        ),
    ]


def _ready(package: str) -> bool:
    return importlib.util.find_spec(package) is not None and bool(os.environ.get(f"{package.upper()}_API_KEY"))


def _provider(
    kind: str,
    name: str,
    base_url: str | None,
    max_tokens: int | None,
    price: Price | None,
    concurrency: int | None,
    keyless: bool,
):
    from selftaught.models.anthropic import Anthropic
    from selftaught.models.exchange import CONCURRENCY
    from selftaught.models.openai import OpenAI

    provider = OpenAI if kind == "openai" else Anthropic
    return provider(name, base_url, max_tokens, price, concurrency or CONCURRENCY, keyless)
