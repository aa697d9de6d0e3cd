"""One improver at work: s' = I(u, s, L) (paper, section 3). The improver is generated code and runs in the sandbox."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, cast

from selftaught.budget import Allowance, Meter, Usage
from selftaught.errors import Refusal
from selftaught.lab import Lab
from selftaught.lab.guarded import Guarded
from selftaught.lab.handed import Handed, bounded
from selftaught.lab.interface import budgets, improver_job
from selftaught.lab.ledger import Conversation
from selftaught.lab.scored import Candidate, Scored
from selftaught.lab.workers import scoring
from selftaught.plain import JSON, seed_from
from selftaught.program import Program
from selftaught.sandbox import Attempts, Limits
from selftaught.utility import Utility

_IGNORED = frozenset({"use_sandbox=True", "use_sandbox=False"})
"""What is counted of what a call says it was given: the call comes from generated code."""
_FREE_FEEDBACK = 10
"""For each scoring allowed, how often feedback is free: answering costs the host time, which somebody has to be charged for."""


@dataclass(frozen=True)
class Improvement:
    """What an improver run came to. One that failed and handed nothing in before counts as its start solution."""

    program: Program | None
    """What it returned or, where that is none, what it kept last."""
    reason: str | None
    """Why it returned no program; None when it did."""
    usage: Usage
    first_score: float | None
    """What its utility first said of the program it returned; None when it never asked."""
    denied: Attempts = field(default_factory=Attempts)
    """What the improver tried that was denied."""
    faults: Mapping[str, int] = field(default_factory=dict[str, int])
    """What went wrong on the host in calls that it made, and how often: errors that nobody expected."""
    scored: tuple[Candidate, ...] = ()
    """What it had scored, where improvers are improved; of runs on tasks this is not kept, unless it was asked for."""
    kept: tuple[Program, ...] = ()
    """What it handed in by `utility.keep`, the last one first."""
    missed: float | None = None
    """The best score that its utility gave, where a program with that score was neither returned nor kept."""


def improve(
    lab: Lab,
    improver: Program,
    start: Program,
    utility: Utility,
    stream: Sequence[JSON],
    allowance: Allowance,
    level: int = 0,
    tell_scored: bool = False,
) -> Improvement:
    """Run an improver on a start solution under a utility, once.

    `stream` names the repetition whose answers it sees; `level` is 0 where solutions of tasks are improved and grows by
    one with each improver that works on improvers. What it had scored is told from level 1 on, or with `tell_scored`.
    """
    inside, lab = lab.model, lab.at(level)
    about: dict[str, JSON] = {
        "improver": lab.store.keep(improver.text),
        "start": lab.store.keep(start.text),
        "utility": utility.key,
        "stream": list(stream),
        "allowance": allowance.plain(),
        "model": lab.model.name,
        "parameters": dict(lab.model.parameters),
        **({} if lab.model is inside else {"inside": [inside.name, dict(inside.parameters)]}),
    }

    def work() -> JSON:
        timed = lab.progress.timed("improver", improver.name, level=level)
        with lab.progress.under_way("improver runs"), timed:
            own = _ImproverRun(lab, utility, stream, allowance, level, tell_scored)
            verdict = lab.verdict("improvement", about)
            return own.guarded.repeated(verdict, own.meter, partial(own.run, improver, start))

    fact = cast(Mapping[str, Any], lab.once("improvement", about, work))
    return Improvement(
        fact["program"] and Program(lab.store.text(fact["program"])),
        fact["reason"],
        Usage(**fact["usage"]),
        fact["shown"],
        Attempts.read(fact["denied"]),
        fact.get("faults", {}),
        tuple(Candidate(**one) for one in fact["scored"]),
        tuple(Program(lab.store.text(one)) for one in fact["kept"]),
        fact["missed"],
    )


class _ImproverRun:
    """The host's side of one improver run: the functions it may call, and the meter it cannot reach."""

    def __init__(
        self, lab: Lab, utility: Utility, stream: Sequence[JSON], allowance: Allowance, level: int, tell: bool
    ) -> None:
        self._lab = lab
        self._utility = utility
        self._stream = list(stream)
        self._allowance = allowance
        self._level = level
        self._tell = tell or level > 0
        self.meter = Meter(allowance)
        self._model = Conversation(lab, stream, self.meter)
        self.guarded = Guarded(lab.progress)
        self._scored = Scored()
        self._told: dict[Program, str] = {}
        self._asked_back = 0
        self._handed = Handed(self._scored.succeeded)

    def run(self, improver: Program, start: Program) -> JSON:
        """Run the improver to its end; the stored fact of it."""
        allowance = self._allowance
        told = self._utility.description + budgets(allowance), self._utility.entry
        limits = self._lab.eased(Limits(cpu_s=allowance.cpu_s, answer_kb=512))
        chance = seed_from("improver", self._lab.roots.guests, self._stream)
        job = improver_job(improver, start, told, allowance, limits, chance)
        functions = {
            "utility": self.guarded.call(self._scores),
            "feedback": self.guarded.call(self._feedback),
            "keep": self.guarded.call(self._keep),
            "ask": self.guarded.call(self._model.ask),
        }
        outcome = self._lab.compute(job, functions)[0]
        if outcome.kind == "answer":
            reason = self._defect(outcome.answer)
            reason = reason and f"what it returned is no program: {reason}"
        else:
            reason = f"{outcome.kind}: {outcome.error.splitlines()[0] if outcome.error else 'no details'}"
        kept = self._handed.latest(lambda text: not self._defect(text))
        program = next(iter(kept), None) if reason else Program(str(outcome.answer))
        return {
            "program": program and self._lab.store.keep(program.text),
            "reason": reason,
            "usage": self.meter.used.plain(),
            "shown": self._scored.first(program),
            "scored": self._scored.candidates(self._lab.store.keep) if self._tell else [],
            "kept": [self._lab.store.keep(one.text) for one in kept],
            "missed": self._scored.missed([start, *kept, *([program] if program else [])]),
            "denied": outcome.denied.fact(),
            **({"faults": faults} if (faults := self.guarded.faults) else {}),
        }

    def _defect(self, answer: JSON) -> str | None:
        """Why it is no program; what has a score is one."""
        return None if self._scored.succeeded(answer) else self._lab.defect(answer, self._utility.entry)

    def _scores(self, solutions: Sequence[str], ignored: Sequence[str] = ()) -> list[float]:
        """utility(...) and utility.map(...): all or nothing against the allowance, then side by side.

        `ignored`: what keywords of the paper's interface asked for that change nothing here; they are counted.
        """
        self.meter.add(Usage(ignored=dict.fromkeys(_IGNORED.intersection(ignored), 1)))
        self.meter.reserve_scorings(len(solutions))
        numbered = self._scored.numbered([bounded(text) for text in solutions])
        scores = self._lab.workers.map(scoring(self._level), lambda one: self._utility.score(*one), numbered)
        for (program, earlier), score in zip(numbered, scores, strict=True):
            if earlier == 0:
                self._scored.note(program, score.value)
            if self._level and score.value is not None:
                self._lab.progress.seen(score.value)
        return [score.number for score in scores]

    def _feedback(self, solution: str) -> str:
        """utility.feedback(...): free for a solution that was scored, unless asked for again and again; otherwise it costs a
        scoring. It is worked out once."""
        if not self._allowance.extensions:
            raise Refusal("ValueError", "there is no utility.feedback in this run")
        program = bounded(solution)
        if program not in self._scored:
            self._scores([solution])
        elif self._asked_back >= _FREE_FEEDBACK * self._allowance.scorings:
            self.meter.reserve_scorings(1)
        self._asked_back += 1
        if program not in self._told:
            self._told[program] = self._utility.feedback(program)
        return self._told[program]

    def _keep(self, solution: str) -> None:
        """utility.keep(...): the last programs count when the run ends otherwise than by returning one."""
        if not self._allowance.extensions:
            raise Refusal("ValueError", "there is no utility.keep in this run")
        self._handed.add(solution)
