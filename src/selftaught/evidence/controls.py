"""What a recursion came to, judged beside its controls on the test split, after it has ended.

Arms: the seed improver, the improved one, and *best-of-n*: the seed improver allowed as many model answers as the improved
one uses (fixed beforehand from validation, rounded up), its batch repeated with fresh answers and the best kept by the
practice score. A gain that plain sampling also gives is visible as such.

What it would have come to otherwise, without self-application, without selection; and what it cost to find:

- *frozen worker*: the same rounds and answers, but the seed improver always does the work. Round 1 is the same by design, so
  its facts are shared; a gain that remains is not due to *self*-application.
- *sham*: the mean of up to `SHAMS` improvers drawn at random from all that the recursion scored and that could run: what the
  model writes, without the selection. They take turns over tasks and repetitions, so they cost as much as one improver.
- *discovery*: the answers that the recursion used, and the uses after which they are repaid against sampling of equal quality.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil, gcd
from statistics import fmean as mean
from typing import NotRequired, TypedDict

from selftaught.evidence.statistics import MIN_TASKS, Interval, PlainInterval, Verdict, interval, paired, verdict
from selftaught.lab import Lab
from selftaught.meta import Cell, ImproverTask, MetaUtility, ScaledTask
from selftaught.plain import rng_from
from selftaught.program import Program, defect
from selftaught.recursion import Round, recursion
from selftaught.settings import Settings

SHAMS = 5
"""How many improvers are drawn for the sham."""


class TaskFigure(PlainInterval):
    """What an improver reaches on one task, on the common scale, and its mean raw score."""

    raw: float


class PlainJudged(TypedDict):
    """An arm: one improver on the test split. What is used is a mean per improver run."""

    improver: str
    """Digest of its text."""
    repeats: int
    """How often its batch is repeated in one run, the best kept: 1 but for best-of-n."""
    test: PlainInterval
    """Its mean over tasks: 0 is the start solution, 1 the best known one."""
    per_task: dict[str, TaskFigure]
    responses: float
    scorings: float
    failed: float
    """The share of runs that failed, and so count as their start solutions."""


class PlainSham(TypedDict):
    """The sham: improvers drawn from all that were proposed, each run given to one of them in turn."""

    improvers: list[str]
    """Digests of their texts."""
    test: PlainInterval
    per_task: dict[str, PlainInterval]
    responses: float
    scorings: float
    failed: float


class Discovery(TypedDict):
    """What it cost to find the improved improver, and after how many uses that is repaid."""

    answers: int
    uses: int | None
    """Improver runs; null: never."""
    said: str


class Further(TypedDict):
    """The arms of the further controls, where there are any."""

    frozen: NotRequired[PlainJudged]
    """What the same recursion comes to when the seed improver always does the work."""
    sham: NotRequired[PlainSham]


@dataclass(frozen=True)
class Judged:
    """One improver on the test repetitions."""

    improver: Program
    tries: int
    cells: Sequence[Cell]

    def scores(self) -> dict[str, list[float]]:
        """Values by task, in the order of repetitions."""
        return by_task(self.cells)

    def plain(self) -> PlainJudged:
        per_task: dict[str, TaskFigure] = {}
        for task in self.scores():
            own = [cell for cell in self.cells if cell.task == task]
            one = interval({task: [cell.value for cell in own]}).plain()
            per_task[task] = {**one, "raw": mean(cell.raw for cell in own)}
        return {
            "improver": self.improver.digest,
            "repeats": self.tries,
            "test": interval(self.scores()).plain(),
            "per_task": per_task,
            "responses": mean(cell.usage.responses for cell in self.cells),
            "scorings": mean(cell.usage.scorings for cell in self.cells),
            "failed": mean(cell.failed is not None for cell in self.cells),
        }


@dataclass(frozen=True)
class Judgement:
    """All arms, and the improver of each round, on the same test repetitions."""

    arms: Mapping[str, Judged]
    rounds: Sequence[Judged]
    """Round 0 is the seed improver."""

    def parts(self) -> dict[str, Interval]:
        """The gain and its two parts: more answers (best-of-n - seed) and better search (improved - best-of-n).

        With enough tasks also the gain to be expected on tasks that were not among them.
        """
        seed, improved, sampled = (self.arms[name].scores() for name in ("seed", "improved", "best_of_n"))
        parts = {
            "gain": paired(improved, seed),
            "more_answers": paired(sampled, seed),
            "better_search": paired(improved, sampled),
        }
        return parts | ({"gain_unseen": paired(improved, seed, unseen=True)} if len(seed) >= MIN_TASKS else {})

    def verdicts(self) -> dict[str, Verdict]:
        parts = self.parts()
        return {"against_seed": verdict(parts["gain"]), "against_best_of_n": verdict(parts["better_search"])}


def by_task(cells: Sequence[Cell]) -> dict[str, list[float]]:
    """The cells' values by task, in order."""
    scores: dict[str, list[float]] = {}
    for cell in cells:
        scores.setdefault(cell.task, []).append(cell.value)
    return scores


def judge(lab: Lab, settings: Settings, rounds: Sequence[Round], tasks: Sequence[ScaledTask]) -> Judgement:
    """Judge every round's improver and the controls on the test split."""
    test = MetaUtility(lab, tasks, "test", "report", settings.test, settings.inner)
    seed, improved = rounds[0].incumbent, rounds[-1].improver

    def tested(name: str, improver: Program, tries: int = 1) -> Judged:
        lab.progress.phase(f"testing {name}")
        return Judged(improver, tries, replace(test, tries=tries).cells(improver))

    by_round = [
        tested("the seed improver", seed),
        *(tested(f"the improver of round {r.number}", r.improver) for r in rounds),
    ]
    return Judgement(
        {
            "seed": by_round[0],
            "improved": by_round[-1],
            "best_of_n": tested("best-of-n", seed, sampling(rounds, improved)),
        },
        by_round,
    )


def sampling(rounds: Sequence[Round], improved: Program) -> int:
    """How often best-of-n repeats the seed's batch: answers a run by validation, rounded up, the test split unseen."""
    validated = {r.incumbent: r.incumbent_cells for r in rounds} | {
        r.proposal.program: r.challenger_cells for r in rounds if r.proposal.program and r.challenger_cells
    }
    used = {improver: _answers(cells) for improver, cells in validated.items()}
    seed = used[rounds[0].incumbent]
    return max(1, ceil(used[improved] / seed)) if seed else 1


def _answers(cells: Sequence[Cell]) -> float:
    """Answers a run, on tasks like those of the test: improving an improver is none of them."""
    return mean(cell.usage.responses for cell in cells if cell.task != ImproverTask.name)


# --- counterfactuals --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Sham:
    """Some improvers as one: each (task, repetition) is given to one of them, all of them to each task in turn."""

    improvers: Sequence[Program]
    cells: Sequence[Cell]

    def scores(self) -> dict[str, list[float]]:
        """Values by task, in the order of repetitions: paired like those of one improver."""
        return by_task(self.cells)

    def plain(self) -> PlainSham:
        scores = self.scores()
        return {
            "improvers": [one.digest for one in self.improvers],
            "test": interval(scores).plain(),
            "per_task": {task: interval({task: values}).plain() for task, values in scores.items()},
            "responses": mean(cell.usage.responses for cell in self.cells),
            "scorings": mean(cell.usage.scorings for cell in self.cells),
            "failed": mean(cell.failed is not None for cell in self.cells),
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

    def parts(self) -> dict[str, Interval]:
        """How much better the improved improver is than each, by (task, repetition)."""
        found = {"self_application": self.frozen, "selection": self.sham}
        return {name: paired(self.improved.scores(), one.scores()) for name, one in found.items() if one}

    def verdicts(self) -> dict[str, Verdict]:
        names = {"self_application": "against_frozen", "selection": "against_sham"}
        return {names[name]: verdict(one) for name, one in self.parts().items()}


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
    report = MetaUtility(lab, test, "test", "report", settings.test, settings.inner)
    shams = drawn(lab, rounds)
    tries = 2 * judgement.arms["best_of_n"].tries
    lab.progress.phase("control: best-of-n with twice the answers")
    doubled = Judged(rounds[0].incumbent, tries, replace(report, tries=tries).cells(rounds[0].incumbent))
    return Counterfactuals(
        judgement.arms["improved"],
        _frozen(lab, settings, rounds, report, train) if settings.worker == "self" else None,
        Sham(shams, _in_turn(report, shams)) if shams else None,
        discovery(spent(lab, settings, rounds, train), judgement, doubled),
    )


def drawn(lab: Lab, rounds: Sequence[Round]) -> list[Program]:
    """Up to `SHAMS` of the improvers that the recursion scored and that could run, whatever their scores were."""
    texts = {one.program for r in rounds for one in r.proposal.scored if one.value is not None}
    pool = sorted(texts - {rounds[0].incumbent.digest})
    chosen = rng_from("sham", lab.seed).sample(pool, min(SHAMS, len(pool)))
    return [Program(lab.store.text(one)) for one in chosen]


def _in_turn(report: MetaUtility, improvers: Sequence[Program]) -> list[Cell]:
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
    return Judged(found[-1].improver, 1, report.cells(found[-1].improver))


# --- what it cost -----------------------------------------------------------------------------------------------------


def spent(lab: Lab, settings: Settings, rounds: Sequence[Round], train: Sequence[ScaledTask]) -> int:
    """Answers that the recursion used, found or bought alike: to propose, to score what was proposed, and at the gates."""
    return sum(_round(lab, settings, one, train) for one in rounds)


def _round(lab: Lab, settings: Settings, one: Round, train: Sequence[ScaledTask]) -> int:
    utility = MetaUtility(lab, train, "train", ["round", one.number], settings.repetitions, settings.inner)
    scored = [(Program(lab.store.text(each.program)), each.times) for each in one.proposal.scored]
    scorings = [
        utility.cells(program, block)
        for program, times in scored
        if not defect(program.text, utility.entry)
        for block in range(times)
    ]
    gate = [*one.incumbent_cells, *one.challenger_cells]
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
        mean(cell.value for cell in arm.cells)
        for arm in (judgement.arms["improved"], judgement.arms["best_of_n"], doubled)
    )
    used = mean(cell.usage.responses for cell in judgement.arms["improved"].cells)
    if quality <= once or not used:
        return {"answers": answers, "uses": None, "said": "never repaid: best-of-n with the same answers is as good"}
    if quality > twice:
        uses = ceil(answers / used)
        said = f"repaid after at most {uses:,} uses: best-of-n does not reach it with twice the answers"
    else:
        saved = used * (2 ** ((quality - once) / (twice - once)) - 1)
        uses = ceil(answers / saved)
        said = f"repaid after about {uses:,} uses: best-of-n needs {used + saved:.0f} answers where it needs {used:.0f}"
    firm = judgement.verdicts()["against_best_of_n"].kind == "better"
    return {"answers": answers, "uses": uses, "said": said if firm else f"{said}; but that difference is not firm"}
