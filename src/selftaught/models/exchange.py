"""What the providers share: the address and the key, one question to a server, and plain reading of what came back."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol
from urllib.parse import urlsplit

from selftaught.errors import UsageError
from selftaught.models import Request
from selftaught.models.faults import Fault, retry_after, unconnected
from selftaught.models.http import Broken, Connections, Response, Unreached, Waiting
from selftaught.models.server_errors import error_in, holds_error, of_text
from selftaught.models.streams import END, MESSAGE_END, Cut, shape

CONCURRENCY = 64
"""Requests under way at once, at most; the gateway finds out how many of them the server bears."""
GREETING = "Hello"
"""Asked when a request was refused for no reason that is told. A server that takes this, and then refuses the request once
more, refuses the message; when it does not any more, the refusal was a passing one."""

LIVES_S = 10.0
"""How long a server may take to show that it lives; the answer holds for half of it."""
ELSEWHERE_S = 2.0
"""The same for an address that is tried because the one that was given does not work."""
WORDS = 500
"""Bytes of a text that may be an error told in words alone."""
DEAD = {500, 502, 503, 504, *range(520, 531)}
"""Statuses that what stands before a server gives in its place."""


def install(extra: str) -> str:
    """The commands that add an optional extra to a checkout, with uv and without."""
    return f"`uv sync --inexact --extra {extra}`, or `.venv/bin/pip install -e '.[{extra}]'`"


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
        raise UsageError("--base-url must hold no user, password or query (see --query): it is stored with the answers")
    return base_url.rstrip("/")


def sendable(text: str) -> str:
    """The text as UTF-8 can carry it: half characters, which generated code may make, become question marks."""
    return text.encode("utf-8", "replace").decode("utf-8")


def greeting(request: Request) -> Request:
    """A request that no server can object to for what it says."""
    return replace(request, expertise="", message=GREETING)


def size(request: Request) -> int:
    """Bytes of a question, also where the role has to stand inside the message."""
    joint = 2 if request.expertise and request.message else 0
    return len(sendable(request.expertise + request.message).encode()) + joint


def shares(total: int, count: int) -> Sequence[int]:
    """`total` in `count` whole parts, as even as can be."""
    return [total // count + (i < total % count) for i in range(count)]


class Asker(Waiting, Protocol):
    """Who waits for the answers to a question."""

    def note(self, text: str) -> None:
        """Something that the user should know."""
        ...


class Server:
    """One server of a user's: asked questions, or only whether it lives. Safe from many threads at once."""

    def __init__(self, base_url: str, headers: Mapping[str, str], secret: str) -> None:
        """`secret` is what no message may repeat. Raises UsageError for a proxy that cannot be used."""
        self._base_url = base_url
        self._secret = secret
        self._connections = Connections(base_url, headers)
        self._lock = threading.Lock()
        self._seen = (-LIVES_S, False)

    @property
    def local(self) -> bool:
        """Whether it runs on this machine."""
        return self._connections.local

    def ask(
        self, path: str, body: Mapping[str, Any], waiting: Waiting, hidden: Sequence[Request]
    ) -> Mapping[str, Any] | Fault:
        """The object that answers a body, put together where it was streamed, or the fault, which repeats nothing of what is
        `hidden`. Raises what `waiting` does."""
        try:
            found = self._connections.send("POST", path, json.dumps(body).encode(), waiting)
        except Unreached as error:
            return unconnected(error)
        except Broken as error:
            return replace(unconnected(error), paid=True)
        return self._read(found, [self._secret, *(text for one in hidden for text in (one.expertise, one.message))])

    def lives(self, path: str) -> bool:
        """Whether it answers something that costs nothing, on a connection of its own."""
        with self._lock:
            moment, alive = self._seen
            if time.monotonic() - moment > LIVES_S / 2:
                found = _free(self._connections, path, LIVES_S)
                alive = found is not None and found.status not in DEAD
                self._seen = (time.monotonic(), alive)
        return alive

    def elsewhere(self, path: str) -> str:
        """Which address near the one that was given answers instead of it, in a few words; "" for none. Sends no key."""
        base = self._base_url
        other = f"http{base.removeprefix('https')}" if base.startswith("https") else f"https{base.removeprefix('http')}"
        for address in (base.removesuffix("/chat/completions"), f"{base}/v1", other):
            found = None if address == base else _free(Connections(address, {}), path, ELSEWHERE_S)
            if found and found.status in {200, 401, 403} and _holds_object(found):
                return f"tried {address}: works, give it as --base-url"
        return ""

    def close(self) -> None:
        self._connections.close()

    def _read(self, found: Response, hidden: Sequence[str]) -> Mapping[str, Any] | Fault:
        after_s, cut = retry_after(found.headers), False
        try:
            told = found.object()
        except Cut as error:
            told, cut = error.so_far, True
        if found.status >= 300:
            one = of_text(found.body, found.status, hidden, after_s)
            return one if told is None else error_in(told, found.status, hidden, after_s)
        if told is None:
            return _unread(found, hidden, after_s)
        if holds_error(told):
            return error_in(told, found.status, hidden, after_s)
        return Fault(0, what="the stream was cut", paid=True) if cut else told


class _Short:
    """Waits for a moment only."""

    def __init__(self, wait_s: float) -> None:
        self.tick_s = wait_s
        self._until = time.monotonic() + wait_s

    def heard(self, piece: memoryview) -> None:  # noqa: ARG002 - what it is does not matter
        if time.monotonic() > self._until:
            self.silent()

    def silent(self) -> None:
        raise TimeoutError

    def ended(self, tail: bytes) -> bool:  # noqa: ARG002 - no stream
        return False


def ended(tail: bytes) -> bool:
    """Whether a stream that ends with these bytes is whole."""
    return END in tail or MESSAGE_END in tail


def _unread(found: Response, hidden: Sequence[str], after_s: float | None) -> Fault:
    """The fault that a response of status 200 is which holds no object: a page, a few words that tell an error, or garbage."""
    page = shape(found.body, found.headers.get("content-type", ""))
    told = of_text(found.body, 200, hidden, after_s)
    if page:
        quote = f": “{told.quote}”" if told.quote else ""
        what = f"what answers there is a {page}, no model (a login?){quote}"
        return Fault(0, what=what, lasting=True, misplaced=True)
    if len(found.body) <= WORDS and found.body[:1].isalpha():  # Ollama's own page says that it is running
        return told if told.status else Fault(0, what="the answer is no JSON object", misplaced=True, paid=True)
    return Fault(0, what="the answer is no JSON object", paid=True)


def _free(connections: Connections, path: str, wait_s: float) -> Response | None:
    """What comes from there when something is asked that costs nothing; None when nothing does."""
    try:
        return connections.send("GET", path, None, _Short(wait_s), fresh=True)
    except (Unreached, Broken):
        return None


def _holds_object(found: Response) -> bool:
    try:
        return found.object() is not None
    except Cut:
        return False
