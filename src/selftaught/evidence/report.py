"""The one document of a run: plain data, computed first; tables and pages draw it later and cannot disagree with it."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean as mean
from typing import cast

from selftaught.evidence.controls import Arm, Comparison, by_task
from selftaught.evidence.statistics import interval
from selftaught.lab import Lab
from selftaught.plain import JSON
from selftaught.recursion import Round
from selftaught.settings import Settings


def report(lab: Lab, settings: Settings, rounds: Sequence[Round], comparison: Comparison) -> dict[str, JSON]:
    """Everything `run --json` prints except the times: the same settings and seed give the same document."""
    found: list[JSON] = [_seed_round(comparison.rounds[0])]
    found += [_round(one, arm) for one, arm in zip(rounds, comparison.rounds[1:], strict=True)]
    return {
        "run": lab.run,
        "model": lab.model.name,
        "seed": settings.seed,
        "sandbox": lab.sandbox.level,
        "settings": settings.plain(),
        "rounds": found,
        "arms": {name: arm.plain() for name, arm in comparison.arms.items()},
        "gain": {name: one.plain() for name, one in comparison.parts().items()},
        "verdict": {name: one.plain() for name, one in comparison.verdicts().items()},
        "usage": usage(lab),
    }


def usage(lab: Lab) -> dict[str, JSON]:
    """What the run's facts used, found or bought alike: distinct answers, calls of distinct improver runs."""
    improvements = [body for _, body in lab.store.facts("improvement", lab.run)]
    answers = [body for _, body in lab.store.facts("answer", lab.run)]
    prices = [cast("float | None", body["dollars"]) for body in answers]
    return {
        "calls": sum(body["usage"]["calls"] for body in improvements),
        "responses": len(answers),
        "scorings": sum(1 for _ in lab.store.facts("score", lab.run)),
        "improver_runs": len(improvements),
        "tokens_in": sum(body["tokens_in"] for body in answers),
        "tokens_out": sum(body["tokens_out"] for body in answers),
        "dollars": None if None in prices else float(sum(price for price in prices if price)),
    }


def _seed_round(arm: Arm) -> dict[str, JSON]:
    return {
        "round": 0,
        "improver": arm.improver.digest,
        "accepted": True,
        "reason": "the seed improver",
        "train": None,
        "validation": None,
        "test": interval(arm.scores()).plain(),
    }


def _round(one: Round, arm: Arm) -> dict[str, JSON]:
    cells = one.challenger_cells if one.accepted else one.incumbent_cells
    proposed = one.proposal.program
    return {
        "round": one.number,
        "worker": one.worker.digest,
        "proposal": proposed and proposed.digest,
        "improver": one.improver.digest,
        "accepted": one.accepted,
        "reason": one.reason,
        "train": one.proposal.shown,
        "validation": interval(by_task(cells)).plain(),
        "incumbent_validation": mean(cell.value for cell in one.incumbent_cells),
        "proposal_validation": mean(cell.value for cell in one.challenger_cells) if one.challenger_cells else None,
        "answers_per_run": mean(cell.usage.responses for cell in cells),
        "test": interval(arm.scores()).plain(),
    }
