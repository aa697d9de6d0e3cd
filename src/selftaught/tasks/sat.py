"""`sat`, 3-SAT with a planted assignment (paper, section 4, transfer).

The paper's sizes and limit. There, one formula without an answer floored the whole score, and a solver could rewrite
the clauses it was judged by; here each formula counts for itself and is judged as it was drawn.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Self

from selftaught.plain import JSON
from selftaught.sandbox import Limits
from selftaught.task import Instance, Split, Task
from selftaught.tasks.answers import bits
from selftaught.tasks.sizes import Sizes

FEWEST, MOST = 5, 50
RATIO = 4
"""Clauses per variable; random formulas are hardest at about 4.27."""
SIZES = Sizes("sat", 50, 1000, 3.5, 8, "the number of variables", "clauses per variable")
"""With fewer the start solution solves nearly all."""

_WHERE_IT_IS = "    return [variable in true for variable in range(variables + 1)]\n"
Clause = tuple[int, ...]


class Sat(Task):
    """The start solution is the paper's random walk; its 'best' literal is always the first, as it was there."""

    name = "sat"
    entry = "algorithm"
    summary = "3-SAT: satisfy formulas that have an assignment"
    instances: Mapping[Split, int] = {"train": 15, "validation": 30, "test": 30}

    start = """\
import random


def random_walk(formula, steps, p):
    variables = max(abs(literal) for clause in formula for literal in clause)
    true = set(range(-variables, 0))
    for _ in range(steps):
        unsatisfied = [clause for clause in formula if true.isdisjoint(clause)]
        if not unsatisfied:
            return [variable in true for variable in range(variables + 1)]
        clause = random.choice(unsatisfied)
        literal = random.choice(clause) if random.random() < p else clause[0]
        true.remove(-literal)
        true.add(literal)
    return None


def algorithm(formula):
    return random_walk(formula, steps=1000, p=0.4)
"""

    fewest: int = FEWEST
    most: int = MOST
    ratio: float = RATIO

    @classmethod
    def sized(cls, text: str) -> Self:
        """The task with exactly so many variables, and after an @ so many clauses for each. Raises UsageError."""
        task = cls()
        variables, task.ratio = SIZES.read(text, RATIO)
        task.fewest = task.most = variables
        task.name = f"sat:{text}"
        # The paper's walk gives None where it ends in vain, at larger sizes always: an answer of no score at all.
        task.start = cls.start.replace("    return None\n", _WHERE_IT_IS)
        return task

    @property
    def limits(self) -> Limits:  # pyright: ignore[reportIncompatibleVariableOverride]
        return Limits(cpu_s=round(0.1 * max(1.0, self.ratio * self.most / (RATIO * MOST)), 3))

    @property
    def _range(self) -> str:
        return f"between {self.fewest} and {self.most}" if self.fewest < self.most else f"= {self.most}"

    @property
    def description(self) -> str:
        return (
            f"Satisfy 3-SAT formulas. `algorithm(formula)` is given a list of clauses over n variables, {self.ratio:g} * n "
            f"of them, with n {self._range}. A clause is a list of three literals of different variables: the "
            f"whole number v stands for variable v, -v for its negation, v from 1 to n. A hidden assignment satisfies all "
            f"clauses. The function returns a list of n + 1 truth values (True or False, or 1 or 0), n being the largest "
            f"variable that occurs: that of variable v at index v; index 0 is not used. The grade of an instance is 1 when "
            f"every clause of the formula as it was given has a true literal, otherwise 0. Returning None is an invalid "
            f"answer, graded 0 for that formula alone."
        )

    def draw(self, rng: random.Random) -> Instance:
        variables = rng.randint(self.fewest, self.most)
        planted = [0, *(rng.getrandbits(1) for _ in range(variables))]
        clauses: list[Clause] = []
        while len(clauses) < round(self.ratio * variables):
            clause = tuple(v if rng.random() < 0.5 else -v for v in rng.sample(range(1, variables + 1), 3))
            if satisfied(clause, planted):
                clauses.append(clause)
        largest = max(abs(literal) for clause in clauses for literal in clause)
        return Instance(([list(clause) for clause in clauses],), (largest, tuple(clauses)))

    def grade(self, instance: Instance, answer: JSON) -> float:
        return float(_unsatisfied(instance, answer) == 0)

    def explain(self, instance: Instance, answer: JSON) -> str:
        largest, clauses = instance.truth
        return f"{_unsatisfied(instance, answer)} of {len(clauses)} clauses not satisfied, {largest} variables"


def satisfied(clause: Clause, assignment: list[int]) -> bool:
    """Whether a literal of the clause is true."""
    return any(assignment[abs(literal)] == (literal > 0) for literal in clause)


def _unsatisfied(instance: Instance, answer: JSON) -> int:
    largest, clauses = instance.truth
    assignment = [0, *bits(_tail(answer), largest, "truth values after index 0")]
    return sum(not satisfied(clause, assignment) for clause in clauses)


def _tail(answer: JSON) -> JSON:
    """The answer without its unused first place, whatever that holds."""
    return answer[1:] if isinstance(answer, list | tuple) else answer
