"""A comparison's document as tables for a terminal and as rows for a spreadsheet."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from selftaught.views import pictures
from selftaught.views.tables import STYLES, counted, figure, grid, number

_TASKS_ABREAST = 5
_MARKS = {"better": "▲", "worse": "▼", "equivalent": "=", "indecisive": " "}


def contest(document: Mapping[str, Any]) -> RenderableType:
    """Scores, differences to the first improver, scores by task, notes; of a stopped comparison, that it was."""
    if "improvers" not in document:
        return Text(f"Stopped: {document['stopped']}", style="yellow")
    rows, tasks = document["improvers"], document["tasks"]
    parts: list[RenderableType] = [_scores(document)]
    if len(rows) > 1:
        parts.append(_differences(rows))
    parts.append(_prices(rows))
    parts += [_by_task(rows, tasks[i : i + _TASKS_ABREAST]) for i in range(0, len(tasks), _TASKS_ABREAST)]
    return Group(*parts, *(Text(f"Note: {note}") for note in document["notes"]))


def _scores(document: Mapping[str, Any]) -> Table:
    tasks, repetitions = len(document["tasks"]), document["repetitions"]
    size = f"{counted(tasks, 'task')} × {counted(repetitions, 'repetition')}"
    found = grid(f"Test split: {size} (0 = start solution, 1 = reference best)")
    for name in ("improver", "mean [95 %]", "IQM [95 %]", "answers", "failed"):
        found.add_column(name, justify="right" if name in ("answers", "failed") else "left")
    for one in document["improvers"]:
        answers = f"{one['usage']['responses']:.1f}"
        failed = f"{100 * one['failed']:.0f} %"
        found.add_row(escape(one["name"]), figure(one["test"]), figure(one["iqm"]), answers, failed)
    return found


def _differences(rows: Sequence[Mapping[str, Any]]) -> Table:
    about = rows[1]["against_first"]["about"]
    found = grid(f"Against {escape(rows[0]['name'])}, paired: {about} (beaten: how probably)")
    about_unseen = (one["against_first"]["unseen_tasks"] for one in rows[1:])
    unseen = any(one is not None and one["low"] is not None for one in about_unseen)
    further = ("on unseen tasks",) if unseen else ()
    for name in ("improver", "difference [95 %]", "verdict", "p (Holm)", "beaten", *further):
        found.add_column(name, justify="right" if name in ("p (Holm)", "beaten") else "left")
    for one in rows[1:]:
        against = one["against_first"]
        found.add_row(
            escape(one["name"]),
            figure(against, sign=True),
            kind(against),
            number(against["p_holm"]),
            f"{against['probability']['mean']:.2f}",
            *([kind(against["unseen_tasks"])] if unseen else []),
        )
    return found


def kind(verdict: Mapping[str, Any]) -> str:
    """What a verdict says, in its colour."""
    return f"[{STYLES[verdict['kind']]}]{verdict['kind']}[/]"


def _prices(rows: Sequence[Mapping[str, Any]]) -> Table:
    found = grid("What a gain of 0.1 over the start solution costs")
    for name in ("improver", "answers", "tokens", "$"):
        found.add_column(name, justify="left" if name == "improver" else "right")
    for one in rows:
        found.add_row(escape(one["name"]), *_costs(one["cost_per_gain"]))
    return found


def _costs(cost: Mapping[str, float | None]) -> tuple[str, str, str]:
    answers, tokens, dollars = (cost[name] for name in ("responses", "tokens", "dollars"))
    return (
        "–" if answers is None else f"{answers:,.1f}",
        "–" if tokens is None else f"{tokens:,.0f}",
        "–" if dollars is None else f"{dollars:,.4f}",
    )


def _by_task(rows: Sequence[Mapping[str, Any]], tasks: Sequence[str]) -> Table:
    judged = any(one["against_first"] and one["against_first"]["per_task"] for one in rows)
    found = grid("By task (▲ better, ▼ worse than the first, = equivalent)" if judged else "By task")
    found.add_column("improver")
    for task in tasks:
        found.add_column(task, justify="right", overflow="fold")
    for one in rows:
        found.add_row(escape(one["name"]), *(_task(one, task) for task in tasks))
    return found


def _task(one: Mapping[str, Any], task: str) -> str:
    against = one["against_first"]
    mark = _MARKS[against["per_task"][task]["kind"]] if against and against["per_task"] else " "
    return f"{number(one['per_task'][task]['mean'])} {mark}"


def picture(document: Mapping[str, Any]) -> str:
    """The means with their intervals as SVG."""
    shown = [pictures.Row(one["name"], one["test"]) for one in document["improvers"]]
    tasks = ", ".join(document["tasks"]) if len(document["tasks"]) < 5 else f"{len(document['tasks'])} tasks"
    return pictures.intervals(
        f"{tasks}, {counted(document['repetitions'], 'repetition')}", "0 = start, 1 = reference best", shown
    )


def rows(document: Mapping[str, Any]) -> str:
    """The single improver runs of a comparison as CSV, one to a line."""
    cells: Sequence[Mapping[str, Any]] = document["cells"]
    out = io.StringIO()
    writer = csv.DictWriter(out, [*cells[0]], lineterminator="\n")
    writer.writeheader()
    writer.writerows(cells)
    return out.getvalue()
