"""Recognising the parts of an improver in its syntax tree, whoever wrote it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

ENTRY = "improve_algorithm"
_MAPPED = re.compile(r"(?P<scores>\w+) = dict\(zip\((?P<candidates>\w+), (?P<utility>\w+)\.map\((?P=candidates)\)\)\)")
_OPENING = ("```python\n", "```py\n", "```\n")


@dataclass(frozen=True)
class Slot:
    """A place in a syntax tree that holds an expression: a field of a node or, with `index`, an item of such a list."""

    owner: ast.AST
    field: str
    index: int | None = None

    @property
    def value(self) -> ast.expr:
        held = getattr(self.owner, self.field)
        return held if self.index is None else held[self.index]

    def fill(self, value: ast.expr) -> None:
        if self.index is None:
            setattr(self.owner, self.field, value)
        else:
            getattr(self.owner, self.field)[self.index] = value


@dataclass
class Improver:
    """A syntax tree that defines `improve_algorithm`, to be changed in place; what is looked up is looked up afresh."""

    tree: ast.Module
    function: ast.FunctionDef

    @property
    def names(self) -> tuple[str, str, str]:
        """What the improver calls the solution, the utility and the language model."""
        first, second, third = (one.arg for one in self.function.args.args)
        return first, second, third

    @property
    def ask(self) -> ast.Call | None:
        """The first question to the language model."""
        return next((one for one in calls(self.function) if self._asks(one)), None)

    def _asks(self, call: ast.Call) -> bool:
        func = call.func
        if not isinstance(func, ast.Attribute):
            return False
        return func.attr in {"prompt", "batch_prompt"} and is_name(func.value, self.names[2])

    @property
    def loop(self) -> ast.For | ast.While | None:
        """The outermost loop around the question: the rounds."""
        ask = self.ask
        loops = (one for one in ast.walk(self.function) if isinstance(one, ast.For | ast.While))
        return next((one for one in loops if ask is not None and holds(one, ask)), None)

    @property
    def memory(self) -> str | None:
        """The name of a dictionary from programs to their scores: one that starts with what the utility says."""
        for node in ast.walk(self.function):
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Dict):
                target = node.targets[0]
                if isinstance(target, ast.Name) and any(map(self.scores, node.value.values)):
                    return target.id
        return None

    def scores(self, node: ast.AST) -> bool:
        """Whether an expression is a call of the utility."""
        return isinstance(node, ast.Call) and is_name(node.func, self.names[1])

    @property
    def record(self) -> ast.For | None:
        """The innermost loop that scores one candidate after another into the memory."""
        found = [
            one
            for one in ast.walk(self.function)
            if isinstance(one, ast.For)
            and isinstance(one.target, ast.Name)
            and any(self._keeps(s) for s in ast.walk(one))
        ]
        return found[-1] if found else None

    def _keeps(self, node: ast.AST) -> bool:
        return isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Subscript) and self.scores(node.value)

    @property
    def choice(self) -> ast.Call | None:
        """`max(some name, key=utility)`: candidates scored and all but one forgotten."""
        for call in calls(self.function):
            keys = [one.value for one in call.keywords if one.arg == "key"]
            if is_name(call.func, "max") and len(call.args) == 1 and keys and is_name(keys[0], self.names[1]):
                return call
        return None

    @property
    def batch(self) -> tuple[ast.Assign, ast.Call, str] | None:
        """`scores = dict(zip(some name, utility.map(some name)))` with `max(scores, key=scores.get)`: the statement, that
        call and the name of the candidates. Like `choice` it forgets all but one."""
        for node in ast.walk(self.function):
            if not isinstance(node, ast.Assign):
                continue
            found = _MAPPED.fullmatch(ast.unparse(node))
            if found and found["utility"] == self.names[1]:
                best = f"max({found['scores']}, key={found['scores']}.get)"
                call = next((one for one in calls(self.function) if ast.unparse(one) == best), None)
                return (node, call, found["candidates"]) if call else None
        return None

    @property
    def prompt(self) -> tuple[ast.JoinedStr, ast.FormattedValue] | None:
        """The text that shows a program in a fence, anywhere in the program, and the place of the program in it."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.JoinedStr):
                for before, value in pairwise(node.values):
                    opens = isinstance(before, ast.Constant) and str(before.value).endswith(_OPENING)
                    if opens and isinstance(value, ast.FormattedValue) and isinstance(value.value, ast.Name):
                        return node, value
        return None

    @property
    def shown(self) -> Slot | None:
        """Where it is decided which program the prompt shows: in the prompt, before it, or where a prompt is made."""
        prompt = self.prompt
        if prompt is None or not isinstance(prompt[1].value, ast.Name):
            return None
        name = prompt[1].value.id
        if holds(self.function, prompt[0]):
            bound = self.binding(name)
            return Slot(bound, "value") if bound else Slot(prompt[1], "value")
        return next((slot for node in self.tree.body if (slot := self._argument(node, prompt[0], name))), None)

    def _argument(self, maker: ast.stmt, prompt: ast.JoinedStr, name: str) -> Slot | None:
        """The argument `name` in a call of the function that makes the prompt."""
        if not isinstance(maker, ast.FunctionDef) or not holds(maker, prompt):
            return None
        places = [i for i, one in enumerate(maker.args.args) if one.arg == name]
        for call in calls(self.function):
            if places and is_name(call.func, maker.name) and len(call.args) > places[0]:
                return Slot(call, "args", places[0])
        return None

    @property
    def rounds(self) -> Slot | None:
        """How often the loop runs: the number in `range(number)`."""
        loop = self.loop
        if isinstance(loop, ast.For) and isinstance(loop.iter, ast.Call) and is_name(loop.iter.func, "range"):
            return Slot(loop.iter, "args", 0) if len(loop.iter.args) == 1 else None
        return None

    @property
    def temperature(self) -> Slot | None:
        """The temperature of the question."""
        found = [Slot(one, "value") for one in self.ask.keywords if one.arg == "temperature"] if self.ask else []
        return found[0] if found else None

    @property
    def final(self) -> Slot | None:
        """What is returned at the end."""
        last = self.function.body[-1]
        return Slot(last, "value") if isinstance(last, ast.Return) and last.value else None

    @property
    def product(self) -> ast.BinOp | None:
        """`[message] * number` in the question."""
        found = (one for one in ast.walk(self.ask) if isinstance(one, ast.BinOp)) if self.ask else ()
        return next((one for one in found if isinstance(one.left, ast.List) and len(one.left.elts) == 1), None)

    @property
    def size(self) -> Slot | None:
        """How many answers are asked for at once, followed to the value when a name stands there."""
        slot = self._size()
        bound = self.binding(slot.value.id) if slot and isinstance(slot.value, ast.Name) else None
        return Slot(bound, "value") if bound else slot

    def _size(self) -> Slot | None:
        ask = self.ask
        if ask is None or self.product is not None:
            return Slot(self.product, "right") if self.product else None
        for node in ast.walk(self.function):
            if isinstance(node, ast.For) and _collects(node, ask) and isinstance(node.iter, ast.Call):
                return Slot(node.iter, "args", 0)
        return next((Slot(one, "value") for one in ask.keywords if one.arg == "n_responses"), None)

    def binding(self, name: str) -> ast.Assign | None:
        """The first plain assignment to a name."""
        for node in ast.walk(self.function):
            if isinstance(node, ast.Assign) and len(node.targets) == 1 and is_name(node.targets[0], name):
                return node
        return None

    def place(self, node: ast.AST) -> tuple[list[ast.stmt], int]:
        """The innermost list of statements that holds `node`, and the place in it. `node` must be in the function."""
        found: tuple[list[ast.stmt], int] = (self.function.body, 0)
        for block in blocks(self.function):
            for i, statement in enumerate(block):
                if holds(statement, node):
                    found = block, i
        return found

    def bound(self) -> set[str]:
        """Every name that the improver binds somewhere."""
        names: set[str] = set()
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                names.add(node.id)
            elif isinstance(node, ast.alias):
                names.add(node.asname or node.name)
            elif isinstance(node, ast.arg):
                names.add(node.arg)
        return names


def improver(text: str) -> Improver | None:
    """The improver in `text`, or None when it defines no `improve_algorithm` of three parameters."""
    if ENTRY not in text:
        return None
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name == ENTRY and len(node.args.args) == 3:
            return Improver(tree, node)
    return None


def _collects(node: ast.For, ask: ast.Call) -> bool:
    """Whether a loop is `for … in range(number)` that appends something and does not ask."""
    counted = isinstance(node.iter, ast.Call) and is_name(node.iter.func, "range") and len(node.iter.args) == 1
    appends = (isinstance(one, ast.Attribute) and one.attr == "append" for one in ast.walk(node))
    return counted and any(appends) and not holds(node, ask)


def blocks(function: ast.FunctionDef) -> Iterator[list[ast.stmt]]:
    """Every list of statements in a function, outer ones before inner ones."""
    for node in ast.walk(function):
        for field in ("body", "orelse", "finalbody"):
            block = getattr(node, field, None)
            if isinstance(block, list) and block:
                yield block


def calls(node: ast.AST) -> Iterator[ast.Call]:
    return (one for one in ast.walk(node) if isinstance(one, ast.Call))


def holds(outer: ast.AST, inner: ast.AST) -> bool:
    return any(one is inner for one in ast.walk(outer))


def is_name(node: ast.AST | None, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name
