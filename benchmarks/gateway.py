"""How busy the gateway keeps a model: answers per second with a model of 200 ms, against what 64 places could give.

The model is a server on loopback in a process of its own, so that its work is not counted as ours (its share of the cores
is). Beside the gateway stand the bare SDK in as many threads, and the gateway over a provider that only sleeps.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing.connection import Connection
from types import MappingProxyType
from typing import Any

from selftaught.models import Answer, Request
from selftaught.models.gateway import Gateway
from selftaught.models.openai import OpenAI
from selftaught.plain import JSON

LATENCY_S = 0.2
PLACES = 64
REPLY = {
    "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "x = 1\n" * 100}}],
    "usage": {"prompt_tokens": 10, "completion_tokens": 100},
}


class Sleeper:
    """A provider that takes its time and nothing else."""

    name = "sleeper"
    parameters: Mapping[str, JSON] = MappingProxyType({})
    concurrency = PLACES
    batch = 1

    def ask(self, request: Request, count: int, timeout_s: float) -> Sequence[Answer]:  # noqa: ARG002
        time.sleep(LATENCY_S)
        return [Answer("x")]

    def ceiling(self, request: Request, count: int) -> float | None:  # noqa: ARG002
        return None

    def close(self) -> None:
        pass


def run(quick: bool = False) -> dict[str, object]:
    """`busy`: answers per second against 64 / 0.2 s. Medians of three rounds after one that opens the connections."""
    answers = PLACES * (4 if quick else 20)
    figures: dict[str, object] = {"latency_s": LATENCY_S, "in flight": PLACES, "answers": answers}
    here, there = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(target=_serve, args=(there,), daemon=True)
    server.start()
    try:
        url = f"http://127.0.0.1:{here.recv()}/v1"
        figures["gateway"] = _figure(_through_gateway(Gateway(OpenAI("m", url, concurrency=PLACES))), answers)
        figures["bare SDK"] = _figure(_through_sdk(url), answers)
    finally:
        server.kill()
    figures["gateway, provider that only sleeps"] = _figure(_through_gateway(Gateway(Sleeper())), answers)
    figures["goal"] = "busy >= 0.90"
    return figures


def _figure(ask: Callable[[int], None], answers: int) -> dict[str, float]:
    ask(PLACES)
    walls: list[float] = []
    cpu = time.process_time()
    for _ in range(3):
        begin = time.perf_counter()
        ask(answers)
        walls.append(time.perf_counter() - begin)
    used = (time.process_time() - cpu) / (3 * answers)
    rate = answers / sorted(walls)[1]
    busy = rate / (PLACES / LATENCY_S)
    return {"answers per second": round(rate, 1), "busy": round(busy, 3), "cpu_ms per answer": round(1000 * used, 2)}


def _through_gateway(model: Gateway) -> Callable[[int], None]:
    threads = ThreadPoolExecutor(PLACES)

    def ask(answers: int) -> None:
        list(threads.map(lambda i: model.complete(Request("", f"question {i}"), [str(i)]), range(answers)))

    return ask


def _through_sdk(url: str) -> Callable[[int], None]:
    import openai

    client = openai.OpenAI(api_key="none", base_url=url, max_retries=0)
    threads = ThreadPoolExecutor(PLACES)

    def once(i: int) -> str | None:
        message: Any = {"role": "user", "content": f"question {i}"}
        return client.chat.completions.create(model="m", messages=[message]).choices[0].message.content

    def ask(answers: int) -> None:
        list(threads.map(once, range(answers)))

    return ask


def _serve(there: Connection) -> None:
    reply = json.dumps(REPLY).encode()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = 1 << 16

        def log_message(self, *_: object) -> None:
            pass

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            time.sleep(LATENCY_S)
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(reply)))
            self.end_headers()
            self.wfile.write(reply)

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 256

    server = Server(("127.0.0.1", 0), Handler)
    there.send(server.server_address[1])
    parent = os.getppid()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    while os.getppid() == parent:
        time.sleep(1)
