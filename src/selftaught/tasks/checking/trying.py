"""The process that tries a task: says on a pipe what it does and finds, a JSON list per line."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from selftaught.errors import SandboxRefused, SelftaughtError, said_by
from selftaught.lab import Lab
from selftaught.lab.prints import aside
from selftaught.lab.workers import Workers, sizes
from selftaught.models.offline import Offline, unread
from selftaught.plain import digest, roots
from selftaught.sandbox.levels import open_sandbox
from selftaught.store import Store
from selftaught.task import Task
from selftaught.tasks import load
from selftaught.tasks.checking import looks
from selftaught.tasks.checking.findings import Finding
from selftaught.tasks.own import scorer_task
from selftaught.tasks.sources import run

Say = Callable[..., None]


def main(spec: str, seed: int, what: str, pipe: int) -> None:
    """Try the tasks of a spec; with `what` "drawing", only draw."""

    def say(kind: str, told: Any = None) -> None:
        os.write(pipe, json.dumps([kind, told]).encode() + b"\n")

    def step(doing: str, patience_s: float = 0) -> None:
        say("step", [doing, patience_s])

    def find(one: Finding) -> None:
        say("finding", one.plain())

    with aside():
        try:
            _try(spec, seed, what, say, step, find)
        except SandboxRefused as error:
            find(Finding("", "start", False, f"generated code cannot be held here: {error}", "see `selftaught doctor`"))
        except BaseException as error:  # noqa: BLE001 - a task's own code may do anything
            find(Finding("", "draw", False, f"{type(error).__name__}: {said_by(error)}", "mend it"))
    say("end")


def _try(spec: str, seed: int, what: str, say: Say, step: Say, find: Callable[[Finding], None]) -> None:
    step(f"reading {spec}", 0 if spec.endswith(".py") or ".py:" in spec else 300)  # of families targets are drawn
    try:
        tasks = _tasks(spec, seed)
    except SelftaughtError as error:
        find(Finding("", "form", False, said_by(error), "see `selftaught new task` and docs/tasks.md"))
        return
    if what == "drawing":
        for task in tasks:
            allowed_s = looks.patience_s(task, "train", step)
            step(f"drawing instances of {task.name} in another process", allowed_s)
            say("drawn", digest(looks.drawn(task)))
        return
    with (
        tempfile.TemporaryDirectory() as folder,
        Store(Path(folder) / "s.db") as store,
        open_sandbox(slots=1) as sandbox,
    ):
        lab = Lab(sandbox, Offline(unread), store, Workers(sizes(1, 1)), seed)
        try:
            step("deriving the roots of chance", 60)
            roots(seed)
            for task in tasks:
                found = [find(one) or one for one in looks.every(lab, task, step)]
                if all(one.ok for one in found if one.look == "draw"):
                    say("drawn", digest(looks.drawn(task)))
        finally:
            lab.workers.close()


def _tasks(spec: str, seed: int) -> list[Task]:
    """The tasks of a spec, or the one that a scorer's file makes."""
    path = Path(spec)
    if path.suffix == ".py":
        module = run(path)
        kinds = [one for one in vars(module).values() if isinstance(one, type) and issubclass(one, Task)]
        own = [one for one in kinds if one.__module__ == module.__name__]
        if not own and not hasattr(module, "TASKS") and hasattr(module, "score"):
            return [scorer_task(path)]
    return load(spec, seed)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4]))
