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
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from benchmarks.faults import FaultServer, good

BASE = "--calls 4 --responses 3 --scorings 12 --outer-calls 2 --outer-responses 2 --outer-scorings 4"
SETTINGS = [
    f"run --tasks {task} --test-tasks {task} --rounds {rounds} --improver {improver} --repetitions 1 {BASE} {more}"
    for task, rounds, improver, more in [
        ("maxcut", 1, "seed", "--validation 1 --test 1"),
        ("formula:test/1", 2, "seed", "--validation 1 --test 1"),
        ("maxcut", 2, "seed", "--validation 2 --test 2"),
        ("sat", 2, "seed", "--validation 1 --test 1"),
        ("formula:test/1", 3, "seed", "--validation 2 --test 1 --controls basic"),
        ("maxcut", 2, "best-of-n", "--validation 1 --test 1"),
        ("formula:test/1", 2, "greedy", "--validation 1 --test 1"),
        ("sat", 1, "seed", "--validation 1 --test 3 --controls basic"),
        ("maxcut", 2, "seed", "--validation 2 --test 1 --accept paper"),
        ("formula:test/1", 2, "beam", "--validation 1 --test 1 --controls basic"),
        ("maxcut", 2, "seed", "--validation 1 --test 1 --worker frozen"),
        ("formula:test/1", 3, "seed", "--validation 1 --test 1 --accept paper"),
        ("maxcut", 1, "temperatures", "--validation 1 --test 1"),
        ("sat", 2, "chain-of-thought", "--validation 1 --test 1 --controls basic"),
        ("formula:test/1", 1, "genetic", "--validation 2 --test 1 --controls basic"),
        ("maxcut", 2, "greedy", "--validation 1 --test 1 --controls basic"),
    ]
] + [
    f"compare {improvers} --tasks {task} --repetitions {repetitions} --calls 4 --responses 3 --scorings 12"
    for improvers, task, repetitions in [
        ("seed best-of-n", "maxcut", 2),
        ("seed greedy", "formula:test/1", 2),
        ("beam genetic", "sat", 1),
        ("seed chain-of-thought temperatures", "maxcut", 1),
    ]
]
FRESH = 700
"""The first of the seeds: none of those by which the ranges were set."""
SHOWN = re.compile(r"probably ([\d,]+)(?: to ([\d,]+))? answers(?:, \$([\d.,e-]+)(?: to \$([\d.,e-]+))?)?")


def run(quick: bool = False) -> dict[str, object]:
    """Of how many settings the range holds the truth, and its widest factor: before the run, and after its first round.

    Two runs at a time, each half of them with a store and a trial of its own.
    """
    wanted = [*enumerate(SETTINGS)][: 2 if quick else None]
    with ThreadPoolExecutor(2) as side_by_side:
        halves = [*side_by_side.map(_rows, [wanted[::2], wanted[1::2]])]
    rows = [row for half in halves for row in half]
    before, after = ([row[name] for row in rows if row.get(name)] for name in ("before", "after a round"))
    return {
        "before": _held(before),
        "after the first round": _held(after),
        "settings": rows,
        "goal": "holds the truth in at least 90 %, factor at most 10 before, 3 after the first round",
    }


def _rows(wanted: Sequence[tuple[int, str]]) -> list[dict[str, Any]]:
    with FaultServer(good, 0.02) as server, tempfile.TemporaryDirectory() as folder:
        _ran("run --tasks grid --test-tasks grid --rounds 1 --max-answers 16", server.url, folder, FRESH - 1)
        return [_row(settings, *_ran(settings, server.url, folder, FRESH + i)) for i, settings in wanted]


def _held(found: list[dict[str, Any]]) -> dict[str, object]:
    widest = max((one["factor"] for one in found), default=math.nan)
    return {"of": len(found), "hold the truth": sum(one["holds"] for one in found), "widest factor": round(widest, 2)}


def _row(settings: str, told: str, document: dict[str, Any]) -> dict[str, Any]:
    usage = document["usage"]
    shown = [_figures(match) for match in SHOWN.finditer(told)]
    truth = usage["responses"], usage["dollars_spent"]
    row: dict[str, Any] = {"settings": settings, "truth": truth, "before": _compared(shown[0], truth)}
    row |= {"after a round": _compared(shown[1], truth)} if len(shown) > 1 else {}
    print(row, file=sys.stderr, flush=True)
    return row


def _figures(match: re.Match[str]) -> list[tuple[float, float]]:
    low, high, least, most = (float(one.replace(",", "")) if one else 0.0 for one in match.groups())
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
