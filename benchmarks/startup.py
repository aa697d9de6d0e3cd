"""CPU seconds until a command stands: `--help` of the whole and of a command, beside what the libraries alone need."""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
from typing import Any

_COMMAND = "import sys; from selftaught.cli import main; main()"
_WAYS = {
    "help": [_COMMAND, "--help"],
    "help_of_run": [_COMMAND, "run", "--help"],
    "version": [_COMMAND, "--version"],
    "libraries": ["import typer"],
    "interpreter": ["pass"],
}
"""Programs and their arguments; the last two are what `--help` cannot go below."""


def run(quick: bool) -> dict[str, Any]:
    """Medians over rounds in which the ways take turns, and the ratio of `--help` to the libraries alone."""
    times: dict[str, list[float]] = {name: [] for name in _WAYS}
    for _ in range(2 if quick else 15):
        for name, words in _WAYS.items():
            times[name].append(_cpu_s(words))
    found = {name: round(statistics.median(taken), 3) for name, taken in times.items()}
    return {"cpu_s": found, "help_over_libraries": round(found["help"] / found["libraries"], 2)}


def _cpu_s(words: list[str]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", *words], capture_output=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
