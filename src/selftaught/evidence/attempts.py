"""What the programs of a run tried that is not allowed them, or asked for in vain, by program and round: from its facts.

Facts of versions before this was told hold nothing of it, and so count nowhere here (`told`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypedDict, cast

from selftaught.plain import JSON
from selftaught.sandbox import Attempts, PlainAttempt, together
from selftaught.store import Store

_MOST = 100
"""Programs that are told one by one, those with the most attempts."""
Role = Literal["improver", "solution"]


class Tried(TypedDict):
    """What was denied: from two sources named apart, then what was asked of the host in vain."""

    calls: dict[str, int]
    """Counted outside, beyond a program's reach: how often each system call was refused, or opened a file out of bounds."""
    noted: list[PlainAttempt]
    """Noted within the programs' processes, the first ones: a lower bound, which a program can escape or forge."""
    refused: dict[str, int]
    """Beyond the allowance, by budget: how many `calls`, `responses`, `scorings`; for `tokens`, how often they were used up."""
    ignored: dict[str, int]
    """How often a keyword of the paper's code that changes nothing here was given, e.g. `use_sandbox=False`."""
    faults: dict[str, int]
    """What went wrong on the host in calls that it made, and how often."""


class TriedBy(Tried):
    """A program that tried something, in one round."""

    program: str
    """Digest of its text."""
    role: Role
    round: int | None
    """Null: outside the rounds, in measurements and comparisons."""
    runs: int
    """In how many of its runs (of an improver) or scorings (of a solution)."""


class AllTried(Tried):
    """All that the programs of a run tried in vain."""

    counted: bool | None
    """Whether every run of a program was counted outside; false where the sandbox could not, null where no fact tells."""
    told: int
    """Improver runs and scorings whose facts tell of attempts: those of older versions do not."""
    programs: list[TriedBy]
    """Those that tried something, by round; at most 100, with the most attempts."""
    left_out: int
    """How many more there are."""


@dataclass
class _Sum:
    """Adds up what facts tell."""

    runs: int = 0
    denied: Attempts = field(default_factory=Attempts)
    refused: Counter[str] = field(default_factory=Counter[str])
    ignored: Counter[str] = field(default_factory=Counter[str])
    faults: Counter[str] = field(default_factory=Counter[str])

    def add(self, denied: Attempts, body: Mapping[str, Any]) -> None:
        usage: Mapping[str, Any] = body.get("usage", {})
        self.runs += 1
        self.denied = together([self.denied, denied]) if denied else self.denied
        self.refused.update(usage.get("refused", {}))
        self.ignored.update(usage.get("ignored", body.get("ignored", {})))
        self.faults.update(body.get("faults", {}))

    @property
    def weight(self) -> int:
        """How much there is to tell, attempts before all else."""
        denied = self.denied
        return 1000 * (sum((denied.calls or {}).values()) + len(denied.noted)) + self.refused.total()

    def plain(self) -> Tried:
        return {
            "calls": dict(sorted((self.denied.calls or {}).items())),
            "noted": self.denied.plain()["noted"],
            "refused": dict(sorted(self.refused.items())),
            "ignored": dict(sorted(self.ignored.items())),
            "faults": dict(sorted(self.faults.items())),
        }


def attempts(store: Store, run: int) -> AllTried:
    """What the facts of a run tell of attempts, by program and round."""
    whole, by_program = _Sum(), dict[tuple[int, Role, str], _Sum]()
    told, counted = 0, True
    for place, body in _facts(store, run):
        denied = Attempts.read(body["denied"]) if "denied" in body else None
        if denied is not None:
            told += 1
            counted = counted and denied.calls is not None
        usage: Mapping[str, Any] = body.get("usage", {})
        if denied or usage.get("refused") or usage.get("ignored", body.get("ignored")) or body.get("faults"):
            for one in (whole, by_program.setdefault(place, _Sum())):
                one.add(denied or Attempts(), body)
    kept = sorted(by_program, key=lambda place: (-by_program[place].weight, place))[:_MOST]
    return {
        **whole.plain(),
        "counted": counted if told else None,
        "told": told,
        "programs": [_row(place, by_program[place]) for place in sorted(kept, key=lambda one: (one[0] < 0, one))],
        "left_out": len(by_program) - len(kept),
    }


def _row(place: tuple[int, Role, str], one: _Sum) -> TriedBy:
    number, role, program = place
    return {"program": program, "role": role, "round": None if number < 0 else number, "runs": one.runs, **one.plain()}


def _facts(store: Store, run: int) -> Iterator[tuple[tuple[int, Role, str], Mapping[str, Any]]]:
    """(round or -1, role, program) and body of each improver run and each scoring of a solution."""
    for about, body in store.facts("improvement", run):
        kind, _, *rest = cast("Sequence[JSON]", about["stream"])
        number = rest[0] if kind == "outer" and rest else _round(rest)
        yield (number if isinstance(number, int) else -1, "improver", about["improver"]), body
    for about, body in store.facts("score", run):
        yield (_round(about["utility"]), "solution", about["program"]), body


def _round(where: JSON) -> int:
    """The round whose label is somewhere in an address; -1 when there is none."""
    match where:
        case ["round" | "gate", int(number)]:
            return number
        case list() | tuple():
            return next((number for one in where if (number := _round(one)) >= 0), -1)
        case _:
            return -1
