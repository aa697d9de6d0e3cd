"""A model that writes improvers, the built-in editor inside them: recursions over many seeds, beside the editor alone.

Each is a complete run of the command on a store of its own; those of the first `WHOLE` seeds with all controls. The proposer is
a model of a server (`MODEL`, `ADDRESS` in the environment; `SEEDS` of them, all by default), or the editor where none is named.
A row is kept as soon as its run has ended, in `benchmarks/kept`, so that a second call goes on where the first was stopped;
another contract begins anew. `RECORDINGS` names a folder in which each run leaves its recording.

    MODEL=openai:NAME ADDRESS=http://127.0.0.1:8115/v1 python -m benchmarks proposers --json

`runs` is the share of the improvers handed to scoring that ran in some of their scorings, `failures` why the others did
not, `strategies` in how many of them each was seen; `paired` is what a proposer reaches less the editor on the same seeds,
the unit being one whole run, with a t interval.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from selftaught.evidence.statistics import exact, interval, paired
from selftaught.lab import CONTRACT
from selftaught.store import Store

FIRST_SEED = 3000
"""Seeds from here on were never looked at before."""
SEEDS, WHOLE = 10, 5
EDITOR = "offline"
OPTIONS = ("--rounds", "2", "--outer-calls", "2", "--outer-responses", "12")
PARTS = ("gain", "better_search", "equal_answers", "selection", "self_application")
KEPT = Path(__file__).with_name("kept") / "proposers.jsonl"
COMMAND = (sys.executable, "-m", "selftaught")


def run(quick: bool = False) -> dict[str, Any]:
    """What every proposer came to whose rows are kept, after those of the one that is named."""
    named = os.environ.get("MODEL", EDITOR)
    count = 1 if quick else int(os.environ.get("SEEDS", SEEDS))
    rows = _kept()
    for seed in range(FIRST_SEED, FIRST_SEED + count):
        if not any((row["proposer"], row["seed"]) == (named, seed) for row in rows):
            rows.append(_row(named, seed))
            with KEPT.open("a", encoding="utf-8") as file:
                file.write(json.dumps(rows[-1]) + "\n")
    names = [*dict.fromkeys(row["proposer"] for row in rows)]
    return {
        "command": f"selftaught run {' '.join(OPTIONS)} --seed N",
        "proposers": {name: _figures([row for row in rows if row["proposer"] == name], rows) for name in names},
        "rows": rows,
    }


def _kept() -> list[dict[str, Any]]:
    KEPT.parent.mkdir(exist_ok=True)
    lines = KEPT.read_text("utf-8").splitlines() if KEPT.exists() else []
    return [row for row in map(json.loads, lines) if row["contract"] == CONTRACT]


def _row(named: str, seed: int) -> dict[str, Any]:
    more = ["--proposer", named, "--proposer-base-url", os.environ["ADDRESS"]] if named != EDITOR else []
    more += ["--proposer-max-tokens", "2048", "--proposer-price", "0,0", "--yes"] if more else []
    more += ["--controls", "all" if seed < FIRST_SEED + WHOLE else "basic", "--seed", str(seed)]
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder) / "store.db"
        command = [*COMMAND, "run", *OPTIONS, *more, "--json", "--store", str(store)]
        done = subprocess.run(command, capture_output=True, cwd=folder, check=False)
        if done.returncode not in {0, 1}:
            raise RuntimeError(f"the run of seed {seed} ended so: {done.stderr.decode()[-500:]}")
        if recordings := os.environ.get("RECORDINGS"):
            file = Path(recordings).absolute() / f"{named.rpartition(':')[2]}-{seed}.xz"
            subprocess.run([*COMMAND, "export", "1", "--recording", str(file), "--store", str(store)], check=True)
        scored, failures = _scored(store)
        told = subprocess.run(
            [*COMMAND, "lineage", "1", "--json", "--store", str(store)], capture_output=True, check=True
        )
    seen = {
        child["program"]: child["strategies"] for one in json.loads(told.stdout)["rounds"] for child in one["children"]
    }
    document: dict[str, Any] = json.loads(done.stdout)
    print(f"{named}, seed {seed}: {document['gain']['better_search']}", file=sys.stderr, flush=True)
    return {
        "contract": CONTRACT,
        "proposer": named,
        "seed": seed,
        **{name: one["kind"] for name, one in document["verdict"].items()},
        **{part: document["gain"][part]["mean"] for part in PARTS if part in document["gain"]},
        "intervals": {
            part: [document["gain"][part][end] for end in ("low", "high")] for part in ("gain", "better_search")
        },
        "rounds": [one["test"] and one["test"]["mean"] for one in document["rounds"]],
        "reasons": [one["reason"] for one in document["rounds"][1:]],
        "accepted": sum(one["accepted"] for one in document["rounds"][1:]),
        "scored": len(scored),
        "ran": sum(one is not None for one in scored),
        "failures": dict(failures),
        "strategies": dict(Counter(name for strategies in seen.values() for name in strategies)),
        "faults": document["usage"].get("faults"),
        "models": document["usage"].get("models"),
        "wall_s": document["usage"]["wall_s"],
    }


def _scored(store: Path) -> tuple[list[float | None], Counter[str]]:
    """Values of the different improvers that were scored in the rounds, and why those that have none never ran."""
    with Store(store, readonly=True) as facts:
        runs = list(facts.facts("improvement", 1))
    scored = {one["program"]: one["value"] for _, body in runs for one in body["scored"]}
    reasons = {about["improver"]: body["reason"] for about, body in runs if body["reason"]}
    kinds = [reasons.get(one, "no program") for one, value in scored.items() if value is None]
    return list(scored.values()), Counter(_kind(kind) for kind in kinds)


def _kind(reason: str) -> str:
    """The error by its name, or what else it was."""
    return reason.removeprefix("error: ").partition(":")[0][:60]


def _figures(mine: Sequence[dict[str, Any]], rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {"seeds": [row["seed"] for row in mine]}
    for part in PARTS:
        values = [row[part] for row in mine if part in row]
        if values:
            found[part] = interval({"seeds": values}).plain()
    for name, hits, of in (
        ("runs", sum(row["ran"] for row in mine), sum(row["scored"] for row in mine)),
        ("rounds accepted", sum(row["accepted"] for row in mine), sum(len(row["reasons"]) for row in mine)),
        ("better than best-of-n", sum(row["against_best_of_n"] == "better" for row in mine), len(mine)),
        ("better than the seed improver", sum(row["against_seed"] == "better" for row in mine), len(mine)),
    ):
        found[name] = exact(hits, of, name).plain() if of else None
    for name in ("failures", "strategies"):
        found[name] = dict(sum((Counter(row.get(name) or {}) for row in mine), Counter[str]()).most_common())
    editor = {row["seed"]: row for row in rows if row["proposer"] == EDITOR}
    both = [row for row in mine if row["seed"] in editor and row["proposer"] != EDITOR]
    if both:
        own, other = ([one["better_search"] for one in side] for side in (both, [editor[row["seed"]] for row in both]))
        found["paired"] = paired({"seeds": own}, {"seeds": other}).plain()
    return found
