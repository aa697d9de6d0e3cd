"""A recursion's lineage as sheets: round by round, what was proposed, what was kept, and what changed in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from selftaught.views.sheets import Cell, Column, Listing, Note, Part, Sheet, counted

if TYPE_CHECKING:
    from selftaught.evidence.lineage import Lineage, PlainChild, PlainGeneration

_LISTED = 8
"""How many proposals of a round are listed."""


def sheets(found: Lineage) -> list[Part]:
    """All rounds, then when each strategy showed."""
    return [*(part for one in found["rounds"] for part in _round(one)), _strategies(found)]


def _round(one: PlainGeneration) -> list[Part]:
    worker, incumbent, kept = (name[:8] for name in (one["worker"], one["incumbent"], one["improver"]))
    head = f"Round {one['number']}: {worker} worked on {incumbent}; {one['reason']}; now {kept}"
    parts: list[Part] = [Note(head, style="heading"), _children(one)]
    if one["diff"]:
        taken = "taken" if one["accepted"] else "not taken"
        parts += [Note(f"Proposal {(one['proposal'] or '')[:8]}, {taken}:"), Listing(one["diff"])]
    return parts


def _children(one: PlainGeneration) -> Sheet:
    children = one["children"]
    were = "was" if len(children) == 1 else "were"
    title = f"{counted(len(children), 'proposal')} {were} scored" + ("; the best:" if len(children) > _LISTED else "")
    columns = (
        Column("proposal", whole=True),
        Column("shown was", whole=True),
        Column("train", "score", "right", whole=True),
        Column("idea"),
    )
    return Sheet(title, columns, [_child(child, one["proposal"]) for child in children[:_LISTED]])


def _child(child: PlainChild, proposal: str | None) -> list[Cell]:
    parents = ", ".join(parent[:8] for parent in child["parents"]) or None
    mark = " *" if child["program"] == proposal else ""
    return [child["program"][:8] + mark, parents, child["value"], child["idea"] or None]


def _strategies(found: Lineage) -> Sheet:
    """A column per round: where a strategy showed."""
    rounds = range(len(found["rounds"]) + 1)
    columns = [Column("strategy"), *(Column(str(t)) for t in rounds)]
    rows = [[name, *("●" if t in at else "" for t in rounds)] for name, at in found["strategies"].items()]
    return Sheet("Strategies of the improver after each round", columns, rows)
