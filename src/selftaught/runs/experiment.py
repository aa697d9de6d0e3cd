"""Carries an experiment out: the recursions of its arms one after the other, then what is compared afterwards.

Everything is a fact in the store, so going on with an experiment is the same call again, and experiments that share
recursions (lpn and transfer of one preset) share their facts.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from statistics import fmean as mean
from typing import Any, TypeVar

from selftaught.downstream import ScaledTask, counting, with_scale
from selftaught.errors import UsageError
from selftaught.evidence import published
from selftaught.evidence.contest import contend, document
from selftaught.evidence.controls import Judged, Judgement, judge
from selftaught.evidence.experiment import ArmFigures, ExperimentFigures, Judging, PlainRecursed
from selftaught.evidence.models import names_in
from selftaught.evidence.statistics import (
    Bounds,
    Interval,
    Majority,
    Passed,
    PlainInterval,
    Verdict,
    exact,
    in_most,
    of_methods,
    over_runs,
    rank_correlation,
)
from selftaught.evidence.statistics.bounds import widest
from selftaught.evidence.strategies import strategies
from selftaught.evidence.transferred import Afterwards, transferred
from selftaught.gate import Round
from selftaught.improver import improve
from selftaught.lab import Lab
from selftaught.lab.interface import hinted
from selftaught.meta import MetaUtility, best_kept
from selftaught.program import Program
from selftaught.recursion import recursion
from selftaught.runs import contest, demand
from selftaught.runs import recursion as one_recursion
from selftaught.runs.blank import blank
from selftaught.runs.model import models_of, take_turns
from selftaught.runs.plans import plan
from selftaught.runs.spans import Bound, Expected, Used, likely
from selftaught.settings import Arm, Contest, Entrant, Plan, Settings
from selftaught.store import RunRecord
from selftaught.tasks import load_all, names_of

WHAT = "an experiment"
_RISE = 0.03
"""The paper counts runs that gain at least 3 % (of raw score)."""


@dataclass(frozen=True)
class Recursed:
    """One recursion of an arm, judged on its test split."""

    arm: str
    seed: int
    rounds: Sequence[Round]
    judgement: Judgement
    strategies: tuple[str, ...]
    """The strategies of the improved improver."""
    again: float | None
    """How much better the seed improver becomes in the hands of the improved one than in its own; None: not asked."""

    @property
    def improver(self) -> Program:
        return self.rounds[-1].improver

    def by_round(self) -> list[float]:
        """The mean on the common scale, from the seed improver (round 0) on."""
        return [_value(one) for one in self.judgement.rounds]

    def gain(self) -> float:
        return self.by_round()[-1] - self.by_round()[0]

    def better_search(self) -> float:
        return self.by_round()[-1] - _value(self.judgement.arms["best_of_n"])

    def equal_answers(self) -> float:
        return self.by_round()[-1] - _value(self.judgement.arms["equal_answers"])

    def failed(self) -> list[float]:
        """The share of test runs that failed, by round."""
        return [one.failed for one in self.judgement.rounds]

    def raw(self) -> list[float]:
        return [_raw(one) for one in self.judgement.rounds]

    def plain(self) -> PlainRecursed:
        return {
            "arm": self.arm,
            "seed": self.seed,
            "improver": self.improver.digest,
            "strategies": list(self.strategies),
            "accepted": sum(one.accepted for one in self.rounds),
            "test_by_round": self.by_round(),
            "raw_by_round": self.raw(),
            "gain": self.gain(),
            "better_search": self.better_search(),
            "equal_answers": self.equal_answers(),
            "again": self.again,
            "failed": self.failed()[-1],
        }


def _value(tested: Judged) -> float:
    return mean(cell.value for cell in counting(tested.cells))


def _raw(tested: Judged) -> float:
    return mean(cell.raw for cell in tested.cells)


def read(plain: Mapping[str, Any]) -> Plan:
    """The plan that was stored."""
    return Plan.read(plain)


def conduct(lab: Lab, asked: Plan) -> dict[str, Any]:
    """Carry the experiment out and return its figures; the recursions that are done are told meanwhile."""
    planned = asked
    found: list[Recursed] = []
    for arm in planned.arms:
        with speaking(lab, planned, arm.settings) as own:
            for k in range(planned.runs):
                lab.progress.scope(f"{arm.name} {k + 1} of {planned.runs}")
                found.append(_recurse(replace(own, seed=planned.seed + k), arm, planned.again))
                lab.document.tell(runs=[one.plain() for one in found])
    return {**names_in(lab), **_figures(lab, planned, found)}


def _figures(lab: Lab, planned: Plan, found: Sequence[Recursed]) -> ExperimentFigures:
    compared = _afterwards(lab, planned, planned.contest, found) if planned.contest else None
    return {
        "experiment": planned.name,
        "question": planned.question,
        "plan": _digest_at_start(lab, planned),
        "deviations": [*deviations(planned), *_kept_all_the_same(planned, found)],
        "earlier_looks": list(lab.earlier_looks()),
        "runs": [one.plain() for one in found],
        "arms": [_arm(arm.name, [one for one in found if one.arm == arm.name]) for arm in planned.arms],
        "differences": {
            name: over_runs(values, _bounds(found)).plain() for name, values in _differences(planned, found).items()
        },
        "verdicts": _plain(_claims(lambda of, passed: of_methods(of, _bounds(found), passed), planned, found)),
        "shares": _plain(_claims(in_most, planned, found)),
        "gain_and_again": _gain_and_again(found),
        "contest": compared,
        "paper": published.beside(planned.name, compared, _raw_by_round(planned, found), _rises_by_arm(planned, found)),
    }


@contextmanager
def speaking(lab: Lab, planned: Plan, settings: Settings) -> Generator[Lab]:
    """The lab with the models of an arm, where those are not the experiment's."""
    if (settings.model, settings.proposer) == (planned.model, planned.proposer):
        yield lab
        return
    model, proposer = models_of(settings, lab.sandbox, lab.spend.limits, recorded=lab.recorded)
    take_turns(model, lab)
    if proposer:
        take_turns(proposer, lab)
    try:
        yield replace(lab, model=model, proposer=proposer)
    finally:
        model.close()
        if proposer:
            proposer.close()


def _recurse(lab: Lab, arm: Arm, again: bool) -> Recursed:
    settings = replace(arm.settings, seed=lab.seed)
    train, test = one_recursion.arrange(lab, settings)
    if settings.start == "none":
        train, test = [*map(blank, train)], [*map(blank, test)]
    seed = Program(lab.store.text(settings.improver))
    rounds = list(recursion(lab, seed, train, settings))
    judgement = judge(lab, settings, rounds, test)
    better = _again(lab, settings, rounds, train, test) if again else None
    improved = rounds[-1].improver
    return Recursed(arm.name, lab.seed, rounds, judgement, strategies(lab.sandbox, [improved]).of(improved), better)


def _again(
    lab: Lab, settings: Settings, rounds: Sequence[Round], train: Sequence[ScaledTask], test: Sequence[ScaledTask]
) -> float:
    """Improve the seed improver afresh, once with the improved improver and once with itself; the difference on test."""
    lab.progress.phase("improving the seed improver afresh")
    seed, improved = rounds[0].incumbent, rounds[-1].improver
    how = settings.repetitions, settings.inner, settings.keep, hinted(lab, settings)
    utility = MetaUtility(lab, train, "train", "again", *how)
    report = MetaUtility(lab, test, "test", "report", settings.test, settings.inner, settings.keep)

    def made(worker: Program) -> float:
        found = improve(lab, worker, seed, utility, ["again", lab.roots.streams], settings.outer, utility.level + 1)
        kept = best_kept(settings.keep, seed, [found.program] if found.program else [], utility)
        return mean(cell.value for cell in counting(report.cells(kept)))

    return made(improved) - made(seed)


def _afterwards(lab: Lab, planned: Plan, asked: Contest, found: Sequence[Recursed]) -> Afterwards:
    """The improvers of the plan and those of all runs on the tasks of the contest."""
    lab.progress.scope("afterwards")
    made = [Entrant(f"{one.arm} {one.seed}", lab.store.keep(one.improver.text)) for one in found]
    full = replace(asked, entrants=(*asked.entrants, *made))
    tasks = [with_scale(lab, task) for task in load_all(full.tasks, full.seed)]
    figures = document(contend(replace(lab, seed=full.seed), full, tasks))
    names, unlike = [one.name for one in made], _unlike(planned, tasks)
    return {
        **figures,
        "made": names,
        "starts": {one.task.name: one.start for one in tasks},
        "unlike_training": unlike,
        "transfer": transferred(figures, names, unlike, {one.task.name: one.bounds for one in tasks}),
    }


def _unlike(planned: Plan, tasks: Sequence[ScaledTask]) -> list[str]:
    """The tasks that are of no family the recursions worked on: formula-test-1 is of the family of formula-train-1."""
    specs = {spec for arm in planned.arms for spec in arm.settings.tasks}
    families = {task.name.partition("-")[0] for task in load_all(sorted(specs), planned.seed)}
    return [one.task.name for one in tasks if one.task.name.partition("-")[0] not in families]


# --- figures ----------------------------------------------------------------------------------------------------------


def _arm(name: str, runs: Sequence[Recursed]) -> ArmFigures:
    """An arm over its runs: the unit is one recursion."""
    again = [one.again for one in runs if one.again is not None]
    bounds = _bounds(runs)
    failed = [mean(shares) for shares in zip(*(run.failed() for run in runs), strict=True)]
    return {
        "name": name,
        "test_by_round": [one.plain() for one in _over([run.by_round() for run in runs], bounds)],
        "raw_by_round": [one.plain() for one in _over([run.raw() for run in runs], bounds and (0.0, 1.0))],
        "failed_by_round": failed,
        "gain": over_runs([run.gain() for run in runs], bounds).plain(),
        "better_search": over_runs([run.better_search() for run in runs], bounds).plain(),
        "equal_answers": over_runs([run.equal_answers() for run in runs], bounds).plain(),
        "failed": failed[-1],
        "rises": exact(_rises(runs), len(runs), "recursions").plain(),
        "again": over_runs(again, bounds).plain() if again else None,
    }


def _gain_and_again(found: Sequence[Recursed]) -> PlainInterval | None:
    """Whether the better improvers are the better improvers of improvers: the ranks of both, over all recursions."""
    pairs = [(one.gain(), one.again) for one in found if one.again is not None]
    return rank_correlation(*zip(*pairs, strict=True)).plain() if pairs else None


def _rises(runs: Sequence[Recursed]) -> int:
    """How many runs gain as much raw score as the paper counts as a rise."""
    return sum(one.raw()[-1] - one.raw()[0] >= _RISE for one in runs)


def _over(runs: Sequence[Sequence[float]], bounds: Bounds | None) -> list[Interval]:
    """The mean over runs at each round."""
    return [over_runs(values, bounds) for values in zip(*runs, strict=True)]


def _bounds(runs: Sequence[Recursed]) -> Bounds | None:
    """What any recursion may come to, on the common scale."""
    found = [one.judgement.mean_bounds for one in runs]
    known = [one for one in found if one is not None]
    return widest(known) if len(known) == len(found) else None


def _rises_by_arm(planned: Plan, found: Sequence[Recursed]) -> dict[str, float]:
    """The share of recursions that rise, by arm."""
    by_arm = {arm.name: [one for one in found if one.arm == arm.name] for arm in planned.arms}
    return {name: _rises(runs) / len(runs) for name, runs in by_arm.items()}


def _differences(planned: Plan, found: Sequence[Recursed]) -> dict[str, list[float]]:
    """What the improved improver of each further arm reaches, less that of the first arm with the same seed."""
    ends = {(one.arm, one.seed): one.by_round()[-1] for one in found}
    first = planned.arms[0].name
    return {arm.name: [ends[arm.name, seed] - ends[first, seed] for seed in planned.seeds] for arm in planned.arms[1:]}


Claim = TypeVar("Claim", Verdict, Majority)
Rule = Callable[[Sequence[Sequence[float]], Sequence[Passed] | None], list[Claim]]
"""From one figure per recursion of each arm, and whether its sides have beaten the start, what may be claimed of them."""


def _claims(rule: Rule[Claim], planned: Plan, found: Sequence[Recursed]) -> dict[Judging, dict[str, Claim]]:
    """What is claimed of each arm as a method, each figure corrected over the arms, in the order of a run's own claims: first
    that it beats the start solutions, then best-of-n, each only if the one before is firm, then the seed improver."""
    by_arm = {arm.name: [one for one in found if one.arm == arm.name] for arm in planned.arms}
    ends = {name: [run.by_round()[-1] for run in runs] for name, runs in by_arm.items()}
    over_start = dict(zip(ends, rule([*ends.values()], None), strict=True))
    claims: dict[Judging, dict[str, Claim]] = {"over_start": over_start}
    stopped = {name: "" if one.kind == "better" else "the start solutions" for name, one in over_start.items()}
    for figure, others in _beside(planned, by_arm, ends).items():
        held = {name: stopped[name] for name in others if figure != "difference"}
        than_start = rule([*others.values()], None)
        passed = [
            (over_start[arm].kind == "better" and not held.get(arm), other.kind == "better" and not held.get(arm))
            for arm, other in zip(others, than_start, strict=True)
        ]
        differences = [[a - b for a, b in zip(ends[arm], other, strict=True)] for arm, other in others.items()]
        made = dict(zip(others, rule(differences, passed), strict=True))
        claims[figure] = {name: _held(one, held.get(name, "")) for name, one in made.items()}
        if figure in _CHAIN:
            firm = {name: one.kind in {"better", "worse"} for name, one in made.items()}
            stopped = {name: before or ("" if firm[name] else _CHAIN[figure]) for name, before in stopped.items()}
    return claims


def _held(one: Claim, stopped: str) -> Claim:
    """A claim that was not tested says what stopped it."""
    return replace(one, why=f"not tested: the comparison with {stopped} is not firm") if stopped else one


_CHAIN: Mapping[Judging, str] = {
    "better_search": "best-of-n with the whole allowance",
    "equal_answers": "best-of-n at equal answers",
}
"""What is claimed after the start solutions, each only if the one before is firm."""


def _beside(
    planned: Plan, by_arm: Mapping[str, Sequence[Recursed]], ends: Mapping[str, list[float]]
) -> dict[Judging, dict[str, list[float]]]:
    """By figure and arm what its improved improvers are compared with, recursion by recursion."""
    first = planned.arms[0].name

    def arm(which: str) -> dict[str, list[float]]:
        return {name: [_value(run.judgement.arms[which]) for run in runs] for name, runs in by_arm.items()}

    return {
        "better_search": arm("best_of_n"),
        "equal_answers": arm("equal_answers"),
        "gain": {name: [run.by_round()[0] for run in runs] for name, runs in by_arm.items()},
        "difference": {name: ends[first] for name in by_arm if name != first},
    }


def _plain(claims: Mapping[Judging, Mapping[str, Claim]]) -> dict[Judging, dict[str, Any]]:
    return {figure: {arm: one.plain() for arm, one in by.items()} for figure, by in claims.items()}


def _raw_by_round(planned: Plan, found: Sequence[Recursed]) -> list[float]:
    own = [one.raw() for one in found if one.arm == planned.arms[0].name]
    return [mean(values) for values in zip(*own, strict=True)]


def deviations(planned: Plan) -> list[str]:
    """Where the plan differs from the preset that it is named after."""
    arms = [arm.settings for arm in planned.arms]
    models = [one.model for one in arms] if planned.name == "models" else [planned.model]
    found = [one.proposer for one in (arms[1:] if planned.name == "proposers" else arms[:1])]
    preset = plan(planned.name, planned.preset, models, planned.seed, proposers=[one for one in found if one])
    mine, theirs = planned.plain(), preset.plain()
    return [f"{name}: {mine[name]} instead of {theirs[name]}" for name in theirs if mine[name] != theirs[name]]


def _kept_all_the_same(planned: Plan, found: Sequence[Recursed]) -> list[str]:
    """Where an arm that always takes the proposal, as the paper does, kept the incumbent: the proposal could not run."""
    always = {arm.name for arm in planned.arms if arm.settings.accept == "paper"}
    return [
        f"{one.arm} {one.seed}, round {each.number}: the proposal was not taken, it {each.reason}"
        for one in found
        if one.arm in always
        for each in one.rounds
        if each.challenger_cells and not each.accepted
    ]


def _digest_at_start(lab: Lab, planned: Plan) -> str:
    """The digest that was stored with the plan: a later version, which knows more settings, would compute another."""
    return str(lab.store.run(lab.run).circumstances.get("plan", planned.digest))


# --- as every kind ----------------------------------------------------------------------------------------------------


def tried(asked: Plan) -> tuple[dict[str, str], Sequence[str]]:
    """The seed improvers of all arms and what is compared afterwards, and all tasks."""
    improvers, specs = contest.tried(asked.contest) if asked.contest else ({}, ())
    parts = [one_recursion.tried(arm.settings) for arm in asked.arms]
    own = {
        f"of arm {arm.name}": digest
        for arm, (seeds, _) in zip(asked.arms, parts, strict=True)
        for digest in seeds.values()
    }
    return improvers | own, [*dict.fromkeys([*specs, *(spec for _, tasks in parts for spec in tasks)])]


def bound(asked: Plan) -> list[Bound]:
    """Answers at most: of every arm, whose models may be its own, and of what is compared afterwards."""
    parts: list[Bound] = []
    for arm in asked.arms:
        again = demand.bound_again(arm.settings) * 2 if asked.again else []
        found = [*demand.bound(arm.settings), *again]
        parts += [replace(one, answers=asked.runs * one.answers) for one in found]
    if one := asked.contest:
        entrants = len(one.entrants) + len(asked.arms) * asked.runs
        each = contest.bound(replace(one, entrants=one.entrants[:1]))
        parts += [replace(single, answers=single.answers * entrants) for single in each]
    return parts


def expected(asked: Plan, used: Used) -> list[Expected]:
    """Answers, probably, of all that `bound` counts."""
    parts: list[Expected] = []
    for arm in asked.arms:
        again = demand.expected_again(arm.settings, used) * 2 if asked.again else []
        found = [*demand.expected(arm.settings, used), *again]
        parts += [replace(one, answers=one.answers * asked.runs) for one in found]
    if one := asked.contest:
        parts += contest.expected(one, used)
        improved = likely(used(asked.arms[0].settings.improver, one.inner).responses, one.inner.answers)
        cells = one.repetitions * len(load_all(one.tasks, one.seed))
        answers = improved * (len(asked.arms) * asked.runs * cells)
        parts.append(Expected(one.model, answers, one.tasks, one.seed))
    return parts


def looked_at(asked: Plan) -> set[tuple[str, int]]:
    """The test tasks, by name, and seeds of all recursions and of what is compared afterwards."""
    own = {(name, seed) for arm in asked.arms for seed in asked.seeds for name in names_of(arm.settings.test_tasks)}
    return own | (contest.looked_at(asked.contest) if asked.contest else set())


def made(record: RunRecord, which: str) -> str:
    """Digest of the improver that one of its recursions, ARM/SEED, ended with."""
    found = {f"{one['arm']}/{one['seed']}": str(one["improver"]) for one in (record.document or {}).get("runs", ())}
    if which not in found:
        there = ", ".join(found) or "none yet"
        raise UsageError(f"run {record.id} is an experiment: choose ARM/SEED of its recursions, done are: {there}")
    return found[which]
