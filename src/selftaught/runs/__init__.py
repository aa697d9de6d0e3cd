"""Every kind of run there is: one file per kind, each with the functions that `Kind` names.

A kind's module is imported when it is asked for. To add one: its file here, its settings among the values, a view, a command.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol, cast

from selftaught.errors import UsageError, reading
from selftaught.lab import CONTRACT, Lab
from selftaught.runs.spans import Bound, Expected, Used
from selftaught.settings import Assignment
from selftaught.settings.own import Own
from selftaught.store import RunRecord
from selftaught.tasks import file_of

KINDS = {
    "run": "recursion",
    "compare": "contest",
    "experiment": "experiment",
    "improve": "own",
    "audit": "audit",
    "hacking": "hacking",
}
"""The word that a run's settings are stored with, and the module that carries it out."""
DONE = "done"
"""The status of a run that has come to its end."""
FIRST = "run"
"""The kind whose settings are stored without the word."""


class Kind(Protocol):
    """What the module of a kind has. `asked` is always of the type that its `read` returns."""

    WHAT: str
    """What such a run is called in a sentence, e.g. "a comparison"."""

    def read(self, plain: Mapping[str, Any]) -> Assignment:
        """The assignment that was stored; UsageError where this version does not know it."""
        ...

    def conduct(self, lab: Lab, asked: Any) -> dict[str, Any]:
        """Do what is asked and return its figures; what there is of them meanwhile is told to `lab.document`."""
        ...

    def tried(self, asked: Any) -> tuple[dict[str, str], Sequence[str]]:
        """What the first look tries: digests of improvers by name, and specs of tasks."""
        ...

    def bound(self, asked: Any) -> list[Bound]:
        """Answers at most, by the model that is asked for them and what it is for."""
        ...

    def expected(self, asked: Any, used: Used) -> list[Expected]:
        """Answers, probably, by the same; `used` tells how improvers go about it."""
        ...

    def looked_at(self, asked: Any) -> set[tuple[str, int]]:
        """The test tasks, by name, and seeds that its figures are of."""
        ...

    def made(self, record: RunRecord, which: str) -> str:
        """Digest of the improver that it ended with, `which` of several; UsageError where there is none."""
        ...


def kind_of(settings: Mapping[str, Any]) -> Kind:
    """The kind of run that stored settings are of. UsageError for one that this version does not know."""
    word = settings.get("kind", FIRST)
    if not isinstance(word, str) or word not in KINDS:
        raise UsageError(f"it is of the kind {word!r}, which this selftaught does not know: upgrade selftaught")
    return cast(Kind, import_module(f"{__name__}.{KINDS[word]}"))


def assignment(record: RunRecord) -> Assignment:
    """What a stored run is asked to do. UsageError, naming the run, where this version does not know it."""
    try:
        with reading("its settings are not whole"):
            return kind_of(record.settings).read(record.settings)
    except UsageError as error:
        raise UsageError(f"run {record.id} cannot be read: {error}") from error


def made(record: RunRecord, which: str) -> str:
    """Digest of the improver that a stored run ended with, `which` of several; UsageError where there is none."""
    with reading(f"the document of run {record.id} is not whole"):
        return kind_of(record.settings).made(record, which)


def files_of(asked: Assignment) -> list[Path]:
    """The user's own files and folders that a run works with: of tasks, and those that score a program. They are the user's
    code, which runs outside the sandbox."""
    _, specs = kind_of(asked.plain()).tried(asked)
    scoring = asked.scoring if isinstance(asked, Own) else ()
    return [*filter(None, map(file_of, specs)), *map(Path, scoring)]


def same_contract(record: RunRecord) -> None:
    """UsageError for a run whose facts mean something else: it can be looked at, not gone on with or compared."""
    made = record.circumstances.get("contract", 1)
    if made != CONTRACT:
        raise UsageError(
            f"run {record.id} was made under contract {made}, this selftaught keeps contract {CONTRACT}: what its figures "
            "mean has changed, so it can be shown, but not gone on with or compared; begin it anew"
        )
