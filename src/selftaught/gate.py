"""The gate: whether the improver of a round is replaced by what was handed in, on instances and streams that neither has seen.

What was returned and what was kept race there, three at most, beside the incumbent, which is scored afresh. One that could not
be the worker, at the budgets that it would have, does not race.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean as mean

from selftaught.downstream import Cell, ScaledTask, counting
from selftaught.improver import KEPT, Improvement
from selftaught.lab import Lab
from selftaught.lab.boundaries import Design, within
from selftaught.lab.interface import ENTRY
from selftaught.lab.leaving import left, stopped, tries
from selftaught.lab.rehearsal import rehearsed
from selftaught.meta import MetaUtility
from selftaught.program import Program
from selftaught.settings import Settings


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
    before, race, winner = _race(gate, incumbent, racing, settings)
    challenger = winner or max(racing, key=lambda one: len(race[one]))
    after = race[challenger]
    if all(cell.empty for cell in after):
        reason = f"fails whenever it runs: {after[0].failures[0]}"
        return Round(t, worker, proposal, incumbent, incumbent, False, reason, before, race, challenger)
    old, lead = _mean(before[: len(after)]), _mean(after)
    reason = f"validation {old:.3f} -> {lead:.3f} ({lead - old:+.3f} over {len(after)} pairs)"
    reason += ", always accepted" if settings.accept == "paper" else f", best of {len(racing)}" if racing[1:] else ""
    reason += "".join(f"; {one.name} {said}" for one in racing if (said := _left(gate.lab, one, settings)))
    if proposal.reason:
        reason += f"; kept before its end: {proposal.reason}"
    reason += missed
    improver = winner or incumbent
    return Round(t, worker, proposal, incumbent, improver, winner is not None, reason, before, race, challenger)


def _unfit(train: MetaUtility, improver: Program, settings: Settings) -> str | None:
    """Why it would be no worker, at the budgets that it would have: tried once before anything is spent on it."""
    if settings.on_attempt != "record" and (tried := tries(train.lab, improver, settings.on_attempt == "stop")):
        return tried
    if settings.accept == "paper" or settings.worker == "frozen":
        return None
    return rehearsed(train.lab, improver, improver, (train.description, ENTRY), settings.outer, strict=True)


def _left(lab: Lab, improver: Program, settings: Settings) -> str | None:
    """What it tried in the runs so far, where nothing that tried anything is accepted."""
    return left(lab, improver) if settings.on_attempt == "reject" else None


def _race(
    gate: MetaUtility, incumbent: Program, racing: Sequence[Program], settings: Settings
) -> tuple[Sequence[Cell], Mapping[Program, Sequence[Cell]], Program | None]:
    """The incumbent's cells, those of all challengers, and the one that is accepted: look by look, until each is accepted or
    dropped. One that never runs is dropped, and one that tried to leave where such are rejected."""
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
