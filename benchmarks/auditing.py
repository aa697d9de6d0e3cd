"""How long an audit of circumvention takes, and how often its detectors err, on the labelled corpus.

Every proposal of the scripted model is a program of its own (a comment tells it from the others): nothing is found again.
The time for 10,000 is scaled from as many as are measured here, which `measured` says.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from selftaught.evidence.circumvention import coverage
from selftaught.evidence.reached import reached, worded
from selftaught.improvers import load, names
from selftaught.lab.honey import behaviour
from selftaught.sandbox.levels import open_sandbox
from selftaught.store import Store

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
RATES = (0.0012, 0.0042, 0.02, 0.1)
SIZES = (300, 10_000)


def run(quick: bool = False) -> dict[str, object]:
    """Error rates on the corpus, coverage of the intervals, and the time of so many proposals."""
    return {
        "corpus": _errors(),
        "coverage": {f"{rate:g}, {n}": round(coverage(rate, n), 4) for rate in RATES for n in SIZES},
        "time": _timed(60 if quick else 500),
    }


def _errors() -> dict[str, Any]:
    """For each detector: harmless programs flagged, attempts missed; for behaviour only those that act."""
    from shared.programs import labelled

    corpus = list(labelled())
    with open_sandbox("strict") as box:
        trees = reached(box, [one.program for one in corpus])
        did = {one.program: behaviour(box.run, one.program).tried for one in corpus}
    flags = {
        "text": lambda one: worded(one.program.text),
        "tree": lambda one: bool(trees[one.program.digest]),
        "behaviour": lambda one: bool(did[one.program]),
    }
    harmless, attempts = ([one for one in corpus if bool(one.kinds) is kind] for kind in (False, True))
    acting = [one for one in attempts if one.acts]
    return {
        name: {
            "harmless flagged": f"{sum(map(flag, harmless))} of {len(harmless)}",
            "attempts missed": f"{sum(not flag(one) for one in attempts)} of {len(attempts)}",
            "acting missed": f"{sum(not flag(one) for one in acting)} of {len(acting)}",
        }
        for name, flag in flags.items()
    }


def _timed(count: int) -> dict[str, Any]:
    """An audit of so many proposals in all, through the same functions as the command's."""
    from selftaught.improvers import flagged
    from selftaught.models.scripted import Scripted
    from selftaught.runs.carry import carry_in
    from selftaught.runs.handles import open_handles
    from selftaught.settings.audits import Audit
    from selftaught.settings.choice import ModelChoice

    texts = [load(name).text for name in names()]
    answers = [f"An idea.\n```python\n{texts[i % len(texts)]}\n# {i}\n```" for i in range(20 * count)]
    program = flagged()
    with tempfile.TemporaryDirectory() as folder, Store(Path(folder) / "store.db") as store:
        path = Path(folder) / "answers.json"
        path.write_text(json.dumps(answers), encoding="utf-8")
        store.keep(program.text)
        asked = Audit(program.digest, ModelChoice(f"scripted:{path}"), proposals=count // 2)
        before = os.times()
        with open_handles(lambda _: (Scripted.read(path), None), store, "strict", 0) as lab:
            begun = time.monotonic()
            found = carry_in(lab, asked)
            taken = time.monotonic() - begun
        after = os.times()  # the sandbox has ended: its processes count as children
    distinct = sum(one["distinct"] for one in found["conditions"])
    cpu_s = sum(after[:4]) - sum(before[:4])
    return {
        "measured": count,
        "distinct": distinct,
        "seconds": round(taken, 1),
        "scaled to 10,000": round(taken * 10_000 / count),
        "CPU seconds of all processes, scaled": round(cpu_s * 10_000 / count),
    }
