"""The one document of a run: plain data, computed first; tables and pages draw it later and cannot disagree with it."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean as mean

from selftaught.budget import Usage
from selftaught.evidence.controls import Counterfactuals, Judged, Judgement, by_task
from selftaught.evidence.statistics import interval
from selftaught.plain import JSON
from selftaught.recursion import Round
from selftaught.store import Store


def report(rounds: Sequence[Round], judgement: Judgement, further: Counterfactuals | None = None) -> dict[str, JSON]:
    """What `run --json` says of the rounds and of the arms: the same settings and seed give the same document."""
    found: list[JSON] = [_seed_round(judgement.rounds[0])]
    found += [{**_round(one), "test": _test(arm)} for one, arm in zip(rounds, judgement.rounds[1:], strict=True)]
    parts, verdicts = judgement.parts(), judgement.verdicts()
    if further:
        parts, verdicts = parts | further.parts(), verdicts | further.verdicts()
    return {
        "tasks": sorted(by_task(rounds[0].incumbent_cells)),
        "rounds": found,
        "arms": {name: arm.plain() for name, arm in judgement.arms.items()} | (further.arms() if further else {}),
        "gain": {name: one.plain() for name, one in parts.items()},
        "verdict": {name: one.plain() for name, one in verdicts.items()},
        "discovery": further and further.discovery,
    }


def so_far(rounds: Sequence[Round]) -> dict[str, JSON]:
    """What there is to say of a run that was stopped before its judgement."""
    return {"rounds": [{**_round(one), "test": None} for one in rounds]}


def usage(store: Store, run: int, spent: float | None) -> dict[str, JSON]:
    """What a run's facts used, found or bought alike: distinct answers, calls of distinct improver runs.

    An improver run that another run had kept already counts with its calls, not with the answers inside it: on a store of
    its own a run counts in full. `dollars` is the recorded price of these answers, `dollars_spent` what this run itself has
    `spent`.
    """
    calls = [body["usage"]["calls"] for _, body in store.facts("improvement", run)]
    answers = Usage()
    for _, body in store.facts("answer", run):
        answers += Usage(0, 1, 0, body["tokens_in"], body["tokens_out"], body["dollars"])
    return {
        "calls": sum(calls),
        "responses": answers.responses,
        "scorings": sum(1 for _ in store.facts("score", run)),
        "improver_runs": len(calls),
        "tokens_in": answers.tokens_in,
        "tokens_out": answers.tokens_out,
        "dollars": answers.dollars,
        "dollars_spent": spent,
    }


def _seed_round(arm: Judged) -> dict[str, JSON]:
    return {
        "round": 0,
        "improver": arm.improver.digest,
        "accepted": True,
        "reason": "the seed improver",
        "train": None,
        "validation": None,
        "test": _test(arm),
    }


def _test(arm: Judged) -> dict[str, JSON]:
    return interval(arm.scores()).plain()


def _round(one: Round) -> dict[str, JSON]:
    """`improver`, `train`, `validation` and `answers_per_run` are about the improver after the round, `proposal…` about what
    was proposed; `train` is the first score that the round's worker saw of it, None where it asked for none."""
    cells = one.challenger_cells if one.accepted else one.incumbent_cells
    proposed = one.proposal.program
    trained = {each.program: each.value for each in one.proposal.scored}
    return {
        "round": one.number,
        "worker": one.worker.digest,
        "proposal": proposed and proposed.digest,
        "improver": one.improver.digest,
        "accepted": one.accepted,
        "reason": one.reason,
        "train": trained.get(one.improver.digest),
        "validation": interval(by_task(cells)).plain(),
        "incumbent_validation": mean(cell.value for cell in one.incumbent_cells),
        "proposal_train": one.proposal.first_score,
        "proposal_validation": mean(cell.value for cell in one.challenger_cells) if one.challenger_cells else None,
        "answers_per_run": mean(cell.usage.responses for cell in cells),
    }
