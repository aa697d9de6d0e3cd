"""Proposals for improvers: their parts recombined (`parts.py`), with a generic edit now and then."""

from __future__ import annotations

import ast
import random
from copy import deepcopy

from editor import edits
from editor.landmarks import Improver, improver
from editor.parts import PARTS, inherit

GENERIC = 0.05
"""The chance that an edit is a generic one."""


def edited(text: str, donors: tuple[str, ...], temperature: float, rng: random.Random) -> edits.Edit | None:
    """An improver after two or more edits of its parts; None when `text` is no improver or has no part that is known."""
    found = improver(text)
    if found is None or found.ask is None:
        return None
    mates = [one for text in donors if (one := improver(text))]
    ideas = [_one(found, mates, rng) for _ in range(1 + edits.edit_count(1.5 * temperature, rng))]
    told = [one for one in ideas if one]
    if not told:
        return None
    new = written(found)
    if rng.random() < GENERIC:
        idea, new = edits.edited(new, (), 0.0, rng)
        told.append(idea)
    return "; ".join(told), new


def _one(found: Improver, mates: list[Improver], rng: random.Random) -> str | None:
    """One part changed, or taken over from another improver; what does not apply is passed over, a few times."""
    for _ in range(6):
        if mates and rng.random() < 0.5:
            idea = inherit(found, rng.choice(mates), rng)
        else:
            idea = rng.choices(PARTS, [weight for weight, _ in PARTS])[0][1](found, rng)
        if idea:
            return idea
    return None


def written(found: Improver) -> str:
    """The improver's text; prompts of several lines are written as people write them."""
    copied = deepcopy(found.tree)
    texts = [node for node in ast.walk(copied) if isinstance(node, ast.JoinedStr)]
    prompts = {f"_prompt_{i}_": text for i, node in enumerate(texts) if (text := _lines(node))}
    tree = _Named({id(texts[int(name[8:-1])]): name for name in prompts}).visit(copied)
    program = ast.unparse(ast.fix_missing_locations(tree)) + "\n"
    for name, text in prompts.items():
        program = program.replace(name, text)
    return program


class _Named(ast.NodeTransformer):
    """Puts names in the places of some texts."""

    def __init__(self, names: dict[int, str]) -> None:
        self.names = names

    def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.expr:
        name = self.names.get(id(node))
        return ast.Name(name, ast.Load()) if name else node


def _lines(node: ast.JoinedStr) -> str:
    """A formatted text of several lines in triple quotes; empty when it is short or holds what does not fit in there."""
    parts: list[str] = []
    for value in node.values:
        if isinstance(value, ast.Constant):
            text = str(value.value).replace("\\", "\\\\").replace('"""', '\\"\\"\\"')
            parts.append(text.replace("{", "{{").replace("}", "}}"))
        elif isinstance(value, ast.FormattedValue) and value.conversion == -1 and value.format_spec is None:
            parts.append("{" + ast.unparse(value.value) + "}")
        else:
            return ""
    text = "".join(parts)
    inner = "".join(part for part in parts if part.startswith("{"))
    fits = "\n" in text and not text.endswith('"') and not any(mark in inner for mark in '"\\\n')
    return f'f"""{text}"""' if fits else ""


def random_improver(text: str, rng: random.Random) -> str:
    """`text` with its parts redrawn at random, most of them, in any order: one point of the space that the edits span."""
    found = improver(text)
    if found is None:
        return text
    for _, part in rng.sample(PARTS, len(PARTS)):
        if rng.random() < 0.7:
            part(found, rng)
    return written(found)
