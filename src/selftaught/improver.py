"""One improver at work: s' = I(u, s, L) (paper, section 3). The improver is generated code and runs in the sandbox."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from selftaught.budget import Allowance, Meter, Usage
from selftaught.errors import Refusal
from selftaught.lab import Lab
from selftaught.ledger import Conversation
from selftaught.plain import JSON, seed_from
from selftaught.program import Program, defect
from selftaught.sandbox import Job, Limits
from selftaught.utility import Utility

ENTRY = "improve_algorithm"
"""The function every improver defines."""


@dataclass(frozen=True)
class Candidate:
    """A program that an improver run had scored: nothing that was proposed is thrown away."""

    program: str
    """Digest of its text, kept in the store."""
    value: float | None
    """Its first score; None when it failed."""
    times: int
    """How often it was scored."""


@dataclass(frozen=True)
class Improvement:
    """What an improver run came to: a program, or None and why. A failed run counts as its start solution."""

    program: Program | None
    reason: str | None
    usage: Usage
    shown: float | None
    """The first score its utility gave to the program it returned; None when it never asked for one."""
    scored: tuple[Candidate, ...] = ()
    """What it had scored, where improvers are improved; of runs on tasks this is not kept."""


def improve(
    lab: Lab,
    improver: Program,
    start: Program,
    utility: Utility,
    stream: Sequence[JSON],
    allowance: Allowance,
    depth: int = 0,
) -> Improvement:
    """Run an improver on a start solution under a utility, once.

    `stream` names the repetition whose answers it sees; `depth` is 0 where solutions of tasks are improved and grows by
    one with each improver that works on improvers.
    """
    about: dict[str, JSON] = {
        "improver": lab.store.keep(improver.text),
        "start": lab.store.keep(start.text),
        "utility": utility.key,
        "stream": list(stream),
        "allowance": allowance.plain(),
        "model": lab.model.name,
        "parameters": dict(lab.model.parameters),
    }

    def work() -> JSON:
        with lab.progress.under_way("improver runs"):
            return _Guest(lab, utility, stream, allowance, depth).run(improver, start)

    fact = cast(Mapping[str, Any], lab.once("improvement", about, work))
    program = fact["program"] and Program(lab.store.text(fact["program"]))
    scored = tuple(Candidate(**one) for one in fact.get("scored", ()))
    return Improvement(program, fact["reason"], Usage(**fact["usage"]), fact["shown"], scored)


class _Guest:
    """The host's side of one improver run: the three functions it may call, and the meter it cannot reach."""

    def __init__(self, lab: Lab, utility: Utility, stream: Sequence[JSON], allowance: Allowance, depth: int) -> None:
        self._lab = lab
        self._utility = utility
        self._stream = list(stream)
        self._allowance = allowance
        self._depth = depth
        self._meter = Meter(allowance)
        self._model = Conversation(lab, stream, self._meter)
        self._scored = Counter[Program]()
        self._values: dict[Program, float | None] = {}
        self._lock = threading.Lock()

    def run(self, improver: Program, start: Program) -> JSON:
        """Run the improver to its end; the stored fact of it."""
        allowance = self._allowance
        job = Job(
            program=improver.text,
            entry=ENTRY,
            inputs=(
                (
                    start.text,
                    {"str": self._utility.description + _allowed(allowance), "budget": allowance.scorings},
                    {"budget": allowance.calls, "max_responses_per_call": allowance.responses},
                ),
            ),
            seeds=(seed_from("improver", self._lab.seed, self._stream),),
            limits=Limits(cpu_s=allowance.cpu_s, answer_kb=512),
            profile="improver",
        )
        functions = {"utility": self._scores, "feedback": self._feedback, "ask": self._model.ask}
        outcome = self._lab.compute(job, functions)[0]
        answer = outcome.answer
        if outcome.kind == "answer":
            reason = defect(answer, self._utility.entry)
            reason = reason and f"what it returned is no program: {reason}"
        else:
            reason = f"{outcome.kind}: {outcome.error.splitlines()[0] if outcome.error else 'no details'}"
        program = None if reason else Program(str(answer))
        return {
            "program": program and self._lab.store.keep(program.text),
            "reason": reason,
            "usage": self._meter.used.plain(),
            "shown": (self._values[program] or 0.0) if program in self._values else None,
            "scored": self._candidates() if self._depth else [],
        }

    def _candidates(self) -> list[JSON]:
        """All that was scored, in an order that does not depend on threads."""
        kept = ((self._lab.store.keep(one.text), self._values.get(one), times) for one, times in self._scored.items())
        return [{"program": name, "value": value, "times": times} for name, value, times in sorted(kept)]

    def _scores(self, solutions: Sequence[str]) -> list[float]:
        """utility(...) and utility.map(...): all or nothing against the allowance, then side by side."""
        self._meter.reserve_scorings(len(solutions))
        with self._lock:
            numbered = [(Program(text), self._block(Program(text))) for text in solutions]
        scores = self._lab.workers.map(f"score {self._depth}", lambda one: self._utility.score(*one), numbered)
        for (program, block), score in zip(numbered, scores, strict=True):
            if block == 0:
                self._values[program] = score.value
            if self._depth and score.value is not None:
                self._lab.progress.seen(score.value)
        return [score.shown for score in scores]

    def _block(self, program: Program) -> int:
        block = self._scored[program]
        self._scored[program] += 1
        return block

    def _feedback(self, solution: str) -> str:
        """utility.feedback(...): free for a solution that was scored, otherwise it costs a scoring."""
        if not self._allowance.extensions:
            raise Refusal("ValueError", "there is no utility.feedback in this run")
        program = Program(solution)
        if program not in self._scored:
            self._scores([solution])
        return self._utility.feedback(program)


def _allowed(allowance: Allowance) -> str:
    """The part of the description that states the budgets: generated from what the host enforces."""
    tokens = "" if allowance.tokens is None else f" and {allowance.tokens:,} tokens"
    several = " or, side by side, utility.map(solutions)," if allowance.extensions else ""
    feedback = "utility.feedback(solution) tells why a solution lost; it is free for solutions that were scored. "
    return (
        f"\n\nThe improver may make {allowance.scorings} scorings with utility(solution){several} "
        f"and {allowance.calls} calls of the language model with at most {allowance.responses} "
        f"answers each{tokens}; a larger batch costs more calls. Its own code may use {allowance.cpu_s:g} s of CPU time. "
        "A call that would exceed a budget raises BudgetExhausted (from helpers) and does nothing. "
        f"{feedback if allowance.extensions else ''}"
        "A solution that fails has utility 0.0."
    )
