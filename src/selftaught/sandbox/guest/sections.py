"""A target of several files as one text: sections, each after a line that says what it is."""

from __future__ import annotations

import re

_HEAD = re.compile(
    r"[ \t]{0,12}(?:[#/*%;-]{1,4}[ \t]{0,4})?={3,8} {0,4}"
    r"([^\n:=]{1,300}(?:, region \d{1,4}|:[\w.]{1,200})) {0,4}={3,8}[ \t]{0,8}$"
)
"""A line that begins a section: of a file's path and the number of a region, or the name of a function."""


def head(name: str) -> str:
    """The line before a section."""
    return f"# ===== {name} ====="


def parted(text: str) -> list[tuple[str, list[str]]]:
    """The sections of a text by name, in order; what stands before the first is left out."""
    found: list[tuple[str, list[str]]] = []
    for line in text.split("\n"):
        if mark := _HEAD.match(line):
            found.append((" ".join(mark[1].split()), []))
        elif found:
            found[-1][1].append(line)
    return found


def joined(sections: list[tuple[str, list[str]]]) -> str:
    """The sections as one text."""
    return "\n".join("\n".join([head(name), *lines]) for name, lines in sections)


def completed(text: str, program: str) -> str:
    """A text with only some of a program's sections, filled up with the others of it; any other text as it is."""
    given, whole = parted(text), parted(program)
    names = {name for name, _ in whole}
    if not given or not {name for name, _ in given} < names:
        return text
    return joined([(name, dict(given).get(name, lines)) for name, lines in whole])
