"""Whether a stored run can be gone on with: asked before it is, and before anybody is told that it can be."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

from selftaught.budget.spend import SpendLimits
from selftaught.errors import UsageError
from selftaught.plain import canonical
from selftaught.runs import DONE, assignment, files_of, same_contract
from selftaught.runs.model import file_of, openable
from selftaught.sandbox.levels import LEVELS
from selftaught.settings import Assignment
from selftaught.settings.own import Own
from selftaught.settings.plugins import plugins
from selftaught.store import RunRecord, Store


def ready(record: RunRecord) -> Assignment:
    """What a run is asked to do, once it is sure that this version can go on with it here.

    UsageError, naming the run, where going on would be refused: it is not known, of another contract, its model cannot be
    opened by its name, what scores is a function that only the caller had, or a file that it needs is gone.
    """
    asked = assignment(record)
    same_contract(record)
    if record.circumstances.get("sandbox") not in {*LEVELS, *plugins("sandboxes")}:
        raise UsageError(f"run {record.id} cannot be gone on with: its circumstances are not whole; begin it anew")
    models = [asked.model.spec, *([asked.proposer.spec] if asked.proposer else [])]
    recorded = "recording" in record.circumstances
    if record.circumstances.get("own_model") or not (recorded or all(map(openable, models))):
        own = " and ".join(repr(one) for one in models)
        raise UsageError(
            f"run {record.id} was made with a model of somebody's own, {own}: only Python code that opens that "
            "model can make it again, which finds what is in the store"
        )
    if isinstance(asked, Own) and asked.form == "evaluator":
        raise UsageError(
            f"run {record.id} improves {asked.name}, which is scored by a function of Python ({asked.scorer}) that is not "
            "stored: call improve_text with it and the same seed again, and it goes on with what is in the store"
        )
    for path in _files(asked, recorded):
        if not path.exists():
            raise UsageError(f"run {record.id} needs the file {path}, which is not there: put it back to go on")
    return asked


def begun_with(record: RunRecord) -> SpendLimits:
    """The limits of a run; UsageError, naming it, where this version does not know them and so could not keep them."""
    limits = record.circumstances.get("limits", {})
    strange = sorted(limits.keys() - {one.name for one in fields(SpendLimits)})
    if strange:
        raise UsageError(
            f"run {record.id} has the limit {strange[0]!r}, which this selftaught does not know: upgrade selftaught"
        )
    return SpendLimits(**limits)


def refusal(record: RunRecord) -> str | None:
    """Why a run could not be gone on with; None where it can."""
    try:
        ready(record)
        begun_with(record)
    except UsageError as error:
        return str(error)
    return None


def unfinished(store: Store, asked: Assignment, level: str) -> int | None:
    """The newest run with these settings, but for the seed, at this sandbox level, that can be gone on with and nobody
    works on."""
    mine = _seedless(asked.plain())
    for record in reversed(store.runs()):
        if record.status == DONE or record.circumstances.get("sandbox") != level or _seedless(record.settings) != mine:
            continue
        if "recording" in record.circumstances:  # it buys nothing, so it is no part of a run that would
            continue
        if store.working(record.id) is None and refusal(record) is None:
            return record.id
    return None


def _seedless(settings: Any) -> Any:
    """Settings without the seeds in them, as they are stored."""
    plain = json.loads(canonical(settings))
    plain.pop("seed", None)
    if isinstance(plain.get("contest"), dict):
        plain["contest"].pop("seed", None)
    return plain


def _files(asked: Assignment, recorded: bool) -> Iterator[Path]:
    """The files of the user's that a run is made with: of models, unless their answers are recorded, tasks, scorers."""
    models = [] if recorded else [asked.model, *([asked.proposer] if asked.proposer else [])]
    yield from filter(None, (file_of(one.spec) for one in models))
    yield from files_of(asked)
