"""A run's document as tables for a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich import box
from rich.console import Group, RenderableType
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

STYLES = {"better": "green", "worse": "red", "indecisive": "yellow", "equivalent": "cyan"}
_BAR = 12
_WIDTH = 78
"""Titles up to this length stand on one line, however narrow their table is."""
_ARMS = {"seed": "seed", "best_of_n": "best-of-n", "sham": "sham", "frozen": "frozen", "improved": "improved"}
_SHAMS = 5
"""From so many improvers the sham is drawn, where there are as many."""
_PARTS = {
    "gain": "gain (improved − seed)",
    "more_answers": "  more answers (best-of-n − seed)",
    "better_search": "  better search (improved − best-of-n)",
    "self_application": "self-application (improved − frozen worker)",
    "selection": "selection (improved − sham)",
    "gain_unseen": "gain on unseen tasks like these",
}


_AGAINST = {
    "against_seed": "the seed improver",
    "against_best_of_n": "best-of-n at equal answers",
    "against_frozen": "the recursion with a frozen worker",
    "against_sham": "the sham, unselected proposals",
}


def run(document: Mapping[str, Any]) -> RenderableType:
    """Rounds, arms, the parts of the gain and the verdict; of a run that was stopped, the rounds it reached, if any."""
    if "arms" not in document:
        stopped = Text(f"Stopped: {document['stopped']}", style="yellow")
        return Group(rounds(document["rounds"]), stopped) if "rounds" in document else stopped
    tables = rounds(document["rounds"]), arms(document), parts(document["gain"])
    found = document.get("discovery")
    said = [Text(f"Finding it used {found['answers']:,} answers, {found['said']}.")] if found else []
    if document["arms"]["improved"]["improver"] == document["arms"]["seed"]["improver"]:
        said.append(Text("The recursion kept the seed improver: improved and seed are the same program.", "yellow"))
    said += few_shams(document["arms"])
    return Group(*tables, verdict(document["verdict"]), *said)


def few_shams(arms: Mapping[str, Any]) -> list[Text]:
    """A note where the sham is of fewer improvers than it is meant to be."""
    count = len(arms["sham"]["improvers"]) if "sham" in arms else _SHAMS
    if count >= _SHAMS:
        return []
    return [Text(f"The sham is of {counted(count, 'improver')}, not {_SHAMS}: it says little of unselected proposals.")]


def rounds(found: Sequence[Mapping[str, Any]]) -> Table:
    """One row per round: the improver after it, then what was proposed in it. Round 0 is the seed improver."""
    table = grid("Rounds (meta-utility: 0 = start solution, 1 = reference best)")
    for name in ("round", "improver", "test [95 %]"):
        table.add_column(name, justify="right" if name == "round" else "left", no_wrap=True)
    table.add_column("proposed: train, validation")
    table.add_column("what happened")
    for one in found:
        table.add_row(
            str(one["round"]),
            one["improver"][:8],
            figure(one["test"]),
            f"{number(one.get('proposal_train'))}, {number(one.get('proposal_validation'))}" if one["round"] else "",
            _happened(one),
        )
    return table


def _happened(one: Mapping[str, Any]) -> str:
    """What a round came to: how much better the proposal was on validation, or why there was none to judge."""
    before, after = one.get("incumbent_validation"), one.get("proposal_validation")
    if before is None or after is None:
        return escape(one["reason"])
    gain = number(after - before, sign=True)
    return f"[green]accepted[/] {gain}" if one["accepted"] else f"kept old {gain}"


def arms(document: Mapping[str, Any]) -> Table:
    """One row per arm on the test split."""
    found = document["arms"]
    tasks = found["seed"]["per_task"].keys()
    known = len(tasks & set(document["tasks"]))
    seen = f"{known} of them the recursion's own, on fresh instances" if known else "none of which the recursion saw"
    table = grid(f"Test split ({counted(len(tasks), 'task')}, {seen}; means per improver run)")
    for name in ("arm", "test [95 %]", "", "answers", "scorings", "failed"):
        table.add_column(name, justify="left" if name in ("arm", "test [95 %]", "") else "right", no_wrap=True)
    best = max(0.0, *(arm["test"]["mean"] for arm in found.values()))
    for name, title in _ARMS.items():
        if name not in found:
            continue
        arm = found[name]
        table.add_row(
            f"{title} of {len(arm['improvers'])}" if name == "sham" else title,
            figure(arm["test"]),
            _bar(arm["test"]["mean"], best),
            f"{arm['responses']:.1f}",
            f"{arm['scorings']:.1f}",
            f"{100 * arm['failed']:.0f} %",
        )
    return table


def _bar(value: float, most: float) -> str:
    """A bar of at most `_BAR` characters; nothing for what is not above 0."""
    return "[cyan]" + "█" * max(0, round(_BAR * value / most)) + "[/]" if most > 0 else ""


def parts(gain: Mapping[str, Any]) -> Table:
    """The gain and what it is made of, each paired by (task, repetition)."""
    table = grid("What the gain is made of (paired differences)")
    for name in ("part", "difference [95 %]", "pairs"):
        table.add_column(name, justify="right" if name == "pairs" else "left")
    for name, title in _PARTS.items():
        if name not in gain:
            continue
        table.add_row(title, figure(gain[name], sign=True), str(gain[name]["n"]))
    return table


def grid(title: str) -> Table:
    return Table(
        title=title,
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        padding=(0, 1),
        min_width=min(len(title), _WIDTH),
    )


def verdict(verdicts: Mapping[str, Any]) -> Panel:
    """What may be claimed."""
    text = Text()
    for name, against in _AGAINST.items():
        if name not in verdicts:
            continue
        one = verdicts[name]
        if text:
            text.append("\n")
        text.append(one["kind"], style=f"bold {STYLES[one['kind']]}")
        text.append(f" than {against}" if one["kind"] in ("better", "worse") else f" against {against}")
        shown = figure(one, sign=True) if one["low"] is not None else number(one["difference"], sign=True)
        text.append(f": {shown} ({one['about']}; {one['method']})")
    return Panel(text, title="Verdict", title_align="left", expand=False)


def counted(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


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
