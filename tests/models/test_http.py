"""The connections to a server: used again, replaced when they have gone, secured, and left to a proxy where there is one."""

import gzip
import socket
import ssl
import threading
from pathlib import Path

import pytest
from faultserver import FaultServer, Reply, completion

from selftaught.errors import ModelDown, ModelRefused, UsageError
from selftaught.models import Request, http
from selftaught.models.providers import open_model
from selftaught.settings.choice import ModelChoice

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
        model = open_model(ModelChoice("openai:m", base_url=server.url))
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
        model = open_model(
            ModelChoice("openai:m", base_url=f"http://127.0.0.1:{listening.getsockname()[1]}/v1"), deadline_s=20
        )
        for i in range(3):
            assert model.complete(Request("", f"q{i}"), ["a"])[0].text == "fine"
            assert closed.acquire(timeout=90)
    assert len(requests) == 3


def test_a_packed_response_is_unpacked(ask):
    packed = gzip.compress(b'{"choices": [{"finish_reason": "stop", "message": {"content": "f\xc3\xbcr"}}]}')
    with FaultServer(lambda body, nth: Reply(raw=packed, headers={"Content-Encoding": "gzip"})) as server:
        assert ask(server)[0].text == "für"


def test_a_secured_server_is_asked_when_its_certificate_is_trusted_and_not_otherwise(monkeypatch):
    with Callers(secured=True) as server:
        url = server.url.replace("http:", "https:")
        with pytest.raises(ModelRefused, match=r"certificate is not trusted: .* SSL_CERT_FILE"):
            open_model(ModelChoice("openai:m", base_url=url), deadline_s=60).complete(Request("", "q"), ["a"])
        assert server.seen == 0
        monkeypatch.setenv("SSL_CERT_FILE", str(OURS))
        (answer,) = open_model(ModelChoice("openai:m", base_url=url), deadline_s=20).complete(Request("", "q"), ["a"])
    assert answer.text == "re: q"


def test_why_there_is_no_connection_is_told():
    with pytest.raises(ModelDown, match="the connection failed: nothing listens there"):
        open_model(ModelChoice("openai:m", base_url="http://127.0.0.1:1/v1"), deadline_s=0.5).complete(
            Request("", "q"), ["a"]
        )
    with pytest.raises(ModelRefused, match="the connection failed: no host of that name is known"):
        open_model(ModelChoice("openai:m", base_url="http://nowhere.invalid/v1")).complete(Request("", "q"), ["a"])


def test_an_address_with_the_wrong_scheme_is_told_with_the_right_one(monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(OURS))
    with FaultServer() as server:
        url = server.url.replace("http:", "https:")
        with pytest.raises(ModelRefused, match=rf"not secured.*tried {server.url}: works"):
            open_model(ModelChoice("openai:m", base_url=url)).complete(Request("", "q"), ["a"])


@pytest.mark.parametrize("status", [301, 302, 307, 308])
@pytest.mark.parametrize("proxied", [True, False])
def test_a_question_goes_nowhere_else_than_where_it_was_sent(monkeypatch, status, proxied):
    with FaultServer(lambda body, nth: Reply(status, {}, headers={"Location": "/v1/elsewhere"})) as server:
        if proxied:
            monkeypatch.setenv("http_proxy", server.url.removesuffix("/v1"))
        model = open_model(ModelChoice("openai:m", base_url=server.url), deadline_s=20)
        with pytest.raises(ModelRefused, match=f"{status}: it has moved: give its new address as --base-url"):
            model.complete(Request("", "q"), ["a"])
    assert server.seen == 1


def pouring(head, piece, pause_s=0.0):
    """A server that pours pieces into a response without end; and an event, set when its connection is closed."""
    listening, closed = socket.create_server(("127.0.0.1", 0)), threading.Event()

    def serve():
        connection, _ = listening.accept()
        with connection:
            connection.recv(10_000)
            try:
                connection.sendall(head)
                while not closed.wait(pause_s):
                    connection.sendall(piece)
            except OSError:
                closed.set()

    threading.Thread(target=serve, daemon=True).start()
    return listening, closed


@pytest.mark.parametrize("packed", [False, True])
def test_a_response_without_end_is_left(monkeypatch, packed):
    monkeypatch.setattr(http, "LONGEST", 10**6)
    head = b"HTTP/1.1 200 OK\r\n\r\n"
    piece = b"x" * 10**5
    if packed:
        piece = gzip.compress(b" " * 10**7)
        head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(piece)
    listening, closed = pouring(head, piece)
    with listening:
        model = open_model(
            ModelChoice("openai:m", base_url=f"http://127.0.0.1:{listening.getsockname()[1]}/v1"), deadline_s=30
        )
        (lost,) = model.complete(Request("", "q"), ["a"])
        assert (lost.finish, lost.reason) == ("lost", "the connection failed")
        assert closed.wait(30)


def test_a_stream_that_is_whole_is_not_waited_for_though_its_connection_stays_open(ask):
    event = b'data: {"choices":[{"index":0,"delta":{"content":"fine"},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n" % (len(event), event)
    open_ = threading.Event()

    def serve():
        connection, _ = listening.accept()
        with connection:
            connection.recv(10_000)
            connection.sendall(head)
            open_.wait(30)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=serve, daemon=True).start()
        model = open_model(ModelChoice("openai:m", base_url=f"http://127.0.0.1:{listening.getsockname()[1]}/v1"))
        assert model.complete(Request("", "q"), ["a"])[0].text == "fine"
        open_.set()


@pytest.mark.parametrize("chunked", [True, False])
def test_interim_responses_are_skipped_and_chunks_put_together(chunked):
    answer = b'{"choices": [{"finish_reason": "stop", "message": {"content": "fine"}}]}'
    interim = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n"
    if chunked:
        body = b"Transfer-Encoding: chunked\r\n\r\n" + b"".join(b"1\r\n%c\r\n" % byte for byte in answer) + b"0\r\n\r\n"
    else:
        body = b"Content-Length: %d\r\n\r\n" % len(answer) + answer

    def serve():
        connection, _ = listening.accept()
        with connection:
            for _ in range(2):
                seen = b""
                while not seen.endswith(b"}"):
                    seen += connection.recv(10_000)
                connection.sendall(interim + b"HTTP/1.1 200 OK\r\n" + body)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=serve, daemon=True).start()
        model = open_model(ModelChoice("openai:m", base_url=f"http://127.0.0.1:{listening.getsockname()[1]}/v1"))
        for i in range(2):
            assert model.complete(Request("", f"q{i}"), ["a"])[0].text == "fine"


@pytest.mark.parametrize("variable", ["https_proxy", "all_proxy"])
@pytest.mark.parametrize("kind", ["socks5", "socks5h", "https"])
def test_a_proxy_of_another_kind_is_one_line(monkeypatch, variable, kind):
    monkeypatch.setenv(variable, f"{kind}://127.0.0.1:1")
    with pytest.raises(UsageError, match=rf"a proxy of the kind {kind}:// cannot be used"):
        open_model(ModelChoice("openai:m", base_url="https://nowhere.invalid/v1"))
    open_model(ModelChoice("openai:m", base_url="http://127.0.0.1:1/v1"))


def test_a_response_through_a_proxy_has_the_same_limit(monkeypatch):
    monkeypatch.setattr(http, "LONGEST", 10**4)
    with FaultServer(lambda body, nth: completion(["x" * 10**5])) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url.removesuffix("/v1"))
        model = open_model(ModelChoice("openai:m", base_url="http://nowhere.invalid/v1"), deadline_s=20)
        assert model.complete(Request("", "q"), ["a"])[0].finish == "lost"


def test_a_proxy_is_kept_to(monkeypatch):
    with FaultServer(lambda body, nth: completion(["by proxy"])) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url.removesuffix("/v1"))
        model = open_model(ModelChoice("openai:m", base_url="http://nowhere.invalid/v1"), deadline_s=20)
        assert model.complete(Request("", "q"), ["a"])[0].text == "by proxy"
    assert proxy.headers[0]["host"] == "nowhere.invalid"
