"""STOP, the Self-Taught Optimizer: programs that improve programs, and themselves.

The names below are the public ones; each is imported when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from selftaught.budget import Allowance, Usage
    from selftaught.budget.spend import SpendLimits
    from selftaught.errors import ModelFailure, SelftaughtError, UsageError
    from selftaught.evidence.contest import ContestDocument
    from selftaught.evidence.own import OwnDocument
    from selftaught.evidence.report import RunDocument
    from selftaught.improver import Improvement, improve
    from selftaught.lab import Lab
    from selftaught.meta import MetaUtility
    from selftaught.models import Answer, LanguageModel, Request
    from selftaught.models.scripted import Scripted
    from selftaught.plain import JSON
    from selftaught.program import Program
    from selftaught.runs.notebook import (
        compare_improvers,
        improve_file,
        improve_program,
        improve_text,
        open_lab,
        run_recursion,
    )
    from selftaught.sandbox import Job, Limits, Outcome, Sandbox
    from selftaught.sandbox.levels import open_sandbox
    from selftaught.settings import Settings
    from selftaught.settings.choice import ModelChoice, Price
    from selftaught.store import Store
    from selftaught.task import Instance, InvalidAnswer, Task
    from selftaught.utility import Score, TaskUtility, Utility

__all__ = [
    "JSON",
    "Allowance",
    "Answer",
    "ContestDocument",
    "Improvement",
    "Instance",
    "InvalidAnswer",
    "Job",
    "Lab",
    "LanguageModel",
    "Limits",
    "MetaUtility",
    "ModelChoice",
    "ModelFailure",
    "Outcome",
    "OwnDocument",
    "Price",
    "Program",
    "Request",
    "RunDocument",
    "Sandbox",
    "Score",
    "Scripted",
    "SelftaughtError",
    "Settings",
    "SpendLimits",
    "Store",
    "Task",
    "TaskUtility",
    "Usage",
    "UsageError",
    "Utility",
    "compare_improvers",
    "improve",
    "improve_file",
    "improve_program",
    "improve_text",
    "open_lab",
    "open_sandbox",
    "run_recursion",
]

_HOMES = {
    "budget": ("Allowance", "Usage"),
    "budget.spend": ("SpendLimits",),
    "errors": ("ModelFailure", "SelftaughtError", "UsageError"),
    "evidence.contest": ("ContestDocument",),
    "evidence.own": ("OwnDocument",),
    "evidence.report": ("RunDocument",),
    "improver": ("Improvement", "improve"),
    "lab": ("Lab",),
    "meta": ("MetaUtility",),
    "models": ("Answer", "LanguageModel", "Request"),
    "models.scripted": ("Scripted",),
    "plain": ("JSON",),
    "program": ("Program",),
    "runs.notebook": (
        "compare_improvers",
        "improve_file",
        "improve_program",
        "improve_text",
        "open_lab",
        "run_recursion",
    ),
    "sandbox": ("Job", "Limits", "Outcome", "Sandbox"),
    "sandbox.levels": ("open_sandbox",),
    "settings": ("Settings",),
    "settings.choice": ("ModelChoice", "Price"),
    "store": ("Store",),
    "task": ("Instance", "InvalidAnswer", "Task"),
    "utility": ("Score", "TaskUtility", "Utility"),
}
"""Where each name comes from: the same as above, for the interpreter."""
_HOME = {name: home for home, names in _HOMES.items() for name in names}


if not TYPE_CHECKING:  # type checkers take the names from the imports above, and no other

    def __getattr__(name: str) -> Any:
        if name not in _HOME:
            raise AttributeError(f"selftaught has no public name {name!r}")
        return getattr(import_module(f"selftaught.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return [*__all__]
