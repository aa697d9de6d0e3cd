"""From a run in a store to a recording of it, and from a recording to a run in a store, which needs neither network nor key.

Recorded are the answers of models that are no pure function, and what a limit of time or memory decided, as that depends on the
machine. All else is computed again, with time enough for a slower machine, and comes out as it did.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from selftaught.budget.spend import SpendLimits, Spent
from selftaught.errors import UsageError, reading
from selftaught.evidence.models import answered
from selftaught.lab import CONTRACT, VERDICT
from selftaught.models.providers import BUILT_IN
from selftaught.plain import JSON, canonical
from selftaught.plain import digest as plain_digest
from selftaught.runs import DONE, assignment, files_of, kind_of, same_contract
from selftaught.runs.carry import begun, circumstances
from selftaught.runs.model import CANNOT
from selftaught.runs.recording import Recorded, Recording
from selftaught.sandbox import OF_A_MACHINE
from selftaught.settings import Assignment
from selftaught.store import RunRecord, Store, key_of
from selftaught.tasks.commanded import COMMANDED
from selftaught.tasks.evaluated import EVALUATED

_TELLS = ("selftaught", "python", "numpy", "system", "cores", "sandbox")
"""What is told of the circumstances of the recorded run."""
_LIMITED = re.compile(rf"(?:^|\(|: )(?:{'|'.join(sorted(OF_A_MACHINE))})(?::|$)")
"""In a reason: that the limit of a machine was met."""
_DIGEST = re.compile(r"[0-9a-f]{64}")
_WHOLE = {COMMANDED, EVALUATED}
"""What the keys begin with of scorings by something that has no seed."""
_SEED = 4
"""Where the seed stands in what a score of a solution is about."""
_EDITOR = {CANNOT.format(kind) for kind in OF_A_MACHINE}


def recorded(store: Store, number: int) -> Recording:
    """The recording of a run that has come to its end. UsageError for another one, or one of another contract."""
    record = store.run(number)
    assignment(record)  # UsageError for a kind that this version does not know
    same_contract(record)
    if record.status != DONE or record.document is None:
        raise UsageError(f"run {number} has not come to its end: it can be recorded when it has")
    with reading(f"run {number} cannot be recorded: its facts are not whole"):
        texts = _Texts(store)
        for name in _named(record.settings):
            texts.number(name)
        facts = [*_answers(store, number, texts), *_verdicts(store, number, texts)]
        return Recording(_heading(store, record), texts.found, facts)


def _named(settings: Any) -> Iterator[str]:
    """The digests of texts that settings name, of whatever kind they are."""
    if isinstance(settings, str) and _DIGEST.fullmatch(settings):
        yield settings
    elif isinstance(settings, Mapping):
        yield from (name for one in cast("Mapping[str, Any]", settings).values() for name in _named(one))
    elif isinstance(settings, list):
        yield from (name for one in cast("list[Any]", settings) for name in _named(one))


class _Texts:
    """Texts in the order in which they were first named."""

    def __init__(self, store: Store) -> None:
        self.found: list[str] = []
        self._store = store
        self._numbers: dict[str, int] = {}

    def number(self, name: str) -> int:
        """The place of the text with this digest."""
        if name not in self._numbers:
            self._numbers[name] = len(self.found)
            self.found.append(self._store.text(name))
        return self._numbers[name]


def _answers(store: Store, number: int, texts: _Texts) -> Iterator[Recorded]:
    """The answers of models that would answer otherwise, and those of the built-in one that met a limit.

    Of an improver run that an earlier run had kept, what it asked is not among what this run used: all are taken that are of
    the same roots of chance.
    """
    roots = _roots(store, number)
    for about, body in store.every("answer"):
        if about["contract"] != CONTRACT or str(about["stream"][1]) not in roots:
            continue
        if about["model"] in BUILT_IN and store.text(body["text"]) not in _EDITOR:
            continue
        kept = {name: value for name, value in body.items() if name not in {"bought_by", "text"}}
        yield Recorded("answer", about, {**kept, "text": texts.number(body["text"])}, body["bought_by"] == number)


def _verdicts(store: Store, number: int, texts: _Texts) -> Iterator[Recorded]:
    """What a limit of the machine decided."""
    roots, chances = _roots(store, number), {_chance(about["utility"]) for about, _ in store.facts("score", number)}
    for kind in ("score", "improvement"):
        for about, body in store.every(kind):
            of_run = _chance(about["utility"]) in chances if kind == "score" else str(about["stream"][1]) in roots
            limited = _of_machine(about, body) if kind == "score" else _limited_run(body)
            if about["contract"] != CONTRACT or not of_run or not limited:
                continue
            for name in (
                body.get("program"),
                *body.get("kept", ()),
                *(one["program"] for one in body.get("scored", ())),
            ):
                if name:
                    texts.number(name)
            yield Recorded(kind, about, body)


def _roots(store: Store, number: int) -> set[str]:
    """The roots of chance that the run's answers have in common."""
    return {str(about["stream"][1]) for kind in ("improvement", "answer") for about, _ in store.facts(kind, number)}


def _chance(utility: Sequence[Any]) -> str:
    """What scorings of one run have in common: the seed of a task's instances; what has none is one by itself."""
    return canonical([*utility] if utility[0] in _WHOLE else utility[_SEED])


def _of_machine(about: Mapping[str, Any], body: Mapping[str, Any]) -> bool:
    """Whether another machine may score otherwise: where a limit was met, where what was used is scored, and by a command or a
    function."""
    said = [body["reason"] or "", *body["notes"]]
    commanded = about["utility"][0] in _WHOLE
    return commanded or bool(body.get("measured") or body.get("limited")) or any(map(_LIMITED.search, said))


def _limited_run(body: Mapping[str, Any]) -> bool:
    return bool(_LIMITED.search(body["reason"] or ""))


def _heading(store: Store, record: RunRecord) -> dict[str, Any]:
    """What was asked, by which version, with which models, and what it cost."""
    document, bounds = record.document or {}, record.circumstances.get("limits", {})
    spent = Spent(**record.spent)
    return {
        "run": record.id,
        "settings": dict(record.settings),
        "contract": CONTRACT,
        "selftaught": str(record.circumstances.get("selftaught", "")),
        "circumstances": {name: record.circumstances.get(name) for name in _TELLS},
        "started": record.started,
        "ended": record.ended,
        "spent": {"dollars": spent.dollars, "answers": spent.answers, "tokens": spent.tokens},
        "dollars_limited": bool(bounds.get("dollars") or bounds.get("round_dollars")),
        "anyway": bool(record.circumstances.get("anyway")),
        "plan": record.circumstances.get("plan"),
        "earlier_looks": list(document.get("earlier_looks", [])),
        "models": _models(store, record.id),
        "figures": figures(document),
    }


def figures(document: Mapping[str, Any]) -> dict[str, str]:
    """The digest of each part of a document, without times and its number in the store, its numbers to nine digits: numpy
    rounds the last ones otherwise on another processor."""
    usage = {name: one for name, one in document.get("usage", {}).items() if name not in {"cpu_s", "wall_s"}}
    whole = {name: one for name, one in document.items() if name != "run"} | {"usage": usage}
    return {name: plain_digest(_rounded(one))[:16] for name, one in sorted(whole.items())}


def _rounded(value: JSON) -> JSON:
    if isinstance(value, dict):
        return {name: _rounded(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_rounded(one) for one in value]
    return float(f"{round(value, 12) + 0.0:.9g}") if isinstance(value, float) else value


def differing(recording: Recording, document: Mapping[str, Any]) -> list[str]:
    """The parts of the document of a run again that are not as they were recorded."""
    there, here = recording.heading["figures"], figures(document)
    return sorted(name for name in {*there, *here} if there.get(name) != here.get(name))


def _models(store: Store, number: int) -> list[JSON]:
    """Which model gave how many answers, for what, with what parameters."""
    used: dict[tuple[str, str], Counter[str]] = {}
    for who, body in answered(store, number):
        one = {"answers": 1, "tokens_in": body["tokens_in"], "tokens_out": body["tokens_out"]}
        used.setdefault(who, Counter(dict.fromkeys(one, 0))).update(one)
    found: list[JSON] = []
    for (identity, does), counts in sorted(used.items()):
        name, parameters = json.loads(identity)
        found.append({"model": name, "parameters": parameters, "does": does, **counts})
    return found


# --- run again --------------------------------------------------------------------------------------------------------


@contextmanager
def begin(recording: Recording, digest: str, store: Store, level: str, files: Sequence[Path] = ()) -> Generator[int]:
    """Take a recording into a store, and begin the run anew; its number. `carry` carries it to its end in the block.

    `files` are those of tasks and scorers of somebody's own that it may use: their code runs outside the sandbox, so that a
    recording cannot name them by itself. UsageError for one that this version cannot run.
    """
    told = recording.heading
    if told["contract"] != CONTRACT:
        raise UsageError(
            f"the recording was made under contract {told['contract']}, by selftaught {told['selftaught'][:20]!r}, this "
            f"selftaught keeps contract {CONTRACT}: what is asked and what figures mean has changed; only that version runs it"
        )
    with reading("the settings of the recording are not whole"):
        asked = kind_of(told["settings"]).read(told["settings"])
        _allow(asked, files)
    by = f"selftaught {told['selftaught'][:20]} on {told['started'][:10]}"
    about = {
        name: told[name] for name in ("dollars_limited", "models", "earlier_looks", "run", "started", "circumstances")
    }
    more: dict[str, JSON] = {"recording": {**about, "digest": digest, "by": by}}
    plan = {"plan": told["plan"]} if told["plan"] else {}
    under = circumstances(level, SpendLimits(), anyway=told["anyway"])
    with begun(store, asked, {**under, **plan, **more}) as number:
        store.spend(number, Spent(**told["spent"]).plain())
        names = [store.keep(text) for text in recording.texts]
        with reading("the facts of the recording are not whole"):
            for one in recording.facts:
                _take(store, one, names, number)
        yield number


def _allow(asked: Assignment, files: Sequence[Path]) -> None:
    """Raise UsageError for a file of a user's, of tasks or of a scorer, that is not among those allowed."""
    for path in files_of(asked):
        if path.resolve() not in {one.resolve() for one in files}:
            raise UsageError(
                f"the recording works on the file {path}, which is none of its own and may be code that runs outside the "
                f"sandbox: if it is yours, name it with --task-file {path}"
            )


def _take(store: Store, one: Recorded, names: Sequence[str], number: int) -> None:
    """Keep one fact of a recording; a verdict on an improver run is no fact before that has been run again."""
    about: Mapping[str, JSON] = one.about
    if one.kind == "improvement":
        of = {"of": key_of(one.kind, about)}
        store.once(VERDICT, of, lambda: dict(one.body), number)
    elif one.kind == "score" and _of_machine(about, one.body):
        store.once(one.kind, about, lambda: dict(one.body))
    elif one.kind == "answer":
        body = {**one.body, "text": names[cast(int, one.body["text"])], "bought_by": number if one.own else 0}
        store.once(one.kind, about, lambda: body)
