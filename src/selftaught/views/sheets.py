"""What is shown of a document, as plain values: computed first, drawn later by a terminal, a page or a picture.

Texts are exact here, whatever they hold: whoever shows them sees to it that they command nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, TypeAlias

Tone = Literal["plain", "good", "bad", "unsure", "same", "mark"]
"""What a text is meant to look like: a gain, a loss, nothing firm, no difference, a mark that leads the eye."""
Format = Literal["text", "score", "gain", "count", "mean", "tokens", "money", "share", "probability", "bar"]
"""What the cells of a column are: a `score` is on the common scale, a `gain` a difference of two, a `mean` one of counts;
shares, probabilities and the lengths of bars lie in [0, 1]."""
NONE = "–"
"""Stands where there is no figure."""


class Words(NamedTuple):
    """A piece of text and its tone."""

    text: str
    tone: Tone = "plain"
    strong: bool = False


class Figure(NamedTuple):
    """A mean or a difference with its interval, None where there is none."""

    value: float
    low: float | None
    high: float | None


Text: TypeAlias = Sequence[Words]
Cell: TypeAlias = "None | str | float | Figure | Words"


class Column(NamedTuple):
    """A column of a sheet."""

    name: str
    kind: Format = "text"
    align: Literal["left", "right"] = "left"
    whole: bool = False
    """Whether its cells stand on one line."""


@dataclass(frozen=True)
class Sheet:
    """A table."""

    title: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]
    parts: bool = False
    """Whether the columns after the first say the same of several things, and may be shown in parts."""


@dataclass(frozen=True)
class Panel:
    """A few lines that stand out."""

    title: str
    lines: Sequence[Text]


@dataclass(frozen=True)
class Note:
    """A sentence beside the tables."""

    text: str
    tone: Tone = "plain"
    style: Literal["plain", "heading", "question"] = "plain"


@dataclass(frozen=True)
class Listing:
    """The difference between two programs."""

    diff: str


Part: TypeAlias = Sheet | Panel | Note | Listing


class Bar(NamedTuple):
    """One row of a picture."""

    name: str
    figure: Figure


@dataclass(frozen=True)
class Series:
    """What a picture is drawn from: figures on one common axis."""

    title: str
    axis: str
    bars: Sequence[Bar]


# --- figures as text --------------------------------------------------------------------------------------------------


def figure(one: Mapping[str, Any] | None) -> Figure | None:
    """An interval or a verdict of a document as a figure."""
    if one is None:
        return None
    return Figure(one["mean"] if "mean" in one else one["difference"], one["low"], one["high"])


def number(value: float | None, sign: bool = False) -> str:
    return NONE if value is None else f"{value:+.3f}" if sign else f"{value:.3f}"


def interval(one: Figure, sign: bool = False) -> str:
    """A figure with its interval, as text."""
    if one.low is None:
        return f"{number(one.value, sign)} (no interval)"
    return f"{number(one.value, sign)} [{_end(one.low, sign)}, {_end(one.high, sign)}]"


def _end(value: float | None, sign: bool) -> str:
    """An end of an interval: which side of 0 it lies on is what a verdict says, so none is rounded to it."""
    if not value or abs(value) >= _SHOWN:
        return number(0.0 if value == 0 else value, sign)
    return f"{value:{'+' if sign else ''}.1g}"


_SHOWN = 0.0005
"""What is smaller would be rounded to 0."""


def counted(count: int, what: str) -> str:
    """So many of them, in words."""
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"


def looks_and_headroom(looks: Sequence[str], narrow: Sequence[str], tasks: Collection[str]) -> list[Note]:
    """What of a document's test set keeps figures from being believed at once."""
    notes = [Note(f"Earlier look at the same test set: {one}", "unsure") for one in looks]
    if narrow and set(narrow) < set(tasks):
        notes.append(Note(f"Too little to gain to stand in any mean: {', '.join(narrow)}.", "unsure"))
    elif narrow:
        said = "Too little to gain on any of these tasks: one lucky answer outweighs all else in every mean and interval here."
        notes.append(Note(said, "unsure"))
    return notes


NOTHING = "where nothing was handed in before, its figures are those of the start solutions"
"""What is left of an improver whose every run failed."""


def failed_throughout(names: Sequence[str], left: str = NOTHING) -> list[Note]:
    """What comes before anything else: of these every run failed, and what is left of them."""
    return [Note(f"{name}: every improver run failed: {left}.", "bad") for name in names]


_FORMATS: Mapping[Format, str] = {
    "score": "{:.3f}",
    "gain": "{:+.3f}",
    "count": "{:,}",
    "mean": "{:,.1f}",
    "tokens": "{:,.0f}",
    "money": "{:,.4f}",
    "share": "{:.0%}",
    "probability": "{:.2f}",
}


def as_words(cell: Cell, kind: Format) -> Words:
    """A cell as text. Bars are for whoever draws them: they have none."""
    if isinstance(cell, Words):
        return cell
    if isinstance(cell, Figure):
        return Words(interval(cell, kind == "gain"))
    if cell is None:
        return Words(NONE)
    return Words(cell) if isinstance(cell, str) else Words(_FORMATS[kind].format(cell).replace("%", " %"))
