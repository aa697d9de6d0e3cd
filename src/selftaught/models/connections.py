"""Connections for the SDKs, on the standard library's HTTP client.

The SDKs build requests and read responses; what lies between is theirs to choose (`http_client`). Their own choice takes
twice the CPU time of all the rest of a request, which is what keeps a model waiting when dozens are under way.
"""

from __future__ import annotations

import http.client
import select
import socket
import threading
import time
from typing import cast

import httpx2

IDLE_S = 15.0
"""A connection unused for longer is not trusted any more: what stands between may have forgotten it."""
_Origin = tuple[str, str, int | None]
"""Scheme, host and port."""
LONGEST = 64 * 2**20
"""Bytes of a response that are read; no answer is as long."""
PIECE = 2**18


class Connections(httpx2.BaseTransport):
    """Sends requests over kept connections, each used by one request at a time. Safe from many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: dict[_Origin, list[tuple[float, http.client.HTTPConnection]]] = {}
        self._closed = False
        self._certificates = httpx2.create_ssl_context()

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """The response, read to its end. Raises httpx2.TransportError."""
        origin = (request.url.scheme, request.url.host, request.url.port)
        limits = request.extensions["timeout"]
        until = time.monotonic() + limits["read"]
        connection = self._kept(origin) or self._connect(origin, request, limits["connect"])
        try:
            response = _exchange(connection, request, until)
        except TimeoutError:
            connection.close()
            raise httpx2.ReadTimeout("no answer in time", request=request) from None
        except (OSError, http.client.HTTPException, OverflowError) as error:
            connection.close()  # the last of these comes of a length that no machine has room for
            raise httpx2.ReadError("the connection failed", request=request) from error
        except BaseException:
            connection.close()
            raise
        self._keep(origin, connection)
        return response

    def close(self) -> None:
        """Let go of the connections that are not in use; the others are closed when they no longer are."""
        with self._lock:
            self._closed = True
            unused = [connection for kept in self._idle.values() for _, connection in kept]
            self._idle.clear()
        for connection in unused:
            connection.close()

    def __del__(self) -> None:
        self.close()  # as the SDKs' own clients do for who forgets them

    def _connect(self, origin: _Origin, request: httpx2.Request, timeout_s: float) -> http.client.HTTPConnection:
        scheme, host, port = origin
        if scheme == "https":
            made = http.client.HTTPSConnection(host, port, timeout=timeout_s, context=self._certificates)
        else:
            made = http.client.HTTPConnection(host, port, timeout=timeout_s)
        made.response_class = _Response
        try:
            made.connect()
        except TimeoutError:
            made.close()
            raise httpx2.ConnectTimeout("no connection in time", request=request) from None
        except (OSError, http.client.HTTPException) as error:
            made.close()
            raise httpx2.ConnectError(
                "no connection", request=request
            ) from error  # which kind it is, is told to the user
        return made

    def _kept(self, origin: _Origin) -> http.client.HTTPConnection | None:
        """A connection that is open still: one that can be read before anything was asked has been closed over there."""
        while True:
            with self._lock:
                if not self._idle.get(origin):
                    return None
                since, connection = self._idle[origin].pop()
            if time.monotonic() - since < IDLE_S and not _readable(connection):
                return connection
            connection.close()

    def _keep(self, origin: _Origin, connection: http.client.HTTPConnection) -> None:
        """Keep a connection for the next request, unless the server has closed it."""
        with self._lock:
            if not self._closed:
                if connection.sock is not None:
                    self._idle.setdefault(origin, []).append((time.monotonic(), connection))
                return
        connection.close()


class _Response(http.client.HTTPResponse):
    """A response that all the interim ones before it are skipped for, as the standard library does for 100 only."""

    def _read_status(self) -> tuple[str, int, str]:
        version, status, reason = cast(tuple[str, int, str], super()._read_status())  # pyright: ignore
        return version, 100 if 101 < status < 200 else status, reason


def _exchange(connection: http.client.HTTPConnection, request: httpx2.Request, until: float) -> httpx2.Response:
    """Send a request and read its response to the end. TimeoutError when that is not reached in time."""
    connection.sock.settimeout(_left(until))
    target = request.url.raw_path.decode("ascii")
    connection.putrequest(request.method, target, skip_host=True, skip_accept_encoding=True)
    for name, value in request.headers.raw:
        connection.putheader(name.decode("latin-1"), value)
    connection.endheaders(request.read())
    line = connection.sock  # the connection forgets it when the server will close it
    found = connection.getresponse()
    with found:
        content = _read(found, line, until)
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in found.getheaders()]
    return httpx2.Response(found.status, headers=headers, content=content)


def _read(found: http.client.HTTPResponse, line: socket.socket, until: float) -> bytes:
    """All of a response, however slowly it comes in; HTTPException where it is cut short or too long."""
    content = bytearray()
    while True:
        line.settimeout(_left(until))
        piece = found.read1(PIECE)
        content += piece
        if found.isclosed() or not piece:
            break
        if len(content) > LONGEST:
            raise http.client.HTTPException("too long")
    if found.length:
        raise http.client.IncompleteRead(b"", found.length)
    return bytes(content)


def _left(until: float) -> float:
    """Seconds until then."""
    left = until - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _readable(connection: http.client.HTTPConnection) -> bool:
    poll = select.poll()  # unlike select.select it takes any number of open files
    poll.register(connection.sock, select.POLLIN)
    return bool(poll.poll(0))
