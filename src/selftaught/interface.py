"""What an improver is told of what it may use and of what it works on: generated from what the host enforces.

These texts are part of every question to a model, so a recorded answer fits only the text that it was given to.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from selftaught.budget import Allowance
from selftaught.sandbox import Limits
from selftaught.settings import Keep
from selftaught.task import Task


def about_task(task: Task) -> str:
    """All that an improver is told of a task. It tells no split from another, also where they differ in size."""
    count = task.instances["train"] if len(set(task.instances.values())) == 1 else None
    instances = "1 instance" if count == 1 else f"{count} instances" if count else "a number of instances"
    grades = "at least 0, above 1 where an answer beats the best known" if task.unbounded else "between 0 and 1"
    return (
        f"{task.description.strip()}\n\n"
        f"The utility is the mean grade over {instances}, {grades}. An instance whose answer is invalid, "
        f"or which needs more than {task.limits.cpu_s:g} s of CPU time or {task.limits.memory_mb} MiB, "
        f"is graded 0; a program that answers none has utility 0. Scoring the same program again gives the same."
        f"{_files(task.limits)}"
    )


def _files(limits: Limits) -> str:
    if not limits.files_mb:
        return ""
    return f" A program may write files below /tmp, at most {limits.files_mb} MiB in all, which are gone when it ends."


_KEPT: Mapping[Keep, str] = {
    "better": "a returned solution counts only where it scores better than the start solution by its utility; ",
    "returned": "",
}


def about_improvers(tasks: int, repetitions: int, inner: Allowance, upon: Sequence[Allowance], keep: Keep) -> str:
    """All that an improver is told of the meta-utility (paper, section 3): neither tasks nor their solutions are shown.

    `upon` holds the allowances of the tasks to improve an improver that are among the `tasks`.
    """
    itself = "".join(
        f"One of the tasks is to improve an improver, with {one.scorings} scorings, {one.calls} calls of "
        f"{one.responses} answers each and {one.cpu_s:g} s. "
        for one in upon
    )
    return (
        f"The utility of an improver is what it reaches on average over {tasks} downstream tasks, "
        f"{repetitions} times each. On each task improve_algorithm(initial_solution, utility, language_model) "
        "is given the task's start solution, a utility and a language model, and returns an improved solution, "
        "which is then judged on instances of the task that the improver could not score on. 0 stands for the start "
        f"solution and 1 for the best known one; {_KEPT[keep]}an improver run that fails, or that exceeds a budget without "
        "catching BudgetExhausted, counts as its start solution. "
        f"In each run the improver has utility.budget = {inner.scorings} scorings, language_model.budget = "
        f"{inner.calls} calls with language_model.max_responses_per_call = {inner.responses} answers each, and "
        f"{inner.cpu_s:g} s of CPU time for its own code. {itself}The tasks are not shown, so an improver "
        "has to be good in general. Scoring the same improver again draws fresh instances and fresh answers of the model."
    )


def budgets(allowance: Allowance) -> str:
    """What an improver run may use; follows the description of what it works on."""
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
