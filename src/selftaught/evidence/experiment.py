"""The shape of an experiment's document: recursions of several arms, then what is compared afterwards."""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict, final

from selftaught.evidence.published import BesidePaper
from selftaught.evidence.report import Heading, Reached, Used
from selftaught.evidence.statistics import PlainInterval, PlainMajority, PlainVerdict
from selftaught.evidence.transferred import Afterwards

Judging = Literal["over_start", "better_search", "equal_answers", "gain", "difference"]
"""The figures of an arm that a verdict is about."""


class PlainRecursed(TypedDict):
    """One recursion of an arm, judged on its test split."""

    arm: str
    seed: int
    improver: str
    """Digest of the improver that it ended with."""
    strategies: list[str]
    accepted: int
    """Rounds whose proposal was taken."""
    test_by_round: list[float]
    """The improver's mean on the common scale, from the seed improver (round 0) on."""
    raw_by_round: list[float]
    gain: float
    """Last round less round 0."""
    better_search: float
    """Last round less best-of-n at the whole allowance."""
    equal_answers: float
    """Last round less best-of-n at equal answers."""
    again: float | None
    """How much better the seed improver becomes in the hands of the improved one than in its own; null: not asked."""
    failed: float
    """The share of the improved improver's test runs that failed."""


class ArmFigures(TypedDict):
    """An arm over its recursions: all intervals are about the method."""

    name: str
    test_by_round: list[PlainInterval]
    raw_by_round: list[PlainInterval]
    failed_by_round: list[float]
    """The share of test runs that failed, of the improvers of each round."""
    gain: PlainInterval
    better_search: PlainInterval
    equal_answers: PlainInterval
    failed: float
    """The share of the improved improvers' test runs that failed."""
    rises: PlainInterval
    """The share of recursions that gain as much raw score as the paper counts as a rise."""
    again: PlainInterval | None


class ExperimentFigures(TypedDict):
    """What an experiment came to."""

    experiment: str
    question: str
    plan: str
    """The digest of the plan, fixed before the first answer."""
    deviations: list[str]
    """Where the plan, or what was done, differs from the preset."""
    earlier_looks: list[str]
    """Earlier runs in the store that were judged on the same test instances."""
    runs: list[PlainRecursed]
    arms: list[ArmFigures]
    differences: dict[str, PlainInterval]
    """By arm but the first: what its improved improvers reach, less those of the first arm with the same seeds."""
    verdicts: dict[Judging, dict[str, PlainVerdict]]
    """By figure and arm: what may be claimed of the arm as a method, each figure corrected over the arms."""
    shares: dict[Judging, dict[str, PlainMajority]]
    """By figure and arm: in how many recursions it is above 0, which a rare jump cannot sway."""
    gain_and_again: PlainInterval | None
    """The rank correlation of gain and `again` over all recursions; null: not asked."""
    contest: Afterwards | None
    paper: list[BesidePaper]
    """The paper's figures beside ours, where it has any."""


@final
class ExperimentDocument(Heading, ExperimentFigures):
    """An experiment that has come to its end: `selftaught experiment NAME --json`."""

    usage: Used


@final
class ExperimentReached(Reached):
    """An experiment that has not come to its end."""

    runs: NotRequired[list[PlainRecursed]]
    """The recursions that are done; missing before the first is."""
