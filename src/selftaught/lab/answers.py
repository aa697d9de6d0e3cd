"""What is wrong with a model's answers as the source of programs, counted by kind. The texts are read in the sandbox."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping, Sequence

from selftaught.errors import WorthlessRun
from selftaught.sandbox import Job, Limits, Sandbox

READER = "from helpers import fault\n\n\ndef kind(text, finish, entry):\n    return fault(text, finish, entry)\n"
UNREADABLE = "unreadable"
"""An answer that could not be read within the limits."""
MUTE = 16
"""So many answers of which none ever held a word show that none will."""
AT_ONCE = 100
"""Answers read by one job."""
SAID = {
    "cut": "were cut at the token limit (raise --max-tokens, or let the model think less)",
    "half a program": "were cut within the program (raise --max-tokens)",
    "tool call": "called a tool, and none was offered",
    "refusal": "were refused or blocked",
    "empty": "held no text",
    "no code": "held no code",
    "no Python": "held code that is no Python",
    "wrong entry": "held code without the function that was asked for",
    "failed": "failed for their questions alone",
}
"""What is said of the kinds that `fault` in the guest's `helpers` tells apart."""
_FINISHED = {"length": "cut", "blocked": "refusal", "tools": "tool call", "failed": "failed"}


class Heard:
    """What the answers of a run were like so far. Safe from many threads."""

    def __init__(self) -> None:
        self._mute: dict[str, Counter[str]] = {}
        self._spoke = set[str]()
        self._lock = threading.Lock()

    def note(self, model: str, answers: Sequence[tuple[str, str]]) -> None:
        """Take in answers of a model (text, and how it ended). WorthlessRun when none of many ever held a word."""
        with self._lock:
            if model in self._spoke or any(text.strip() for text, _ in answers):
                self._spoke.add(model)
                return
            mute = self._mute.setdefault(model, Counter())
            mute.update(_FINISHED.get(finish, "empty") for _, finish in answers)
            if mute.total() >= MUTE:
                raise WorthlessRun(f"no answer holds a program: {in_words(mute, mute.total())}")


def faults(sandbox: Sandbox, answers: Sequence[tuple[str, str]], entry: str | None = None) -> Counter[str]:
    """How many of the answers (text, and how it ended) have which fault; those that hold a program with `entry` have none.

    The kinds are those of `fault` in the guest's `helpers`.
    """
    found = Counter[str]()
    for first in range(0, len(answers), AT_ONCE):
        inputs = tuple((text, finish, entry) for text, finish in answers[first : first + AT_ONCE])
        job = Job(READER, "kind", inputs, (0,) * len(inputs), Limits(cpu_s=5.0))
        kinds = [one.answer if one.kind == "answer" else UNREADABLE for one in sandbox.run(job)]
        found.update(str(kind) for kind in kinds if kind is not None)
    return found


def in_words(kinds: Mapping[str, int], answers: int) -> str:
    """What is wrong with so many of some answers, in words, the most frequent first."""
    ordered = sorted(kinds.items(), key=lambda one: (-one[1], one[0]))
    return "; ".join(f"{count:,} of {answers:,} answers {SAID.get(kind, f'were {kind}')}" for kind, count in ordered)
