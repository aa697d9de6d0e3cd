"""A run that is being worked on: what it is doing, from its last pulse, and what it has reached, from its document."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from selftaught.views import view_of
from selftaught.views.sheets import NONE, Cell, Column, Note, Part, Sheet, Words

if TYPE_CHECKING:
    from selftaught.lab.progress import Pulse


def sheets(
    document: Mapping[str, Any], pulse: Pulse | None, quiet_s: float | None = None, died: bool = False
) -> list[Part]:
    """What it is doing, then what it has come to so far. `quiet_s`: how long ago it gave its last sign of life; `died`: nobody
    works on it any more.

    A run that was only just begun has no document yet: it is empty.
    """
    doing: list[Part] = [now(pulse, quiet_s, died)] if pulse else [Note("It has not yet said what it is doing.")]
    return doing + (view_of(document).sheets(document) if "settings" in document else [])


def now(pulse: Pulse, quiet_s: float | None = None, died: bool = False) -> Sheet:
    """What a run is doing, or was when it died, line by line."""
    counts = pulse["counts"]
    at_work, runs = counts.get("improver runs under way", 0), counts.get("improver runs", 0)
    answers, bought = counts.get("answers", 0), counts.get("answers bought", 0)
    under_way = "" if died else f"{counts.get('requests under way', 0):,} under way, "
    rows = [
        ("last" if died else "now", pulse["phase"] + _steps(pulse)),
        *([] if died else [("waits for", _waits(pulse))]),
        ("improvers", f"{runs:,} done" if died else f"{at_work:,} at work, {runs:,} done"),
        ("scorings", f"{counts.get('scorings', 0):,}"),
        ("answers", f"{answers:,}, of which {bought:,} new"),
        ("requests", f"{under_way}{counts.get('tokens', 0):,} tokens came in"),
        ("money", _money(pulse, 4)),
        ("best meta-utility so far", NONE if pulse["best"] is None else f"{pulse['best']:.3f}"),
        ("time", f"{pulse['elapsed_s']:.0f} s{'' if died else _left(pulse)}"),
        *([("model", note)] if (note := pulse.get("note")) else []),
        *([] if quiet_s is None else [("sign of life", f"{quiet_s:,.0f} s ago")]),
    ]
    return Sheet("", (Column(""), Column("")), [_row(*row) for row in rows])


def _row(name: str, said: str) -> list[Cell]:
    return [Words(name, strong=True), said]


def line(pulse: Pulse) -> str:
    """What a run is doing, in one line."""
    counts = pulse["counts"]
    best = "" if pulse["best"] is None else f" · best meta-utility so far {pulse['best']:.3f}"
    return (
        f"{pulse['elapsed_s']:5.0f} s{_left(pulse)} · {pulse['phase']}{_steps(pulse)} · waits for {_waits(pulse)} · "
        f"{counts.get('improver runs under way', 0)} improvers at work · "
        f"{counts.get('improver runs', 0):,} improver runs · {counts.get('scorings', 0):,} scorings · "
        f"{counts.get('answers', 0):,} answers · {_money(pulse, 2)}{best}"
    )


def _steps(pulse: Pulse) -> str:
    """How much of what is done now is done."""
    steps = pulse.get("steps")
    return f", {steps[0]:,} of {steps[1]:,} improver runs" if steps else ""


def _waits(pulse: Pulse) -> str:
    """What the run waits for: whoever has the answers, or the sandbox."""
    waiting = pulse["counts"].get("requests under way", 0)
    if waiting:
        return f"the model: {waiting:,} request{'' if waiting == 1 else 's'} under way"
    return "the sandbox: programs are run and scored"


def _left(pulse: Pulse) -> str:
    """How long it will probably still take."""
    left = pulse.get("left_s")
    if not left:
        return ""
    low, high = duration(left[0]), duration(left[1])
    return f", about {low} left" if low == high else f", {low} to {high} left"


def duration(seconds: float) -> str:
    """A time in words: seconds, minutes or hours."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def _money(pulse: Pulse, places: int) -> str:
    """What it has cost so far."""
    return "price unknown" if pulse["dollars"] is None else f"${pulse['dollars']:,.{places}f}"
