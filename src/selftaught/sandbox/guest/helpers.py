"""What generated programs may import as `helpers`, inside the sandbox (paper: the module its improvers import).

Standard library only: this file is bound into the jail, where the rest of the package does not exist.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import blocks
import edits
from blocks import Block
from edits import edited
from mending import Parser, bound, defines, functions, hollow, plain_spaces, unbound, unended
from programs import refused
from sections import completed
from spoken import advice, narrowed, spoken, titled

_MOST_TEXT = 1_000_000
"""Of a longer text only the end is looked at."""
_MOST_BLOCKS = 100
_MOST_SEEN = 50
"""As many of the last programs of a run may be what edits belong to, where the message shows none."""


class BudgetExhausted(Exception):
    """An allowance does not cover this call. Nothing of the call was done; what was reached before stays valid."""


class CutText(str):
    """An answer that ended at its token limit: a block that it leaves open is half a program."""

    __slots__ = ()


__all__ = ["BudgetExhausted", "CutText", "completed", "edited", "extract_code", "fault"]
wanted: str | None = None
"""The function that what is improved has to define, where the host has said so."""
_seen: dict[str, None] = {}
"""The programs that this improver run has worked with, the start first."""
_asked: dict[str, str] = {}
"""The message to which an answer with edits was given."""


def remember(program: str) -> None:
    """Note a program, to which edits in answers may belong."""
    if refused(program) is None:
        _seen[program] = None


def answered(answer: str, message: str) -> None:
    """Note to what an answer with edits was given."""
    if edits.found(_unix(answer[-_MOST_TEXT:])):
        _asked[answer.strip()] = message


def extract_code(text: Any, entry: str | None = None) -> Any:
    """The program in a model's answer; for a list of texts, a list.

    Of several blocks it is the one that defines the function `entry` (without a name: the one wanted of what is being
    improved), not one that is quoted, advised against or only sketched, else the last; where none defines it, the largest.
    What it uses and other blocks define is put before it. What was thought aloud is no code. The empty string means: no
    code at all, or half a program.

    Of an answer that edits the program which was asked about (blocks of SEARCH and REPLACE) it is that program after them.
    Where they do not apply it is a whole program beside them, or else a text without a score, of which feedback tells why.
    """
    if isinstance(text, (list, tuple)):
        texts: list[Any] = [*text]
        return [extract_code(one, entry) for one in texts]
    if not isinstance(text, str):
        return ""
    return _edited(text, entry or wanted) if _seen else _found(text, entry or wanted)[0]


def _edited(text: str, entry: str | None) -> str:
    """The program in an answer that may hold edits of one."""
    program = _found(text, entry)[0]
    held = edits.found(spoken(_unix(text.strip()[-_MOST_TEXT:])))
    if held is None or (edits.found(program) and not refused(program) and _whole(program, entry)):
        return program  # also one that speaks of such marks
    if held.wrong and isinstance(text, CutText):
        return ""
    message, seen = _asked.get(text.strip(), ""), [*_seen]
    programs = [one for one in seen if one.strip() and one.strip() in message] or [*seen[:1], *seen[1:][-_MOST_SEEN:]]
    others = [_found(held.rest, entry)[0], *("\n".join(one.replace) for one in held.edits)]
    whole = [one for i, one in enumerate(others) if _whole(one, entry) and (not i or _covers(one, programs))]
    return edits.resolved(held, programs, whole[0] if whole else "")


def _covers(text: str, programs: Sequence[str]) -> bool:
    """Whether what was to take the place of some lines defines all that a program does, and so is a whole one."""
    trees = [Parser(len(one)).tree(one) for one in (text, *programs)]
    have, *theirs = [set[str]() if tree is None else functions(tree) for tree in trees]
    return any(one and one <= have for one in theirs)


def _whole(program: str, entry: str | None) -> bool:
    """Whether a text is a program that defines what is wanted, or anything."""
    tree = Parser(len(program)).tree(program) if program else None
    return tree is not None and (defines(tree, entry) if entry else bool(functions(tree)))


def fault(text: str, finish: str = "stop", entry: str | None = None) -> str | None:
    """What is wrong with an answer as the source of a program, in a word or two; None when it holds one.

    `finish` is how it ended: stop, length, blocked, empty, tools. One of: empty, cut, refusal, tool call, no code,
    half a program, no Python, wrong entry.
    """
    program, half = _found(CutText(text) if finish == "length" else text, entry)
    if program:
        tree = Parser(len(program)).tree(program)
        if tree is None:
            return "no Python"
        return "wrong entry" if entry and not defines(tree, entry) else None
    if finish in _ENDED:
        return _ENDED[finish]
    if not text.strip():
        return "empty"
    if half:
        return "half a program"
    said = spoken(text.strip()[-_MOST_TEXT:])[:_HEARD]
    if not said.strip():
        return "cut"
    if _TOOL_CALL.search(said):
        return "tool call"
    return "refusal" if _REFUSAL.search(said) else "no code"


_ENDED = {"length": "cut", "blocked": "refusal", "tools": "tool call"}
"""What is wrong with an answer without a program that ended so."""
_HEARD = 600
"""Characters of an answer without code that are looked at for what it is instead."""
_TOOL_CALL = re.compile(
    r"<\|?tool_calls?(?:_begin)?\|?>|\[TOOL_CALLS\]|<function[=_]|<\|python_tag\|>|\"tool_calls?\"|\"function_call\""
    r"|\"name\"\s{0,8}:\s{0,8}\"[\w.-]{1,60}\",?\s{0,8}\"(?:arguments|parameters|input)\"|<invoke name="
)
_REFUSAL = re.compile(
    r"\b(?:i(?:'|\u2019)?\s?(?:can(?:no|')t|can\u2019t|am\s(?:not\sable|unable|sorry)|m\s(?:not\sable|unable|sorry)"
    r"|won['\u2019]?t|must\sdecline)|sorry\b|against\smy)",
    re.IGNORECASE,
)


_READABLE = frozenset(("text", "diff", "patch"))
"""Labels of what is another language by its name, and may be a program all the same."""


@dataclass(frozen=True)
class _Candidate:
    """A block that is a program, and where it stands among the others."""

    text: str
    tree: ast.Module
    block: Block
    place: int

    @property
    def functions(self) -> set[str]:
        return functions(self.tree)


def _found(text: str, entry: str | None) -> tuple[str, bool]:
    """The program in a text, or the empty string, and then whether there is half a one."""
    said = spoken(_unix(text.strip()[-_MOST_TEXT:]))
    if not said.strip():
        return "", False
    search = _Search(Parser(len(said)), entry, isinstance(text, CutText))
    for view in narrowed(said):
        found = search.fitting(view)
        if found:
            return found, False
    return _second_best(search.best, search.rest, entry)


class _Search:
    """The search for one program in the ways that a text may be read."""

    def __init__(self, parser: Parser, entry: str | None, cut: bool) -> None:
        self._parser, self._entry, self._cut = parser, entry, cut
        self.best: list[_Candidate] = []
        self.rest: list[Block] = []

    def fitting(self, said: str) -> str:
        """The program that defines what is wanted, or the empty string; what else there is, is remembered."""
        for found in _looked(said, self._parser):
            known = _continued(self._known(found), self._parser)
            self.rest = self.rest or [
                block for block in found if block not in known or self._parser.mended(block.text) is None
            ]
            candidates = _candidates(known, self._parser)
            self.best = self.best or candidates
            if any(_fits(one, self._entry) for one in candidates):
                return _told(candidates, self._entry)
            joined = _joined(known, self._entry, self._parser)
            if joined:
                return joined
        return ""

    def _known(self, found: Sequence[Block]) -> list[Block]:
        """The blocks that are whole; of too many those that speak of what is wanted, and the first."""
        known = [block for block in found if block.closed or not self._cut]
        if len(known) <= _MOST_BLOCKS:
            return known
        named = [block for block in known if _meant(block, self._entry)]
        some = [*named[: _MOST_BLOCKS // 2], *named[-_MOST_BLOCKS // 2 :], *known[:_MOST_BLOCKS]][:_MOST_BLOCKS]
        chosen = {id(block) for block in some}
        return [block for block in known if id(block) in chosen]


def _continued(known: Sequence[Block], parser: Parser) -> list[Block]:
    """The blocks, with one that goes on in the middle of a function put to the one before it, though that is whole Python."""
    joined: list[Block] = []
    for block in known:
        before = joined[-1] if joined else None
        if before and not block.foreign and not before.foreign and _goes_on(before.text, block.text, parser):
            joined[-1] = replace(before, text=before.text.rstrip("\n") + "\n" + block.text, tail=block.tail)
        else:
            joined.append(block)
    return joined


def _goes_on(before: str, text: str, parser: Parser) -> bool:
    """Whether a text is the rest of a function that another one begins."""
    if not text.startswith((" ", "\t")) or text.strip() in before:
        return False
    tree = parser.tree(before)
    return tree is not None and unended(tree) and parser.is_program(before.rstrip("\n") + "\n" + text)


def _unix(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _looked(text: str, parser: Parser) -> Iterator[Sequence[Block]]:
    """The blocks of a text, by one way of setting code off after the other: the usual one first."""
    if parser.is_program(text):
        yield [Block(text, closed=False)]
    usual = blocks.fenced(text, parser)
    yield usual
    if not usual:
        yield [Block(text, closed=False)]
    yield [inner for block in [*usual, Block(text)] for inner in _within(block, parser)]
    apart, unmarked = blocks.set_apart(text), blocks.unmarked(text)
    for other in (
        blocks.split_fences(text),
        blocks.other_fences(text),
        unmarked,
        blocks.split_fences(apart),
        plain_spaces(text),
    ):
        if other != text:
            yield blocks.fenced(other, parser)
    for other in dict.fromkeys((text, unmarked, apart)):
        yield blocks.bare(other, parser)
    yield blocks.inline(text)


def _within(block: Block, parser: Parser) -> Iterator[Block]:
    """The blocks inside the texts of data."""
    if block.label not in {"", "json", "yaml", "python", "py"}:
        return
    for value in blocks.values(block.text):
        inner = blocks.fenced(_unix(value.text), parser)
        yield from inner or [replace(value, text=_unix(value.text))]


def _candidates(known: Sequence[Block], parser: Parser) -> list[_Candidate]:
    found: list[_Candidate] = []
    for place, block in enumerate(known):
        text = None if block.foreign and block.label not in _READABLE else parser.mended(block.text)
        tree = parser.tree(text) if text is not None else None
        if text is not None and tree is not None:
            found.append(_Candidate(text, tree, block, place))
    return found


def _fits(one: _Candidate, entry: str | None) -> bool:
    return defines(one.tree, entry) if entry else bool(one.functions)


def _told(candidates: Sequence[_Candidate], entry: str | None) -> str:
    """The best of the candidates, with what it needs of the others."""
    able = [one for one in candidates if _fits(one, entry)]
    if not able:
        able, entry = list(candidates), None
    used = {name for one in able for name in unbound(one.tree)}
    best = max(able, key=lambda one: (*_worth(one, entry), used.isdisjoint(one.functions), len(one.text)))
    versions = [one for one in able if entry or one is best or one.functions & best.functions]
    best = max(versions, key=lambda one: (*_worth(one, entry), one.place))
    return _completed(best, [one for one in candidates if one is not best])


def _worth(one: _Candidate, entry: str | None) -> tuple[bool, int]:
    return not (_ELIDED.search(one.text) or hollow(one.tree, entry)), _cue(one)


_ELIDED = re.compile(
    r"^[ \t]{0,40}#?[ \t]{0,4}(?:\.\.\.|…)|#[ \t]{0,4}\(?(?:rest|same|unchanged|existing|previous|other|remaining)\b"
    r"[^\n]{0,60}(?:\.\.\.|…|unchanged|as before|here|same|above)",
    re.IGNORECASE | re.MULTILINE,
)


def _cue(one: _Candidate) -> int:
    """What the words around a block, and a title within it, say of it: 1 or more for it, -1 or less against it."""
    tests = any(name.startswith(("test", "Test")) for name in one.functions)
    return advice(one.block.lead, one.block.tail, one.block.later) + titled(one.text) - tests


def _completed(best: _Candidate, others: Sequence[_Candidate]) -> str:
    """The program, after those statements of other blocks that define what it uses and does not define."""
    missing = unbound(best.tree)
    taken: dict[tuple[int, int], str] = {}
    pieces = [piece for one in others if not one.functions & best.functions for piece in _pieces(one)]
    for place, names, needs, text in reversed(pieces):
        if names & missing:
            taken[place] = text
            missing = (missing - names) | needs
    for place, names, needs, text in pieces:
        if names & missing and place not in taken:
            taken[place] = text
            missing = (missing - names) | needs
    return "\n".join([*(taken[place] for place in sorted(taken)), best.text]) if taken else best.text


def _pieces(one: _Candidate) -> Iterator[tuple[tuple[int, int], set[str], set[str], str]]:
    """The statements of a program that define something: their place, what they define, what they need, their text."""
    lines = one.text.split("\n")
    for node in one.tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names, first = {node.name}, min([node.lineno, *(mark.lineno for mark in node.decorator_list)])
        elif isinstance(node, ast.Import | ast.ImportFrom | ast.Assign | ast.AnnAssign):
            names, first = {name for part in ast.walk(node) for name in bound(part)}, node.lineno
        else:
            continue
        text = "\n".join(lines[first - 1 : node.end_lineno]) + "\n"
        yield (one.place, first), names, unbound(node), text


def _joined(known: Sequence[Block], entry: str | None, parser: Parser) -> str:
    """The program that blocks make which are none by themselves: one that is broken off in the middle of a function."""
    parts = [block.text for block in known if not block.foreign]
    if len(parts) < 2 or not any(parser.mended(part) is None for part in parts):
        return ""
    text = parser.mended("".join(parts))
    tree = parser.tree(text) if text else None
    return text if text and tree and (defines(tree, entry) if entry else functions(tree)) else ""


def _second_best(candidates: Sequence[_Candidate], rest: Sequence[Block], entry: str | None) -> tuple[str, bool]:
    """No program defines what is wanted: one that was meant to is given as it is, so that its error can be seen."""
    broken = [block for block in rest if block.closed and not block.foreign and block.text.strip()]
    half = [block for block in rest if not block.closed and _meant(block, entry)]
    meant = [block for block in broken if _meant(block, entry)]
    if half and not meant:
        return "", True
    if meant and not any(_fits(one, None) for one in candidates):
        return max((block.text for block in meant), key=len), False
    if candidates:
        return _told(candidates, entry), False
    return max((block.text for block in broken), key=len, default=""), False


def _meant(block: Block, entry: str | None) -> bool:
    """Whether a block that is no program was to define what is wanted."""
    return f"def {entry}" in block.text if entry else "def " in block.text
