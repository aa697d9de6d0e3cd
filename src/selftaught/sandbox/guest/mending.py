"""Python as models write it: parsed within bounds, mended where only its dress is wrong, and asked what it defines.

A text that is Python as it stands is never changed.
"""

from __future__ import annotations

import ast
import builtins
import html
import json
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

MAX_CHARS = 100_000
"""Longer texts are no programs."""
_WORK, _WORK_EACH, _MOST_WORK = 400_000, 4, 2_000_000
"""Characters that may be parsed for one answer: so many, and so many for each of its own, but never more."""
_WORK_LEAST = 200
"""What a shorter text counts as."""

_FILLERS = "\u115f\u1160\u3164\uffa0"
"""Letters of no width or no ink, which Python takes for parts of names."""
_SPACES = dict.fromkeys(
    (0xA0, 0x1680, *range(0x2000, 0x200B), 0x202F, 0x205F, 0x2800, 0x3000, *map(ord, _FILLERS)), " "
)
_BREAKS = dict.fromkeys((0x85, 0x2028, 0x2029), "\n")
_UNSEEN = dict.fromkeys(
    (
        *range(0x09), *range(0x0B, 0x0D), *range(0x0E, 0x20), *range(0x7F, 0x85), *range(0x86, 0xA0), 0xAD, 0x34F,
        0x61C, 0x17B4, 0x17B5,
        *range(0x180B, 0x1810), *range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2070), *range(0xFE00, 0xFE10),
        0xFEFF, *range(0xFFF9, 0xFFFD), *range(0x1D173, 0x1D17B), *range(0xE0000, 0xE01F0),
    ),
    "",
)  # fmt: skip
"""Marks of direction, variation and language, controls: nothing that is seen."""
_MOST_QUOTED = 4
_STRANGE = _SPACES | _BREAKS | _UNSEEN
_JOINED = _STRANGE | dict.fromkeys(_BREAKS, "")
DRESSED = " \t>" + "".join(map(chr, _SPACES | _UNSEEN))
"""What may stand before a fence."""
_TERMINAL = re.compile(r"\x1b(?:\[[0-9;?]{0,20}[A-Za-z]|\][^\x07\n]{0,200}\x07)")
_QUOTES = dict.fromkeys(map(ord, "\u201c\u201d\u201e\u201f\u00ab\u00bb\u2033\uff02"), '"') | dict.fromkeys(
    map(ord, "\u2018\u2019\u201a\u201b\u2032\u00b4\uff07"), "'"
)
_WIDE = {0xFF01 + i: chr(0x21 + i) for i in range(94)} | {
    0x3001: ",", 0x3002: ".", 0x3010: "[", 0x3011: "]", 0x2010: "-", 0x2011: "-", 0x2012: "-", 0x2013: "-", 0x2014: "-",
    0x2212: "-",
    0xD7: "*", 0x2217: "*", 0xF7: "/", 0x2215: "/", 0x2264: "<=", 0x2265: ">=", 0x2260: "!=", 0x2192: "->", 0x2026: "...",
    0xFE50: ",", 0xFE55: ":", 0xFE59: "(", 0xFE5A: ")",
}  # fmt: skip
"""What looks like a sign of Python, and is none."""
_LITERAL = re.compile(
    r"(?s)\"{3}(?:\\.|[^\\])*?(?:\"{3}|\\?\Z)|'{3}(?:\\.|[^\\])*?(?:'{3}|\\?\Z)"
    r"|\"(?:\\.|[^\"\\\n])*(?:\"|\\?(?=\n|\Z))|'(?:\\.|[^'\\\n])*(?:'|\\?(?=\n|\Z))|\#[^\n]*"
)
"""A string or a remark, whole or not: never two beginnings of one length, so that looking for them is linear."""
_PROMPT = re.compile(r"[ \t]{0,8}(?:>>>|\.\.\.|In \[\d{1,5}\]:|\.\.\.:)(?: |$)")
_ENTITY = re.compile(r"&(?:lt|gt|amp|quot|apos|nbsp|#\d{1,5}|#x[0-9a-fA-F]{1,4});")
_ENTITY_NAMES = {"lt", "gt", "amp", "quot", "apos", "nbsp"}
NUMBER = re.compile(r"[ \t]{0,8}[L\[(]?\d{1,5}(?:\t|[ ]{0,3}\]?[|:.)│→\]]|(?=[ \t]|$))")
LINE_MARKS = frozenset(">|-*+•·┃│")
"""What may stand before every line of a text."""
_DIFF = ("+++ ", "--- ", "@@", "*** ", "diff --git ", "index ", "new file mode")
_LABEL = re.compile(r"python3?|py|\{code(?::[^{}\n]{1,40})?\}|`{1,2}|\$\$|«|»", re.IGNORECASE)
"""A line that only says that code begins, or that it has ended."""
_BREAK = re.compile(r"<br ?/?>\n?")
_BUILTIN = {*dir(builtins), "__name__", "__file__", "__doc__"}

_parser = threading.Lock()
"""Some versions of CPython fail at random when threads build syntax trees at once (cpython issue 106905)."""


class Parser:
    """Syntax trees for one answer, each made once, until the work is worth no more: then nothing parses any longer."""

    def __init__(self, size: int) -> None:
        """`size`: characters of the answer."""
        self._left = min(_WORK + _WORK_EACH * size, _MOST_WORK)
        self._trees: dict[str, ast.Module | None] = {}

    def affords(self, size: int) -> bool:
        """Whether a text of so many characters may still be parsed."""
        return size <= min(MAX_CHARS, self._left)

    def tree(self, text: str) -> ast.Module | None:
        if text not in self._trees:
            affordable = self.affords(len(text))
            self._left -= min(max(len(text), _WORK_LEAST), MAX_CHARS)
            self._trees[text] = _parsed(text) if affordable else None
        return self._trees[text]

    def is_program(self, text: str) -> bool:
        """Python that defines, assigns or imports something: a line of prose may well parse, but it does neither."""
        tree = self.tree(text)
        return tree is not None and any(isinstance(node, _PROGRAMS) for node in ast.walk(tree))

    def mended(self, text: str) -> str | None:
        """The text as a program, with its dress taken off where that is what keeps it from being one; None: it is none."""
        for reading in _readings(text) if self.affords(len(text)) else ():
            if self.is_program(reading) and not self._escaped(reading):
                return self._wordless(reading)
        return None

    def wrong_at(self, text: str) -> int:
        """The line, counted from 1, at which a text turns out to be no Python; 0 where that is not known."""
        if not self.affords(len(text)):
            return 0
        self._left -= max(len(text), _WORK_LEAST)
        return _wrong_at(next(_readings(text)))

    def without_words(self, text: str) -> int:
        """How many lines a program has before last words that are Python by accident."""
        tree = self.tree(text)
        return _coded(tree, text.count("\n") + 1)[1] if tree is not None else text.count("\n") + 1

    def _wordless(self, text: str) -> str:
        """A program without first and last words that are Python by accident."""
        tree, lines = self.tree(text), text.split("\n")
        first, last = _coded(tree, len(lines)) if tree is not None else (0, len(lines))
        return text if (first, last) == (0, len(lines)) else "\n".join(lines[first:last]).strip("\n") + "\n"

    def _escaped(self, text: str) -> bool:
        """Whether `&lt;` was read as an operation on a name, or what looks like a space as a letter."""
        entities, filled = _ENTITY.search(text), any(one in text for one in _FILLERS)
        tree = self.tree(text) if entities or filled else None
        missing = unbound(tree) if tree is not None else set[str]()
        names = missing & _ENTITY_NAMES if entities else {name for name in missing if not name.isascii()}
        return any(entities or not {*name}.isdisjoint(_FILLERS) for name in names)


_PROGRAMS = (
    ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Assign, ast.AnnAssign, ast.Import, ast.ImportFrom,
)  # fmt: skip


def _parsed(text: str) -> ast.Module | None:
    try:
        with _parser:
            return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _wrong_at(text: str) -> int:
    try:
        with _parser:
            ast.parse(text)
    except SyntaxError as error:
        return error.lineno or 0
    except (ValueError, RecursionError, MemoryError):
        return 0
    return 0


def _coded(tree: ast.Module, lines: int) -> tuple[int, int]:
    """Before how many lines of a program there are only words, and after how many."""
    body, first = [*tree.body], 0
    if not (_wordy(body[0]) or _wordy(body[-1])):
        return 0, lines
    missing = unbound(tree)
    while len(body) > 1 and _accidental(body[-1], missing):
        lines = body.pop().lineno - 1
    for node in body[:-1]:
        if not _accidental(node, missing):
            break
        first = node.end_lineno or 0
    return first, lines


def _wordy(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) or (isinstance(node, ast.AnnAssign) and node.value is None)


def _accidental(node: ast.stmt, missing: set[str]) -> bool:
    """Whether a statement is only words, and one of them means nothing to the program."""
    parts = [*ast.walk(node)] if _wordy(node) else []
    named = any(isinstance(one, ast.Name) and one.id in missing for one in parts)
    return named and not any(isinstance(one, ast.Call) for one in parts)


def literal(text: str) -> Any:
    """The plain data that a text of Python stands for. Raises as `ast.literal_eval` does."""
    with _parser:
        return ast.literal_eval(text)


def _readings(text: str) -> Iterator[str]:
    """The text as it stands, then with one kind of dress after the other taken off, each from what was left."""
    text = _unlabelled(text.strip("\n")) + "\n"
    yield text
    for mend in _MENDS:
        changed = mend(text)
        if changed != text:
            changed = changed.strip("\n") + "\n"
            yield changed
            text = text if mend in _ASIDE else changed


def _unlabelled(text: str) -> str:
    """Without a line before and one after it that are no code, though the first may parse as a name."""
    first, _, rest = text.partition("\n")
    text = rest.strip("\n") if rest and _LABEL.fullmatch(first.strip()) else text
    rest, _, last = text.rpartition("\n")
    return rest.rstrip("\n") if rest and _LABEL.fullmatch(last.strip()) else text


def dedented(text: str) -> str:
    """Without the margin that all lines have."""
    lines = text.split("\n")
    margins = [len(line) - len(line.lstrip(" \t\u00a0\u3000")) for line in lines if line.strip()]
    cut = min(margins, default=0)
    return "\n".join(line[cut:] if line.strip() else "" for line in lines) if cut else text


def _unquoted(text: str) -> str:
    """Without the marks of a quotation, if every line has one, and of one within it."""
    for _ in range(_MOST_QUOTED):
        bare = _once_unquoted(text)
        if bare == text:
            break
        text = bare
    return text


def _once_unquoted(text: str) -> str:
    lines = text.strip("\n").split("\n")
    marks = {line.lstrip(" \t")[:1] for line in lines if line.strip()}
    if len(marks) != 1 or not marks <= LINE_MARKS or _PROMPT.match(text):
        return text
    cut = [line.strip(" \t")[1:] if line.strip() else "" for line in lines]
    if marks == {"|"} and all(line.endswith("|") for line in cut if line):
        cut = [line[:-1].rstrip() for line in cut]
    spaced = all(line.startswith(" ") or not line for line in cut)
    return "\n".join(line[1:] if spaced else line for line in cut)


def _outside(text: str, change: Callable[[str], str]) -> str:
    """The text changed where it is neither a string nor a remark."""
    pieces: list[str] = []
    place = 0
    for kept in _LITERAL.finditer(text):
        pieces += (change(text[place : kept.start()]), kept[0])
        place = kept.end()
    return "".join([*pieces, change(text[place:])])


def _joined_code(text: str) -> str:
    """Breaks that are none of Python's, within a word."""
    return _outside(text, lambda code: _TERMINAL.sub("", code).translate(_JOINED)) if _odd(text) else text


def _plain_code(text: str) -> str:
    return _outside(text, lambda code: _TERMINAL.sub("", code).translate(_STRANGE)) if _odd(text) else text


def plain_spaces(text: str) -> str:
    """The text with Python's own spaces and breaks, and nothing that is not seen."""
    return _TERMINAL.sub("", text).translate(_STRANGE)


def _odd(text: str) -> bool:
    return text.translate(_STRANGE) != text


def _straight(text: str) -> str:
    """Typographic quotes that stand for those of Python."""
    return _outside(text, lambda code: code.translate(_QUOTES))


def _narrow(text: str) -> str:
    """Brackets and signs of another width or writing."""
    return text if text.isascii() else _outside(text, lambda code: code.translate(_WIDE))


def _only_code(text: str) -> str:
    return _plain_code(text)


def _mild(text: str) -> str:
    return _narrow(_straight(_plain_code(text)))


def _tabs_of_four(text: str) -> str:
    return _untabbed(text, 4)


def _tabs_of_eight(text: str) -> str:
    return _untabbed(text, 8)


def _untabbed(text: str, size: int) -> str:
    """Tabs before a line as spaces, where some lines have these instead."""
    lines = text.split("\n")
    if not any(line.startswith(" ") for line in lines):
        return text
    margins = [len(line) - len(line.lstrip(" \t")) for line in lines]
    return "\n".join(line[:cut].expandtabs(size) + line[cut:] for cut, line in zip(margins, lines, strict=True))


def _unprompted(text: str) -> str:
    """What was typed at a prompt, without what was answered."""
    if not _PROMPT.match(text.lstrip("\n")):
        return text
    typed = [(line, mark) for line in text.split("\n") if (mark := _PROMPT.match(line))]
    return "\n".join(line[mark.end() :] for line, mark in typed)


def _unescaped(text: str) -> str:
    text = _outside(text, lambda code: _BREAK.sub("\n", code)) if "\n" in text.strip() else _BREAK.sub("\n", text)
    return _plain_code(html.unescape(text)) if _ENTITY.search(text) else text


def _unnumbered(text: str) -> str:
    lines = text.strip("\n").split("\n")
    marks = [NUMBER.match(line) for line in lines]
    if len(lines) < 2 or not all(mark or not line.strip() for mark, line in zip(marks, lines, strict=True)):
        return text
    return dedented("\n".join(line[mark.end() :] if mark else "" for mark, line in zip(marks, lines, strict=True)))


def _replacing(text: str) -> str:
    """What is to stand in the place of something else, where both are given between marks of a conflict."""
    kept: list[str] = []
    taking = False
    for line in text.split("\n"):
        if line.startswith(("=" * 7, ">" * 7)):
            taking = line.startswith("=")
        elif taking:
            kept.append(line)
    return "\n".join(kept) if "<" * 7 in text and kept else text


def _added(text: str) -> str:
    """What a difference adds and leaves."""
    lines = [line for line in text.strip("\n").split("\n") if not line.startswith(_DIFF)]
    if not any(line.startswith("+") for line in lines):
        return text
    if not all(line[:1] in {"+", "-", " ", ""} for line in lines):
        return text
    return "\n".join(line[1:] for line in lines if not line.startswith("-"))


def _unmagical(text: str) -> str:
    """Without a notebook's own commands."""
    return "\n".join(line for line in text.split("\n") if not line.startswith(("%", "!")))


def _written_out(text: str) -> str:
    r"""Line breaks that were written as \n, where there are hardly others."""
    bare = text.strip().strip('"')
    if bare.count("\\n") < 1 or "\n" in bare:
        return text
    try:
        return str(json.loads(f'"{bare}"', strict=False))
    except ValueError:
        return bare.replace("\\n", "\n").replace("\\t", "\t").replace('\\"', '"')


_DRESS = (_unprompted, _unescaped, _unnumbered, _replacing, _added, _unmagical, _straight, _narrow)
_ASIDE = (_only_code, _joined_code, _mild, _tabs_of_four, _tabs_of_eight)
"""What the next mends do not go on from."""
_MENDS = (
    *(dedented, _unquoted, *_ASIDE, _plain_code, *_DRESS),
    *(plain_spaces, dedented, _unquoted, *_DRESS, _written_out),
)
"""The mildest first: strings and remarks are touched where nothing else has helped."""


def bound(node: ast.AST) -> Iterator[str]:
    """The names that a node itself gives a meaning."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield node.name
    elif isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
        yield node.id
    elif isinstance(node, ast.alias):
        yield (node.asname or node.name).partition(".")[0]
    elif isinstance(node, ast.arg):
        yield node.arg
    elif isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar) and node.name:
        yield node.name
    elif isinstance(node, ast.MatchMapping) and node.rest:
        yield node.rest


def defines(tree: ast.Module, name: str) -> bool:
    """Whether a program gives a name a meaning, below a condition too."""
    kinds = (ast.FunctionDef, ast.ClassDef, ast.Name, ast.alias)
    return any(isinstance(node, kinds) and name in bound(node) for node in ast.walk(tree))


def functions(tree: ast.Module) -> set[str]:
    """The functions and classes that a program defines outside of others."""
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    found: set[str] = set()
    for node in tree.body:
        below = [node, *ast.iter_child_nodes(node)] if isinstance(node, ast.If | ast.Try | ast.With) else [node]
        found |= {one.name for one in below if isinstance(one, kinds)}
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Lambda):
            found |= {name for target in node.targets for name in bound(target)}
    return found


def unbound(tree: ast.AST) -> set[str]:
    """The names that are used and nowhere given a meaning, so that something else has to."""
    used: set[str] = set()
    given: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            used.add(node.id)
        given.update(bound(node))
    return set() if "*" in given else used - given - _BUILTIN


def unended(tree: ast.Module) -> bool:
    """Whether the last function of a program may go on: it is the end of the text, and nothing ends the function."""
    body: Sequence[ast.AST] = tree.body
    inside, last = False, None
    while body:
        last = body[-1]
        inside = inside or isinstance(last, ast.FunctionDef | ast.AsyncFunctionDef)
        body = [one for one in ast.iter_child_nodes(last) if isinstance(one, ast.stmt | ast.ExceptHandler)]
    return inside and not isinstance(last, ast.Return | ast.Raise)


def hollow(tree: ast.Module, name: str | None) -> bool:
    """Whether a program is only a sketch: the function asked for (any, without a name) has no body."""
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    bodies = [node.body for node in ast.walk(tree) if isinstance(node, kinds) and name in {None, node.name}]
    return bool(bodies) and any(all(_says_nothing(one) for one in body) for body in bodies)


def _says_nothing(node: ast.stmt) -> bool:
    return isinstance(node, ast.Pass) or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
