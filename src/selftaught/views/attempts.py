"""What programs tried that is not allowed them, or asked for in vain, as a sheet: the same for every kind of run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from selftaught.views.sheets import NONE, Cell, Column, Note, Part, Sheet, counted

if TYPE_CHECKING:
    from selftaught.evidence.attempts import AllTried, Tried, TriedBy
    from selftaught.sandbox import PlainAttempts

_LISTED = 12
"""Programs that are listed; the document has more of them."""
_NOTES = 2
"""Of what was noted within, how much is shown of a program."""
_LONG = 60
"""Characters of a note that are shown."""


def sheets(document: Mapping[str, Any]) -> list[Part]:
    """A row for each program and round, and how far it can be believed; nothing where nothing was tried."""
    found: AllTried | None = document.get("usage", {}).get("attempts")
    if found is None:
        return []
    parts: list[Part] = []
    if found["counted"] is False:
        said = "What programs tried was not counted outside: what is told comes from within them (see `selftaught doctor`)."
        parts.append(Note(said, "unsure"))
    if not found["programs"]:
        return parts
    columns = (
        Column("round", "count", "right", whole=True),
        Column("program", whole=True),
        Column("calls refused (counted outside)"),
        Column("noted within"),
        Column("asked for in vain"),
    )
    rows = found["programs"][:_LISTED]
    parts.append(Sheet("What programs tried in vain", columns, [_row(one) for one in rows]))
    parts.append(Note("`selftaught show RUN --program DIGEST` opens one of these."))
    if more := len(found["programs"]) - len(rows) + found["left_out"]:
        parts.append(Note(f"And {counted(more, 'program')} more; in all {_all(found)}."))
    return parts


def _row(one: TriedBy) -> list[Cell]:
    return [one["round"], f"{one['role']} {one['program'][:8]}", _counts(one["calls"]), _noted(one), _in_vain(one)]


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in counts.items()) or NONE


def _noted(one: Tried | PlainAttempts) -> str:
    shown = [f"{note['event']} {_short(note['what'])} (line {note['line']})" for note in one["noted"][:_NOTES]]
    more = len(one["noted"]) - len(shown)
    return "; ".join(shown + ([f"{more} more"] if more else [])) or NONE


def _short(text: str) -> str:
    return text if len(text) <= _LONG else f"{text[:_LONG]}…"


def _in_vain(one: Tried) -> str:
    """Beyond the allowance, keywords that change nothing, faults of the host."""
    beyond = {f"{name} beyond the budget": count for name, count in one["refused"].items()}
    return _counts(beyond | one["ignored"] | {_short(said): count for said, count in one["faults"].items()})


def _all(found: AllTried) -> str:
    return f"{counted(sum(found['calls'].values()), 'call')} refused, {_in_vain(found)} asked for in vain"


def in_words(one: PlainAttempts) -> str:
    """What one program tried, in a line."""
    return f"counted outside: {_counts(one['calls'] or {})}; noted within: {_noted(one)}"
