"""Whether a run costs what was said before it: 20 settings, each run by the command, what it shows beside what it came to.

The model is a server on loopback that answers at once, whose answers come from the built-in editor and depend on the question
alone. All runs share a store, so that the price of an answer is known from those before; the first buys a few as a trial.
"""

from __future__ import annotations

import json
import math
import re
import subprocess
import sys
import tempfile
import time
from typing import Any

from benchmarks.faults import FaultServer, good

BASE = "--calls 6 --responses 3 --scorings 20 --outer-calls 2 --outer-responses 3 --outer-scorings 6"
SETTINGS = [
    f"run --tasks {task} --test-tasks {task} --rounds {rounds} --improver {improver} {sizes} {BASE} {more}"
    for task, rounds, improver, sizes, more in [
        ("grid", 1, "seed", "--repetitions 1 --validation 1 --test 1", ""),
        ("grid", 2, "seed", "--repetitions 1 --validation 2 --test 2", ""),
        ("lpn", 2, "seed", "--repetitions 1 --validation 2 --test 2", ""),
        ("parity", 3, "seed", "--repetitions 1 --validation 1 --test 1", ""),
        ("grid", 2, "best-of-n", "--repetitions 1 --validation 1 --test 1", ""),
        ("lpn", 2, "greedy", "--repetitions 1 --validation 1 --test 1", ""),
        ("grid", 2, "seed", "--repetitions 1 --validation 1 --test 3", "--controls basic"),
        ("lpn", 1, "seed", "--repetitions 2 --validation 2 --test 1", "--controls basic"),
        ("parity", 2, "seed", "--repetitions 1 --validation 3 --test 1", "--accept paper"),
        ("grid", 2, "beam", "--repetitions 1 --validation 1 --test 1", "--controls basic"),
        ("lpn", 2, "seed", "--repetitions 1 --validation 1 --test 1", "--worker frozen"),
        ("grid", 3, "seed", "--repetitions 1 --validation 1 --test 1", "--accept paper"),
        ("parity", 1, "temperatures", "--repetitions 1 --validation 1 --test 1", ""),
        ("lpn", 2, "chain-of-thought", "--repetitions 1 --validation 1 --test 1", ""),
        ("grid", 1, "genetic", "--repetitions 1 --validation 2 --test 1", "--controls basic"),
        ("lpn", 3, "seed", "--repetitions 1 --validation 1 --test 1", "--controls basic"),
    ]
] + [
    f"compare {improvers} --tasks {task} --repetitions {repetitions} --calls 6 --responses 3 --scorings 20"
    for improvers, task, repetitions in [
        ("seed best-of-n", "grid", 2),
        ("seed greedy", "lpn", 2),
        ("beam genetic", "parity", 1),
        ("seed chain-of-thought temperatures", "grid", 1),
    ]
]
SHOWN = re.compile(r"probably ([\d,]+)(?: to ([\d,]+))? answers(?:, \$([\d.,e-]+)(?: to \$([\d.,e-]+))?)?")


def run(quick: bool = False) -> dict[str, object]:
    """Of how many settings the range holds the truth, and its widest factor: before the run, and after its first round."""
    rows: list[dict[str, Any]] = []
    with FaultServer(good, 0.02) as server, tempfile.TemporaryDirectory() as folder:
        _ran("run --tasks grid --test-tasks grid --rounds 1 --max-answers 16", server.url, folder, 99)
        for i, settings in enumerate(SETTINGS[:2] if quick else SETTINGS):
            began = time.perf_counter()
            rows.append(_row(settings, *_ran(settings, server.url, folder, i)))
            print(i, round(time.perf_counter() - began), rows[-1], file=sys.stderr, flush=True)
    before, after = ([row[name] for row in rows if row.get(name)] for name in ("before", "after a round"))
    return {
        "before": _held(before),
        "after the first round": _held(after),
        "settings": rows,
        "goal": "holds the truth in at least 90 %, factor at most 10 before, 3 after the first round",
    }


def _held(found: list[dict[str, Any]]) -> dict[str, object]:
    widest = max((one["factor"] for one in found), default=math.nan)
    return {"of": len(found), "hold the truth": sum(one["holds"] for one in found), "widest factor": round(widest, 2)}


def _row(settings: str, told: str, document: dict[str, Any]) -> dict[str, Any]:
    usage = document["usage"]
    shown = [_figures(match) for match in SHOWN.finditer(told)]
    truth = usage["responses"], usage["dollars_spent"]
    row: dict[str, Any] = {"settings": settings, "truth": truth, "before": _compared(shown[0], truth)}
    return row | ({"after a round": _compared(shown[1], truth)} if len(shown) > 1 else {})


def _figures(match: re.Match[str]) -> list[tuple[float, float]]:
    low, high, least, most = (one and float(one.replace(",", "")) for one in match.groups())
    return [(low, high or low)] + ([(least, most or least)] if least else [])


def _compared(shown: list[tuple[float, float]], truth: tuple[float, float]) -> dict[str, Any]:
    (answers, *dollars) = shown
    return {
        "answers": answers,
        "dollars": dollars[0] if dollars else None,
        "holds": all(low <= true <= high for (low, high), true in zip(shown, truth, strict=False)),
        "factor": round(max(high / low for low, high in shown), 2),
    }


def _ran(settings: str, url: str, folder: str, seed: int) -> tuple[str, dict[str, Any]]:
    words = [
        *settings.split(),
        "--model",
        "openai:m",
        "--price",
        "1,2",
        "--base-url",
        url,
        "--seed",
        str(seed),
        "--yes",
    ]
    command = [sys.executable, "-m", "selftaught", *words, "--json", "--store", f"{folder}/store.db"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if not done.stdout:
        return done.stderr, {}
    return done.stderr, json.loads(done.stdout)
