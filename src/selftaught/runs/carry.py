"""From an assignment to a finished run of any kind: opens the handles, has it conducted, keeps what came of it."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

from selftaught.budget.spend import Spend, SpendLimits, Spent
from selftaught.errors import SelftaughtError, StoreFailure, UsageError, WorthlessRun, said_by
from selftaught.evidence.report import Faults, heading, usage
from selftaught.lab import CONTRACT, DRAWN_ALIKE, Document, Lab
from selftaught.lab.answers import Heard, faults, in_words
from selftaught.lab.progress import Progress
from selftaught.models.providers import sells
from selftaught.plain import JSON
from selftaught.program import Program
from selftaught.runs import DONE, assignment, kind_of
from selftaught.runs.estimate import forecast
from selftaught.runs.going import begun_with, ready
from selftaught.runs.handles import letting_go, open_handles, pulsing
from selftaught.runs.look import first_look
from selftaught.runs.model import Models, is_own, models_of
from selftaught.sandbox import Sandbox
from selftaught.sandbox.levels import known
from selftaught.settings import Assignment
from selftaught.settings.choice import Sent
from selftaught.store import UNBEGUN, RunRecord, Store
from selftaught.tasks import load

Conduct = Callable[[Lab, Any], dict[str, Any]]
"""Does what is asked, and returns its figures."""
READ = 1000
"""Answers that are read at most for what is wrong with them, evenly over a run."""
_OF_A_TEST = ("arms", "runs", "improvers", "held_out")
"""The parts of documents that test instances have a share in, of which some are told before a run is done."""
_OF_A_STOP = {"stopped", "usage"}
"""What the end of a session adds to a document: the next session has an end of its own."""


def circumstances(
    level: str,
    limits: SpendLimits,
    concurrency: int | None = None,
    anyway: bool = False,
    share_cores: bool = False,
) -> dict[str, JSON]:
    """What is true while a run goes on but decides none of its facts: recorded, never part of a key.

    Raises UsageError for a sandbox level that does not exist, before a run is recorded that could never go on.
    """
    known(level)
    return {
        "selftaught": version("selftaught"),
        "python": platform.python_version(),
        "numpy": version("numpy"),
        "system": platform.platform(),
        "cores": os.cpu_count(),
        "sandbox": level,
        "contract": CONTRACT,
        "limits": limits.plain(),
        "concurrency": concurrency,
        "anyway": anyway,
        "share_cores": share_cores,
    }


@contextmanager
def begun(store: Store, asked: Assignment, told: Mapping[str, JSON]) -> Generator[int]:
    """A run of what is asked, under circumstances that are told, which this process works on from the moment at which anybody
    can see it. What ends the block before the run is carried is kept as the reason why it stopped."""
    with store.begun(asked.plain(), told) as number, _noted(store, number):
        yield number


def carry(
    number: int,
    store: Store,
    progress: Progress,
    limits: SpendLimits | None = None,
    concurrency: int | None = None,
    anyway: bool = False,
    sent: Sent | None = None,
    share_cores: bool = False,
) -> dict[str, Any]:
    """Carry a run to its end and return its document.

    Going on with a run that was stopped is the same call: it finds the facts it made before. `limits` and `concurrency`
    (requests to the model at once) replace those the run was begun with; `anyway` leaves out the first look; the headers of
    its models that are `sent` are not stored, and have to be given as they were; a model on this machine is to `share_cores`
    with scoring rather than take turns. When something ends the run early, what was reached is kept with the reason, and the
    error raised.
    UsageError when it cannot be gone on with here, InUse when another process works on it: it stays as it is.
    """
    record = store.run(number)
    if record.status == DONE and record.document:
        return dict(record.document)
    recorded: Mapping[str, Any] | None = record.circumstances.get("recording")
    asked = ready(record) if recorded else ready(record).with_headers(sent or Sent())
    bounds = limits or begun_with(record)
    with store.alone(number), _noted(store, number):
        record = store.run(number)  # another process may have worked on it until now
        spend = Spend(bounds, _spent(record, store))
        if held := record.spent.get("held"):
            progress.note(
                f"requests under way when it was killed may have to be paid: ${held:.4f} more is counted as spent"
            )
        document = _document(store, record, asked)
        with _kept(store, number, document, spend):
            at_once = concurrency or record.circumstances.get("concurrency")
            level = str(record.circumstances["sandbox"])

            def opening(sandbox: Sandbox) -> Models:
                return models_of(asked, sandbox, spend.limits, at_once, recorded)

            shared = share_cores or bool(record.circumstances.get("share_cores"))
            regardless = anyway or bool(record.circumstances.get("anyway"))
            with open_handles(opening, store, level, asked.seed, number, progress, spend, document, shared) as lab:
                return _conduct(replace(lab, recorded=recorded), asked, regardless)


def carry_in(lab: Lab, asked: Assignment, anyway: bool = False, conduct: Conduct | None = None) -> dict[str, Any]:
    """Make a run of what is asked and carry it to its end in a lab that is open: with its model, sandbox and limits.

    `anyway` leaves out the first look; `conduct` is given where what is to be done needs something that only the caller has.
    UsageError, and no run, where a task cannot be had.
    """
    kind_of(asked.plain()).bound(asked)  # loads every task
    store, limits = lab.store, lab.spend.limits
    own_model = {"own_model": True} if is_own(lab.model) or (lab.proposer and is_own(lab.proposer)) else {}
    with begun(store, asked, circumstances(lab.sandbox.level, limits, anyway=anyway) | own_model) as number:
        document = _document(store, store.run(number), asked)
        own = replace(
            lab, seed=asked.seed, run=number, document=document, spend=Spend(limits), progress=Progress(), heard=Heard()
        )
        with store.alone(number), _kept(store, number, document, own.spend), letting_go(own), pulsing(own):
            return _conduct(own, asked, anyway, conduct)


def _conduct(lab: Lab, asked: Assignment, anyway: bool = False, conduct: Conduct | None = None) -> dict[str, Any]:
    """Have a run conducted to its end, after a first look unless it is wanted `anyway`; keep and return its document."""
    kind = kind_of(asked.plain())
    if sells(lab.model.name) and "probably" not in lab.document.parts:
        lab.document.tell(probably=forecast(asked, lab.store, lab.sandbox, lab.store.text).plain())
    if not anyway:
        lab.progress.phase("trying improvers and start solutions")
        improvers, specs = kind.tried(asked)
        programs = {name: Program(lab.store.text(one)) for name, one in improvers.items()}
        first_look(lab, programs, [task for spec in specs for task in load(spec, asked.seed)])
    own = replace(lab, earlier_looks=partial(_earlier_looks, lab, asked))
    figures = (conduct or kind.conduct)(own, asked)
    spent = lab.spend.now()
    document: dict[str, Any] = {**lab.document.heading, **figures}
    used = usage(lab.store, lab.run, spent.dollars)
    document["usage"] = {**used, "cpu_s": spent.cpu_s, "wall_s": spent.wall_s, **_faults(lab, used["responses"])}
    lab.store.spend(lab.run, spent.plain())
    document = json.loads(json.dumps(document))  # lists, as whoever reads it from the store will find them
    lab.store.finish(lab.run, DONE, document)
    return document


def _earlier_looks(lab: Lab, asked: Assignment) -> list[str]:
    """The other runs in this store that were judged, up to now, on test instances which this one is judged on as well; of a run
    from a recording those that there were for the recorded run."""
    if lab.recorded:
        return list(lab.recorded["earlier_looks"])
    mine = kind_of(asked.plain()).looked_at(asked)
    looks: list[str] = []
    for record in lab.store.runs() if mine else ():
        if record.id == lab.run:
            continue
        try:
            other = assignment(record)
            theirs = kind_of(record.settings).looked_at(other)
        except UsageError as error:
            lab.progress.note(
                f"run {record.id}: whether it was judged on the same test instances is not known: {error}"
            )
            continue
        alike = record.circumstances.get("contract", 1) in DRAWN_ALIKE
        if alike and mine & theirs and _was_judged(record):
            looks.append(f"run {record.id} ({record.started}, {other.summary})")
    return looks


def _was_judged(record: RunRecord) -> bool:
    """Whether a run has come to its figures of test instances: it is done, or these stand in its document already."""
    return record.status == DONE or any((record.document or {}).get(name) for name in _OF_A_TEST)


def _faults(lab: Lab, answers: int) -> dict[str, Any]:
    """What is wrong with the answers of a model at a server, by kind, where something is. WorthlessRun when none held a
    program and nothing came of it."""
    if not answers or not any(sells(one.name) for one in (lab.model, lab.proposer) if one):
        return {}
    step = -(-answers // READ)
    every = (body for about, body in lab.store.facts("answer", lab.run) if sells(about["model"]))
    facts = [body for i, body in enumerate(every) if i % step == 0]
    kinds = faults(lab.sandbox, [(lab.store.text(one["text"]), one["finish"]) for one in facts])
    if kinds.total() == len(facts) and not _made(lab):
        raise WorthlessRun(f"no answer held a program: {in_words(kinds, len(facts))}")
    found: Faults = {"read": len(facts), "kinds": dict(kinds), "said": in_words(kinds, len(facts))}
    return {"faults": found} if kinds else {}


def _made(lab: Lab) -> bool:
    """Whether some improver run came to a program that it was not given."""
    runs = lab.store.facts("improvement", lab.run)
    return any(body["program"] not in {None, about["start"]} for about, body in runs)


@contextmanager
def _noted(store: Store, number: int) -> Generator[None]:
    """What ends the block before a run that was begun says that it runs is kept as the reason why it stopped."""
    try:
        yield
    except BaseException as error:
        with suppress(StoreFailure):  # what ended it is told, not what became of telling it
            if store.run(number).status == UNBEGUN:
                store.finish(number, f"stopped: {_reason(error)}")
        raise


@contextmanager
def _kept(store: Store, number: int, document: Document, spend: Spend) -> Generator[None]:
    """Whatever ends the block early, keep what was reached, and why there is no more; it goes on to who called."""
    try:
        store.reopen(number)
        document.tell()
        yield
    except BaseException as error:
        with suppress(Exception):  # what ended it is told, not what became of telling it
            _stop(store, number, document, spend, error)
        raise


def _stop(store: Store, number: int, document: Document, spend: Spend, error: BaseException) -> None:
    """Keep what was reached, and why there is no more: that in any case, also where what was reached cannot be told."""
    reason = _reason(error)
    stopped: dict[str, Any] = {"stopped": reason}
    try:
        store.spend(number, spend.now().plain())
        stopped["usage"] = usage(store, number, spend.dollars)
    finally:
        store.finish(number, f"stopped: {reason}", {**document.parts, **stopped})


def _reason(error: BaseException) -> str:
    if isinstance(error, KeyboardInterrupt):
        return str(error) or "interrupted"
    if isinstance(error, SelftaughtError):
        return str(error)
    return f"an error that was not expected: {type(error).__name__}: {said_by(error)[:500]}"


def _document(store: Store, record: RunRecord, asked: Assignment) -> Document:
    """The document of a run as a session of it begins, with what earlier ones have reached; kept in the store from now on."""
    earlier = {name: part for name, part in (record.document or {}).items() if name not in _OF_A_STOP}
    return Document(heading(record.id, asked, record), lambda parts: store.write(record.id, parts), earlier)


def _spent(record: RunRecord, store: Store) -> Spent:
    """What earlier sessions of a run have cost: as last noted, or as the answers themselves say where that is more.

    The last note may be older than the last answers; and not every answer paid for is in the store as this run's, because
    another run on it may have stored the same one first.
    """
    noted = Spent(**record.spent)
    if "recording" in record.circumstances:  # what it cost is recorded, and nothing is bought
        return noted
    bought = store.bought(record.id)
    unknown = noted.dollars is None or bought.dollars is None
    lost = 0.0 if unknown else max(noted.held, (bought.dollars or 0.0) - (noted.dollars or 0.0))
    return replace(
        noted,
        rounds={label: _with(one, lost) for label, one in noted.rounds.items()},
        dollars=None if unknown else (noted.dollars or 0.0) + lost,
        held=0.0,
        answers=max(noted.answers, bought.responses),
        tokens=max(noted.tokens, bought.tokens_in + bought.tokens_out),
    )


def _with(one: Mapping[str, Any], lost: float) -> Mapping[str, Any]:
    """What a round has cost, with what was bought after the last note: it may have been for any round under way."""
    return one if one["ended"] or one["dollars"] is None else {**one, "dollars": one["dollars"] + lost}


def save(document: dict[str, Any], store: Store, folder: Path) -> Path:
    """Write what people open with other tools, the document and a recursion's improved improver, and return the folder."""
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
