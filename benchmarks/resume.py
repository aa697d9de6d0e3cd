"""What kill -9 costs a run: a run of the command, killed at random moments and resumed until it ends, again and again.

The model is a server on loopback whose answers depend on the question alone, so there is one right end. Counted are the
stored facts that a kill lost, the answers asked for again beyond the requests that were under way, and the processes left.
Beside that: how long a run with 100,000 facts takes until it is ready to go on, and whether memory grows with the store.
"""

from __future__ import annotations

import json
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.faults import LATENCY_S, OUTER, SIZES, FaultServer, good
from selftaught.store import Store

COMMAND = [sys.executable, "-m", "selftaught"]
LONGEST_LIFE_S = 3.0
FACTS = 100_000


def run(quick: bool = False) -> dict[str, object]:
    """The figures of 200 kills (a few when quick) and of a resume among 100,000 facts."""
    return {"kills": _kills(5 if quick else 200), "large store": _large(FACTS // 20 if quick else FACTS)}


def _kills(wanted: int) -> dict[str, object]:
    dice = random.Random(0)
    options = ["run", *SIZES["full"].split(), *OUTER.split()]
    with FaultServer(good, LATENCY_S) as server, tempfile.TemporaryDirectory() as folder:
        options += ["--base-url", server.url]
        right = _finish(options, Path(folder) / "right.db")
        counts = {"kills": 0, "runs": 0, "other ends": 0, "facts lost": 0, "asked again": 0, "under way at kills": 0}
        counts["processes left"] = 0
        while counts["kills"] < wanted:
            counts["runs"] += 1
            _one_run(options, Path(folder) / f"{counts['runs']}.db", right, counts, wanted, dice, server)
    return counts | {"goal": "no other end, no fact lost, asked again <= under way, no process left"}


def _one_run(
    options: list[str],
    store: Path,
    right: object,
    counts: dict[str, int],
    wanted: int,
    dice: random.Random,
    server: FaultServer,
) -> None:
    """Kill one run at random moments until it ends or there were enough kills, then let it end and compare."""
    before, kept = _asked(server), set[str]()
    words = options
    while counts["kills"] < wanted:
        child = subprocess.Popen(
            [*COMMAND, *words, "--store", str(store)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            child.wait(dice.uniform(0.0, LONGEST_LIFE_S))
            break
        except subprocess.TimeoutExpired:
            below = _descendants(child.pid)
            counts["under way at kills"] += server.under_way
            child.send_signal(signal.SIGKILL)
            child.wait()
        counts["kills"] += 1
        facts = _facts(store)
        counts["facts lost"] += len(kept - facts)
        kept = facts
        counts["processes left"] += _alive(below)
        words = ["resume", "1"] if _has_run(store) else options
    counts["other ends"] += _finish(["resume", "1"] if _has_run(store) else options, store) != right
    counts["facts lost"] += len(kept - _facts(store))
    counts["asked again"] += _asked(server) - before - _answers(store)


def _finish(words: list[str], store: Path) -> object:
    """Carry a run to its end; its document without times, numbers and prices."""
    done = subprocess.run(
        [*COMMAND, *words, "--json", "--store", str(store)], capture_output=True, text=True, check=True
    )
    document: dict[str, Any] = json.loads(done.stdout)
    for name in ("cpu_s", "wall_s", "dollars", "dollars_spent", "tokens_in", "tokens_out"):
        del document["usage"][name]
    return document


def _asked(server: FaultServer) -> int:
    """How many answers the server was asked for."""
    return sum(body.get("n", 1) for body in server.bodies)


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
    return {key for (key,) in _query(store, "SELECT key FROM facts")}


def _answers(store: Path) -> int:
    return _query(store, "SELECT count(*) FROM facts WHERE kind = 'answer'")[0][0]


def _has_run(store: Path) -> bool:
    return bool(_query(store, "SELECT id FROM runs"))


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
    """How many of these are still there a second later; zombies do not count."""
    time.sleep(1.0)
    found = 0
    for pid, started in processes:
        try:
            state, *rest = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        found += state not in "ZX" and rest[18] == started
    return found


def _large(facts: int) -> dict[str, object]:
    """Time and memory until a store with many facts has found one of them and begun a run, beside an empty store."""
    with tempfile.TemporaryDirectory() as folder:
        sizes = {"empty": 0, "large": facts}
        figures: dict[str, object] = {"facts": facts}
        for name, count in sizes.items():
            path = Path(folder) / f"{name}.db"
            _fill(path, count)
            figures[name] = _ready(path)
    return figures | {"goal": "ready within 1 s; peak memory of the two alike"}


def _fill(path: Path, count: int) -> None:
    with Store(path) as store:
        number = store.start({}, {})
        for first in range(0, count, 500):
            abouts = [{"i": i} for i in range(first, min(first + 500, count))]
            store.once_all(
                "score", abouts, lambda missing: [{"value": 0.5, "grades": [0.5] * 20} for _ in missing], number
            )


def _ready(path: Path) -> dict[str, float]:
    """In a process of its own: open the store, read the run, find a fact."""
    script = (
        "import resource, sys, time; from pathlib import Path; from selftaught.store import Store\n"
        "began = time.perf_counter()\n"
        "with Store(Path(sys.argv[1])) as store:\n"
        "    store.run(1); store.reopen(1); store.once('score', {'i': 0}, lambda: 0, 1)\n"
        "    print(time.perf_counter() - began, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)\n"
    )
    said = subprocess.run([sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=True).stdout
    ready_s, peak_mb = map(float, said.split())
    return {"ready_s": ready_s, "peak_mb": peak_mb}
