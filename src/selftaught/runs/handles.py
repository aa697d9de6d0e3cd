"""The handles of one run, opened together and closed again whatever happens, an interrupt included."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Generator
from contextlib import contextmanager

from selftaught.budget.spend import Spend
from selftaught.errors import SelftaughtError, StoreFailure
from selftaught.lab import Document, Lab, Stopped
from selftaught.lab.progress import Progress
from selftaught.lab.workers import Workers, sizes
from selftaught.runs.model import open_model
from selftaught.sandbox.levels import open_sandbox
from selftaught.settings import Assignment
from selftaught.store import Store

_NOTE_S = 3.0


@contextmanager
def open_lab(
    asked: Assignment,
    store: Store,
    level: str,
    run: int = 0,
    progress: Progress | None = None,
    spend: Spend | None = None,
    document: Document | None = None,
) -> Generator[Lab]:
    """The lab of a run: its model, a sandbox of that level, the store, and threads for all of them."""
    spend, progress = spend or Spend(), progress or Progress()
    model = open_model(asked, spend.limits.deadline_s)
    workers = Workers(sizes(os.cpu_count() or 1, model.concurrency))
    with open_sandbox(level) as sandbox:
        lab = Lab(sandbox, model, store, workers, asked.seed, run, progress, spend, document or Document({}))
        notes = threading.Thread(target=_note, args=(lab,), daemon=True)
        notes.start()
        try:
            with _letting_go(lab):
                yield lab
        finally:
            lab.stopping.set()
            model.close()
            workers.close()
            notes.join()


@contextmanager
def _letting_go(lab: Lab) -> Generator[None]:
    """Ctrl-C lets go of the model before anything else: what is unwound then would wait for its answers."""

    def interrupt(*_: object) -> None:
        if lab.stopping.is_set():
            os._exit(130)  # asked for twice: every fact is in the store, and the sandbox ends with this process
        lab.stopping.set()
        # In a thread of its own, because this one may hold the locks that closing takes.
        threading.Thread(target=lab.model.close, daemon=True).start()
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, interrupt)
    try:
        yield
    except (SelftaughtError, Stopped):
        if lab.stopping.is_set():  # the failure of what was under way has taken the interrupt's place
            raise KeyboardInterrupt from None
        raise
    finally:
        signal.signal(signal.SIGINT, before)


def _note(lab: Lab) -> None:
    """Note every few seconds what the run has cost, so that a limit on time counts also what a kill ended."""
    while not lab.stopping.wait(_NOTE_S):
        try:
            lab.store.spend(lab.run, lab.spend.now().plain())
        except StoreFailure:
            return  # the run is told the same at its next fact
