"""An OpenAI- and Anthropic-compatible server on loopback that misbehaves on demand."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

KEY = "sk-planted-0123456789abcdef"


class Reply:
    """One way to answer a request: `status`, a JSON body or raw bytes, headers; `cut`, `hang`, `after` are what they say.

    `plain`: not streamed, even to who asks for that; `pieces_s`: seconds from one piece of a stream to the next.
    """

    def __init__(self, status=200, body=None, raw=None, headers=(), cut=False, hang=0.0, plain=False, pieces_s=0.0):
        self.status = status
        self.body = body
        self.raw = raw
        self.headers = dict(headers)
        self.cut = cut
        self.hang = hang
        self.plain = plain
        self.pieces_s = pieces_s


def error(status, code=None, param=None, message="no", headers=()):
    return Reply(
        status, {"error": {"message": message, "type": "some_error", "code": code, "param": param}}, headers=headers
    )


def choice(text, finish="stop", index=0):
    return {"index": index, "finish_reason": finish, "message": {"role": "assistant", "content": text}}


def completion(texts, finish="stop", usage=(7, None)):
    choices = [choice(text, finish, i) for i, text in enumerate(texts)]
    tokens = sum(len(text or "") for text in texts) if usage and usage[1] is None else usage and usage[1]
    body = {"id": "x", "object": "chat.completion", "created": 0, "model": "m", "choices": choices}
    if usage:
        body["usage"] = {"prompt_tokens": usage[0], "completion_tokens": tokens, "total_tokens": usage[0] + tokens}
    return Reply(200, body)


def echo(body, nth):
    """The well-behaved server: n answers that repeat the question."""
    return completion([f"re: {body['messages'][-1]['content']}"] * body.get("n", 1))


class FaultServer:
    """Answers each question with what `behave(body, nth)` returns: `nth` counts the questions from 0.

    To a question about its models it answers with what `alive` returns, if anything.
    """

    def __init__(self, behave=echo, latency=0.0, alive=lambda: Reply(200, {"data": [{"id": "m"}]})):
        self.behave = behave
        self.latency = latency
        self.alive = alive
        self.probes = []
        self.bodies = []
        self.headers = []
        self.times = []
        self.peak = 0
        self._under_way = 0
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), _handler(self))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    @property
    def url(self):
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    @property
    def seen(self):
        return len(self.bodies)

    @property
    def under_way(self):
        return self._under_way

    def questions(self):
        return Counter(body["messages"][-1]["content"] for body in self.bodies)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()

    def enter(self, body, headers):
        with self._lock:
            nth = len(self.bodies)
            self.bodies.append(body)
            self.headers.append(headers)
            self.times.append(time.monotonic())
            self._under_way += 1
            self.peak = max(self.peak, self._under_way)
        return nth

    def leave(self):
        with self._lock:
            self._under_way -= 1


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 256

    def handle_error(self, request, client_address):
        """A client that goes away is what the tests are about."""


def _handler(owner):
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def log_message(self, *args):
            pass

        def do_GET(self):
            owner.probes.append(self.path)
            reply = owner.alive()
            self.answer(reply or Reply(hang=30.0), False)

        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            headers = {name.lower(): value for name, value in self.headers.items()}
            nth = owner.enter(body, {**headers, ":path": self.path})
            try:
                time.sleep(owner.latency)
                reply = owner.behave(body, nth)
            finally:
                owner.leave()
            self.answer(reply, bool(body.get("stream")))

        def answer(self, reply, streamed):
            if reply.hang:
                time.sleep(reply.hang)
                self.close_connection = True
                return
            if streamed and not reply.plain and reply.raw is None and streamable(reply.body):
                self.stream(reply)
                return
            data = reply.raw if reply.raw is not None else json.dumps(reply.body).encode()
            self.send_response(reply.status)
            self.send_header("Content-Type", "application/json")
            if "Content-Length" not in reply.headers:
                self.send_header("Content-Length", str(len(data)))
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.end_headers()
            if reply.cut:
                self.wfile.write(data[: len(data) // 2])
                self.close_connection = True
                return
            self.wfile.write(data)

        def stream(self, reply):
            self.send_response(reply.status)
            self.send_header("Content-Type", "text/event-stream")
            self.send_header("Transfer-Encoding", "chunked")
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.end_headers()
            events = chunks(reply.body)
            for event in events[: len(events) // 2] if reply.cut else events:
                self.wfile.write(b"%x\r\n%s\r\n" % (len(event), event))
                time.sleep(reply.pieces_s)
            if reply.cut:
                self.close_connection = True
                return
            self.wfile.write(b"0\r\n\r\n")

    return Handler


def streamable(body):
    """Whether what is said can be streamed: chat completions with their choices."""
    return isinstance(body, dict) and all(
        isinstance(choice, dict) and isinstance(choice.get("message"), dict) for choice in body.get("choices") or [None]
    )


def chunks(body):
    """A chat completion as the events of a stream: texts in pieces of a few characters, usage at the end."""
    whole = {name: value for name, value in body.items() if name not in {"choices", "usage"}}
    events = []
    for index, choice in enumerate(body["choices"]):
        rest = {name: value for name, value in choice.items() if name != "message"} | {"index": index}
        message = choice["message"]
        text = message.get("content")
        pieces = [text[i : i + 4] for i in range(0, len(text), 4)] if isinstance(text, str) else [text]
        for piece in pieces:
            events.append({**whole, "choices": [{"index": index, "delta": {**message, "content": piece}}]})
            message = {}
        events.append({**whole, "choices": [{**rest, "delta": message}]})
    if "usage" in body:
        events.append({**whole, "choices": [], "usage": body["usage"]})
    return [b"data: " + json.dumps(event).encode() + b"\n\n" for event in events] + [b"data: [DONE]\n\n"]
