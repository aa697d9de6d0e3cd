"""What kill -9 costs a run: a run of the command, killed at random moments and resumed until it ends, again and again.

The model is a server on loopback whose answers depend on the question alone, so there is one right end. It takes its time,
so that most kills meet requests under way. Counted are the stored facts that a kill lost, the stored answers that were
asked for again, and the processes that are left a second later. Beside that: how long the command takes until it asks
again when its run has 100,000 facts, and whether memory grows with the store.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.faults import OUTER, SIZES, FaultServer, good
from selftaught.store import Store

COMMAND = [sys.executable, "-m", "selftaught"]
LATENCY_S = 0.15
EARLY, EARLY_S = 0.2, 0.8
"""This part of the kills comes so soon after the start: while the command starts, opens the store and finds its facts."""
WORK_S = 1.0
"""The others come at most so long after the first question that the process asks."""
GONE_S = 1.0
FACTS = 100_000
Question = tuple[str, str, float]
"""Digests of the role and the message, and the temperature."""


@dataclass
class Tally:
    """What the kills came to so far."""

    kills: int = 0
    kills_that_met_requests: int = 0
    requests_under_way: int = 0
    runs: int = 0
    other_ends: int = 0
    facts_lost: int = 0
    stored_answers_asked_again: int = 0
    answers_asked_again: int = 0
    processes_left: int = 0
    _watched: list[tuple[float, set[tuple[int, str]]]] = field(default_factory=list)

    def watch(self, processes: set[tuple[int, str]]) -> None:
        """Processes whose parent was killed just now."""
        self._watched.append((time.monotonic(), processes))

    def look(self, last: bool = False) -> None:
        """Count what is left of those that were killed a second ago; at last wait until that is so of all."""
        while self._watched and (last or time.monotonic() - self._watched[0][0] >= GONE_S):
            killed, processes = self._watched.pop(0)
            time.sleep(max(0.0, killed + GONE_S - time.monotonic()))
            self.processes_left += _alive(processes)

    def plain(self) -> dict[str, object]:
        return {name.replace("_", " "): value for name, value in vars(self).items() if not name.startswith("_")}


def run(quick: bool = False) -> dict[str, object]:
    """The figures of 200 kills (a few when quick) and of a resume among 100,000 facts."""
    return {"kills": _kills(8 if quick else 200), "large store": _large(FACTS // 20 if quick else FACTS)}


def _kills(wanted: int) -> dict[str, object]:
    dice, tally = random.Random(0), Tally()
    options = ["run", *SIZES["full"].split(), *OUTER.split()]
    with FaultServer(good, LATENCY_S) as server, tempfile.TemporaryDirectory() as folder:
        options += ["--base-url", server.url]
        right = _finish(options, Path(folder) / "right.db")
        while tally.kills < wanted:
            tally.runs += 1
            _one_run(options, Path(folder) / f"{tally.runs}.db", right, tally, wanted, dice, server)
        tally.look(last=True)
    goal = "no other end, no fact lost, no stored answer asked again, no process left"
    return {**tally.plain(), "goal": goal}


def _one_run(
    options: list[str], store: Path, right: object, tally: Tally, wanted: int, dice: random.Random, server: FaultServer
) -> None:
    """Kill one run at random moments until it ends or there were enough kills, then let it end and compare."""
    first, kept, lives = server.seen, set[str](), list[tuple[int, Counter[Question]]]()
    while tally.kills < wanted:
        lives.append((server.seen, _stored(store)))
        child = subprocess.Popen(
            [*COMMAND, *_words(options, store), "--store", str(store)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        if _ends_before(child, dice, server):
            break
        below, under_way = _descendants(child.pid), server.under_way
        child.send_signal(signal.SIGKILL)
        child.wait()
        tally.kills += 1
        tally.kills_that_met_requests += under_way > 0
        tally.requests_under_way += under_way
        tally.watch(below)
        tally.look()
        facts = _facts(store)
        tally.facts_lost += len(kept - facts)
        kept = facts
    lives.append((server.seen, _stored(store)))
    tally.other_ends += _finish(_words(options, store), store) != right
    tally.facts_lost += len(kept - _facts(store))
    needed = _stored(store)
    tally.answers_asked_again += _asked(server.bodies[first:]).total() - needed.total()
    ends = [seen for seen, _ in lives[1:]] + [server.seen]
    for (began, before), end in zip(lives, ends, strict=True):
        asked = _asked(server.bodies[began:end])
        tally.stored_answers_asked_again += (asked - (needed - before)).total()


def _ends_before(child: subprocess.Popen[bytes], dice: random.Random, server: FaultServer) -> bool:
    """Wait for the moment of the next kill; whether the process has ended before."""
    seen = server.seen
    if dice.random() < EARLY:
        moment = time.monotonic() + dice.uniform(0.0, EARLY_S)
    else:
        while server.seen == seen and child.poll() is None:
            time.sleep(0.005)
        moment = time.monotonic() + dice.uniform(0.0, WORK_S)
    while child.poll() is None and time.monotonic() < moment:
        time.sleep(0.005)
    return child.poll() is not None


def _words(options: list[str], store: Path) -> list[str]:
    """How to go on: with the run, once there is one."""
    return ["resume", "1"] if _query(store, "SELECT id FROM runs") else options


def _finish(words: list[str], store: Path) -> object:
    """Carry a run to its end; its document without times, numbers and prices."""
    done = subprocess.run(
        [*COMMAND, *words, "--json", "--store", str(store)], capture_output=True, text=True, check=True
    )
    document: dict[str, Any] = json.loads(done.stdout)
    for name in ("cpu_s", "wall_s", "dollars", "dollars_spent", "tokens_in", "tokens_out"):
        del document["usage"][name]
    return document


def _asked(bodies: Sequence[dict[str, Any]]) -> Counter[Question]:
    """How many answers to each question the server was asked for."""
    asked = Counter[Question]()
    for body in bodies:
        system, message = ["", *(message["content"] for message in body["messages"])][-2:]
        asked[_digest(system), _digest(message), body["temperature"]] += body.get("n", 1)
    return asked


def _stored(store: Path) -> Counter[Question]:
    """How many answers to each question are stored."""
    abouts = [json.loads(about) for (about,) in _query(store, "SELECT about FROM readable WHERE kind = 'answer'")]
    return Counter((about["expertise"], about["message"], about["temperature"]) for about in abouts)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _query(store: Path, query: str) -> list[tuple[Any, ...]]:
    if not store.exists():
        return []
    db = sqlite3.connect(store, timeout=10)
    try:
        return db.execute(query).fetchall()
    except sqlite3.OperationalError:  # killed before the tables were made
        return []
    finally:
        db.close()


def _facts(store: Path) -> set[str]:
    return {key for (key,) in _query(store, "SELECT key FROM readable")}


def _descendants(root: int) -> set[tuple[int, str]]:
    """The processes below a process, each with the time it started (numbers are used again)."""
    parents: dict[int, tuple[int, str]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, parent, *rest = path.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if state not in "ZX":
            parents[int(path.parent.name)] = (int(parent), rest[17])
    found = {root}
    while more := {pid for pid, (parent, _) in parents.items() if parent in found} - found:
        found |= more
    return {(pid, parents[pid][1]) for pid in found - {root} if pid in parents}


def _alive(processes: set[tuple[int, str]]) -> int:
    """How many of these are still there; zombies do not count."""
    found = 0
    for pid, started in processes:
        try:
            state, *rest = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        found += state not in "ZX" and rest[18] == started
    return found


def _large(facts: int) -> dict[str, object]:
    """A run that was killed early, resumed as it is and with many facts more of its own: when it asks, what it takes."""
    with FaultServer(good, LATENCY_S) as server, tempfile.TemporaryDirectory() as folder:
        small, large = Path(folder) / "small.db", Path(folder) / "large.db"
        options = ["run", *SIZES["quick"].split(), *OUTER.split(), "--base-url", server.url]
        child = subprocess.Popen([*COMMAND, *options, "--store", str(small)], stderr=subprocess.DEVNULL)
        while server.seen < 2:
            time.sleep(0.01)
        child.kill()
        child.wait()
        with Store(small):  # which brings the log into the file
            pass
        shutil.copy(small, large)
        _fill(large, facts)
        figures = {name: _resumed(path, server) for name, path in {"few facts": small, "many": large}.items()}
    return {"facts": facts, **figures, "goal": "within 1 s more than with few facts; the same peak memory"}


def _fill(path: Path, count: int) -> None:
    """Scores and answers in turns, as run 1 has used and bought them."""
    score = {"value": 0.5, "grades": [0.5] * 20}
    answer = {"text": "0" * 64, "finish": "stop", "tokens_in": 9, "tokens_out": 9, "dollars": 0.0, "bought_by": 1}
    with Store(path) as store:
        for first in range(0, count, 500):
            abouts = [{"i": i} for i in range(first, min(first + 500, count))]
            kind, body = [("score", score), ("answer", answer)][first // 500 % 2]
            store.once_all(kind, abouts, lambda missing, body=body: [body] * len(missing), 1)


def _resumed(path: Path, server: FaultServer) -> dict[str, float]:
    """Seconds from the start of the command to its first question, and the memory it took until its end."""
    seen, began = server.seen, time.perf_counter()
    child = subprocess.Popen(
        [*COMMAND, "resume", "1", "--store", str(path)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    while server.seen == seen:
        time.sleep(0.002)
    ready_s = time.perf_counter() - began
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    return {
        "exit code": child.returncode,
        "first question after s": round(ready_s, 2),
        "peak_mb": used.ru_maxrss / 1024,
    }
