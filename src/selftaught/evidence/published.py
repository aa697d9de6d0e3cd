"""The paper's figures, as printed there, beside ours. Raw scores in percent.

Its scorers have known defects that ours have not, and its models differ: figures of one row are comparable in direction, not
in size; qap and maxcut are scored otherwise here (docs/tasks.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean as mean
from typing import TypedDict

from selftaught.evidence.transferred import Afterwards

_TRANSFER = {
    "grid": (43.9, 44.3, 56.7),
    "qap": (20.4, 20.6, 22.1),
    "sat": (0.0, 21.2, 75.1),
    "maxcut": (0.0, 58.7, 74.2),
    "parity": (50.0, 59.3, 81.7),
}
"""Table 1: start solution, seed improver, one improved improver."""
_LINES = {"chain-of-thought": 57.7, "greedy": 64.2}
"""Baselines on LPN."""
_COLUMNS = ("start", "seed", "improved")


class BesidePaper(TypedDict):
    """One of the paper's figures beside ours, in percent of raw score or of recursions."""

    what: str
    paper: float | None
    """Null where the paper draws a curve only."""
    ours: float


def beside(name: str, contest: Afterwards | None, by_round: Sequence[float], rises: float) -> list[BesidePaper]:
    """Rows of (what, the paper's figure or None, ours) for an experiment that the paper has too, on its tasks."""
    if name == "lpn" and contest and contest["tasks"] == ["lpn"]:
        return [*_lines(contest), *_rounds(by_round)]
    if name.startswith("transfer") and contest:
        return [row for task in _TRANSFER if task in contest["tasks"] for row in _transfer(task, contest)]
    if name == "models":
        return [_row("share of runs that gain at least 3 %, GPT-3.5 there", 12.0, rises)]
    return []


def _lines(contest: Afterwards) -> list[BesidePaper]:
    rows = {one["name"]: one for one in contest["improvers"]}
    return [_row(name, figure, rows[name]["per_task"]["lpn"]["raw"]) for name, figure in _LINES.items()]


def _rounds(by_round: Sequence[float]) -> list[BesidePaper]:
    """The paper prints its curve as a figure only: it rises over rounds 1 to 3 and is flat by 4."""
    return [_row(f"round {t}", None, value) for t, value in enumerate(by_round)]


def _transfer(task: str, contest: Afterwards) -> list[BesidePaper]:
    rows = {one["name"]: one["per_task"][task] for one in contest["improvers"]}
    ours = (
        contest["starts"][task],
        rows["seed"]["raw"],
        mean(rows[name]["raw"] for name in contest["made"]),
    )
    return [
        _row(f"{task}, {column}", paper, value)
        for column, paper, value in zip(_COLUMNS, _TRANSFER[task], ours, strict=True)
    ]


def _row(what: str, paper: float | None, ours: float) -> BesidePaper:
    return {"what": what, "paper": paper, "ours": 100 * ours}
