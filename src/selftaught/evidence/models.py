"""Which model did what in a run: answers, tokens and dollars of who writes improvers and of who works inside them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypedDict

from selftaught.budget import Usage
from selftaught.lab import Lab
from selftaught.meta import ImproverTask
from selftaught.settings.choice import Does
from selftaught.store import Store


class UsedByModel(TypedDict):
    """What was used of one model at one level, found or bought alike."""

    model: str
    does: Does
    """`writes improvers`: where an improver improves an improver; `works inside`: where an improver works on a task."""
    responses: int
    tokens_in: int
    tokens_out: int
    dollars: float | None
    """The recorded price of its answers; null: that of one is unknown."""
    bought: int
    """Answers that this run itself has bought."""
    dollars_spent: float | None
    """Their price."""


def names_in(lab: Lab) -> dict[str, str]:
    """The models of a run's document: who works inside improvers, and who writes them where that is another."""
    named = {"model": lab.model.name}
    return {**named, "proposer": lab.proposer.name} if lab.proposer else named


def does(stream: Sequence[Any]) -> Does:
    """What the answers of a stream are for: an improver of improvers has streams of its own, in rounds or on û as a task."""
    upon_itself = stream[:1] == ["inner"] and stream[3:4] == [ImproverTask.name]
    return "writes improvers" if stream[:1] in (["outer"], ["again"]) or upon_itself else "works inside"


def answered(store: Store, run: int) -> Iterator[tuple[tuple[str, Does], Mapping[str, Any]]]:
    """Every answer that a run used, with its model (name and parameters) and what it is for."""
    for about, body in store.facts("answer", run):
        identity = json.dumps([about["model"], about["parameters"]], sort_keys=True)
        yield (identity, does(about["stream"])), body


def by_model(store: Store, run: int) -> list[UsedByModel]:
    """What a run used of each of its models at each level; empty where one model does it all."""
    used: dict[tuple[str, Does], tuple[Usage, Usage]] = {}
    for who, body in answered(store, run):
        one = Usage(0, 1, 0, body["tokens_in"], body["tokens_out"], body["dollars"])
        found, bought = used.get(who, (Usage(), Usage()))
        used[who] = found + one, bought + one if body["bought_by"] == run else bought
    if len({identity for identity, _ in used}) < 2:
        return []
    return [_plain(json.loads(identity)[0], what, *both) for (identity, what), both in sorted(used.items())]


def _plain(model: str, what: Does, found: Usage, bought: Usage) -> UsedByModel:
    return {
        "model": model,
        "does": what,
        "responses": found.responses,
        "tokens_in": found.tokens_in,
        "tokens_out": found.tokens_out,
        "dollars": found.dollars,
        "bought": bought.responses,
        "dollars_spent": bought.dollars,
    }


def bought_for(store: Store, run: int, what: Does) -> Usage:
    """The answers that a run bought for one of the levels."""
    own = (body for (_, one), body in answered(store, run) if one == what and body["bought_by"] == run)
    return sum((Usage(0, 1, 0, body["tokens_in"], body["tokens_out"], body["dollars"]) for body in own), Usage())
