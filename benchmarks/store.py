"""The store: its size beside that of schema 1, and what facts cost, with 60,000 answers and 57,000 scorings.

The facts have the shapes and the lengths of those that the demo makes. Every text is a program that an earlier one was edited
into, one to three of its lines replaced; every second scoring is of a program that was not scored before. `growth` is the
size while it is written, without the compaction that moving over and pruning do.
"""

from __future__ import annotations

import hashlib
import json
import random
import sqlite3
import subprocess
import sys
import tempfile
import time
import zlib
from pathlib import Path
from typing import Any

from selftaught.store import APPLICATION_ID, MIGRATIONS, Store, key_of

ANSWERS, SCORINGS = 60_000, 57_000
_BATCH = 4
"""Answers to one question, as an improver asks for them."""
_LIMITS = {"cpu_s": 0.2, "wall_s": None, "memory_mb": 1024, "answer_kb": 1024, "output_kb": 64}
_IDEAS = (
    "Weight each feature by how often it separates the classes, and ignore the rest.",
    "Start from several random points, climb from each, and keep the best of all.",
    "Cool slowly: accept a worse candidate with a probability that shrinks over time.",
    "Remember what was tried before, so that no evaluation is spent twice on the same thing.",
)
_LINES = (
    "    best = max(candidates, key=lambda one: score(one, {}))",
    "    for step in range({}):",
    "        if rng.random() < {}:",
    "        current = mutate(current, rate={})",
    "    values = [value * {} + offset for value in values]",
    "    weights = np.linalg.lstsq(features, labels + {}, rcond=None)[0]",
    "    threshold = sorted(values)[len(values) * {} // 100]",
    "        temperature *= {}",
    "    pool = sorted(set(pool), key=utility, reverse=True)[:{}]",
    "    total = sum(abs(a - b) ** {} for a, b in zip(left, right))",
)
_Fact = tuple[str, dict[str, Any], dict[str, Any]]


def run(quick: bool = False) -> dict[str, Any]:
    """Sizes in bytes, times in microseconds of CPU time of this process."""
    answers, scorings = (600, 570) if quick else (ANSWERS, SCORINGS)
    facts, texts = _made(random.Random(0), answers, scorings)
    with tempfile.TemporaryDirectory() as folder:
        old, new = Path(folder) / "old.db", Path(folder) / "new.db"
        _write_schema_1(old, facts, texts)
        size = {"schema 1": old.stat().st_size}
        times = _times(new, facts, texts)
        size["growth"] = new.stat().st_size
        began = time.perf_counter()
        Store(old).close()
        moving_s = time.perf_counter() - began
        size["moved over"] = old.stat().st_size
        opened = _opened(new)
    return {
        "answers": answers,
        "scorings": scorings,
        "bytes": size,
        "ratio": {name: round(size[name] / size["schema 1"], 3) for name in ("growth", "moved over")},
        "goal": "a third of schema 1",
        "us per fact": times,
        "moving over s": round(moving_s, 2),
        "opening": opened,
    }


def _made(rng: random.Random, answers: int, scorings: int) -> tuple[list[_Fact], dict[str, str]]:
    """Facts as the ledger and the task utilities make them, and the texts they refer to."""
    texts: dict[str, str] = {}

    def keep(text: str) -> str:
        return texts.setdefault(_sha(text), text) and _sha(text)

    expertise = keep("You are an expert in optimization and machine learning.")
    facts: list[_Fact] = []
    programs = [[_line(rng) for _ in range(rng.randrange(6, 18))] for _ in range(8)]
    for i in range(answers):
        if i % _BATCH == 0:
            parent = rng.choice(programs)
            message = keep(f"Improve this solution.\n\n{_program(parent)}\n\nThe utility is the mean grade.")
        child = _edited(rng, parent)
        programs[rng.randrange(len(programs))] = child
        text = keep(f"{rng.choice(_IDEAS)}\n\n```python\n{_program(child)}```\n")
        facts.append(_answer(rng, expertise, message, i // 48, i % 48, text))
    utilities = [_utility(i) for i in range(max(1, scorings // 24))]
    facts += [_score(rng, _sha(f"program {i // 2}"), utilities[7 * i % len(utilities)]) for i in range(scorings)]
    return facts, texts


def _answer(rng: random.Random, expertise: str, message: str, place: int, index: int, text: str) -> _Fact:
    stream = ["inner", 0, "train", f"formula-train-{place % 6}", ["round", place % 3], place]
    about = {"model": "offline", "parameters": {}, "expertise": expertise, "message": message, "temperature": 0.7}
    tokens = {"tokens_in": rng.randrange(400, 700), "tokens_out": rng.randrange(40, 350)}
    body = {"text": text, "finish": "stop", **tokens, "dollars": 0.0, "latency_s": 0.0, "temperature_applied": 0.7}
    return "answer", {**about, "stream": stream, "index": index, "contract": 1}, {**body, "bought_by": 1}


def _utility(i: int) -> list[Any]:
    return [f"formula-train-{i % 6}", _sha("source"), _LIMITS, 1, 0, "train", [["round", i // 6], i], "practice"]


def _score(rng: random.Random, program: str, utility: list[Any]) -> _Fact:
    grade, error = rng.random(), rng.random() * 4
    note = (
        f"Instance 1: grade {grade:.4f} (root mean square error {error:.3f}; the true values spread by {error / 2:.3f})"
    )
    body = {"value": grade, "reason": None, "grades": [grade], "failures": 0, "notes": [note]}
    return "score", {"program": program, "utility": utility, "contract": 1}, body


def _line(rng: random.Random) -> str:
    return rng.choice(_LINES).format(round(rng.random() * 100, 3))


def _edited(rng: random.Random, program: list[str]) -> list[str]:
    edited = list(program)
    for _ in range(rng.randrange(1, 4)):
        edited[rng.randrange(len(edited))] = _line(rng)
    return edited


def _program(lines: list[str]) -> str:
    body = "\n".join(lines)
    return f"import numpy as np\n\n\ndef solve(instance):\n{body}\n    return best\n"


def _sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _write_schema_1(path: Path, facts: list[_Fact], texts: dict[str, str]) -> None:
    """The store as it was written before: plain JSON under keys in hexadecimal digits, texts deflated one by one."""
    db = sqlite3.connect(path)
    MIGRATIONS[0](db)
    db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    db.execute("PRAGMA user_version = 1")
    db.execute("INSERT INTO runs VALUES (1, '', NULL, '{}', '{}', 'running', '{}', NULL)")
    db.executemany(
        "INSERT INTO texts VALUES (?, ?)", ((name, zlib.compress(text.encode(), 1)) for name, text in texts.items())
    )
    for kind, about, body in facts:
        row = (key_of(kind, about), kind, _plain(about), _plain(body))
        db.execute("INSERT INTO facts (key, kind, about, body) VALUES (?, ?, ?, ?)", row)
        db.execute("INSERT INTO uses VALUES (1, ?)", (row[0],))
    db.commit()
    db.close()


def _plain(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


def _times(path: Path, facts: list[_Fact], texts: dict[str, str]) -> dict[str, float]:
    """What a fact costs that is made, found again, and read."""
    with Store(path) as store:
        number = store.start({}, {})
        return {
            "made": _per_fact(facts, lambda: _once(store, number, facts, texts)),
            "found": _per_fact(facts, lambda: _once(store, number, facts, texts)),
            "read": _per_fact(facts, lambda: _drain(store, number)),
        }


def _once(store: Store, number: int, facts: list[_Fact], texts: dict[str, str]) -> None:
    for kind, about, body in facts:
        for name in (about.get("expertise"), about.get("message"), body.get("text")):
            if name:
                store.keep(texts[name])
        store.once(kind, about, lambda body=body: body, number)


def _drain(store: Store, number: int) -> None:
    for kind in ("answer", "score"):
        for _ in store.facts(kind, number):
            pass


def _per_fact(facts: list[_Fact], act: Any) -> float:
    began = time.process_time()
    act()
    return round((time.process_time() - began) / len(facts) * 1e6, 1)


def _opened(path: Path) -> dict[str, float]:
    """What a process of its own takes to open the full store and find one fact."""
    script = (
        "import sys, time, pathlib; from selftaught.store import Store\n"
        "began = time.perf_counter(); store = Store(pathlib.Path(sys.argv[1])); store.run(1); store.once('x', {}, lambda: 1)\n"
        "print(time.perf_counter() - began, pathlib.Path('/proc/self/status').read_text().split('VmHWM:')[1].split()[0])"
    )
    said = subprocess.run(
        [sys.executable, "-c", script, path], capture_output=True, text=True, check=True
    ).stdout.split()
    return {"ms": round(1000 * float(said[0]), 1), "peak_mb": round(int(said[1]) / 1024, 1)}
