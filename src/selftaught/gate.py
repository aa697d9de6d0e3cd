"""The gate: whether the improver of a round is replaced by what was handed in, on instances and streams that neither has seen.

What was returned and what was kept race there, three at most, beside the incumbent, which is scored afresh. One that could not
be the worker, at the budgets that it would have, does not race.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean as mean
from typing import Literal

from selftaught.downstream import Cell, ScaledTask, by_task, counting, highest
from selftaught.errors import AttemptSeen
from selftaught.improver import Improvement
from selftaught.lab import Lab
from selftaught.lab.believed import believable
from selftaught.lab.boundaries import Design, within
from selftaught.lab.handed import KEPT
from selftaught.lab.interface import ENTRY, Fared, fared
from selftaught.lab.leaving import ends, left, stopped, tries
from selftaught.lab.rehearsal import Scene, unfit
from selftaught.meta import MetaUtility
from selftaught.program import Program
from selftaught.settings import Settings

_ROUNDING = 1e-9


@dataclass(frozen=True)
class Suspicion:
    """A score in training that is too good to be believed: a scorer that can be fooled looks like that."""

    program: Program
    why: Literal["impossible", "above validation"]
    """Above what any improver can reach at all, or above what its validation lets one believe (`lab.believed`)."""
    train: float
    limit: float

    def __str__(self) -> str:
        above = "above what is possible" if self.why == "impossible" else "more than its validation lets one believe"
        return f"scored {self.train:.3f} in training, {above} ({self.limit:.3f})"


@dataclass(frozen=True)
class Round:
    """What one round came to."""

    number: int
    worker: Program
    """The improver that did the work."""
    proposal: Improvement
    """What it made of the incumbent."""
    incumbent: Program
    improver: Program
    """The improver after the round: one that was handed in or the incumbent."""
    accepted: bool
    reason: str
    incumbent_cells: Sequence[Cell]
    """The incumbent on this round's fresh validation instances and streams."""
    race: Mapping[Program, Sequence[Cell]]
    """What was handed in, on the same, each as far as it came; empty when there is no new program that could work."""
    challenger: Program | None
    """Of these the one that was accepted, otherwise the one that came furthest."""
    suspicions: Sequence[Suspicion] = ()
    """Of what was judged: what scored too well in training."""

    @property
    def challenger_cells(self) -> Sequence[Cell]:
        """The challenger at the gate."""
        return self.race[self.challenger] if self.challenger else ()


def looks(settings: Settings, tasks: Sequence[ScaledTask], racing: int) -> Sequence[int]:
    """Repetitions of every task after which a gate looks at `racing` challengers: once where it does not test."""
    design = _design(settings, tasks, racing)
    return design.looks if design else (settings.validation,)


def _design(settings: Settings, tasks: Sequence[ScaledTask], racing: int) -> Design | None:
    count = sum(one.counts for one in tasks) or len(tasks)
    return within(count, settings.validation, racing) if settings.accept == "gate" else None


def gated(
    gate: MetaUtility,
    train: MetaUtility,
    t: int,
    worker: Program,
    incumbent: Program,
    proposal: Improvement,
    settings: Settings,
) -> Round:
    """Judge what was handed in against the incumbent, on instances and streams that neither has seen.

    By `train` it would have to work, if it became the worker.
    """
    if settings.on_attempt == "stop":
        stopped(gate.lab)
    returned = None if proposal.reason else proposal.program
    handed = [returned, *proposal.kept] if settings.accept == "gate" else [returned]
    new = [one for one in dict.fromkeys(handed) if one and one != incumbent][:KEPT]
    refused = {one: wrong for one in new if (wrong := _unfit(train, one, settings))}
    racing = [one for one in new if one not in refused]
    missed = "" if proposal.missed is None else f"; best scored {proposal.missed:.3f}, not returned"
    if not racing:
        reason = proposal.reason or "returned the improver it was given"
        reason = (f"not taken, as it {refused[new[0]]}" if refused else reason) + missed
        return Round(t, worker, proposal, incumbent, incumbent, False, reason, gate.cells(incumbent), {}, None)
    scored = [Program(gate.lab.store.text(one.program)) for one in proposal.scored]
    before, race, winner = _race(gate, train, incumbent, racing, scored, settings)
    challenger = winner or max(racing, key=lambda one: len(race[one]))
    after = race[challenger]
    suspicions = [said for one, cells in race.items() if (said := _suspicion(train, one, cells, scored))]
    if all(cell.empty for cell in after):
        reason = f"fails whenever it runs: {after[0].failures[0]}"
        return Round(t, worker, proposal, incumbent, incumbent, False, reason, before, race, challenger, suspicions)
    old, lead = _mean(before[: len(after)]), _mean(after)
    reason = f"validation {old:.3f} -> {lead:.3f} ({lead - old:+.3f} over {len(after)} pairs)"
    reason += ", always accepted" if settings.accept == "paper" else f", best of {len(racing)}" if racing[1:] else ""
    if settings.accept == "gate" and not _design(settings, gate.tasks, len(racing)):
        reason += ", too few for a test: the higher mean counts"
    reason += "".join(f"; {one.name} {said}" for one in racing if (said := _left(gate.lab, one, settings)))
    if settings.on_attempt == "reject":
        reason += "".join(f"; {one.program.name} {one}" for one in suspicions)
    if proposal.reason:
        reason += f"; kept before its end: {proposal.reason}"
    reason += missed
    improver = winner or incumbent
    accepted = winner is not None
    return Round(t, worker, proposal, incumbent, improver, accepted, reason, before, race, challenger, suspicions)


def _unfit(train: MetaUtility, improver: Program, settings: Settings) -> str | None:
    """Why it would be no worker, at the budgets that it would have: tried once before anything is spent on it."""
    if settings.on_attempt != "record" and (tried := tries(train.lab, improver, settings.on_attempt == "stop")):
        return tried
    if settings.accept == "paper" or settings.worker == "frozen":
        return None
    usual = fared(0.5, [Fared(0.5, settings.inner.responses, settings.inner.scorings)] * len(train.tasks))
    scene = Scene(improver, train.description, ENTRY, usual)
    return unfit(train.lab, improver, scene, settings.outer, settings.inner)


def _left(lab: Lab, improver: Program, settings: Settings) -> str | None:
    """What it tried in the runs so far, where nothing that tried anything is accepted."""
    return left(lab, improver) if settings.on_attempt == "reject" else None


def _suspicion(
    train: MetaUtility, improver: Program, cells: Sequence[Cell], scored: Sequence[Program]
) -> Suspicion | None:
    """Whether it scored too well in training, given its cells at the gate. Of what was not scored there nothing is known."""
    if improver not in scored or not cells:
        return None
    seen, again = by_task(counting(train.cells(improver))), by_task(counting(cells))
    value = mean(mean(values) for values in seen.values())
    top = highest(train.tasks)
    if top is not None and value > top + _ROUNDING:
        return Suspicion(improver, "impossible", value, top)
    limit = believable([*seen.values()], [again[task] for task in seen], len(scored))
    if limit is not None and value > limit + _ROUNDING:
        return Suspicion(improver, "above validation", value, limit)
    return None


def _barred(
    train: MetaUtility, improver: Program, cells: Sequence[Cell], scored: Sequence[Program], settings: Settings
) -> bool:
    """Whether it scored too well in training to be accepted. Raises AttemptSeen where a run is to stop at that."""
    if settings.on_attempt == "record" or not (said := _suspicion(train, improver, cells, scored)):
        return False
    if settings.on_attempt == "stop":
        raise AttemptSeen(f"improver {improver.name} {said}: {ends(train.lab)}")
    return True


def _race(
    gate: MetaUtility,
    train: MetaUtility,
    incumbent: Program,
    racing: Sequence[Program],
    scored: Sequence[Program],
    settings: Settings,
) -> tuple[Sequence[Cell], Mapping[Program, Sequence[Cell]], Program | None]:
    """The incumbent's cells, those of all challengers, and the one that is accepted: look by look, until each is accepted or
    dropped. One that never runs is dropped, and where such are rejected one that tried to leave or scored too well in training.
    """
    design = _design(settings, gate.tasks, len(racing))
    cells: dict[Program, list[Cell]] = {one: [] for one in (incumbent, *racing)}
    done, running = 0, [*racing]
    for look in looks(settings, gate.tasks, len(racing)):
        wanted = [(one, task, r) for r in range(done, look) for one in (incumbent, *running) for task in gate.tasks]
        for (one, *_), cell in zip(wanted, gate.side_by_side(wanted), strict=True):
            cells[one].append(cell)
        done = look
        running = [one for one in running if not all(cell.empty for cell in cells[one])]
        running = [one for one in running if not _left(gate.lab, one, settings)]
        if settings.on_attempt == "stop":
            stopped(gate.lab)
        said = {one: _decided(design, cells[incumbent], cells[one], settings) for one in running}
        running = [one for one in running if not (said[one] and _barred(train, one, cells[one], scored, settings))]
        if winners := [one for one in running if said[one]]:
            winner = max(winners, key=lambda one: _mean(cells[one]))
            return cells[incumbent], {one: cells[one] for one in racing}, winner
        running = [one for one in running if said[one] is None]
        if not running:
            break
    return cells[incumbent], {one: cells[one] for one in racing}, None


def _decided(design: Design | None, old: Sequence[Cell], new: Sequence[Cell], settings: Settings) -> bool | None:
    """Whether a challenger is accepted: by the test or, where there are too few repetitions for one, by the higher mean."""
    if design is None:
        return settings.accept == "paper" or _mean(new) > _mean(old)
    every = not any(cell.counts for cell in old)
    pairs = [b.value - a.value for a, b in zip(old, new, strict=True) if a.counts or every]
    return design.decide([pairs[i : i + design.tasks] for i in range(0, len(pairs), design.tasks)])


def _mean(cells: Sequence[Cell]) -> float:
    return mean(cell.value for cell in counting(cells))
