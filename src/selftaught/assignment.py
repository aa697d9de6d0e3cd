"""What a run is asked to do, of whatever kind, and what that takes: its tasks and its model."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from selftaught.errors import UsageError
from selftaught.models import LanguageModel
from selftaught.plain import JSON
from selftaught.settings import Contest, Settings
from selftaught.spend import SpendLimits
from selftaught.store import RunRecord
from selftaught.task import Task


class Assignment(Protocol):
    """What a run of any kind is asked to do: a recursion's `Settings`, a comparison's `Contest`, an experiment's `Plan`."""

    @property
    def model(self) -> str: ...
    @property
    def base_url(self) -> str | None: ...
    @property
    def max_tokens(self) -> int | None: ...
    @property
    def price(self) -> tuple[float, float] | None: ...
    @property
    def seed(self) -> int: ...
    @property
    def summary(self) -> str: ...
    def plain(self) -> dict[str, JSON]: ...


def assignment(record: RunRecord) -> Assignment:
    """What a stored run is asked to do."""
    match record.settings.get("kind"):
        case "compare":
            return Contest.read(record.settings)
        case "experiment":
            from selftaught.experiments.plans import Plan

            return Plan.read(record.settings)
        case _:
            return Settings.read(record.settings)


def banner(record: RunRecord, path: Path) -> str:
    """What is said before a run: which model does the proposing, and how generated code is held."""
    asked = assignment(record)
    return (
        f"Run {record.id} · model {asked.model}: {_about(asked.model)}\n"
        f"seed {asked.seed} · {asked.summary} · sandbox {record.circumstances['sandbox']} · store {path}"
    )


def _about(spec: str) -> str:
    """What a model is, in the words of `selftaught models`."""
    from selftaught.models.providers import catalogue

    kind = spec.partition(":")[0]
    found = {entry.name: entry.what for entry in catalogue()}
    return found.get(spec) or found.get(f"{kind}:NAME") or found.get(f"{kind}:FILE") or "answers of an earlier run"


def load_tasks(settings: Settings) -> tuple[list[Task], list[Task]]:
    """The tasks to recurse on and those to compare on."""
    return load_every(settings.tasks, settings.seed), load_every(settings.test_tasks, settings.seed)


def load_every(specs: Sequence[str], seed: int) -> list[Task]:
    """The tasks of several specs; UsageError when one is named twice."""
    from selftaught.tasks import load

    tasks = [task for spec in specs for task in load(spec, seed)]
    names = [task.name for task in tasks]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise UsageError(f"task {twice[0]} is asked for twice: name each task once (repetitions are a setting)")
    return tasks


def open_model(asked: Assignment, deadline_s: float = SpendLimits.deadline_s, keyless: bool = False) -> LanguageModel:
    """The model of a run: a provider's (`keyless`: to be told prices only), or the answers of an earlier run."""
    from selftaught.models import providers
    from selftaught.models.prices import Price
    from selftaught.replay import Replay

    kind, _, rest = asked.model.partition(":")
    if kind == "replay":
        return Replay(Path(rest))
    return providers.open_model(
        asked.model,
        base_url=asked.base_url,
        max_tokens=asked.max_tokens,
        price=asked.price and Price(*asked.price),
        deadline_s=deadline_s,
        keyless=keyless,
    )
