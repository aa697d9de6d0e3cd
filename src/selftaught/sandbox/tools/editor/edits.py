"""Generic edits of any Python program: small random changes of its text, guided by its syntax tree.

Nothing here knows a task. An edit may make a program that fails: the utility will say so.
"""

from __future__ import annotations

import ast
import random
import re
from collections.abc import Callable

from editor.source import Source, Spot, parse

BINARY = ("+", "-", "*", "/")
RARE_BINARY = ("**", "//", "%")
COMPARISONS = ("<", "<=", ">", ">=", "==", "!=")
_SIGN = re.compile(rb"[-+*/%<>=!]+")
ITERABLES = 0.05
"""The chance that an edit falls on what a loop runs over, where there is anything else."""
BUILTINS = ("abs", "round", "sum", "sorted")
FUNCTIONS = {
    "math": ("sin", "cos", "tanh", "exp", "log", "sqrt", "fabs", "atan", "floor"),
    "numpy": ("sin", "cos", "tanh", "exp", "log1p", "sqrt", "abs", "sign", "cumsum", "argsort", "sort"),
    "random": ("random", "gauss"),
}
"""Functions of one argument by module; they serve programs that import the module."""

Edit = tuple[str, str]
"""What was done, in words, and the new text."""


def edited(text: str, donors: tuple[str, ...], temperature: float, rng: random.Random) -> Edit:
    """The program after one or more edits; the hotter, the more. Falls back to the program itself where none applies."""
    ideas: list[str] = []
    for _ in range(edit_count(temperature, rng)):
        source = parse(text)
        if source is None or not (source.spots or source.iterables):
            break
        idea, text = _one(source, donors, temperature, rng)
        ideas.append(idea)
    return "; ".join(ideas) or "leave it as it is", text


def edit_count(temperature: float, rng: random.Random) -> int:
    """One edit, and another with a chance of half the temperature (0.9 at most), and so on up to eight."""
    chance = min(0.9, 0.5 * max(0.0, temperature))
    count = 1
    while count < 8 and rng.random() < chance:
        count += 1
    return count


def _one(source: Source, donors: tuple[str, ...], temperature: float, rng: random.Random) -> Edit:
    for _ in range(8):
        if source.blocks and rng.random() < 0.05:
            return _statement(source, rng)
        plumbing = not source.spots or (source.iterables and rng.random() < ITERABLES)
        spot = rng.choice(source.iterables if plumbing else source.spots)
        if donors and rng.random() < 0.5:
            new = _from_donor(source, spot, donors, rng)
        else:
            new = rng.choices(_EDITS, _WEIGHTS)[0](source, spot, rng, temperature)
        if new:
            idea, piece = new
            return idea, _spliced(source, spot.start, spot.end, piece)
    return "leave it as it is", source.text


def _spliced(source: Source, start: int, end: int, piece: str) -> str:
    """The program with another piece from `start` to `end`; an operation gets parentheses where it has none yet."""
    before, after = source.raw[:start], source.raw[end:]
    if " " in piece and not _enclosed(before, after):
        piece = f"({piece})"
    return (before + piece.encode() + after).decode()


def _enclosed(before: bytes, after: bytes) -> bool:
    return before.endswith((b"(", b"[", b", ", b"return ", b" = ")) and (
        not after or after.startswith((b")", b"]", b",", b"\n", b" for "))
    )


Change = tuple[str, str] | None
"""What was done, in words, and the text that replaces the expression; None: not here."""


def _constant(source: Source, spot: Spot, rng: random.Random, temperature: float) -> Change:
    """Another value for a number that stands in the program; elsewhere a number to scale by."""
    width = 0.1 + 0.6 * temperature
    node = spot.node
    if not isinstance(node, ast.Constant):
        return "scale an expression", f"{_number(rng)} * {source.piece(spot)}"
    value = node.value
    if isinstance(value, bool):
        return "flip a switch", str(not value)
    if not isinstance(value, int | float) or abs(value) >= 1e12:
        return None
    if isinstance(value, int) and rng.random() < 0.7:
        return "change a whole number", str(value + rng.choice((-2, -1, 1, 2)))
    return "tune a constant", f"{value * (1 + rng.gauss(0, width)) + rng.gauss(0, 0.1 * width):.3g}"


def _operator(source: Source, spot: Spot, rng: random.Random, _: float) -> Change:
    """Another operator between the same operands."""
    node = spot.node
    if isinstance(node, ast.BinOp):
        symbol = rng.choice(BINARY if rng.random() < 0.95 else RARE_BINARY)
        return _resigned(source, spot, (node.left, node.right), symbol)
    if isinstance(node, ast.Compare) and len(node.ops) == 1:
        return _resigned(source, spot, (node.left, node.comparators[0]), rng.choice(COMPARISONS))
    return None


def _resigned(source: Source, spot: Spot, operands: tuple[ast.expr, ast.expr], symbol: str) -> Change:
    """The same text with another operator sign between the operands."""
    (_, a), (b, _) = map(source.span, operands)
    sign = _SIGN.sub(symbol.encode(), source.raw[a:b], count=1)
    return f"try the operator {symbol}", (source.raw[spot.start : a] + sign + source.raw[b : spot.end]).decode()


def _wrap(source: Source, spot: Spot, rng: random.Random, _: float) -> Change:
    """The expression inside a function that the program has at hand."""
    name = _function(source, rng)
    return f"wrap an expression in {name}", f"{name}({source.raw[spot.start : spot.end].decode()})"


def _function(source: Source, rng: random.Random) -> str:
    pairs = [one.partition("=") for one in source.modules]
    known = [f"{alias}.{name}" for alias, _, module in pairs for name in FUNCTIONS.get(module, ())]
    return rng.choice(known) if known and rng.random() < 0.8 else rng.choice(BUILTINS)


def _grow(source: Source, spot: Spot, rng: random.Random, _: float) -> Change:
    """The expression combined with a small new one."""
    left, right = source.piece(spot), _small(source, spot, rng)
    right = f"({right})" if " " in right and rng.random() < 0.5 else right
    if rng.random() < 0.2:
        left, right = right, left
    return "add a term", f"{left} {rng.choice(BINARY)} {right}"


def _small(source: Source, spot: Spot, rng: random.Random) -> str:
    """A name, a number, or a short combination of names, numbers and functions at hand."""
    name = rng.choice(spot.names) if spot.names else _number(rng)
    kind = rng.random()
    if kind < 0.1:
        return _number(rng)
    if kind < 0.35:
        return name
    if kind < 0.6:
        return f"{_function(source, rng)}({name})"
    if kind < 0.8:
        return f"{_number(rng)} * {name}"
    if kind < 0.9 and spot.names:
        return f"{name} * {rng.choice(spot.names)}"
    return f"{_number(rng)} * {_function(source, rng)}({name})"


def _number(rng: random.Random) -> str:
    return f"{rng.choice((0.5, 1.0, 2.0, 3.0)) * rng.uniform(0.5, 1.5):.2g}"


def _name(_: Source, spot: Spot, rng: random.Random, __: float) -> Change:
    """Another name of the same scope."""
    others = [one for one in spot.names if not (isinstance(spot.node, ast.Name) and one == spot.node.id)]
    return ("use another name", rng.choice(others)) if others else None


def _shrink(source: Source, spot: Spot, rng: random.Random, _: float) -> Change:
    """One of its parts in the place of the expression."""
    parts = [one for one in source.spots if spot.start <= one.start and one.end <= spot.end and one is not spot]
    return ("drop part of an expression", source.piece(rng.choice(parts))) if parts else None


def _graft(source: Source, spot: Spot, rng: random.Random, _: float) -> Change:
    """A copy of another expression of the same scope in the place of this one."""
    others = [one for one in source.spots if one.names == spot.names and one is not spot]
    return ("graft an expression", source.piece(rng.choice(others))) if others else None


def _from_donor(source: Source, spot: Spot, donors: tuple[str, ...], rng: random.Random) -> Change:
    """An expression of another program that uses names bound here, grafted or added."""
    donor = parse(rng.choice(donors))
    fitting = [one for one in donor.spots if one.names == spot.names] if donor else []
    if donor is None or not fitting:
        return None
    piece = donor.piece(rng.choice(fitting))
    if rng.random() < 0.5:
        return "cross over an expression", piece
    return "add an expression of another attempt", f"{source.piece(spot)} {rng.choice(BINARY)} {piece}"


def _statement(source: Source, rng: random.Random) -> Edit:
    """A statement removed, doubled, or exchanged with its neighbour."""
    block = rng.choice(source.blocks)
    i = rng.randrange(len(block.spans) - 1)
    (a, b), (c, d) = block.spans[i : i + 2]
    raw = source.raw
    first, gap, second = raw[a:b], raw[b:c], raw[c:d]
    if not second.endswith(b"\n"):
        second += b"\n"
    idea, new = rng.choice(
        (
            ("remove a statement", gap + second),
            ("double a statement", first + first + gap + second),
            ("exchange two statements", second + gap + first),
        )
    )
    return idea, (raw[:a] + new + raw[d:]).decode()


_EDITS: tuple[Callable[[Source, Spot, random.Random, float], Change], ...] = (
    _constant,
    _operator,
    _wrap,
    _grow,
    _name,
    _shrink,
    _graft,
)
_WEIGHTS = (5, 2, 3, 5, 2, 2, 2)
