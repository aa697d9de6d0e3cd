"""STOP, the recursion (paper, algorithm 1): I_t = I_{t-1}(û, I_{t-1}, L), for t = 1 … T.

The current improver is both worker and workpiece: it improves the text of an improver, its own, under the meta-utility û.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from functools import partial

from selftaught.downstream import ScaledTask
from selftaught.gate import Round, gated, looks
from selftaught.improver import improve
from selftaught.lab import Lab
from selftaught.lab.interface import ENTRY, hinted
from selftaught.meta import MetaUtility
from selftaught.plain import digest
from selftaught.program import Program
from selftaught.settings import Settings

STUB = Program(f"def {ENTRY}(initial_solution, utility, language_model):\n    return initial_solution\n")
"""What a maximizer is shown in place of the incumbent."""


def recursion(lab: Lab, seed: Program, tasks: Sequence[ScaledTask], settings: Settings) -> Generator[Round]:
    """The rounds, one by one, from the seed improver. A proposal that is no new improver leaves the incumbent in place."""
    improver, hints = seed, hinted(lab, settings)
    for t in range(1, settings.rounds + 1):
        with lab.round(digest([settings.plain(), lab.seed, t])) as own:
            worker = improver if settings.worker == "self" else seed
            lab.progress.phase(f"round {t} of {settings.rounds}: proposing")
            first = looks(settings, tasks, 1)[0]
            gate = MetaUtility(own, tasks, "validation", ["gate", t], first, settings.inner, settings.keep)
            lab.ahead(partial(gate.cells, improver))
            train = MetaUtility(
                own, tasks, "train", ["round", t], settings.repetitions, settings.inner, settings.keep, hints
            )
            workpiece = improver if settings.start == "incumbent" else STUB
            proposal = improve(
                own, worker, workpiece, train, ["outer", lab.roots.streams, t], settings.outer, train.level + 1
            )
            lab.progress.phase(f"round {t} of {settings.rounds}: validating")
            outcome = gated(gate, train, t, worker, improver, proposal, settings)
        improver = outcome.improver
        yield outcome
