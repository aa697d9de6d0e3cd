"""What it costs a run to be watched: its CPU and wall time while another process shows it again and again, beside unwatched.

Pairs of runs of the same settings and seed on fresh stores, one watched by `show` and `runs` in turn, each begun `EVERY_S`
after the one before ended, the other not, in an order that alternates. `cpu` counts the run's process and all that it waited
for; the watchers' own time is told apart, as on few cores they take turns with the run.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

PAIRS = 8
EVERY_S = 1.0
COMMAND = (sys.executable, "-m", "selftaught")
RUN = ("compare", "seed", "hints", "--seed", "7", "--tasks", "formula:test/3", "--repetitions", "10")
STORE = ("--store", "s.db")


def run(quick: bool = False) -> dict[str, Any]:
    """Ratios watched to unwatched, with 95 % intervals over the pairs (bootstrap), and the times."""
    pairs = [_pair(i) for i in range(2 if quick else PAIRS)]
    figures: dict[str, Any] = {}
    for i, name in enumerate(("cpu", "wall")):
        watched, alone = np.array([(one[i], other[i]) for one, other, _ in pairs]).T
        figures[name] = _ratio(watched, alone)
        figures[f"{name}_s"] = {"watched": watched.round(2).tolist(), "alone": alone.round(2).tolist()}
    return {"command": " ".join(RUN), "looks": [pair[2] for pair in pairs], "goal": "below 1.02", **figures}


def _ratio(watched: np.ndarray, alone: np.ndarray) -> dict[str, Any]:
    drawn = np.random.default_rng(0).integers(0, len(alone), (4000, len(alone)))
    ratios = watched[drawn].sum(1) / alone[drawn].sum(1)
    low, high = np.percentile(ratios, [2.5, 97.5])
    return {"ratio": round(watched.sum() / alone.sum(), 4), "low": round(low, 4), "high": round(high, 4)}


def _pair(number: int) -> tuple[Sequence[float], Sequence[float], int]:
    """CPU and wall seconds watched and alone, and how often was looked."""
    found: dict[bool, Sequence[float]] = {}
    looks = 0
    for watch in (True, False) if number % 2 else (False, True):
        with tempfile.TemporaryDirectory() as folder, _watching(Path(folder), watch) as looked:
            found[watch] = _timed(Path(folder))
        looks = max(looks, len(looked))
    print(f"pair {number}: watched {found[True]}, alone {found[False]}, {looks} looks", file=sys.stderr, flush=True)
    return found[True], found[False], looks


def _timed(folder: Path) -> Sequence[float]:
    began = time.perf_counter()
    child = subprocess.Popen([*COMMAND, *RUN, *STORE], cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, used = os.wait4(child.pid, 0)
    if status:
        raise RuntimeError(f"the run ended with status {status}")
    return used.ru_utime + used.ru_stime, time.perf_counter() - began


@contextmanager
def _watching(folder: Path, watch: bool) -> Generator[list[int]]:
    """Looks at the run of a store until the block ends; the exit codes of the looks."""
    ended, looked = threading.Event(), list[int]()

    def look() -> None:
        while not ended.wait(EVERY_S):
            words = ("show", "1") if len(looked) % 2 else ("runs",)
            done = subprocess.run([*COMMAND, *words, *STORE], cwd=folder, capture_output=True, check=False)
            looked.append(done.returncode)

    watcher = threading.Thread(target=look)
    if watch:
        watcher.start()
    try:
        yield looked
    finally:
        ended.set()
        if watch:
            watcher.join()
