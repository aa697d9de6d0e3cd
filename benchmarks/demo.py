"""What `make demo` shows, over many seeds: each a complete run of the command with its defaults on a store of its own.

Each seed draws its own targets. `better` is the share of seeds whose improved improver beats the seed improver with the
interval of the paired difference above zero; the gain and its parts are averaged over seeds, the unit being one whole run.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from typing import Any

from selftaught.evidence.statistics import over_runs, wilson

FIRST_SEED = 1000
"""Seeds from here on were never looked at while the settings were chosen."""
SEEDS = 24
PARTS = ("gain", "more_answers", "better_search")


def run(quick: bool = False) -> dict[str, object]:
    """Figures over the seeds, and a row per seed."""
    seeds = range(FIRST_SEED, FIRST_SEED + (2 if quick else SEEDS))
    rows = [_row(seed) for seed in seeds]
    figures: dict[str, object] = {
        "command": "selftaught run --controls basic --seed N",
        "seeds": [seeds.start, seeds.stop - 1],
    }
    for name in ("against_seed", "against_best_of_n"):
        for kind in ("better", "worse"):
            hits = sum(row[name] == kind for row in rows)
            figures[f"{kind} {name}"] = wilson(hits, len(rows), "seeds").plain()
    for part in PARTS:
        figures[part] = over_runs([row[part]["mean"] for row in rows]).plain()
    figures["test by round"] = [
        sum(row["rounds"][i] for row in rows) / len(rows) for i in range(len(rows[0]["rounds"]))
    ]
    for name in ("wall_s", "cpu_s", "peak_mb"):
        values = sorted(row[name] for row in rows)
        figures[name] = {"median": values[len(values) // 2], "max": values[-1]}
    return figures | {"rows": rows}


def _row(seed: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "selftaught", "run", "--controls", "basic", "--seed", str(seed), "--json"]
        child = subprocess.Popen(
            [*command, "--store", f"{folder}/store.db"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=folder
        )
        assert child.stdout
        text = child.stdout.read()
        _, status, used = os.wait4(child.pid, 0)
    if status:
        raise RuntimeError(f"the run of seed {seed} ended with status {status}")
    document: dict[str, Any] = json.loads(text)
    print(f"seed {seed}: {document['gain']['gain']}", file=sys.stderr, flush=True)
    return {
        "seed": seed,
        **{name: one["kind"] for name, one in document["verdict"].items()},
        **{part: {end: document["gain"][part][end] for end in ("mean", "low", "high")} for part in PARTS},
        "rounds": [one["test"]["mean"] for one in document["rounds"]],
        "accepted": sum(one["accepted"] for one in document["rounds"][1:]),
        "answers": {name: arm["responses"] for name, arm in document["arms"].items()},
        "responses": document["usage"]["responses"],
        "scorings": document["usage"]["scorings"],
        "wall_s": document["usage"]["wall_s"],
        "cpu_s": document["usage"]["cpu_s"],
        "peak_mb": used.ru_maxrss / 1024,
    }
