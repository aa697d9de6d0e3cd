"""What `make demo` shows, over many seeds: each a complete run of the command with its defaults on a store of its own.

Each seed draws its own tasks. `better` is the share of seeds whose improved improver beats the seed improver with the
interval of the paired difference above zero; the gain and its parts are averaged over seeds, the unit being one whole run,
with a t interval (seeds are many, and no jump is rare among them) and the share of seeds in which it is above 0.
`later_rounds` is what the rounds after the first accepted one add on the test split; a round is `dead` when nothing was
returned or kept in it, and a row of the table is an error when it tells one. `selection` is what the improved improver is
above the *sham*, improvers drawn from all that its recursion scored, which is worked out on the same store after the run.

The rule, written down before the seeds were run: the settings are the defaults of `run`; `make demo` and the picture show seed
0, whatever it comes to; the figures are those of the 24 seeds from `FIRST_SEED` on, all of them. A row is kept as soon as its
run has ended, in `benchmarks/kept`, so that a second call goes on where the first was stopped; other settings or another
contract begin anew.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import fmean as mean
from typing import Any

from selftaught.downstream import counting
from selftaught.evidence.controls import drawn, in_turn
from selftaught.evidence.statistics import exact, interval, wilson
from selftaught.improvers import load
from selftaught.lab import CONTRACT
from selftaught.meta import MetaUtility
from selftaught.plain import digest
from selftaught.recursion import recursion
from selftaught.runs.handles import open_handles
from selftaught.runs.model import open_model
from selftaught.runs.recursion import arrange
from selftaught.settings import Settings
from selftaught.store import Store

FIRST_SEED = 2000
"""Seeds from here on were never looked at while the settings were chosen."""
SEEDS = 24
PARTS = ("gain", "more_answers", "better_search")
OPTIONS = ("--controls", "basic")
KEPT = Path(__file__).with_name("kept")


def run(quick: bool = False) -> dict[str, object]:
    """Figures over the seeds, and a row per seed."""
    seeds = range(FIRST_SEED, FIRST_SEED + (2 if quick else SEEDS))
    rows = _rows(seeds)
    figures: dict[str, object] = {
        "command": "selftaught run --controls basic --seed N",
        "seeds": [seeds.start, seeds.stop - 1],
    }
    for name in ("against_seed", "against_best_of_n"):
        for kind in ("better", "worse"):
            hits = sum(row[name] == kind for row in rows)
            figures[f"{kind} {name}"] = wilson(hits, len(rows), "seeds").plain()
    parts = {part: [row[part]["mean"] for row in rows] for part in PARTS}
    parts["later_rounds"] = [row["later"] for row in rows if row["later"] is not None]
    parts["selection"] = [row["selection"] for row in rows]
    for name, values in parts.items():
        figures[name] = interval({"seeds": values}).plain()
        figures[f"{name} above 0"] = exact(sum(one > 0 for one in values), len(values), "seeds").plain()
    figures["seeds without dead rounds"] = sum(not row["dead"] for row in rows)
    figures["rows that are errors"] = sum(row["errors"] for row in rows)
    figures["test by round"] = [
        sum(row["rounds"][i] for row in rows) / len(rows) for i in range(len(rows[0]["rounds"]))
    ]
    for name in ("wall_s", "cpu_s", "peak_mb"):
        values = sorted(row[name] for row in rows)
        figures[name] = {"median": values[len(values) // 2], "max": values[-1]}
    return figures | {"rows": rows}


def _rows(seeds: range) -> list[dict[str, Any]]:
    """A row for each seed: kept, or made and kept."""
    settings = _settings(0)
    KEPT.mkdir(exist_ok=True)
    kept = KEPT / f"demo-{digest([settings.plain(), CONTRACT])[:12]}.jsonl"
    rows = [json.loads(line) for line in kept.read_text("utf-8").splitlines()] if kept.exists() else []
    known = {row["seed"]: row for row in rows}
    for seed in seeds:
        if seed not in known:
            known[seed] = _row(seed)
            with kept.open("a", encoding="utf-8") as file:
                file.write(json.dumps(known[seed]) + "\n")
    return [known[seed] for seed in seeds]


def _settings(seed: int) -> Settings:
    return Settings(load("seed").digest, controls="basic", seed=seed)


def _selection(seed: int, path: Path) -> float:
    """What the improved improver is above the sham, on the store of a run that has ended."""
    asked = _settings(seed)
    with (
        Store(path) as store,
        open_handles(lambda sandbox: (open_model(asked.model, sandbox), None), store, "strict", seed) as lab,
    ):
        train, test = arrange(lab, asked)
        rounds = [*recursion(lab, load("seed"), train, asked)]
        report = MetaUtility(lab, test, "test", "report", asked.test, asked.inner, asked.keep)
        improved, sham = (
            mean(cell.value for cell in counting(cells))
            for cells in (report.cells(rounds[-1].improver), in_turn(report, drawn(lab, rounds)))
        )
    return improved - sham


def _later(rounds: list[dict[str, Any]]) -> float | None:
    """What the rounds after the first accepted one add; None where none was accepted."""
    first = next((one for one in rounds[1:] if one["accepted"]), None)
    return None if first is None else rounds[-1]["test"]["mean"] - first["test"]["mean"]


def _row(seed: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "selftaught", "run", *OPTIONS, "--seed", str(seed), "--json"]
        child = subprocess.Popen(
            [*command, "--store", f"{folder}/store.db"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=folder
        )
        assert child.stdout
        text = child.stdout.read()
        _, status, used = os.wait4(child.pid, 0)
        if status:
            raise RuntimeError(f"the run of seed {seed} ended with status {status}")
        selection = _selection(seed, Path(folder) / "store.db")
    document: dict[str, Any] = json.loads(text)
    print(f"seed {seed}: {document['gain']['gain']}", file=sys.stderr, flush=True)
    return {
        "seed": seed,
        **{name: one["kind"] for name, one in document["verdict"].items()},
        **{part: {end: document["gain"][part][end] for end in ("mean", "low", "high")} for part in PARTS},
        "rounds": [one["test"]["mean"] for one in document["rounds"]],
        "later": _later(document["rounds"]),
        "selection": selection,
        "dead": sum(one["proposal"] is None for one in document["rounds"][1:]),
        "errors": sum("error:" in one["reason"] for one in document["rounds"][1:]),
        "reasons": [one["reason"] for one in document["rounds"][1:]],
        "accepted": sum(one["accepted"] for one in document["rounds"][1:]),
        "answers": {name: arm["responses"] for name, arm in document["arms"].items()},
        "responses": document["usage"]["responses"],
        "scorings": document["usage"]["scorings"],
        "wall_s": document["usage"]["wall_s"],
        "cpu_s": document["usage"]["cpu_s"],
        "peak_mb": used.ru_maxrss / 1024,
    }
