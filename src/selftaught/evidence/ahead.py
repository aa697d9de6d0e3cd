"""What of the judgement is begun before its turn, beside the rounds: only what is certain to be needed, so that nothing more
is bought. It changes no fact, and no figure: who needs what was begun finds it, or waits for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from selftaught.downstream import ScaledTask
from selftaught.evidence.controls import drawn, in_turn, of_seed
from selftaught.gate import Round
from selftaught.lab import Lab
from selftaught.lab.progress import Beside
from selftaught.meta import MetaUtility
from selftaught.program import Program
from selftaught.recursion import recursion
from selftaught.settings import Settings


class Ahead:
    """Begins the arms and controls of a recursion as soon as they are certain.

    Where a limit on what is bought is set, the rounds come first: nothing is begun until they have ended.
    """

    def __init__(self, lab: Lab, settings: Settings, train: Sequence[ScaledTask], test: Sequence[ScaledTask]) -> None:
        self._lab = replace(lab, progress=Beside(lab.progress))
        self._settings = settings
        self._train = train
        self._report = MetaUtility(self._lab, test, "test", "report", settings.test, settings.inner, settings.keep)
        limits = lab.spend.limits
        bounds = limits.dollars, limits.answers, limits.tokens, limits.round_dollars, limits.round_wall_s
        self._bounded = any(one is not None for one in bounds)

    def begin(self, seed: Program) -> None:
        """The seed improver on test, by itself and as best-of-n; the frozen worker."""
        if self._bounded:
            return
        self._lab.ahead(partial(of_seed, self._report, seed))
        if self._settings.controls == "all" and self._settings.worker == "self":
            self._lab.ahead(partial(self._frozen, seed))

    def follow(self, one: Round) -> None:
        """The improver of a round that has ended, on test."""
        if not self._bounded:
            self._lab.ahead(partial(self._report.cells, one.improver))

    def end(self, rounds: Sequence[Round]) -> None:
        """All rounds have ended: the sham is known."""
        if self._settings.controls == "all":
            self._lab.ahead(lambda: in_turn(self._report, drawn(self._lab, rounds)))

    def _frozen(self, seed: Program) -> None:
        rounds = [*recursion(self._lab, seed, self._train, replace(self._settings, worker="frozen"))]
        self._report.cells(rounds[-1].improver)
