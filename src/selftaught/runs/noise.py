"""Where a scorer is noisy: a program becomes the best only when it is better than the best so far beyond luck.

Of the programs whose first score is better, a few are scored again and the best of these alone is tried: it and the best so
far are scored again and again, and compared pair by pair. First scores, by which it was found, do not count there. Twice it is
looked whether the difference is clear, after half of the repetitions and after all. Over all rounds, a program that is no
better is taken with a probability of at most 5 %.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import Any, Protocol

from selftaught.evidence.own import Noise, Repeated
from selftaught.evidence.statistics import ALPHA, flipped_p, paired
from selftaught.program import Program

FINALISTS, SCREENED = 4, 2
"""How many of those that look better are scored again, and how often, before one is tried."""


class Repeatable(Protocol):
    """What scores programs, each as often as it is asked to."""

    @property
    def measures(self) -> bool:
        """Whether time or memory are scored: then no two scores are the same."""
        ...

    def fact(self, program: Program, again: int = 0) -> Mapping[str, Any]: ...


@dataclass(frozen=True)
class Trial:
    """What came of trying those that look better."""

    best: Program
    told: Repeated | None
    """None: nothing was to be tried, or all failed when they were scored again."""


@dataclass(frozen=True)
class Repeating:
    """Scores again and again; `sign` is 1 where more is better, else -1; `most` repetitions at most."""

    judge: Repeatable
    sign: int
    most: int

    def noisy(self, program: Program) -> bool:
        """Whether the program has another score when it is scored a second time."""
        if self.judge.measures:
            return True
        first, second = (self.judge.fact(program, again) for again in (0, 1))
        return first["grades"] != second["grades"]

    def tried(self, best: Program, better: Sequence[Program], t: int) -> Trial:
        """Who is the best after round t; `better` are those whose first scores are, the first one the most."""
        screened = {one: [self._score(one, again + 1) for again in range(SCREENED)] for one in better[:FINALISTS]}
        means = {one: fmean(scores) for one, found in screened.items() if len(scores := _sound(found)) == SCREENED}
        if not means:
            return Trial(best, None)
        challenger = max(means, key=means.__getitem__)
        told = self._compared(best, challenger, t)
        return Trial(challenger if told["taken"] else best, told)

    def _compared(self, best: Program, challenger: Program, t: int) -> Repeated:
        """The two side by side until the difference is clear, or there are no more repetitions."""
        level = ALPHA / (t * (t + 1)) / 2  # two looks; over all rounds these add up to ALPHA
        pairs: list[tuple[float, float]] = []
        p, whole = 1.0, True
        for until in (self.most // 2, self.most):
            while whole and len(pairs) < until:
                pair = _sound([self._score(one, SCREENED + len(pairs) + 1) for one in (challenger, best)])
                whole = len(pair) == 2
                pairs += [(pair[0], pair[1])] if whole else []
            gains = [ours - theirs for ours, theirs in pairs]
            p = flipped_p(gains) if whole else 1.0
            if p <= level or not whole or sum(gains) <= 0:
                break
        ours, theirs = ([self.sign * pair[side] for pair in pairs] for side in (0, 1))
        return Repeated(
            round=t,
            program=challenger.digest,
            repetitions=len(pairs),
            difference=paired({"own": ours}, {"own": theirs}).plain() if whole else None,
            p=p,
            level=level,
            taken=p <= level,
        )

    def _score(self, program: Program, again: int) -> float | None:
        """Of one repetition, more is better; None where it fails."""
        value = self.judge.fact(program, again)["value"]
        return None if value is None else self.sign * value


def _sound(scores: Sequence[float | None]) -> list[float]:
    return [one for one in scores if one is not None]


def noise(judge: Repeatable, start: Program, repeated: Sequence[Repeated]) -> Noise:
    """How noisy the scorer is, told by the scores of the start that there are, and who was tried for real."""
    beside = 0
    for one in repeated:
        beside = max(beside, one["repetitions"])
        if one["taken"]:  # from then on another program was the best so far
            break
    values = [judge.fact(start, again)["value"] for again in (0, 1, *range(SCREENED + 1, SCREENED + beside + 1))]
    scores = [float(one) for one in values if one is not None]
    spread = stdev(scores) if len(scores) > 1 else None
    return Noise(measures=judge.measures, spread=spread, scores=len(scores), repeated=[*repeated])
