"""A rehearsal: an improver at work once, with canned answers and a canned utility. Nothing is bought, nothing is stored.

The utility likes every solution a little better than those before, and the model answers with the start itself and one more
comment, so that what goes wrong is due to the improver's own text.
"""

from __future__ import annotations

import builtins
from collections.abc import Callable, Mapping, Sequence

from selftaught.budget import Allowance, Meter, Usage
from selftaught.lab import Lab
from selftaught.lab.interface import budgets, improver_job
from selftaught.program import Program
from selftaught.sandbox import HostFunction, Job, Limits, Outcome

_MISTAKES = (SyntaxError, ImportError, NameError, AttributeError, TypeError)
"""What no other answer and no other score would change: the improver's own text is wrong."""
_LONGEST_CPU_S = 20.0
START = Program("def f(x):\n    return x\n")
"""A start solution for improvers of which it does not matter what they work on: its function is `f`."""
Running = Callable[[Job, Mapping[str, HostFunction]], Sequence[Outcome]]
"""Runs a job in the sandbox."""


def rehearsed(
    lab: Lab,
    improver: Program,
    start: Program,
    about: tuple[str, str],
    allowance: Allowance,
    strict: bool = False,
) -> str | None:
    """What is wrong with an improver's text that works on a start solution at this allowance; None: nothing is known to be.

    `about` is what the utility's description says, and the function that its solutions define. Wrong is what is no program
    and a mistake of its own; where this is the allowance that it will have (`strict`), also a call beyond it that ends the
    improver with nothing handed in. Chance, time and memory prove nothing.
    """
    outcome, _, kept = rehearsal(lab.compute, improver, start, about, allowance)
    return _wrong(outcome, strict and not kept)


def rehearsal(
    run: Running, improver: Program, start: Program, about: tuple[str, str], allowance: Allowance
) -> tuple[Outcome, Usage, Sequence[str]]:
    """How the improver's run ends, what it uses of its allowance, and what it hands in before its end."""
    limits = Limits(cpu_s=min(_LONGEST_CPU_S, allowance.cpu_s))
    seen: list[str] = []
    kept: list[str] = []
    asked: list[str] = []
    meter = Meter(allowance)

    def utility(solutions: Sequence[str], ignored: Sequence[str] = ()) -> list[float]:  # noqa: ARG001 - as the real one
        meter.reserve_scorings(len(solutions))
        seen.extend(solutions)
        return [min(1.0, 0.01 * (len(seen) + i)) for i in range(len(solutions))]

    def feedback(solution: str) -> str:  # noqa: ARG001 - as the real one
        return "Mean grade 0.5000."

    def ask(expertise: str, messages: Sequence[str], temperature: float) -> list[str]:  # noqa: ARG001 - as the real one
        meter.reserve_answers(len(messages))
        asked.extend(messages)
        first = len(asked) - len(messages)
        return [f"An idea.\n```python\n{start.text}\n# {first + i}\n```" for i in range(len(messages))]

    def keep(solution: str) -> None:
        kept.append(solution)

    functions = {"utility": utility, "feedback": feedback, "keep": keep, "ask": ask}
    job = improver_job(improver, start, (about[0] + budgets(allowance), about[1]), allowance, limits)
    (outcome,) = run(job, functions)
    return outcome, meter.used, kept


def _wrong(outcome: Outcome, strict: bool) -> str | None:
    if outcome.kind == "defect":
        return f"is no program: {outcome.error}"
    mistake, *where = outcome.error.splitlines() or [""]
    name = mistake.partition(":")[0]
    if outcome.kind != "error" or not (_is_mistake(name) or (strict and name == "BudgetExhausted")):
        return None
    place = f" ({where[-1].strip()})" if where else ""
    return f"cannot work: {mistake}{place}"


def _is_mistake(name: str) -> bool:
    """Whether an exception of this name is one of the mistakes, or a kind of one (UnboundLocalError)."""
    found = getattr(builtins, name, None)
    return isinstance(found, type) and issubclass(found, _MISTAKES)
