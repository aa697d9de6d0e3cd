"""Sheets as tables for a terminal."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass

from rich import box
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.panel import Panel as Frame
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text as Line

from selftaught.views.sheets import Cell, Column, Listing, Note, Panel, Part, Sheet, Text, Tone, Words, as_words
from selftaught.views.terminal import clean

_STYLES: dict[Tone, str] = {
    "plain": "",
    "good": "green",
    "bad": "red",
    "unsure": "yellow",
    "same": "cyan",
    "mark": "cyan",
}
_NOTES = {"plain": "", "heading": "bold", "question": "italic"}
_BAR = 8
"""Characters of the longest bar."""
_WORD = 16
"""Characters of a word that are kept together."""
_BETWEEN, _AROUND = 3, 2
"""Columns of a terminal between two cells, and around a row."""
_ABREAST = 5
"""Columns of a sheet that is shown in parts, besides its first."""


def show(parts: Sequence[Part]) -> None:
    """Draw sheets on standard output, always cleaned: `--json` gives the exact texts."""
    Console(emoji=False).print(drawn(parts))


def drawn(parts: Sequence[Part]) -> RenderableType:
    """Sheets, one below the other. All text in them is cleaned."""
    return Group(*(one for part in parts for one in _part(part)))


def _part(part: Part) -> Generator[RenderableType]:
    match part:
        case Sheet():
            yield from _sheet(part)
        case Panel():
            text = Line("\n").join(_line(one) for one in part.lines)
            yield Frame(text, title=clean(part.title), title_align="left", expand=False)
        case Note():
            yield Line(clean(part.text), f"{_NOTES[part.style]} {_STYLES[part.tone]}".strip())
        case Listing():
            yield Syntax(clean(part.diff), "diff", word_wrap=True)


def _line(words: Text) -> Line:
    line = Line()
    for one in words:
        line.append(clean(one.text), _style(one))
    return line


def _style(words: Words) -> str:
    return f"{'bold ' if words.strong else ''}{_STYLES[words.tone]}".strip()


def _sheet(sheet: Sheet) -> Generator[RenderableType]:
    if not sheet.parts:
        yield from _table(sheet, range(len(sheet.columns)))
        return
    for i in range(1, len(sheet.columns), _ABREAST):
        yield from _table(sheet, [0, *range(i, min(i + _ABREAST, len(sheet.columns)))])


def _table(sheet: Sheet, which: Sequence[int]) -> Generator[RenderableType]:
    """Some columns of a sheet. Its title is a line of its own: it may be wider than the table."""
    if sheet.title:
        yield Line(clean(sheet.title), "bold")
    columns = [sheet.columns[i] for i in which]
    yield _Fitting(columns, [[_cell(row[i], sheet.columns[i]) for i in which] for row in sheet.rows])


@dataclass(frozen=True)
class _Fitting:
    """A table; where it would have to cut cells off, its rows as lines one below the other."""

    columns: Sequence[Column]
    rows: Sequence[Sequence[Line]]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        named = any(one.name for one in self.columns)
        if not named or self._needs() <= options.max_width:
            yield self._table(named)
            return
        for row in self.rows:
            yield Line()
            yield from (self._field(*one) for one in zip(self.columns, row, strict=True) if one[1])
        yield Line()

    def _needs(self) -> int:
        """The width below which a cell that stands on one line would be cut off, or a word broken."""
        cells = [(one, [Line(clean(one.name)), *(row[i] for row in self.rows)]) for i, one in enumerate(self.columns)]
        widths = [max(_width(cell, column.whole) for cell in own) for column, own in cells]
        return sum(widths) + _BETWEEN * (len(widths) - 1) + _AROUND

    def _table(self, named: bool) -> Table:
        table = Table(box=box.SIMPLE_HEAD if named else None, show_header=named, pad_edge=False, padding=(0, 1))
        for one in self.columns:
            table.add_column(Line(clean(one.name)), justify=one.align, no_wrap=one.whole, overflow="fold")
        for row in self.rows:
            table.add_row(*row)
        return table

    def _field(self, column: Column, cell: Line) -> Line:
        return Line.assemble((f"  {clean(column.name)}: ", "dim") if column.name else "  ", cell)


def _width(cell: Line, whole: bool) -> int:
    """What a cell needs: all of it, or its longest word, of which very long ones are broken anyway."""
    pieces = cell.plain.split("\n") if whole else [word[:_WORD] for word in cell.plain.split()]
    return max((cell_len(piece) for piece in pieces), default=0)


def _cell(cell: Cell, column: Column) -> Line:
    if column.kind == "bar":
        return Line("█" * round(_BAR * cell) if isinstance(cell, float) else "", _STYLES["mark"])
    words = as_words(cell, column.kind)
    return Line(clean(words.text), _style(words))
