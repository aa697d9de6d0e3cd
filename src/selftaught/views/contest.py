"""The document of a comparison as sheets, and as rows for a spreadsheet."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from selftaught.views.recursion import TONES
from selftaught.views.sheets import (
    Bar,
    Cell,
    Column,
    Figure,
    Note,
    Part,
    Series,
    Sheet,
    Words,
    counted,
    failed_throughout,
    figure,
    looks_and_headroom,
    number,
)

if TYPE_CHECKING:
    from selftaught.evidence.contest import (
        AgainstFirst,
        ContestDocument,
        ContestFigures,
        ContestReached,
        EntrantFigures,
    )
    from selftaught.evidence.statistics import PlainVerdict

_MARKS = {"better": "▲", "worse": "▼", "equivalent": "=", "indecisive": " "}


def sheets(document: ContestDocument | ContestReached) -> list[Part]:
    """Its figures; of a comparison that was stopped, why."""
    if "improvers" in document:
        return [*failed_throughout(failing(document)), *figures(document)]
    return [Note(f"Stopped: {document['stopped']}", "unsure")] if "stopped" in document else []


def failing(document: Mapping[str, Any]) -> list[str]:
    """The improvers of which every run failed."""
    return [one["name"] for one in document.get("improvers", ()) if one["failed"] == 1]


def figures(found: ContestFigures) -> list[Part]:
    """Scores, differences to the first improver, prices, scores by task, notes."""
    first, *others = found["improvers"]
    against = [(one["name"], one["against_first"]) for one in others if one["against_first"]]
    parts: list[Part] = [*_in_words(found, first["name"], against), _scores(found)]
    if against:
        parts.append(_differences(first["name"], against))
    if any(one.get("against_start") for one in found["improvers"]):
        watched = any(one["p_holm"] is None for _, one in against)
        how = (
            "confidence sequences, for all claims at once"
            if watched
            else "95 %, or more where several were judged (Holm)"
        )
        parts.append(Note(f"Intervals are those of the level each claim was judged at: {how}."))
    parts += [_prices(found["improvers"]), _by_task(found)]
    parts += looks_and_headroom(found.get("earlier_looks", ()), found.get("little_headroom", ()), found["tasks"])
    return [*parts, *(Note(f"Note: {note}") for note in found["notes"])]


def _in_words(found: ContestFigures, first: str, against: Sequence[tuple[str, AgainstFirst]]) -> list[Note]:
    """What came of it, in plain sentences: what is no better than the start solutions, then who is better than the first."""
    if not all("against_start" in one for one in found["improvers"]):  # documents of earlier versions
        return []
    starts = [(one["name"], one["against_start"]["kind"]) for one in found["improvers"]]
    kinds = [(name, one["kind"]) for name, one in against]
    sentences = [
        ("Worse than the start solutions", [name for name, kind in starts if kind == "worse"]),
        ("Not shown to be better than the start solutions", [name for name, kind in starts if kind == "indecisive"]),
        (f"Better than {first}", [name for name, kind in kinds if kind == "better"]),
        (f"Worse than {first}", [name for name, kind in kinds if kind == "worse"]),
        (f"As good as {first}", [name for name, kind in kinds if kind == "equivalent"]),
    ]
    said = [f"{words}: {', '.join(names)}." for words, names in sentences if names]
    left = [
        f"{name} ({why})" if (why := one.get("why")) else name for name, one in against if one["kind"] == "indecisive"
    ]
    said += [f"Nothing is shown against {first} of {', '.join(left)}."] if left else []
    return [Note(one, style="heading") for one in said]


def _scores(found: ContestFigures) -> Sheet:
    size = f"{counted(len(found['tasks']), 'task')} × {counted(found['repetitions'], 'repetition')}"
    judged = all("against_start" in one for one in found["improvers"])  # documents of earlier versions have none
    columns = (
        Column("improver"),
        Column("mean [as judged]" if judged else "mean [95 %]", "score"),
        *([Column("than start")] if judged else []),
        Column("IQM [95 %]", "score"),
        Column("answers", "mean", "right"),
        Column("failed", "share", "right"),
    )
    rows: list[list[Cell]] = [
        [
            one["name"],
            figure(one["against_start"] if judged else one["test"]),
            *([claim(one["against_start"])] if judged else []),
            figure(one["iqm"]),
            one["usage"]["responses"],
            one["failed"],
        ]
        for one in found["improvers"]
    ]
    return Sheet(f"Test split: {size} (0 = start solution, 1 = reference best)", columns, rows)


def _differences(first: str, against: Sequence[tuple[str, AgainstFirst]]) -> Sheet:
    unseen = any((one := verdict["unseen_tasks"]) and one["low"] is not None for _, verdict in against)
    columns = (
        Column("improver"),
        Column("difference [as judged]", "gain"),
        Column("verdict"),
        Column("p (Holm)", "score", "right"),
        Column("beaten", "probability", "right"),
        *([Column("on unseen tasks")] if unseen else []),
    )
    rows: list[list[Cell]] = [
        [
            name,
            figure(one),
            claim(one),
            one["p_holm"],
            one["probability"]["mean"],
            *([claim(one["unseen_tasks"])] if unseen else []),
        ]
        for name, one in against
    ]
    return Sheet(f"Against {first}, paired: {against[0][1]['about']} (beaten: how probably)", columns, rows)


def claim(verdict: PlainVerdict | None) -> Words | None:
    """What a verdict says, in its tone."""
    return verdict and Words(verdict["kind"], TONES[verdict["kind"]])


def _prices(improvers: Sequence[EntrantFigures]) -> Sheet:
    columns = (
        Column("improver"),
        Column("answers", "mean", "right"),
        Column("tokens", "tokens", "right"),
        Column("$", "money", "right"),
    )
    prices = [(one["name"], one["cost_per_gain"]) for one in improvers]
    rows = [[name, one["responses"], one["tokens"], one["dollars"]] for name, one in prices]
    return Sheet("What a gain of 0.1 over the start solution costs", columns, rows)


def _by_task(found: ContestFigures) -> Sheet:
    judged = any((against := one["against_first"]) and against["per_task"] for one in found["improvers"])
    title = "By task (▲ better, ▼ worse than the first, = equivalent)" if judged else "By task"
    columns = [Column("improver"), *(Column(task, "score", "right") for task in found["tasks"])]
    rows = [[one["name"], *(_task(one, task) for task in found["tasks"])] for one in found["improvers"]]
    return Sheet(title, columns, rows, parts=True)


def _task(one: EntrantFigures, task: str) -> str:
    verdicts = (one["against_first"] and one["against_first"]["per_task"]) or {}
    mark = _MARKS[verdicts[task]["kind"]] if task in verdicts else " "  # of too little headroom there is no verdict
    own = one["per_task"][task]
    failed = f" ({own['failed']:.0%} failed)" if own.get("failed") else ""
    return f"{number(own['mean'])}{failed} {mark}"


def series(document: ContestFigures) -> Series:
    """The means with their intervals."""
    tasks = ", ".join(document["tasks"]) if len(document["tasks"]) < 5 else f"{len(document['tasks'])} tasks"
    title = f"{tasks}, {counted(document['repetitions'], 'repetition')}"
    return Series(title, "0 = start, 1 = reference best", bars(document))


def bars(found: ContestFigures) -> list[Bar]:
    """The means of all improvers."""
    tests = [(one["name"], one["test"]) for one in found["improvers"]]
    return [Bar(name, Figure(one["mean"], one["low"], one["high"])) for name, one in tests]


def rows(document: ContestFigures) -> str:
    """The single improver runs of a comparison as CSV, one to a line."""
    out = io.StringIO()
    writer = csv.DictWriter(out, [*document["cells"][0]], lineterminator="\n")
    writer.writeheader()
    writer.writerows(document["cells"])
    return out.getvalue()
