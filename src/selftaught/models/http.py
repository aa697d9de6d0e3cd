"""Requests to one server, on the standard library's HTTP client, with a clock that counts from the last sign of life.

A question may take minutes, streamed or in silence, so nothing here has a time limit of its own: whoever asks hears of
every piece that comes in and of every silence, and may end the wait by raising. Measured side by side, the CPU time of one
question was 1.7 ms through the official SDK, 1.3 ms through the SDK over connections like these, and 0.2 ms without it.
"""

from __future__ import annotations

import base64
import http.client
import io
import select
import socket
import ssl
import threading
import time
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol, cast
from urllib.parse import SplitResult, unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

from selftaught.errors import UsageError
from selftaught.models.streams import Reading

CONNECT_S = 10.0
"""How long a connection may take to be made."""
UNUSED_S = 15.0
"""A connection unused for longer is not trusted any more: what stands between may have forgotten it."""
LONGEST = 64 * 2**20
"""Bytes of a response that are read; no answer is as long."""
PIECES, PIECE = 3, 4096
"""A response that comes in more pieces than this, each below so many bytes, is streamed."""
GATHER_S = 0.04
"""Pieces of a streamed response are gathered for so long, or dozens of answers would come in by thousands of wake-ups."""
LINGER_S = 1.0
"""How long the end of a connection is waited for when all that belongs to the response is there."""
TAIL = 64
ENCODINGS = {"gzip", "deflate"}
"""How some servers pack a response, unasked."""
LOOPBACK = {"localhost", "127.0.0.1", "::1"}


class Unreached(Exception):
    """There was no connection, so nothing was sent. The cause says which kind it is."""


class Broken(Exception):
    """The request was sent, and what came back is no whole response: it may have been worked on, and be paid for."""


class Waiting(Protocol):
    """Who waits for a response. What these methods raise ends the wait, and is raised to who asked."""

    tick_s: float
    """Seconds of silence until it is told, and told again."""

    def heard(self, piece: memoryview) -> None:
        """Something came in."""
        ...

    def silent(self) -> None:
        """Nothing came for `tick_s` seconds."""
        ...

    def ended(self, tail: bytes) -> bool:
        """Whether a response that ends with these bytes is whole, though the server has not said so."""
        ...


@dataclass(frozen=True)
class Response:
    """A whole response; the names of headers are in small letters."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    reading: Reading = field(default_factory=Reading, compare=False, repr=False)
    """What of the body was read as it came in."""

    def object(self) -> Mapping[str, Any] | None:
        """The object that the body is; see `Reading`."""
        return self.reading.object(self.body)


class Connections:
    """Sends requests to one server over kept connections, each used by one request at a time. Safe from many threads."""

    def __init__(self, base_url: str, headers: Mapping[str, str]) -> None:
        """Raises UsageError for a proxy that cannot be used."""
        self._base = urlsplit(base_url)
        self._headers = {"User-Agent": "selftaught", "Accept": "application/json, text/event-stream", **headers}
        self._lock = threading.Lock()
        self._unused: list[tuple[float, http.client.HTTPConnection]] = []
        self._closed = False
        self._proxy = _proxy(self._base)
        self._context = ssl.create_default_context() if self._base.scheme == "https" else None

    @property
    def local(self) -> bool:
        """Whether the server runs on this machine."""
        return self._base.hostname in LOOPBACK

    def send(self, method: str, path: str, body: bytes | None, waiting: Waiting, fresh: bool = False) -> Response:
        """The response, read to its end; `fresh`: over a connection of its own. Raises Unreached, Broken, or what
        `waiting` does."""
        used = None if fresh else self._kept()
        connection = used or self._connect()
        try:
            found = self._exchange(connection, method, path, body, waiting)
        except (http.client.RemoteDisconnected, ConnectionError) as error:
            connection.close()
            if used is not None:  # it was closed over there while it was unused
                return self.send(method, path, body, waiting, fresh=True)
            raise Broken("the connection failed") from error
        except (OSError, http.client.HTTPException, OverflowError, zlib.error) as error:
            connection.close()  # an overflow comes of a length that no machine has room for
            raise Broken("the connection failed") from error
        except BaseException:
            connection.close()
            raise
        self._keep(connection)
        return found

    def close(self) -> None:
        """Let go of the connections that are not in use; the others are closed when they no longer are."""
        with self._lock:
            self._closed = True
            unused, self._unused = self._unused, []
        for _, connection in unused:
            connection.close()

    def __del__(self) -> None:
        self.close()  # for who forgets it

    def _connect(self) -> http.client.HTTPConnection:
        base, proxy = self._base, self._proxy
        place = proxy or base
        secured = self._context is not None
        port = place.port or (443 if place.scheme == "https" else 80)
        if secured:
            made = http.client.HTTPSConnection(str(place.hostname), port, timeout=CONNECT_S, context=self._context)
        else:
            made = http.client.HTTPConnection(str(place.hostname), port, timeout=CONNECT_S)
        if proxy and secured:
            made.set_tunnel(str(base.hostname), base.port or 443, headers=_credentials(proxy))
        try:
            made.connect()
            made.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except (OSError, http.client.HTTPException, UnicodeError) as error:
            made.close()
            raise Unreached("the connection failed") from error
        return made

    def _exchange(
        self, connection: http.client.HTTPConnection, method: str, path: str, body: bytes | None, waiting: Waiting
    ) -> Response:
        target, headers = self._base.path + path, dict(self._headers)
        if self._base.query:
            target += f"?{self._base.query}"
        if self._proxy and self._context is None:
            target = f"{self._base.scheme}://{self._base.netloc}{target}"
            headers |= _credentials(self._proxy)
        if body is not None:
            headers["Content-Type"] = "application/json"
        connection.sock.settimeout(CONNECT_S)
        connection.response_class = cast(Any, partial(_response, waiting))
        connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
        connection.putheader("Host", self._base.netloc)
        for name, value in {**headers, **({} if body is None else {"Content-Length": str(len(body))})}.items():
            connection.putheader(name, value)
        connection.endheaders(body)
        reading = Reading()
        with connection.getresponse() as found:
            try:
                content = _content(found, reading)
            except http.client.IncompleteRead as error:
                connection.close()
                if not waiting.ended(error.partial[-TAIL:]):
                    raise
                content = error.partial
        headers = {name.lower(): value for name, value in found.getheaders()}
        encoding = headers.get("content-encoding", "")
        if encoding in ENCODINGS:
            return Response(found.status, headers, _unpacked(content))
        return Response(found.status, headers, content, reading)

    def _kept(self) -> http.client.HTTPConnection | None:
        """A connection that is open still: one that can be read before anything was asked has been closed over there."""
        while True:
            with self._lock:
                if not self._unused:
                    return None
                since, connection = self._unused.pop()
            if time.monotonic() - since < UNUSED_S and not _readable(connection):
                return connection
            connection.close()

    def _keep(self, connection: http.client.HTTPConnection) -> None:
        """Keep a connection for the next request, unless the server has closed it."""
        with self._lock:
            if not self._closed:
                if connection.sock is not None:
                    self._unused.append((time.monotonic(), connection))
                return
        connection.close()


class _Line(io.RawIOBase):
    """What comes in over a connection, told to who waits for it; too much of it is an HTTPException.

    It stands for the socket that an HTTPResponse reads from: the standard library's own gives up for good at a silence.
    """

    def __init__(self, sock: socket.socket, waiting: Waiting) -> None:
        self._sock = sock
        self._open = sock.makefile("rb", buffering=0)  # the socket stays open as long as this does
        self._waiting = waiting
        self._bytes = self._reads = self._last = 0
        self._tail = b""

    def makefile(self, _: str) -> io.BufferedReader:
        return io.BufferedReader(self, 2**16)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if self._reads > PIECES and self._last < PIECE:
            time.sleep(GATHER_S)
        ended = self._waiting.ended(self._tail)
        self._sock.settimeout(LINGER_S if ended else self._waiting.tick_s)
        while True:
            try:
                count = self._sock.recv_into(buffer)
                break
            except TimeoutError:
                if ended:
                    return 0
                self._waiting.silent()
        self._reads, self._last, self._bytes = self._reads + 1, count, self._bytes + count
        if self._bytes > LONGEST:
            raise http.client.HTTPException("too long")
        piece = memoryview(buffer)[:count]
        self._tail = (self._tail + bytes(piece[-TAIL:]))[-TAIL:]
        self._waiting.heard(piece)
        return count

    def close(self) -> None:
        self._open.close()
        super().close()


class _Response(http.client.HTTPResponse):
    """A response that all the interim ones before it are skipped for, as the standard library does for 100 only."""

    def __init__(self, line: _Line, **more: Any) -> None:
        super().__init__(cast(socket.socket, line), **more)

    def _read_status(self) -> tuple[str, int, str]:
        version, status, reason = cast(tuple[str, int, str], super()._read_status())  # pyright: ignore
        return version, 100 if 101 < status < 200 else status, reason


def _response(waiting: Waiting, sock: socket.socket, **more: Any) -> _Response:
    return _Response(_Line(sock, waiting), **more)


def _readable(connection: http.client.HTTPConnection) -> bool:
    poll = select.poll()  # unlike select.select it takes any number of open files
    poll.register(connection.sock, select.POLLIN)
    return bool(poll.poll(0))


def _content(found: http.client.HTTPResponse, reading: Reading) -> bytes:
    """The body, which is read as it comes in where its length was not told. IncompleteRead, with what came, when it is cut."""
    if found.length is not None:
        return found.read()
    pieces: list[bytes] = []
    try:
        while piece := found.read1(2**16):
            pieces.append(piece)
            reading.feed(piece)
    except http.client.IncompleteRead as error:
        raise http.client.IncompleteRead(b"".join(pieces)) from error
    return b"".join(pieces)


def _unpacked(content: bytes) -> bytes:
    """The content as it was before it was packed for the way."""
    packed = zlib.decompressobj(zlib.MAX_WBITS | 32)
    found = packed.decompress(content, LONGEST)
    if packed.unconsumed_tail or not packed.eof:
        raise http.client.HTTPException("too long, or cut")
    return found


def _proxy(base: SplitResult) -> SplitResult | None:
    """What stands between, as the environment says; nothing does before a server on this machine."""
    host = str(base.hostname)
    if host in LOOPBACK or proxy_bypass(host):
        return None
    found = getproxies()
    address = found.get(base.scheme) or found.get("all")
    if not address:
        return None
    proxy = urlsplit(address if "://" in address else f"http://{address}")
    if proxy.scheme != "http" or not proxy.hostname:
        raise UsageError(
            f"a proxy of the kind {proxy.scheme}:// cannot be used: name an http:// one in {base.scheme}_proxy, "
            f"or leave {host} out of it with no_proxy"
        )
    return proxy


def _credentials(proxy: SplitResult) -> dict[str, str]:
    if proxy.username is None:
        return {}
    pair = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}"
    return {"Proxy-Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}
