"""What a recursion came to, judged beside its controls on the test split, after it has ended.

Arms: the start solutions, the seed improver, the improved one, and *best-of-n*: the seed improver's batch repeated with fresh
answers, the best kept by the practice score. It comes twice: at the whole allowance of a run, which is the headline, and at
*equal answers*, as many in total as the improved improver used. A gain that plain sampling also gives is visible as such.

What it would have come to otherwise, without self-application, without selection; and what it cost to find:

- *frozen worker*: the same rounds and answers, but the seed improver always does the work. Round 1 is the same by design, so
  its facts are shared; a gain that remains is not due to *self*-application.
- *sham*: the mean of up to `SHAMS` improvers drawn at random from all that the recursion scored and that could run: what the
  model writes, without the selection. They take turns over tasks and repetitions, so they cost as much as one improver.
- *discovery*: the answers that the recursion used, and the uses after which they are repaid against sampling of equal quality.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from math import ceil, gcd
from statistics import fmean as mean
from typing import NotRequired, TypedDict

from selftaught.budget import Usage
from selftaught.downstream import Cell, ScaledTask, bounds_in_means, by_task, counting, failing
from selftaught.evidence.statistics import (
    MIN_TASKS,
    Bounds,
    Interval,
    Matching,
    PlainInterval,
    Scores,
    Verdict,
    bounds,
    claims,
    interval,
    matched,
    paired,
)
from selftaught.gate import Round
from selftaught.lab import Lab
from selftaught.meta import MetaUtility
from selftaught.plain import rng_from
from selftaught.program import Program
from selftaught.recursion import recursion
from selftaught.settings import Settings

SHAMS = 5
"""How many improvers are drawn for the sham."""


class TaskFigure(PlainInterval):
    """What an improver reaches on one task, on the common scale, and its mean raw score."""

    raw: float
    failed: float
    """The share of its runs that failed."""


class PlainJudged(TypedDict):
    """An arm: one improver on the test split. What is used is a mean per improver run."""

    improver: str
    """Digest of its text."""
    repeats: float
    """How often its batch is repeated in one run, the best kept: 1 but for best-of-n, there on average."""
    test: PlainInterval
    """Its mean over tasks: 0 is the start solution, 1 the best known one."""
    per_task: dict[str, TaskFigure]
    responses: float
    scorings: float
    failed: float
    """The share of runs that failed; of those that had handed nothing in before, the start solution counts. One that ended
    where its allowance did, with something handed in, did not fail."""


class PlainSham(TypedDict):
    """The sham: improvers drawn from all that were proposed, each run given to one of them in turn."""

    improvers: list[str]
    """Digests of their texts."""
    test: PlainInterval
    per_task: dict[str, TaskFigure]
    responses: float
    scorings: float
    failed: float


class Discovery(TypedDict):
    """What it cost to find the improved improver, and after how many uses that is repaid."""

    answers: int
    uses: int | None
    """Improver runs; null: never."""
    said: str


class PlainStart(TypedDict):
    """The start solutions as an arm: what doing nothing comes to on the same instances. It is 0 by definition."""

    test: PlainInterval
    per_task: dict[str, TaskFigure]
    responses: float
    scorings: float
    failed: float


class Further(TypedDict):
    """The arms of the further controls, where there are any."""

    frozen: NotRequired[PlainJudged]
    """What the same recursion comes to when the seed improver always does the work."""
    sham: NotRequired[PlainSham]


@dataclass(frozen=True)
class Judged:
    """One improver on the test repetitions."""

    improver: Program
    tries: Sequence[int]
    """By cell, how often its batch was repeated."""
    cells: Sequence[Cell]

    def scores(self) -> dict[str, list[float]]:
        """Values by task, in the order of repetitions; tasks with too little headroom are left out."""
        return by_task(counting(self.cells))

    @property
    def failed(self) -> float:
        """The share of its runs that failed."""
        return failing(self.cells)

    def plain(self) -> PlainJudged:
        return {
            "improver": self.improver.digest,
            "repeats": mean(self.tries),
            "test": interval(self.scores()).plain(),
            "per_task": _per_task(self.cells),
            "responses": mean(cell.usage.responses for cell in self.cells),
            "scorings": mean(cell.usage.scorings for cell in self.cells),
            "failed": self.failed,
        }


def _per_task(cells: Sequence[Cell]) -> dict[str, TaskFigure]:
    """Every task's own figures, also of those that stand in no mean."""
    found: dict[str, TaskFigure] = {}
    for task, values in by_task(cells).items():
        own = [cell for cell in cells if cell.task == task]
        raw, failed = mean(cell.raw for cell in own), failing(own)
        found[task] = {**interval({task: values}).plain(), "raw": raw, "failed": failed}
    return found


@dataclass(frozen=True)
class Unimproved:
    """The start solutions on the same instances: what doing nothing comes to."""

    cells: Sequence[Cell]

    @classmethod
    def beside(cls, cells: Sequence[Cell]) -> Unimproved:
        """The start solutions of these cells' tasks."""
        return cls(
            [
                replace(one, value=0.0, raw=one.before, failures=(), usage=Usage(), empty=False, used_up=0)
                for one in cells
            ]
        )

    def scores(self) -> dict[str, list[float]]:
        """Nothing but 0, in the shape of the others."""
        return by_task(counting(self.cells))

    def plain(self) -> PlainStart:
        test = Interval(0.0, 0.0, 0.0, len(self.cells), "this improver on these tasks", "by definition").plain()
        return {"test": test, "per_task": _per_task(self.cells), "responses": 0.0, "scorings": 0.0, "failed": 0.0}


@dataclass(frozen=True)
class Judgement:
    """All arms, and the improver of each round, on the same test repetitions."""

    start: Unimproved
    arms: Mapping[str, Judged]
    rounds: Sequence[Judged]
    """Round 0 is the seed improver."""
    matching: Matching
    """How equal the answers of the arm at equal answers are."""
    bounds: Bounds | None
    """Of a difference in any cell."""
    mean_bounds: Bounds | None
    """Of a mean over tasks, and of a difference of two: what one recursion may come to."""
    hollow: Mapping[str, str]
    """The arms of best-of-n that ask for too little to be one, and why: nothing is claimed beside them."""

    def parts(self) -> dict[str, Interval]:
        """The gain and its parts, in pairs: over the start solution, over the seed improver, over best-of-n.

        With enough tasks also the gain to be expected on tasks that were not among them.
        """
        scores = {name: arm.scores() for name, arm in self.arms.items()}
        seed, improved = scores["seed"], scores["improved"]
        parts = {
            "over_start": paired(improved, self.start.scores(), bounds=self.bounds),
            "gain": paired(improved, seed, bounds=self.bounds),
            "more_answers": paired(scores["best_of_n"], seed, bounds=self.bounds),
            "better_search": paired(improved, scores["best_of_n"], bounds=self.bounds),
            "equal_answers": paired(improved, scores["equal_answers"], bounds=self.bounds),
        }
        if len(seed) < MIN_TASKS:
            return parts
        return parts | {"gain_unseen": paired(improved, seed, unseen=True, bounds=self.bounds)}

    def verdicts(self, further: Mapping[str, Scores] | None = None) -> dict[str, Verdict]:
        """What may be claimed, in the order of `claims`: `further` arms come after those of here."""
        own = {name: arm.scores() for name, arm in self.arms.items()}
        made = claims({"start": self.start.scores(), **own, **(further or {})}, bounds=self.bounds, hollow=self.hollow)
        return {f"against_{name}": one for name, one in made.items()}


def judge(lab: Lab, settings: Settings, rounds: Sequence[Round], tasks: Sequence[ScaledTask]) -> Judgement:
    """Judge every round's improver and the controls on the test split."""
    test = MetaUtility(lab, tasks, "test", "report", settings.test, settings.inner, settings.keep)

    improvers = [rounds[0].incumbent, *(r.improver for r in rounds)]
    lab.progress.phase("testing the seed improver and those of all rounds")
    by_round = _tested(test, [(one, [1] * settings.test * len(tasks)) for one in improvers])
    seed, improved = by_round[0], by_round[-1]
    matching, equal = _matched(test, seed.improver, sum(cell.usage.responses for cell in counting(improved.cells)))
    lab.progress.phase("testing best-of-n")
    if settings.controls == "all":
        lab.ahead(partial(_doubled, test, seed.improver, equal))
    lab.ahead(partial(of_seed, test, seed.improver))
    (equal_answers,) = _tested(test, [(seed.improver, equal)])
    _, best_of_n, whole = of_seed(test, seed.improver)
    arms = {"seed": seed, "improved": improved, "best_of_n": best_of_n, "equal_answers": equal_answers}
    return Judgement(
        Unimproved.beside(seed.cells),
        arms,
        by_round,
        matching,
        bounds_of(tasks),
        bounds_of(tasks, bounds.of_mean),
        {name: _too_few(one) for name, one in (("best_of_n", whole), ("equal_answers", matching)) if one.short},
    )


def _too_few(found: Matching) -> str:
    if not found.given:
        return "the seed improver asks for no answers"
    return f"best-of-n can be given {found.given:,} answers only where {found.used:,} are wanted"


def of_seed(test: MetaUtility, seed: Program) -> tuple[Judged, Judged, Matching]:
    """The seed improver, best-of-n at the whole allowance, and how equal to that its answers are: nothing of it depends on what
    the rounds come to."""
    (once,) = _tested(test, [(seed, [1] * len(_places(test)))])
    whole, tries = _matched(test, seed, test.allowance.answers * len(_counting_places(test)))
    (best_of_n,) = _tested(test, [(seed, tries)])
    return once, best_of_n, whole


def _matched(test: MetaUtility, seed: Program, used: int) -> tuple[Matching, list[int]]:
    """How often the seed improver's batch is repeated so that all cells that stand in means ask so many answers together:
    there, and by cell. What stands in no mean, and so makes nothing equal, is given about as much."""
    places = _counting_places(test)
    found = matched(used, len(places), lambda some: test.asked(seed, [(*places[i], k) for i, k in some]))
    by_place = {(task.task.name, r): count for (task, r), count in zip(places, found.batches, strict=True)}
    usual = round(mean(found.batches))
    return found, [by_place.get((task.task.name, r), usual) for task, r in _places(test)]


def _counting_places(test: MetaUtility) -> list[tuple[ScaledTask, int]]:
    """The places that stand in means. Every repetition begins with another task: what comes round in turn comes to all."""
    tasks = [one for one in test.tasks if one.counts] or test.tasks
    return [(tasks[(r + i) % len(tasks)], r) for r in range(test.repetitions) for i in range(len(tasks))]


def _places(test: MetaUtility) -> list[tuple[ScaledTask, int]]:
    """Every task in every repetition, in the order of cells."""
    return [(task, r) for r in range(test.repetitions) for task in test.tasks]


def _tested(test: MetaUtility, wanted: Sequence[tuple[Program, Sequence[int]]]) -> list[Judged]:
    """Improvers, with how often each batch of theirs is repeated, judged all at once; what is the same, once."""
    places = _places(test)
    asked = [(one.digest, i, count) for one, tries in wanted for i, count in enumerate(tries)]
    texts = {one.digest: one for one, _ in wanted}
    once = [*dict.fromkeys(asked)]
    cells = test.side_by_side([(texts[one], *places[i]) for one, i, _ in once], [count for *_, count in once])
    found = dict(zip(once, cells, strict=True))
    return [Judged(one, tries, [found[one.digest, i, count] for i, count in enumerate(tries)]) for one, tries in wanted]


def bounds_of(tasks: Sequence[ScaledTask], over: Callable[[Sequence[Bounds]], Bounds] = bounds.widest) -> Bounds | None:
    """What a difference of two cells can be at all, over the tasks that count; None where one has no bound."""
    return bounds.over_all(bounds_in_means(tasks), over)


# --- counterfactuals --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Sham:
    """Some improvers as one: each (task, repetition) is given to one of them, all of them to each task in turn."""

    improvers: Sequence[Program]
    cells: Sequence[Cell]

    def scores(self) -> dict[str, list[float]]:
        """Values by task, in the order of repetitions: paired like those of one improver."""
        return by_task(counting(self.cells))

    def plain(self) -> PlainSham:
        return {
            "improvers": [one.digest for one in self.improvers],
            "test": interval(self.scores()).plain(),
            "per_task": _per_task(self.cells),
            "responses": mean(cell.usage.responses for cell in self.cells),
            "scorings": mean(cell.usage.scorings for cell in self.cells),
            "failed": failing(self.cells),
        }


@dataclass(frozen=True)
class Counterfactuals:
    """The further controls of a run. None where there is none: the worker was frozen anyway, nothing else could run."""

    improved: Judged
    frozen: Judged | None
    sham: Sham | None
    discovery: Discovery

    def arms(self) -> Further:
        found: Further = {}
        if self.frozen:
            found["frozen"] = self.frozen.plain()
        if self.sham:
            found["sham"] = self.sham.plain()
        return found

    def scores(self) -> dict[str, dict[str, list[float]]]:
        """By arm."""
        found = {"frozen": self.frozen, "sham": self.sham}
        return {name: one.scores() for name, one in found.items() if one}

    def parts(self) -> dict[str, Interval]:
        """How much better the improved improver is than each, by (task, repetition)."""
        names = {"frozen": "self_application", "sham": "selection"}
        return {names[name]: paired(self.improved.scores(), scores) for name, scores in self.scores().items()}


def counterfactuals(
    lab: Lab,
    settings: Settings,
    rounds: Sequence[Round],
    judgement: Judgement,
    train: Sequence[ScaledTask],
    test: Sequence[ScaledTask],
) -> Counterfactuals:
    """Judge the further controls on the test repetitions of the comparison."""
    lab.progress.phase("control: sham")
    report = MetaUtility(lab, test, "test", "report", settings.test, settings.inner, settings.keep)
    shams = drawn(lab, rounds)
    lab.progress.phase("control: best-of-n with twice the answers")
    equal = judgement.arms["equal_answers"]
    doubled = _doubled(report, equal.improver, equal.tries)
    return Counterfactuals(
        judgement.arms["improved"],
        _frozen(lab, settings, rounds, report, train) if settings.worker == "self" else None,
        Sham(shams, in_turn(report, shams)) if shams else None,
        discovery(spent(lab, settings, rounds, train), judgement, doubled),
    )


def _doubled(report: MetaUtility, improver: Program, equal: Sequence[int]) -> Judged:
    """Best-of-n with twice the answers."""
    (found,) = _tested(report, [(improver, [2 * max(1, count) for count in equal])])
    return found


def drawn(lab: Lab, rounds: Sequence[Round]) -> list[Program]:
    """Up to `SHAMS` of the improvers that the recursion scored and that could run, whatever their scores were."""
    texts = {one.program for r in rounds for one in r.proposal.scored if one.value is not None}
    pool = sorted(texts - {rounds[0].incumbent.digest})
    chosen = rng_from("sham", lab.roots.streams).sample(pool, min(SHAMS, len(pool)))
    return [Program(lab.store.text(one)) for one in chosen]


def in_turn(report: MetaUtility, improvers: Sequence[Program]) -> list[Cell]:
    """The test cells of the sham: each given to one of the improvers, none where there is none."""
    wanted = [
        (improvers[turn(r, i, len(report.tasks), len(improvers))], task, r)
        for r in range(report.repetitions)
        for i, task in enumerate(report.tasks)
    ]
    return report.side_by_side(wanted)


def turn(repetition: int, task: int, tasks: int, improvers: int) -> int:
    """Whose turn it is: all improvers as evenly as the places allow. A shift after each full cycle brings each to each task."""
    shift = repetition // (improvers // gcd(improvers, tasks))
    return (repetition * tasks + task + shift) % improvers


def _frozen(
    lab: Lab, settings: Settings, rounds: Sequence[Round], report: MetaUtility, train: Sequence[ScaledTask]
) -> Judged:
    lab.progress.scope("control: frozen worker")
    found = list(recursion(lab, rounds[0].incumbent, train, replace(settings, worker="frozen")))
    lab.progress.phase("testing")
    cells = report.cells(found[-1].improver)
    return Judged(found[-1].improver, [1] * len(cells), cells)


# --- what it cost -----------------------------------------------------------------------------------------------------


def spent(lab: Lab, settings: Settings, rounds: Sequence[Round], train: Sequence[ScaledTask]) -> int:
    """Answers that the recursion used, found or bought alike: to propose, to score what was proposed, and at the gates."""
    return sum(spent_of(lab, settings, one, train) for one in rounds)


def spent_of(lab: Lab, settings: Settings, one: Round, train: Sequence[ScaledTask]) -> int:
    """The same of one round."""
    utility = MetaUtility(
        lab, train, "train", ["round", one.number], settings.repetitions, settings.inner, settings.keep
    )
    scored = [(Program(lab.store.text(each.program)), each.times) for each in one.proposal.scored]
    scorings = [
        utility.cells(program, earlier)
        for program, times in scored
        if not lab.defect(program.text, utility.entry)
        for earlier in range(times)
    ]
    gate = [*one.incumbent_cells, *(cell for cells in one.race.values() for cell in cells)]
    return one.proposal.usage.responses + _responses(gate) + sum(map(_responses, scorings))


def _responses(cells: Sequence[Cell]) -> int:
    return sum(cell.usage.responses for cell in cells)


def discovery(answers: int, judgement: Judgement, doubled: Judged) -> Discovery:
    """The answers spent, and after how many uses they are repaid: the plain rule is in `said`.

    One use is one improver run. Sampling of equal quality is best-of-n with as many answers as it needs to reach the mean of
    the improved improver, between n and 2n interpolated in the logarithm of n; where even 2n do not reach it, the saving is at
    least n answers a use, and the uses are an upper bound. These are comparisons of means: the verdict says if they hold.
    """
    quality, once, twice = (
        mean(cell.value for cell in counting(arm.cells))
        for arm in (judgement.arms["improved"], judgement.arms["equal_answers"], doubled)
    )
    used = mean(cell.usage.responses for cell in judgement.arms["improved"].cells)
    if not used:
        return {"answers": answers, "uses": None, "said": "never repaid: the improved improver asks for no answers"}
    if quality <= once:
        return {"answers": answers, "uses": None, "said": "never repaid: best-of-n with the same answers is as good"}
    if quality > twice:
        uses = ceil(answers / used)
        said = f"repaid after at most {uses:,} uses: best-of-n does not reach it with twice the answers"
    else:
        saved = used * (2 ** ((quality - once) / (twice - once)) - 1)
        uses = ceil(answers / saved)
        said = f"repaid after about {uses:,} uses: best-of-n needs {used + saved:.0f} answers where it needs {used:.0f}"
    firm = judgement.verdicts()["against_equal_answers"].kind == "better"
    return {"answers": answers, "uses": uses, "said": said if firm else f"{said}; but that difference is not firm"}
