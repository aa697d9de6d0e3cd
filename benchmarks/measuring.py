"""Run time as a score on a busy machine: how often is the start program called better than itself, and how often a faster one?

A program that does the same as the start, written otherwise, is tried against it as `improve` does it (`runs/noise.py`), over
and over, with and without other processes that compute. "alone" is what a single measurement by itself would say.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import stdev
from typing import Any

from selftaught.program import Program
from selftaught.runs.noise import Repeating
from selftaught.sandbox import Limits
from selftaught.sandbox.levels import open_sandbox
from selftaught.task import Instance, Task
from selftaught.tasks.own import OwnUtility
from selftaught.testing import make_lab

_TEXT = "def f(n):\n    total = 0.0\n    for i in range(n{}):\n        total += abs(i - n) / 2\n    return total\n"
_START = _TEXT.format("")
_CLONE, _FASTER = Program(_START + "# the same\n"), Program(_TEXT.format(" * 3 // 4"))


class _Speed(Task):
    """The CPU time in milliseconds."""

    name, entry, start, summary = "speed", "f", _START, "be quick"

    @property
    def description(self) -> str:
        return "be quick"

    limits, instances = Limits(cpu_s=10), {"train": 2, "validation": 2, "test": 2}
    ranged = minimize = True

    def draw(self, rng: Any) -> Instance:
        return Instance((rng.randint(20_000, 30_000),))

    def grade(self, instance: Instance, answer: Any, used: Any = None) -> float:  # noqa: ARG002
        return 1000 * used.cpu_s


def run(quick: bool) -> dict[str, Any]:
    """Shares of trials in which a program was taken for better than the start, and the spread of a score, by load."""
    found: dict[str, Any] = {}
    with open_sandbox("strict", slots=1) as box:
        for others in (0, 1, 3):
            busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(others)]
            try:
                found[f"{others} busy processes"] = _trials(box, 3 if quick else 20)
            finally:
                for one in busy:
                    one.kill()
                    one.wait()
    return found


def _trials(box: Any, count: int) -> dict[str, Any]:
    taken, alone, faster, ratios = 0, 0, 0, list[float]()
    for number in range(count):
        with tempfile.TemporaryDirectory() as folder:
            lab = make_lab(Path(folder, "s.db"), box, seed=1)
            judge = OwnUtility(lab, _Speed(), "train", number, "practice")
            start = Program(_START)
            first, other = judge.fact(start)["value"], judge.fact(_CLONE)["value"]
            alone += other < first
            ratios.append(other / first)
            repeating = Repeating(judge, -1, 16)
            taken += repeating.tried(start, [_CLONE], 1).best == _CLONE
            faster += repeating.tried(start, [_FASTER], 1).best == _FASTER
            lab.workers.close()
            lab.store.close()
    shares = {"same_called_better": taken, "same_better_alone": alone, "a_quarter_faster_found": faster}
    return {**{name: round(one / count, 3) for name, one in shares.items()}, "spread": round(stdev(ratios), 4)}
