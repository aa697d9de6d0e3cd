"""What a message of a model says, apart from what it thinks, and how it ended: in whatever shape a server tells it.

Pure functions. A text may be a string, a list of parts or an object around one; it is never an object written out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, cast

from selftaught.models import Finish
from selftaught.models.streams import mapping

LEVELS = 5
"""How deep a text may lie within parts of parts."""
TEXTS = ("text", "content", "thinking", "thought", "reasoning", "reasoning_content", "summary", "value", "parts")
"""Where an object may hold its text, in the order in which it is looked for."""
THOUGHTS = re.compile(r"reasoning|think|thought|analysis", re.I)
"""Names of fields and kinds of parts that hold what a model thinks."""
MARKS = re.compile(r"(?:</?\w{0,20}(?:think|thought|reason)\w{0,20}>|<\|[^|<>]{1,40}\|>|[\s\ufeff\u200b\u2060])*", re.I)
"""What is no text by itself: spaces, tags of thoughts, tokens of turns."""
_ENDS: tuple[tuple[Finish | None, re.Pattern[str]], ...] = (
    (
        "blocked",
        re.compile(
            r"filter|safe|sensitiv|refus|block|recit|prohibit|spii|violat|moderat|polic|guard|censor|harm|inspect", re.I
        ),
    ),
    ("tools", re.compile(r"tool|function", re.I)),
    (
        "length",
        re.compile(
            r"length|max|limit|context|window|exceed|truncat|incomplete|insufficient|budget|time.?out|abort|cancel"
            r"|interrupt|partial|paus",
            re.I,
        ),
    ),
    (None, re.compile(r"stop|end|eos|complete|finish|done|success|normal|^(none|null|ok|)$", re.I)),
)
"""What a reason tells, by the first of these that is in it; a reason that nobody knows may be that of a cut answer."""
FAILED = re.compile(r"error|fail", re.I)


def blank(text: str) -> bool:
    """Whether a text says nothing."""
    return MARKS.fullmatch(text) is not None


def spoken(content: object) -> str:
    """The text of a message's content; what is marked as a thought is none of it."""
    if isinstance(content, list):
        return "".join(spoken(one) for one in cast(list[object], content))
    if isinstance(content, dict) and _thinks(mapping(cast(object, content))):
        return ""
    return words(cast(object, content))


def thought(message: Mapping[str, Any]) -> str:
    """What a message thinks: in a field of its own, or in parts of its content."""
    for name, value in message.items():
        if THOUGHTS.search(name) and not blank(found := words(value)):
            return found
    content = message.get("content")
    parts = cast(list[object], content) if isinstance(content, list) else [cast(object, content)]
    return "".join(words(part) for part in parts if _thinks(mapping(part)))


def words(value: object, level: int = 0) -> str:
    """The text that is in a value, however it is wrapped."""
    if isinstance(value, str):
        return value
    if level == LEVELS:
        return ""
    if isinstance(value, list):
        return "".join(words(one, level + 1) for one in cast(list[object], value))
    told = mapping(value)
    held = [told[name] for name in TEXTS if name in told]  # nothing is looked for where nothing is
    return next((found for one in held if (found := words(one, level + 1))), "")


def ending(reason: object) -> Finish | None:
    """How an answer ended, by the reason that is told; None: by itself."""
    told = str(reason or "")[:200]
    for finish, pattern in _ENDS:
        if pattern.search(told):
            return finish
    return "length"


def failed(choice: Mapping[str, Any]) -> bool:
    """Whether a choice is what had come of an answer when the model failed."""
    return bool(FAILED.search(str(choice.get("finish_reason") or "")) or choice.get("error"))


def _thinks(part: Mapping[str, Any]) -> bool:
    return bool(THOUGHTS.search(str(part.get("type") or "")) or part.get("thought") is True)
