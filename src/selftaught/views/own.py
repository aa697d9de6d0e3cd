"""The document of improving a program of the user's as sheets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from selftaught.views.sheets import (
    NOTHING,
    Bar,
    Cell,
    Column,
    Figure,
    Listing,
    Note,
    Part,
    Series,
    Sheet,
    counted,
    failed_throughout,
)

if TYPE_CHECKING:
    from selftaught.evidence.own import Compared, Noise, OwnDocument, Repeated
    from selftaught.evidence.statistics import PlainInterval

_BEFORE = "the better program is the best of those that it had scored before"


def sheets(document: OwnDocument | Mapping[str, Any]) -> list[Part]:
    """Its figures; of a run that was stopped, why."""
    parts: list[Part] = [*failed_throughout(failing(document), _BEFORE if document.get("better") else NOTHING)]
    if document.get("rounds"):
        parts.append(_rounds(document))
    if "practice" not in document:
        return [*parts, Note(f"Stopped: {document['stopped']}", "unsure")] if "stopped" in document else parts
    parts.append(_scores(document))
    parts += _metrics(document)
    noise: Noise | None = document.get("noise")
    parts += _noise(noise) if noise else []
    parts += _said(document)
    return [*parts, Listing(document["diff"])] if document["diff"] else parts


def _rounds(document: Mapping[str, Any]) -> Sheet:
    columns = (
        Column("round", "text", "right"),
        Column("best so far", "text", "right"),
        Column("answers", "count", "right"),
        Column("scorings", "count", "right"),
        Column("said"),
    )
    rows: list[list[Cell]] = [
        [str(one["round"]), number(one["score"]), one["answers"], one["scorings"], one["reason"] or ""]
        for one in document["rounds"]
    ]
    return Sheet("Improver runs (practice score of the best program)", columns, rows)


def _scores(document: Mapping[str, Any]) -> Sheet:
    better = "less is better" if document["minimize"] else "more is better"
    columns = (
        Column("on"),
        Column("start", "text", "right"),
        Column("best", "text", "right"),
        Column("difference [95 %]", "text", "right"),
    )
    named = [("practice (chosen by it)", document["practice"])]
    named += [("held out", document["held_out"])] if document["held_out"] else []
    rows: list[list[Cell]] = [
        [f"{name}, {_many(one)}", number(one["start"]), number(one["best"]), _gap(one)] for name, one in named
    ]
    return Sheet(f"Score ({better})", columns, rows)


def _metrics(document: Mapping[str, Any]) -> list[Part]:
    """The metrics, where there are several, and what counts of them."""
    told: list[tuple[str, Compared]] = [("practice", document["practice"])]
    told += [("held out", document["held_out"])] if document["held_out"] else []
    rows: list[list[Cell]] = [
        [name, one["name"], *("–" if value is None else number(value) for value in (one["start"], one["best"]))]
        for name, compared in told
        for one in compared.get("metrics", [])
    ]
    columns = (Column("on"), Column("metric"), Column("start", "text", "right"), Column("best", "text", "right"))
    return [Sheet(f"Metrics (what counts: {document['metric']})", columns, rows)] if rows else []


def _many(one: Compared) -> str:
    return counted(one["instances"], "instance")


def _gap(one: Compared) -> str:
    return _ends(one["difference"])


def _ends(found: PlainInterval | None) -> str:
    if found is None:
        return "–"
    ends = "" if found["low"] is None or found["high"] is None else f" [{found['low']:+.6g}, {found['high']:+.6g}]"
    return f"{found['mean']:+.6g}{ends}"


def _noise(noise: Noise) -> list[Part]:
    """What a noisy scorer is, and who was tried for real."""
    why = "it scores what a program takes" if noise["measures"] else "it gives other scores the second time"
    spread = number(noise["spread"]) if noise["spread"] is not None else "not known"
    said = (
        f"The scorer is noisy: {why}. The standard deviation of one score of the program to begin with is {spread} "
        f"({noise['scores']} scores). A program becomes the best only when it is better in scorings made for that, "
        f"beyond luck: one that is not is taken in at most 5 % of such calls."
    )
    columns = (
        Column("round", "text", "right"),
        Column("program"),
        Column("times", "count", "right"),
        Column("difference from the best so far [95 %]", "text", "right"),
        Column("p", "text", "right"),
        Column("taken"),
    )
    rows: list[list[Cell]] = [_trial(one) for one in noise["repeated"]]
    return [Note(said), *([Sheet("Scored again and again", columns, rows)] if rows else [])]


def _trial(one: Repeated) -> list[Cell]:
    taken = "yes" if one["taken"] else "no"
    times, gap = one["repetitions"], _ends(one["difference"])
    return [str(one["round"]), one["program"][:10], times, gap, f"{one['p']:.4f}", taken]


def _said(document: Mapping[str, Any]) -> list[Part]:
    seen = counted(document["candidates"], "program")
    notes: list[Part] = [Note(f"{seen} scored; `candidates` lists them.")]
    if not document["better"]:
        notes.append(Note("None scores better than the program to begin with, which stays as it is.", "unsure"))
    for one in document.get("earlier_looks", ()):
        notes.append(Note(f"Earlier look at the same held-out instances: {one}", "unsure"))
    if document["held_out"] is None:
        notes.append(
            Note(
                "There are no held-out instances: how the program does on what it was not chosen by is not known.",
                "unsure",
            )
        )
    if document["isolation"]:
        notes.append(Note(document["isolation"], "unsure"))
    return notes


def number(value: float | None) -> str:
    """A score in the scorer's own unit."""
    return "fails" if value is None else f"{value:.6g}"


def series(document: Mapping[str, Any]) -> Series:
    """The start and the best program."""
    shown: Mapping[str, Any] = document["held_out"] or document["practice"]
    names = [name for name in ("start", "best") if shown[name] is not None]
    return Series("Score", "score", [Bar(name, Figure(shown[name], None, None)) for name in names])


def failing(document: Mapping[str, Any]) -> list[str]:
    """The improver, where none of its runs came to its end, whatever they had scored before."""
    rounds = document.get("rounds", ())
    return ["the improver"] if rounds and all(one.get("failed") for one in rounds) else []
