"""Connections for the SDKs, on the standard library's HTTP client.

The SDKs build requests and read responses; what lies between is theirs to choose (`http_client`). Their own choice takes
twice the CPU time of all the rest of a request, which is what keeps a model waiting when dozens are under way.
"""

from __future__ import annotations

import http.client
import select
import threading
import time

import httpx2

IDLE_S = 15.0
"""A connection unused for longer is not trusted any more: what stands between may have forgotten it."""
_Origin = tuple[str, str, int | None]
"""Scheme, host and port."""


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
        connection = self._kept(origin) or self._connect(origin, request, limits["connect"])
        try:
            connection.sock.settimeout(limits["read"])
            response = _exchange(connection, request)
        except TimeoutError:
            connection.close()
            raise httpx2.ReadTimeout("no answer in time", request=request) from None
        except (
            OSError,
            http.client.HTTPException,
            OverflowError,
        ):  # the last: of a length that no machine has room for
            connection.close()
            raise httpx2.ReadError("the connection failed", request=request) from None
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
        try:
            made.connect()
        except TimeoutError:
            made.close()
            raise httpx2.ConnectTimeout("no connection in time", request=request) from None
        except (OSError, http.client.HTTPException):
            made.close()
            raise httpx2.ConnectError("no connection", request=request) from None
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


def _exchange(connection: http.client.HTTPConnection, request: httpx2.Request) -> httpx2.Response:
    target = request.url.raw_path.decode("ascii")
    connection.putrequest(request.method, target, skip_host=True, skip_accept_encoding=True)
    for name, value in request.headers.raw:
        connection.putheader(name.decode("latin-1"), value)
    connection.endheaders(request.read())
    found = connection.getresponse()
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in found.getheaders()]
    return httpx2.Response(found.status, headers=headers, content=found.read())


def _readable(connection: http.client.HTTPConnection) -> bool:
    poll = select.poll()  # unlike select.select it takes any number of open files
    poll.register(connection.sock, select.POLLIN)
    return bool(poll.poll(0))
