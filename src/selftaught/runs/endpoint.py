"""The address at which a model is asked: HTTP on this machine, in OpenAI's form.

Whoever can reach the address can ask, so it is a loopback one unless its user says otherwise. A page in a browser cannot: a
question has to be JSON by its header, for which a browser asks leave first, and is refused where the host's name is another.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from selftaught.errors import UsageError
from selftaught.models.local import LOOPBACK
from selftaught.plain import JSON
from selftaught.runs.serving import Service, Wrong, chunks, completion

MOST_BYTES = 32 << 20
"""Of a request."""
_IDLE_S = 300.0
"""After so many seconds without a word a connection is closed."""
_CHAT, _MODELS = "/v1/chat/completions", "/v1/models"
Seen = Callable[[str], None]


class Endpoint(ThreadingHTTPServer):
    """A server of one model; `serve_forever` answers until `shutdown`."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, service: Service, host: str, port: int, seen: Seen = lambda _: None) -> None:
        """`seen` is told a line on every request that is refused. Raises UsageError where nobody can listen there."""
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.service = service
        self.seen = seen
        try:
            super().__init__((host, port), _Handler)
        except (OSError, OverflowError) as error:
            said = getattr(error, "strerror", None) or str(error)
            raise UsageError(f"cannot listen at {host} port {port}: {said}; --port 0 takes one that is free") from error
        self.loopback = host in LOOPBACK or host.startswith("127.")

    @property
    def url(self) -> str:
        """What to give as base URL."""
        host, port = str(self.server_address[0]), self.server_address[1]
        return f"http://{f'[{host}]' if ':' in host else host}:{port}/v1"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A connection that broke off is nobody's fault here."""


class _Handler(BaseHTTPRequestHandler):
    server: Endpoint  # pyright: ignore[reportIncompatibleVariableOverride]
    protocol_version = "HTTP/1.1"
    timeout = _IDLE_S

    def do_GET(self) -> None:
        self._answered(self._looked_up)

    def do_POST(self) -> None:
        self._answered(self._asked)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - named by the library
        """Requests are told by `seen`, with what came of them."""

    def _answered(self, work: Callable[[], None]) -> None:
        said = ""
        try:
            self._check_host()
            work()
        except Wrong as wrong:
            said = f"{wrong.status}: {wrong}"
            self._send(wrong.status, wrong.body)
        except ConnectionError:
            return  # the other side has gone
        except Exception as error:  # noqa: BLE001 - one request must not end the others
            said = f"500: {type(error).__name__}: {error}"
            self.close_connection = True
            self._send(500, Wrong(500, f"this server failed: {type(error).__name__}").body)
        if said:
            self.server.seen(f"{self.command} {self.path[:200]} {said}")

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:  # noqa: ARG002
        """What the library refuses by itself, such as other methods, in the same form."""
        self.close_connection = True
        self._send(code, Wrong(code, message or "this cannot be read as a request").body)

    def _check_host(self) -> None:
        name = urlsplit(f"//{self.headers.get('Host', '')}").hostname
        if self.server.loopback and name is not None and name not in LOOPBACK and not name.startswith("127."):
            self.close_connection = True
            raise Wrong(403, f"this address serves this machine, not {name[:80]!r}")

    def _looked_up(self) -> None:
        path = urlsplit(self.path).path.rstrip("/")
        found = self.server.service.models()
        if path == _MODELS:
            self._send(200, found)
        elif path == f"{_MODELS}/{self.server.service.model.name}":
            self._send(200, self.server.service.one())
        else:
            raise self._nothing(path)

    def _asked(self) -> None:
        body = self._body()  # read in any case: the next request on this connection follows it
        path = urlsplit(self.path).path.rstrip("/")
        if path != _CHAT:
            raise self._nothing(path)
        if self.headers.get_content_type() != "application/json":
            raise Wrong(400, "the header Content-Type has to be application/json")
        try:
            told: object = json.loads(body)
        except (ValueError, RecursionError) as error:
            raise Wrong(400, f"the body is no JSON: {error}") from error
        service = self.server.service
        asked = service.question(told)
        answers = service.answers(asked)
        if asked.stream:
            self._stream(chunks(service.model.name, answers, asked.usage))
        else:
            self._send(200, completion(service.model.name, answers))

    def _nothing(self, path: str) -> Wrong:
        return Wrong(404, f"there is nothing at {path[:80] or '/'}: POST {_CHAT} asks, GET {_MODELS} lists")

    def _body(self) -> bytes:
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal():
            self.close_connection = True
            raise Wrong(411, "the header Content-Length is needed")
        if len(length) > len(str(MOST_BYTES)) or int(length) > MOST_BYTES:
            self.close_connection = True
            raise Wrong(413, f"the body has {length[:20]} bytes: {MOST_BYTES:,} at most are read")
        return self.rfile.read(int(length))

    def _send(self, status: int, body: Mapping[str, JSON]) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _stream(self, events: list[dict[str, JSON]]) -> None:
        """Server-sent events; the connection's end ends them."""
        self.close_connection = True
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Cache-Control", "no-cache")
        self.send_header("Connection", "close")
        self.end_headers()
        for event in events:
            self.wfile.write(b"data: " + json.dumps(event).encode() + b"\n\n")
        self.wfile.write(b"data: [DONE]\n\n")
