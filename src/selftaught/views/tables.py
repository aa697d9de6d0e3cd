"""A run's document as tables for a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

_STYLES = {"better": "green", "worse": "red", "indecisive": "yellow", "equivalent": "cyan"}
_ARMS = {"seed": "seed improver", "best_of_n": "best-of-n (seed, same answers)", "improved": "improved improver"}
_PARTS = {
    "gain": "gain (improved − seed)",
    "more_answers": "  more answers (best-of-n − seed)",
    "better_search": "  better search (improved − best-of-n)",
}


def run(document: Mapping[str, Any]) -> RenderableType:
    """Rounds, arms, the parts of the gain and the verdict; of a run that was stopped, the rounds it reached."""
    if "arms" not in document:
        return Group(rounds(document["rounds"]), Text(f"Stopped: {document['stopped']}", style="yellow"))
    return Group(
        rounds(document["rounds"]), arms(document), Text(), parts(document["gain"]), verdict(document["verdict"])
    )


def rounds(found: Sequence[Mapping[str, Any]]) -> Table:
    """One row per round; round 0 is the seed improver."""
    table = Table(title="Rounds (meta-utility: 0 = start solution, 1 = reference best)", title_justify="left")
    for name in ("round", "improver", "train", "validation", "test [95 %]", "what happened"):
        table.add_column(name, justify="right" if name in ("round", "train", "validation") else "left")
    for one in found:
        table.add_row(
            str(one["round"]),
            one["improver"][:10],
            number(one["train"]),
            number(one["validation"] and one["validation"]["mean"]),
            figure(one["test"]),
            ("accepted: " if one["round"] and one["accepted"] else "kept incumbent: " if one["round"] else "")
            + one["reason"],
        )
    return table


def arms(document: Mapping[str, Any]) -> Table:
    """One row per arm on the test split."""
    tasks = document["arms"]["seed"]["per_task"]
    worked_on = set(document["settings"]["tasks"]) & set(document["settings"]["test_tasks"])
    seen = "fresh instances of the recursion's tasks" if worked_on else "tasks that the recursion never saw"
    table = Table(title=f"Test split: {len(tasks)} tasks, {seen}", title_justify="left")
    for name in ("arm", "test [95 %]", "answers", "scorings", "failed runs"):
        table.add_column(name, justify="left" if name in ("arm", "test [95 %]") else "right")
    for name, title in _ARMS.items():
        arm = document["arms"][name]
        table.add_row(
            title,
            figure(arm["test"]),
            f"{arm['responses']:.1f}",
            f"{arm['scorings']:.1f}",
            f"{100 * arm['failed']:.1f} %",
        )
    return table


def parts(gain: Mapping[str, Any]) -> Table:
    """The gain and what it is made of, each paired by (task, repetition)."""
    table = Table(title="What the gain is made of (paired differences)", title_justify="left")
    for name in ("part", "difference [95 %]", "pairs"):
        table.add_column(name, justify="right" if name == "pairs" else "left")
    for name, title in _PARTS.items():
        table.add_row(title, figure(gain[name], sign=True), str(gain[name]["n"]))
    return table


def verdict(verdicts: Mapping[str, Any]) -> Panel:
    """What may be claimed."""
    text = Text()
    for name, against in (("against_seed", "the seed improver"), ("against_best_of_n", "best-of-n at equal answers")):
        one = verdicts[name]
        if text:
            text.append("\n")
        text.append(one["kind"], style=f"bold {_STYLES[one['kind']]}")
        text.append(f" than {against}" if one["kind"] in ("better", "worse") else f" against {against}")
        text.append(f": {figure(one, sign=True)} ({one['about']}; {one['method']})")
    return Panel(text, title="Verdict", title_align="left", expand=False)


def number(value: float | None, sign: bool = False) -> str:
    return "–" if value is None else f"{value:+.3f}" if sign else f"{value:.3f}"


def figure(one: Mapping[str, Any] | None, sign: bool = False) -> str:
    """A mean (or difference) with its interval."""
    if one is None:
        return "–"
    value = number(one.get("mean", one.get("difference")), sign)
    if one["low"] is None:
        return f"{value} (no interval)"
    return f"{value} [{number(one['low'], sign)}, {number(one['high'], sign)}]"


def show(document: Mapping[str, Any], console: Console) -> None:
    """Print a run's document."""
    console.print(run(document))
