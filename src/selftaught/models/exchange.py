"""What the providers share: the address and the key, one exchange through an SDK, and plain reading of what came back."""

from __future__ import annotations

import importlib
import json
import logging
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, cast
from urllib.parse import urlsplit
from urllib.request import getproxies

from selftaught.errors import UsageError
from selftaught.models import Request
from selftaught.models.faults import Fault, fault_of, mapping

CONCURRENCY = 64
"""Requests under way at once, at most; the gateway finds out how many of them the server bears."""
GREETING = "Hello"
"""Asked when a request was refused for no reason that is told. A server that takes this, and then refuses the request once
more, refuses the message; when it does not any more, the refusal was a passing one."""

MOST_TOKENS = 10**9
"""A server that counts more in one response has not counted."""


def sdk(name: str) -> Any:
    """The SDK package, imported now. It is kept from logging requests: they hold prompts."""
    try:
        module = importlib.import_module(name)
    except ImportError:
        raise UsageError(f"{name}: models need the {name} package: {install(name)}") from None
    logging.getLogger(name).setLevel(logging.WARNING)
    return module


def install(extra: str) -> str:
    """The commands that add an optional extra to a checkout, with uv and without."""
    return f"`uv sync --inexact --extra {extra}`, or `.venv/bin/pip install -e '.[{extra}]'`"


def http_client(module: Any) -> Any:
    """What an SDK is to send its requests with: connections of its own choice where a proxy may stand between.

    No redirection is followed: some turn a question into something else, and none is where the key was meant for.
    """
    if not {"http", "https", "all"}.isdisjoint(getproxies()):
        return module.DefaultHttpxClient(follow_redirects=False)
    from selftaught.models.connections import Connections

    return module.DefaultHttpxClient(transport=Connections(), follow_redirects=False)


def key(variable: str, base_url: str | None) -> str:
    """The key from the environment; a server named by the user may need none. Raises UsageError without showing it."""
    found = os.environ.get(variable, "").strip()
    if not found and base_url is None:
        raise UsageError(f"{variable} is not set: export it, or name a server that needs no key with --base-url")
    if not (found.isascii() and found.isprintable()):
        raise UsageError(f"{variable} holds characters that no key has: set it again")
    return found or "none"


def checked(base_url: str | None) -> str | None:
    """The address of a server without a trailing slash. It is stored with every answer, so it must hold no secret."""
    if base_url is None:
        return None
    try:
        parts = urlsplit(base_url)
        good = parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        good = False
        parts = urlsplit("")
    if not good:
        raise UsageError("--base-url must look like http://127.0.0.1:8080/v1 or https://server/v1")
    if parts.username is not None or parts.query:
        raise UsageError("--base-url must hold no user, password or query: it is stored with the answers")
    return base_url.rstrip("/")


def sendable(text: str) -> str:
    """The text as UTF-8 can carry it: half characters, which generated code may make, become question marks."""
    return text.encode("utf-8", "replace").decode("utf-8")


def greeting(request: Request) -> Request:
    """A request that no server can object to for what it says."""
    return replace(request, expertise="", message=GREETING)


def size(request: Request) -> int:
    """Bytes of a question."""
    return len(sendable(request.expertise + request.message).encode())


def through(send: Callable[[], str], error: type[Exception]) -> Mapping[str, Any] | Fault:
    """The JSON object in the text that one request brought, or its fault; `error` is the base of the SDK's exceptions."""
    try:
        text = send()
    except error as raised:
        return fault_of(raised)
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    return cast(Mapping[str, Any], found) if isinstance(found, dict) else Fault(0, what="the answer is no JSON object")


def mappings(value: object) -> list[Mapping[str, Any]]:
    """The JSON objects of what should be a list of them."""
    return [mapping(one) for one in cast(list[object], value)] if isinstance(value, list) else []


def usage(found: object, inward: str, outward: str, answered: bool) -> tuple[int, int] | None:
    """The tokens that the server counted, under its two names for them; None when it did not.

    Nor did it when there are none in the question, or none in an answer that has some text (`answered`).
    """
    least = {inward: 1, outward: int(answered)}
    counts = [mapping(found).get(name) for name in least]
    whole = [
        count
        for count, floor in zip(counts, least.values(), strict=True)
        if isinstance(count, int) and not isinstance(count, bool) and floor <= count <= MOST_TOKENS
    ]
    return (whole[0], whole[1]) if len(whole) == 2 else None


def shares(total: int, count: int) -> Sequence[int]:
    """`total` in `count` whole parts, as even as can be."""
    return [total // count + (i < total % count) for i in range(count)]
