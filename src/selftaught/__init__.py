"""STOP, the Self-Taught Optimizer: programs that improve programs, and themselves.

The names below are the public ones; each is imported when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_PUBLIC = {
    "Program": "program",
    "Score": "utility",
    "Allowance": "budget",
    "Settings": "settings",
    "Task": "task",
    "Instance": "task",
    "InvalidAnswer": "task",
    "TaskUtility": "utility",
    "MetaUtility": "meta",
    "improve": "improver",
    "Lab": "lab",
    "Store": "store",
    "Job": "sandbox",
    "Limits": "sandbox",
    "Outcome": "sandbox",
    "open_sandbox": "sandbox.levels",
    "Request": "models",
    "Answer": "models",
    "LanguageModel": "models",
    "Scripted": "models.scripted",
    "SelftaughtError": "errors",
}

__all__ = [*_PUBLIC]  # noqa: PLE0604 # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"selftaught has no public name {name!r}")
    return getattr(import_module(f"selftaught.{_PUBLIC[name]}"), name)
