"""The connections below the SDKs: used again, replaced when they have gone, secured, and left to a proxy where there is one."""

import gzip
import socket
import ssl
import threading
from pathlib import Path

import pytest
from faultserver import FaultServer, Reply, completion

from selftaught.errors import ModelDown
from selftaught.models import Request
from selftaught.models.providers import open_model

OURS = Path(__file__).parent / "loopback.pem"
"""A certificate for 127.0.0.1, signed by itself, and its key."""


class Callers(FaultServer):
    """Knows how many connections were made to it."""

    def __init__(self, *given, secured=False, **more):
        super().__init__(*given, **more)
        self.connections = 0
        accept = self._server.get_request
        if secured:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(OURS)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)

        def counting():
            found = accept()
            self.connections += 1
            return found

        self._server.get_request = counting


def test_a_connection_is_used_again(ask):
    with Callers() as server:
        model = open_model("openai:m", base_url=server.url)
        for _ in range(5):
            ask(server, model=model)
    assert (server.seen, server.connections) == (5, 1)


@pytest.mark.parametrize("told", [True, False])
def test_a_connection_that_the_server_closed_is_replaced_unnoticed(told):
    """Whether the server says so or not: nothing failed, so nothing is tried again."""
    answer = b'{"choices": [{"finish_reason": "stop", "message": {"content": "fine"}}]}'
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n%s\r\n" % (len(answer), b"Connection: close\r\n" if told else b"")
    closed, requests = threading.Semaphore(0), []

    def serve():
        while len(requests) < 3:
            connection, _ = listening.accept()
            seen = b""
            while not seen.endswith(b"}"):
                seen += connection.recv(10_000)
            requests.append(seen)
            connection.sendall(head + answer)
            connection.close()
            closed.release()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=serve, daemon=True).start()
        model = open_model("openai:m", base_url=f"http://127.0.0.1:{listening.getsockname()[1]}/v1", deadline_s=20)
        for i in range(3):
            assert model._provider.ask(Request("", f"q{i}"), 1, 10.0)[0].text == "fine"
            assert closed.acquire(timeout=10)
    assert len(requests) == 3


def test_a_packed_response_is_unpacked(ask):
    packed = gzip.compress(b'{"choices": [{"finish_reason": "stop", "message": {"content": "f\xc3\xbcr"}}]}')
    with FaultServer(lambda body, nth: Reply(raw=packed, headers={"Content-Encoding": "gzip"})) as server:
        assert ask(server)[0].text == "für"


def test_a_secured_server_is_asked_when_its_certificate_is_trusted_and_not_otherwise(monkeypatch):
    with Callers(secured=True) as server:
        url = server.url.replace("http:", "https:")
        with pytest.raises(ModelDown, match="the connection failed"):
            open_model("openai:m", base_url=url, deadline_s=0.5).complete(Request("", "q"), ["a"])
        assert server.seen == 0
        monkeypatch.setenv("SSL_CERT_FILE", str(OURS))
        (answer,) = open_model("openai:m", base_url=url, deadline_s=20).complete(Request("", "q"), ["a"])
    assert answer.text == "re: q"


def test_a_proxy_is_kept_to(monkeypatch):
    with FaultServer(lambda body, nth: completion(["by proxy"])) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url.removesuffix("/v1"))
        model = open_model("openai:m", base_url="http://nowhere.invalid/v1", deadline_s=20)
        assert model.complete(Request("", "q"), ["a"])[0].text == "by proxy"
    assert proxy.headers[0]["host"] == "nowhere.invalid"
