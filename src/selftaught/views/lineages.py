"""A run's lineage for a terminal: round by round, what was proposed, what was kept, and what changed in it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text

from selftaught.views.tables import grid, number

_SHOWN = 8
"""How many proposals of a round are listed."""


def lineage(found: Mapping[str, Any]) -> RenderableType:
    """All rounds, then when each strategy showed."""
    parts = [part for one in found["rounds"] for part in _round(one)]
    return Group(*parts, _strategies(found))


def _round(one: Mapping[str, Any]) -> list[RenderableType]:
    worker, incumbent, kept = (one[name][:8] for name in ("worker", "incumbent", "improver"))
    head = Text(f"Round {one['number']}: {worker} worked on {incumbent}; {one['reason']}; now {kept}", style="bold")
    parts: list[RenderableType] = [head, _children(one)]
    if one["diff"]:
        said = "taken" if one["accepted"] else "not taken"
        parts += [Text(f"Proposal {one['proposal'][:8]}, {said}:"), Syntax(one["diff"], "diff", word_wrap=True)]
    return parts


def _children(one: Mapping[str, Any]) -> Table:
    children = one["children"]
    found = grid(f"{len(children)} proposals were scored" + ("; the best:" if len(children) > _SHOWN else ""))
    for name in ("proposal", "shown was", "train", "idea"):
        found.add_column(name, justify="right" if name == "train" else "left", no_wrap=name != "idea")
    for child in children[:_SHOWN]:
        parents = ", ".join(parent[:8] for parent in child["parents"]) or "–"
        mark = " *" if child["program"] == one["proposal"] else ""
        found.add_row(child["program"][:8] + mark, parents, number(child["value"]), escape(child["idea"]) or "–")
    return found


def _strategies(found: Mapping[str, Any]) -> Table:
    """A column per round: where a strategy showed."""
    rounds = range(len(found["rounds"]) + 1)
    table = grid("Strategies of the improver after each round")
    for name in ("strategy", *map(str, rounds)):
        table.add_column(name)
    for name, at in found["strategies"].items():
        table.add_row(name, *("●" if t in at else "" for t in rounds))
    return table
