"""Edits of a program's table: numbers in a row, changed a little, or mixed with those of another program.

A table is a list or tuple that holds four or more numbers, also in rows. Where a program has one, that is where edits count.
"""

from __future__ import annotations

import ast
import random
from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt
from statistics import fmean
from typing import cast

from editor.edits import Edit, edit_count
from editor.heeded import Told
from editor.source import parse

LEAST = 4
OTHERWISE = 0.1
"""The chance that an edit is a generic one, unless constants are asked for."""
MIXED = 0.3
"""The chance that numbers of another program are mixed in, where one is shown and nothing is asked for."""
HEEDED = 0.75
"""The chance that an entry that is said to be too low or too high is the one to change."""


@dataclass(frozen=True)
class Table:
    """The places of a table that hold numbers: what stands there, and where in the text, in bytes."""

    numbers: Mapping[int, float]
    spans: Mapping[int, tuple[int, int]]

    @property
    def whole(self) -> bool:
        """Whether all are whole numbers, and shall stay so."""
        return all(isinstance(one, int) for one in self.numbers.values())

    @property
    def size(self) -> float:
        """How large the numbers are: what a step is measured by beside the number itself. 1 where all are 0."""
        return sqrt(fmean(one * one for one in self.numbers.values())) or 1.0


def table(text: str) -> Table | None:
    """The table with most numbers in a program, the first of equal ones; None when it has none."""
    source = parse(text)
    if source is None:
        return None
    lists = (_leaves(node) for node in ast.walk(source.tree) if isinstance(node, ast.List | ast.Tuple))
    found = [{i: one for i, one in enumerate(leaves) if _is_number(one)} for leaves in lists]
    most = max(found, key=len, default=dict[int, ast.expr]())
    if len(most) < LEAST:
        return None
    return Table(
        {i: ast.literal_eval(one) for i, one in most.items()}, {i: source.span(one) for i, one in most.items()}
    )


def _leaves(node: ast.expr) -> list[ast.expr]:
    """All that a list or tuple holds, and the lists in it, in the order of the text."""
    if not isinstance(node, ast.List | ast.Tuple):
        return [node]
    return [leaf for one in node.elts for leaf in _leaves(one)]


def _is_number(node: ast.expr) -> bool:
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        node = node.operand
    return isinstance(node, ast.Constant) and type(node.value) in (int, float) and abs(cast("float", node.value)) < 1e12


def edited(text: str, donors: tuple[str, ...], told: Told, temperature: float, rng: random.Random) -> Edit | None:
    """The program with other numbers in its table; None when it has none, or when this edit is to be a generic one."""
    ours = table(text)
    if ours is None or told.structure or (not told.constants and not told.combine and rng.random() < OTHERWISE):
        return None
    numbers = dict(ours.numbers)
    ideas: list[str] = []
    theirs = _donor(ours, donors, rng)
    if theirs and (told.combine or rng.random() < MIXED):
        _mix(numbers, theirs, rng)
        ideas.append("mix the numbers of two programs")
    if not (told.combine and ideas):
        ideas.append(_change(numbers, ours.size, told, temperature, rng))
    return "; ".join(ideas), _written(text, ours, numbers)


def _donor(ours: Table, donors: tuple[str, ...], rng: random.Random) -> Mapping[int, float] | None:
    """Numbers of another program, at the places that both have and where they differ; None where there are none."""
    others = [one.numbers for text in donors if (one := table(text))]
    differing = [{i: other[i] for i, one in ours.numbers.items() if other.get(i, one) != one} for other in others]
    found = [one for one in differing if one]
    return rng.choice(found) if found else None


def _mix(numbers: dict[int, float], theirs: Mapping[int, float], rng: random.Random) -> None:
    """Take each of the other program's numbers by chance, one at least."""
    taken = [i for i in theirs if rng.random() < 0.5] or [rng.choice(list(theirs))]
    numbers.update((i, theirs[i]) for i in taken)


def _change(numbers: dict[int, float], size: float, told: Told, temperature: float, rng: random.Random) -> str:
    """Change some numbers, and say what was done."""
    count = max(1, round(told.count * edit_count(temperature, rng)))
    width = told.step * (0.1 + 0.6 * temperature)
    named = [one for one in told.entries if one[0] in numbers]
    changed: set[int] = set()
    for _ in range(count):
        heeded = named and rng.random() < HEEDED
        i, direction = rng.choice(named) if heeded else (rng.choice(list(numbers)), 0)
        # A number moves by a share of itself and a smaller one of what numbers here are like, so that 0 moves too.
        step = width * rng.gauss(0, 1) * (0.7 * abs(numbers[i]) + 0.3 * size)
        numbers[i] += direction * abs(step) if direction else step
        changed.add(i)
    return f"change {'number' if len(changed) == 1 else 'numbers'} {', '.join(map(str, sorted(changed)))} of the table"


def _written(text: str, ours: Table, numbers: Mapping[int, float]) -> str:
    raw = text.encode()
    for i in sorted(numbers, key=lambda i: -ours.spans[i][0]):
        if numbers[i] != ours.numbers[i]:
            start, end = ours.spans[i]
            raw = raw[:start] + (str(round(numbers[i])) if ours.whole else f"{numbers[i]:.4g}").encode() + raw[end:]
    return raw.decode()
