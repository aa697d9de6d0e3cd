"""What a model says of what it wrote: thoughts, and the marks between them, are taken out of an answer.

A mark that stands in quotes belongs to a program that speaks of such marks, and counts for nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import zip_longest

_NAMES = (
    r"think(?:ing)?|thoughts?|reasoning|reflection|scratchpad|analysis|inner_?monologue|chain_?of_?thought"
    r"|antthinking|seed:think|internal"
)
_MARK = re.compile(
    rf"(?P<open><(?:{_NAMES})(?:[ \t][^<>\n]{{0,80}})?>|\[THINK\]|◁think▷|<\|START_THINKING\|>|<\|begin_of_thought\|>"
    r"|<\|channel>thought|<unused94>thought)"
    rf"|(?P<close></(?:{_NAMES})[ \t]?>|\[/THINK\]|◁/think▷|<\|END_THINKING\|>|<\|end_of_thought\|>|<channel\|>|<unused95>)",
    re.IGNORECASE,
)
_CHANNEL = re.compile(
    r"<\|channel\|>[ \t]{0,8}(?P<name>[a-z]{1,40})[^<\n]{0,200}(?:<\|constrain\|>[^<\n]{0,40})?<\|message\|>"
)
_ENDS = ("<|end|>", "<|return|>", "<|call|>", "<|start|>")
_FLAT_START, _FLAT_FINAL = "analysis", "assistantfinal"
"""What is left of the marks of channels where a server took away their brackets."""
_QUOTES = frozenset("\"'`\\")
_FRAME = (
    "<|im_start|>assistant", "<|im_start|>", "<|im_end|>", "<|eot_id|>", "<|eom_id|>", "<|endoftext|>", "<|end_of_text|>",
    "<|start_header_id|>assistant<|end_header_id|>", "<start_of_turn>model", "<end_of_turn>", "<|end|>", "<|return|>",
    "<s>", "</s>", "<bos>", "<eos>", "[INST]", "[/INST]", "\ufeff", "\u200b",
)  # fmt: skip
"""Tokens around a turn that some servers leave in its text."""


_MOST_LINE = 200
_MOST_TOKENS = 16
"""As many are looked for at the ends."""


def spoken(text: str) -> str:
    """The text without what was thought aloud: empty when the thought was cut off, or is all there is."""
    return _unframed(_unthought(_channelled(text)))


def _unquoted(text: str, mark: re.Match[str]) -> bool:
    start, end = mark.span()
    before, after = text[max(0, start - 3) : start], text[end : end + 3]
    quoted = before[-1:] in _QUOTES and before != "```", after[:1] in _QUOTES and after != "```"
    return not any(quoted)


def _channelled(text: str) -> str:
    """What was said on the last channel for users; the text where there are no channels."""
    channels = [mark for mark in _CHANNEL.finditer(text) if _unquoted(text, mark)]
    if channels:
        finals = [mark.end() for mark in channels if mark["name"] == "final"]
        if not finals:
            return ""
        ends = [place for end in _ENDS if (place := text.find(end, finals[-1])) >= 0]
        return text[finals[-1] : min(ends, default=len(text))]
    if text.lstrip()[: len(_FLAT_START)].lower() == _FLAT_START and _FLAT_FINAL in text:
        return text.rpartition(_FLAT_FINAL)[2]
    return text


def _unthought(text: str) -> str:
    """The text without thoughts between marks; an opening mark may be missing, and a thought may be cut off."""
    kept: list[str] = []
    place, thinking = 0, False
    for mark in _meant([mark for mark in _MARK.finditer(text) if _unquoted(text, mark)], text):
        if mark["close"]:
            if not thinking:
                kept.clear()
            place, thinking = mark.end(), False
        elif not thinking:
            kept.append(text[place : mark.start()])
            thinking = True
    return "".join(kept if thinking else [*kept, text[place:]])


def _meant(marks: Sequence[re.Match[str]], text: str) -> list[re.Match[str]]:
    """The marks that do what they say: not those that a sentence, or a remark in code, only speaks of."""
    marks = list(_without_pairs(marks, text))
    last = max((mark.start() for mark in marks if mark["close"]), default=-1)
    return [
        mark
        for mark in marks
        if not _within_sentence(text, mark.start())
        or (mark.start() < last if mark["open"] else not _remark(text, mark.start()))
    ]


def _without_pairs(marks: Sequence[re.Match[str]], text: str) -> Iterator[re.Match[str]]:
    """The marks without those that open and close within one line of other words."""
    pairs = zip_longest(marks, marks[1:])
    for mark, after in pairs:
        if mark["open"] and after is not None and after["close"] and _one_line(text, mark.start(), after.start()):
            next(pairs)
        else:
            yield mark


def _one_line(text: str, start: int, end: int) -> bool:
    return _within_sentence(text, start) and "\n" not in text[start:end]


def _within_sentence(text: str, place: int) -> bool:
    """Whether words stand before a place in its line, and a space between."""
    return text[place - 1 : place] in {" ", "\t"} and bool(_line_before(text, place).strip())


def _remark(text: str, place: int) -> bool:
    return _line_before(text, place).lstrip().startswith("#")


def _line_before(text: str, place: int) -> str:
    return text[max(0, place - _MOST_LINE) : place].rpartition("\n")[2]


def _unframed(text: str) -> str:
    """The text without the tokens of a turn at its two ends."""
    for _ in range(_MOST_TOKENS):
        text = text.strip()
        token = next((one for one in _FRAME if text.startswith(one) or text.endswith(one)), None)
        if token is None:
            break
        text = text.removeprefix(token).removesuffix(token)
    return text
