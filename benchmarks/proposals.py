"""A real model is asked for a better seed improver, many times over: how many of its proposals work?

The question is the first one of `selftaught run --seed 0`, asked `COUNT` times of a model of a server (`MODEL`, `ADDRESS` in
the environment). Every proposal is put to work once on each training task, with the built-in editor inside and the budget of
a default run. *It runs to its end* when no run of it failed; of the others, why. Answers and cells are kept in a store, so that
a second call asks nothing again.

    MODEL=openai:NAME ADDRESS=http://127.0.0.1:8115/v1 python -m benchmarks proposals --json
"""

from __future__ import annotations

import json
import os
import tempfile
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from statistics import fmean as mean
from typing import Any

from selftaught import improvers, tasks
from selftaught.budget import Allowance, Meter
from selftaught.downstream import Cell, with_scale
from selftaught.errors import ModelFailure
from selftaught.improver import improve
from selftaught.lab import Lab
from selftaught.lab.interface import ENTRY
from selftaught.lab.ledger import Conversation
from selftaught.lab.workers import Workers, sizes
from selftaught.meta import MetaUtility
from selftaught.models import Answer, Request, providers
from selftaught.models.offline import Offline
from selftaught.plain import JSON
from selftaught.program import Program
from selftaught.runs.model import editing
from selftaught.sandbox import Job, Limits, Sandbox
from selftaught.sandbox.levels import open_sandbox
from selftaught.settings import Settings
from selftaught.settings.choice import ModelChoice
from selftaught.store import Store

COUNT = 24
SEED = 0
TASKS = "policy:train"
KEPT = Path(tempfile.gettempdir()) / "selftaught-proposals.db"
_READER = """
import json
from helpers import extract_code

def improve_algorithm(answers, utility, language_model):
    return json.dumps(extract_code(json.loads(answers)))
"""


class _Listening(Offline):
    """A model that remembers what it is asked, and answers nothing."""

    heard: Request | None = None

    def complete(self, request: Request, addresses: Sequence[str]) -> Sequence[Answer]:  # noqa: ARG002 - the seam
        self.heard = self.heard or request
        raise ModelFailure("listening only")


def run(quick: bool = False) -> dict[str, Any]:
    """The figures, and a row per proposal."""
    count = 4 if quick else COUNT
    with open_sandbox() as sandbox, Store(KEPT) as store:
        workers = Workers(sizes(2, 8))
        try:
            lab = Lab(sandbox, Offline(editing(sandbox)), store, workers, SEED)
            question = _question(lab)
            choice = ModelChoice(os.environ["MODEL"], os.environ["ADDRESS"], max_tokens=2048)
            model = providers.open_model(choice, concurrency=8)
            try:
                asked = Conversation(replace(lab, model=model), ["proposals"], Meter(Allowance(1, count, 0)))
                answers = asked.ask(question.expertise, [question.message] * count, question.temperature)
            finally:
                model.close()
            programs = _programs(sandbox, [str(one[0]) if isinstance(one, list) else str(one) for one in answers])
            rows = [_row(lab, text) for text in programs]
            seed = _row(lab, improvers.load("seed").text)
        finally:
            workers.close()
    whole = [row for row in rows if row["ends"] == "all"]
    return {
        "model": os.environ["MODEL"],
        "asked": count,
        "programs": sum(row["why"] != "no program" for row in rows),
        "run to their end": len(whole),
        "... on some tasks": sum(row["ends"] == "some" for row in rows),
        "different": len(set(programs)),
        "seed improver": seed["value"],
        "better than it": sum(row["value"] > seed["value"] for row in rows),
        "values of those that run": sorted(row["value"] for row in whole),
        "why others fail": dict(Counter(row["why"] for row in rows if row["ends"] != "all").most_common()),
        "question": question.message,
        "rows": rows,
    }


def _question(lab: Lab) -> Request:
    """The first question of a run: what the seed improver asks when it is to improve itself."""
    model = _Listening(lambda _: [])
    asked = Settings("", seed=SEED)
    seed = improvers.load("seed")
    utility = _utility(lab, asked.repetitions)
    with Store(Path(tempfile.mkdtemp()) / "listening.db") as store, suppress(ModelFailure):
        improve(replace(lab, model=model, store=store), seed, seed, utility, ["listening"], asked.outer, 1)
    assert model.heard
    return model.heard


def _utility(lab: Lab, repetitions: int) -> MetaUtility:
    scaled = [with_scale(lab, task) for task in tasks.load(TASKS, SEED)]
    return MetaUtility(lab, scaled, "train", "proposals", repetitions, Settings("").inner)


def _programs(sandbox: Sandbox, answers: Sequence[str]) -> list[str]:
    """The program in each answer, taken out of it as an improver would, in the jail."""
    given: JSON = [
        json.dumps(answers),
        {"str": "", "budget": 0},
        {"budget": 0, "max_responses_per_call": 0},
        "improve_algorithm",
    ]
    job = Job(_READER, "improve_algorithm", (tuple(given),), (0,), Limits(cpu_s=20, answer_kb=4096), profile="improver")
    (outcome,) = sandbox.run(job)
    return list(json.loads(str(outcome.answer)))


def _row(lab: Lab, text: str) -> dict[str, Any]:
    if not text.strip():
        return {"ends": "none", "value": 0.0, "why": "no program", "text": text}
    wrong = lab.defect(text, ENTRY)
    if wrong:
        return {"ends": "none", "value": 0.0, "why": wrong, "text": text}
    cells: list[Cell] = _utility(lab, 1).cells(Program(text))
    failed = [reason for cell in cells for reason in cell.failures]
    ends = "all" if not failed else "none" if len(failed) == len(cells) else "some"
    return {
        "ends": ends,
        "value": round(mean(cell.value for cell in cells), 4),
        "answers": mean(cell.usage.responses for cell in cells),
        "why": failed[0] if failed else "",
        "text": text,
    }
