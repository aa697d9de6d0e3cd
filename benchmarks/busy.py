"""How long a real run waits: the wall time of `run --tasks lpn` with a model of 2 s, 64 requests at once.

It stands beside the longest chain of requests that depend on one another, worked out from the facts that the run has made,
beside the same settings with nothing begun ahead and a seed improver that scores one by one, and beside the same run with a
model that takes no time: what that takes is the cores'. Running ahead must not change a figure of the document. The model is a
server on loopback in a process of its own, whose answers depend on the request alone, so that all runs are of the same work.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from selftaught.lab.boundaries import within
from selftaught.settings import Settings
from selftaught.store import Store

LATENCY_S = 2.0
NONE_S = 0.001
PLACES = 64
SEED = 5
COMMAND = "from selftaught.cli import main; main()"
NOTHING_AHEAD = "from selftaught.lab import Lab; Lab.ahead = lambda self, work: None"
"""Before the command: as if nothing could be begun before its turn."""
IMPROVER = '''\
from helpers import extract_code


def improve_algorithm(initial_solution, utility, language_model):
    """Ask once for better versions of a solution and return the one that scores best."""
    n_messages = min(language_model.max_responses_per_call, utility.budget)
    message = f"Improve the following solution:\\n```python\\n{initial_solution}\\n```\\n{utility.str}"
    solutions = extract_code(language_model.batch_prompt("An expert.", [message] * n_messages, temperature=0.7))
'''
SIDE_BY_SIDE = "    return max(zip(utility.map(solutions), range(len(solutions)), solutions))[2]\n"
ONE_BY_ONE = "    return max(solutions, key=utility)\n"
SOLUTION = """\
import random


def algorithm(train_samples, train_parity, test_samples):
    used = range({first}, {last})
    return [sum(sample[i] for i in used) % 2 for sample in test_samples]
"""


def run(quick: bool = False) -> dict[str, object]:
    """The figures; when quick, of one round, and without the run that begins nothing ahead and scores one by one."""
    options = ["--rounds", "1"] if quick else []
    ahead = _run(IMPROVER + SIDE_BY_SIDE, "", options)
    figures: dict[str, object] = {"chain_s": ahead["chain_s"], "ahead": _shown(ahead)}
    figures["wall time by the chain"] = round(ahead["wall_s"] / ahead["chain_s"], 2)
    figures["the same without latency"] = _shown(_run(IMPROVER + SIDE_BY_SIDE, "", options, NONE_S))
    if not quick:
        one_by_one = _run(IMPROVER + ONE_BY_ONE, NOTHING_AHEAD, options)
        figures["nothing ahead, scoring one by one"] = _shown(one_by_one)
        figures["wall time by that"] = round(ahead["wall_s"] / one_by_one["wall_s"], 2)
    alike = [_run(IMPROVER + SIDE_BY_SIDE, before, options, NONE_S)["document"] for before in ("", NOTHING_AHEAD)]
    figures["same document"] = alike[0] == alike[1]
    return figures | {"goal": "at most 1.25 times the chain and 0.3 times that; the same document"}


def _shown(one: dict[str, Any]) -> dict[str, object]:
    return {name: one[name] for name in ("wall_s", "cpu_s", "requests", "answers", "in_flight")}


def _run(improver: str, before: str, options: list[str], latency_s: float = LATENCY_S) -> dict[str, Any]:
    """One run of the command: its document without what differs by run, and what it took."""
    with tempfile.TemporaryDirectory() as folder, _server(latency_s) as (url, told):
        store = Path(folder) / "store.db"
        path = Path(folder) / "improver.py"
        path.write_text(improver)
        words = [
            "run",
            "--tasks",
            "lpn",
            "--model",
            "openai:m",
            "--base-url",
            url,
            "--seed",
            str(SEED),
            "--json",
            "--yes",
        ]
        # A server that computes nothing needs no turns.
        words += [
            "--improver",
            str(path),
            "--concurrency",
            str(PLACES),
            "--share-cores",
            "--store",
            str(store),
            *options,
        ]
        code = f"{before}; {COMMAND}" if before else COMMAND
        began = time.perf_counter()
        done = subprocess.run([sys.executable, "-c", code, *words], stdout=subprocess.PIPE, check=True, text=True)
        wall_s = time.perf_counter() - began
        document = json.loads(done.stdout.replace(url, ""))
        usage = document.pop("usage")
        told.send(None)
        requests = told.recv()
        with Store(store, readonly=True) as opened:
            chain = _chain(opened, document)
    return {
        "document": document,
        "wall_s": round(wall_s, 1),
        "requests": requests,
        "answers": usage["responses"],
        "cpu_s": round(usage["cpu_s"], 1),
        "in_flight": round(requests * latency_s / wall_s, 1),
        "chain_s": chain * latency_s,
    }


# --- the longest chain ------------------------------------------------------------------------------------------------


class _Runs:
    """The improver runs of a store: how many calls of the model each made, one after the other."""

    def __init__(self, store: Store) -> None:
        self.outer: dict[int, tuple[int, list[str]]] = {}
        self.inner: Counter[tuple[str, str, str]] = Counter()
        self.repetitions: Counter[tuple[str, str, str]] = Counter()
        for about, body in store.facts("improvement", 1):
            kind, _, *rest = about["stream"]
            calls = body["usage"]["calls"]
            if kind == "outer":
                self.outer[rest[0]] = calls, [one["program"] for one in body["scored"]]
            else:
                split, _, label, repetition, *_ = rest
                place = split, json.dumps(label), about["improver"]
                self.inner[place] = max(self.inner[place], calls)
                self.repetitions[place] = max(self.repetitions[place], repetition + 1)

    def calls(self, split: str, label: object, improver: str) -> int:
        """Of the longest among the runs of an improver in one place: they are side by side."""
        return self.inner[split, json.dumps(label), improver]

    def looks(self, label: object, improver: str) -> int:
        """How often a gate looked at an improver: more of its runs are begun only when a look has decided nothing."""
        design = within(1, Settings("").validation)
        assert design
        done = self.repetitions["validation", json.dumps(label), improver]
        return sum(look <= done for look in design.looks)


def _chain(store: Store, document: dict[str, Any]) -> int:
    """Requests of which each could only be sent when the one before was answered, at most: proposing, scoring what was
    proposed, its gate look by look, round after round; then the test of the improver that came of it, and best-of-n at as
    many answers."""
    runs, length = _Runs(store), 0
    first, *rounds = document["rounds"]
    incumbent = seed = first["improver"]
    for one in rounds:
        t = one["round"]
        calls, scored = runs.outer[t]
        proposing = calls + max((runs.calls("train", ["round", t], each) for each in scored), default=0)
        once = runs.calls("validation", ["gate", t], incumbent)
        if one["proposal"]:
            looks = max(1, runs.looks(["gate", t], one["proposal"]))
            gate = runs.calls("validation", ["gate", t], one["proposal"])
            # The first look at the incumbent is begun while it is proposed.
            length += max(proposing + gate, once) + (looks - 1) * max(gate, once)
        else:
            length += max(proposing, once)
        incumbent = one["improver"]
    return length + runs.calls("test", "report", incumbent) + runs.calls("test", "report", seed)


# --- the model --------------------------------------------------------------------------------------------------------


def _answer(message: str, nth: int) -> str:
    """A program for what is asked, with a mark of its own, so that each costs what a program of a model's costs."""
    mark = hashlib.sha256(f"{nth} {message}".encode()).hexdigest()
    if "def improve_algorithm" in message:
        shown = message.partition("```python\n")[2].partition("\n```")[0]
        text = shown.replace("temperature=0.7", f"temperature=0.{1 + int(mark, 16) % 9}")
    else:
        first, last = sorted((int(mark[0], 16) % 10, int(mark[1], 16) % 11))
        text = SOLUTION.format(first=first, last=last)
    return f"An idea.\n```python\n# {mark}\n{text}\n```"


class _Model(asyncio.Protocol):
    """Answers every request after the same time."""

    requests = 0
    latency_s = LATENCY_S

    def connection_made(self, transport: Any) -> None:
        self.transport, self.read = transport, b""

    def data_received(self, data: bytes) -> None:
        self.read += data
        head, ended, body = self.read.partition(b"\r\n\r\n")
        length = head.lower().partition(b"\r\ncontent-length:")[2].split(None, 1)
        if ended and len(body) == int(length[0] if length else 0):
            self.read = b""
            if head.startswith(b"POST"):
                _Model.requests += 1
                asked = json.loads(body)
                asyncio.get_running_loop().call_later(_Model.latency_s, self.transport.write, _reply(asked))
            else:
                self.transport.write(_http({"data": [{"id": "m"}]}))


def _reply(asked: dict[str, Any]) -> bytes:
    message = asked["messages"][-1]["content"]
    texts = [_answer(message, i) for i in range(asked.get("n", 1))]
    choices = [
        {"index": i, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}
        for i, text in enumerate(texts)
    ]
    tokens = sum(map(len, texts)) // 4
    return _http({"choices": choices, "usage": {"prompt_tokens": len(message) // 4, "completion_tokens": tokens}})


def _http(body: dict[str, Any]) -> bytes:
    raw = json.dumps(body).encode()
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(raw), raw)


@contextmanager
def _server(latency_s: float) -> Generator[tuple[str, Connection]]:
    """The address of a model in a process of its own, and who tells how many requests there were."""
    here, there = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(target=_serve, args=(there, latency_s), daemon=True)
    server.start()
    try:
        yield f"http://127.0.0.1:{here.recv()}/v1", here
    finally:
        server.kill()


def _serve(there: Connection, latency_s: float) -> None:
    _Model.latency_s = latency_s

    async def work() -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(_Model, "127.0.0.1", 0, backlog=256)
        there.send(server.sockets[0].getsockname()[1])
        loop.add_reader(there.fileno(), lambda: there.send(_Model.requests) if there.recv() is None else None)
        parent = os.getppid()
        while os.getppid() == parent:
            await asyncio.sleep(1)

    asyncio.run(work())
