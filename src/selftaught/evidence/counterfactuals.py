"""What a recursion would have come to otherwise: without self-application, without selection; and what it cost to find.

- *frozen worker*: the same rounds and answers, but the seed improver always does the work. Round 1 is the same by design, so
  its facts are shared; a gain that remains is not due to *self*-application.
- *sham*: the mean of up to `SHAMS` improvers drawn at random from all that the recursion scored and that could run: what the
  model writes, without the selection. They take turns over tasks and repetitions, so they cost as much as one improver.
- *discovery*: the answers that the recursion used, and the uses after which they are repaid against sampling of equal quality.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import ceil, gcd
from statistics import fmean as mean

from selftaught.evidence.controls import Arm, Comparison, by_task
from selftaught.evidence.statistics import Interval, Verdict, interval, paired, verdict
from selftaught.lab import Lab
from selftaught.meta import Cell, MetaUtility, Scaled
from selftaught.plain import JSON, rng_from
from selftaught.program import Program, defect
from selftaught.recursion import Round, recursion
from selftaught.settings import Settings

SHAMS = 5
"""How many improvers are drawn for the sham."""


@dataclass(frozen=True)
class Sham:
    """Some improvers as one: each (task, repetition) is given to one of them, all of them to each task in turn."""

    improvers: Sequence[Program]
    cells: Sequence[Cell]

    def scores(self) -> dict[str, list[float]]:
        """Values by task, in the order of repetitions: paired like those of one improver."""
        return by_task(self.cells)

    def plain(self) -> dict[str, JSON]:
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

    improved: Arm
    frozen: Arm | None
    sham: Sham | None
    discovery: dict[str, JSON]

    def arms(self) -> dict[str, JSON]:
        found = {"frozen": self.frozen, "sham": self.sham}
        return {name: one.plain() for name, one in found.items() if one}

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
    comparison: Comparison,
    train: Sequence[Scaled],
    test: Sequence[Scaled],
) -> Counterfactuals:
    """Judge the further controls on the test repetitions of the comparison."""
    lab.progress.phase("control: sham")
    judge = MetaUtility(lab, test, "test", "report", settings.test, settings.inner)
    shams = drawn(lab, rounds)
    repeats = 2 * comparison.arms["best_of_n"].repeats
    lab.progress.phase("control: best-of-n with twice the answers")
    doubled = Arm(rounds[0].incumbent, repeats, replace(judge, repeats=repeats).cells(rounds[0].incumbent))
    return Counterfactuals(
        comparison.arms["improved"],
        _frozen(lab, settings, rounds, judge, train) if settings.worker == "self" else None,
        Sham(shams, _in_turn(judge, shams)) if shams else None,
        discovery(spent(lab, settings, rounds, train), comparison, doubled),
    )


def drawn(lab: Lab, rounds: Sequence[Round]) -> list[Program]:
    """Up to `SHAMS` of the improvers that the recursion scored and that could run, whatever their scores were."""
    texts = {one.program for r in rounds for one in r.proposal.scored if one.value is not None}
    pool = sorted(texts - {rounds[0].incumbent.digest})
    chosen = rng_from("sham", lab.seed).sample(pool, min(SHAMS, len(pool)))
    return [Program(lab.store.text(one)) for one in chosen]


def _in_turn(judge: MetaUtility, improvers: Sequence[Program]) -> list[Cell]:
    places = [
        (improvers[turn(r, i, len(judge.tasks), len(improvers))], task, r)
        for r in range(judge.repetitions)
        for i, task in enumerate(judge.tasks)
    ]
    return judge.side_by_side(places)


def turn(repetition: int, task: int, tasks: int, improvers: int) -> int:
    """Whose turn it is: all improvers as evenly as the places allow. A shift after each full cycle brings each to each task."""
    shift = repetition // (improvers // gcd(improvers, tasks))
    return (repetition * tasks + task + shift) % improvers


def _frozen(lab: Lab, settings: Settings, rounds: Sequence[Round], judge: MetaUtility, train: Sequence[Scaled]) -> Arm:
    lab.progress.scope("control: frozen worker")
    found = list(recursion(lab, rounds[0].incumbent, train, replace(settings, worker="frozen")))
    lab.progress.phase("testing")
    return Arm(found[-1].improver, 1, judge.cells(found[-1].improver))


# --- what it cost -----------------------------------------------------------------------------------------------------


def spent(lab: Lab, settings: Settings, rounds: Sequence[Round], train: Sequence[Scaled]) -> int:
    """Answers that the recursion used, found or bought alike: to propose, to score what was proposed, and at the gates."""
    return sum(_round(lab, settings, one, train) for one in rounds)


def _round(lab: Lab, settings: Settings, one: Round, train: Sequence[Scaled]) -> int:
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


def discovery(answers: int, comparison: Comparison, doubled: Arm) -> dict[str, JSON]:
    """The answers spent, and after how many uses they are repaid: the plain rule is in `said`.

    One use is one improver run. Sampling of equal quality is best-of-n with as many answers as it needs to reach the mean of
    the improved improver, between n and 2n interpolated in the logarithm of n; where even 2n do not reach it, the saving is at
    least n answers a use, and the uses are an upper bound. These are comparisons of means: the verdict says if they hold.
    """
    quality, once, twice = (
        mean(cell.value for cell in arm.cells)
        for arm in (comparison.arms["improved"], comparison.arms["best_of_n"], doubled)
    )
    used = mean(cell.usage.responses for cell in comparison.arms["improved"].cells)
    if quality <= once or not used:
        return {"answers": answers, "uses": None, "said": "never repaid: best-of-n with the same answers is as good"}
    if quality > twice:
        uses = ceil(answers / used)
        said = f"repaid after at most {uses:,} uses: best-of-n does not reach it with twice the answers"
    else:
        saved = used * (2 ** ((quality - once) / (twice - once)) - 1)
        uses = ceil(answers / saved)
        said = f"repaid after about {uses:,} uses: best-of-n needs {used + saved:.0f} answers where it needs {used:.0f}"
    firm = comparison.verdicts()["against_best_of_n"].kind == "better"
    return {"answers": answers, "uses": uses, "said": said if firm else f"{said}; but that difference is not firm"}
