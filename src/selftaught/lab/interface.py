"""What an improver is told of what it may use and of what it works on: generated from what the host enforces.

These texts are part of every question to a model, so a recorded answer fits only the text that it was given to.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log2

from selftaught.budget import Allowance
from selftaught.lab import Lab
from selftaught.plain import JSON
from selftaught.program import MAX_CHARS, Program
from selftaught.sandbox import Job, Limits
from selftaught.settings import Keep, Settings
from selftaught.task import Task

ENTRY = "improve_algorithm"
"""The function of an improver that is called (paper, figure 2)."""


def improver_job(
    improver: Program, start: Program, told: tuple[str, str], allowance: Allowance, limits: Limits, seed: int = 0
) -> Job:
    """The improver at work on a start solution. `told`: what it is told of the utility, and the function it is to improve."""
    description, entry = told
    given: tuple[JSON, ...] = (
        start.text,
        {"str": description, "budget": allowance.scorings},
        {"budget": allowance.calls, "max_responses_per_call": allowance.responses},
        entry,
    )
    return Job(improver.text, ENTRY, (given,), (seed,), limits, profile="improver")


def about_task(task: Task, ranged: bool | None = None) -> str:
    """All that an improver is told of a task. It tells no split from another, also where they differ in size.

    `ranged`: whether grades may be any numbers, where the task leaves that to its start solution.
    """
    count = task.instances["train"] if len(set(task.instances.values())) == 1 else None
    instances = "1 instance" if count == 1 else f"{count} instances" if count else "a number of instances"
    if ranged or task.ranged:
        return f"{task.description.strip()}\n\n{_ranged(task, instances)} {_may(task)}"
    grades = "at least 0, above 1 where an answer beats the best known" if task.unbounded else "between 0 and 1"
    return (
        f"{task.description.strip()}\n\n"
        f"The utility is the mean grade over {instances}, {grades}. An instance whose answer is invalid, "
        f"or which needs more than {task.limits.cpu_s:g} s of CPU time or {task.limits.memory_mb} MiB, "
        f"is graded 0; a program that answers none has utility 0. Scoring the same program again gives the same. "
        f"{_may(task)}"
    )


def _ranged(task: Task, instances: str) -> str:
    """How a task is scored whose grades may be any numbers."""
    better, worse = ("lower", "higher") if task.minimize else ("higher", "lower")
    return (
        f"The score of a program is the mean grade over {instances}, {better} is better. The utility tells how that compares "
        f"with the score of the program to begin with: it is 0.5 where both are equal, nearer to 1 the {better}, nearer to 0 "
        f"the {worse} the score is; utility.feedback tells the score itself. A program that fails on an instance, gives no "
        f"valid answer, or needs more than {task.limits.cpu_s:g} s of CPU time or {task.limits.memory_mb} MiB on one has no "
        f"score, and utility 0. Scoring the same program again gives the same."
    )


def _may(task: Task) -> str:
    """What a solution may import, write and return."""
    limits = task.limits
    known = ["Python's standard library", "numpy", *task.packages]
    keys = "tuples and dicts" if task.exact else "dicts with texts as keys"
    files = (
        f"may write files below /tmp, at most {limits.files_mb} MiB in all, which are gone when it ends, but"
        if limits.files_mb
        else "can write no files and"
    )
    return (
        f"A program may import {', '.join(known[:-1])} and {known[-1]}, nothing else; it {files} has no network. What it "
        f"returns is plain data (numbers, texts, lists, {keys}) of at most {limits.answer_kb} KiB; its "
        f"own text has at most {MAX_CHARS:,} characters."
    )


_GIVEN = (
    ("utility(solution: str) -> float", "its score, higher is better, 0.0 for a solution that fails; one scoring"),
    ("utility.map(solutions: list[str]) -> list[float]", "the scores of several, side by side; one scoring each"),
    ("utility.feedback(solution: str) -> str", "how it fared and why; free for what was scored, else one scoring"),
    (
        "utility.keep(solution: str) -> None",
        "hands in the best so far, free; it counts if the run ends without a result",
    ),
    ("utility.str", "str, what is asked"),
    ("utility.budget", "int, the scorings of this run"),
    (
        "language_model.prompt(expertise: str, message: str, n_responses: int = 1, temperature: float = 0.7) -> list[str]",
        "n_responses answers to one message",
    ),
    (
        "language_model.batch_prompt(expertise: str, message_batch: list[str], temperature: float = 0.7) -> list[str]",
        "one answer to each message, in their order",
    ),
    ("language_model.budget", "int, the calls of this run"),
    ("language_model.max_responses_per_call", "int, n; a prompt for m answers costs m / n calls, rounded up"),
    ("from helpers import extract_code, BudgetExhausted", "what there is to be imported of this project"),
    (
        "extract_code(text: str | list[str]) -> str | list[str]",
        "the program in an answer, of a list one each, '' where there is none",
    ),
    ("BudgetExhausted", "raised by a call that would exceed a budget, nothing of which is done"),
)
"""What an improver is given: what it is called by, and what that is or gives. Held against the guest's code by a test."""
_EXTENSIONS = ("utility.map", "utility.feedback", "utility.keep")


def given(extensions: bool) -> str:
    """All that an improver is given, a line each; `extensions`: with what the paper's interface lacks."""
    lines = [f"- {name}: {said}" for name, said in _GIVEN if extensions or not name.startswith(_EXTENSIONS)]
    return "\n".join(lines)


def offered() -> str:
    """The same in one line, by name and signature alone."""
    return "; ".join(name for name, _ in _GIVEN)


_KEPT: Mapping[Keep, str] = {
    "better": "a returned solution counts only where it scores better than the start solution by its utility; ",
    "returned": "",
}
_OF_THE_MODEL = "\n\nOf the language model that it is given in these runs:\n"
_UNLESS = " or, where it has handed one in by utility.keep, as the last one"


def about_improvers(
    tasks: int, repetitions: int, inner: Allowance, upon: Sequence[Allowance], keep: Keep, hints: str = ""
) -> str:
    """All that an improver is told of the meta-utility (paper, section 3): neither tasks nor their solutions are shown.

    `upon` holds the allowances of the tasks to improve an improver that are among the `tasks`; `hints` says what the model that
    is asked in these runs heeds, where that is another one than is told this.
    """
    itself = "".join(
        f"One of the tasks is to improve an improver, with {one.scorings} scorings, {one.calls} calls of "
        f"{one.responses} answers each and {one.cpu_s:g} s. "
        for one in upon
    )
    return (
        "An improver is a program that defines improve_algorithm(initial_solution, utility, language_model), which is given "
        "the text of a solution and returns that of a better one. It has nothing else to work with than this:\n"
        f"{given(inner.extensions)}\n"
        "It may import helpers, Python's standard library and numpy, nothing else, and can write no files.\n\n"
        f"The utility of an improver is what it reaches on average over {tasks} downstream task{'' if tasks == 1 else 's'}, "
        f"{repetitions} times each. On each task it is given the task's start solution, a utility and a language model, and "
        "what it returns is judged on instances of the task that the improver could not score on. 0 stands for the start "
        f"solution and 1 for the best known one; {_KEPT[keep]}an improver run that fails, or that exceeds a budget without "
        f"catching BudgetExhausted, counts as its start solution{_UNLESS if inner.extensions else ''}. "
        f"In each run the improver has utility.budget = {inner.scorings} scorings, language_model.budget = "
        f"{inner.calls} calls with language_model.max_responses_per_call = {inner.responses} answers each, and "
        f"{inner.cpu_s:g} s of CPU time for its own code. {itself}It may be put to work at other budgets as well, such as to "
        "improve an improver, and has to read them from its arguments. The tasks are not shown, so an improver "
        "has to be good in general. Scoring the same improver again draws fresh instances and fresh answers of the model."
        f"{_OF_THE_MODEL + hints if hints else ''}"
    )


def hinted(lab: Lab, settings: Settings) -> str:
    """What the proposer is told of the model inside, where it is to be told: the built-in one says which words it heeds.

    As a writer of improvers that heeds no words, so that without a proposer nobody is told.
    """
    return str(getattr(lab.model, "hints", "")) if settings.hints and lab.proposer else ""


@dataclass(frozen=True)
class Fared:
    """How an improver fared on one of the tasks."""

    mean: float
    answers: float
    """Of a run, on average."""
    scorings: float
    runs: int = 1
    failed: int = 0
    """How many of the runs failed."""
    why: str = ""


def fared(value: float, tasks: Sequence[Fared]) -> str:
    """What an improver is told of how another one fared: its utility, and more by task number, but nothing of the tasks."""
    lines = [f"Utility {value:.4f}."]
    for number, one in enumerate(tasks, 1):
        used = f"about {_about(one.answers)} answers and about {_about(one.scorings)} scorings a run"
        failed = f"; of {one.runs} runs {_some(one.failed, one.runs)} failed: {one.why}" if one.failed else ""
        lines.append(f"Task {number}: {one.mean:.4f}, with {used}{failed}")
    return "\n".join(lines)


def no_improver(why: str) -> str:
    """What an improver is told of a text that is none."""
    return f"It is no improver: {why}"


def _some(part: int, whole: int) -> str:
    """A share in words: an exact count would be a way to pass something on."""
    return "all" if part == whole else "most" if 2 * part > whole else "some"


def _about(count: float) -> str:
    """A count by powers of two, for the same reason."""
    return "0" if count < 1 else str(2 ** round(log2(count)))


def budgets(allowance: Allowance) -> str:
    """What an improver run may use; follows the description of what it works on."""
    tokens = "" if allowance.tokens is None else f" and {allowance.tokens:,} tokens"
    several = " or, side by side, utility.map(solutions)," if allowance.extensions else ""
    more = (
        "utility.feedback(solution) tells why a solution lost; it is free for solutions that were scored. "
        "utility.keep(solution) hands in the best so far, for the case that the improver fails. "
    )
    return (
        f"\n\nThe improver may make {allowance.scorings} scorings with utility(solution){several} "
        f"and {allowance.calls} calls of the language model with at most {allowance.responses} "
        f"answers each{tokens}; a larger batch costs more calls. Its own code may use {allowance.cpu_s:g} s of CPU time. "
        "A call that would exceed a budget raises BudgetExhausted (from helpers) and does nothing. "
        f"{more if allowance.extensions else ''}"
        "A solution that fails has utility 0.0."
    )
