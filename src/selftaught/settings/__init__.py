"""What a run is asked to do: everything that decides its facts, and nothing else. Values, stored with the run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal, Protocol, Self, cast

from selftaught.budget import Allowance
from selftaught.errors import UsageError
from selftaught.plain import JSON, digest
from selftaught.settings.choice import OFFLINE, ModelChoice, Sent
from selftaught.settings.stored import INNER, OnAttempt, OneModel, check, rebuilt, sound, stored

Accept = Literal["gate", "paper"]
Worker = Literal["self", "frozen"]
Start = Literal["incumbent", "none"]
Controls = Literal["all", "basic"]
Keep = Literal["better", "returned"]
"""What of an improver run is judged. `better`: what a user would keep, the better of the start solution and what it returned,
by the practice score; ties and failures keep the start. `returned`: the paper's letter, whatever it returned."""
Preset = Literal["ours", "paper", "tiny"]


class Assignment(Protocol):
    """What a run of any kind is asked to do: a recursion's `Settings`, a comparison's `Contest`, an experiment's `Plan`, or an
    `Audit`."""

    @property
    def model(self) -> ModelChoice: ...
    @property
    def proposer(self) -> ModelChoice | None: ...
    @property
    def seed(self) -> int: ...
    @property
    def summary(self) -> str: ...
    def plain(self) -> dict[str, JSON]: ...
    def with_headers(self, sent: Sent) -> Self: ...


@dataclass(frozen=True)
class Settings:
    """Settings of a recursion and of the comparison that follows it. Stored with the run; resuming reads them back."""

    improver: str
    """Digest of the seed improver's text, kept in the store."""
    model: ModelChoice = OFFLINE
    tasks: tuple[str, ...] = ("policy:train",)
    """Specs of the tasks the recursion works on."""
    test_tasks: tuple[str, ...] = ("policy:test",)
    """Specs of the tasks the comparison at the end is made on."""
    seed: int = 0
    rounds: int = 3
    accept: Accept = "gate"
    """`gate`: the incumbent stays unless a test on fresh validation instances finds what was handed in better (`gate.py`);
    `paper`: it only stays where nothing was returned that runs at all."""
    worker: Worker = "self"
    """`self`: the current improver does the work (paper); `frozen`: the seed improver does, in all rounds."""
    start: Start = "incumbent"
    """`incumbent`: the worker is shown the incumbent; `none`: a stub, as the paper's maximizers are (appendix)."""
    keep: Keep = "better"
    """What of an improver run counts, in every arm and in the meta-utility alike."""
    controls: Controls = "all"
    """`basic`: the run ends with the seed improver and best-of-n; `all`: also with the frozen worker, sham and what it cost."""
    repetitions: int = 2
    """Repetitions of every task inside one scoring of an improver."""
    validation: int = 16
    """Repetitions of every task at a gate, at most: it ends as soon as it can tell. Fewer than are needed for the gain it is
    made for find larger ones only; with too few to know a spread (7 of one task, 2 of six) the higher mean wins."""
    test: int = 6
    """Repetitions of every task in the comparison at the end."""
    inner: Allowance = field(default_factory=lambda: INNER)
    """What an improver run on a task may use."""
    outer: Allowance = field(default_factory=lambda: Allowance(calls=6, responses=4, scorings=25, cpu_s=300))
    """What an improver run on an improver may use: as many calls, as what is fit for one level works at the other."""
    itself: Allowance | None = None
    """With it, improving the seed improver is one more task of the recursion, at this allowance: û among the tasks."""
    proposer: ModelChoice | None = None
    """Who writes improvers; None: the same model as works inside them, as in the paper."""
    hints: bool = False
    """Whether the proposer is told what the built-in model heeds, where that works inside."""
    on_attempt: OnAttempt = "record"
    """What becomes of attempts."""

    def __post_init__(self) -> None:
        sound(self)
        if self.proposer and replace(self.proposer, price=self.model.price) == self.model:
            raise UsageError("the proposer is the model itself: leave it out")
        for name in ("rounds", "repetitions", "validation", "test"):
            value = getattr(self, name)
            if value < 1:
                raise UsageError(f"--{name} is {value}: at least 1 is needed")
        check("inner", self.inner)
        check("outer", self.outer)
        if self.itself:
            check("itself", self.itself)
        if self.itself and self.start == "none":
            raise UsageError("a maximizer is shown no start solution, so improving the seed improver is no task for it")

    @property
    def summary(self) -> str:
        """What is done, in a few words."""
        rounds = "1 round" if self.rounds == 1 else f"{self.rounds} rounds"
        return f"{rounds} on {', '.join(self.tasks)}, compared on {', '.join(self.test_tasks)}"

    def plain(self) -> dict[str, JSON]:
        """As stored: without what earlier versions did and did not say."""
        found = stored(self)
        for name, unsaid in (("on_attempt", "record"), ("hints", False)):
            if found[name] == unsaid:
                del found[name]
        return found

    def with_headers(self, sent: Sent) -> Self:
        """The same with the headers of its models, which are not stored."""
        return replace(self, model=sent.to(self.model), proposer=sent.to_proposer(self.proposer))

    @classmethod
    def read(cls, plain: Mapping[str, Any]) -> Settings:
        """The settings that `plain()` gave. UsageError where they hold what this version does not know."""
        return rebuilt(cls, plain)


@dataclass(frozen=True)
class Entrant:
    """An improver in a comparison: what it is called, and the digest of its text, kept in the store."""

    name: str
    improver: str

    def plain(self) -> dict[str, JSON]:
        return {"name": self.name, "improver": self.improver}


@dataclass(frozen=True)
class Contest(OneModel):
    """What a comparison of improvers is asked to do. Stored like a run's settings, and resumed like a run."""

    entrants: tuple[Entrant, ...]
    """The first is the one that the others are compared with."""
    model: ModelChoice = OFFLINE
    tasks: tuple[str, ...] = ("formula:test",)
    seed: int = 0
    repetitions: int = 10
    """Repetitions of every task, at least."""
    limit: int | None = None
    """Repetitions at most: whole blocks are added until the verdicts are firm. None: exactly `repetitions`."""
    margin: float | None = None
    """Differences of at most this size, on the common scale, count as equivalent."""
    inner: Allowance = field(default_factory=lambda: INNER)
    """What each improver run may use: the same for all."""
    keep: Keep = "better"
    """What of an improver run counts."""

    def __post_init__(self) -> None:
        sound(self)
        for one in self.entrants:
            sound(one)
        names = [one.name for one in self.entrants]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise UsageError(f"two improvers are called {twice[0]}: a comparison needs different names")
        if not names:
            raise UsageError("no improver to compare: name some, e.g. seed best-of-n")
        check("inner", self.inner)
        if self.repetitions < 1:
            raise UsageError(f"--repetitions is {self.repetitions}: at least 1 is needed")
        if self.limit is not None and self.limit < self.repetitions:
            raise UsageError(f"--max-repetitions is {self.limit}, below --repetitions {self.repetitions}")
        if self.limit is not None and len(names) < 2:
            raise UsageError("--until decided needs two improvers: one alone is compared with nothing")
        if self.margin is not None and not 0 < self.margin < float("inf"):
            raise UsageError(f"--margin is {self.margin:g}: a margin is above 0")

    @property
    def summary(self) -> str:
        """What is done, in a few words."""
        repetitions = f"{self.repetitions}" if self.limit is None else f"{self.repetitions} to {self.limit}"
        plural = "" if repetitions == "1" else "s"
        return f"{', '.join(one.name for one in self.entrants)} on {', '.join(self.tasks)}, {repetitions} repetition{plural}"

    def plain(self) -> dict[str, JSON]:
        return {"kind": "compare", **stored(self)}

    @classmethod
    def read(cls, plain: Mapping[str, Any]) -> Contest:
        """The contest that `plain()` gave. UsageError where it holds what this version does not know."""
        return rebuilt(cls, plain)


@dataclass(frozen=True)
class Arm:
    """One way of recursing, in an experiment. Each of its recursions has a seed of its own, the same for all arms."""

    name: str
    settings: Settings

    def plain(self) -> dict[str, JSON]:
        return {"name": self.name, "settings": self.settings.plain()}


@dataclass(frozen=True)
class Plan:
    """What an experiment is asked to do: stored, with its digest, before the first answer."""

    name: str
    preset: Preset
    question: str
    arms: tuple[Arm, ...]
    runs: int
    """Recursions of each arm, with the seeds `seed`, `seed` + 1, …"""
    contest: Contest | None = None
    """Improvers compared on tasks afterwards; the improved improvers of all recursions enter it as well."""
    again: bool = False
    """Whether improved improvers and the seed improver are both set to improve the seed improver afresh."""
    model: ModelChoice = OFFLINE
    seed: int = 0

    def __post_init__(self) -> None:
        sound(self)
        if self.runs < 1:
            raise UsageError(f"--runs is {self.runs}: at least 1 is needed")

    @property
    def seeds(self) -> range:
        """The seeds of an arm's recursions."""
        return range(self.seed, self.seed + self.runs)

    @property
    def summary(self) -> str:
        """What is done, in a few words."""
        return f"experiment {self.name}, preset {self.preset}: {len(self.arms)} arms x {self.runs} recursions"

    @property
    def digest(self) -> str:
        return digest(self.plain())

    def plain(self) -> dict[str, JSON]:
        return {"kind": "experiment", **stored(self)}

    @property
    def proposer(self) -> ModelChoice | None:
        """Who writes improvers in the first arm, as `model` works inside them there."""
        return self.arms[0].settings.proposer

    def with_headers(self, sent: Sent) -> Self:
        """The same with the headers of its models, which are not stored."""
        arms = tuple(replace(arm, settings=arm.settings.with_headers(sent)) for arm in self.arms)
        contest = self.contest and self.contest.with_headers(sent)
        return replace(self, model=sent.to(self.model), arms=arms, contest=contest)

    @classmethod
    def read(cls, plain: Mapping[str, Any]) -> Plan:
        """The plan that `plain()` gave. UsageError where it holds what this version does not know."""
        return rebuilt(cls, plain)


def changed(settings: Settings, changes: Mapping[str, Any]) -> Settings:
    """Settings with some fields changed. UsageError for one that there is not."""
    there = [one.name for one in fields(settings)]
    if strange := sorted(changes.keys() - {*there}):
        raise UsageError(f"there is no setting {strange[0]!r}: there are {', '.join(there)}")
    lists = {name: tuple(cast("list[Any]", one)) for name, one in changes.items() if isinstance(one, list)}
    return replace(settings, **{**changes, **lists})
