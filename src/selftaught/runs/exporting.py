"""What a run came to as a file for elsewhere: its improver, or of a run of `improve` the better program."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, Literal

from selftaught.errors import UsageError, reading
from selftaught.improvers import exported
from selftaught.program import Program
from selftaught.runs import DONE, assignment, made
from selftaught.settings.own import Own
from selftaught.store import RunRecord, Store

_LICENCE = (
    "licence: what surrounds the improver is selftaught's (Apache-2.0). The improver was written by the models named"
)


@dataclass(frozen=True)
class Taken:
    """A text to be written, and what it is."""

    kind: Literal["improver", "program"]
    program: Program
    text: str
    """As it is written: with a head."""
    name: str
    """What the file is called where its user says nothing."""
    importable: bool = True


def taken(store: Store, number: int, which: str) -> Taken:
    """What a run that is done came to, `which` of several improvers. UsageError where it came to nothing."""
    record = store.run(number)
    asked = assignment(record)
    if record.status != DONE:
        raise UsageError(f"run {number} has not come to its end")
    with reading(f"the document of run {number} is not whole"):
        if isinstance(asked, Own):
            return _program(record)
        program = Program(store.text(made(record, which)))
        text = exported.written(program, _head(record, program, which))
    return Taken("improver", program, text, f"improver_{number}.py", exported.importable(program))


def _program(record: RunRecord) -> Taken:
    """The better program of a run of `improve`; one of Python has a head, others are as they are."""
    document = record.document or {}
    program, source = Program(str(document["program"])), PurePath(str(record.settings["name"]))
    name = f"{source.stem}_{record.id}{source.suffix}"
    if source.suffix != ".py" or _begins_with_more(program.text):
        return Taken("program", program, program.text, name)
    practice, unseen = document["practice"], document["held_out"]
    said = [
        f"{source.name}, improved by selftaught: {_of(record)}",
        _models(record),
        f"practice: {_pair(practice)}" + (f"; held out: {_pair(unseen)}" if unseen else ""),
        "licence: as of the program that it was made from; the terms of who serves the models hold as well",
    ]
    head = "".join(f"# {' '.join(line.split())}\n" for line in said)
    return Taken("program", program, f"{head}\n{program.text}", name)


def _begins_with_more(text: str) -> bool:
    """Whether its first lines say how it is run or read, so that nothing may stand before them."""
    return text.startswith("#!") or any("coding:" in one or "coding=" in one for one in text.split("\n", 2)[:2])


def _pair(compared: Mapping[str, Any]) -> str:
    return " -> ".join("failed" if compared[one] is None else f"{compared[one]:.6g}" for one in ("start", "best"))


def _head(record: RunRecord, program: Program, which: str) -> list[str]:
    """Where an improver comes from, in lines."""
    begun = record.settings.get("improver")
    same = " (it is the improver that the run began with)" if begun == program.digest else ""
    return [
        f"{_of(record)}{f', recursion {which}' if which else ''}{same}",
        _models(record),
        *_scores(record.document or {}),
        f"{_LICENCE} above, from",
        f"the improver {str(begun)[:10]}: its licence and the terms of who serves the models hold for it as well.",
    ]


def _without_folders(found: re.Match[str]) -> str:
    word = found[0]
    return word[word.rfind("/", 0, word.find(".py")) + 1 :] if ".py" in word else word


def _of(record: RunRecord) -> str:
    by = record.circumstances.get("selftaught", "?")
    asked = assignment(record)
    # Where files lie is nobody's business elsewhere.
    summary = re.sub(r"[^\s,]+", _without_folders, asked.summary)
    return f"run {record.id} of {record.started[:10]} (selftaught {by}, seed {asked.seed}): {summary}"


def _models(record: RunRecord) -> str:
    asked = assignment(record)
    if asked.proposer:
        return f"models: {asked.proposer.spec} wrote improvers, {asked.model.spec} worked inside them"
    return f"model: {asked.model.spec}"


def _scores(document: Mapping[str, Any]) -> list[str]:
    """What a recursion reached on its test tasks, on the common scale."""
    if "gain" not in document:
        return []
    arms, gain = document["arms"], document["gain"]["gain"]
    means = ", ".join(f"{name} {arms[arm]['test']['mean']:.3f}" for name, arm in _ARMS.items() if arms.get(arm))
    low, high = gain["low"], gain["high"]
    within = gain["method"] if low is None else f"95 % [{low:+.3f}, {high:+.3f}], {gain['method']}"
    return [f"test (0: start, 1: best): {means}", f"gain over the seed improver: {gain['mean']:+.3f} ({within})"]


_ARMS = {"this improver": "improved", "seed improver": "seed", "best-of-n": "best_of_n"}
