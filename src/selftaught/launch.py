"""From settings to a finished run: opens the handles, drives the recursion and its comparison, keeps what came of it."""

from __future__ import annotations

import os
import platform
import signal
import threading
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from selftaught.errors import SelftaughtError, UsageError
from selftaught.evidence.report import so_far, usage
from selftaught.lab import Lab
from selftaught.meta import Scaled, scale
from selftaught.models import LanguageModel, Request
from selftaught.plain import JSON
from selftaught.program import Program
from selftaught.progress import Progress
from selftaught.recursion import Round
from selftaught.settings import Settings
from selftaught.spend import Spend, SpendLimits, Spent
from selftaught.store import RunRecord, Store
from selftaught.task import Task

DONE = "done"
_NOTE_S = 3.0
_TYPICAL_MESSAGE = 4000
"""Characters: a program, a description and what surrounds them."""


def circumstances(level: str, limits: SpendLimits) -> dict[str, JSON]:
    """What is true while a run goes on but decides none of its facts: recorded, never part of a key."""
    return {
        "selftaught": version("selftaught"),
        "python": platform.python_version(),
        "numpy": version("numpy"),
        "system": platform.platform(),
        "cores": os.cpu_count(),
        "sandbox": level,
        "limits": limits.plain(),
    }


def banner(record: RunRecord, path: Path) -> str:
    """What is said before a run: which model does the proposing, and how generated code is held."""
    settings = Settings.read(record.settings)
    return (
        f"Run {record.id} · model {settings.model}: {_about(settings.model)}\n"
        f"seed {settings.seed} · {settings.rounds} rounds on {', '.join(settings.tasks)}, "
        f"compared on {', '.join(settings.test_tasks)} · sandbox {record.circumstances['sandbox']} · store {path}"
    )


@dataclass(frozen=True)
class Estimate:
    """What a run may use at most. Most improvers use far less of their allowance; the seed improver one call of it."""

    answers: int
    dollars: float | None
    """None: the price is unknown."""
    model: str

    def __str__(self) -> str:
        price = "at a price that is unknown" if self.dollars is None else f"for ${self.dollars:,.2f}"
        return f"at most {self.answers:,} answers of {self.model} {price} (an upper bound: every allowance used up)"


def estimate(settings: Settings) -> Estimate:
    """An upper bound on what a run will ask of its model, from its settings alone."""
    tasks, test_tasks = map(len, load_tasks(settings))
    inner, outer = (one.calls * one.responses for one in (settings.inner, settings.outer))
    proposing = outer + settings.outer.scorings * tasks * settings.repetitions * inner
    judging = 2 * tasks * settings.validation * inner
    testing = (settings.rounds + 2) * test_tasks * settings.test * inner
    answers = settings.rounds * (proposing + judging) + testing
    model = open_model(settings)
    return Estimate(answers, model.ceiling(Request("", "x" * _TYPICAL_MESSAGE), answers), model.name)


def carry(number: int, store: Store, progress: Progress, limits: SpendLimits | None = None) -> dict[str, Any]:
    """Carry a run to its end and return its document.

    Going on with a run that was stopped is the same call: it finds the facts it made before. `limits` replace those the
    run was begun with. When something ends the run early, what was reached is kept with the reason, and the error raised.
    """
    record = store.run(number)
    if record.status == DONE and record.report:
        return dict(record.report)
    settings = Settings.read(record.settings)
    spend = Spend(limits or SpendLimits(**record.circumstances["limits"]), _spent(record, store))
    store.reopen(number)
    rounds: list[Round] = []
    try:
        with open_lab(settings, store, number, str(record.circumstances["sandbox"]), progress, spend) as lab:
            document = conduct(lab, settings, rounds)
    except (SelftaughtError, KeyboardInterrupt) as error:
        reason = str(error) or "interrupted"
        store.spend(number, spend.now().plain())
        reached = {
            **heading(number, settings, record),
            **so_far(rounds),
            "stopped": reason,
            "usage": usage(store, number),
        }
        store.finish(number, f"stopped: {reason}", reached)
        raise
    spent = spend.now()
    document = {**heading(number, settings, record), **document}
    document["usage"] = {**usage(store, number), "cpu_s": spent.cpu_s, "wall_s": spent.wall_s}
    store.spend(number, spent.plain())
    store.finish(number, DONE, document)
    return document


def heading(number: int, settings: Settings, record: RunRecord) -> dict[str, JSON]:
    """How a run's document begins: what ran, with what, held how."""
    return {
        "run": number,
        "model": settings.model,
        "seed": settings.seed,
        "sandbox": record.circumstances["sandbox"],
        "settings": settings.plain(),
    }


def conduct(lab: Lab, settings: Settings, rounds: list[Round]) -> dict[str, Any]:
    """The recursion, round by round into `rounds`, then the comparison; the figures of both."""
    from selftaught.evidence.controls import compare
    from selftaught.evidence.report import report
    from selftaught.recursion import recursion

    lab.progress.phase("measuring the start solutions")
    train, test = ([_scaled(lab, task) for task in group] for group in load_tasks(settings))
    for one in recursion(lab, Program(lab.store.text(settings.improver)), train, settings):
        rounds.append(one)
    return {"model": lab.model.name, **report(rounds, compare(lab, settings, rounds, test))}


def _spent(record: RunRecord, store: Store) -> Spent:
    """What earlier sessions of a run have cost: times as last noted, money from the answers themselves."""
    return replace(Spent(**record.spent), dollars=store.dollars(record.id))


def load_tasks(settings: Settings) -> tuple[list[Task], list[Task]]:
    """The tasks to recurse on and those to compare on."""
    from selftaught.tasks import load

    def every(specs: Sequence[str]) -> list[Task]:
        tasks = [task for spec in specs for task in load(spec, settings.seed)]
        names = [task.name for task in tasks]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise UsageError(f"task {twice[0]} is asked for twice: name each task once (repetitions are a setting)")
        return tasks

    return every(settings.tasks), every(settings.test_tasks)


def open_model(settings: Settings) -> LanguageModel:
    """The model of a run: a provider's, or the answers of an earlier run."""
    from selftaught.models import providers
    from selftaught.replay import Replay

    kind, _, rest = settings.model.partition(":")
    if kind == "replay":
        return Replay(Path(rest))
    return providers.open_model(settings.model, base_url=settings.base_url)


def _about(spec: str) -> str:
    """What a model is, in the words of `selftaught models`."""
    from selftaught.models.providers import catalogue

    kind = spec.partition(":")[0]
    found = {entry.name: entry.what for entry in catalogue()}
    return found.get(spec) or found.get(f"{kind}:NAME") or found.get(f"{kind}:FILE") or "answers of an earlier run"


@contextmanager
def open_lab(
    settings: Settings, store: Store, run: int, level: str, progress: Progress, spend: Spend | None = None
) -> Generator[Lab]:
    """The handles of one run, closed again whatever happens."""
    from selftaught.sandbox import open_sandbox
    from selftaught.workers import Workers

    model = open_model(settings)
    cores = os.cpu_count() or 1
    busy = max(cores + 2, model.concurrency)
    workers = Workers({"score 0": 2 * cores, "improve": busy, "score 1": max(2, busy // 4), "ask": busy})
    with open_sandbox(level) as sandbox:
        lab = Lab(sandbox, model, store, workers, settings.seed, run, progress, spend or Spend())
        notes = threading.Thread(target=_note, args=(lab,), daemon=True)
        notes.start()
        try:
            with _letting_go(lab):
                yield lab
        finally:
            lab.stopping.set()
            model.close()
            workers.close()
            notes.join()


@contextmanager
def _letting_go(lab: Lab) -> Generator[None]:
    """Ctrl-C lets go of the model before anything else: what is unwound then would wait for its answers."""

    def interrupt(*_: object) -> None:
        lab.stopping.set()
        # In a thread of its own, because this one may hold the locks that closing takes.
        threading.Thread(target=lab.model.close, daemon=True).start()
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _note(lab: Lab) -> None:
    """Note every few seconds what the run has cost, so that a limit on time counts also what a kill ended."""
    while not lab.stopping.wait(_NOTE_S):
        lab.store.spend(lab.run, lab.spend.now().plain())


def _scaled(lab: Lab, task: Task) -> Scaled:
    found = scale(lab, task)
    if found.start >= task.best:
        raise UsageError(
            f"task {task.name}: its start solution already scores {found.start:.3f}, the best is {task.best:g}"
        )
    return found


def save(document: dict[str, Any], store: Store, folder: Path) -> Path:
    """Write what people open with other tools, the document and the improved improver, and return the folder."""
    import json

    folder.mkdir(parents=True, exist_ok=True)
    (folder / "report.json").write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    improver = store.text(document["arms"]["improved"]["improver"])
    (folder / "improver.py").write_text(improver, encoding="utf-8")
    return folder
