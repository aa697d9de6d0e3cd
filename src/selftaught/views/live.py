"""A run's progress as it goes: a table on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import threading
from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.live import Live

from selftaught.views import running
from selftaught.views.tables import drawn
from selftaught.views.terminal import clean

if TYPE_CHECKING:
    from selftaught.lab.progress import Progress

_PLAIN_EVERY_S = 4.0
"""Seconds between two lines: never so long that one could take a run for dead."""


@contextmanager
def displayed(progress: Progress, console: Console) -> Generator[None]:
    """Show progress on `console` while the block runs."""
    ended = threading.Event()
    show = _live if console.is_terminal else _plain
    thread = threading.Thread(target=show, args=(progress, console, ended), daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        _said(progress, console)


def _live(progress: Progress, console: Console, ended: threading.Event) -> None:
    with Live(console=console, transient=True, refresh_per_second=4) as live:
        while not ended.wait(0.25):
            _said(progress, live.console)
            live.update(drawn([running.now(progress.snapshot().plain())]))


def _said(progress: Progress, console: Console) -> None:
    """What has come to its end and what there is to be known, a line each."""
    for text in progress.take_lines():
        console.print(clean(text), soft_wrap=True, highlight=False, markup=False, emoji=False)


def _plain(progress: Progress, console: Console, ended: threading.Event) -> None:
    """A line at each change of phase and every few seconds."""
    phase, last = "", 0.0
    while not ended.wait(0.2):
        now = progress.snapshot()
        _said(progress, console)
        if now.phase != phase or now.elapsed_s - last >= _PLAIN_EVERY_S:
            phase, last = now.phase, now.elapsed_s
            said = clean(running.line(now.plain()))
            console.print(said, soft_wrap=True, highlight=False, markup=False, emoji=False)
