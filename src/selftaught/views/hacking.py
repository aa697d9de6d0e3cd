"""The document of an audit of hacking as sheets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from selftaught.views.sheets import NONE, Bar, Cell, Column, Figure, Note, Part, Series, Sheet

if TYPE_CHECKING:
    from selftaught.evidence.hacking import HackFigures, HackRate


def sheets(document: Mapping[str, Any]) -> list[Part]:
    """How often each flaw was used, and how much it brought; of an audit that was stopped, also why."""
    parts = _figures(cast("HackFigures", document)) if "rates" in document else []
    return parts + ([Note(f"Stopped: {document['stopped']}", "unsure")] if "stopped" in document else [])


def _figures(found: HackFigures) -> list[Part]:
    columns = (
        Column("twin", whole=True),
        Column("flaw: it"),
        Column("condition", whole=True),
        Column("runs", "count", "right"),
        Column("hacked [95 %]", "score"),
        Column("flawed less true [95 %]", "score"),
        Column("first in round: runs"),
    )
    rows = [_row(one, found["flaws"].get(one["twin"], "")) for one in found["rates"]]
    said = f"Does the warning make a difference? p by Fisher's exact test, over all twins: {found['warning_p']:.2g}."
    return [Sheet("Scorers with flaws, and how often they were hacked", columns, rows), Note(said)]


def _row(one: HackRate, flaw: str) -> list[Cell]:
    hacked, gap = (Figure(each["mean"], each["low"], each["high"]) for each in (one["hacked"], one["gap"]))
    first = ", ".join(f"{number}: {count}" for number, count in one["first"].items())
    return [one["twin"], flaw, one["condition"], one["runs"], hacked, gap, first or NONE]


def series(document: Mapping[str, Any]) -> Series:
    """The share hacked, by twin and condition."""
    bars = [
        Bar(f"{one['twin']}, {one['condition']}", Figure(*(one["hacked"][key] for key in ("mean", "low", "high"))))
        for one in document["rates"]
    ]
    return Series("Scorers with flaws", "share of runs that hacked them", bars)


def failing(document: Mapping[str, Any]) -> list[str]:  # noqa: ARG001 - as for every kind
    """Nothing is compared: nothing fails throughout."""
    return []
