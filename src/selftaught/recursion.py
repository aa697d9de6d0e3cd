"""STOP, the recursion (paper, algorithm 1): I_t = I_{t-1}(û, I_{t-1}, L), for t = 1 … T.

The current improver is both worker and workpiece: it improves the text of an improver, its own, under the meta-utility û.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import fmean as mean

from selftaught.downstream import Cell, ScaledTask, counting
from selftaught.improver import ENTRY, Improvement, improve
from selftaught.lab import Lab
from selftaught.meta import MetaUtility
from selftaught.plain import digest
from selftaught.program import Program
from selftaught.settings import Settings

STUB = Program(f"def {ENTRY}(initial_solution, utility, language_model):\n    return initial_solution\n")
"""What a maximizer is shown in place of the incumbent."""


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
    """The improver after the round: the proposal's program or the incumbent."""
    accepted: bool
    reason: str
    incumbent_cells: Sequence[Cell]
    """The incumbent on this round's fresh validation instances and streams."""
    challenger_cells: Sequence[Cell]
    """The proposal on the same; empty when it is no new program."""


def recursion(lab: Lab, seed: Program, tasks: Sequence[ScaledTask], settings: Settings) -> Generator[Round]:
    """The rounds, one by one, from the seed improver. A proposal that is no new improver leaves the incumbent in place."""
    improver = seed
    for t in range(1, settings.rounds + 1):
        with lab.round(digest([settings.plain(), lab.seed, t])) as own:
            worker = improver if settings.worker == "self" else seed
            lab.progress.phase(f"round {t} of {settings.rounds}: proposing")
            gate = MetaUtility(
                own, tasks, "validation", ["gate", t], settings.validation, settings.inner, settings.keep
            )
            lab.ahead(partial(gate.cells, improver))
            train = MetaUtility(own, tasks, "train", ["round", t], settings.repetitions, settings.inner, settings.keep)
            workpiece = improver if settings.start == "incumbent" else STUB
            proposal = improve(
                own, worker, workpiece, train, ["outer", lab.roots.streams, t], settings.outer, train.level + 1
            )
            lab.progress.phase(f"round {t} of {settings.rounds}: validating")
            outcome = _gate(gate, t, worker, improver, proposal, settings)
        improver = outcome.improver
        yield outcome


def _gate(
    validation: MetaUtility, t: int, worker: Program, incumbent: Program, proposal: Improvement, settings: Settings
) -> Round:
    """Judge a proposal against the incumbent, both on instances and streams that neither has seen; ties keep the incumbent."""
    before = validation.cells(incumbent)
    challenger = proposal.program
    if challenger is None or challenger == incumbent:
        reason = proposal.reason or "returned the improver it was given"
        return Round(t, worker, proposal, incumbent, incumbent, False, reason, before, ())
    after = validation.cells(challenger)
    if all(cell.failed for cell in after):
        reason = f"fails whenever it runs: {after[0].failed}"
        return Round(t, worker, proposal, incumbent, incumbent, False, reason, before, after)
    old, new = (mean(cell.value for cell in counting(cells)) for cells in (before, after))
    accepted = settings.accept == "paper" or new > old
    reason = f"validation {old:.3f} -> {new:.3f} ({new - old:+.3f} over {len(after)} pairs)"
    if settings.accept == "paper":
        reason += ", always accepted"
    return Round(t, worker, proposal, incumbent, challenger if accepted else incumbent, accepted, reason, before, after)
