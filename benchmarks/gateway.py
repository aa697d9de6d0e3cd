"""How busy a model is kept: answers per second with a model of 200 ms, against what 64 places could give.

The model is a server on loopback in a process of its own, so that its work is not counted as ours (its share of the cores
is). Measured in turns, round by round, so that whatever else the machine does meets all alike: answers through the ledger
into a store on disk, as a run asks for them; the gateway over a provider that only sleeps. Then the same with answers that
are streamed, in 400 pieces over 2 s.
Beside that, what a candidate costs besides its scoring and its request: question, answer and score through ledger and
store, with a model and a utility that take no time.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import multiprocessing
import os
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median
from types import MappingProxyType
from typing import Any, cast

from selftaught.budget import Allowance, Meter
from selftaught.lab import Lab
from selftaught.lab.ledger import Conversation
from selftaught.lab.workers import ASKING, Workers
from selftaught.models import Answer, LanguageModel, Request
from selftaught.models.exchange import Asker
from selftaught.models.gateway import Gateway
from selftaught.models.openai import OpenAI
from selftaught.plain import JSON
from selftaught.sandbox import Sandbox
from selftaught.settings.choice import ModelChoice
from selftaught.store import Store

LATENCY_S = 0.2
STREAMED_S, PIECES = 2.0, 400
PLACES = 64
REPLY = {
    "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "x = 1\n" * 100}}],
    "usage": {"prompt_tokens": 10, "completion_tokens": 100},
}


Ask = Callable[[int], None]
"""Gets so many answers."""
SWITCH_S = 0.0005
"""As in the command: how long a thread computes before another one may."""
PROGRAM = "x = 1\n" * 500
SCORE = {"value": 0.5, "reason": None, "grades": [0.5] * 20, "failures": 0, "notes": ["Instance 1: grade 0.5"] * 5}


class Instant:
    """A model that takes no time."""

    name = "instant"
    parameters: Mapping[str, JSON] = MappingProxyType({})
    concurrency = PLACES
    batch = 1

    def ceiling(self, request: Request, count: int) -> float | None:  # noqa: ARG002
        return 0.0

    def close(self) -> None:
        pass

    def complete(self, request: Request, addresses: Sequence[str]) -> Sequence[Answer]:
        return [Answer(f"{request.message}{address}") for address in addresses]


class Sleeper:
    """A provider that takes its time and nothing else."""

    name = "sleeper"
    parameters: Mapping[str, JSON] = MappingProxyType({})
    concurrency = PLACES
    batch = 1
    local = streams = False

    def lives(self) -> bool:
        return True

    def elsewhere(self) -> str:
        return ""

    def ask(self, request: Request, count: int, waiting: Asker) -> Sequence[Answer]:  # noqa: ARG002
        time.sleep(LATENCY_S)
        return [Answer("x")]

    def ceiling(self, request: Request, count: int) -> float | None:  # noqa: ARG002
        return None

    def close(self) -> None:
        pass


def run(quick: bool = False) -> dict[str, object]:
    """`busy`: answers per second against 64 / 0.2 s. Medians of rounds in turns, after one that opens the connections."""
    sys.setswitchinterval(SWITCH_S)
    answers, rounds = PLACES * (4 if quick else 20), 3 if quick else 5
    with _asked(None) as lab:
        ways = {"answers stored": _through_ledger(lab)}
        ways["gateway, provider that only sleeps"] = _through_gateway(Gateway(Sleeper()))
        busy = _in_turns(ways, answers, rounds, LATENCY_S)
    with _asked(STREAMED_S) as lab:
        busy |= _in_turns({"answers streamed and stored": _through_ledger(lab)}, PLACES * 3, rounds, STREAMED_S)
    overhead = {f"{count} candidates": _overhead(count) for count in (300, 3000)}
    goal = "answers stored, streamed or not: busy >= 0.95; overhead <= 2 ms per candidate, as much for 3,000 as for 300"
    return (
        {"latency_s": LATENCY_S, "in flight": PLACES, "answers": answers} | busy | {"overhead": overhead, "goal": goal}
    )


def _in_turns(ways: Mapping[str, Ask], answers: int, rounds: int, model_s: float) -> dict[str, object]:
    """For each way: the median rate of its rounds, how busy that keeps the model, and CPU time of this process."""
    walls: dict[str, list[float]] = {name: [] for name in ways}
    cpu = dict.fromkeys(ways, 0.0)
    for ask in ways.values():
        ask(PLACES)
    for _ in range(rounds):
        for name, ask in ways.items():
            began, used = time.perf_counter(), time.process_time()
            ask(answers)
            walls[name].append(time.perf_counter() - began)
            cpu[name] += time.process_time() - used
    return {name: _figure(answers / median(walls[name]), cpu[name] / (rounds * answers), model_s) for name in ways}


def _figure(rate: float, cpu_s: float, model_s: float) -> dict[str, float]:
    busy = rate / (PLACES / model_s)
    return {"answers per second": round(rate, 1), "busy": round(busy, 3), "cpu_ms per answer": round(1000 * cpu_s, 2)}


@contextmanager
def _lab(folder: Path, model: LanguageModel) -> Generator[Lab]:
    """A lab without a sandbox, over a store on disk."""
    workers = Workers({ASKING: PLACES})
    with Store(folder / "store.db") as store:
        yield Lab(cast(Sandbox, None), model, store, workers, seed=0, run=store.start({}, {}))
    model.close()
    workers.close()


def _talk(lab: Lab) -> Conversation:
    return Conversation(lab, ["benchmark"], Meter(Allowance(calls=10**9, responses=1)))


def _through_ledger(lab: Lab) -> Ask:
    threads, talk, asked = ThreadPoolExecutor(PLACES), _talk(lab), itertools.count()

    def ask(answers: int) -> None:
        list(threads.map(lambda _: talk.ask("expert", [f"question {next(asked)}"], 0.7), range(answers)))

    return ask


def _overhead(candidates: int) -> dict[str, float]:
    """Milliseconds per candidate, one after the other, and of the last tenth alone."""
    with tempfile.TemporaryDirectory() as folder, _lab(Path(folder), Instant()) as lab:
        talk, moments = _talk(lab), [time.perf_counter()]
        for i in range(candidates):
            text = talk.ask("expert", [f"{i} {PROGRAM}"], 0.7)[0]
            lab.once("score", {"program": lab.store.keep(str(text)), "utility": ["task", i]}, lambda: SCORE)
            moments.append(time.perf_counter())
    tenth = candidates // 10
    each = (moments[-1] - moments[0]) / candidates, (moments[-1] - moments[-1 - tenth]) / tenth
    return {"ms each": round(1000 * each[0], 3), "ms each of the last tenth": round(1000 * each[1], 3)}


def _through_gateway(model: Gateway) -> Ask:
    threads = ThreadPoolExecutor(PLACES)

    def ask(answers: int) -> None:
        list(threads.map(lambda i: model.complete(Request("", f"question {i}"), [str(i)]), range(answers)))

    return ask


@contextmanager
def _server(streamed_s: float | None) -> Generator[str]:
    """The address of a model in a process of its own."""
    here, there = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(target=_serve, args=(there, streamed_s), daemon=True)
    server.start()
    try:
        yield f"http://127.0.0.1:{here.recv()}/v1"
    finally:
        server.kill()


@contextmanager
def _asked(streamed_s: float | None) -> Generator[Lab]:
    """A lab whose model is such a server."""
    with _server(streamed_s) as url, tempfile.TemporaryDirectory() as folder:  # noqa: SIM117 - one line would be too long
        with _lab(Path(folder), Gateway(OpenAI(ModelChoice("openai:m", url)))) as lab:
            yield lab


def _events() -> list[bytes]:
    """The answer as a stream, each piece a chunk of HTTP."""
    pieces = [{"choices": [{"index": 0, "delta": {"content": "x = 1\n"}}]} for _ in range(PIECES - 1)]
    last = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}], "usage": REPLY["usage"]}
    events = [b"data: " + json.dumps(piece).encode() + b"\n\n" for piece in (*pieces, last)]
    events[-1] += b"data: [DONE]\n\n"
    return [b"%x\r\n%s\r\n" % (len(event), event) for event in events]


def _serve(there: Connection, streamed_s: float | None) -> None:
    """The model: as little work as an HTTP server can do, for what it takes of the cores is missing to who asks."""
    body = json.dumps(REPLY).encode()
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"

    events = _events()
    start = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"

    async def stream(transport: Any) -> None:
        began = time.monotonic()
        transport.write(start)
        for i, event in enumerate(events, 1):
            transport.write(event)
            await asyncio.sleep(began + (streamed_s or 0.0) * i / PIECES - time.monotonic())
        transport.write(b"0\r\n\r\n")

    under_way: set[asyncio.Task[None]] = set()

    class Waiting(asyncio.Protocol):
        def connection_made(self, transport: Any) -> None:
            self.transport, self.seen = transport, b""

        def data_received(self, data: bytes) -> None:
            self.seen += data
            asked, ended, message = self.seen.partition(b"\r\n\r\n")
            if ended and len(message) == int(asked.lower().partition(b"\r\ncontent-length:")[2].split(None, 1)[0]):
                self.seen = b""
                if streamed_s is None:
                    asyncio.get_running_loop().call_later(LATENCY_S, self.transport.write, head.encode() + body)
                else:
                    task = asyncio.get_running_loop().create_task(stream(self.transport))
                    under_way.add(task)
                    task.add_done_callback(under_way.discard)

    async def work() -> None:
        server = await asyncio.get_running_loop().create_server(Waiting, "127.0.0.1", 0, backlog=256)
        there.send(server.sockets[0].getsockname()[1])
        parent = os.getppid()
        while os.getppid() == parent:
            await asyncio.sleep(1)

    asyncio.run(work())
