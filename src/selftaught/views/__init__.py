"""Figures as text and pictures, in two steps: from a document to sheets, then from sheets to what shows them.

Views read plain documents, never the algorithm.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol, cast

from selftaught.errors import UsageError
from selftaught.views import attempts
from selftaught.views.sheets import Note, Part, Series

if TYPE_CHECKING:
    from selftaught.evidence.models import UsedByModel

KINDS = {
    "run": "recursion",
    "compare": "contest",
    "experiment": "experiment",
    "improve": "own",
    "audit": "audit",
    "hacking": "hacking",
}
"""The word that a run's settings are stored with, and the module that makes sheets of its document."""


class View(Protocol):
    """What the module of a kind has. Documents are those of its kind."""

    def sheets(self, document: Mapping[str, Any]) -> list[Part]:
        """All that is to be shown of it, at whatever point it is."""
        ...

    def series(self, document: Mapping[str, Any]) -> Series:
        """What a picture of it is drawn from, once it has come to its end."""
        ...

    def failing(self, document: Mapping[str, Any]) -> list[str]:
        """What failed in every single improver run, by name."""
        ...


def view_of(document: Mapping[str, Any]) -> View:
    """The view of a run's document. UsageError for a kind that this version does not know."""
    kind = document["settings"].get("kind", "run")
    if kind not in KINDS:
        raise UsageError(
            f"run {document['run']} is of the kind {kind!r}, which this selftaught does not know: upgrade it"
        )
    return cast(View, import_module(f"{__name__}.{KINDS[kind]}"))


def sheets(document: Mapping[str, Any]) -> list[Part]:
    """A run's document, whatever its kind: what ran, with what, held how, then what came of it."""
    own = view_of(document).sheets(document)
    told = [*_so_far(document), *_models(document), *_faults(document)]
    return [about(document), *own, *told, *attempts.sheets(document)]


def _so_far(document: Mapping[str, Any]) -> list[Part]:
    """What was used of a run that was stopped; whoever brings one to its end is told by the command."""
    used = document.get("usage")
    if "stopped" not in document or not used:
        return []
    return [Note(f"So far it used {_bought(used, used['dollars_spent'])}.")]


def _models(document: Mapping[str, Any]) -> list[Part]:
    """What was used of each model, where there are several."""
    found: list[UsedByModel] = document.get("usage", {}).get("models", [])
    return [Note(f"{said}.") for one in found if (said := _used(one))]


def _used(one: UsedByModel) -> str:
    return f"{one['model']} {one['does']}: {_bought(one, one['dollars'])}"


def _bought(used: Mapping[str, Any], dollars: float | None) -> str:
    """Answers, tokens and money."""
    money = "an unknown price" if dollars is None else f"${dollars:,.4f}"
    return f"{used['responses']:,} answers of {used['tokens_in'] + used['tokens_out']:,} tokens, {money}"


def _faults(document: Mapping[str, Any]) -> list[Part]:
    """What was wrong with the answers."""
    found = document.get("usage", {}).get("faults")
    return [Note(f"{found['said']}.", "unsure")] if found else []


def about(document: Mapping[str, Any]) -> Note:
    """What ran, with what, held how."""
    names = ("run", "model", "seed", "sandbox")
    run, model, seed, sandbox = (document[name] for name in names)
    proposer = f" works inside, {document['proposer']} writes improvers" if document.get("proposer") else ""
    return Note(f"Run {run} · model {model}{proposer} · seed {seed} · sandbox {sandbox}")
