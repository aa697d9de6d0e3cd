"""From settings to a finished run: opens the handles, drives the recursion and its comparison, keeps what came of it."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

from selftaught.errors import SelftaughtError, UsageError
from selftaught.lab import Lab
from selftaught.meta import Scaled, scale
from selftaught.models import LanguageModel
from selftaught.plain import JSON
from selftaught.program import Program
from selftaught.progress import Progress
from selftaught.settings import Settings
from selftaught.store import RunRecord, Store
from selftaught.task import Task


def circumstances(level: str) -> dict[str, JSON]:
    """What is true while a run goes on but decides none of its facts: recorded, never part of a key."""
    return {
        "selftaught": version("selftaught"),
        "python": platform.python_version(),
        "numpy": version("numpy"),
        "system": platform.platform(),
        "cores": os.cpu_count(),
        "sandbox": level,
    }


def banner(record: RunRecord, path: Path) -> str:
    """What is said before a run: which model does the proposing, and how generated code is held."""
    settings = Settings.read(record.settings)
    return (
        f"Run {record.id} · model {settings.model}: {_about(settings.model)}\n"
        f"seed {settings.seed} · {settings.rounds} rounds on {', '.join(settings.tasks)}, "
        f"compared on {', '.join(settings.test_tasks)} · sandbox {record.circumstances['sandbox']} · store {path}"
    )


def carry(number: int, store: Store, progress: Progress) -> dict[str, Any]:
    """Carry a run to its end and return its document.

    Going on with a run that was stopped is the same call: it finds the facts it made before.
    """
    record = store.run(number)
    if record.status == "done" and record.report:
        return dict(record.report)
    settings = Settings.read(record.settings)
    began, cpu = time.monotonic(), time.process_time()
    store.reopen(number)
    try:
        with open_lab(settings, store, number, str(record.circumstances["sandbox"]), progress) as lab:
            document = conduct(lab, settings)
    except SelftaughtError as error:
        store.finish(number, f"stopped: {error}")
        raise
    except KeyboardInterrupt:
        store.finish(number, "stopped: interrupted")
        raise
    document["usage"] |= {"cpu_s": time.process_time() - cpu, "wall_s": time.monotonic() - began}
    store.finish(number, "done", document)
    return document


def conduct(lab: Lab, settings: Settings) -> dict[str, Any]:
    """The recursion, its comparison and their document, in a lab that is open."""
    from selftaught.evidence.controls import compare
    from selftaught.evidence.report import report
    from selftaught.recursion import recursion

    lab.progress.phase("measuring the start solutions")
    train, test = ([_scaled(lab, task) for task in group] for group in load_tasks(settings))
    rounds = list(recursion(lab, Program(lab.store.text(settings.improver)), train, settings))
    return report(lab, settings, rounds, compare(lab, settings, rounds, test))


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
def open_lab(settings: Settings, store: Store, run: int, level: str, progress: Progress) -> Generator[Lab]:
    """The handles of one run, closed again whatever happens."""
    from selftaught.sandbox import open_sandbox
    from selftaught.workers import Workers

    model = open_model(settings)
    cores = os.cpu_count() or 1
    busy = max(cores + 2, model.concurrency)
    workers = Workers({"score 0": 2 * cores, "improve": busy, "score 1": max(2, busy // 4), "ask": busy})
    with open_sandbox(level) as sandbox:
        lab = Lab(sandbox, model, store, workers, settings.seed, run, progress)
        try:
            yield lab
        finally:
            lab.stopping.set()
            workers.close()


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
