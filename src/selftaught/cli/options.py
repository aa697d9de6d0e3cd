"""The options that commands share, each declared once, and what their values mean to the library."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args, get_type_hints

import typer

from selftaught.cli.completion import (
    LEVELS,
    improver_names,
    level_names,
    model_names,
    run_numbers,
    task_names,
)
from selftaught.cli.declare import INNER, PROPOSER, SPENDING, WHAT, WHERE, option
from selftaught.cli.defaults import DEFAULT_STORE
from selftaught.errors import UsageError
from selftaught.plain import SEED_BITS

if TYPE_CHECKING:
    from selftaught.budget import Allowance
    from selftaught.budget.spend import SpendLimits
    from selftaught.settings.choice import ModelChoice, Price


RunNumber = Annotated[
    int,
    typer.Argument(metavar="RUN", help="Number of the run, from `selftaught runs`.", autocompletion=run_numbers),
]


def _level(value: str) -> str:
    """The level, once it is known to be one; those of the box are not looked for among packages."""
    if value in LEVELS:
        return value
    from selftaught.sandbox.levels import chosen

    return chosen(value)


Level = Annotated[
    str,
    option(
        WHERE,
        "Sandbox level: strict, confined, external, or one that a package adds (see `selftaught doctor`).",
        "LEVEL",
        level_names,
        checked=_level,
    ),
]
Json = Annotated[bool, option(WHERE, "One JSON document on standard output, all else on standard error.")]
Packages = Annotated[
    list[str] | None,
    option(WHAT, "Installed package that the program may import; repeat for more.", "PACKAGE", word="with"),
]
Seed = Annotated[
    int | None,
    option(WHAT, "Decides instances, targets and chance.  [default: drawn; it is shown and stored]"),
]


@dataclass(frozen=True)
class Headers:
    """What says who asks, and is never stored."""

    header: Annotated[
        list[str] | None, option(WHAT, "Sent with every request, never stored; repeat for more.", metavar="NAME=VALUE")
    ] = None

    def headers(self, prefix: str = "") -> dict[str, str]:
        """Of the options whose names begin so."""
        from selftaught.settings.choice import named_values

        return named_values(f"--{prefix}header", self.header or ())


@dataclass(frozen=True)
class Served(Headers):
    """How a model is reached, and what it costs."""

    base_url: Annotated[str | None, option(WHAT, "Address of an OpenAI-compatible server.")] = None
    max_tokens: Annotated[int | None, option(WHAT, "Tokens an answer may have, for models of a server.")] = None
    price: Annotated[
        str | None,
        option(WHAT, "Dollars per million tokens, instead of the price list's.", metavar="IN,OUT"),
    ] = None
    extra_body: Annotated[
        str | None, option(WHAT, "Sent as parts of every request, e.g. '{\"top_p\": 0.9}'.", metavar="JSON")
    ] = None
    query: Annotated[list[str] | None, option(WHAT, "Added to the address; repeat for more.", metavar="NAME=VALUE")] = (
        None
    )

    def choice(self, spec: str, prefix: str = "") -> ModelChoice:
        """A model, reached as the options say, whose names begin so."""
        from selftaught.settings.choice import ModelChoice, json_object, named_values

        return ModelChoice(
            model_spec(spec),
            self.base_url,
            self.max_tokens,
            price_of(self.price, prefix),
            json_object(f"--{prefix}extra-body", self.extra_body),
            self.headers(prefix),
            named_values(f"--{prefix}query", self.query or ()),
        )

    def choices(self, named: Sequence[str], prefix: str = "") -> list[ModelChoice]:
        """Several models. Beside one of a server, those without one take none of the options."""
        from selftaught.models.providers import sells
        from selftaught.settings.choice import ModelChoice

        some = any(map(sells, named))
        return [self.choice(one, prefix) if sells(one) or not some else ModelChoice(model_spec(one)) for one in named]

    def proposers(self, named: Sequence[str], worker: ModelChoice | None) -> list[ModelChoice]:
        """The models that write improvers, reached as the options that begin with `--proposer-` say; one that is the model
        itself is none. UsageError for options of no model."""
        if not named and given(self):
            option = f"--proposer-{next(iter(given(self))).replace('_', '-')}"
            raise UsageError(f"{option} says how --proposer is reached: add that")
        return [one for one in self.choices(named, "proposer-") if one != worker]


@dataclass(frozen=True)
class Seeded:
    """Where all chance comes from."""

    seed: Seed = None

    @property
    def drawn(self) -> int:
        """The seed; one is drawn where none was given."""
        return secrets.randbits(SEED_BITS) if self.seed is None else self.seed


@dataclass(frozen=True)
class Asked(Served, Seeded):
    """One model, how it is reached, and the seed."""

    model: Annotated[
        str, option(WHAT, "Who proposes: provider:model, see `selftaught models`.", completes=model_names)
    ] = "offline"

    def settings(self) -> dict[str, Any]:
        """The options as fields of settings."""
        return {"model": self.choice(self.model), "seed": self.drawn}


@dataclass(frozen=True)
class ManyAsked(Served, Seeded):
    """How any number of models are reached, and the seed."""


@dataclass(frozen=True)
class Proposer:
    """Who writes improvers."""

    proposer: Annotated[
        str | None,
        option(PROPOSER, "Its name, as of --model.  [default: --model does both]", "MODEL", model_names),
    ] = None


OnAttempt = Annotated[
    Literal["record", "reject", "stop"],
    option(
        WHAT,
        "When a program tries to leave the sandbox, or an improver scores better in training than can be believed. record: "
        "tell it; reject: never accept it; stop: end the run after the round's proposals.",
    ),
]


@dataclass(frozen=True)
class Recursion:
    """What a recursion is made of."""

    tasks: Annotated[
        list[str] | None,
        option(WHAT, "Task to recurse on; repeat for more.  [default: policy:train]", "TASK", task_names),
    ] = None
    test_tasks: Annotated[
        list[str] | None,
        option(
            WHAT,
            "Task to compare on afterwards; repeat for more.  [default: the --tasks, or policy:test]",
            "TASK",
            task_names,
        ),
    ] = None
    improver: Annotated[
        str,
        option(WHAT, "The seed improver: a name from `selftaught improvers`, or a file.", completes=improver_names),
    ] = "seed"
    rounds: Annotated[int, option(WHAT, "Rounds of self-improvement.")] = 3
    accept: Annotated[
        Literal["gate", "paper"],
        option(
            WHAT,
            "gate: keep the incumbent unless a test on validation finds the new one better; paper: take every new one that "
            "does not fail in all of its validation runs.",
        ),
    ] = "gate"
    worker: Annotated[
        Literal["self", "frozen"],
        option(WHAT, "self: the current improver works; frozen: always the seed improver."),
    ] = "self"
    on_attempt: OnAttempt = "record"
    controls: Annotated[
        Literal["all", "basic"],
        option(WHAT, "basic: seed improver and best-of-n; all: also frozen worker, sham, what it cost to find."),
    ] = "all"
    repetitions: Annotated[
        int | None, option(WHAT, "Repetitions of every task in one scoring of an improver.  [default: 2]")
    ] = None
    validation: Annotated[
        int | None,
        option(
            WHAT,
            "Repetitions of every task at a gate, at most; one task needs 57, two 28. Too few for a test (below 7 of one "
            "task): the higher mean counts.  [default: 16]",
        ),
    ] = None
    test: Annotated[
        int | None, option(WHAT, "Repetitions of every task in the comparison at the end.  [default: 6]")
    ] = None


@dataclass(frozen=True)
class Comparison:
    """What a comparison is made of."""

    tasks: Annotated[
        list[str] | None,
        option(WHAT, "Task to compare on; repeat for more.  [default: formula:test]", "TASK", task_names),
    ] = None
    repetitions: Annotated[int | None, option(WHAT, "Repetitions of every task.  [default: 10]")] = None
    until: Annotated[
        Literal["decided"] | None, option(WHAT, "decided: add repetitions until every verdict is firm.")
    ] = None
    max_repetitions: Annotated[
        int | None, option(WHAT, "With --until decided: give up after as many.  [default: 100]")
    ] = None
    margin: Annotated[
        float | None, option(WHAT, "Differences up to this size count as equivalent (0: start, 1: best).")
    ] = None

    @property
    def limit(self) -> int | None:
        """Repetitions at most; None: exactly those asked for."""
        if self.max_repetitions is not None and self.until is None:
            raise UsageError("--max-repetitions bounds --until decided: add that, or say --repetitions")
        return (100 if self.max_repetitions is None else self.max_repetitions) if self.until else None


@dataclass(frozen=True)
class Budget:
    """What an improver run may use."""

    calls: Annotated[int | None, option(INNER, "Model calls.")] = None
    responses: Annotated[int | None, option(INNER, "Answers per model call.")] = None
    scorings: Annotated[int | None, option(INNER, "Scorings.")] = None
    tokens: Annotated[int | None, option(INNER, "Tokens, in and out.")] = None
    cpu_s: Annotated[float | None, option(INNER, "CPU seconds of its own code.")] = None

    def over(self, base: Allowance) -> Allowance:
        """An allowance with what was given in place of its own."""
        return replace(base, **given(self))


@dataclass(frozen=True)
class Limits:
    """What an option limits: a field of `SpendLimits`, and how many of its units make one of the option's."""

    field: str
    unit: float = 1


@dataclass(frozen=True)
class Spending:
    """Where a run stops. None of it decides a result."""

    max_dollars: Annotated[float | None, option(SPENDING, "Dollars that the run may cost."), Limits("dollars")] = None
    max_answers: Annotated[int | None, option(SPENDING, "Answers that it may buy."), Limits("answers")] = None
    max_bought_tokens: Annotated[
        int | None, option(SPENDING, "Tokens, in and out, after which it buys no more."), Limits("tokens")
    ] = None
    max_minutes: Annotated[float | None, option(SPENDING, "Minutes of working on it."), Limits("wall_s", 60)] = None
    max_cpu_minutes: Annotated[float | None, option(SPENDING, "Minutes of CPU time."), Limits("cpu_s", 60)] = None
    deadline: Annotated[
        float | None,
        option(SPENDING, "Seconds without a sign of life of the model's server.  [default: 600]"),
        Limits("deadline_s"),
    ] = None
    idle: Annotated[
        float | None,
        option(SPENDING, "Seconds without a word, after which it is asked whether it lives.  [default: 60]"),
        Limits("idle_s"),
    ] = None

    def limits(self, begun_with: SpendLimits | None = None) -> SpendLimits:
        """The limits that are given, over those that a run was begun with."""
        from selftaught.budget.spend import SpendLimits

        limits = self._limits()
        changed: dict[str, float] = {}
        for name, value in given(self).items():
            limit = limits[name]
            if not 0 < value < float("inf"):
                raise UsageError(f"--{name.replace('_', '-')} is {value:g}: a limit is above 0")
            changed[limit.field] = limit.unit * value
        return replace(begun_with or SpendLimits(), **changed)

    @classmethod
    def option_of(cls, field: str) -> str:
        """The option that sets a field of `SpendLimits`, without its dashes."""
        return next(name for name, limit in cls._limits().items() if limit.field == field).replace("_", "-")

    @classmethod
    def _limits(cls) -> dict[str, Limits]:
        """What each option limits."""
        hints = get_type_hints(cls, include_extras=True)
        return {name: one for name, hint in hints.items() for one in get_args(hint) if isinstance(one, Limits)}


@dataclass(frozen=True)
class RoundSpending(Spending):
    """The same, of a run that has rounds."""

    round_dollars: Annotated[
        float | None, option(SPENDING, "Dollars that one round may cost."), Limits("round_dollars")
    ] = None
    round_minutes: Annotated[
        float | None, option(SPENDING, "Minutes of working on one round."), Limits("round_wall_s", 60)
    ] = None


@dataclass(frozen=True)
class Kept:
    """Which store, and how things are shown."""

    store: Annotated[Path, option(WHERE, "The file that keeps every fact.")] = DEFAULT_STORE
    json: Json = False


@dataclass(frozen=True)
class Carried(Kept):
    """How a run is carried on."""

    concurrency: Annotated[
        int | None, option(WHERE, "Requests to the model at once, for models of a server.  [default: as it was, or 64]")
    ] = None

    share_cores: Annotated[
        bool, option(WHERE, "Let a model on this machine compute while programs are scored: else they take turns.")
    ] = False

    anyway: Annotated[bool, option(SPENDING, "Go on also where a first look shows that nothing can come of it.")] = (
        False
    )

    def __post_init__(self) -> None:
        if self.concurrency is not None and self.concurrency < 1:
            raise UsageError(f"--concurrency is {self.concurrency}: at least 1 is needed")


@dataclass(frozen=True)
class Begun(Carried):
    """How a run is begun."""

    sandbox: Level = "strict"
    yes: Annotated[bool, option(SPENDING, "Begin what costs money without asking.")] = False


def given(options: Any) -> dict[str, Any]:
    """The options of a group that were given."""
    named = {one.name: getattr(options, one.name) for one in fields(options)}
    return {name: value for name, value in named.items() if value is not None}


def price_of(text: str | None, prefix: str = "") -> Price | None:
    """The two figures of --price, or of the option whose name begins with the prefix."""
    from selftaught.settings.choice import Price

    if text is None:
        return None
    try:
        inward, outward = map(float, text.split(","))
    except ValueError:
        inward = outward = -1.0
    if not (0 <= inward < float("inf") and 0 <= outward < float("inf")):
        name = f"--{prefix}price"
        raise UsageError(f"{name} is {text!r}: write dollars per million tokens in and out, e.g. {name} 0.15,0.6")
    return Price(inward, outward)


def specs(given: list[str] | None, default: tuple[str, ...]) -> tuple[str, ...]:
    """Task specs as given; files are made absolute, so that a run can be resumed from elsewhere."""
    return tuple(str(Path(spec).resolve()) if spec.endswith(".py") else spec for spec in given) if given else default


def model_spec(named: str) -> str:
    """A model's spec; the file of one that is read from a file is made absolute, for the same reason."""
    kind, _, path = named.partition(":")
    return f"{kind}:{Path(path).resolve()}" if kind == "scripted" and path else named
