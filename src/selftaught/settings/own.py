"""What improving a program of the user's is asked to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from selftaught.budget import Allowance
from selftaught.errors import UsageError
from selftaught.plain import JSON
from selftaught.settings.choice import OFFLINE, ModelChoice
from selftaught.settings.stored import INNER, LONGEST_CPU_S, OnAttempt, OneModel, check, rebuilt, sound, stored

Form = Literal["function", "command", "cases", "files", "modules", "folder", "evaluator"]
"""What scores a program of the user's: functions in a file, a command, a folder of cases, a command on a folder of several
files that change, functions in a file on functions of such a folder, the evaluator of an OpenEvolve folder, a function of the
calling Python program."""


COUNTED: Final = frozenset({"function", "modules"})
"""Forms in which a function is called in the sandbox."""


@dataclass(frozen=True)
class Own(OneModel):
    """What improving a program of the user's is asked to do. Stored like a run's settings, and resumed like a run."""

    program: str
    """Digest of the text to begin with, kept in the store."""
    name: str
    """The file or folder that it came from."""
    scorer: str
    """The file or folder that scores, a command's words as a JSON list, or where a function of Python comes from."""
    improver: str
    """Digest of the improver's text, kept in the store."""
    form: Form = "function"
    entry: str = ""
    """The function to improve; of a folder those that may change, `module.py:function` with blanks between. Empty where a
    command scores the whole file, or all that is marked may change."""
    about: str = ""
    """What is wanted, in words."""
    minimize: bool = False
    run: str = ""
    """How a program that is tried on cases is run: the words as a JSON list."""
    checker: str = ""
    """The file whose function judges what a program printed on a case. Empty: it has to be what is right."""
    metric: str = ""
    """What counts of several metrics; empty: `combined_score`, or `score`, or their mean."""
    packages: tuple[str, ...] | None = None
    """Installed packages that the program may import besides numpy."""
    files: tuple[str, ...] | None = None
    """What a command sees beside the program."""
    cpu_s: float = 10.0
    """CPU seconds that the program may use on an instance, or a command in all."""
    memory_mb: int = 1024
    model: ModelChoice = OFFLINE
    seed: int = 0
    rounds: int = 1
    """Improver runs in a row, each from the best program so far."""
    inner: Allowance = field(default_factory=lambda: INNER)
    """What each of them may use."""
    repeat: int = 16
    """How often at most a program is scored beside the best so far before it takes its place, where the scorer is noisy."""
    on_attempt: OnAttempt = "record"
    """What becomes of attempts. Stored only where it is not the default, as of a recursion."""

    def __post_init__(self) -> None:
        sound(self)
        if self.on_attempt != "record" and self.form not in COUNTED:
            raise UsageError(
                f"--on-attempt {self.on_attempt} has nothing to go by: what a program tries is only counted where its function "
                "is called (--score FILE.py), not where a command, cases or an evaluator run it"
            )
        check("inner", self.inner)
        if self.rounds < 1:
            raise UsageError(f"--rounds is {self.rounds}: at least 1 is needed")
        if not 8 <= self.repeat <= 1000:
            raise UsageError(
                f"--repeat is {self.repeat}: from 8, fewer cannot tell a gain from luck, to 1000 are needed"
            )
        if not (0.01 <= self.cpu_s <= LONGEST_CPU_S and 64 <= self.memory_mb <= 1 << 20):
            raise UsageError("a program needs --program-cpu-s from 0.01 to 86400 and --program-mb from 64 to 1048576")

    @property
    def summary(self) -> str:
        """What is done, in a few words."""
        rounds = "1 round" if self.rounds == 1 else f"{self.rounds} rounds"
        return f"improve {self.name.rpartition('/')[2]}, {rounds}"

    @property
    def scoring(self) -> tuple[str, ...]:
        """The user's own files and folders that score, or that what scores is shown."""
        scorer = {"command": [], "evaluator": [], "files": [self.name], "modules": [self.scorer, self.name]}.get(
            self.form, [self.scorer]
        )
        return (*scorer, *([self.checker] if self.checker else []), *(self.files or ()))

    def plain(self) -> dict[str, JSON]:
        found = stored(self)
        if self.on_attempt == "record":
            del found["on_attempt"]
        return {"kind": "improve", **found}

    @classmethod
    def read(cls, plain: Mapping[str, Any]) -> Own:
        """What `plain()` gave. UsageError where it holds what this version does not know."""
        return rebuilt(cls, plain)
