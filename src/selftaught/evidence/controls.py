"""What a recursion came to, judged beside its controls on the test split, after it has ended.

Arms: the seed improver, the improved one, and *best-of-n*: the seed improver allowed as many model answers as the improved
one uses (fixed beforehand from validation, rounded up), its batch repeated with fresh answers and the best kept by the
practice score. A gain that plain sampling also gives is visible as such.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil
from statistics import fmean as mean

from selftaught.evidence.statistics import MIN_TASKS, Interval, Verdict, interval, paired, verdict
from selftaught.lab import Lab
from selftaught.meta import Cell, Itself, MetaUtility, Scaled
from selftaught.plain import JSON
from selftaught.program import Program
from selftaught.recursion import Round
from selftaught.settings import Settings


@dataclass(frozen=True)
class Arm:
    """One improver on the test repetitions."""

    improver: Program
    repeats: int
    cells: Sequence[Cell]

    def scores(self) -> dict[str, list[float]]:
        """Values by task, in the order of repetitions."""
        return by_task(self.cells)

    def plain(self) -> dict[str, JSON]:
        per_task: dict[str, JSON] = {}
        for task in self.scores():
            own = [cell for cell in self.cells if cell.task == task]
            one = interval({task: [cell.value for cell in own]}).plain()
            per_task[task] = {**one, "raw": mean(cell.raw for cell in own)}
        return {
            "improver": self.improver.digest,
            "repeats": self.repeats,
            "test": interval(self.scores()).plain(),
            "per_task": per_task,
            "responses": mean(cell.usage.responses for cell in self.cells),
            "scorings": mean(cell.usage.scorings for cell in self.cells),
            "failed": mean(cell.failed is not None for cell in self.cells),
        }


@dataclass(frozen=True)
class Comparison:
    """All arms, and the improver of each round, on the same test repetitions."""

    arms: Mapping[str, Arm]
    rounds: Sequence[Arm]
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


def compare(lab: Lab, settings: Settings, rounds: Sequence[Round], tasks: Sequence[Scaled]) -> Comparison:
    """Judge every round's improver and the controls on the test split."""
    test = MetaUtility(lab, tasks, "test", "report", settings.test, settings.inner)
    seed, improved = rounds[0].incumbent, rounds[-1].improver

    def arm(name: str, improver: Program, repeats: int = 1) -> Arm:
        lab.progress.phase(f"testing {name}")
        return Arm(improver, repeats, replace(test, repeats=repeats).cells(improver))

    by_round = [arm("the seed improver", seed), *(arm(f"the improver of round {r.number}", r.improver) for r in rounds)]
    return Comparison(
        {
            "seed": by_round[0],
            "improved": by_round[-1],
            "best_of_n": arm("best-of-n", seed, sampling(rounds, improved)),
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
    return mean(cell.usage.responses for cell in cells if cell.task != Itself.name)
