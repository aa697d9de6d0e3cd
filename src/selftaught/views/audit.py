"""The document of an audit as sheets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from selftaught.views.attempts import in_words
from selftaught.views.sheets import NONE, Bar, Cell, Column, Figure, Note, Part, Series, Sheet, counted

if TYPE_CHECKING:
    from selftaught.evidence.circumvention import AuditFigures, PlainProposal, Rates
    from selftaught.evidence.overspent import Overspending
    from selftaught.evidence.statistics import PlainInterval

_LISTED = 12
_JUDGES = {"text": "the paper's rule", "tree": "tree", "behaviour": "behaviour"}
_CONDITIONS = {"plain": "without the warning", "warned": "with the warning"}


def sheets(document: Mapping[str, Any]) -> list[Part]:
    """Shares by judge and condition, what was reached for, where; of an audit that was stopped, also why."""
    parts: list[Part] = []
    if "conditions" in document:
        parts = _figures(document)  # pyright: ignore[reportArgumentType] - a document holds the figures
    if "stopped" in document:
        parts.append(Note(f"Stopped: {document['stopped']}", "unsure"))
    return parts


def _figures(found: AuditFigures) -> list[Part]:
    parts: list[Part] = [_shares(found), _kinds(found)]
    if found["flagged"]:
        parts.append(_places(found))
    if more := len(found["flagged"]) - _LISTED + found["left_out"]:
        parts += [Note(f"And {counted(more, 'proposal')} more.")] if more > 0 else []
    said = ", ".join(f"{_JUDGES[judge]} {p:.2g}" for judge, p in found["warning_p"].items())
    parts.append(Note(f"Does the warning make a difference? p by Fisher's exact test: {said}."))
    return parts


def _shares(found: AuditFigures) -> Sheet:
    columns = (Column("condition"), Column("proposals", "count", "right"), Column("programs", "count", "right"))
    judges = tuple(Column(f"{said}, %", align="right") for said in _JUDGES.values())
    rows: list[list[Cell]] = [_row(one) for one in found["conditions"]]
    for one in found["paper"]:
        share = f"{one['percent']:.2f} ({one['low']:.2f} to {one['high']:.2f})"
        rows.append([f"{one['model']} in the paper, {_CONDITIONS[one['condition']]}", 10_000, None, share, None, None])
    return Sheet("Proposals that reach out, with Wilson's 95 % intervals", (*columns, *judges), rows)


def _row(one: Rates) -> list[Cell]:
    shares = [_percent(one["judges"][judge]) for judge in _JUDGES]
    return [_CONDITIONS[one["condition"]], one["proposals"], one["programs"], *shares]


def _percent(share: PlainInterval) -> str:
    if share["low"] is None or share["high"] is None:
        return f"{100 * share['mean']:.2f}"
    return f"{100 * share['mean']:.2f} ({100 * share['low']:.2f} to {100 * share['high']:.2f})"


def _kinds(found: AuditFigures) -> Sheet:
    kinds = dict.fromkeys(k for one in found["conditions"] for k in (*one["tree_kinds"], *one["behaviour_kinds"]))
    columns = [Column("kind")]
    for one in found["conditions"]:
        columns += [Column(f"{how}, {one['condition']}", "count", "right") for how in ("tree", "behaviour")]
    rows: list[list[Cell]] = []
    for kind in kinds:
        row: list[Cell] = [kind]
        for one in found["conditions"]:
            row += [one["tree_kinds"].get(kind, 0), one["behaviour_kinds"].get(kind, 0)]
        rows.append(row)
    return Sheet("Proposals by kind of what they reach for", columns, rows)


def _places(found: AuditFigures) -> Sheet:
    columns = (
        Column("proposal", "count", "right", whole=True),
        Column("condition", whole=True),
        Column("text rule", whole=True),
        Column("tree: kind, line, what"),
        Column("tried when run"),
    )
    return Sheet("Flagged proposals", columns, [_place(one) for one in found["flagged"][:_LISTED]])


def _place(one: PlainProposal) -> list[Cell]:
    tree = "; ".join(f"{place['kind']} (line {place['line']}): {place['what']}" for place in one["tree"][:3])
    tried = ", ".join(one["behaviour"]["tried"]) if one["behaviour"] else ""
    return [one["number"], one["condition"], "yes" if one["text"] else "no", tree or NONE, tried or NONE]


def budgets(found: Overspending) -> list[Part]:
    """Attempts to go past budgets, one to a row."""
    columns = (
        Column("budget", whole=True),
        Column("way"),
        Column("allowed", align="right"),
        Column("given", align="right"),
        Column("refused", "count", "right"),
        Column("ended"),
    )
    rows: list[list[Cell]] = [
        [one["budget"], one["way"], f"{one['allowed']:g}", f"{one['given']:.4g}", one["refused"], one["ended"]]
        for one in found["attempts"]
    ]
    failed = sum(one["given"] <= one["allowed"] for one in found["attempts"])
    noted = sum(one["refused"] > 0 for one in found["attempts"])
    said = f"{failed} of {len(rows)} attempts failed, {noted} were counted."
    return [Sheet(f"Attempts to go past budgets (sandbox {found['sandbox']})", columns, rows), Note(said)]


def proposal(one: PlainProposal) -> list[Part]:
    """One proposal: by line what it reaches for, what it did when it was run, and what stops that."""
    columns = (Column("kind"), Column("line", "count", "right"), Column("what"))
    parts: list[Part] = [Note(f"Proposal {one['number']}, {_CONDITIONS[one['condition']]}", style="heading")]
    parts.append(Note(f"The paper's rule on the text flags it: {'yes' if one['text'] else 'no'}."))
    if one["tree"]:
        rows = [[place["kind"], place["line"], place["what"]] for place in one["tree"]]
        parts.append(Sheet("What its text reaches for", columns, rows))
    did = one["behaviour"]
    if did:
        tried = ", ".join(did["tried"]) or "nothing that can be seen"
        parts.append(
            Note(f"When it was run it tried {tried}; {in_words(did['denied'])}; it ended with {did['outcome']}.")
        )
        beyond = {**did["refused"], **did["ignored"]}
        if beyond:
            parts.append(
                Note("Asked for in vain: " + ", ".join(f"{name} {count:,}" for name, count in beyond.items()) + ".")
            )
    parts += [Note(f"{kind} is stopped by {layer}.") for kind, layer in one["stopped_by"].items()]
    return parts


def series(document: Mapping[str, Any]) -> Series:
    """The share that each judge flags, by condition."""
    bars = [
        Bar(f"{_JUDGES[judge]}, {one['condition']}", Figure(share["mean"], share["low"], share["high"]))
        for one in document["conditions"]
        for judge, share in one["judges"].items()
    ]
    return Series("Proposals that reach out of the sandbox", "share of proposals", bars)


def failing(document: Mapping[str, Any]) -> list[str]:  # noqa: ARG001 - as for every kind
    """Nothing is compared: nothing fails throughout."""
    return []
