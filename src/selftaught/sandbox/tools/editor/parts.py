"""Edits that know what an improver is made of: small fragments set into, or taken out of, its syntax tree.

How much of an improver this module brings along: the landmarks of `landmarks.py` (question, prompt, loop, memory, choice),
two structural steps (a memory of scored programs, a loop around question and scoring) and, for each part, a list of short
expressions or statements, good and bad alike. No complete improver is stored and none is rendered from a template: every
edit changes the tree it is given, and what is not recognised stays as it is. Which parts serve, and together with which
others, is found by search.
"""

from __future__ import annotations

import ast
import builtins
import random
from collections.abc import Callable, Sequence
from typing import cast

from editor.landmarks import Improver, Slot, holds, is_name

Part = Callable[[Improver, random.Random], str | None]
"""Changes an improver in place and says what it did; None: not here, nothing was changed."""

ROUNDS = (
    "{model}.budget",
    "max(1, {model}.budget // 2)",
    "max(1, {model}.budget // 3)",
    "{model}.budget + 1",
)
SIZES = (
    "{model}.max_responses_per_call",
    "max(1, {model}.max_responses_per_call // 2)",
    "2 * {model}.max_responses_per_call",
    "1",
)
PARENTS = (
    "max({memory}, key={memory}.get)",
    "sorted({memory}, key={memory}.get)[-2:][0]",
    "random.choice(sorted({memory}, key={memory}.get)[-3:])",
    "random.choice(sorted({memory}, key={memory}.get)[-5:])",
    "max(random.choices(list({memory}), k=4), key={memory}.get)",
    "random.choice(list({memory}))",
    "list({memory})[-1]",
    "min({memory}, key={memory}.get)",
    "{solution}",
)
TEMPERATURES = ("0.2", "0.4", "0.7", "1.0", "1.4", "random.choice((0.4, 0.7, 1.0))")
SCHEDULES = ("max(0.2, 1.4 - 0.2 * {step})", "min(1.4, 0.2 + 0.2 * {step})")
FINALS = (
    "max({memory}, key={memory}.get)",
    "list({memory})[-1]",
    "random.choice(list({memory}))",
    "min({memory}, key={memory}.get)",
)
ACCEPTANCES = (
    "{memory}[{one}] >= {memory}.get(current, 0)",
    "True",
    "{memory}[{one}] > {memory}.get(current, 0) or random.random() < 0.1",
)
PRUNINGS = (
    "for old in sorted({memory}, key={memory}.get)[:-8]:\n    del {memory}[old]",
    "for old in list({memory})[:-8]:\n    del {memory}[old]",
    "for old in sorted({memory}, key={memory}.get)[1:]:\n    del {memory}[old]",
)

FEEDBACK = "\n\nFeedback: "
WORDS = (
    "Tune the constants.",
    "Change the structure.",
    "Take small steps.",
    "Take large steps.",
    "Change few numbers.",
    "Change many numbers.",
    "Combine them.",
)
"""Words that the editor heeds where it edits a table (`heeded.py`); which of them serve, and when, is not said."""


def remember(improver: Improver, _: random.Random) -> str | None:
    """A memory of all scored programs instead of a choice among the last answers."""
    choice, batch = improver.choice, improver.batch
    found = improver.binding(choice.args[0].id) if choice and isinstance(choice.args[0], ast.Name) else None
    candidates = ast.unparse(choice.args[0]) if choice else ""
    if batch:
        found, choice, candidates = batch
    if improver.memory or choice is None or found is None:
        return None
    utility, memory = improver.names[1], _fresh(improver, "archive")
    block, i = improver.place(found)
    block[i + (not batch) : i + 1] = _statements(
        f"for candidate in {candidates}:\n    {memory}[candidate] = {utility}(candidate)"
    )
    choice.args = [_expression(memory)]
    choice.keywords = [ast.keyword("key", _expression(f"{memory}.get"))]
    solution = improver.names[0]
    body = improver.function.body
    start = 1 if ast.get_docstring(improver.function) is not None else 0
    body[start:start] = _statements(f"{memory} = {{{solution}: {utility}({solution})}}")
    return "remember every scored program"


def repeat(improver: Improver, rng: random.Random) -> str | None:
    """Rounds: a loop around the prompt, the question and what is done with the answers."""
    ask, prompt = improver.ask, improver.prompt
    if ask is None or prompt is None or improver.loop:
        return None
    block, last = improver.place(ask)
    end = next((i for i, one in enumerate(block) if isinstance(one, ast.Return)), len(block))
    if end <= last:
        return None
    shown = improver.shown
    inside = [i for i, one in enumerate(block[:last]) if holds(one, prompt[0]) or (shown and one is shown.owner)]
    first = min(inside, default=last)
    loop = _statements(f"for step in range({_filled(rng.choice(ROUNDS), improver)}):\n    pass")[0]
    assert isinstance(loop, ast.For)
    loop.body = block[first:end]
    block[first:end] = [loop]
    return "ask in several rounds"


def show(improver: Improver, rng: random.Random) -> str | None:
    """Which program the prompt shows."""
    if improver.shown is None or not _has_memory(improver, rng):
        return None
    if rng.random() < 0.8:
        repeat(improver, rng)
    value = _filled(rng.choice(PARENTS), improver)
    _show(improver, value)
    return f"show {value}"


def _show(improver: Improver, value: str) -> None:
    """Let the prompt show `value`; where the start solution stands in the prompt itself, through a variable of its own."""
    slot, prompt = improver.shown, improver.prompt
    assert slot is not None and prompt is not None
    if slot.owner is prompt[1]:
        block, i = improver.place(prompt[0])
        name = _fresh(improver, "parent")
        slot.fill(_expression(name))
        block[i:i] = _statements(f"{name} = {value}")
    else:
        slot.fill(_expression(value))
    _import_random(improver)


def each(improver: Improver, _: random.Random) -> str | None:
    """A prompt of its own for every answer, so that a parent drawn by chance is drawn for each."""
    ask, prompt, slot, product = improver.ask, improver.prompt, improver.shown, improver.product
    if not (ask and prompt and slot and product and isinstance(product.left, ast.List)):
        return None
    block, i = improver.place(prompt[0])
    text, parent = ast.unparse(product.left.elts[0]), slot.owner
    made = improver.binding(text)
    if made is None or made is not block[i] or parent not in block[:i] or ask not in _beside(block, i):
        return None
    assert isinstance(parent, ast.Assign)
    first = block.index(parent)
    size = ast.unparse(product.right)
    start, loop = _statements(f"messages = []\nfor _ in range({size}):\n    messages.append({text})")
    assert isinstance(loop, ast.For)
    loop.body[0:0] = block[first : i + 1]
    block[first : i + 1] = []
    _replace(improver.function, product, _expression("messages"))
    at = improver.place(ask)[1]
    block[at:at] = [start, loop]
    return "choose a parent for each answer"


def _beside(block: list[ast.stmt], i: int) -> set[ast.AST]:
    """All that stands in the later statements of a block, but not inside their own blocks."""
    plain = (one for one in block[i:] if isinstance(one, ast.Assign | ast.Expr))
    return {node for one in plain for node in ast.walk(one)}


def walk(improver: Improver, rng: random.Random) -> str | None:
    """A current program that candidates replace by some rule, and that is shown."""
    if improver.shown is None or not _has_memory(improver, rng) or improver.record is None:
        return None
    repeat(improver, rng)
    record, memory = improver.record, improver.memory
    assert isinstance(record.target, ast.Name)
    old = next((one for one in record.body if isinstance(one, ast.If) and _sets(one, "current")), None)
    rule = rng.choice(ACCEPTANCES).format(memory=memory, one=record.target.id)
    statement = _statements(f"if {rule}:\n    current = {record.target.id}")[0]
    if old is not None:
        record.body[record.body.index(old)] = statement
    else:
        record.body.append(statement)
        body = improver.function.body
        start = 1 if ast.get_docstring(improver.function) is not None else 0
        body[start:start] = _statements(f"current = {improver.names[0]}")
    _show(improver, "current")
    return f"walk on when {rule}"


def cache(improver: Improver, _: random.Random) -> str | None:
    """Score no program twice; or do again."""
    record, memory = improver.record, improver.memory
    if record is None or memory is None or not isinstance(record.target, ast.Name):
        return None
    first = record.body[0]
    one = record.target.id
    if isinstance(first, ast.If) and ast.unparse(first.test) == f"{one} not in {memory}":
        record.body[0:1] = first.body
        return "score again what was scored before"
    keep = next((i for i, s in enumerate(record.body) if isinstance(s, ast.Assign)), None)
    if keep is None:
        return None
    guard = _statements(f"if {one} not in {memory}:\n    pass")[0]
    assert isinstance(guard, ast.If)
    guard.body = [record.body[keep]]
    record.body[keep] = guard
    return "score no program twice"


def distinct(improver: Improver, _: random.Random) -> str | None:
    """Drop equal answers before they are scored; or keep them."""
    record = improver.record
    if record is None:
        return None
    text = ast.unparse(record.iter)
    if text.startswith("dict.fromkeys("):
        assert isinstance(record.iter, ast.Call)
        record.iter = record.iter.args[0]
        return "keep equal answers"
    record.iter = _expression(f"dict.fromkeys({text})")
    return "drop equal answers"


def prune(improver: Improver, rng: random.Random) -> str | None:
    """Forget some of the memory after each round: the rest, the older ones, or all but the worst; or forget nothing."""
    loop = improver.loop
    if loop is None or not improver.memory:
        return None
    old = next((one for one in loop.body if isinstance(one, ast.For) and isinstance(one.body[0], ast.Delete)), None)
    if old is not None and rng.random() < 0.5:
        loop.body.remove(old)
        return "forget nothing"
    new = _statements(_filled(rng.choice(PRUNINGS), improver))
    if old is not None:
        loop.body.remove(old)
    loop.body += new
    return "forget part of the memory after each round"


def another(improver: Improver, rng: random.Random) -> str | None:
    """A second program in the prompt, to cross over with; or no longer."""
    prompt = improver.prompt
    if prompt is None or not holds(improver.function, prompt[0]) or not _has_memory(improver, rng):
        return None
    old = improver.binding("other")
    if old is not None:
        old.value = _expression(_filled(rng.choice(PARENTS), improver))
        _import_random(improver)
        return "show another second program"
    block, i = improver.place(prompt[0])
    block[i:i] = _statements(f"other = {_filled(rng.choice(PARENTS), improver)}")
    _append(prompt[0], "\n\nAnother attempt, to take ideas from:\n```python\n", "other", "\n```")
    _import_random(improver)
    return "show a second program"


def feedback(improver: Improver, _: random.Random) -> str | None:
    """What the utility says of the shown program, in the prompt; or no longer."""
    prompt = improver.prompt
    if prompt is None or not holds(improver.function, prompt[0]):
        return None
    shown, utility = ast.unparse(prompt[1].value), improver.names[1]
    for i, value in enumerate(prompt[0].values):
        if isinstance(value, ast.FormattedValue) and ast.unparse(value.value).startswith(f"{utility}.feedback("):
            del prompt[0].values[i]
            before = prompt[0].values[i - 1]
            if isinstance(before, ast.Constant):
                before.value = str(before.value).removesuffix(FEEDBACK)
            return "show no feedback"
    _append(prompt[0], FEEDBACK, f"{utility}.feedback({shown})", "")
    return "show feedback"


def word(improver: Improver, rng: random.Random) -> str | None:
    """A word that the editor heeds at the end of the prompt, in the place of an earlier one; or none any more."""
    prompt = improver.prompt
    if prompt is None:
        return None
    texts = [one for one in prompt[0].values if isinstance(one, ast.Constant)]
    old = [(text, one) for text in texts for one in WORDS if f"\n\n{one}" in str(text.value)]
    for text, one in old:
        text.value = str(text.value).replace(f"\n\n{one}", "")
    if old and rng.random() < 0.3:
        return "say nothing in particular"
    new = rng.choice(WORDS)
    prompt[0].values.append(ast.Constant(f"\n\n{new}"))
    return f"say: {new}"


def keep(improver: Improver, _: random.Random) -> str | None:
    """Hand in the best after each round, for the case that a later one fails; or no longer."""
    loop, memory, utility = improver.loop, improver.memory, improver.names[1]
    if loop is None or not memory:
        return None
    old = next((one for one in loop.body if ast.unparse(one).startswith(f"{utility}.keep(")), None)
    if old is not None and len(loop.body) > 1:
        loop.body.remove(old)
        return "hand nothing in before the end"
    loop.body += _statements(f"{utility}.keep(max({memory}, key={memory}.get))")
    return "hand in the best after each round"


def rounds(improver: Improver, rng: random.Random) -> str | None:
    """How many rounds."""
    if improver.loop is None:
        return repeat(improver, rng)
    return _redraw(improver, improver.rounds, ROUNDS, rng, "rounds")


def size(improver: Improver, rng: random.Random) -> str | None:
    """How many answers to ask for at once."""
    return _redraw(improver, improver.size, SIZES, rng, "answers at once")


def temperature(improver: Improver, rng: random.Random) -> str | None:
    """The temperature of the questions: fixed, drawn by chance, or changing from round to round."""
    loop = improver.loop
    step = loop.target.id if isinstance(loop, ast.For) and isinstance(loop.target, ast.Name) else "_"
    schedules = [one.format(step=step) for one in SCHEDULES] if step != "_" else []
    return _redraw(improver, improver.temperature, [*TEMPERATURES, *schedules], rng, "temperature")


def final(improver: Improver, rng: random.Random) -> str | None:
    """Which program is returned at the end."""
    return _redraw(improver, improver.final, FINALS, rng, "result") if improver.memory else None


def _redraw(
    improver: Improver, slot: Slot | None, fragments: Sequence[str], rng: random.Random, what: str
) -> str | None:
    if slot is None:
        return None
    new = _filled(rng.choice(fragments), improver)
    slot.fill(_expression(new))
    _import_random(improver)
    return f"{what}: {new}"


def inherit(improver: Improver, donor: Improver, rng: random.Random) -> str | None:
    """Crossing over: the donor's choice for one part, when all names in it mean something here."""
    slots = ("shown", "rounds", "size", "temperature", "final")
    name = rng.choice([one for one in slots if getattr(donor, one)] or slots)
    ours, theirs = getattr(improver, name), getattr(donor, name)
    if ours is None or theirs is None:
        return None
    new = ast.unparse(theirs.value)
    used = {one.id for one in ast.walk(theirs.value) if isinstance(one, ast.Name)}
    if not used <= improver.bound() | {"random"} | set(dir(builtins)):
        return None
    if name == "shown":
        _show(improver, new)
    else:
        ours.fill(_expression(new))
        _import_random(improver)
    return f"take over {name}: {new}"


def guard(improver: Improver, _: random.Random) -> str | None:
    """End the rounds when an allowance is used up, instead of failing."""
    loop = improver.loop
    if loop is None or any(isinstance(one, ast.Try) for one in ast.walk(improver.function)):
        return None
    attempt = _statements("try:\n    pass\nexcept BudgetExhausted:\n    break")[0]
    assert isinstance(attempt, ast.Try)
    attempt.body = loop.body
    loop.body = [attempt]
    improver.tree.body[0:0] = _statements("from helpers import BudgetExhausted")
    return "stop when an allowance is used up"


def _sets(node: ast.AST, name: str) -> bool:
    return any(isinstance(one, ast.Assign) and is_name(one.targets[0], name) for one in ast.walk(node))


def _has_memory(improver: Improver, rng: random.Random) -> bool:
    return improver.memory is not None or remember(improver, rng) is not None


def _filled(fragment: str, improver: Improver) -> str:
    solution, utility, model = improver.names
    return fragment.format(memory=improver.memory, solution=solution, utility=utility, model=model)


def _append(text: ast.JoinedStr, before: str, value: str, after: str) -> None:
    text.values += [ast.Constant(before), ast.FormattedValue(_expression(value), -1), ast.Constant(after)]


def _import_random(improver: Improver) -> None:
    """Import `random` where it is used and not yet imported."""
    used = any(is_name(one, "random") for one in ast.walk(improver.function))
    if used and "random" not in improver.bound():
        improver.tree.body[0:0] = _statements("import random")


def _fresh(improver: Improver, name: str) -> str:
    """`name`, with underscores added until it is not bound yet."""
    while name in improver.bound():
        name += "_"
    return name


def _replace(root: ast.AST, old: ast.expr, new: ast.expr) -> None:
    for node in ast.walk(root):
        for field, value in ast.iter_fields(node):
            if value is old:
                setattr(node, field, new)
            elif isinstance(value, list) and old in value:
                setattr(node, field, [new if one is old else one for one in cast("list[object]", value)])


def _statements(text: str) -> list[ast.stmt]:
    return ast.parse(text).body


def _expression(text: str) -> ast.expr:
    statement = ast.parse(text).body[0]
    assert isinstance(statement, ast.Expr)
    return statement.value


PARTS: tuple[tuple[int, Part], ...] = (
    (2, remember),
    (2, repeat),
    (6, show),
    (2, each),
    (2, walk),
    (2, cache),
    (1, distinct),
    (2, prune),
    (2, another),
    (1, feedback),
    (3, word),
    (2, rounds),
    (2, size),
    (3, temperature),
    (1, final),
    (1, guard),
    (1, keep),
)
"""The parts with the weight at which an edit chooses them."""
