"""A first look before anything is bought: every improver once with canned answers, every start solution once."""

from __future__ import annotations

import builtins
from collections.abc import Mapping, Sequence

from selftaught.budget import Allowance, Meter
from selftaught.errors import WorthlessRun
from selftaught.improver import ENTRY
from selftaught.lab import Lab
from selftaught.program import Program
from selftaught.sandbox import Job, Limits
from selftaught.task import Task
from selftaught.utility import TaskUtility

_START = "def f(x):\n    return x\n"
_MISTAKES = (SyntaxError, ImportError, NameError, AttributeError, TypeError)
"""What no other answer and no other score would change: the improver's own text is wrong."""
_CALLS, _RESPONSES, _SCORINGS = 4, 6, 25
_GIVEN = (
    "an improver is improve_algorithm(initial_solution, utility, language_model): utility(solution), utility.map(solutions), "
    "utility.feedback(solution), utility.str and .budget; language_model.prompt(expertise, message, n_responses, temperature), "
    ".batch_prompt(expertise, messages, temperature), .budget and .max_responses_per_call; from helpers: extract_code, "
    "BudgetExhausted"
)


def first_look(lab: Lab, improvers: Mapping[str, Program], tasks: Sequence[Task]) -> None:
    """Raise WorthlessRun, with the line and what is available, where a run could only waste what it buys."""
    for name, improver in improvers.items():
        _try(lab, name, improver)
    for task in tasks:
        found = TaskUtility(lab, task, "train", ["look"], "practice").score(Program(task.start))
        if found.value is None:
            raise WorthlessRun(f"task {task.name}: its start solution fails on every instance ({found.reason})")


def _try(lab: Lab, name: str, improver: Program) -> None:
    """One run of an improver, whose utility likes every solution a little better, and whose model shows it what it asked."""
    given = (
        _START,
        {"str": "Return x.", "budget": _SCORINGS},
        {"budget": _CALLS, "max_responses_per_call": _RESPONSES},
    )
    job = Job(improver.text, ENTRY, (given,), (0,), Limits(cpu_s=20), profile="improver")
    seen: list[str] = []
    meter = Meter(Allowance(calls=_CALLS, responses=_RESPONSES, scorings=_SCORINGS))

    def utility(solutions: Sequence[str], ignored: Sequence[str] = ()) -> list[float]:  # noqa: ARG001 - as the real one
        meter.reserve_scorings(len(solutions))
        seen.extend(solutions)
        return [min(1.0, 0.01 * (len(seen) + i)) for i in range(len(solutions))]

    def feedback(solution: str) -> str:  # noqa: ARG001 - as the real one
        return "Mean grade 0.5000."

    def ask(expertise: str, messages: Sequence[str], temperature: float) -> list[str]:  # noqa: ARG001 - as the real one
        meter.reserve_answers(len(messages))
        return [f"An idea.\n```python\ndef f(x):\n    return x + {i}\n```" for i in range(len(messages))]

    (outcome,) = lab.compute(job, {"utility": utility, "feedback": feedback, "ask": ask})
    if outcome.kind == "defect":
        raise WorthlessRun(f"the improver {name} is no program: {outcome.error}; {_GIVEN}")
    mistake, *where = outcome.error.splitlines() or [""]
    if outcome.kind == "error" and _is_mistake(mistake.partition(":")[0]):
        place = f" ({where[-1].strip()})" if where else ""
        raise WorthlessRun(f"the improver {name} cannot work: {mistake}{place}; {_GIVEN}")


def _is_mistake(name: str) -> bool:
    """Whether an exception of this name is one of the mistakes, or a kind of one (UnboundLocalError)."""
    found = getattr(builtins, name, None)
    return isinstance(found, type) and issubclass(found, _MISTAKES)
