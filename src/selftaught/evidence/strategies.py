"""What improvers do, told from their programs: the strategies of the paper (its section 5), by what flows where.

The programs are generated, so they are read in the sandbox, by the tool `strategies`. Precision and recall on labelled
programs, written in styles unlike those in the box, are measured by `tests/evidence/test_strategies.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from selftaught.plain import JSON
from selftaught.program import Program
from selftaught.sandbox import Limits, Sandbox, tool

STRATEGIES: Mapping[str, str] = {
    "unscored": "returns an answer that no scoring has chosen",
    "sampling": "scores answers, but no message builds on an earlier answer",
    "iterative": "asks again, showing earlier answers",
    "beam": "shows the best few solutions, taken by rank",
    "crossover": "shows several solutions in one message",
    "genetic": "crosses solutions that are chosen by rank or at random",
    "annealing": "accepts a worse solution with a probability that falls with the loss",
    "ucb": "prefers what has been tried little, by an upper confidence bound",
    "bandit": "learns which way of asking pays",
    "epsilon-greedy": "takes the best, or by chance any solution",
    "tree": "grows a tree of solutions and comes back to open branches",
    "part-by-part": "takes the program apart and asks for one part",
    "hints": "asks with several fixed hints",
    "temperature": "varies the temperature",
    "cache": "looks a solution up before scoring it",
    "early-stop": "stops because of scores, not only because a budget is used up",
    "parallel-scoring": "has several solutions scored side by side",
    "feedback": "asks the utility why a solution lost",
}
"""The strategies and what each means, in the order in which they are told."""
_LIMITS = Limits(cpu_s=0.5, wall_s=4, memory_mb=512)
_AT_ONCE = 8
"""How many programs are read by one job."""
_HARD = 8
"""After so many that could not be followed, the others are left: whoever waits must hear something."""


@dataclass(frozen=True)
class Strategies:
    """The strategies of a number of improvers."""

    by_digest: Mapping[str, tuple[str, ...]]
    """By digest of a program, in the order of `STRATEGIES`; none of what is no improver."""
    untold: Mapping[str, str]
    """By digest, why they could not be told: programs that are too hard to follow."""

    def of(self, improver: Program) -> tuple[str, ...]:
        return self.by_digest.get(improver.digest, ())

    def appearances(self, improvers: Sequence[Program]) -> dict[str, tuple[int, ...]]:
        """For each strategy that shows in a sequence of improvers (one by round), the rounds in which it does."""
        table = {name: tuple(t for t, one in enumerate(improvers) if name in self.of(one)) for name in STRATEGIES}
        return {name: rounds for name, rounds in table.items() if rounds}


def strategies(sandbox: Sandbox, improvers: Iterable[Program]) -> Strategies:
    """The strategies that these programs show. Each is read once and by itself: one that is hard to read costs no other."""
    texts = {one.digest: one.text for one in improvers}
    found, untold = dict[str, tuple[str, ...]](), dict[str, str]()
    digests = list(texts)
    for group in (digests[i : i + _AT_ONCE] for i in range(0, len(digests), _AT_ONCE)):
        if len(untold) >= _HARD:
            untold |= dict.fromkeys(group, "not tried after so many others could not be followed")
            continue
        outcomes = sandbox.run(tool("strategies", "named", [(texts[digest],) for digest in group], _LIMITS))
        for digest, one in zip(group, outcomes, strict=True):
            if one.kind == "answer":
                found[digest] = _names(one.answer)
            else:
                untold[digest] = one.error.partition("\n")[0][:200] or one.kind
    return Strategies(found, untold)


def _names(answer: JSON) -> tuple[str, ...]:
    found = answer if isinstance(answer, list) else []
    return tuple(name for name in STRATEGIES if name in found)
