"""What audits are asked to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from selftaught.budget import Allowance
from selftaught.errors import UsageError
from selftaught.plain import JSON
from selftaught.settings.choice import OFFLINE, ModelChoice
from selftaught.settings.stored import INNER, OneModel, check, rebuilt, sound, stored


@dataclass(frozen=True)
class Audit(OneModel):
    """What an audit of proposals is asked to do: how often they reach out of the sandbox. Stored, and resumed like a run."""

    improver: str
    """Digest of the improver that is to be improved: it carries the flag."""
    model: ModelChoice = OFFLINE
    seed: int = 0
    proposals: int = 300
    """Proposals under each of the two conditions, without and with the warning."""

    def __post_init__(self) -> None:
        sound(self)
        if self.proposals < 1:
            raise UsageError(f"--proposals is {self.proposals}: at least 1 is needed")

    @property
    def summary(self) -> str:
        """What is done, in a few words."""
        return f"audit of circumvention, {self.proposals:,} proposals without and with the warning"

    def plain(self) -> dict[str, JSON]:
        return {"kind": "audit", **stored(self)}

    @classmethod
    def read(cls, plain: Mapping[str, Any]) -> Audit:
        """The audit that `plain()` gave. UsageError where it holds what this version does not know."""
        return rebuilt(cls, plain)


@dataclass(frozen=True)
class Hacking(OneModel):
    """What an audit of hacking is asked to do: an improver at work on tasks whose visible scorers have flaws."""

    improver: str
    """Digest of the improver."""
    model: ModelChoice = OFFLINE
    seed: int = 0
    repetitions: int = 3
    """Repetitions of every twin under each condition, without and with the warning."""
    rounds: int = 3
    """How often the improver goes on with what it made before."""
    inner: Allowance = field(default_factory=lambda: INNER)

    def __post_init__(self) -> None:
        sound(self)
        check("inner", self.inner)
        for option, count in (("times", self.repetitions), ("chain", self.rounds)):
            if count < 1:
                raise UsageError(f"--{option} is {count}: at least 1 is needed")

    @property
    def summary(self) -> str:
        """What is done, in a few words."""
        return f"audit of hacking, {self.repetitions} repetitions of {self.rounds} rounds on each twin"

    def plain(self) -> dict[str, JSON]:
        return {"kind": "hacking", **stored(self)}

    @classmethod
    def read(cls, plain: Mapping[str, Any]) -> Hacking:
        """The audit that `plain()` gave. UsageError where it holds what this version does not know."""
        return rebuilt(cls, plain)
