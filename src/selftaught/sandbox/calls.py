"""Remote calls of an improver: requests come in over a socket, host functions answer them in threads.

Every request is untrusted: its length is capped, its form checked against a schema before a function is called.
"""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from time import monotonic
from typing import Any, cast

from selftaught.errors import Refusal
from selftaught.plain import JSON
from selftaught.sandbox import HostFunction
from selftaught.sandbox.guest.wire import MAX_LIST, MAX_REQUEST
from selftaught.sandbox.reader import Unreadable, plain

AT_ONCE = 64
"""Requests of one improver that are worked on at once; more wait."""
IN_HAND = 1024
"""Requests of one improver whose replies it has not taken; one that has more is ended."""
CALLS = 20_000
"""Requests of one improver in all: each costs the host some time, also where it is refused or asks for nothing."""
BYTES = 256 << 20
"""Their size in all: to read a byte costs the host twenty times what it costs to send it once more."""
BYTES_IN_HAND = 32 << 20
"""The size of those in hand."""


def _text(value: Any) -> bool:
    return type(value) is str


def _texts(value: Any) -> bool:
    return (
        type(value) is list
        and len(cast("list[Any]", value)) <= MAX_LIST + 1
        and all(map(_text, cast("list[Any]", value)))
    )


def _number(value: Any) -> bool:
    return type(value) is float


SCHEMAS: Mapping[str, Mapping[str, Callable[[Any], bool]]] = {
    "utility": {"solutions": _texts},
    "feedback": {"solution": _text},
    "keep": {"solution": _text},
    "ask": {"expertise": _text, "messages": _texts, "temperature": _number},
}
OPTIONAL: Mapping[str, Mapping[str, Callable[[Any], bool]]] = {"utility": {"ignored": _texts}}
"""What a call may carry besides."""


@dataclass(frozen=True)
class Call:
    """A call that passed its check."""

    number: int
    name: str
    arguments: Mapping[str, Any]


def request(data: bytes) -> Call:
    """The request in one frame; raises Unreadable."""
    match plain(data):
        case {"id": int(number), "call": str(name), "arguments": given, **others} if not others and name in SCHEMAS:
            schema, more = SCHEMAS[name], OPTIONAL.get(name, {})
        case _:
            raise Unreadable("no request")
    if type(number) is bool or not 0 <= number < 1 << 53:
        raise Unreadable("a request without a number")
    arguments = cast("dict[str, Any]", given) if type(given) is dict else {}
    known = {**more, **schema}
    if not schema.keys() <= arguments.keys() <= known.keys() or not all(
        known[key](arguments[key]) for key in arguments
    ):
        raise Unreadable(f"arguments that do not fit `{name}`")
    return Call(number, name, arguments)


class Frames:
    """Cuts a stream of bytes into frames; never holds more than one frame and one read."""

    def __init__(self) -> None:
        self._data = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        """The frames that `data` completes; raises Unreadable as soon as a frame announces too much."""
        self._data += data
        frames: list[bytes] = []
        while len(self._data) >= 4:
            size = int.from_bytes(self._data[:4], "little")
            if size > MAX_REQUEST:
                raise Unreadable("a request that is too large")
            if len(self._data) < 4 + size:
                break
            frames.append(bytes(self._data[4 : 4 + size]))
            del self._data[: 4 + size]
        return frames


def _frame(reply: Mapping[str, JSON]) -> bytes:
    data = json.dumps(reply, ensure_ascii=False).encode("utf-8", "replace")
    return len(data).to_bytes(4, "little") + data


class Desk:
    """Serves the calls of one improver. `stop` is called when it must be ended."""

    def __init__(self, calls: socket.socket, functions: Mapping[str, HostFunction], stop: Callable[[], None]) -> None:
        self._calls = calls
        self._functions = functions
        self._stop = stop
        self._frames = Frames()
        self._threads = ThreadPoolExecutor(AT_ONCE, "improver")
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._in_hand = 0
        self._taken = self._bytes = 0
        self._bytes_in_hand = 0
        self._open = 0
        self._since = 0.0
        self._waited = 0.0
        self.ended = False
        """Whether the improver was ended, for either of these reasons."""
        self.failure: BaseException | None = None
        """What a host function raised; the run ends with it."""
        self.breach = ""
        """Why the improver was ended for its requests."""

    def waited(self) -> float:
        """Seconds in which at least one call was being answered."""
        with self._lock:
            return self._waited + (monotonic() - self._since if self._open else 0.0)

    def read(self) -> bool:
        """Take in what the improver sent; False when it has closed its end."""
        try:
            data = self._calls.recv(1 << 16)
        except ConnectionResetError:  # it ended without having read its replies
            return False
        try:
            for frame in self._frames.feed(data):
                self._taken += 1
                if self._taken > CALLS:
                    raise Unreadable(f"more than {CALLS:,} requests")
                self._bytes += len(frame)
                if self._bytes > BYTES:
                    raise Unreadable(f"requests of more than {BYTES >> 20} MiB in all")
                wanted = request(frame)
                if wanted.name not in self._functions:
                    raise Unreadable(f"`{wanted.name}` is not offered here")
                self._hold(1, len(frame))
                self._threads.submit(self._serve, wanted, len(frame))
        except Unreadable as error:
            self.breach = f"sent {error}"
            self._end()
            return False
        return bool(data)

    def close(self) -> None:
        """Wait for the functions that are still at work."""
        self._threads.shutdown(cancel_futures=True)

    def _hold(self, step: int, size: int) -> None:
        """Take a request in hand, or let go of it; raises Unreadable when there are too many."""
        with self._lock:
            self._in_hand += step
            self._bytes_in_hand += size
            if self._in_hand > IN_HAND or self._bytes_in_hand > BYTES_IN_HAND:
                raise Unreadable("more requests than it takes replies to")

    def _count(self, step: int) -> None:
        with self._lock:
            now = monotonic()
            if self._open:
                self._waited += now - self._since
            self._since = now
            self._open += step

    def _serve(self, wanted: Call, size: int) -> None:
        self._count(1)
        try:
            data = _frame({"id": wanted.number, **self._reply(wanted)})
        except BaseException as error:  # noqa: BLE001 - carried to the caller of Sandbox.run
            self.failure = self.failure or error
            self._end()
            data = b""
        self._count(-1)
        # fails when the improver has ended; its outcome says how
        with contextlib.suppress(OSError), self._writing:
            self._calls.sendall(data)
        with contextlib.suppress(Unreadable):
            self._hold(-1, -size)

    def _reply(self, wanted: Call) -> dict[str, JSON]:
        try:
            return {"value": self._functions[wanted.name](**wanted.arguments)}
        except Refusal as refusal:
            return {"refused": refusal.kind, "message": refusal.message}

    def _end(self) -> None:
        self.ended = True
        self._stop()
