"""Every model by its name: `open_model(ModelChoice("openai:gpt-4o-mini"))`. A provider's code is imported when it is chosen."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from selftaught.errors import UsageError
from selftaught.models import LanguageModel, exchange
from selftaught.models.gateway import Gateway, Provider
from selftaught.models.offline import Edit, Offline, unread
from selftaught.models.prices import listed
from selftaught.models.rows import ROWS, Row
from selftaught.models.scripted import Scripted
from selftaught.settings.choice import ModelChoice
from selftaught.settings.plugins import Plugin, plugins

BUILT_IN = ("offline", "offline:generic")
INSIDE, WRITING = "works inside (many answers)", "writes improvers (few answers)"
"""What costs nothing works inside, where a recursion asks for thousands of answers; what is paid for writes, for a handful."""
_PARTS = ("name", "parameters", "concurrency", "batch", "ceiling", "complete", "close")
"""What every model has."""
SHOWN = 5
"""Models of a server on this machine that are named."""


@dataclass(frozen=True)
class Entry:
    """One line of `selftaught models`."""

    name: str
    what: str
    needs: str
    ready: bool
    """Whether it can be used here and now, all that it needs included."""
    missing: str = ""
    """What is not there."""
    good_for: str = ""
    """Which level of a run it suits, in a word."""


def open_model(
    choice: ModelChoice,
    *,
    deadline_s: float = 600.0,
    idle_s: float = 60.0,
    concurrency: int | None = None,
    keyless: bool = False,
    edit: Edit | None = None,
) -> LanguageModel:
    """The model that is chosen.

    It is given up after `deadline_s` seconds without a sign of life of its server, and after `idle_s` seconds without a word
    on a question it is asked for one; `concurrency` bounds the requests under way at once. One that is `keyless` needs no
    key: it tells prices, and nothing can be asked of it; nor can the built-in model be asked without `edit`, which does its
    work in a sandbox. Raises UsageError, in one line, for whatever cannot be had.
    """
    if sells(choice.spec):
        return Gateway(open_provider(choice, concurrency, keyless), deadline_s, idle_s)
    if choice.base_url is not None:
        raise UsageError(f"--base-url names a server; {choice.spec!r} has none")
    if choice.max_tokens is not None or choice.price is not None:
        raise UsageError(f"--max-tokens and --price are for models of a server; {choice.spec!r} takes neither")
    if choice.more:
        raise UsageError(f"--extra-body, --header and --query are for models of a server; {choice.spec!r} takes none")
    return _built_in(choice, edit or unread)


def open_provider(choice: ModelChoice, concurrency: int | None = None, keyless: bool = False) -> Provider:
    """A model of a server as it is asked by a gateway, or once by hand. Raises UsageError."""
    from selftaught.models.anthropic import Anthropic
    from selftaught.models.openai import OpenAI

    row = _row(choice)
    if not choice.name:
        raise UsageError(f"{row.name} needs the name of a model: {row.name}:NAME")
    made = Anthropic if row.name == "anthropic" else OpenAI
    return made(choice, row, concurrency or exchange.CONCURRENCY, keyless)


def sells(spec: str) -> bool:
    """Whether this is a model at a server, which may cost money."""
    return spec.partition(":")[0] in ROWS


def catalogue(running: Mapping[str, Sequence[str]] | None = None) -> list[Entry]:
    """What models there are, and which of them are ready here. `running`: what runs on this machine, as `local.running`
    tells it; without it nothing is asked, and no server on this machine is ready."""
    return [*in_box(running), *map(_added, plugins("models").values())]


def in_box(running: Mapping[str, Sequence[str]] | None = None) -> list[Entry]:
    """The same without what installed packages add, none of which is imported."""
    return [
        Entry("offline", "built-in seeded program editor; no language model", "nothing", True, "", INSIDE),
        Entry(
            "offline:generic", "the same without knowledge of improvers: a control", "nothing", True, "", "comparing"
        ),
        Entry(
            "scripted:FILE",
            "answers from a file, for tests",
            "a JSON list of texts, or JSON lines",
            True,
            "",
            "testing",
        ),
        *(_entry(row, running or {}) for row in ROWS.values()),
    ]


def _added(plugin: Plugin) -> Entry:
    """The line of a model that a package adds, which is imported to say whether it can be."""
    name = f"{plugin.name}:NAME"
    if _reserved(plugin.name):
        return Entry(name, f"of {plugin.package}", "another name", False, "a name that is not in the box")
    try:
        said = (getattr(plugin.opener(), "__doc__", None) or "").strip().partition("\n")[0]
    except UsageError as error:
        return Entry(name, f"of {plugin.package}", plugin.package, False, str(error))
    return Entry(name, said or f"of {plugin.package}", plugin.package, True)


def _reserved(provider: str) -> bool:
    return provider in ROWS or provider in {"offline", "scripted"}


def added(spec: str) -> Plugin | None:
    """The package's that opens a model of this name; None for one of the box, and for one that is not there."""
    provider = spec.partition(":")[0]
    return None if _reserved(provider) else plugins("models").get(provider)


def _entry(row: Row, running: Mapping[str, Sequence[str]]) -> Entry:
    """The line of a provider."""
    name = f"{row.name}:NAME"
    if row.local:
        there, models = row.name in running, running.get(row.name, ())
        some = ", ".join(models[:SHOWN]) + (" …" if len(models) > SHOWN else "")
        silent = f"nothing listens at {row.address(row.given(None), '')} (another address: {row.place})"
        missing = "" if models else "a model: it has none" if there else silent
        return Entry(name, row.what + (f": {some}" if some else ""), "its server", bool(models), missing, INSIDE)
    variables = [row.key] if row.home else [row.place, row.key]
    absent = [variable for variable in variables if not os.environ.get(variable, "").strip()]
    absent += [] if listed() else [f"the list of prices ({exchange.install('openai')}), or --price"]
    return Entry(name, row.what, ", ".join(variables), not absent, ", ".join(absent), WRITING)


def _row(choice: ModelChoice) -> Row:
    if choice.provider not in ROWS:
        raise UsageError(f"{choice.spec!r} is no model of a server; there are {', '.join(ROWS)}")
    return ROWS[choice.provider]


def _built_in(choice: ModelChoice, edit: Edit) -> LanguageModel:
    """A model that needs no server."""
    if choice.provider == "scripted":
        if not choice.name:
            raise UsageError("scripted needs a file of answers: scripted:FILE")
        return Scripted.read(Path(choice.name))
    if choice.spec in BUILT_IN:
        return Offline(edit, choice.spec)
    if plugin := added(choice.spec):
        return plugin.opened(choice.name, _PARTS)
    known = ", ".join([*BUILT_IN, "scripted:FILE", *(f"{name}:NAME" for name in (*ROWS, *plugins("models")))])
    raise UsageError(f"no model is called {choice.spec!r}; there are {known}")
