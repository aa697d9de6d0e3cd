"""The handles of one run, opened together and closed again whatever happens, an interrupt included."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from selftaught.budget.spend import Spend
from selftaught.errors import ENDING, SelftaughtError, StoreFailure
from selftaught.lab import Document, Lab, Stopped
from selftaught.lab.progress import Progress
from selftaught.lab.workers import Workers, sizes
from selftaught.models.gateway import Gateway
from selftaught.models.turns import Turns
from selftaught.models.waiting import Watch
from selftaught.runs.model import Models, take_turns
from selftaught.sandbox import Sandbox
from selftaught.sandbox.levels import open_sandbox
from selftaught.store import Store

_PULSE_S = 1.0
"""How often a run says in the store that it lives, where it is, and what it has cost."""
_ASKED = "asked to stop"


@contextmanager
def open_handles(
    opening: Callable[[Sandbox], Models],
    store: Store,
    level: str,
    seed: int,
    run: int = 0,
    progress: Progress | None = None,
    spend: Spend | None = None,
    document: Document | None = None,
    share_cores: bool = False,
) -> Generator[Lab]:
    """A lab with a sandbox of that level, the models that `opening` makes around it, the store, and threads for all of them.

    A model on this machine takes turns with scoring, unless they are to `share_cores`.
    """
    with open_sandbox(level) as sandbox:
        model, proposer = opening(sandbox)
        models = [one for one in (model, proposer) if one]
        workers = Workers(sizes(sandbox.slots, max(one.concurrency for one in models)))
        handles = progress or Progress(), spend or Spend(), document or Document({})
        turns = None if share_cores else Turns()
        lab = Lab(sandbox, model, store, workers, seed, run, *handles, proposer=proposer, turns=turns)
        for one in models:
            take_turns(one, lab)
            if isinstance(one, Gateway):
                one.watch = _Heard(lab.progress)
        try:
            with letting_go(lab), pulsing(lab):
                yield lab
        finally:
            lab.stopping.set()
            for one in models:
                one.close()
            workers.close()


class _Heard(Watch):
    """Passes what is heard of the model on to who shows how far the run is."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress

    def note(self, text: str) -> None:
        self._progress.note(text)

    def lost(self, text: str) -> None:
        self._progress.milestone(text)

    def came(self, pieces: int) -> None:
        self._progress.count("tokens", pieces)


@contextmanager
def letting_go(lab: Lab) -> Generator[None]:
    """Ctrl-C and its like let go of the model before anything else: what is unwound then would wait for its answers."""
    reasons: list[str] = []

    def interrupt(number: int, *_: object) -> None:
        if lab.stopping.is_set():
            if number == signal.SIGINT:
                os._exit(130)  # asked for twice: every fact is in the store, and the sandbox ends with this process
            return
        reasons.append(ENDING[signal.Signals(number)])
        for one in before.keys() - {signal.SIGINT} if number != signal.SIGINT else ():
            before.pop(one)
            signal.signal(one, _heeded)  # this process ends: being told so again must not cut short how it does
        _let_go(lab)
        raise KeyboardInterrupt

    before = _caught(interrupt) if threading.current_thread() is threading.main_thread() else {}
    try:
        yield
    except (SelftaughtError, Stopped, KeyboardInterrupt) as error:
        if lab.stopping.is_set():  # the failure of what was under way has taken the interrupt's place
            told = str(error) if isinstance(error, KeyboardInterrupt) else ""
            reason = _ASKED if _asked(lab) else reasons[0] if reasons else told or "interrupted"
            raise KeyboardInterrupt(reason) from None
        raise
    finally:
        for number, handler in before.items():
            if handler is not None:  # one that was not set from Python cannot be set from it
                signal.signal(number, handler)


def _heeded(*_: object) -> None:
    """Nothing is left to be done. To ignore the signal would print a trace where it had just come."""


def _caught(interrupt: Callable[..., None]) -> dict[signal.Signals, Any]:
    """Have the signals that end a run call this, and tell what they did before. Where one is to be ignored (nohup) it stays so,
    but for Ctrl-C."""
    heeded = [one for one in ENDING if one == signal.SIGINT or signal.getsignal(one) != signal.SIG_IGN]
    return {one: signal.signal(one, interrupt) for one in heeded}


def _let_go(lab: Lab) -> None:
    lab.stopping.set()
    # In a thread of its own, because this one may hold the locks that closing takes.
    for one in (lab.model, lab.proposer):
        if one:
            threading.Thread(target=one.close, daemon=True).start()


@contextmanager
def pulsing(lab: Lab) -> Generator[None]:
    """While the block runs, tell the store every second where the run stands, and hear from it whether to stop."""
    if not lab.run:
        yield
        return
    ended = threading.Event()
    thread = threading.Thread(target=_pulses, args=(lab, ended), daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        lab.store.note_events(lab.run, lab.progress.take_events())


def _pulses(lab: Lab, ended: threading.Event) -> None:
    while True:
        try:
            pulse(lab)
            if not lab.stopping.is_set() and _asked(lab):
                _let_go(lab)
        except StoreFailure:
            return  # the run is told the same at its next fact
        if ended.wait(_PULSE_S):
            return


def pulse(lab: Lab) -> None:
    """Tell the store what the run is doing, what it has cost and what has happened since the last time."""
    held = sum(one.held for one in (lab.model, lab.proposer) if isinstance(one, Gateway))
    lab.store.spend(lab.run, replace(lab.spend.now(), held=held).plain())
    lab.store.pulse(lab.run, lab.progress.snapshot().plain())
    lab.store.note_events(lab.run, lab.progress.take_events())


def _asked(lab: Lab) -> bool:
    return bool(lab.run) and lab.store.asked_to_stop(lab.run)
