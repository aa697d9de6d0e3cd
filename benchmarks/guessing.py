"""Whether a program can guess the seed of a run from its own random numbers, and so draw the hidden instances anew.

The guesser knows all but the seed: the derivation, its salt, which of the streams is its own. It spends its CPU allowance on
seeds, the smallest first, and compares what each gives with the numbers that it was given. A try is one improver run under a
seed that was drawn as runs draw theirs; `typed` is a seed of one digit, which it must find, or the figure would say nothing.
Improver runs are facts of a store that is kept, so that a second call goes on where the first one was stopped.
"""

from __future__ import annotations

import re
import secrets
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from selftaught.budget import Allowance
from selftaught.evidence.statistics import exact
from selftaught.improver import improve
from selftaught.lab import Lab
from selftaught.lab.workers import Workers, improving, sizes
from selftaught.models.offline import Offline
from selftaught.plain import GUESSES_PER_S, SEED_BITS, guessable
from selftaught.program import Program
from selftaught.runs.model import editing
from selftaught.sandbox.levels import open_sandbox
from selftaught.store import Store
from selftaught.tasks import load
from selftaught.utility import TaskUtility

GUESSER = """import hashlib
import json
import random
import time

SIZE = 32


def digest(value):
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def numbers(seed):
    found = hashlib.scrypt(
        str(seed).encode(), salt=b"selftaught roots", dklen=4 * SIZE, n=1 << 15, r=8, p=8, maxmem=1 << 26
    ).hex()
    guests = found[2 * SIZE : 4 * SIZE]
    own = int(digest(["improver", guests, ["guessing", seed]])[:16], 16) >> 1
    return random.Random(own).random()


def improve_algorithm(initial_solution, utility, language_model):
    given, seed = random.random(), 0
    while time.process_time() < {cpu_s}:
        if numbers(seed) == given:
            return initial_solution + f"\\n# the seed is {seed} "
        seed += 1
    return initial_solution + f"\\n# no hit in {seed} guesses"
"""
TRIES = 50
MARGIN_S = 2.0
"""So much CPU time before its allowance the guesser ends by itself, to be able to tell."""
KEPT = Path(tempfile.gettempdir())


def run(quick: bool = False) -> dict[str, Any]:
    """All figures. A try takes a minute of CPU: the whole of what an improver run has by default."""
    cpu_s, tries = (6.0, 2) if quick else (Allowance().cpu_s, TRIES)
    with Store(KEPT / f"selftaught-guessing-{cpu_s:g}.db") as store:
        found = guesses(store, _seeds(store, tries), cpu_s)
        (typed,) = guesses(store, [3], cpu_s)
    hits = sum(one < 0 for one in found)
    return {
        "cpu_s": cpu_s,
        "guesses": list(found),
        "guesses_per_cpu_s": round(sum(found) / len(found) / (cpu_s - MARGIN_S), 2),
        "told_to_users_per_cpu_s": GUESSES_PER_S,
        "hits": exact(hits, len(found), "tries").plain(),
        "chance_of_one_try": guessable(2**SEED_BITS - 1, cpu_s),
        "typed_seed_found": typed < 0,
    }


def _seeds(store: Store, tries: int) -> list[int]:
    """Drawn once, and kept beside the store for a second call."""
    path = Path(f"{store.path}.seeds")
    if not path.exists():
        path.write_text("\n".join(str(secrets.randbits(SEED_BITS)) for _ in range(tries)), "utf-8")
    return [int(line) for line in path.read_text("utf-8").split()]


def guesses(store: Store, seeds: Sequence[int], cpu_s: float) -> list[int]:
    """How many guesses were made under each of the seeds; -1 for a hit."""
    workers = Workers(sizes(2, 2))
    try:
        with open_sandbox() as sandbox:
            return workers.map(
                improving(0),
                lambda seed: _guess(Lab(sandbox, Offline(editing(sandbox)), store, workers, seed), cpu_s),
                seeds,
            )
    finally:
        workers.close()


def _guess(lab: Lab, cpu_s: float) -> int:
    (task,) = load("lpn", lab.seed)
    program = Program(GUESSER.replace("{cpu_s}", str(cpu_s - MARGIN_S)))
    practice = TaskUtility(lab, task, "test", "guessing", "practice")
    done = improve(lab, program, Program(task.start), practice, ["guessing", lab.seed], Allowance(cpu_s=cpu_s))
    text = done.program.text if done.program else ""
    said = re.search(r"# no hit in (\d+) guesses", text)
    if not said and f"# the seed is {lab.seed} " not in text:
        raise RuntimeError(f"the guesser ended otherwise: {done.reason}")
    print(f"seed of {lab.seed.bit_length()} bits: {said[0] if said else 'found'}", file=sys.stderr, flush=True)
    return int(said[1]) if said else -1
