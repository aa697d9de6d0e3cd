"""Where the code is in an answer: its blocks, by whatever sets them off from prose."""

from __future__ import annotations

import json
import keyword
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, groupby, islice
from typing import Any, cast

from mending import DRESSED, LINE_MARKS, MAX_CHARS, NUMBER, Parser, dedented, literal

_MOST_MARKS = 500
_MOST_ENDS = 40
"""Fences at which one block may end: a program's own strings may hold some."""
_MOST_GAPS = 20
_MOST_LEAD, _MOST_TAIL = 200, 160
_MOST_VALUES, _MOST_DEPTH = 500, 6

_FOREIGN = frozenset((
    "bash", "c", "c++", "cmd", "console", "cpp", "css", "csv", "diff", "dockerfile", "go", "html", "ini", "java", "javascript",
    "js", "json", "julia", "latex", "log", "make", "makefile", "math", "mermaid", "output", "patch", "perl", "php", "plain",
    "plaintext", "powershell", "r", "ruby", "rust", "sh", "shell", "sql", "stdout", "terminal", "tex", "text", "toml", "ts",
    "txt", "typescript", "xml", "yaml", "yml", "zsh",
))  # fmt: skip
_MARKUP = frozenset(("markdown", "md", "mdx", "rst"))
_LIST_MARK = re.compile(r"(?:[-*+]|\d{1,3}[.)])[ \t]{1,4}(?=[`~])")
_WORD = re.compile(r"[\w+#-]{1,20}")
_GLUED = re.compile(r"(`{3,16}|~{3,16})")
_BEGUN = re.compile(
    r"(?:[^`~\n]*\n)*?[^`~\n]{0,8}(?:`{3,16}|~{3,16})[ \t]{0,4}(?:[Pp]ython3?|py)?[ \t]{0,4}"
    r"(?=(?:def|class|import|from|async) |@\w)"
)
"""Up to the first fence, where the code begins on its line. A later one may be within a program."""
_OTHER_FENCE = re.compile(r"(?:'{3}|\"{3}|[‘’]{3}|[“”]{3}|´{3}|′{3}|‘{3})[ \t]{0,4}(?:[Pp]ython3?|py)?")
_TAG_NAMES = (
    "code|python|py|program|answer|solution|final|final_answer|response|output|result|script|source|implementation|artifact"
    r"|improved_?\w{0,20}|new_?\w{0,20}|pre|file|antartifact|boltartifact|boltaction|tool_call|function|parameter"
)
_TAG = re.compile(
    rf"(?:<!\[CDATA\[|\]\]>|<\|/?(?:python|code)(?:_tag)?\|>|</?(?:{_TAG_NAMES})(?:[ =][^<>\n]{{0,120}})?>"
    r"|\[/?(?:PYTHON|CODE|ANSWER|SOLUTION)(?:=\w{1,20})?\]|\\(?:begin|end)\{(?:python|lstlisting|verbatim|minted|code)\}"
    r"(?:\[[^\]\n]{0,40}\])?(?:\{\w{0,20}\})?)",
    re.IGNORECASE,
)
_TAG_SIGNS = frozenset("<[\\]")
_RULE = re.compile(r"[-=*_]{3,80}|\$\$|[`«»]{1,2}|\{code\}|#\+end_src|EOF|EOT|PY", re.IGNORECASE)
"""A line that ends what stood before it."""
_SET_OFF = re.compile(
    r"[<\[{}*=~|\\/+-][^=(]*|(?-i:[A-Z](?:[A-Z _:-]{2,60}|[\w /-]{1,40}:[\w ,.:!'-]{0,60}))|[\w /-]{1,40}:"
    r"|(?:end|stop|done|eof)\b[\w .:!-]{0,40}",
    re.IGNORECASE,
)
"""A line that sets code off: a tag or a rule, capitals, a title."""
_FIRST_TAG = re.compile(
    r"[ \t]{0,8}(?:<[|/!]?[A-Za-z][\w:.|-]{0,40}(?:[ =][^<>\n]{0,120})?>|\[/?[A-Za-z_]{2,30}\]|\{[a-z]{2,20}\})"
)
_LAST_TAG = re.compile(r"<[|/][\w:.|/-]{1,40}>")
_BREAK = re.compile(r"<br {0,2}/?>\n?")
_INLINE = re.compile(r"(?<!`)`([^`\n]{10,2000})`(?!`)")
_MOST_BEGUN, _MOST_CUTS = 100, 8
_SCALAR = re.compile(r"([A-Za-z_][\w -]{0,40}):[ \t]{0,8}[|>][+-]?[ \t]{0,8}")
"""A line of YAML that begins a text."""
_CODE = frozenset((*keyword.kwlist, "else:", "finally:", "try:"))
_THOUGHT = frozenset(("reasoning", "reasoning_content", "thought", "thoughts", "thinking", "analysis", "scratchpad"))
_PROMISING = ("code", "program", "solution", "python", "source", "script", "implementation", "answer", "improved")


@dataclass(frozen=True)
class Block:
    """A piece of an answer that is set off from its prose, as it is written there."""

    text: str
    lead: str = ""
    """What is said before it."""
    tail: str = ""
    """What is said after it."""
    label: str = ""
    closed: bool = True
    """Whether its end is marked; else the answer may have been cut off within it."""
    later: bool = False
    """Whether another block ends where the words before it begin."""

    @property
    def foreign(self) -> bool:
        """Whether it is said to be of another language."""
        return self.label in _FOREIGN


@dataclass(frozen=True)
class _Fence:
    line: int
    prefix: str
    label: str
    info: str


def fenced(text: str, parser: Parser) -> list[Block]:
    """The blocks between fences. One ends at the first fence that makes it a program: strings of a program may hold"
    " others."""
    page = _Page(text)
    blocks: list[Block] = []
    at, told = 0, 0
    while at < len(page.fences):
        block, after, end = page.block(at, told, parser)
        if block is not None:
            blocks.append(block)
            told = end
        at = after
    return blocks


def _fence(number: int, line: str) -> _Fence | None:
    bare = line.lstrip(DRESSED)
    mark = _LIST_MARK.match(bare)
    if mark:
        bare = bare[mark.end() :]
    if not bare.startswith(("```", "~~~")):
        return None
    info = bare.lstrip(bare[0]).strip(DRESSED)
    if bare[0] in info:
        return None
    word = _WORD.search(info)
    return _Fence(number, line[: len(line) - len(bare)], word[0].lower() if word else "", info)


class _Page:
    """A text by its lines, and those of them that are fences."""

    def __init__(self, text: str) -> None:
        if begun := _BEGUN.match(text):
            text = f"{text[: begun.end()].rstrip(' ')}\n{text[begun.end() :]}"
        self._lines = text.split("\n")
        fences = [fence for i, line in enumerate(self._lines) if (fence := _fence(i, line))]
        self.fences = fences if len(fences) <= 2 * _MOST_MARKS else fences[:_MOST_MARKS] + fences[-_MOST_MARKS:]
        blank = (i for i in range(len(self._lines) - 1, 0, -1) if not self._lines[i].strip())
        self._gaps = list(islice(blank, _MOST_GAPS))
        self._starts = [0, *accumulate(len(line) + 1 for line in self._lines)]

    def block(self, at: int, told: int, parser: Parser) -> tuple[Block | None, int, int]:
        """The block that a fence opens, if it opens one; the fence to go on at, and the line up to which all is told."""
        opening, later = self.fences[at], self.fences[at + 1 : at + 1 + _MOST_ENDS]
        if opening.label in _MARKUP:
            return None, at + 1, told
        for step, end in enumerate(() if opening.label in _FOREIGN else later, 1):
            if self._is_program(opening, end.line, parser):
                closing = not end.info
                return self._made(opening, told, end.line), at + step + closing, end.line + closing
        if not later or self._is_program(opening, len(self._lines), parser):
            return self._open_block(opening, told, parser), len(self.fences), len(self._lines)
        if not opening.info and later[0].info:
            return None, at + 1, told
        end = _nested_end(later)
        if end is None:
            return self._open_block(opening, told, parser), at + 1, later[0].line
        block = self._made(opening, told, end.line)
        return (block, at + 2, end.line + 1) if end is later[0] else (block, at + 1, later[0].line)

    def _is_program(self, opening: _Fence, end: int, parser: Parser) -> bool:
        affordable = opening.label not in _FOREIGN and parser.affords(self._size(opening, end))
        return affordable and parser.is_program(self._body(opening, end))

    def _size(self, opening: _Fence, end: int) -> int:
        return self._starts[end] - self._starts[opening.line + 1]

    def _body(self, opening: _Fence, end: int) -> str:
        """The lines of a block without what stands before its fence, where it stands before all of them too."""
        body, prefix = self._lines[opening.line + 1 : end], " " * len(opening.prefix)
        if prefix and all(line.startswith(prefix) or not line.strip() for line in body):
            body = [line[len(prefix) :] for line in body]
        return "\n".join(body).strip("\n") + "\n"

    def _made(self, opening: _Fence, told: int, end: int, closed: bool = True) -> Block:
        """A block with the last words before it and the first after it, which may speak of the next block instead."""
        lines = self._lines
        before = [line for line in lines[max(told, opening.line - 6) : opening.line] if line.strip()][-2:]
        after = next((line for line in lines[end + 1 : end + 4] if line.strip()), "")
        body = self._body(opening, end) if self._size(opening, end) <= MAX_CHARS else ""
        later = told > 0 and opening.line - 6 <= told
        return Block(body, "\n".join(before)[-_MOST_LEAD:], after[:_MOST_TAIL], opening.label, closed, later)

    def _open_block(self, opening: _Fence, told: int, parser: Parser) -> Block:
        """A block that is never closed. An empty line may end it, for prose may follow; what goes on as code is cut off."""
        lines = self._lines
        whole = self._made(opening, told, len(lines), closed=False)
        if whole.foreign or parser.mended(whole.text) is not None:
            return whole
        for gap in self._gaps:
            if gap < opening.line + 2 or not self._is_program(opening, gap, parser):
                continue
            rest = next((line for line in lines[gap:] if line.strip()), "")
            return self._made(opening, told, gap, closed=False) if _prose(rest) else whole
        return whole


def _nested_end(later: Sequence[_Fence]) -> _Fence | None:
    """The fence that closes a block when each with a label opens one more."""
    depth = 1
    for fence in later:
        depth += 1 if fence.info else -1
        if depth == 0:
            return fence
    return None


def _prose(line: str) -> bool:
    words = line[:_MOST_LEAD].split()
    code = line.startswith((" ", "\t", "#", "@")) or words[:1] == [] or words[0] in _CODE
    return (
        not code
        and len(words) > 2
        and "=" not in words
        and words[1] != "="
        and not line.rstrip().endswith(("(", "[", "{"))
    ) or (not code and line.rstrip().endswith((".", "!")))


def split_fences(text: str) -> str:
    """The text with a line of its own for every fence."""
    return _GLUED.sub(r"\n\1", text).replace("```python ", "```python\n") if "```" in text or "~~~" in text else text


def other_fences(text: str) -> str:
    """The text with fences for what else may set code off: tags, and quotation marks where fences should be."""
    lines: list[str] = []
    for line in text.replace("\\`", "`").replace("\uff40", "`").split("\n"):
        for one in _refenced(line):
            if one not in {_OPENING, _CLOSING} or one not in lines[-1:]:
                lines.append(one)
    return "\n".join(lines)


_OPENING, _CLOSING = "```python", "```"


def _refenced(line: str) -> Iterator[str]:
    """A line, with each of its tags as a fence."""
    if _OTHER_FENCE.fullmatch(line.strip()):
        yield _OPENING if line.strip()[-1].isalnum() else _CLOSING
        return
    place = 0
    for tag in _TAG.finditer(line) if not _TAG_SIGNS.isdisjoint(line) else ():
        before = line[place : tag.start()]
        if before.strip():
            yield before
        yield _CLOSING if _closes(tag[0]) else _OPENING
        place = tag.end()
    if line[place:].strip() or not place:
        yield line[place:]


def _closes(tag: str) -> bool:
    return tag.startswith(("</", "<|/", "[/", "\\end", "]]"))


def values(text: str, depth: int = 0) -> list[Block]:
    """The texts inside JSON (or what Python prints of such data), those under a promising name first."""
    found = _data(text.strip()) or _scalars(text)
    blocks: list[Block] = []
    todo: list[tuple[str, Any, int]] = [("", found, 0)]
    for _ in range(_MOST_VALUES):
        if not todo:
            break
        name, value, deep = todo.pop(0)
        if isinstance(value, dict) and deep < _MOST_DEPTH:
            value = cast(dict[Any, Any], value)
            todo += [
                (str(key).lower(), one, deep + 1) for key, one in value.items() if str(key).lower() not in _THOUGHT
            ]
        elif isinstance(value, list | tuple) and deep < _MOST_DEPTH:
            todo += [(name, one, deep + 1) for one in _whole(cast(Sequence[Any], value))]
        elif isinstance(value, str) and value.strip():
            inner = values(value, depth + 1) if value.lstrip()[:1] in {"{", "["} and depth < 2 else []
            blocks += inner or [Block(value, lead=name)]
    return sorted(blocks, key=lambda block: not any(word in block.lead for word in _PROMISING))


def _whole(several: Sequence[Any]) -> Sequence[Any]:
    """What a list holds; lines as the one text that they make."""
    lines = [one.rstrip("\n") for one in several if isinstance(one, str)]
    if len(lines) < 2 or len(lines) < len(several) or any("\n" in line for line in lines):
        return several
    return ["\n".join(lines) + "\n"]


def _scalars(text: str) -> dict[str, str]:
    """The texts under names that YAML holds."""
    found: dict[str, list[str]] = {}
    lines: list[str] | None = None
    for line in text.split("\n"):
        head = _SCALAR.fullmatch(line)
        if head:
            lines = found.setdefault(head[1], [])
        elif line.strip() and not line.startswith((" ", "\t")):
            lines = None
        elif lines is not None:
            lines.append(line)
    return {name: "\n".join(told) for name, told in found.items()}


def _data(text: str) -> Any:
    """The data in a text that is, or holds, one JSON value."""
    if text[:1] not in {"{", "[", '"'} or text.startswith('"""'):
        start, end = text.find("{"), text.rfind("}")
        if start < 0 or end < start or text[start + 1 : end].lstrip()[:1] not in {'"', "'"}:
            return None
        text = text[start : end + 1]
    if len(text) > 4 * MAX_CHARS:
        return None
    read: tuple[Callable[[str], Any], ...] = (lambda one: json.loads(one, strict=False), literal)
    for one in read:
        try:
            return one(text)
        except (ValueError, SyntaxError, RecursionError, MemoryError, TypeError):
            continue
    return None


def bare(text: str, parser: Parser) -> list[Block]:
    """Code that nothing sets off but what is around it: it begins as code does, and ends where Python ends."""
    lines = text.split("\n")
    begun = [i for i, line in enumerate(lines) if _begins(line) and (i == 0 or not _begins(lines[i - 1]))]
    found: list[Block] = []
    told = 0
    for start in begun[:_MOST_BEGUN]:
        end = _end_of_code(lines, start, parser) if start >= told else 0
        if end:
            before = [line for line in lines[max(told, start - 3) : start] if line.strip()][-2:]
            after = next((line for line in lines[end : end + 3] if line.strip()), "")
            body = "\n".join(lines[start:end])
            lead = "\n".join(before)[-_MOST_LEAD:]
            found.append(Block(body, lead, after[:_MOST_TAIL], closed=end < len(lines), later=bool(told)))
            told = end
    return found


def _end_of_code(lines: Sequence[str], start: int, parser: Parser) -> int:
    """The line before which a program ends that begins at another line; 0 where none does."""
    end = min(len(lines), start + MAX_CHARS // 2)
    margin = len(lines[start]) - len(lines[start].lstrip())
    if margin:
        out = (i for i in range(start, end) if lines[i].strip() and not lines[i][:margin].isspace())
        end = next(out, end)
    for _ in range(_MOST_CUTS):
        body = "\n".join(lines[start:end])
        if parser.mended(body) is not None:
            end = start + parser.without_words(body)
            rest = next((line for line in lines[end:] if line.strip()), "")
            return end if margin or not rest or _ends(rest) or _no_code(rest) else 0
        wrong = parser.wrong_at(body)
        if not 1 < wrong <= end - start:
            return 0
        end = start + wrong - 1
    return 0


def _no_code(line: str) -> bool:
    """Whether a line that is no Python was not meant to be any: what goes on as code is a program that was cut off."""
    if line.startswith((" ", "\t")) or line.split(maxsplit=1)[0] in _CODE:
        return False
    return _prose(line) or _SET_OFF.fullmatch(line[:_MOST_LEAD].strip()) is not None


def inline(text: str) -> list[Block]:
    """Programs of one line within a sentence."""
    return [Block(mark[1]) for mark in islice(_INLINE.finditer(text), _MOST_GAPS) if _begins(mark[1])]


def unmarked(text: str) -> str:
    """The text without what stands before each of several lines: marks of a list or quotation, or their numbers."""
    lines: list[str] = []
    for mark, run in groupby(text.split("\n"), _line_mark):
        several = [*run]
        cut = [line.lstrip(" \t")[1:] for line in several] if mark and mark != "1" else []
        if mark == "1":
            cut = dedented("\n".join(NUMBER.sub("", line, count=1) for line in several)).split("\n")
        elif all(line.startswith(" ") or not line for line in cut):
            cut = [line[1:] for line in cut]
        lines += cut if len(cut) > 1 else several
    return "\n".join(lines)


def _line_mark(line: str) -> str:
    mark = line.lstrip(" \t")[:1]
    return mark if mark and mark in LINE_MARKS else "1" if NUMBER.match(line) else ""


def set_apart(text: str) -> str:
    """The text with a line of its own for every tag that a line begins or ends with."""
    start = text.find("\\boxed{")
    if start >= 0:
        end = text.rfind("}")
        text = text[:start] + "\n" + text[start + 7 : end].lstrip("{") + "\n" + text[end:]
    text = _BREAK.sub("\n", text)
    return "\n".join(_apart(line) for line in text.split("\n"))


def _apart(line: str) -> str:
    first = _FIRST_TAG.match(line)
    if first:
        line = first[0].strip() + "\n" + line[first.end() :]
    at = line.rfind("<")
    return line[:at] + "\n" + line[at:] if at > 0 and _LAST_TAG.fullmatch(line[at:].rstrip()) else line


def _ends(line: str) -> bool:
    """Whether a program may end before this line."""
    bare = line[:_MOST_LEAD].strip()
    return not bare or _RULE.fullmatch(bare) is not None


def _begins(line: str) -> bool:
    """Whether a program may begin with this line."""
    words = line[:_MOST_LEAD].split(maxsplit=2)
    named = words[:1] and words[0] in {"def", "class", "import", "from", "async", "@", ">>>", "#!"}
    return bool(named) or line.lstrip().startswith("@") or (words[1:2] == ["="] and words[0].isidentifier())
