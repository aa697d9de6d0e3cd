"""The one document of a run: plain data, computed first; tables and pages draw it later and cannot disagree with it."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean as mean
from typing import Any, Literal, NotRequired, TypedDict, final

from selftaught.budget import Usage
from selftaught.downstream import Cell, counting, failing
from selftaught.evidence.attempts import AllTried, attempts
from selftaught.evidence.controls import (
    Counterfactuals,
    Discovery,
    Further,
    Judged,
    Judgement,
    PlainJudged,
    PlainStart,
    by_task,
)
from selftaught.evidence.models import UsedByModel, by_model
from selftaught.evidence.statistics import PlainInterval, PlainVerdict, interval
from selftaught.gate import Round
from selftaught.settings import Assignment
from selftaught.store import RunRecord, Store


class Heading(TypedDict):
    """How the document of a run begins: what ran, with what, held how."""

    run: int
    """Its number in the store."""
    model: str
    proposer: NotRequired[str]
    """Who writes improvers, where that is not the model, which works inside them then."""
    seed: int
    sandbox: str
    """The level that generated code was held at."""
    settings: dict[str, Any]
    """All that decides its facts; `kind` says what kind of run it is, of a recursion it is missing."""


class Faults(TypedDict):
    """Answers that hold no program."""

    read: int
    """How many answers were looked at."""
    kinds: dict[str, int]
    """How many of them hold none, by what they are instead."""
    said: str
    """That in words, with what may mend it."""


class Used(TypedDict):
    """What the facts of a run used, found or bought alike."""

    calls: int
    """Calls of the model by distinct improver runs."""
    responses: int
    """Distinct answers."""
    scorings: int
    """Programs scored."""
    improver_runs: int
    tokens_in: int
    tokens_out: int
    dollars: float | None
    """The recorded price of the answers; null: that of one is unknown."""
    dollars_spent: float | None
    """What this run itself has paid, over all its sessions."""
    cpu_s: NotRequired[float]
    """CPU seconds over all sessions; missing where the run was stopped, as is `wall_s`."""
    wall_s: NotRequired[float]
    faults: NotRequired[Faults]
    """Of a model at a server: what was wrong with its answers; missing where nothing was."""
    models: NotRequired[list[UsedByModel]]
    """By model and what it is for, where there is more than one; missing where one model does it all."""
    attempts: NotRequired[AllTried]
    """What programs tried that is not allowed them; missing in documents of versions that did not tell."""


class Probably(TypedDict):
    """What a run will probably come to, from low to high. Null: not known."""

    answers_low: int
    answers_high: int
    """Answers in all."""
    dollars_low: float | None
    dollars_high: float | None
    """Dollars in all."""
    seconds_low: float | None
    seconds_high: float | None
    """Seconds that it still takes, from when this was said."""


class Reached(Heading):
    """What every document has that has not come to its end."""

    probably: NotRequired[Probably]
    """Said at the beginning where a model is at a server, and after each round of a recursion, then sharper; else missing."""

    stopped: NotRequired[str]
    """Why the run ended; missing while it is running."""
    usage: NotRequired[Used]
    """Missing while the run is running."""


class PlainSuspicion(TypedDict):
    """A score in training that hints at a scorer that was hacked: by chance in 5 % of rounds at most."""

    program: str
    """Digest of the improver that got it."""
    why: Literal["impossible", "above validation"]
    """Above what any improver can reach at all, or above what its validation lets one believe, however many were scored."""
    train: float
    limit: float
    """What is possible, or the highest that can be believed."""


class PlainRound(TypedDict):
    """One round. Round 0 is the seed improver; what is said of the making of an improver is missing there."""

    round: int
    worker: NotRequired[str]
    """The improver that did the work."""
    proposal: NotRequired[str | None]
    """What it proposed, of several that raced at the gate the one that was accepted or came furthest; null when it failed and
    had kept nothing."""
    improver: str
    """The improver after the round. Improvers are given by the digests of their texts."""
    accepted: bool
    """Whether the improver after the round is the proposal."""
    reason: str
    train: float | None
    """The first score that the worker saw of the improver after the round; null where it asked for none."""
    validation: PlainInterval | None
    """That improver at the gate."""
    incumbent_validation: NotRequired[float]
    """The incumbent on the repetitions that the proposal got to."""
    proposal_train: NotRequired[float | None]
    proposal_validation: NotRequired[float | None]
    """Null where there was none to judge, or where it failed whenever it ran."""
    proposal_failed: NotRequired[float]
    """The share of its runs at the gate that failed: missing where none did."""
    kept: NotRequired[list[str]]
    """What the worker handed in by `utility.keep`, the last first."""
    missed: NotRequired[float | None]
    """The best score that the worker saw, where it handed in no program with that score."""
    raced: NotRequired[list[str]]
    """The programs that the gate judged."""
    answers_per_run: NotRequired[float]
    """What an improver run asked at the gate, on average."""
    suspicion: NotRequired[list[PlainSuspicion]]
    """Where a score seen in training is too good to be believed: missing where none is."""
    test: PlainInterval | None
    """That improver on the test split; null as long as the recursion goes on."""
    failed: NotRequired[float]
    """The share of its runs there that failed."""


class Arms(Further):
    """The improvers compared on the test split."""

    start: PlainStart
    """The start solutions: 0 by definition."""
    seed: PlainJudged
    improved: PlainJudged
    best_of_n: PlainJudged
    """The seed improver's batch repeated so often that its cells ask for the whole allowance of a run, on average."""
    equal_answers: PlainJudged
    """The same at as many answers in total as the improved improver used."""


class MatchedAnswers(TypedDict):
    """Answers in total, over all test runs, of the two sides of the comparison at equal answers."""

    improved: int
    best_of_n: int


class SoFar(TypedDict):
    """What a recursion has come to before its judgement."""

    rounds: list[PlainRound]


class RunFigures(SoFar):
    """What a recursion came to."""

    tasks: list[str]
    """Those it recursed on."""
    arms: Arms
    gain: dict[str, PlainInterval]
    """Improved less: the start solutions (`over_start`), the seed improver (`gain`), best-of-n at the whole allowance
    (`better_search`) and at equal answers (`equal_answers`), the frozen worker (`self_application`), the sham (`selection`);
    best-of-n less the seed improver (`more_answers`); the gain on unseen tasks (`gain_unseen`, from ten test tasks on)."""
    verdict: dict[str, PlainVerdict]
    """Improved `against_start`, then `against_best_of_n` (whole allowance), `against_equal_answers`, each tested only if the
    one before is firm; then the others together: `against_seed`, `against_frozen`, `against_sham`."""
    equal_answers: MatchedAnswers
    little_headroom: list[str]
    """Test tasks that stand in no mean, because there is too little to gain on them."""
    earlier_looks: list[str]
    """Earlier runs in the store that were judged on the same test instances."""
    discovery: Discovery | None
    """Null without the further controls."""


@final
class RunDocument(Heading, RunFigures):
    """A recursion that has come to its end: `selftaught run --json`."""

    usage: Used


@final
class RunReached(Reached):
    """A recursion that has not come to its end."""

    rounds: NotRequired[list[PlainRound]]
    """Missing before the first is done."""


def heading(number: int, asked: Assignment, record: RunRecord) -> Heading:
    """How a run's document begins."""
    found: Heading = {
        "run": number,
        "model": asked.model.spec,
        "seed": asked.seed,
        "sandbox": record.circumstances["sandbox"],
        "settings": asked.plain(),
    }
    return {**found, "proposer": asked.proposer.spec} if asked.proposer else found


def report(
    rounds: Sequence[Round],
    judgement: Judgement,
    further: Counterfactuals | None = None,
    looks: Sequence[str] = (),
) -> RunFigures:
    """What `run --json` says of the rounds and of the arms: the same settings and seed give the same document."""
    found = [_seed_round(judgement.rounds[0])]
    found += [_round(one, arm) for one, arm in zip(rounds, judgement.rounds[1:], strict=True)]
    parts = judgement.parts() | (further.parts() if further else {})
    verdicts = judgement.verdicts(further.scores() if further else None)
    return {
        "tasks": sorted(by_task(rounds[0].incumbent_cells)),
        "rounds": found,
        "arms": _arms(judgement, further),
        "gain": {name: one.plain() for name, one in parts.items()},
        "verdict": {name: one.plain() for name, one in verdicts.items()},
        "equal_answers": {"improved": judgement.matching.used, "best_of_n": judgement.matching.given},
        "little_headroom": sorted({cell.task for cell in judgement.start.cells if not cell.counts}),
        "earlier_looks": list(looks),
        "discovery": further.discovery if further else None,
    }


def _arms(judgement: Judgement, further: Counterfactuals | None) -> Arms:
    own = {name: arm.plain() for name, arm in judgement.arms.items()}
    more = further.arms() if further else Further()
    start = judgement.start.plain()
    return {
        "start": start,
        "seed": own["seed"],
        "improved": own["improved"],
        "best_of_n": own["best_of_n"],
        "equal_answers": own["equal_answers"],
        **more,
    }


def so_far(rounds: Sequence[Round]) -> SoFar:
    """What there is to say of a run before its judgement."""
    return {"rounds": [_round(one, None) for one in rounds]}


def usage(store: Store, run: int, spent: float | None) -> Used:
    """What a run's facts used, found or bought alike: distinct answers, calls of distinct improver runs.

    An improver run that another run had kept already counts with its calls, not with the answers inside it: on a store of
    its own a run counts in full. `dollars` is the recorded price of these answers, `dollars_spent` what this run itself has
    `spent`.
    """
    calls = [body["usage"]["calls"] for _, body in store.facts("improvement", run)]
    answers = Usage()
    for _, body in store.facts("answer", run):
        answers += Usage(0, 1, 0, body["tokens_in"], body["tokens_out"], body["dollars"])
    found: Used = {
        "calls": sum(calls),
        "responses": answers.responses,
        "scorings": sum(1 for _ in store.facts("score", run)),
        "improver_runs": len(calls),
        "tokens_in": answers.tokens_in,
        "tokens_out": answers.tokens_out,
        "dollars": answers.dollars,
        "dollars_spent": spent,
        "attempts": attempts(store, run),
    }
    return {**found, "models": models} if (models := by_model(store, run)) else found


def _seed_round(arm: Judged) -> PlainRound:
    return {
        "round": 0,
        "improver": arm.improver.digest,
        "accepted": True,
        "reason": "the seed improver",
        "train": None,
        "validation": None,
        **_tested(arm),
    }


class _Tested(TypedDict):
    test: PlainInterval | None
    failed: NotRequired[float]


def _tested(arm: Judged | None) -> _Tested:
    """What the test split says of a round's improver, once the recursion has ended."""
    return {"test": interval(arm.scores()).plain(), "failed": arm.failed} if arm else {"test": None}


def _round(one: Round, arm: Judged | None) -> PlainRound:
    """`improver`, `train`, `validation` and `answers_per_run` are about the improver after the round, `proposal…` about what
    was proposed; `train` is the first score that the round's worker saw of it, None where it asked for none."""
    cells = one.challenger_cells if one.accepted else one.incumbent_cells
    proposed = one.challenger or one.proposal.program
    trained = {each.program: each.value for each in one.proposal.scored}
    row: PlainRound = {
        "round": one.number,
        "worker": one.worker.digest,
        "proposal": proposed.digest if proposed else None,
        "improver": one.improver.digest,
        "accepted": one.accepted,
        "reason": one.reason,
        "train": trained.get(one.improver.digest),
        "validation": interval(by_task(counting(cells))).plain(),
        "incumbent_validation": _mean(one.incumbent_cells[: len(one.challenger_cells) or None]),
        "proposal_train": trained.get(proposed.digest, one.proposal.first_score) if proposed else None,
        "kept": [program.digest for program in one.proposal.kept],
        "missed": one.proposal.missed,
        "raced": [program.digest for program in one.race],
        "proposal_validation": _mean(one.challenger_cells) if not all(c.empty for c in one.challenger_cells) else None,
        "answers_per_run": mean(cell.usage.responses for cell in cells),
        **_tested(arm),
    }
    if failed := failing(one.challenger_cells):
        row["proposal_failed"] = failed
    if one.suspicions:
        row["suspicion"] = [
            {"program": each.program.digest, "why": each.why, "train": each.train, "limit": each.limit}
            for each in one.suspicions
        ]
    return row


def _mean(cells: Sequence[Cell]) -> float:
    return mean(cell.value for cell in counting(cells))
