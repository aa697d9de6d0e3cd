"""Ours with a model and an evaluator that take no time, as `peer.py` does with theirs."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from selftaught import improve_file, improve_text, open_lab
from selftaught.budget import Allowance
from selftaught.improvers import BEST
from selftaught.models import Request
from selftaught.models.scripted import Scripted

SCORER = '''"""As few as possible."""

import time


def instances(split, seed):
    return [([1], 1)]


def score(instance, answer):
    with open("marks", "a") as file:
        file.write(f"e {time.monotonic_ns()}\\n")
    return 1.0
'''


def main() -> None:
    """As in the command; `selftaught text` scores by a function of Python, the other way runs programs in the sandbox."""
    asked: dict[str, Any] = json.loads(sys.argv[1])
    os.chdir(asked["folder"])
    sys.setswitchinterval(0.0005)

    def mark(what: str) -> None:
        with Path("marks").open("a", encoding="ascii") as file:
            file.write(f"{what} {time.monotonic_ns()}\n")

    def answer(_: Request, address: str) -> str:
        mark("m")
        return f"```python\n{asked['start']}# {address}\n```"

    def evaluate(text: str) -> float:
        mark("e")
        return int(text[-10:-6], 16) / 2**16 if text != asked["start"] else 0.5

    calls = asked["answers"] // 10
    # BEST for both, as `improve` takes it for a program in Python.
    allowance = Allowance(calls=calls, responses=10, scorings=asked["answers"] + 1)
    with open_lab(Scripted(answer), store="s.db", seed=1) as lab:
        if asked["system"] == "selftaught text":
            improve_text(lab, asked["start"], evaluate, about=asked["about"], improver=BEST, allowance=allowance)
        else:
            Path("pack.py").write_text(asked["start"], "utf-8")
            Path("score.py").write_text(SCORER, "utf-8")
            improve_file(lab, "pack.py", "score.py", allowance=allowance)


if __name__ == "__main__":
    main()
