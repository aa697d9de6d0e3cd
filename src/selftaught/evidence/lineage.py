"""Lineage: which improver made which, from what, with which idea, and what became of it. Read from the facts of a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, TypedDict, cast

from selftaught.errors import UsageError
from selftaught.evidence.strategies import Strategies, strategies
from selftaught.program import Program
from selftaught.sandbox import Limits, Outcome, Sandbox, tool
from selftaught.store import Store

_IDEA = 200
"""Characters kept of what an answer says before its program."""
_COMPARING = Limits(cpu_s=0.5, wall_s=4)
"""What comparing two programs may use."""
_AT_ONCE = 16
"""Pairs that are compared by one job, each in its own time."""
_HARD = 4
"""After a job by which so many are too hard to compare the others are left: whoever waits must hear something."""


class PlainChild(TypedDict):
    """A proposal that was scored."""

    program: str
    """Digest of its text."""
    parents: Sequence[str]
    """The improvers that the model was shown when it wrote this."""
    idea: str
    """What the model said before the program."""
    value: float | None
    """Its first score by the worker's utility; null when it failed."""
    times: int
    """How often it was scored."""
    strategies: Sequence[str]


class PlainGeneration(TypedDict):
    """One round. Improvers are given by the digests of their texts."""

    number: int
    worker: str
    """The improver that did the work."""
    incumbent: str
    """What it was given to improve."""
    children: Sequence[PlainChild]
    """All that was scored, best first."""
    proposal: str | None
    """What it came to; null when it failed."""
    improver: str
    """The improver after the round."""
    accepted: bool
    reason: str
    diff: str
    """From the incumbent to the proposal; empty when there is none; of programs that are too hard to compare, that."""
    strategies: Sequence[str]
    """Of the improver after the round."""


class Lineage(TypedDict):
    """Which improver made which, and what became of it: `selftaught lineage --json`."""

    run: int
    seed_improver: str
    rounds: list[PlainGeneration]
    strategies: dict[str, list[int]]
    """By strategy, the rounds whose improver shows it; 0 is the seed improver."""


@dataclass(frozen=True)
class Child:
    """A proposal that was scored."""

    program: str
    """Digest of its text."""
    parents: tuple[str, ...]
    """The improvers that the model was shown when it wrote this; none: assembled by the worker, or never asked for."""
    idea: str
    """What the model said before the program."""
    value: float | None
    """Its first score by the worker's utility (train); None when it failed."""
    times: int
    strategies: tuple[str, ...]


@dataclass(frozen=True)
class Generation:
    """One round: who worked on what, all that was scored, and what was kept."""

    number: int
    worker: str
    incumbent: str
    children: tuple[Child, ...]
    """Best first."""
    proposal: str | None
    improver: str
    accepted: bool
    reason: str
    diff: str
    """From the incumbent to the proposal; empty when there is none."""
    strategies: tuple[str, ...]
    """Of the improver after the round."""


def lineage(store: Store, number: int, sandbox: Sandbox) -> Lineage:
    """The lineage of a recursion, finished or stopped; its programs are read in the sandbox.

    UsageError when the run is none, or has no round yet.
    """
    record = store.run(number)
    rounds = (record.document or {}).get("rounds")
    if kind := record.settings.get("kind"):
        raise UsageError(
            f"run {number} is of the kind {kind}: lineage is of recursions, as `selftaught run` makes them"
        )
    if not rounds:
        raise UsageError(f"run {number} has no rounds to tell of yet")
    seed = record.settings["improver"]
    outer = {_place(about): body for about, body in store.facts("improvement", number) if about["stream"][0] == "outer"}
    asked = list(_asked(store, number))
    made, incumbent = list[_Made](), seed
    for one in (one for one in rounds if one["round"]):
        body = outer.get((one["worker"], incumbent, one["round"]), {})
        made.append(_Made(one, incumbent, body.get("scored", ())))
        incumbent = one["improver"]
    improvers = [Program(store.text(one)) for one in (seed, *(one.round["improver"] for one in made))]
    scored = [Program(store.text(each["program"])) for one in made for each in one.scored]
    named = strategies(sandbox, [*improvers, *scored])
    differences = _differences(store, made, sandbox)
    return {
        "run": number,
        "seed_improver": seed,
        "rounds": [_plain(_generation(store, one, asked, named, differences)) for one in made],
        "strategies": {name: list(at) for name, at in named.appearances(improvers).items()},
    }


def _plain(one: Generation) -> PlainGeneration:
    return cast(PlainGeneration, asdict(one))


def _place(about: Mapping[str, Any]) -> tuple[str, str, int]:
    """What tells the outer run of a round from those of the controls: worker, workpiece, round."""
    return about["improver"], about["start"], about["stream"][2]


def _asked(store: Store, number: int) -> list[tuple[str, str, int]]:
    """(message, answer, round) of everything that was asked about improvers."""
    return [
        (store.text(about["message"]), store.text(body["text"]), about["stream"][2])
        for about, body in store.facts("answer", number)
        if about["stream"][0] == "outer"
    ]


@dataclass(frozen=True)
class _Made:
    """What is stored of one round: its document, the improver it began with, all that was scored."""

    round: Mapping[str, Any]
    incumbent: str
    scored: Sequence[Mapping[str, Any]]


def _generation(
    store: Store,
    made: _Made,
    asked: Sequence[tuple[str, str, int]],
    named: Strategies,
    differences: Mapping[tuple[str, str], str],
) -> Generation:
    one, incumbent = made.round, made.incumbent
    texts = {name: store.text(name) for name in {incumbent, *(each["program"] for each in made.scored)}}
    own = [(message, answer) for message, answer, number in asked if number == one["round"]]
    children = [_child(each, texts, own, named) for each in made.scored]
    ranked = sorted(children, key=lambda child: (child.value is None, -(child.value or 0.0), child.program))
    kept = Program(store.text(one["improver"]))
    proposal = one["proposal"]
    return Generation(
        number=one["round"],
        worker=one["worker"],
        incumbent=incumbent,
        children=tuple(ranked),
        proposal=proposal,
        improver=one["improver"],
        accepted=one["accepted"],
        reason=one["reason"],
        diff=differences.get((incumbent, proposal), ""),
        strategies=named.of(kept),
    )


def _child(
    one: Mapping[str, Any], texts: Mapping[str, str], asked: Sequence[tuple[str, str]], named: Strategies
) -> Child:
    name = one["program"]
    text = texts[name].strip()
    message, answer = next(((message, answer) for message, answer in asked if text and text in answer), ("", ""))
    parents = tuple(sorted(other for other, shown in texts.items() if other != name and shown.strip() in message))
    idea = " ".join(answer.partition("```")[0].split())[:_IDEA]
    return Child(name, parents, idea, one["value"], one["times"], named.of(Program(texts[name])))


def _differences(store: Store, made: Sequence[_Made], sandbox: Sandbox) -> dict[tuple[str, str], str]:
    """From the incumbent to the proposal of each round that has one, compared in the sandbox."""
    pairs = list(dict.fromkeys((one.incumbent, one.round["proposal"]) for one in made if one.round["proposal"]))
    inputs = [(store.text(old), store.text(new), old[:8], new[:8]) for old, new in pairs]
    outcomes = list[Outcome]()
    while len(outcomes) < len(inputs) and sum(one.kind != "answer" for one in outcomes) < _HARD:
        some = inputs[len(outcomes) : len(outcomes) + _AT_ONCE]
        outcomes += sandbox.run(tool("differences", "unified", some, _COMPARING))
    left = ["(not compared after so many others were too hard to compare)"] * (len(inputs) - len(outcomes))
    return dict(zip(pairs, [*map(_told, outcomes), *left], strict=True))


def _told(outcome: Outcome) -> str:
    """The difference, or why there is none to show."""
    return (
        str(outcome.answer) if outcome.kind == "answer" else f"(too hard to compare: {outcome.error or outcome.kind})"
    )
