"""A rehearsal: an improver at work once, with canned answers and a canned utility. Nothing is bought, nothing is stored.

The utility likes every solution a little better than those before, by how much of the allowance is used, and tells of it in the
words of the real one. The model answers with the start and one more line, and where that ends in a mistake once more with
other lines, and with a number in the place of a program. So a mistake is the improver's own if it is made whatever is answered.
"""

from __future__ import annotations

import builtins
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from selftaught.budget import Allowance, Meter, Usage
from selftaught.lab import Lab
from selftaught.lab.handed import Handed
from selftaught.lab.interface import budgets, improver_job
from selftaught.program import Program
from selftaught.sandbox import HostFunction, Job, Limits, Outcome

_MISTAKES = (ImportError, NameError, AttributeError, TypeError, OSError)
"""What no other answer and no other score would change: the improver's own text is wrong."""
_BY_ANSWERS = (UnboundLocalError,)
"""Of these what may hang on the way that was taken, by a word that was asked for and is in no canned answer."""
_NOTHING = "NoneType"
"""An error that tells of this may be due to what was not found in a canned answer."""
_LONGEST_CPU_S = 20.0
Running = Callable[[Job, Mapping[str, HostFunction]], Sequence[Outcome]]
"""Runs a job in the sandbox."""


@dataclass(frozen=True)
class Scene:
    """What an improver works on in a rehearsal, and what it is told of it."""

    start: Program
    description: str
    """Of the utility."""
    entry: str
    """The function that solutions define."""
    feedback: str = "Mean grade 0.5000."
    """What the utility tells of every solution."""


PLAIN = Scene(Program("def f(x):\n    return x\n"), "Improve it.", "f")
"""For improvers of which it does not matter what they work on."""


def _with_a_value(scene: Scene, number: int) -> str:
    """The start, and a line that makes of it another program, in whatever way it is compared."""
    return _block(f"{scene.start.text}\n{'_idea = ' if scene.entry else '# '}{number}")


def _with_a_remark(scene: Scene, number: int) -> str:
    return _block(f"# idea {number}\n{scene.start.text}")


def _number(scene: Scene, number: int) -> str:  # noqa: ARG001 - in the place of the others
    return str(number)


def _block(text: str) -> str:
    return f"An idea.\n```python\n{text}\n```"


Answering = Callable[[Scene, int], str]
"""A canned answer, by its number."""
_ANSWERS: Sequence[Answering] = (_with_a_value, _with_a_remark, _number)


def rehearsed(lab: Lab, improver: Program, scene: Scene, allowance: Allowance) -> str | None:
    """What is wrong with an improver's text that works at this allowance, or at one like it; None: nothing is known to be.

    Wrong is what is no program, and a mistake of its own. Chance, time and memory prove nothing.
    """
    outcome, used, _ = rehearsal(lab.compute, improver, scene, allowance)
    return _told(lab, outcome, scene) if _is_own(lab, outcome, used, improver, scene, allowance) else None


def unfit(lab: Lab, improver: Program, scene: Scene, allowance: Allowance, other: Allowance) -> str | None:
    """What is wrong with an improver's text that would have to work at exactly this allowance, seen at the `other` so far.

    Wrong is also, where it has handed in no program but its start before, a call beyond the allowance that ends the improver,
    and whatever it comes to nothing by that happens before it has asked for anything, or does not happen at the `other`: it has
    taken one budget for granted.
    """
    outcome, used, handed = rehearsal(lab.compute, improver, scene, allowance)
    if _is_own(lab, outcome, used, improver, scene, allowance):
        return _told(lab, outcome, scene)
    wrong = _nothing(lab, outcome, scene)
    kept = handed.latest(lambda text: not lab.defect(text, scene.entry))
    if not wrong or any(one != scene.start for one in kept):
        return None
    if _name(outcome) != "BudgetExhausted" and used != Usage():
        elsewhere, _, _ = rehearsal(lab.compute, improver, scene, other)
        if elsewhere.kind != "answer" or _nothing(lab, elsewhere, scene):  # it may be due to what is canned
            return None
    return wrong


def _is_own(lab: Lab, outcome: Outcome, used: Usage, improver: Program, scene: Scene, allowance: Allowance) -> bool:
    """Whether it ended so for its own text: no program, or a mistake that it makes whatever is answered."""
    if not _is_mistake(outcome, used):
        return outcome.kind == "defect"
    others = (rehearsal(lab.compute, improver, scene, allowance, one) for one in _ANSWERS[1:])
    return all(_is_mistake(ended, needed) for ended, needed, _ in others)


def _nothing(lab: Lab, outcome: Outcome, scene: Scene) -> str | None:
    """Why an outcome is no program; None where it is one, and where a limit has ended the improver."""
    if outcome.kind == "answer":
        wrong = lab.defect(outcome.answer, scene.entry)
        return wrong and f"cannot work: what it returned is no program: {wrong}"
    return _ended(outcome) if outcome.kind == "error" else None


def rehearsal(
    run: Running, improver: Program, scene: Scene, allowance: Allowance, answer: Answering = _ANSWERS[0]
) -> tuple[Outcome, Usage, Handed]:
    """How the improver's run ends, what it uses of its allowance, and what it hands in before its end."""
    limits = Limits(cpu_s=min(_LONGEST_CPU_S, allowance.cpu_s))
    handed = Handed()
    meter = Meter(allowance)

    def utility(solutions: Sequence[str], ignored: Sequence[str] = ()) -> list[float]:  # noqa: ARG001 - as the real one
        meter.reserve_scorings(len(solutions))
        first = meter.used.scorings - len(solutions)
        return [(first + i + 1) / (2 * allowance.scorings) for i in range(len(solutions))]

    def feedback(solution: str) -> str:  # noqa: ARG001 - as the real one
        return scene.feedback

    def ask(expertise: str, messages: Sequence[str], temperature: float) -> list[str]:  # noqa: ARG001 - as the real one
        meter.reserve_answers(len(messages))
        first = meter.used.responses - len(messages)
        return [answer(scene, first + i) for i in range(len(messages))]

    def keep(solution: str) -> None:
        handed.add(solution)

    functions = {"utility": utility, "feedback": feedback, "keep": keep, "ask": ask}
    told = scene.description + budgets(allowance), scene.entry
    (outcome,) = run(improver_job(improver, scene.start, told, allowance, limits), functions)
    return outcome, meter.used, handed


def _told(lab: Lab, outcome: Outcome, scene: Scene) -> str:
    return _nothing(lab, outcome, scene) or f"is no program: {outcome.error}"


def _ended(outcome: Outcome) -> str:
    mistake, *where = outcome.error.splitlines() or [""]
    place = f" ({where[-1].strip()})" if where else ""
    return f"cannot work: {mistake}{place}"


def _name(outcome: Outcome) -> str:
    return outcome.error.partition("\n")[0].partition(":")[0] if outcome.kind == "error" else ""


def _is_mistake(outcome: Outcome, used: Usage) -> bool:
    """Whether it ended with one of the mistakes, or a kind of one (FileNotFoundError), or with something else than a text."""
    if outcome.kind == "answer":
        return outcome.answer is not None and not isinstance(outcome.answer, str)
    found = getattr(builtins, _name(outcome), None)
    if not isinstance(found, type) or not issubclass(found, _MISTAKES) or _NOTHING in outcome.error.partition("\n")[0]:
        return False
    return not issubclass(found, _BY_ANSWERS) or used == Usage()
