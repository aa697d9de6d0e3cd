"""What faults of a server do to a run: whole runs of the command against a server on loopback that breaks its answers.

The server's good answers come from the built-in model as a pure function of the question, so that a run has one right
end. Each fault, at 30 % of all requests, must lead to that end; a server that is down for good, a wrong key and an unknown
model must end the run within its deadline with exit code 1, and a resumed run must reach the same end.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from selftaught.plain import digest
from selftaught.sandbox.jail import GUEST, TOOLS

sys.path[:0] = [str(Path(__file__).parents[1] / "tests" / "models"), str(GUEST), str(TOOLS)]
from editor import answer  # noqa: E402
from faultserver import FaultServer, Reply, completion, error  # noqa: E402

RATE = 0.3
LATENCY_S = 0.02
DEADLINE_S = 30.0
IDLE_S = 2.0
DIES_AFTER = 5
"""Fewer than the requests of the smallest run."""
SIZES = {
    "quick": "--rounds 1 --repetitions 1 --validation 1 --test 1 --calls 2 --responses 2 --scorings 6",
    "full": "--rounds 2 --repetitions 2 --validation 3 --test 3 --calls 4 --responses 4 --scorings 20",
}
OUTER = (
    "--outer-calls 1 --outer-responses 2 --outer-scorings 3 --controls basic "
    "--tasks grid --test-tasks grid --model openai:m --yes"
)
FAULTS = {
    "429": error(429),
    "500": error(500),
    "cut connection": Reply(200, {"choices": "x" * 500}, cut=True),
    "hang": Reply(hang=3600.0),
    "empty answer": completion([""]),
    "garbage": Reply(raw=b"<html>\xff"),
}
Behave = Callable[[dict[str, Any], int], Reply]


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    seconds: float
    requests: int
    told: str
    document: dict[str, Any] | None


def run(quick: bool = False) -> dict[str, object]:
    """One line per fault: whether the run's figures are those of a run without faults, and what it took."""
    options = [
        *SIZES["quick" if quick else "full"].split(),
        *OUTER.split(),
        "--deadline",
        str(DEADLINE_S),
        "--idle",
        str(IDLE_S),
    ]
    clean = _ended(good, options)
    right = _figures(clean.document)
    figures: dict[str, object] = {"without faults": _shown(clean, right)}
    mixed = list(FAULTS.values())
    for name, faults in {**{name: [fault] for name, fault in FAULTS.items()}, "all mixed": mixed}.items():
        figures[f"{RATE:.0%} {name}"] = _shown(_ended(_breaking(faults), options), right)
    for name, reply in {"500": error(500), "hang": FAULTS["hang"]}.items():
        figures[f"down for good ({name}) after {DIES_AFTER} answers, then resumed"] = _downfall(reply, options, right)
    for name, reply in {"wrong key": error(401, "invalid_api_key"), "unknown model": error(404)}.items():
        figures[name] = _shown(_ended(_always(reply), options), None)
    figures["deadline_s"] = DEADLINE_S
    return figures


def good(body: dict[str, Any], nth: int) -> Reply:  # noqa: ARG001 - the same at any time
    """The answer to a question: it depends on the question alone."""
    system, message = ["", *(message["content"] for message in body["messages"])][-2:]
    text = answer(True, message, body["temperature"], digest([system, message]))
    return completion([text] * body.get("n", 1))


def _always(reply: Reply) -> Behave:
    return lambda body, nth: reply  # noqa: ARG005 - whatever is asked


def _breaking(faults: list[Reply]) -> Behave:
    dice, lock = random.Random(0), threading.Lock()

    def behave(body: dict[str, Any], nth: int) -> Reply:
        with lock:
            broken, fault = dice.random() < RATE, dice.choice(faults)
        return fault if broken else good(body, nth)

    return behave


def _downfall(reply: Reply, options: list[str], right: object) -> dict[str, object]:
    """A run whose server dies after some answers and is mended before the run is resumed."""
    mended = threading.Event()

    def behave(body: dict[str, Any], nth: int) -> Reply:
        return good(body, nth) if nth < DIES_AFTER or mended.is_set() else reply

    with tempfile.TemporaryDirectory() as folder, FaultServer(behave, LATENCY_S) as server:
        down = _command(["run", *options, "--base-url", server.url], folder, server)
        mended.set()
        resumed = _command(["resume", "1"], folder, server)
    return {"down": _shown(down, None), "resumed": _shown(resumed, right)}


def _ended(behave: Behave, options: list[str]) -> Ended:
    with tempfile.TemporaryDirectory() as folder, FaultServer(behave, LATENCY_S) as server:
        return _command(["run", *options, "--base-url", server.url], folder, server)


def _command(words: list[str], folder: str, server: FaultServer) -> Ended:
    before, began = server.seen, time.perf_counter()
    environment = {name: value for name, value in os.environ.items() if not name.endswith("_API_KEY")}
    command = [sys.executable, "-m", "selftaught", *words, "--json", "--store", f"{folder}/store.db"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, env=environment, check=False)
    told = (done.stderr.strip().splitlines() or [""])[-1]
    document = json.loads(done.stdout) if done.returncode == 0 else None
    return Ended(done.returncode, time.perf_counter() - began, server.seen - before, told, document)


def _figures(document: dict[str, Any] | None) -> object:
    """What a run found out, without times, places and prices."""
    if document is None:
        return None
    counted = {name: document["usage"][name] for name in ("calls", "responses", "scorings", "improver_runs")}
    return {name: document[name] for name in ("rounds", "arms", "gain", "verdict")} | {"usage": counted}


def _shown(ended: Ended, right: object) -> dict[str, object]:
    shown: dict[str, object] = {"exit code": ended.code, "seconds": round(ended.seconds, 1), "requests": ended.requests}
    if right is not None:
        shown["same end"] = _figures(ended.document) == right
    return shown | ({"told": ended.told} if ended.code else {})
