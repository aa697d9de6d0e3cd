"""From settings to a finished run: opens the handles, drives the recursion and its comparison, keeps what came of it."""

from __future__ import annotations

import os
import platform
import signal
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from selftaught.assignment import Assignment, assignment, load_every, load_tasks, open_model
from selftaught.errors import SelftaughtError, StoreFailure, UsageError
from selftaught.evidence.report import so_far, usage
from selftaught.lab import Lab, Stopped
from selftaught.meta import Itself, Scaled, scale
from selftaught.plain import JSON
from selftaught.program import Program
from selftaught.progress import Progress
from selftaught.recursion import Round
from selftaught.settings import Contest, Settings
from selftaught.spend import Spend, SpendLimits, Spent
from selftaught.store import RunRecord, Store
from selftaught.task import Task

if TYPE_CHECKING:
    from selftaught.experiments.plans import Plan

DONE = "done"
_NOTE_S = 3.0


def circumstances(level: str, limits: SpendLimits) -> dict[str, JSON]:
    """What is true while a run goes on but decides none of its facts: recorded, never part of a key.

    Raises UsageError for a sandbox level that does not exist, before a run is recorded that could never go on.
    """
    from selftaught.sandbox.levels import LEVELS

    if level not in LEVELS:
        raise UsageError(f"no sandbox level {level!r}: choose one of {', '.join(LEVELS)}")
    return {
        "selftaught": version("selftaught"),
        "python": platform.python_version(),
        "numpy": version("numpy"),
        "system": platform.platform(),
        "cores": os.cpu_count(),
        "sandbox": level,
        "limits": limits.plain(),
    }


def carry(number: int, store: Store, progress: Progress, limits: SpendLimits | None = None) -> dict[str, Any]:
    """Carry a run to its end and return its document.

    Going on with a run that was stopped is the same call: it finds the facts it made before. `limits` replace those the
    run was begun with. When something ends the run early, what was reached is kept with the reason, and the error raised.
    UsageError when another process works on this run.
    """
    record = store.run(number)
    if record.status == DONE and record.document:
        return dict(record.document)
    with store.alone(number):
        return _carry(record, store, progress, limits)


def _carry(record: RunRecord, store: Store, progress: Progress, limits: SpendLimits | None) -> dict[str, Any]:
    number, asked = record.id, assignment(record)
    spend = Spend(limits or SpendLimits(**record.circumstances["limits"]), _spent(record, store))
    store.reopen(number)
    reached: dict[str, Any] = {}
    try:
        with open_lab(asked, store, number, str(record.circumstances["sandbox"]), progress, spend) as lab:
            document = conduct(lab, asked, reached)
    except (SelftaughtError, KeyboardInterrupt) as error:
        reason = str(error) or "interrupted"
        store.spend(number, spend.now().plain())
        stopped = {"stopped": reason, "usage": usage(store, number, spend.dollars)}
        store.finish(number, f"stopped: {reason}", {**heading(number, asked, record), **reached, **stopped})
        raise
    spent = spend.now()
    document = {**heading(number, asked, record), **document}
    document["usage"] = {**usage(store, number, spent.dollars), "cpu_s": spent.cpu_s, "wall_s": spent.wall_s}
    store.spend(number, spent.plain())
    store.finish(number, DONE, document)
    return document


def heading(number: int, asked: Assignment, record: RunRecord) -> dict[str, JSON]:
    """How a run's document begins: what ran, with what, held how."""
    return {
        "run": number,
        "model": asked.model,
        "seed": asked.seed,
        "sandbox": record.circumstances["sandbox"],
        "settings": asked.plain(),
    }


def conduct(lab: Lab, asked: Assignment, reached: dict[str, Any]) -> dict[str, Any]:
    """Do what is asked and return its figures; `reached` holds at any time what there is to show of it so far."""
    if isinstance(asked, Contest):
        return _contest(lab, asked)
    if isinstance(asked, Settings):
        return _recursion(lab, asked, reached)
    from selftaught.experiments.conduct import experiment

    return experiment(lab, cast("Plan", asked), reached)


def _contest(lab: Lab, contest: Contest) -> dict[str, Any]:
    from selftaught.evidence.comparison import contend, document

    lab.progress.phase("measuring the start solutions")
    tasks = [scaled(lab, task) for task in load_every(contest.tasks, contest.seed)]
    return {"model": lab.model.name, **document(contend(lab, contest, tasks))}


def _recursion(lab: Lab, settings: Settings, reached: dict[str, Any]) -> dict[str, Any]:
    """The recursion, round by round, then the comparison; the figures of both."""
    from selftaught.evidence.controls import compare
    from selftaught.evidence.counterfactuals import counterfactuals
    from selftaught.evidence.report import report
    from selftaught.recursion import recursion

    lab.progress.phase("measuring the start solutions")
    train, test = arrange(lab, settings)
    rounds: list[Round] = []
    for one in recursion(lab, Program(lab.store.text(settings.improver)), train, settings):
        rounds.append(one)
        reached |= so_far(rounds)
    found = compare(lab, settings, rounds, test)
    further = counterfactuals(lab, settings, rounds, found, train, test) if settings.controls == "all" else None
    return {"model": lab.model.name, **report(rounds, found, further)}


def _spent(record: RunRecord, store: Store) -> Spent:
    """What earlier sessions of a run have cost: as last noted, or as the answers themselves say where that is more.

    The last note may be older than the last answers; and not every answer paid for is in the store as this run's, because
    another run on it may have stored the same one first.
    """
    noted, bought = Spent(**record.spent), store.bought(record.id)
    unknown = noted.dollars is None or bought.dollars is None
    return replace(
        noted,
        dollars=None if unknown else max(noted.dollars or 0.0, bought.dollars or 0.0),
        answers=max(noted.answers, bought.responses),
        tokens=max(noted.tokens, bought.tokens_in + bought.tokens_out),
    )


def arrange(lab: Lab, settings: Settings) -> tuple[list[Scaled], list[Scaled]]:
    """The tasks to recurse on and those to compare on, on their scales; û among the first where the settings say so."""
    train, test = ([scaled(lab, task) for task in group] for group in load_tasks(settings))
    if settings.itself:
        seed = lab.store.text(settings.improver)
        train.append(scaled(lab, Itself(seed, tuple(train), settings.itself, settings.inner)))
    return train, test


@contextmanager
def open_lab(
    asked: Assignment, store: Store, run: int, level: str, progress: Progress, spend: Spend | None = None
) -> Generator[Lab]:
    """The handles of one run, closed again whatever happens."""
    from selftaught.sandbox import open_sandbox
    from selftaught.workers import Workers

    spend = spend or Spend()
    model = open_model(asked, spend.limits.deadline_s)
    cores = os.cpu_count() or 1
    busy = max(cores + 2, model.concurrency)
    few = max(2, busy // 4)
    scoring = {"score 0": 2 * cores, "score 1": few, "score 2": few}
    workers = Workers({**scoring, "improve 0": busy, "improve 1": busy, "ask": busy})
    with open_sandbox(level) as sandbox:
        lab = Lab(sandbox, model, store, workers, asked.seed, run, progress, spend)
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
        if lab.stopping.is_set():
            os._exit(130)  # asked for twice: every fact is in the store, and the sandbox ends with this process
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
    except (SelftaughtError, Stopped):
        if lab.stopping.is_set():  # the failure of what was under way has taken the interrupt's place
            raise KeyboardInterrupt from None
        raise
    finally:
        signal.signal(signal.SIGINT, before)


def _note(lab: Lab) -> None:
    """Note every few seconds what the run has cost, so that a limit on time counts also what a kill ended."""
    while not lab.stopping.wait(_NOTE_S):
        try:
            lab.store.spend(lab.run, lab.spend.now().plain())
        except StoreFailure:
            return  # the run is told the same at its next fact


def scaled(lab: Lab, task: Task | Itself) -> Scaled:
    """A task on the common scale; UsageError where its start solution leaves nothing to gain."""
    found = scale(lab, task)
    if found.start >= task.best:
        raise UsageError(
            f"task {task.name}: its start solution already scores {found.start:.3f}, the best is {task.best:g}"
        )
    return found


def save(document: dict[str, Any], store: Store, folder: Path) -> Path:
    """Write what people open with other tools, the document a recursion's improved improver, and return the folder."""
    import json

    files = {"report.json": json.dumps(document, indent=2) + "\n"}
    if "gain" in document:
        files["improver.py"] = store.text(document["arms"]["improved"]["improver"])
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            (folder / name).write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(
            f"the run is kept in {store.path}, but {folder} cannot be written: {error.strerror}; make room there"
        ) from error
    return folder
