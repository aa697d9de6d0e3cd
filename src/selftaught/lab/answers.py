"""What is wrong with a model's answers as the source of programs, counted by kind. The texts are read in the sandbox."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from selftaught.sandbox import Job, Limits, Sandbox

READER = "from helpers import fault\n\n\ndef kind(text, finish, entry):\n    return fault(text, finish, entry)\n"
UNREADABLE = "unreadable"
"""An answer that could not be read within the limits."""


def faults(sandbox: Sandbox, answers: Sequence[tuple[str, str]], entry: str) -> Counter[str]:
    """How many of the answers (text, and how it ended) have which fault; those that hold a program with `entry` have none.

    The kinds are those of `fault` in the guest's `helpers`.
    """
    if not answers:
        return Counter()
    inputs = tuple((text, finish, entry) for text, finish in answers)
    job = Job(READER, "kind", inputs, (0,) * len(inputs), Limits(cpu_s=5.0))
    kinds = [one.answer if one.kind == "answer" else UNREADABLE for one in sandbox.run(job)]
    return Counter(str(kind) for kind in kinds if kind is not None)
